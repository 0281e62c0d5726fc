"""The ledger on a real server: what left Git goes, what was not made here stays, and losing it loses nothing else."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from tests.support.cli import Project, Result
from tests.support.least import policy_for, token_with
from tests.support.raw import Raw
from vaultconf import apply as applying


@pytest.fixture
def kept(project: Project, raw: Raw, unique: str) -> Project:
    """A project with a ledger in a KV v2 engine of its own."""
    raw.write(f"sys/mounts/{unique}-books", {"type": "kv", "options": {"version": "2"}})
    settings(project, unique)
    return project


def settings(project: Project, unique: str, more: str = "") -> None:
    project.write("vaultconf.yaml", f"version: 1\nproject: p-{unique}\nledger: {unique}-books/team/ledger\n{more}\n")


def declare(project: Project, unique: str, *roles: str, mount: str = "approle") -> None:
    listed = ", ".join(f"{name}: {{token_ttl: 5m}}" for name in roles)
    project.write("desired-state/a.yaml", f"auth: {{{unique}: {{type: {mount}, roles: {{{listed}}}}}}}")


def changes(plan: Mapping[str, Any]) -> dict[str, str]:
    return {change["address"]: change["action"] for change in plan["changes"]}


def entries(raw: Raw, unique: str) -> dict[str, Any]:
    """What the shards hold, as the server has them."""
    base = f"{unique}-books/data/team/ledger/owned"
    found: dict[str, Any] = {}
    for name in raw.list(f"{unique}-books/metadata/team/ledger/owned"):
        found.update((raw.read(f"{base}/{name}") or {})["data"]["objects"])
    return found


def head(raw: Raw, unique: str) -> dict[str, Any]:
    data: dict[str, Any] = (raw.read(f"{unique}-books/data/team/ledger/head") or {})["data"]
    return data


def test_what_left_git_is_deleted_and_forgotten(kept: Project, raw: Raw, unique: str) -> None:
    declare(kept, unique, "a", "b")
    kept.apply()
    declare(kept, unique, "a")

    planned = changes(kept.plan())
    kept.apply()
    drift = kept.run("drift")

    assert planned == {f"auth/{unique}/role/b": "delete"}
    assert raw.read(f"auth/{unique}/role/b") is None
    assert drift.exit_code == 0, drift
    assert f"auth/{unique}/role/b" not in entries(raw, unique)


def test_what_somebody_else_made_is_left_alone(kept: Project, raw: Raw, unique: str) -> None:
    declare(kept, unique, "a")
    kept.apply()
    raw.write(f"auth/{unique}/role/theirs", {})
    raw.write(f"auth/{unique}/role/older", {})
    declare(kept, unique, "a", "older")
    kept.apply()
    declare(kept, unique, "a")

    planned = kept.plan()

    assert planned["changes"] == []
    assert {item["address"] for item in planned["unmanaged"] if unique in item["address"]} >= {
        f"auth/{unique}/role/older",
        f"auth/{unique}/role/theirs",
    }


def test_what_only_leaves_out_has_not_disappeared(kept: Project, unique: str) -> None:
    declare(kept, unique, "a", "b", "c")
    kept.apply()
    declare(kept, unique, "a")

    assert changes(kept.plan("--only", f"auth/{unique}/role/b")) == {f"auth/{unique}/role/b": "delete"}
    assert changes(kept.plan("--only", f"auth/{unique}/role/a")) == {}


def test_owns_and_ignore_bound_what_is_deleted(kept: Project, unique: str) -> None:
    declare(kept, unique, "a", "b", "c")
    kept.apply()
    declare(kept, unique, "a")
    settings(kept, unique, f"owns: [sys/auth/{unique}, auth/{unique}/role/a, auth/{unique}/role/c]\n"
             f"ignore: [auth/{unique}/role/c]")  # fmt: skip

    assert changes(kept.plan()) == {}


def test_a_mount_that_left_git_is_deleted_only_when_it_is_named(kept: Project, raw: Raw, unique: str) -> None:
    declare(kept, unique, "a")
    kept.apply()
    kept.write("desired-state/a.yaml", "policies: {}")

    refused = kept.run("apply", "--yes")
    allowed = kept.run("apply", "--yes", "--allow", f"sys/auth/{unique}")

    assert refused.exit_code == 3, refused
    assert allowed.exit_code == 0, allowed
    assert f"{unique}/" not in (raw.read("sys/auth") or {})
    assert entries(raw, unique) == {}


def test_protection_is_remembered_after_the_object_left_git(kept: Project, raw: Raw, unique: str) -> None:
    kept.write(
        "desired-state/a.yaml",
        f"auth: {{{unique}: {{type: approle, roles: {{a: {{vaultconf: {{protect: true}}}}}}}}}}",
    )
    kept.apply()
    declare(kept, unique)

    planned = kept.plan()
    role = kept.run("apply", "--yes", "--allow", f"auth/{unique}/role/a")
    kept.write("desired-state/a.yaml", "policies: {}")
    mount = kept.run("apply", "--yes", "--allow", f"sys/auth/{unique}")

    assert any(f"auth/{unique}/role/a: delete: it is protected" in said for said in planned["notices"])
    assert role.exit_code == 3, role
    assert "protected" in role.stderr
    assert mount.exit_code == 3, mount
    assert raw.read(f"auth/{unique}/role/a") is not None


def test_what_is_gone_from_the_server_is_forgotten(kept: Project, raw: Raw, unique: str) -> None:
    declare(kept, unique, "a", "b")
    kept.apply()
    raw.delete(f"auth/{unique}/role/b")
    declare(kept, unique, "a")

    planned = kept.plan()
    kept.apply()

    assert planned["changes"] == []
    assert f"auth/{unique}/role/b" not in entries(raw, unique)


def test_what_left_git_and_cannot_be_read_is_unknown_not_gone(kept: Project, raw: Raw, unique: str) -> None:
    declare(kept, unique, "a", "b")
    kept.apply()
    declare(kept, unique, "a")
    rules = (
        'path "*" { capabilities = ["create", "read", "update", "delete", "list", "sudo"] }\n'
        f'path "auth/{unique}/role" {{ capabilities = ["deny"] }}\n'
        f'path "auth/{unique}/role/b" {{ capabilities = ["deny"] }}\n'
    )
    raw.write(f"sys/policies/acl/{unique}-most", {"policy": rules})
    token = raw.write("auth/token/create", {"policies": [f"{unique}-most"]})["auth"]["client_token"]

    planned = kept.run("plan", "--format", "json", env={"VAULT_TOKEN": token})
    applied = kept.run("apply", "--yes", env={"VAULT_TOKEN": token})

    assert planned.exit_code == 1, planned
    assert [item["address"] for item in planned.plan["blocked"]] == [f"auth/{unique}/role/b"]
    assert applied.exit_code == 4, applied
    assert f"auth/{unique}/role/b" in entries(raw, unique)


def test_an_apply_that_was_cut_off_is_remembered_as_ours(kept: Project, raw: Raw, unique: str) -> None:
    declare(kept, unique, "a", "b")

    def cut_off(*_: Any) -> Any:
        raw.write(f"sys/auth/{unique}", {"type": "approle"})
        raw.write(f"auth/{unique}/role/a", {"token_ttl": "5m"})
        raise KeyboardInterrupt

    with mock.patch.object(applying, "run", cut_off):
        kept.run("apply", "--yes")
    pending = {address: entry.get("pending") for address, entry in entries(raw, unique).items()}
    declare(kept, unique)
    planned = changes(kept.plan())
    kept.apply()

    assert pending == {f"sys/auth/{unique}": True, f"auth/{unique}/role/a": True, f"auth/{unique}/role/b": True}
    assert planned == {f"auth/{unique}/role/a": "delete"}
    assert entries(raw, unique).keys() == {f"sys/auth/{unique}"}
    assert "pending" not in entries(raw, unique)[f"sys/auth/{unique}"]


def test_what_failed_before_it_began_is_not_ours(kept: Project, raw: Raw, unique: str) -> None:
    kept.write(
        "desired-state/a.yaml",
        f"""
        auth:
          {unique}: {{type: approle, plugin_version: v0.0.1-none, roles: {{a: {{}}}}}}
        """,
    )

    result = kept.run("apply", "--yes")

    assert result.exit_code in (1, 4), result
    assert f"auth/{unique}/role/a" not in (entries(raw, unique) if result.exit_code == 4 else {})


def test_another_projects_ledger_is_refused(kept: Project, raw: Raw, unique: str) -> None:
    declare(kept, unique, "a")
    kept.apply()
    kept.write("vaultconf.yaml", f"version: 1\nproject: other\nledger: {unique}-books/team/ledger\n")
    named = [kept.run(command, *more) for command, more in (("plan", ()), ("drift", ()), ("apply", ("--yes",)))]
    kept.write("vaultconf.yaml", f"version: 1\nledger: {unique}-books/team/ledger\n")
    unnamed = kept.run("plan")

    assert [result.exit_code for result in named] == [3, 3, 3]
    assert f"p-{unique}" in named[0].stderr
    assert unnamed.exit_code == 0, unnamed


@pytest.mark.parametrize("path", ["{unique}-old/x", "nowhere-{unique}/x", "{unique}-books"])
def test_a_setting_that_names_no_path_in_a_kv_v2_engine_is_an_error(
    kept: Project, raw: Raw, unique: str, path: str
) -> None:
    raw.write(f"sys/mounts/{unique}-old", {"type": "kv", "options": {"version": "1"}})
    declare(kept, unique, "a")
    kept.write("vaultconf.yaml", f"version: 1\nledger: {path.format(unique=unique)}\n")

    results = [kept.run("plan"), kept.run("apply", "--yes")]

    assert [result.exit_code for result in results] == [1, 1], results
    assert all("ledger" in result.stderr for result in results)


def limited(raw: Raw, unique: str) -> dict[str, str]:
    """The environment of a token that may do everything but look at the ledger."""
    rules = (
        'path "*" { capabilities = ["create", "read", "update", "delete", "list", "sudo"] }\n'
        f'path "{unique}-books/*" {{ capabilities = ["deny"] }}\n'
    )
    raw.write(f"sys/policies/acl/{unique}-blind", {"policy": rules})
    return {"VAULT_TOKEN": raw.write("auth/token/create", {"policies": [f"{unique}-blind"]})["auth"]["client_token"]}


def test_without_a_look_at_the_ledger_a_plan_says_so_and_an_apply_ends(kept: Project, raw: Raw, unique: str) -> None:
    declare(kept, unique, "a", "b")
    kept.apply()
    declare(kept, unique, "a")

    planned = kept.run("plan", "--format", "json", env=limited(raw, unique))
    applied = kept.run("apply", "--yes", env=limited(raw, unique))

    assert planned.exit_code == 0, planned
    assert planned.plan["changes"] == []
    assert any("ledger" in notice for notice in planned.plan["notices"])
    assert applied.exit_code == 1, applied
    assert raw.read(f"auth/{unique}/role/b") is not None


def test_losing_the_ledger_loses_nothing_but_what_it_knew(kept: Project, raw: Raw, unique: str) -> None:
    declare(kept, unique, "a", "b")
    kept.apply()
    for name in [*(f"owned/{shard}" for shard in raw.list(f"{unique}-books/metadata/team/ledger/owned")), "head"]:
        raw.delete(f"{unique}-books/metadata/team/ledger/{name}")

    same = kept.plan()
    declare(kept, unique, "a")
    less = kept.plan()
    kept.apply()

    assert same["changes"] == []
    assert less["changes"] == []
    assert head(raw, unique)["project"] == f"p-{unique}"
    assert raw.read(f"auth/{unique}/role/b") is not None


def test_the_engine_of_the_ledger_is_never_touched(kept: Project, raw: Raw, unique: str) -> None:
    settings(kept, unique, f"prune: [sys/mounts/{unique}-books]")
    declare(kept, unique, "a")
    pruned = kept.plan()
    kept.write("desired-state/b.yaml", f"secrets: {{{unique}-books: {{type: kv, options: {{version: 2}}}}}}")
    declared = kept.plan()
    kept.write(
        "desired-state/b.yaml",
        f"secrets: {{{unique}-books: {{type: kv, options: {{version: 2}}, config: {{max_versions: 1}}}}}}",
    )
    altered = kept.run("apply", "--yes", "--allow", "*")

    assert f"sys/mounts/{unique}-books" not in changes(pruned)
    assert f"sys/mounts/{unique}-books" not in changes(declared)
    assert altered.exit_code == 1, altered
    assert "the ledger lives there" in altered.stderr
    assert (raw.read(f"{unique}-books/config") or {})["max_versions"] == 0


def test_the_head_tells_the_commit_the_moment_and_the_caller(kept: Project, raw: Raw, unique: str) -> None:
    declare(kept, unique, "a")
    commit = committed(kept.root)

    kept.apply()

    assert head(raw, unique)["commit"] == commit
    assert head(raw, unique)["caller"].startswith("token") or head(raw, unique)["caller"] == "root"
    assert entries(raw, unique)[f"auth/{unique}/role/a"]["commit"] == commit
    assert head(raw, unique)["applied_at"] == entries(raw, unique)[f"auth/{unique}/role/a"]["since"]


def committed(folder: Path) -> str:
    def git(*argv: str) -> str:
        who = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
        done = subprocess.run(["git", *who, *argv], cwd=folder, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "one")
    return git("rev-parse", "HEAD")


def test_an_apply_with_nothing_to_do_writes_no_shard(kept: Project, raw: Raw, unique: str) -> None:
    declare(kept, unique, "a", "b", "c")
    kept.apply()
    before = versions(raw, unique)

    kept.apply()

    assert versions(raw, unique) == before


def versions(raw: Raw, unique: str) -> dict[str, int]:
    base = f"{unique}-books/metadata/team/ledger/owned"
    return {name: (raw.read(f"{base}/{name}") or {})["current_version"] for name in raw.list(base)}


# --- fingerprints ---


def secretive(project: Project, unique: str, ttl: str = "5m") -> None:
    project.write(
        "desired-state/a.yaml",
        f"""
        auth:
          {unique}:
            type: userpass
            users: {{u: {{password: "${{env:PASSWORD}}", token_ttl: {ttl}}}}}
        """,
    )


def logs_in(raw: Raw, unique: str, password: str) -> bool:
    status, _ = raw.request("POST", f"auth/{unique}/login/u", {"password": password})
    return status == 200


def unverified(result: Result) -> list[tuple[str, str]]:
    return [(item["field"], item["reason"]) for item in result.plan["unverified"]]


def test_a_changed_password_is_an_update_and_an_unchanged_one_is_not_sent(kept: Project, raw: Raw, unique: str) -> None:
    secretive(kept, unique)
    old, new = {"PASSWORD": "canary-old"}, {"PASSWORD": "canary-new"}
    kept.run("apply", "--yes", env=old)
    same = kept.run("plan", "--format", "json", env=old)
    changed = kept.run("plan", "--format", "json", env=new)
    raw.write(f"auth/{unique}/users/u/password", {"password": "by hand"})
    secretive(kept, unique, ttl="6m")
    kept.run("apply", "--yes", env=old)
    by_hand = logs_in(raw, unique, "by hand")
    applied = kept.run("apply", "--yes", "--format", "json", env=new)

    assert (same.plan["changes"], unverified(same)) == ([], [])
    assert changed.plan["changes"][0]["fields"] == [
        {"field": "password", "before": None, "after": None, "secret": True}
    ]
    assert by_hand
    assert applied.exit_code == 0, applied
    assert logs_in(raw, unique, "canary-new")
    assert kept.run("drift", env=new).exit_code == 0
    shown = json.dumps([entries(raw, unique), same.stdout, changed.stdout, changed.stderr, applied.stdout])
    assert "canary" not in shown


def test_a_password_that_is_not_at_hand_is_unverified_and_needed_by_nobody(kept: Project, unique: str) -> None:
    secretive(kept, unique)
    kept.run("apply", "--yes", env={"PASSWORD": "x"})

    planned = kept.run("plan", "--format", "json")
    applied = kept.run("apply", "--yes")

    assert unverified(planned) == [("password", "write-only; ${env:PASSWORD} is not at hand")]
    assert applied.exit_code == 0, applied


def test_a_password_from_before_the_ledger_is_unverified_until_it_is_sent_again(
    kept: Project, raw: Raw, unique: str
) -> None:
    secretive(kept, unique)
    raw.write(f"sys/auth/{unique}", {"type": "userpass"})
    raw.write(f"auth/{unique}/users/u", {"password": "older", "token_ttl": "5m"})
    env = {"PASSWORD": "newer"}

    before = kept.run("plan", "--format", "json", env=env)
    kept.run("apply", "--yes", "--resend", f"auth/{unique}/users/u", env=env)
    after = kept.run("plan", "--format", "json", env=env)
    kept.write("desired-state/a.yaml", f"auth: {{{unique}: {{type: userpass}}}}")
    undeclared = kept.plan()

    assert unverified(before) == [("password", "write-only; the ledger has no fingerprint of it")]
    assert unverified(after) == []
    assert undeclared["changes"] == []


def test_who_may_not_read_the_key_cannot_verify_and_is_told(kept: Project, raw: Raw, unique: str) -> None:
    secretive(kept, unique)
    env = {"PASSWORD": "x"}
    kept.run("apply", "--yes", env=env)
    rules = f'path "*" {{ capabilities = ["read", "list", "sudo"] }}\npath "{unique}-books/data/team/ledger/key" {{ capabilities = ["deny"] }}'
    raw.write(f"sys/policies/acl/{unique}-reader", {"policy": rules})
    token = raw.write("auth/token/create", {"policies": [f"{unique}-reader"]})["auth"]["client_token"]

    planned = kept.run("plan", "--format", "json", env={**env, "VAULT_TOKEN": token})

    assert planned.exit_code == 0, planned
    assert unverified(planned) == [("password", "write-only; the key of the ledger's fingerprints cannot be read")]


def test_a_password_whose_sending_was_cut_off_is_sent_again(kept: Project, raw: Raw, unique: str) -> None:
    secretive(kept, unique)
    kept.run("apply", "--yes", env={"PASSWORD": "first"})

    def cut_off(*_: Any) -> Any:
        raise KeyboardInterrupt

    with mock.patch.object(applying, "run", cut_off):
        kept.run("apply", "--yes", env={"PASSWORD": "second"})
    back = kept.run("plan", "--format", "json", env={"PASSWORD": "first"})

    assert changes(back.plan) == {f"auth/{unique}/users/u": "update"}


# --- namespaces, and endpoints that no kind covers ---


def test_a_namespace_whose_document_left_git_is_still_looked_into(kept: Project, raw: Raw, unique: str) -> None:
    if kept.server.product == "vault":
        return  # the community edition has none
    raw.write(f"sys/namespaces/{unique}", {})
    kept.write("desired-state/a.yaml", f"namespace: {unique}\npolicies: {{{unique}: {{policy: '# x'}}}}")
    kept.apply()
    kept.write("desired-state/a.yaml", "policies: {}")

    planned = changes(kept.plan())
    raw.delete(f"sys/namespaces/{unique}")
    gone = kept.plan()

    assert planned == {f"{unique}/sys/policies/acl/{unique}": "delete"}
    assert gone["changes"] == []


def test_an_endpoint_that_no_kind_covers_goes_when_it_left_git(kept: Project, raw: Raw, unique: str) -> None:
    path = f"{unique}-ssh/roles/{unique}"
    kept.write(
        "desired-state/a.yaml",
        f"""
        secrets: {{{unique}-ssh: {{type: ssh}}}}
        generic: {{{path}: {{key_type: otp, default_user: u, cidr_list: 10.0.0.0/8}}}}
        """,
    )
    kept.apply()
    kept.write("desired-state/a.yaml", f"secrets: {{{unique}-ssh: {{type: ssh}}}}")

    planned = changes(kept.plan())
    kept.apply()

    assert planned == {path: "delete"}
    assert raw.read(path) is None


def test_a_forged_entry_deletes_nothing_that_no_file_could_declare(kept: Project, raw: Raw, unique: str) -> None:
    declare(kept, unique, "a")
    kept.apply()
    raw.write("sys/policies/acl/" + unique, {"policy": "# theirs"})
    raw.write(f"{unique}-books/data/hr", {"data": {"salary": 1}})
    forged = {
        f"sys/auth/{unique}": {"kind": "acl_policy", "params": {"name": f"../../auth/{unique}"}, "owned": True},
        f"{unique}-books/data/hr": {
            "kind": "generic_object",
            "params": {"path": f"{unique}-books/data/hr"},
            "owned": True,
        },
        "sys/auth/token": {"kind": "auth_method", "params": {"mount": "token"}, "owned": True},
        "sys/policies/acl/default": {"kind": "acl_policy", "params": {"name": "default"}, "owned": True},
        "nonsense": {"kind": "no_such_kind", "params": {}, "owned": True},
    }
    raw.write(f"{unique}-books/data/team/ledger/owned/3f", {"data": {"objects": forged}})

    planned = kept.plan()
    kept.apply()

    assert planned["changes"] == []
    assert raw.read(f"{unique}-books/data/hr") is not None
    assert any("nonsense" in notice for notice in planned["notices"])


# --- the commands, and the rights that they need ---


def test_show_tells_what_is_in_it_and_never_a_fingerprint(kept: Project, raw: Raw, unique: str) -> None:
    secretive(kept, unique)
    commit = committed(kept.root)
    kept.run("apply", "--yes", env={"PASSWORD": "x"})

    as_json = kept.run("ledger", "show", "--format", "json")
    as_text = kept.run("ledger", "show")

    found = {item["address"]: item for item in as_json.plan["objects"]}
    user = found[f"auth/{unique}/users/u"]
    assert (user["owned"], user["commit"], user["fingerprints"]) == (True, commit, ["password"])
    assert (as_json.plan["commit"], as_json.plan["project"], as_json.plan["lock"]) == (commit, f"p-{unique}", None)
    assert f"auth/{unique}/users/u  {commit[:12]}" in as_text.stdout
    mac = entries(raw, unique)[f"auth/{unique}/users/u"]["fingerprints"]["password"]
    assert mac not in as_json.stdout + as_text.stdout


def test_what_was_forgotten_stays_on_the_server(kept: Project, raw: Raw, unique: str) -> None:
    declare(kept, unique, "a", "b")
    kept.apply()

    forgotten = kept.run("ledger", "forget", f"auth/{unique}/role/b", "--yes")
    again = kept.run("ledger", "forget", f"auth/{unique}/role/b", "--yes")
    declare(kept, unique, "a")

    assert forgotten.exit_code == 0, forgotten
    assert f"auth/{unique}/role/b" in forgotten.stdout
    assert again.exit_code == 1, again
    assert kept.plan()["changes"] == []
    assert f"auth/{unique}/role/a" in entries(raw, unique)


def test_what_was_adopted_goes_when_it_leaves_git(kept: Project, raw: Raw, unique: str) -> None:
    raw.write(f"sys/auth/{unique}", {"type": "approle"})
    raw.write(f"auth/{unique}/role/older", {"token_ttl": "9m"})
    declare(kept, unique, "older", "missing")

    adopted = kept.run("ledger", "adopt", f"auth/{unique}/role/*")
    written = raw.read(f"auth/{unique}/role/older") or {}
    declare(kept, unique)

    assert adopted.exit_code == 0, adopted
    assert adopted.stdout.split() == ["Adopted:", f"auth/{unique}/role/older"]
    assert written["token_ttl"] == 540
    assert changes(kept.plan()) == {f"auth/{unique}/role/older": "delete"}


def test_the_commands_need_a_ledger_and_an_answer(kept: Project, project: Project, unique: str) -> None:
    asked = [kept.run("unlock"), kept.run("ledger", "forget", "*")]
    kept.write("vaultconf.yaml", "version: 1\n")
    without = [kept.run("ledger", "show"), kept.run("ledger", "adopt", "*"), kept.run("unlock", "--yes")]

    assert [result.exit_code for result in asked] == [64, 64]
    assert [result.exit_code for result in without] == [1, 1, 1]
    assert all("keeps no ledger" in result.stderr for result in without)


def test_unlock_frees_the_lock_whoever_holds_it_and_whatever_the_files_say(
    kept: Project, raw: Raw, unique: str
) -> None:
    held = {"id": "x", "owner": "eve@there", "reason": "apply", "since": "2026-01-01T00:00:00Z"}
    raw.write(f"{unique}-books/data/team/ledger/lock", {"data": held})
    kept.write("desired-state/a.yaml", "nonsense: {")

    shown = kept.run("ledger", "show", "--format", "json")
    freed = kept.run("unlock", "--yes")
    free = kept.run("unlock", "--yes")

    assert shown.plan["lock"]["owner"] == "eve@there"
    assert freed.exit_code == 0, freed
    assert "eve@there" in freed.stdout
    assert "free" in free.stdout
    assert (raw.read(f"{unique}-books/data/team/ledger/lock") or {})["data"] == {}


def test_unlock_refuses_the_lock_of_another_project(kept: Project, raw: Raw, unique: str) -> None:
    declare(kept, unique, "a")
    kept.apply()
    held = {"id": "x", "owner": "eve@there", "reason": "apply", "since": "2026-01-01T00:00:00Z"}
    raw.write(f"{unique}-books/data/team/ledger/lock", {"data": held})
    kept.write("vaultconf.yaml", f"version: 1\nproject: other\nledger: {unique}-books/team/ledger\n")

    refused = kept.run("unlock", "--yes")
    held_still = (raw.read(f"{unique}-books/data/team/ledger/lock") or {})["data"]
    blind = token_with(
        raw,
        f'''
        path "{unique}-books/data/team/ledger/lock" {{ capabilities = ["read", "update"] }}
        path "sys/mounts" {{ capabilities = ["read"] }}
    ''',
    )
    freed = kept.run("unlock", "--yes", env=blind)

    assert refused.exit_code == 3
    assert f"is that of the project `p-{unique}`" in refused.stderr
    assert held_still == held
    # Who cannot see whose it is may free it, by what the server lets him.
    assert freed.exit_code == 0, freed


def test_a_path_of_the_api_is_no_path_of_a_ledger(kept: Project, unique: str) -> None:
    kept.write("vaultconf.yaml", f"version: 1\nproject: p-{unique}\nledger: {unique}-books/data/team/x\n")

    refused = kept.run("apply", "--yes")

    assert refused.exit_code == 1
    assert "`data` is a part of the API's paths, not of this one" in refused.stderr
    assert f"write `ledger: {unique}-books/team/x`" in refused.stderr


def test_a_key_that_is_gone_is_said_once_and_made_anew(kept: Project, raw: Raw, unique: str) -> None:
    user = "{password: '${env:PASSWORD}'}"
    kept.write("desired-state/a.yaml", f"auth: {{{unique}: {{type: userpass, users: {{one: {user}, two: {user}}}}}}}")
    secret = {"PASSWORD": "s3cret-of-this-test"}
    assert kept.run("apply", "--yes", env=secret).exit_code == 0
    raw.delete(f"{unique}-books/metadata/team/ledger/key")

    planned = kept.run("plan", "--format", "json", env=secret)
    resent = kept.run("apply", "--yes", "--resend", f"auth/{unique}/users/*", env=secret)
    after = kept.run("plan", "--format", "json", env=secret)

    assert [notice for notice in planned.plan["notices"] if "key of the ledger's fingerprints is gone" in notice]
    assert {item["reason"] for item in planned.plan["unverified"]} == {
        "write-only; the key of the ledger's fingerprints is gone"
    }
    assert resent.exit_code == 0, resent
    assert (after.plan["changes"], after.plan["unverified"]) == ([], [])


def test_who_may_not_read_is_told_what_prints_the_rights(kept: Project, raw: Raw, unique: str) -> None:
    declare(kept, unique, "a")
    nothing = token_with(raw, 'path "sys/mounts" { capabilities = ["read"] }')

    planned = kept.run("plan", env=nothing)
    applied = kept.run("apply", "--yes", env=nothing)

    hint = "`vaultconf permissions plan`"
    assert planned.exit_code == 1
    assert planned.stdout.count(f"the token may not read all of this: {hint} prints the rights") == 1
    assert hint in applied.stderr


def test_the_printed_policies_are_enough(kept: Project, raw: Raw, unique: str) -> None:
    declare(kept, unique, "a", "b")
    tokens = {run: token_with(raw, policy_for(kept, run)["policy"]) for run in ("plan", "apply")}

    first = kept.run("apply", "--yes", env=tokens["apply"])
    planned = kept.run("plan", env=tokens["plan"])
    declare(kept, unique, "a")
    second = kept.run("apply", "--yes", env=tokens["apply"])

    assert [first.exit_code, planned.exit_code, second.exit_code] == [0, 0, 0], (first, planned, second)
    assert not any("ledger" in result.stderr + result.stdout for result in (first, planned, second))
    assert raw.read(f"auth/{unique}/role/b") is None


def test_a_move_loses_no_fingerprint(kept: Project, raw: Raw, unique: str) -> None:
    users = "users: {same: {password: '${env:P1}'}, other: {password: '${env:P2}'}}"
    kept.write("desired-state/a.yaml", f"auth: {{{unique}: {{type: userpass, {users}}}}}")
    kept.run("apply", "--yes", env={"P1": "one", "P2": "two"})
    moved = f"type: userpass, vaultconf: {{renamed_from: {unique}}}, {users}"
    kept.write("desired-state/a.yaml", f"auth: {{{unique}-new: {{{moved}}}}}")
    env = {"P1": "one", "P2": "changed"}

    planned = kept.run("plan", "--format", "json", env=env).plan
    result = kept.run("apply", "--yes", "--allow", f"sys/auth/{unique}-new", env=env)
    after = kept.run("plan", "--format", "json", env=env).plan
    later = kept.run("plan", "--format", "json", env={**env, "P1": "later"}).plan

    assert [(item["address"], item["action"]) for item in planned["changes"]] == [
        (f"auth/{unique}-new/users/other", "update"),
        (f"sys/auth/{unique}-new", "move"),
    ]
    assert planned["unverified"] == []
    assert result.exit_code == 0, result
    assert (after["changes"], after["unverified"]) == ([], [])
    assert [item["address"] for item in later["changes"]] == [f"auth/{unique}-new/users/same"]
    raw.write(f"auth/{unique}-new/login/other", {"password": "changed"})


def test_what_is_in_a_mount_that_moved_is_ours_still(kept: Project, raw: Raw, unique: str) -> None:
    declare(kept, unique, "a", "b")
    kept.apply()
    moved = f"type: approle, vaultconf: {{renamed_from: {unique}}}"
    kept.write("desired-state/a.yaml", f"auth: {{{unique}-new: {{{moved}, roles: {{a: {{token_ttl: 5m}}}}}}}}")

    result = kept.run("apply", "--yes", "--allow", f"sys/auth/{unique}-new")
    after = kept.plan()

    assert result.exit_code == 0, result
    assert after["changes"] == []
    assert raw.list(f"auth/{unique}-new/role") == ["a"]
    assert entries(raw, unique).keys() == {f"sys/auth/{unique}-new", f"auth/{unique}-new/role/a"}
