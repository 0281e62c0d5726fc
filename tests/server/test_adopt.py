"""A change made by hand is kept: by the page that tells how, and where it cannot be."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tests.support import servers
from tests.support.cli import Project, Result
from tests.support.markdown import ROOT, blocks
from tests.support.raw import Raw
from tests.support.servers import Server

PAGE = ROOT / "docs/how-to/keep-a-change-made-by-hand.md"
SCHEMA = json.loads((ROOT / "docs/schemas/adopted.schema.json").read_text(encoding="utf-8"))
POLICY = 'path "kv/data/x/*" { capabilities = ["read"] }'


@pytest.fixture
def fresh(server: Server) -> Iterator[Server]:
    """A server of its own: the page shows a whole drift."""
    running = servers.start_dev()
    yield running
    running.stop()


@pytest.fixture
def applied(project: Project, unique: str, raw: Raw) -> Project:
    """Two roles of a mount that were applied, one of them changed by hand since, and one made by hand."""
    project.write(
        "desired-state/a.yaml",
        f"""\
        # Who logs in.
        auth:
          {unique}:
            type: approle
            roles:
              one: {{token_ttl: 20m}}  # short
              two: {{token_ttl: 20m}}
        """,
    )
    project.apply()
    raw.write(f"auth/{unique}/role/one", {"token_ttl": "30m"})
    raw.write(f"auth/{unique}/role/three", {"token_ttl": "1h"})
    return project


def text(project: Project) -> str:
    return (project.root / "desired-state/a.yaml").read_text()


def adopted(project: Project, *argv: str) -> Result:
    """Adopt, as JSON, which is as its schema promises."""
    result = project.run("adopt", "--format", "json", *argv)
    assert [error.message for error in Draft202012Validator(SCHEMA).iter_errors(result.plan)] == []
    return result


def messages(result: Result) -> list[str]:
    return [item["message"] for item in result.plan["errors"]]


def test_the_page_shows_what_adopt_prints_and_does(fresh: Server, tmp_path: Path) -> None:
    found = list(blocks(PAGE))
    before = next(block for block in found if block.file)
    shown = next(block for block in found if block.language == "text")
    changed = next(block for block in found if block.language == "diff")
    command = next(block for block in found if block.text.startswith("vaultconf adopt"))
    project, raw = Project.new(tmp_path, fresh), fresh.raw()
    path = project.write(before.file, before.text)
    project.apply()
    raw.write("auth/approle/role/payments", {"token_ttl": "1h"})
    raw.write("auth/approle/role/payments-batch", {"token_ttl": "8h"})

    drift = project.run("drift")
    result = project.run(*command.text.split()[1:])
    after = project.run("drift")

    assert (drift.exit_code, after.exit_code) == (2, 0), after
    head = f"{fresh.product} {fresh.version} at {fresh.address}\n"
    assert (result.exit_code, result.stdout) == (0, head + shown.text.partition("\n")[2])
    lines = difflib.unified_diff(before.text.split("\n"), path.read_text().split("\n"), n=9, lineterm="")
    assert changed.text in "\n".join([*lines, ""])


def test_what_differs_and_what_nobody_declared_is_adopted_and_a_second_time_nothing_is_left(
    applied: Project, unique: str
) -> None:
    first = adopted(applied, f"auth/{unique}/role/*")
    second = adopted(applied, f"auth/{unique}/role/*")

    assert (first.exit_code, first.plan["files"]) == (0, ["desired-state/a.yaml"])
    assert [(item["address"], item["action"], item["fields"], item["line"]) for item in first.plan["adopted"]] == [
        (f"auth/{unique}/role/one", "changed", ["token_ttl"], 6),
        (f"auth/{unique}/role/three", "added", ["token_ttl"], 8),
    ]
    assert text(applied).splitlines()[5:] == [
        "      one: {token_ttl: 30m}  # short",
        "      two: {token_ttl: 20m}",
        "      three: {token_ttl: 1h}",
    ]
    assert (second.exit_code, second.plan["adopted"], second.plan["files"]) == (0, [], [])
    assert applied.run("drift").exit_code == 0


def test_what_cannot_be_adopted_is_named_all_at_once_and_no_file_is_touched(
    applied: Project, unique: str, raw: Raw
) -> None:
    mount, before = f"auth/{unique}/role", text(applied)
    hold = f"version: 1\nignore: [{{address: {mount}/three, until: 2999-12-01, reason: INC-1}}]\n"
    applied.write("vaultconf.yaml", hold)
    raw.delete(f"{mount}/two")

    result = adopted(applied, f"{mount}/*", f"{mount}/four", f"auth/{unique}x/role/*")

    assert result.exit_code == 1
    assert messages(result) == [
        f"`{mount}/three` is held until 2999-12-01 (INC-1)",
        f"`{mount}/two` is not on the server, so that there is nothing to adopt",
        f"`{mount}/four` matches nothing that is declared or there",
        f"`auth/{unique}x/role/*` matches nothing that is declared or there",
    ]
    assert [item["line"] for item in result.plan["errors"]] == [None, 7, None, None]
    assert text(applied) == before


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("..x", "could not be read: the path 'sys/policies/acl/{}..x' has an empty segment"),
        ("${{var:x}}", "has a name that no file can declare: it reads as a reference"),
    ],
)
def test_a_hostile_name_on_the_server_is_named_and_stops_no_export(
    applied: Project, unique: str, raw: Raw, tmp_path: Path, name: str, reason: str
) -> None:
    raw.write(f"sys/policies/acl/{unique}{name.format()}", {"policy": POLICY})

    result = adopted(applied, f"sys/policies/acl/{unique}*")
    exported = applied.run("export", "--only", f"sys/policies/acl/{unique}*", "--output", str(tmp_path / "out"))

    assert result.exit_code == 1
    assert len(messages(result)) == 1
    assert reason.format(unique) in messages(result)[0]
    assert f"sys/policies/acl/{unique}{name.format()}" in exported.stdout


def test_a_held_object_is_no_drift_until_its_day_has_passed_and_can_be_adopted_then(
    applied: Project, unique: str
) -> None:
    address = f"auth/{unique}/role/one"
    hold = "version: 1\nignore: [{{address: {}, until: {}, reason: INC-1}}]\n"

    applied.write("vaultconf.yaml", hold.format(address, "2999-12-01"))
    held = applied.run("drift", "--format", "json")
    applied.write("vaultconf.yaml", hold.format(address, "2020-12-01"))
    past = applied.run("drift", "--format", "json")
    result = adopted(applied, address)

    assert (held.exit_code, held.plan["changes"]) == (0, [])
    assert held.plan["held"] == [{"address": address, "reason": "INC-1", "until": "2999-12-01"}]
    assert (past.exit_code, [change["address"] for change in past.plan["changes"]]) == (2, [address])
    assert f"{address}: the hold ended on 2020-12-01 (INC-1)" in past.plan["notices"]
    assert (result.exit_code, applied.run("drift").exit_code) == (0, 0)


def test_a_role_and_the_policy_that_it_names_are_adopted_together_and_not_the_role_alone(
    applied: Project, unique: str, raw: Raw
) -> None:
    raw.write(f"sys/policies/acl/{unique}-hand", {"policy": POLICY})
    raw.write(f"auth/{unique}/role/three", {"token_policies": f"{unique}-hand"})

    alone = adopted(applied, f"auth/{unique}/role/three")
    both = adopted(applied, f"auth/{unique}/role/three", f"sys/policies/acl/{unique}-hand")

    assert (alone.exit_code, len(messages(alone))) == (1, 1)
    assert f"names the ACL policy `{unique}-hand`, which is not declared" in messages(alone)[0]
    assert (both.exit_code, both.plan["files"]) == (0, ["desired-state/a.yaml", f"policies/{unique}-hand.hcl"])
    assert (applied.root / f"policies/{unique}-hand.hcl").read_text() == f"{POLICY}\n"


def test_a_mount_comes_with_its_configuration_and_with_what_is_in_it_where_that_is_asked_for(
    project: Project, unique: str, raw: Raw
) -> None:
    raw.write(f"sys/mounts/{unique}-kv", {"type": "kv", "options": {"version": "2"}})
    raw.write(f"{unique}-kv/config", {"max_versions": 3})
    raw.write(f"sys/auth/{unique}-up", {"type": "userpass", "config": {"max_lease_ttl": "24h"}})
    raw.write(f"auth/{unique}-up/users/ann", {"password": "correct horse", "token_ttl": "1h"})

    alone = adopted(project, f"sys/mounts/{unique}-kv", f"sys/auth/{unique}-up")
    children = adopted(project, f"auth/{unique}-up/*")

    assert alone.plan["files"] == [f"desired-state/auth/{unique}-up.yaml", f"desired-state/secrets/{unique}-kv.yaml"]
    assert "max_versions: 3" in (project.root / alone.plan["files"][1]).read_text()
    assert [item["action"] for item in children.plan["adopted"]] == ["added"]
    assert [item["reference"] for item in children.plan["provide"]] == [f"${{env:{unique.upper()}_UP_ANN_PASSWORD}}"]
    assert "correct horse" not in str(children)
    plan = project.run("plan", "--detailed-exitcode")
    assert plan.exit_code == 0, plan


def test_what_lies_outside_owns_is_not_adopted(applied: Project, unique: str) -> None:
    applied.write(
        "vaultconf.yaml", f"version: 1\nowns: [sys/auth/{unique}, auth/{unique}/role/one, auth/{unique}/role/two]\n"
    )

    result = adopted(applied, f"auth/{unique}/role/three")

    assert result.exit_code == 1
    assert [(item["message"], item["hint"]) for item in result.plan["errors"]] == [
        (f"`auth/{unique}/role/three` matches nothing that is declared or there", "it is outside `owns`")
    ]


def test_the_files_of_several_targets_are_checked_for_each_and_a_notice_names_them(
    applied: Project, unique: str
) -> None:
    applied.write("vaultconf.yaml", "version: 1\ntargets: {a: {}, b: {}}\n")

    result = adopted(applied, f"auth/{unique}/role/one", "--target", "a")

    assert result.exit_code == 0
    assert result.plan["notices"] == [
        "the files are those of all targets (a, b): what was written holds for each of them"
    ]


def test_with_a_ledger_it_says_how_an_adopted_object_becomes_ours(applied: Project, unique: str, raw: Raw) -> None:
    raw.write(f"sys/mounts/{unique}-kv", {"type": "kv", "options": {"version": "2"}})
    applied.write("vaultconf.yaml", f"version: 1\nproject: {unique}\nledger: {unique}-kv/vaultconf\n")
    address = f"auth/{unique}/role/three"

    result = adopted(applied, address)
    ours = applied.run("ledger", "adopt", address)

    said = f"{address}: to have it deleted when it leaves Git, run `vaultconf ledger adopt {address}`"
    assert (result.exit_code, result.plan["notices"]) == (0, [said])
    assert ours.exit_code == 0, ours


def test_it_needs_no_right_to_write_and_says_what_it_may_not_read(applied: Project, unique: str, raw: Raw) -> None:
    reading = applied.run("permissions", "plan").stdout
    raw.write(f"sys/policies/acl/{unique}-plan", {"policy": reading})
    token = raw.write("auth/token/create", {"policies": [f"{unique}-plan"], "no_default_policy": True})
    env = {"VAULT_TOKEN": token["auth"]["client_token"]}

    declared = applied.run("adopt", f"auth/{unique}/role/one", env=env)
    unmanaged = applied.run("adopt", f"auth/{unique}/role/three", env=env)

    assert declared.exit_code == 0, declared
    assert unmanaged.exit_code == 1
    assert f"`auth/{unique}/role/three` could not be read" in unmanaged.stderr


def test_what_another_projects_ledger_has_is_refused_and_not_written(
    applied: Project, unique: str, raw: Raw, tmp_path: Path
) -> None:
    raw.write(f"sys/mounts/{unique}-kv", {"type": "kv", "options": {"version": "2"}})
    settings = "version: 1\nproject: {0}\nledger: {1}-kv/teams/{0}\n"
    (tmp_path / "other").mkdir()
    other = Project.new(tmp_path / "other", applied.server)
    other.write("vaultconf.yaml", settings.format("other", unique))
    other.write("desired-state/a.yaml", f"auth: {{{unique}: {{roles: {{theirs: {{token_ttl: 1h}}}}}}}}")
    other.apply()
    applied.write("vaultconf.yaml", settings.format("ours", unique))
    before = text(applied)

    result = adopted(applied, f"auth/{unique}/role/theirs")

    assert result.exit_code == 3
    assert [f"`auth/{unique}/role/theirs` belongs to the project `other`" in said for said in messages(result)] == [
        True
    ]
    assert text(applied) == before
