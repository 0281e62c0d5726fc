"""One project, two environments on two servers: each gets what its overlays say, and stays as it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import servers
from tests.support.cli import Project
from tests.support.raw import Raw
from tests.support.servers import Server


@pytest.fixture(scope="module")
def production(server: Server) -> Iterator[Server]:
    """A second server, beside the session's."""
    running = servers.start_dev()
    yield running
    running.stop()


@pytest.fixture
def both(project: Project, production: Server, unique: str) -> Project:
    """A project with an overlay for the second server."""
    project.write(
        "vaultconf.yaml",
        f"""\
        version: 1
        project: both
        prune: [auth/{unique}/role/*]
        targets:
          stage: {{address: "{project.server.address}", vars: {{me: {unique}, ttl: 1h}}}}
          prod:
            address: "{production.address}"
            vars: {{me: {unique}, ttl: 5m}}
            overlays: [overlays/prod, overlays/eu.yaml]
        """,
    )
    project.policy(f"{unique}-file", 'path "a/*" {\n  capabilities = ["read"]\n}\n')
    project.write(
        "desired-state/a.yaml",
        """\
        templates:
          app:
            params: {name: , uses: 5}
            auth: {"${var:me}": {roles: {"${param:name}": {token_ttl: "${var:ttl}", token_num_uses: "${param:uses}"}}}}
        use: {app: [{name: payments}, {name: ledger}]}
        auth:
          "${var:me}": {type: approle, tune: {max_lease_ttl: 24h}, roles: {sandbox: {token_ttl: 2h}}}
        secrets:
          "${var:me}": {type: kv, options: {version: "2"}, config: {max_versions: 20}}
        identity:
          entities: {"${var:me}": {metadata: {team: a, tier: gold}}}
        """,
    )
    project.write(
        "overlays/prod/deep/a.yaml",
        """\
        templates: {app: {params: {uses: 1}}}
        auth:
          "${var:me}": {tune: {max_lease_ttl: 1h}, roles: {sandbox: null, ledger: {token_num_uses: 3}}}
        secrets: {"${var:me}": {config: null, description: production}}
        identity: {entities: {"${var:me}": {metadata: {tier: null, stage: prod}}}}
        """,
    )
    project.write(
        "overlays/eu.yaml",
        """\
        policies: {"${var:me}-file": null, "${var:me}-eu": {policy: 'path "eu/*" { capabilities = ["read"] }'}}
        auth: {"${var:me}": {roles: {eu: {token_ttl: "${var:ttl}"}}}}
        """,
    )
    return project


def on(project: Project, server: Server, *argv: str) -> Any:
    """The JSON of a command that goes to another server."""
    result = project.run(*argv, "--format", "json", env={"VAULT_ADDR": server.address, "VAULT_TOKEN": server.token})
    assert result.exit_code == 0, str(result)
    return result.plan


def field(server: Raw, path: str, name: str) -> Any:
    """What a server says of one field."""
    found = server.read(path)
    assert found is not None
    return found[name]


def test_each_environment_gets_its_own_and_then_nothing_differs(
    both: Project, production: Server, raw: Raw, unique: str
) -> None:
    checked = both.run("validate")
    both.apply("--target", "stage")
    on(both, production, "apply", "--yes", "--target", "prod")
    stage, prod = both.plan("--target", "stage"), on(both, production, "plan", "--target", "prod")

    there = production.raw()
    assert checked.exit_code == 0
    assert (stage["changes"], prod["changes"]) == ([], [])
    assert field(raw, f"auth/{unique}/role/payments", "token_num_uses") == 5
    assert field(there, f"auth/{unique}/role/payments", "token_num_uses") == 1
    assert field(there, f"auth/{unique}/role/ledger", "token_num_uses") == 3
    assert field(there, f"auth/{unique}/role/ledger", "token_ttl") == 300
    assert sorted(there.list(f"auth/{unique}/role")) == ["eu", "ledger", "payments"]
    assert sorted(raw.list(f"auth/{unique}/role")) == ["ledger", "payments", "sandbox"]
    assert field(there, f"identity/entity/name/{unique}", "metadata") == {"team": "a", "stage": "prod"}
    assert f"{unique}-file" in raw.list("sys/policies/acl")
    assert f"{unique}-file" not in there.list("sys/policies/acl")
    assert f"{unique}-eu" in there.list("sys/policies/acl")


def test_a_change_shows_the_line_of_the_overlay(both: Project, production: Server, unique: str) -> None:
    on(both, production, "apply", "--yes", "--target", "prod")
    there = production.raw()
    there.write(f"auth/{unique}/role/ledger", {"token_num_uses": 9})
    there.write(f"auth/{unique}/role/payments", {"token_num_uses": 9})
    there.delete(f"auth/{unique}/role/eu")

    plan = on(both, production, "plan", "--target", "prod")

    assert {
        item["address"]: (item["action"], item["source"]["file"], item["source"]["line"]) for item in plan["changes"]
    } == {
        f"auth/{unique}/role/ledger": ("update", "overlays/prod/deep/a.yaml", 3),
        f"auth/{unique}/role/payments": ("update", "desired-state/a.yaml", 4),
        f"auth/{unique}/role/eu": ("create", "overlays/eu.yaml", 2),
    }


def test_what_an_overlay_begins_to_remove_is_deleted_where_git_is_the_whole_truth(
    both: Project, production: Server, unique: str
) -> None:
    on(both, production, "apply", "--yes", "--target", "prod")
    both.write("overlays/prod/more.yaml", 'auth: {"${var:me}": {roles: {payments: null}}}\n')

    plan = on(both, production, "plan", "--target", "prod", "--out", "plan.json")
    on(both, production, "apply", "plan.json", "--yes", "--target", "prod")

    assert [(item["action"], item["address"]) for item in plan["changes"]] == [
        ("delete", f"auth/{unique}/role/payments")
    ]
    assert on(both, production, "plan", "--target", "prod")["changes"] == []


def test_a_saved_plan_does_not_fit_when_the_overlay_has_changed(both: Project, production: Server, unique: str) -> None:
    on(both, production, "plan", "--target", "prod", "--out", "plan.json")
    both.write("overlays/eu.yaml", (both.root / "overlays/eu.yaml").read_text().replace("${var:ttl}", "7m"))

    env = {"VAULT_ADDR": production.address, "VAULT_TOKEN": production.token}
    refused = both.run("apply", "plan.json", "--yes", "--target", "prod", env=env)

    assert refused.exit_code == 3
    assert f"auth/{unique}/role/eu" in refused.stderr


def test_the_rendered_environment_is_what_was_applied(both: Project, production: Server) -> None:
    on(both, production, "apply", "--yes", "--target", "prod")
    rendered = both.run("render", "--target", "prod").stdout
    for folder in ("overlays", "policies", "desired-state"):
        for file in sorted((both.root / folder).rglob("*.*")):
            file.unlink()
    both.write("overlays/prod/none.yaml", "policies: {}\n")
    both.write("overlays/eu.yaml", "policies: {}\n")
    both.write("desired-state/all.yaml", rendered)

    assert on(both, production, "plan", "--target", "prod")["changes"] == []


def test_an_export_into_the_own_folder_leaves_overlays_alone(both: Project, production: Server, unique: str) -> None:
    on(both, production, "apply", "--yes", "--target", "prod")
    before = (both.root / "overlays/eu.yaml").read_text()

    env = {"VAULT_ADDR": production.address, "VAULT_TOKEN": production.token}
    exported = both.run("export", "--target", "prod", "--only", f"auth/{unique}/role/*", env=env)

    assert exported.exit_code == 0
    assert (both.root / "overlays/eu.yaml").read_text() == before
    assert on(both, production, "plan", "--target", "prod")["changes"] == []
