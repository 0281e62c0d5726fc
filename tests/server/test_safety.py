"""Nothing is deleted by surprise: prune, guards, limits, holds; and in which order deletes happen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support import servers, stub
from tests.support.cli import Project
from tests.support.proxy import Proxy, in_front_of
from tests.support.raw import Raw
from tests.support.servers import Server
from tests.support.stub import Reply

POLICY = {"policy": "# by hand"}


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    with in_front_of(server) as running:
        yield running


@pytest.fixture(scope="module")
def lonely_server() -> Iterator[Server]:
    """A server of this module's own: here a test may say what is there at all."""
    running = servers.start_with_audit()
    yield running
    running.stop()


def changes(document: Mapping[str, Any]) -> dict[str, str]:
    return {item["address"]: item["action"] for item in document["changes"]}


def settings(project: Project, *lines: str) -> None:
    project.write("vaultconf.yaml", "version: 1\n" + "".join(f"{line}\n" for line in lines))


def test_without_prune_what_nobody_declares_is_reported_and_stays(project: Project, raw: Raw, unique: str) -> None:
    raw.write(f"sys/policies/acl/{unique}-stray", POLICY)
    project.policy(f"{unique}-ours", "# ours")

    plan = project.plan()
    project.apply()

    assert f"sys/policies/acl/{unique}-stray" in {item["address"] for item in plan["unmanaged"]}
    assert changes(plan) == {f"sys/policies/acl/{unique}-ours": "create"}
    assert raw.read(f"sys/policies/acl/{unique}-stray") is not None


def test_prune_deletes_strangers_inside_its_patterns_and_no_others(project: Project, raw: Raw, unique: str) -> None:
    raw.write(f"sys/policies/acl/{unique}-in", POLICY)
    raw.write(f"sys/policies/acl/other-{unique}", POLICY)
    settings(project, f"prune: [sys/policies/acl/{unique}-*]")
    project.policy(f"{unique}-ours", "# ours")

    outcome = project.apply()

    assert {item["address"]: item["action"] for item in outcome["outcomes"]} == {
        f"sys/policies/acl/{unique}-in": "delete",
        f"sys/policies/acl/{unique}-ours": "create",
    }
    assert raw.read(f"sys/policies/acl/{unique}-in") is None
    assert raw.read(f"sys/policies/acl/other-{unique}") is not None
    raw.delete(f"sys/policies/acl/other-{unique}")


def test_prune_reaches_into_mounts_that_nobody_declares(project: Project, raw: Raw, unique: str) -> None:
    raw.write(f"sys/auth/{unique}", {"type": "approle"})
    raw.write(f"auth/{unique}/role/pay-old", {})
    raw.write(f"auth/{unique}/role/other", {})
    settings(project, f"prune: [auth/{unique}/role/pay-*]")

    plan = project.plan()

    assert changes(plan) == {f"auth/{unique}/role/pay-old": "delete"}
    assert {"address": f"sys/auth/{unique}", "kind": "auth_method", "count": 1} in plan["unmanaged"]


def test_what_is_built_in_is_never_deleted_whatever_prune_covers(lonely_server: Server, tmp_path: Path) -> None:
    project = Project.new(tmp_path, lonely_server)
    settings(project, "prune: ['*']")
    raw = lonely_server.raw()
    raw.write("sys/policies/acl/stray", POLICY)

    plan = project.plan("--unmanaged")
    raw.delete("sys/policies/acl/stray")

    assert changes(plan) == {"sys/policies/acl/stray": "delete"}
    assert plan["unmanaged"] == []


def test_prune_reaches_a_child_namespace_only_where_its_pattern_says_so(
    project: Project, raw: Raw, unique: str
) -> None:
    if project.server.product != "openbao":
        pytest.skip("community Vault has no namespaces")
    raw.write(f"sys/namespaces/{unique}")
    child = project.server.raw(namespace=unique)
    child.write(f"sys/policies/acl/{unique}-stray", POLICY)
    project.write("desired-state/a.yaml", f"namespace: {unique}\npolicies: {{{unique}-ours: {{policy: '# ours'}}}}\n")

    settings(project, "prune: ['*']")
    everywhere_here = project.plan("--only", f"+/sys/policies/acl/{unique}-*")
    settings(project, f"prune: [+/sys/policies/acl/{unique}-*]")
    in_children = project.plan()

    stray = f"{unique}/sys/policies/acl/{unique}-stray"
    assert stray not in changes(everywhere_here)
    assert stray in {item["address"] for item in everywhere_here["unmanaged"]}
    assert changes(in_children)[stray] == "delete"
    assert not [address for address in changes(in_children) if address.endswith("/default")]


def test_deleting_a_mount_needs_its_address_in_allow_else_the_whole_apply_is_refused(
    project: Project, raw: Raw, unique: str, proxy: Proxy
) -> None:
    raw.write(f"sys/mounts/{unique}-kv", {"type": "kv"})
    raw.write(f"{unique}-kv/precious", {"value": "1"})
    settings(project, f"prune: [sys/mounts/{unique}-*]")
    project.policy(f"{unique}-new", "# new")

    plan = project.plan()
    refused = project.run("apply", "--yes", "--format", "json", env=proxy.access)

    mount = f"sys/mounts/{unique}-kv"
    assert {item["address"]: (item["risk"] or {}).get("allow") for item in plan["changes"]} == {
        mount: mount,
        f"sys/policies/acl/{unique}-new": None,
    }
    assert refused.exit_code == 3, refused
    assert [item["hint"] for item in refused.plan["errors"]] == [f"if that is meant: --allow {mount}"]
    assert proxy.writes == []
    assert raw.read(f"{unique}-kv/precious") == {"value": "1"}

    allowed = project.apply("--allow", f"sys/mounts/{unique}-*")

    assert allowed["summary"]["done"] == 2
    assert f"{unique}-kv/" not in (raw.read("sys/mounts") or {})


def test_another_type_replaces_a_mount_and_makes_its_children_again(project: Project, raw: Raw, unique: str) -> None:
    raw.write(f"sys/auth/{unique}", {"type": "userpass"})
    raw.write(f"auth/{unique}/users/old", {"password": "x"})
    project.write(
        "desired-state/a.yaml",
        f"auth: {{{unique}: {{type: approle, roles: {{one: {{token_ttl: 1m}}, two: {{}}}}}}}}\n",
    )

    plan = project.plan()
    refused = project.run("apply", "--yes")
    allowed = project.run("apply", "--yes", "--allow", f"sys/auth/{unique}")

    assert changes(plan) == {
        f"sys/auth/{unique}": "replace",
        f"auth/{unique}/role/one": "create",
        f"auth/{unique}/role/two": "create",
    }
    assert plan["changes"][-1]["risk"]["reason"] == "removes_access"
    assert "1 object in it" in plan["changes"][-1]["risk"]["detail"]
    assert refused.exit_code == 3, refused
    assert allowed.exit_code == 0, allowed
    assert raw.list(f"auth/{unique}/role") == ["one", "two"]
    assert changes(project.plan()) == {}


def test_a_mount_of_the_same_type_that_is_replaced_gets_its_children_back(
    project: Project, raw: Raw, unique: str
) -> None:
    def declare(local: str) -> None:
        roles = "roles: {one: {token_ttl: 1m}}"
        project.write("desired-state/a.yaml", f"auth: {{{unique}: {{type: approle, local: {local}, {roles}}}}}\n")

    declare("false")
    project.apply()
    declare("true")

    plan = project.plan()
    project.apply("--allow", f"sys/auth/{unique}")

    assert changes(plan) == {f"sys/auth/{unique}": "replace", f"auth/{unique}/role/one": "create"}
    assert raw.list(f"auth/{unique}/role") == ["one"]


def test_a_protected_object_is_not_replaced_even_where_allow_names_it(project: Project, raw: Raw, unique: str) -> None:
    raw.write(f"sys/mounts/{unique}", {"type": "kv"})
    project.write(
        "desired-state/a.yaml",
        f"secrets: {{{unique}: {{type: transit, vaultconf: {{protect: true}}}}}}\n",
    )

    result = project.run("apply", "--yes", "--format", "json", "--allow", f"sys/mounts/{unique}")

    assert result.exit_code == 3, result
    assert "it is protected" in result.plan["errors"][0]["message"]
    assert (raw.read(f"sys/mounts/{unique}") or {})["type"] == "kv"


@pytest.mark.parametrize("kept", ["protected", "held"])
def test_a_mount_is_not_replaced_while_something_in_it_is_to_stay(
    project: Project, raw: Raw, unique: str, kept: str
) -> None:
    raw.write(f"sys/auth/{unique}", {"type": "approle"})
    raw.write(f"auth/{unique}/role/r", {})
    guidance = "vaultconf: {protect: true}" if kept == "protected" else ""
    if kept == "held":
        settings(project, f"ignore: [auth/{unique}/role/r]")
    roles = f"roles: {{r: {{{guidance}}}}}"
    project.write("desired-state/a.yaml", f"auth: {{{unique}: {{type: approle, local: true, {roles}}}}}\n")

    result = project.run("apply", "--yes", "--format", "json", "--allow", "*")

    assert result.exit_code == 3, result
    assert [item["address"] for item in result.plan["errors"]] == [f"auth/{unique}/role/r"]
    assert (raw.read(f"sys/auth/{unique}") or {})["local"] is False


@pytest.mark.parametrize("left", [True, False], ids=["replaced", "left-the-files"])
def test_what_is_protected_in_a_mount_is_so_where_only_the_mount_is_looked_at(
    project: Project, raw: Raw, unique: str, *, left: bool
) -> None:
    raw.write(f"sys/mounts/{unique}-books", {"type": "kv", "options": {"version": "2"}})
    settings(project, f"project: p-{unique}\nledger: {unique}-books/ledger")
    roles = "roles: {r: {vaultconf: {protect: true}}}"
    project.write("desired-state/a.yaml", f"auth: {{{unique}: {{type: approle, {roles}}}}}\n")
    project.apply()
    changed = f"auth: {{{unique}: {{type: approle, local: true, {roles}}}}}\n"
    project.write("desired-state/a.yaml", changed if left else "")
    mount = f"sys/auth/{unique}"

    result = project.run("apply", "--yes", "--format", "json", "--only", mount, "--allow", mount)

    assert result.exit_code == 3, result
    assert [item["address"] for item in result.plan["errors"]] == [f"auth/{unique}/role/r"]
    assert f"auth/{unique}/role/r in it is protected" in result.plan["errors"][0]["message"]
    assert raw.read(f"auth/{unique}/role/r") is not None


def test_more_deletes_than_the_limit_are_refused_unless_the_run_raises_it(
    project: Project, raw: Raw, unique: str
) -> None:
    names = [f"{unique}-{number}" for number in range(11)]
    for name in names:
        raw.write(f"sys/policies/acl/{name}", POLICY)
    settings(project, f"prune: [sys/policies/acl/{unique}-*]")

    refused = project.run("apply", "--yes", "--format", "json")
    still_there = raw.list("sys/policies/acl")
    allowed = project.apply("--max-deletes", "11")

    assert refused.exit_code == 3, refused
    assert "11 deletes are more than the limit of 10" in refused.plan["errors"][0]["message"]
    assert set(names) <= set(still_there)
    assert allowed["summary"]["done"] == 11
    assert not set(names) & set(raw.list("sys/policies/acl"))


def test_more_changes_than_the_limit_are_refused(project: Project, raw: Raw, unique: str) -> None:
    settings(project, "limits: {changes: 1}")
    project.policy(f"{unique}-a", "# a")
    project.policy(f"{unique}-b", "# b")

    plan = project.run("plan")
    result = project.run("apply", "--yes")

    assert plan.exit_code == 0, plan
    assert result.exit_code == 3, result
    assert "2 changes are more than the limit of 1" in result.stderr
    assert raw.read(f"sys/policies/acl/{unique}-a") is None


def test_somebody_elses_mount_is_not_pruned_though_a_pattern_covers_it(project: Project, raw: Raw, unique: str) -> None:
    raw.write(f"sys/auth/{unique}", {"type": "approle", "description": "theirs"})
    settings(project, f"prune: [sys/auth/{unique}]")
    project.write("desired-state/a.yaml", f"auth: {{{unique}: {{roles: {{ours: {{}}}}}}}}\n")

    plan = project.plan()

    assert changes(plan) == {f"auth/{unique}/role/ours": "create"}
    assert f"sys/auth/{unique}" not in {item["address"] for item in plan["unmanaged"]}


def test_only_leaves_all_else_untouched_and_undeleted(project: Project, raw: Raw, unique: str) -> None:
    raw.write(f"sys/policies/acl/{unique}-stray", POLICY)
    settings(project, f"prune: [sys/policies/acl/{unique}-*]")
    project.policy(f"{unique}-a", "# a")
    project.policy(f"{unique}-b", "# b")

    outcome = project.apply("--only", f"sys/policies/acl/{unique}-a")

    assert [item["address"] for item in outcome["outcomes"]] == [f"sys/policies/acl/{unique}-a"]
    assert {f"{unique}-a", f"{unique}-stray"} <= set(raw.list("sys/policies/acl"))
    assert f"{unique}-b" not in raw.list("sys/policies/acl")


def test_a_child_whose_mount_only_leaves_out_is_blocked_where_the_mount_is_not_there(
    project: Project, unique: str
) -> None:
    project.write("desired-state/a.yaml", f"auth: {{{unique}: {{type: approle, roles: {{r: {{}}}}}}}}\n")

    result = project.run("plan", "--format", "json", "--only", f"auth/{unique}/role/*")

    assert result.exit_code == 1, result
    assert [item["address"] for item in result.plan["blocked"]] == [f"auth/{unique}/role/r"]
    assert f"its mount sys/auth/{unique} is not there" in result.plan["blocked"][0]["reason"]
    assert result.plan["changes"] == []


def test_owns_limits_what_is_unmanaged_and_what_is_pruned(project: Project, raw: Raw, unique: str) -> None:
    raw.write(f"sys/policies/acl/{unique}-mine", POLICY)
    raw.write(f"sys/policies/acl/x{unique}", POLICY)
    settings(
        project, f"owns: [sys/policies/acl/{unique}-*]", f"prune: [sys/policies/acl/{unique}*, sys/policies/acl/x*]"
    )

    plan = project.plan()
    raw.delete(f"sys/policies/acl/x{unique}")

    assert changes(plan) == {f"sys/policies/acl/{unique}-mine": "delete"}
    assert plan["unmanaged"] == []


def test_a_hold_keeps_an_object_as_it_is_until_its_day_has_passed(project: Project, raw: Raw, unique: str) -> None:
    raw.write(f"sys/policies/acl/{unique}-a", POLICY)
    raw.write(f"sys/policies/acl/{unique}-b", POLICY)
    raw.write(f"sys/policies/acl/{unique}-stray", POLICY)
    address = f"sys/policies/acl/{unique}"
    settings(
        project,
        f"prune: [{address}-*]",
        f"ignore: [{{address: {address}-a, until: '2100-01-01', reason: INC-1}}, {address}-stray,"
        f" {{address: {address}-b, until: '2020-01-01', reason: INC-2}}]",
    )
    project.policy(f"{unique}-a", "# a")
    project.policy(f"{unique}-b", "# b")

    plan = project.plan()

    assert changes(plan) == {f"{address}-b": "update"}
    assert {"address": f"{address}-a", "reason": "INC-1", "until": "2100-01-01"} in plan["held"]
    assert f"{address}-stray" in {item["address"] for item in plan["held"]}
    assert f"{address}-b: the hold ended on 2020-01-01 (INC-2)" in plan["notices"]


def test_the_last_audit_device_needs_allow_and_others_do_not(lonely_server: Server, tmp_path: Path) -> None:
    raw = lonely_server.raw()
    for name in ("one", "two"):
        options = {"file_path": str(lonely_server.folder / name)}
        raw.write(f"sys/audit/{name}", {"type": "file", "options": options})
    project = Project.new(tmp_path, lonely_server)
    settings(project, "prune: [sys/audit/one]")

    not_last = project.plan()
    settings(project, "prune: [sys/audit/*]")
    last = project.run("apply", "--yes", "--format", "json")
    project.apply("--allow", "sys/audit/one", "--allow", "sys/audit/two")

    assert [(item["address"], item["risk"]) for item in not_last["changes"]] == [("sys/audit/one", None)]
    assert last.exit_code == 3, last
    assert {item["address"] for item in last.plan["errors"]} == {"sys/audit/one", "sys/audit/two"}
    assert raw.read("sys/audit") == {}


def test_a_policy_is_deleted_after_the_role_that_named_it_has_let_go(
    project: Project, raw: Raw, unique: str, proxy: Proxy
) -> None:
    raw.write(f"sys/policies/acl/{unique}-old", POLICY)
    raw.write(f"sys/auth/{unique}", {"type": "approle"})
    raw.write(f"auth/{unique}/role/r", {"token_policies": [f"{unique}-old"]})
    settings(project, f"prune: [sys/policies/acl/{unique}-*]")
    project.policy(f"{unique}-new", "# new")
    project.write(
        "desired-state/a.yaml",
        f"auth: {{{unique}: {{type: approle, roles: {{r: {{token_policies: [{unique}-new]}}}}}}}}\n",
    )

    result = project.run("apply", "--yes", env=proxy.access)

    assert result.exit_code == 0, result
    assert [path for _, path in proxy.writes] == [
        f"sys/policies/acl/{unique}-new",
        f"auth/{unique}/role/r",
        f"sys/policies/acl/{unique}-old",
    ]


def test_a_mount_is_made_after_the_one_in_its_way_is_gone(project: Project, raw: Raw, unique: str) -> None:
    raw.write(f"sys/mounts/{unique}/deep", {"type": "kv"})
    settings(project, f"prune: [sys/mounts/{unique}/*]")
    project.write("desired-state/a.yaml", f"secrets: {{{unique}: {{type: kv}}}}\n")

    outcome = project.apply("--allow", f"sys/mounts/{unique}/deep")

    assert outcome["summary"]["done"] == 2
    assert f"{unique}/" in (raw.read("sys/mounts") or {})


def test_a_stranger_whose_name_would_reach_another_object_is_not_deleted_in_its_place(
    project: Project, raw: Raw, unique: str, proxy: Proxy
) -> None:
    raw.write(f"sys/auth/{unique}", {"type": "approle"})
    raw.write(f"auth/{unique}/role/c", {})
    settings(project, f"prune: [auth/{unique}/role/*]")
    # OpenBao makes such a role, Vault refuses to: so the name comes from here.
    names = Reply(200, stub.as_json({"data": {"keys": ["a..b", "c"]}}))
    proxy.fault = lambda asked: names if asked.method == "LIST" and unique in asked.target else None

    result = project.run("apply", "--yes", "--format", "json", env=proxy.access)

    assert result.exit_code == 4, result
    assert {item["address"]: item["status"] for item in result.plan["outcomes"]} == {
        f"auth/{unique}/role/a..b": "failed",
        f"auth/{unique}/role/c": "done",
    }
