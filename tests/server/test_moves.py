"""A mount that is renamed in Git moves, with all that is in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.support import stub
from tests.support.cli import Project
from tests.support.least import policy_for, token_with
from tests.support.proxy import Proxy, in_front_of
from tests.support.raw import Raw
from tests.support.servers import Server
from tests.support.stub import Reply


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    with in_front_of(server) as running:
        yield running


def actions(document: Mapping[str, Any]) -> dict[str, str]:
    return {item["address"]: item["action"] for item in document["changes"]}


def secrets(project: Project, text: str, unique: str) -> None:
    project.write("desired-state/a.yaml", text.replace("NEW", f"{unique}-new").replace("OLD", f"{unique}-old"))


KV = "secrets: {NEW: {type: kv, description: DESCRIBED, vaultconf: {renamed_from: OLD}}}\n"


def test_a_renamed_engine_moves_with_its_data_and_is_tuned_on_the_way(
    project: Project, raw: Raw, unique: str, proxy: Proxy
) -> None:
    raw.write(f"sys/mounts/{unique}-old", {"type": "kv"})
    raw.write(f"{unique}-old/a", {"x": "y"})
    secrets(project, KV.replace("DESCRIBED", "moved"), unique)

    plan = project.plan()
    shown = project.run("plan").stdout
    done = project.run("apply", "--yes", env=proxy.access)
    again = project.plan()

    assert actions(plan) == {f"sys/mounts/{unique}-new": "move"}
    assert [item["field"] for item in plan["changes"][0]["fields"]] == ["path", "description"]
    assert plan["changes"][0]["risk"] is None
    assert plan["summary"]["move"] == 1
    assert f"→ sys/mounts/{unique}-new" in shown
    assert "1 to move" in shown
    assert done.exit_code == 0, done
    assert [path for _, path in proxy.writes] == ["sys/remount", f"sys/mounts/{unique}-new/tune"]
    assert raw.read(f"{unique}-new/a") == {"x": "y"}
    assert again["changes"] == []
    assert again["notices"] == []


def test_what_is_in_a_renamed_method_is_compared_where_it_still_is(
    project: Project, raw: Raw, unique: str, proxy: Proxy
) -> None:
    raw.write(f"sys/auth/{unique}-old", {"type": "approle"})
    for name, ttl in (("same", 60), ("other", 60), ("stray", 60)):
        raw.write(f"auth/{unique}-old/role/{name}", {"token_ttl": ttl})
    role_id = raw.read(f"auth/{unique}-old/role/same/role-id")
    project.write("vaultconf.yaml", f"version: 1\nprune: [auth/{unique}-new/role/*]\n")
    roles = "{same: {token_ttl: 1m}, other: {token_ttl: 2m}, fresh: {}}"
    secrets(project, f"auth: {{NEW: {{type: approle, roles: {roles}, vaultconf: {{renamed_from: OLD}}}}}}\n", unique)

    plan = project.plan()
    refused = project.run("apply", "--yes", "--format", "json")
    done = project.run("apply", "--yes", "--allow", f"sys/auth/{unique}-new", env=proxy.access)

    role = f"auth/{unique}-new/role"
    assert actions(plan) == {
        f"sys/auth/{unique}-new": "move",
        f"{role}/other": "update",
        f"{role}/fresh": "create",
        f"{role}/stray": "delete",
    }
    assert refused.exit_code == 3, refused
    assert next(item["risk"]["reason"] for item in plan["changes"] if item["action"] == "move") == "removes_access"
    assert done.exit_code == 0, done
    assert proxy.writes[0] == ("POST", "sys/remount")
    assert sorted(raw.list(f"{role}")) == ["fresh", "other", "same"]
    assert raw.read(f"{role}/same/role-id") == role_id
    assert project.plan()["changes"] == []


def test_the_printed_policies_are_enough_to_plan_and_to_make_a_move(project: Project, raw: Raw, unique: str) -> None:
    raw.write(f"sys/auth/{unique}-old", {"type": "approle"})
    raw.write(f"auth/{unique}-old/role/r", {"token_ttl": 60})
    roles = "{r: {token_ttl: 2m}}"
    secrets(project, f"auth: {{NEW: {{type: approle, roles: {roles}, vaultconf: {{renamed_from: OLD}}}}}}\n", unique)
    to_plan, to_apply = (token_with(raw, policy_for(project, run)["policy"]) for run in ("plan", "apply"))

    plan = project.run("plan", "--format", "json", env=to_plan).plan
    done = project.run("apply", "--yes", "--allow", f"sys/auth/{unique}-new", env=to_apply)

    assert actions(plan) == {f"sys/auth/{unique}-new": "move", f"auth/{unique}-new/role/r": "update"}
    assert done.exit_code == 0, done


def test_without_the_old_mount_a_new_one_is_made_with_a_notice(project: Project, raw: Raw, unique: str) -> None:
    secrets(project, KV, unique)

    plan = project.plan()
    project.apply()

    assert actions(plan) == {f"sys/mounts/{unique}-new": "create"}
    assert any("is made anew" in notice for notice in plan["notices"])
    assert project.plan()["notices"] == []


def test_two_mounts_cannot_become_one(project: Project, raw: Raw, unique: str) -> None:
    for name in ("old", "new"):
        raw.write(f"sys/mounts/{unique}-{name}", {"type": "kv", "description": "DESCRIBED"})
    secrets(project, KV, unique)

    result = project.run("plan", "--format", "json")

    assert result.exit_code == 1, result
    assert ["both" in problem["message"] for problem in result.plan["errors"]] == [True]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("secrets: {NEW: {type: transit, vaultconf: {renamed_from: OLD}}}\n", "needs a replacement"),
        ("secrets: {NEW: {type: kv, vaultconf: {renamed_from: OLD}}, OLD: {type: kv}}\n", "declared too"),
        ("secrets: {NEW: {type: kv, vaultconf: {renamed_from: OLD, create_only: true}}}\n", "exclude each other"),
    ],
)
def test_a_move_that_makes_no_sense_is_an_error(
    project: Project, raw: Raw, unique: str, text: str, message: str
) -> None:
    raw.write(f"sys/mounts/{unique}-old", {"type": "kv"})
    secrets(project, text, unique)

    result = project.run("apply", "--yes", "--format", "json")

    assert result.exit_code == 1, result
    assert [message in problem["message"] for problem in result.plan["errors"]] == [True]
    assert f"{unique}-old/" in (raw.read("sys/mounts") or {})


def test_what_is_outside_owns_is_not_moved(project: Project, raw: Raw, unique: str) -> None:
    raw.write(f"sys/mounts/{unique}-old", {"type": "kv"})
    raw.write(f"{unique}-old/a", {"x": "y"})
    project.write("vaultconf.yaml", f"version: 1\nowns: [sys/mounts/{unique}-new, {unique}-new/*]\n")
    secrets(project, KV, unique)

    result = project.run("apply", "--yes", "--format", "json")

    assert result.exit_code == 1, result
    assert [f"`sys/mounts/{unique}-old` is outside `owns`" in item["message"] for item in result.plan["errors"]] == [
        True
    ]
    assert raw.read(f"{unique}-old/a") == {"x": "y"}


@pytest.mark.parametrize(
    ("hold", "held"),
    [
        ("sys/auth/OLD", "sys/auth/OLD"),
        ("{address: auth/OLD/role/x, until: 2999-12-31, reason: INC-9}", "auth/OLD/role/x"),
        ("auth/OLD/*", "auth/OLD/*"),
    ],
)
def test_what_is_to_be_left_alone_is_not_moved(project: Project, raw: Raw, unique: str, hold: str, held: str) -> None:
    raw.write(f"sys/auth/{unique}-old", {"type": "approle"})
    raw.write(f"auth/{unique}-old/role/x", {"token_ttl": 60})
    project.write("vaultconf.yaml", f"version: 1\nignore: [{hold}]\n".replace("OLD", f"{unique}-old"))
    secrets(project, "auth: {NEW: {type: approle, roles: {x: }, vaultconf: {renamed_from: OLD}}}\n", unique)

    result = project.run("apply", "--yes", "--allow", "sys/auth/*", "--format", "json")

    assert result.exit_code == 1, result
    (problem,) = result.plan["errors"]
    what = held.replace("OLD", f"{unique}-old")
    assert problem["message"] == f"sys/auth/{unique}-old is not moved: {what} is to be left alone (`ignore`)"
    assert raw.read(f"auth/{unique}-old/role/x") is not None
    assert f"{unique}-new/" not in (raw.read("sys/auth") or {})


def test_who_must_be_able_to_log_in_is_not_moved_away(project: Project, raw: Raw, unique: str) -> None:
    raw.write(f"sys/auth/{unique}-old", {"type": "userpass"})
    raw.write("sys/policies/acl/" + unique, {"policy": 'path "*" { capabilities = ["sudo", "update", "read"] }'})
    raw.write(f"auth/{unique}-old/users/bg", {"password": "p", "token_policies": [unique]})
    project.write("vaultconf.yaml", f"version: 1\nbreak_glass: [auth/{unique}-old/users/bg]\n")
    secrets(project, "auth: {NEW: {type: userpass, vaultconf: {renamed_from: OLD}}}\n", unique)

    refused = project.run("apply", "--yes", "--allow", f"sys/auth/{unique}-new", "--format", "json")
    there = f"{unique}-new/" in (raw.read("sys/auth") or {})
    both = f"[auth/{unique}-old/users/bg, auth/{unique}-new/users/bg]"
    project.write("vaultconf.yaml", f"version: 1\nbreak_glass: {both}\n")
    written = project.run("apply", "--yes", "--allow", f"sys/auth/{unique}-new")

    assert (refused.exit_code, there) == (1, False)
    (problem,) = refused.plan["errors"]
    assert problem["message"].endswith(f"auth/{unique}-old/users/bg must be able to log in after it (`break_glass`)")
    assert written.exit_code == 0, written
    assert raw.write(f"auth/{unique}-new/login/bg", {"password": "p"})["auth"]["token_policies"]


def test_a_hold_that_is_over_or_reaches_both_paths_stops_no_move(project: Project, raw: Raw, unique: str) -> None:
    raw.write(f"sys/auth/{unique}-old", {"type": "approle"})
    over = f"{{address: sys/auth/{unique}-old, until: 2020-01-01, reason: x}}"
    project.write("vaultconf.yaml", f"version: 1\nignore: [auth/+/role/y, {over}]\n")
    secrets(project, "auth: {NEW: {type: approle, vaultconf: {renamed_from: OLD}}}\n", unique)

    plan = project.plan()

    assert actions(plan) == {f"sys/auth/{unique}-new": "move"}
    assert f"every token that sys/auth/{unique}-old gave out ends" in plan["changes"][0]["risk"]["detail"]


@pytest.mark.parametrize(
    ("settings", "only"),
    [
        ("", "sys/auth/OLD"),
        ("", "auth/OLD/users/bob"),
        ("ignore: [sys/auth/NEW]\n", "+/auth/OLD"),
        ("ignore: [sys/auth/NEW]\n", ""),
    ],
)
def test_what_is_to_move_is_not_deleted_by_a_run_that_leaves_the_move_out(
    project: Project, raw: Raw, unique: str, settings: str, only: str
) -> None:
    raw.write(f"sys/mounts/{unique}-books", {"type": "kv", "options": {"version": "2"}})
    head = f"version: 1\nproject: p-{unique}\nledger: {unique}-books/team\n"
    project.write("vaultconf.yaml", head)
    users = "users: {bob: {password: '${env:BOB}'}}"
    secrets(project, f"auth: {{OLD: {{type: userpass, {users}}}}}\n", unique)
    bob = {"BOB": "the-password-of-bob"}
    assert (made := project.run("apply", "--yes", env=bob)).exit_code == 0, made
    secrets(project, f"auth: {{NEW: {{type: userpass, vaultconf: {{renamed_from: OLD}}, {users}}}}}\n", unique)
    old, new = f"{unique}-old", f"{unique}-new"
    project.write("vaultconf.yaml", head + settings.replace("NEW", new))
    scope = ["--only", only.replace("OLD", old)] if only else []

    done = project.run("apply", "--yes", "--allow", "*", *scope, env=bob)
    project.write("vaultconf.yaml", head)
    then = project.run("apply", "--yes", "--allow", "*", env=bob)

    assert done.exit_code in {0, 4}, done
    assert "delete" not in done.stdout.replace("0 to delete", "")
    assert then.exit_code == 0, then
    assert raw.list(f"auth/{new}/users") == ["bob"]


def test_without_the_right_to_move_nothing_in_the_mount_is_touched(project: Project, raw: Raw, unique: str) -> None:
    raw.write(f"sys/mounts/{unique}-old", {"type": "kv", "options": {"version": "2"}})
    rules = 'path "sys/mounts*" { capabilities = ["read", "update"] }\n'
    rules += 'path "sys/auth" { capabilities = ["read"] }\n'
    rules += f'path "{unique}*" {{ capabilities = ["read", "update"] }}\n'
    raw.write(f"sys/policies/acl/{unique}", {"policy": rules})
    token = raw.write("auth/token/create", {"policies": [unique]})["auth"]["client_token"]
    two = KV.replace("type: kv", 'type: kv, options: {version: "2"}, config: {max_versions: 3}')
    secrets(project, two, unique)

    result = project.run("apply", "--yes", "--format", "json", env={"VAULT_TOKEN": token})

    statuses = {item["address"]: item["status"] for item in result.plan["outcomes"]}
    assert result.exit_code == 4, result
    assert statuses == {f"sys/mounts/{unique}-new": "failed", f"{unique}-new/config": "skipped"}
    assert f"{unique}-old/" in (raw.read("sys/mounts") or {})


def test_a_move_that_the_server_gives_up_is_a_failure(project: Project, raw: Raw, unique: str, proxy: Proxy) -> None:
    raw.write(f"sys/mounts/{unique}-old", {"type": "kv"})
    secrets(project, KV, unique)
    given_up = Reply(200, stub.as_json({"data": {"migration_info": {"status": "failure"}}}))
    proxy.fault = lambda asked: given_up if "remount/status" in asked.target else None

    result = project.run("apply", "--yes", "--format", "json", env=proxy.access)

    assert result.exit_code == 4, result
    assert [item["status"] for item in result.plan["outcomes"]] == ["failed"]
    assert "the server could not move it: failure" in result.plan["outcomes"][0]["reason"]


def test_a_mount_moves_inside_its_namespace(project: Project, server: Server, raw: Raw, unique: str) -> None:
    if not (server.product == "openbao" or server.enterprise):
        pytest.skip("community Vault has no namespaces")
    raw.write(f"sys/namespaces/{unique}")
    inside = server.raw(namespace=unique)
    inside.write(f"sys/mounts/{unique}-old", {"type": "kv"})
    inside.write(f"{unique}-old/a", {"x": "y"})
    secrets(project, f"namespace: {unique}\n{KV}", unique)

    plan = project.plan()
    project.apply()

    assert actions(plan) == {f"{unique}/sys/mounts/{unique}-new": "move"}
    assert inside.read(f"{unique}-new/a") == {"x": "y"}
    assert project.plan()["changes"] == []
