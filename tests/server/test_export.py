"""Export writes the files that a person would have written, and a plan of them finds nothing to do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml

from tests.support import servers
from tests.support.cli import Project
from tests.support.climbing import authorities, database, mount_types
from tests.support.ladders import dotted, ladder_names, load
from tests.support.plugins import missing
from tests.support.raw import Raw
from tests.support.servers import Server
from tests.support.stub import Stub
from vaultconf import pipeline
from vaultconf.model import Server as Product
from vaultconf.references import Deferred
from vaultconf.resolving import Sources


def exported(project: Project, folder: Path, *argv: str) -> dict[str, Any]:
    """Export into a folder and return the JSON; anything but exit 0 fails the test."""
    result = project.run("export", "--output", str(folder), "--format", "json", *argv)
    assert result.exit_code == 0, result
    return dict(json.loads(result.stdout))


def files_in(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()}


# --- every kind, and back again ---


@pytest.fixture
def origin() -> Iterator[Server]:
    """A server of its own, to be exported as a whole."""
    running = servers.start_with_audit()
    yield running
    running.stop()


@pytest.fixture
def fresh() -> Iterator[Server]:
    """A server on which nothing is yet."""
    running = servers.start_with_audit()
    yield running
    running.stop()


@pytest.fixture
def all_kinds(
    request: pytest.FixtureRequest, tmp_path: Path, unique: str, origin: Server, issuer: Stub
) -> tuple[Project, dict[str, str]]:
    """A project that declares an object of each kind that the server has, with most of its fields; and its secrets."""
    project, env = Project.new(tmp_path / "origin", origin), dict[str, str]()
    shared = {
        "folder": str(origin.folder),
        "issuer": issuer.address,
        **authorities(request.getfixturevalue("server"), unique),
    }
    for number, name in enumerate(ladder_names()):
        needs, prefix = load(name).data, f"{unique}x{number}"
        if missing(origin, *mount_types(needs)) or (needs.get("server") == "namespaces" and not namespaces_of(origin)):
            continue
        sql = [text.replace("<unique>", prefix) for text in needs.get("sql", [])]
        ladder = load(name, {**shared, **database(request, sql), "unique": prefix})
        rungs = [rung.wanted for rung in ladder.rungs(Product(origin.product, origin.version)) if rung.at_once]
        richest = max(rungs, key=lambda wanted: len(dotted(ladder.kind, wanted)))
        project.write(f"desired-state/{name}.around.yaml", yaml.safe_dump(ladder.data.get("around", {})))
        project.write(f"desired-state/{name}.yaml", yaml.safe_dump(ladder.document(richest)))
        env |= ladder.env
    return project, env


def namespaces_of(server: Server) -> bool:
    return server.product == "openbao" or server.enterprise


def provided(project: Project, provide: list[dict[str, str]], env: dict[str, str]) -> dict[str, str]:
    """The values that an export asks for, as the project that was applied has them."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in env.items():
            patch.setenv(name, value)
        loaded, state = pipeline.validate(project.root)
        resolve = Sources(loaded.root, None)
        declared = {str(item.address): item.values for item in state.objects}
        values = {item["reference"][6:-1]: declared[item["address"]][item["field"]] for item in provide}
        return {
            name: str(value.resolve(resolve) if isinstance(value, Deferred) else value)
            for name, value in values.items()
        }


def test_a_server_with_every_kind_of_object_is_exported_applied_elsewhere_and_exported_the_same(
    all_kinds: tuple[Project, dict[str, str]], fresh: Server, tmp_path: Path
) -> None:
    project, env = all_kinds
    applied = project.run("apply", "--yes", env=env)
    assert applied.exit_code == 0, applied

    first = exported(project, tmp_path / "first")
    plan = Project(tmp_path / "first", project.server).run("plan", "--detailed-exitcode", "--format", "json")
    secrets = provided(project, first["provide"], env)
    elsewhere = Project(tmp_path / "first", fresh).run("apply", "--yes", env=secrets)
    (tmp_path / "second").mkdir()
    second = exported(Project(tmp_path / "second", fresh), tmp_path / "second")

    assert (first["left_out"], first["blocked"]) == ([], [])
    assert plan.exit_code == 0, plan
    assert plan.plan["unmanaged"] == []
    assert elsewhere.exit_code == 0, elsewhere
    assert files_in(tmp_path / "second") == files_in(tmp_path / "first")
    assert second["provide"] == first["provide"]


# --- what is written, and what is not ---


@pytest.fixture
def small(project: Project, unique: str) -> Project:
    """A project that was applied: a mount with a role, the policy that it names, a database connection."""
    project.policy(unique, 'path "x" { capabilities = ["read"] }\n')
    project.write(
        "desired-state/a.yaml",
        f"""
        auth:
          {unique}:
            type: approle
            roles:
              app: {{token_policies: [{unique}], token_ttl: 86400}}
        secrets:
          {unique}: {{type: kv, options: {{version: 2}}, config: {{max_versions: 7}}}}
        """,
    )
    project.apply()
    return project


def test_only_what_matches_is_exported_and_what_it_names_is_external(
    small: Project, unique: str, tmp_path: Path
) -> None:
    only = f"auth/{unique}/*"

    exported(small, tmp_path / "out", "--only", only)
    plan = Project(tmp_path / "out", small.server).run("plan", "--detailed-exitcode", "--only", only)

    assert files_in(tmp_path / "out") == {
        "vaultconf.yaml": f"version: 1\nexternal: [sys/policies/acl/{unique}]\n",
        f"desired-state/auth/{unique}.yaml": (
            f"auth:\n  {unique}:\n    roles:\n      app:\n        token_policies: [{unique}]\n        token_ttl: 24h\n"
        ),
    }
    assert plan.exit_code == 0, plan


def test_a_mount_brings_the_configuration_that_comes_with_it(small: Project, unique: str, tmp_path: Path) -> None:
    exported(small, tmp_path / "out", "--only", f"sys/mounts/{unique}")

    assert files_in(tmp_path / "out")[f"desired-state/secrets/{unique}.yaml"] == (
        f'secrets:\n  {unique}:\n    type: kv\n    options: {{version: "2"}}\n    config: {{max_versions: 7}}\n'
    )


def test_in_its_own_folder_a_project_gets_only_what_it_does_not_declare(small: Project, unique: str, raw: Raw) -> None:
    raw.write(f"auth/{unique}/role/other", {"token_policies": [unique]})
    before = files_in(small.root)

    result = small.run("export", "--only", f"auth/{unique}/*", "--only", f"sys/policies/acl/{unique}")
    plan = small.run("plan", "--detailed-exitcode", "--unmanaged", "--only", f"auth/{unique}/*")

    assert result.exit_code == 0, result
    assert {name: text for name, text in files_in(small.root).items() if name not in before} == {
        f"desired-state/auth/{unique}.yaml": (
            f"auth:\n  {unique}:\n    roles:\n      other:\n        token_policies: [{unique}]\n"
        )
    }
    assert (plan.exit_code, "unmanaged" in plan.stdout) == (0, False), plan


def test_a_file_that_is_there_is_never_overwritten(small: Project, unique: str, tmp_path: Path) -> None:
    there = tmp_path / "out" / "desired-state" / "auth" / f"{unique}.yaml"
    there.parent.mkdir(parents=True)
    there.write_text("# mine\n")

    result = small.run("export", "--output", str(tmp_path / "out"), "--only", f"auth/{unique}/*", "--format", "json")

    assert result.exit_code == 1
    assert json.loads(result.stdout)["errors"][0]["message"] == (
        f"`desired-state/auth/{unique}.yaml` is there already, and nothing is overwritten"
    )
    assert files_in(tmp_path / "out") == {f"desired-state/auth/{unique}.yaml": "# mine\n"}


def test_a_link_that_leads_elsewhere_is_not_followed(small: Project, unique: str, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out" / "desired-state").symlink_to(tmp_path / "elsewhere")

    result = small.run("export", "--output", str(tmp_path / "out"), "--only", f"auth/{unique}/*")

    assert (result.exit_code, files_in(tmp_path / "elsewhere")) == (1, {})
    assert "leads out of the project" in result.stderr


def test_what_may_not_be_read_makes_the_export_incomplete(
    small: Project, unique: str, tmp_path: Path, raw: Raw
) -> None:
    raw.write(
        f"sys/policies/acl/{unique}-reader",
        {
            "policy": f'path "sys/auth" {{ capabilities = ["read"] }} path "auth/{unique}/role" {{ capabilities = ["list"] }}'
        },
    )
    token = raw.write("auth/token/create", {"policies": [f"{unique}-reader"]})["auth"]["client_token"]

    result = small.run(
        *("export", "--output", str(tmp_path / "out"), "--only", f"auth/{unique}/*", "--format", "json"),
        env={"VAULT_TOKEN": token},
    )

    made = json.loads(result.stdout)
    assert (result.exit_code, made["complete"]) == (1, False)
    assert {"address": f"auth/{unique}/role/app", "kind": "approle_role", "status": 403} in [
        {key: item[key] for key in ("address", "kind", "status")} for item in made["blocked"]
    ]


def test_no_secret_that_the_server_returns_is_written(project: Project, unique: str, tmp_path: Path, raw: Raw) -> None:
    canary = "canary-3f9a"
    raw.write(f"sys/mounts/{unique}", {"type": "database"})
    raw.write(
        f"{unique}/config/pg",
        {
            "plugin_name": "postgresql-database-plugin",
            "connection_url": f"postgresql://app:{canary}@127.0.0.1:1/x",
            "verify_connection": False,
            "pem_bundle": canary,
            "password": canary,
            "username": "app",
        },
    )

    result = project.run("export", "--output", str(tmp_path / "out"), "--only", f"{unique}/*", "--format", "json")
    plan = Project(tmp_path / "out", project.server).run("plan", "--detailed-exitcode", "--only", f"{unique}/*")

    shown = "".join(files_in(tmp_path / "out").values()) + result.stdout + result.stderr + plan.stdout
    assert canary not in shown
    assert {item["field"] for item in json.loads(result.stdout)["provide"]} == {
        "connection_url",
        "password",
        "pem_bundle",
    }
    assert plan.exit_code == 0, plan


@pytest.mark.parametrize(
    "name",
    ["we/ird", "on", "010", "1:30", "-", "a b", "ünïcode", "# no comment", "{x: y}", "'\"", "a" * 200, "null", "a.b"],
)
def test_a_policy_of_any_name_is_exported_such_that_it_is_read_back(
    project: Project, unique: str, tmp_path: Path, raw: Raw, name: str
) -> None:
    raw.write(
        f"sys/policies/acl/{quote(unique + name)}",
        {"policy": 'path "x" { capabilities = ["read"] } # ${env:HOME} $${env:X}'},
    )
    only = f"sys/policies/acl/{unique}*"

    made = exported(project, tmp_path / "out", "--only", only)
    plan = Project(tmp_path / "out", project.server).run(
        "plan", "--detailed-exitcode", "--format", "json", "--only", only
    )

    assert (made["left_out"], made["objects"]) == ([], 1)
    assert (plan.exit_code, plan.plan["unmanaged"], plan.plan["summary"]["unchanged"]) == (0, [], 1), plan


def test_what_no_file_can_declare_is_left_out_and_named(
    project: Project, unique: str, tmp_path: Path, raw: Raw
) -> None:
    raw.write(quote(f"sys/policies/acl/{unique}-${{env:x}}"), {"policy": "# x"})
    raw.write(f"sys/policies/acl/{unique}-good", {"policy": "# good"})

    made = exported(project, tmp_path / "out", "--only", f"sys/policies/acl/{unique}*")

    assert made["left_out"] == [
        {
            "address": f"sys/policies/acl/{unique}-${{env:x}}",
            "kind": "acl_policy",
            "reason": "no file can declare this name",
        }
    ]
    assert f"policies/{unique}-good.hcl" in made["files"]


def test_the_text_says_what_to_provide_and_what_to_do_next(
    project: Project, unique: str, tmp_path: Path, raw: Raw
) -> None:
    raw.write(f"sys/auth/{unique}", {"type": "userpass"})
    raw.write(f"auth/{unique}/users/ann", {"password": "correct horse"})

    result = project.run("export", "--output", str(tmp_path / "out"), "--only", f"auth/{unique}/*")

    assert result.exit_code == 0, result
    assert f"  · {unique.upper()}_ANN_PASSWORD  auth/{unique}/users/ann password\n" in result.stdout
    assert result.stdout.endswith(f"See that nothing differs: vaultconf -C {tmp_path}/out plan\n")


def test_an_entity_that_a_login_made_is_left_to_the_server_until_somebody_changes_it(
    project: Project, unique: str, tmp_path: Path, raw: Raw
) -> None:
    raw.write(f"sys/auth/{unique}", {"type": "userpass"})
    raw.write(f"auth/{unique}/users/ann", {"password": "correct horse"})
    entity = raw.write(f"auth/{unique}/login/ann", {"password": "correct horse"})["auth"]["entity_id"]
    name = (raw.read(f"identity/entity/id/{entity}") or {})["name"]
    only = f"identity/entity/name/{name}"

    untouched = exported(project, tmp_path / "before", "--only", only)
    raw.write(f"identity/entity/id/{entity}", {"metadata": {"team": "a"}})
    exported(project, tmp_path / "after", "--only", only)

    assert untouched["objects"] == 0
    assert yaml.safe_load(files_in(tmp_path / "after")["desired-state/identity.yaml"]) == {
        "identity": {"entities": {name: {"metadata": {"team": "a"}, "aliases": [{"mount": unique, "name": "ann"}]}}}
    }
