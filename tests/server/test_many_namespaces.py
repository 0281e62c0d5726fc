"""Hundreds of namespaces in one run: made, filled, compared, and what in them is not ours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.bench import relay
from tests.support import servers
from tests.support.cli import Project
from tests.support.raw import Raw
from tests.support.servers import Server

MANY = 300
#: What a run keeps open at most, and the one connection of first contact.
MOST_CONNECTIONS = 64 + 1
TEMPLATES = """\
templates:
  place:
    params: {name: }
    namespaces: {"${param:name}": {custom_metadata: {owner: "${param:name}"}}}
  team:
    params: {team: }
    policies_from: ../policies/team
    auth: {token: {roles: {ci: {allowed_policies: [read]}}}}
"""


@dataclass(frozen=True, slots=True)
class Applied:
    """A project on its server, what its first apply has done, and how many connections that has taken."""

    project: Project
    done: int
    connections: int


@pytest.fixture(scope="module")
def lone(server: Server) -> Iterator[Server]:
    """A server of this module's own: hundreds of namespaces would be in everybody's way."""
    if server.product != "openbao" and not server.enterprise:
        pytest.skip("community Vault has no namespaces")
    running = servers.start_dev()
    yield running
    running.stop()


@pytest.fixture
def empty(lone: Server, tmp_path: Path) -> Project:
    """A project with a template for teams, and no team yet."""
    return _new(tmp_path, lone)


def _new(root: Path, server: Server) -> Project:
    made = Project.new(root, server)
    made.write("policies/team/read.hcl", 'path "kv/data/${param:team}/*" { capabilities = ["read"] }\n')
    made.write("desired-state/templates.yaml", TEMPLATES)
    return made


def _declare(project: Project, prefix: str, number: int) -> None:
    """Declare so many teams, each with a namespace of its own."""
    names = [f"{prefix}-{index:03}" for index in range(number)]
    places = "".join(f"    - {{name: {name}}}\n" for name in names)
    teams = "".join(f"---\nnamespace: {name}\nuse: {{team: [{{team: {name}}}]}}\n" for name in names)
    project.write("desired-state/teams.yaml", f"use:\n  place:\n{places}{teams}")


@pytest.fixture(scope="module")
def hundreds(lone: Server, tmp_path_factory: pytest.TempPathFactory) -> Applied:
    """A project of `MANY` teams, applied to a server that had none of them."""
    made = _new(tmp_path_factory.mktemp("hundreds"), lone)
    _declare(made, "team", MANY)
    with relay.in_front_of(lone.address, round_trip=0) as counted:
        outcome = made.run("apply", "--yes", "--format", "json", env={"VAULT_ADDR": counted.address})
        return Applied(made, outcome.plan["summary"]["done"], counted.connections())


@pytest.fixture
def few(empty: Project) -> Project:
    """A project of three teams, on the server as the files say."""
    _declare(empty, "crew", 3)
    empty.apply()
    return empty


def _changes(plan: dict[str, object]) -> dict[str, str]:
    assert isinstance(plan["changes"], list)
    return {change["address"]: change["action"] for change in plan["changes"]}


def test_hundreds_are_made_and_filled_in_one_apply_over_one_pool(hundreds: Applied) -> None:
    with relay.in_front_of(hundreds.project.server.address, round_trip=0) as counted:
        again = hundreds.project.run("plan", "--format", "json", env={"VAULT_ADDR": counted.address}).plan
        connections = counted.connections()

    assert hundreds.done == 3 * MANY
    assert (again["changes"], again["summary"]["unchanged"]) == ([], 3 * MANY)
    assert 0 < hundreds.connections <= MOST_CONNECTIONS
    assert 0 < connections <= MOST_CONNECTIONS


def test_what_was_changed_by_hand_in_three_of_them_is_found_and_repaired(hundreds: Applied) -> None:
    project, root = hundreds.project, hundreds.project.server.raw()
    raw = {name: project.server.raw(namespace=name) for name in ("team-007", "team-070", "team-299")}
    raw["team-007"].write("sys/policies/acl/read", {"policy": "# by hand"})
    raw["team-070"].delete("auth/token/roles/ci")
    raw["team-299"].write("sys/policies/acl/stray", {"policy": "# by hand"})
    root.write("sys/policies/acl/stray", {"policy": "# of the base"})

    drift = project.run("drift", "--format", "json")
    project.write("vaultconf.yaml", "version: 1\nprune: [+/sys/policies/acl/*]\n")
    repaired = project.apply()["outcomes"]

    found = {"team-007/sys/policies/acl/read": "update", "team-070/auth/token/roles/ci": "create"}
    assert (drift.exit_code, _changes(drift.plan)) == (2, found)
    assert "team-299/sys/policies/acl/stray" in {item["address"] for item in drift.plan["unmanaged"]}
    assert {item["address"]: item["action"] for item in repaired} == {
        **found,
        "team-299/sys/policies/acl/stray": "delete",
    }
    assert root.read("sys/policies/acl/stray") is not None


def test_a_namespace_that_is_nobodys_is_reported_once_and_neither_looked_into_nor_emptied(few: Project) -> None:
    root, theirs = few.server.raw(), few.server.raw(namespace="theirs")
    root.write("sys/namespaces/theirs")
    theirs.write("sys/policies/acl/x", {"policy": "# x"})
    theirs.write("sys/namespaces/inner")
    few.write("vaultconf.yaml", "version: 1\nprune: [sys/namespaces/*, +/sys/*, +/auth/*]\n")

    plan = few.plan()
    few.apply()

    assert [item["address"] for item in plan["unmanaged"] if "theirs" in item["address"]] == ["sys/namespaces/theirs"]
    assert _changes(plan) == {}
    assert (theirs.read("sys/policies/acl/x") or {})["policy"] == "# x"
    assert theirs.list("sys/namespaces") == ["inner/"]
    _delete(theirs, "inner")
    _delete(root, "theirs")


def test_a_namespace_deleted_by_hand_is_made_again_with_all_that_was_declared_in_it(few: Project) -> None:
    _delete(few.server.raw(), "crew-001")

    plan = few.plan()
    few.apply()
    again = few.plan()

    assert _changes(plan) == {
        "sys/namespaces/crew-001": "create",
        "crew-001/auth/token/roles/ci": "create",
        "crew-001/sys/policies/acl/read": "create",
    }
    assert (plan["blocked"], again["changes"]) == ([], [])


def test_a_locked_namespace_is_blocked_never_absent_and_holds_up_no_other(few: Project) -> None:
    inside = few.server.raw(namespace="crew-001")
    key = inside.write("sys/namespaces/api-lock/lock")["data"]["unlock_key"]
    few.server.raw(namespace="crew-002").delete("auth/token/roles/ci")

    try:
        result = few.run("plan", "--format", "json")
        repaired = few.run("apply", "--yes", "--format", "json")
    finally:
        few.server.raw().write("sys/namespaces/api-lock/unlock/crew-001", {"unlock_key": key})

    assert (result.exit_code, repaired.exit_code) == (1, 4)
    assert _changes(result.plan) == {"crew-002/auth/token/roles/ci": "create"}
    assert {item["address"]: item["status"] for item in result.plan["blocked"]} == {
        "crew-001/auth/token/roles/ci": 503,
        "crew-001/sys/policies/acl/read": 503,
    }
    assert "has been locked by an administrator" in result.plan["blocked"][0]["reason"]
    assert few.plan()["changes"] == []


def test_a_namespace_that_leaves_the_files_goes_only_when_it_is_allowed_by_its_address(empty: Project) -> None:
    empty.write("vaultconf.yaml", "version: 1\nproject: guilds\nledger: secret/guilds\n")
    _declare(empty, "guild", 3)
    empty.apply()
    _declare(empty, "guild", 2)

    refused = empty.run("apply", "--yes")
    held = empty.server.raw().read("sys/namespaces/guild-002")
    allowed = empty.run("apply", "--yes", "--allow", "sys/namespaces/guild-002")

    assert refused.exit_code == 3
    assert "--allow sys/namespaces/guild-002" in refused.stderr
    assert held is not None
    assert allowed.exit_code == 0, allowed
    assert empty.plan()["changes"] == []


def test_a_run_whose_base_is_a_child_namespace_sees_that_one_alone(few: Project) -> None:
    inside = few.server.raw(namespace="crew-001")
    inside.write("sys/policies/acl/admin", {"policy": 'path "*" { capabilities = ["read", "list", "sudo"] }'})
    token = inside.write("auth/token/create", {"policies": ["admin"]})["auth"]["client_token"]
    few.write("desired-state/teams.yaml", "policies: {own: {policy: '# own'}}\n")

    planned = few.run("plan", "--format", "json", env={"VAULT_NAMESPACE": "crew-001", "VAULT_TOKEN": token})

    assert planned.exit_code == 0, planned
    assert _changes(planned.plan) == {"sys/policies/acl/own": "create"}
    assert {item["address"] for item in planned.plan["unmanaged"]} == {
        "auth/token/roles/ci",
        "sys/policies/acl/admin",
        "sys/policies/acl/read",
    }


def _delete(root: Raw, name: str) -> None:
    """Delete a namespace, and wait until it is gone: the server empties it first."""
    while root.read(f"sys/namespaces/{name}") is not None:
        root.delete(f"sys/namespaces/{name}")
