"""A plan that would lock somebody out is refused: its own caller, or who is needed in an emergency."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.support.cli import Project, Result
from tests.support.least import policy_for, token_with
from tests.support.raw import Raw

#: What a run needs to plan and to write policies and roles.
FULL = """
path "sys/policies/acl/*" { capabilities = ["read", "update", "delete", "list"] }
path "sys/policies/acl" { capabilities = ["list"] }
path "sys/policies/password" { capabilities = ["list"] }
path "sys/mounts" { capabilities = ["read"] }
path "sys/auth" { capabilities = ["read"] }
path "sys/auth/*" { capabilities = ["read", "update", "create", "delete", "sudo"] }
path "auth/*" { capabilities = ["read", "update", "create", "delete", "list"] }
path "identity/*" { capabilities = ["read", "update", "create", "delete", "list"] }
"""
NARROW = 'path "sys/policies/acl/other-*" { capabilities = ["read", "update"] }\n'


@pytest.fixture
def caller(project: Project, raw: Raw, unique: str) -> dict[str, str]:
    """The environment of a user `ci` of an own auth method, who holds the policy FULL and nothing else."""
    raw.write(f"sys/policies/acl/{unique}", {"policy": FULL})
    raw.write(f"sys/auth/{unique}", {"type": "userpass"})
    body = {"password": "pw", "token_policies": [unique], "token_no_default_policy": False}
    raw.write(f"auth/{unique}/users/ci", body)
    return logged_in(raw, unique)


def logged_in(raw: Raw, unique: str, user: str = "ci") -> dict[str, str]:
    answer = raw.write(f"auth/{unique}/login/{user}", {"password": "pw"})
    return {"VAULT_TOKEN": answer["auth"]["client_token"]}


def users(project: Project, unique: str, **policies: str) -> None:
    listed = "".join(f"      {name}: {{token_policies: [{held}]}}\n" for name, held in policies.items())
    project.write("desired-state/a.yaml", f"auth:\n  {unique}:\n    type: userpass\n    users:\n{listed}")


def settings(project: Project, *lines: str) -> None:
    project.write("vaultconf.yaml", "version: 1\n" + "".join(f"{line}\n" for line in lines))


def planned(project: Project, env: dict[str, str] | None = None) -> dict[str, Any]:
    result = project.run("plan", "--format", "json", env=env)
    assert result.exit_code in (0, 1), result
    assert not result.plan["errors"], result
    return result.plan


def risks(plan: dict[str, Any]) -> dict[str, str]:
    return {item["address"]: item["risk"]["reason"] for item in plan["changes"] if item["risk"]}


def refused(result: Result) -> list[str]:
    assert result.exit_code == 3, result
    return [problem["address"] for problem in result.plan["errors"]]


def test_a_caller_that_loses_the_right_to_repair_its_own_policy_is_refused_until_that_is_allowed(
    project: Project, raw: Raw, unique: str, caller: dict[str, str]
) -> None:
    project.policy(unique, NARROW)

    plan = planned(project, caller)
    stopped = project.run("apply", "--yes", "--format", "json", env=caller)
    before = raw.read(f"sys/policies/acl/{unique}")
    meant = project.run("apply", "--yes", "--allow", f"sys/policies/acl/{unique}", env=caller)

    risk = plan["changes"][0]["risk"]
    assert risk == {
        "reason": "locks_out",
        "allow": f"sys/policies/acl/{unique}",
        "detail": f"the caller of this run could no longer read sys/policies/acl/{unique},"
        f" update sys/policies/acl/{unique}",
    }
    assert refused(stopped) == [f"sys/policies/acl/{unique}"]
    assert (before or {})["policy"] == FULL
    assert meant.exit_code == 0, meant
    assert "cannot be read back" in meant.stdout  # the token may not read it any more
    assert (raw.read(f"sys/policies/acl/{unique}") or {})["policy"] == NARROW


def test_a_caller_that_keeps_what_it_needs_may_be_narrowed(
    project: Project, unique: str, caller: dict[str, str]
) -> None:
    project.policy(unique, FULL.replace('path "identity/*"', 'path "identity/none"'))

    assert risks(planned(project, caller)) == {}


def test_the_root_token_cannot_lock_itself_out(project: Project, unique: str, caller: dict[str, str]) -> None:
    project.policy(unique, NARROW)

    assert caller
    assert risks(planned(project)) == {}


def test_rights_that_move_to_another_policy_of_the_caller_are_not_lost(
    project: Project, raw: Raw, unique: str, caller: dict[str, str]
) -> None:
    raw.write(f"sys/policies/acl/{unique}-2", {"policy": NARROW})
    raw.write(f"auth/{unique}/users/ci", {"token_policies": [unique, f"{unique}-2"]})
    both = logged_in(raw, unique)
    project.policy(unique, NARROW)
    project.policy(f"{unique}-2", FULL)

    assert risks(planned(project, both)) == {}
    assert f"sys/policies/acl/{unique}" in risks(planned(project, caller))


def test_a_login_that_gets_fewer_policies_next_time_locks_its_caller_out(
    project: Project, unique: str, caller: dict[str, str]
) -> None:
    project.policy(unique, FULL)
    project.policy(f"{unique}-none", NARROW)
    users(project, unique, ci=f"{unique}-none")

    assert risks(planned(project, caller)) == {f"auth/{unique}/users/ci": "locks_out"}


def test_another_users_policies_are_no_concern_of_the_callers(
    project: Project, raw: Raw, unique: str, caller: dict[str, str]
) -> None:
    raw.write(f"auth/{unique}/users/app", {"password": "pw", "token_policies": [unique]})
    project.policy(unique, FULL)
    project.policy(f"{unique}-none", NARROW)
    users(project, unique, ci=unique, app=f"{unique}-none")

    assert risks(planned(project, caller)) == {}


def test_a_policy_that_comes_from_the_callers_group_is_missed_when_the_group_lets_go_of_it(
    project: Project, raw: Raw, unique: str
) -> None:
    raw.write(f"sys/policies/acl/{unique}", {"policy": FULL})
    raw.write(f"sys/policies/acl/{unique}-none", {"policy": NARROW})
    raw.write(f"sys/auth/{unique}", {"type": "userpass"})
    raw.write(f"auth/{unique}/users/ci", {"password": "pw"})
    login = raw.write(f"auth/{unique}/login/ci", {"password": "pw"})["auth"]
    raw.write(f"identity/entity/id/{login['entity_id']}", {"name": unique})
    raw.write(f"identity/group/name/{unique}", {"policies": [unique], "member_entity_ids": [login["entity_id"]]})
    settings(project, f"external: [sys/policies/acl/{unique}*, identity/entity/name/*]")
    group = "identity: {{groups: {{{name}: {{policies: [{held}], member_entities: [{members}]}}}}}}\n"
    env = {"VAULT_TOKEN": login["client_token"]}

    found = {}
    for case, held, members in (("other", f"{unique}-none", unique), ("left", unique, ""), ("kept", unique, unique)):
        project.write("desired-state/a.yaml", group.format(name=unique, held=held, members=members))
        found[case] = risks(planned(project, env))

    locked = {f"identity/group/name/{unique}": "locks_out"}
    assert found == {"other": locked, "left": locked, "kept": {}}


@pytest.mark.parametrize(("disabled", "expected"), [("true", "locks_out"), ("false", None)])
def test_a_caller_whose_entity_is_shut_is_locked_out(
    project: Project, raw: Raw, unique: str, caller: dict[str, str], disabled: str, expected: str | None
) -> None:
    entity = raw.write("auth/token/lookup", {"token": caller["VAULT_TOKEN"]})["data"]["entity_id"]
    raw.write(f"identity/entity/id/{entity}", {"name": unique})
    settings(project, "external: [sys/auth/*]")
    alias = f"aliases: [{{mount: {unique}, name: ci}}]"
    fields = f"{alias}, disabled: {disabled}, metadata: {{team: new}}"
    project.write("desired-state/a.yaml", f"identity: {{entities: {{{unique}: {{{fields}}}}}}}\n")

    plan = planned(project, caller)

    assert [item["address"] for item in plan["changes"]] == [f"identity/entity/name/{unique}"]
    assert risks(plan).get(f"identity/entity/name/{unique}") == expected


DENY = re.sub(r"\[.*?\]", '["deny"]', FULL)


def known_as(raw: Raw, unique: str, user: str) -> None:
    """Log a user in, so that it has an entity, and give that the name `<unique>-<user>`."""
    entity = raw.write(f"auth/{unique}/login/{user}", {"password": "pw"})["auth"]["entity_id"]
    raw.write(f"identity/entity/id/{entity}", {"name": f"{unique}-{user}"})


def identity(project: Project, entities: dict[str, str], groups: dict[str, str]) -> None:
    """Declare entities and groups, given the text of the fields of each."""
    listed = {
        section: ", ".join(f"{name}: {{{fields}}}" for name, fields in objects.items())
        for section, objects in (("entities", entities), ("groups", groups))
    }
    text = ", ".join(f"{section}: {{{objects}}}" for section, objects in listed.items())
    project.write("desired-state/identity.yaml", f"identity: {{{text}}}\n")


@pytest.mark.parametrize("nested", [False, True], ids=["directly", "by a group"])
@pytest.mark.parametrize(("policy", "expected"), [(DENY, "locks_out"), (FULL, None)], ids=["deny", "more"])
def test_a_caller_that_is_put_into_a_group_that_denies_is_locked_out(
    project: Project, raw: Raw, unique: str, caller: dict[str, str], policy: str, expected: str | None, *, nested: bool
) -> None:
    known_as(raw, unique, "ci")
    settings(project, f"external: [identity/entity/name/*, sys/policies/acl/{unique}]")
    project.policy(f"{unique}-more", policy)
    within = {f"{unique}-in": f"member_entities: [{unique}-ci]"}
    member = f"member_groups: [{unique}-in]" if nested else f"member_entities: [{unique}-ci]"
    identity(project, {}, {**(within if nested else {}), f"{unique}-out": f"policies: [{unique}-more], {member}"})

    found = risks(planned(project, caller))

    assert set(found.values()) == ({expected} if expected else set())
    assert (f"identity/group/name/{unique}-out" in found) is (expected is not None)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [("disabled: true", "locks_out"), ("policies: [{deny}]", "locks_out"), ("policies: [{more}]", None)],
)
def test_an_entity_that_takes_over_the_callers_login_may_lock_it_out(
    project: Project, raw: Raw, unique: str, caller: dict[str, str], fields: str, expected: str | None
) -> None:
    known_as(raw, unique, "ci")
    settings(project, "external: [sys/auth/*]")
    project.policy(f"{unique}-deny", DENY)
    project.policy(f"{unique}-more", NARROW)
    given = fields.format(deny=f"{unique}-deny", more=f"{unique}-more")
    identity(project, {f"{unique}-evil": f"aliases: [{{mount: {unique}, name: ci}}], {given}"}, {})

    found = risks(planned(project, caller))

    assert found == ({f"identity/entity/name/{unique}-evil": expected} if expected else {})


def test_a_policy_of_the_caller_that_cannot_be_read_is_a_notice(project: Project, raw: Raw, unique: str) -> None:
    own = FULL + f'path "sys/policies/acl/{unique}-dark" {{ capabilities = ["deny"] }}\n'
    raw.write(f"sys/policies/acl/{unique}", {"policy": own})
    raw.write(f"sys/policies/acl/{unique}-dark", {"policy": NARROW})
    token = raw.write("auth/token/create", {"policies": [unique, f"{unique}-dark"]})["auth"]["client_token"]
    project.policy(unique, NARROW)

    plan = planned(project, {"VAULT_TOKEN": token})

    assert risks(plan) == {}
    assert (
        f"whether this plan locks out its own caller is not known: the policy `{unique}-dark` cannot be read"
        in plan["notices"]
    )


# --- break_glass ----------------------------------------------------------------------------------------------


@pytest.fixture
def emergency(project: Project, raw: Raw, unique: str) -> str:
    """The address of a user who must be able to repair, by the policy FULL; the project declares that policy."""
    raw.write(f"sys/policies/acl/{unique}", {"policy": FULL})
    raw.write(f"sys/auth/{unique}", {"type": "userpass"})
    raw.write(f"auth/{unique}/users/glass", {"password": "pw", "token_policies": [unique]})
    return f"auth/{unique}/users/glass"


def test_whom_an_emergency_needs_keeps_the_policies_to_repair(project: Project, unique: str, emergency: str) -> None:
    settings(project, f"break_glass: [{emergency}]")
    project.policy(unique, NARROW)

    plan = planned(project)
    stopped = project.run("apply", "--yes", "--format", "json")
    meant = project.run("apply", "--yes", "--allow", f"sys/policies/acl/{unique}")

    assert risks(plan) == {f"sys/policies/acl/{unique}": "break_glass"}
    assert f"{emergency} (`break_glass`) could no longer" in plan["changes"][0]["risk"]["detail"]
    assert refused(stopped) == [f"sys/policies/acl/{unique}"]
    assert meant.exit_code == 0, meant


def test_an_emergency_user_can_be_neither_deleted_nor_changed_nor_lose_the_policies_unseen(
    project: Project, raw: Raw, unique: str, emergency: str
) -> None:
    project.policy(unique, FULL)
    project.policy(f"{unique}-none", NARROW)
    raw.write(f"auth/{unique}/users/app", {"password": "pw"})
    found = {}

    settings(project, f"break_glass: [auth/{unique}/users/+]", f"prune: [auth/{unique}/users/*]")
    users(project, unique, app=unique)
    found["deleted"] = risks(planned(project)).get(emergency)
    settings(project, f"break_glass: [{emergency}]")
    users(project, unique, glass=f"{unique}-none")
    found["fewer"] = risks(planned(project)).get(emergency)
    project.write(
        "desired-state/a.yaml",
        f"auth: {{{unique}: {{type: userpass, users: {{glass: {{token_policies: [{unique}],"
        " token_bound_cidrs: [10.0.0.0/8]}}}}\n",
    )
    found["bound"] = risks(planned(project)).get(emergency)
    users(project, unique, glass=unique)
    found["kept"] = risks(planned(project)).get(emergency)

    assert found == {"deleted": "break_glass", "fewer": "break_glass", "bound": "break_glass", "kept": None}


def test_the_auth_method_of_an_emergency_user_stays(project: Project, unique: str, emergency: str) -> None:
    settings(project, f"break_glass: [{emergency}]", f"prune: [sys/auth/{unique}]")
    project.policy(unique, FULL)

    plan = planned(project)

    assert risks(plan) == {f"sys/auth/{unique}": "break_glass"}
    assert "goes with its auth method" in plan["changes"][0]["risk"]["detail"]


def test_an_emergency_user_who_is_not_there_or_cannot_repair_is_a_notice(
    project: Project, raw: Raw, unique: str, emergency: str
) -> None:
    raw.write(emergency, {"token_policies": []})
    settings(project, f"break_glass: [{emergency}, auth/{unique}/users/nobody, auth/none/users/x]")
    project.policy(f"{unique}-new", NARROW)

    notices = planned(project)["notices"]

    assert f"`break_glass`: auth/{unique}/users/nobody is not there" in notices
    assert "`break_glass`: auth/none/users/x is nobody that this run can judge" in notices
    assert any(f"{emergency} (`break_glass`) cannot read sys/policies/acl/{unique}-new" in text for text in notices)


@pytest.mark.parametrize(
    ("entity", "group", "expected"),
    [
        ("disabled: true", "", "entity/name/{}-glass"),
        ("policies: [{}-deny]", "", "entity/name/{}-glass"),
        ("", "policies: [{}-deny], member_entities: [{}-glass]", "group/name/{}-locker"),
        ("", "policies: [{}-more], member_entities: [{}-glass]", ""),
        ("policies: [{}-more]", "policies: [{}-deny]", ""),
    ],
    ids=["shut", "denied", "denied by a group", "more", "another group"],
)
@pytest.mark.parametrize("there", [True, False], ids=["there", "new"])
def test_an_emergency_user_is_not_shut_out_by_the_entity_that_the_files_give_it(
    project: Project, raw: Raw, unique: str, emergency: str, entity: str, group: str, expected: str, *, there: bool
) -> None:
    if there:
        known_as(raw, unique, "glass")
    settings(project, f"break_glass: [{emergency}]", "external: [sys/auth/*]")
    for name, text in (("", FULL), ("-deny", DENY), ("-more", NARROW)):
        project.policy(f"{unique}{name}", text)
    alias = f"aliases: [{{mount: {unique}, name: glass}}], "
    groups = {f"{unique}-locker": group.replace("{}", unique)} if group else {}
    identity(project, {f"{unique}-glass": alias + entity.replace("{}", unique)}, groups)

    stopped = project.run("apply", "--yes", "--format", "json")

    if expected:
        assert refused(stopped) == [f"identity/{expected.format(unique)}"]
        assert "(`break_glass`) could no longer" in stopped.plan["errors"][0]["message"]
    else:
        assert stopped.exit_code == 0, stopped
        assert raw.write(f"auth/{unique}/login/glass", {"password": "pw"})["auth"]["entity_id"]


def test_an_emergency_user_is_not_shut_out_by_another_entity_that_takes_it_over(
    project: Project, raw: Raw, unique: str, emergency: str
) -> None:
    known_as(raw, unique, "glass")
    settings(project, f"break_glass: [{emergency}]", "external: [sys/auth/*]")
    project.policy(unique, FULL)
    identity(project, {f"{unique}-evil": f"aliases: [{{mount: {unique}, name: glass}}], disabled: true"}, {})

    stopped = project.run("apply", "--yes", "--format", "json")

    assert refused(stopped) == [f"identity/entity/name/{unique}-evil"]
    assert raw.write(f"auth/{unique}/login/glass", {"password": "pw"})["auth"]["client_token"]


# --- what comes through the entity and its groups -------------------------------------------------------------

DENIED = 'path "sys/policies/acl/*" { capabilities = ["deny"] }\npath "auth/*" { capabilities = ["deny"] }\n'


@pytest.fixture
def people(project: Project, raw: Raw, unique: str, caller: dict[str, str]) -> dict[str, str]:
    """The caller, whose entity is named `<unique>-ci`; user `glass` of the same method is `<unique>-glass`."""
    raw.write(f"auth/{unique}/users/glass", {"password": "pw", "token_policies": [unique]})
    for user in ("ci", "glass"):
        login = raw.write(f"auth/{unique}/login/{user}", {"password": "pw"})["auth"]
        raw.write(f"identity/entity/id/{login['entity_id']}", {"name": f"{unique}-{user}"})
    settings(
        project,
        f"break_glass: [auth/{unique}/users/glass]",
        f"external: [sys/auth/*, sys/policies/acl/{unique}*, 'identity/entity/name/*', 'identity/group/name/*']",
    )
    project.policy(f"{unique}-no", DENIED)
    return caller


def people_of(project: Project, **objects: str) -> None:
    project.write(
        "desired-state/a.yaml", "identity:\n" + "".join(f"  {name}: {{{text}}}\n" for name, text in objects.items())
    )


@pytest.mark.parametrize(("user", "reason"), [("ci", "locks_out"), ("glass", "break_glass"), ("other", None)])
def test_who_is_put_into_a_group_that_forbids_everything_is_locked_out(
    project: Project, raw: Raw, unique: str, people: dict[str, str], user: str, reason: str | None
) -> None:
    raw.write("identity/entity", {"name": f"{unique}-other"})
    raw.write(f"identity/group/name/{unique}-old", {"policies": []})
    raw.write(f"sys/policies/acl/{unique}-dark", {"policy": DENIED})
    parent = {"policies": [f"{unique}-dark"], "member_group_ids": [group_id(raw, f"{unique}-old")]}
    raw.write(f"identity/group/name/{unique}-parent", parent)
    found = {}
    for case, groups in {
        "new": "{0}-new: {{policies: [{0}-no], member_entities: [{1}]}}",
        "nested": "{0}-new: {{member_entities: [{1}]}}, {0}-up: {{policies: [{0}-no], member_groups: [{0}-new]}}",
        "joined": "{0}-old: {{policies: [{0}-no], member_entities: [{1}]}}",
        "unmanaged parent": "{0}-old: {{member_entities: [{1}]}}",
    }.items():
        people_of(project, groups=groups.format(unique, f"{unique}-{user}"))
        found[case] = set(risks(planned(project, people)).values())

    assert found == dict.fromkeys(("new", "nested", "joined", "unmanaged parent"), {reason} if reason else set())


def test_a_change_that_locks_out_both_says_so_of_both(project: Project, unique: str, people: dict[str, str]) -> None:
    members = f"member_entities: [{unique}-ci, {unique}-glass]"
    people_of(project, groups=f"{unique}-new: {{policies: [{unique}-no], {members}}}")

    found = {item["address"]: item["risk"] for item in planned(project, people)["changes"]}

    detail = found[f"identity/group/name/{unique}-new"]["detail"]
    assert "the caller of this run could no longer" in detail
    assert f"auth/{unique}/users/glass (`break_glass`) could no longer" in detail


def test_a_caller_in_a_new_group_that_forbids_nothing_is_not_locked_out(
    project: Project, unique: str, people: dict[str, str]
) -> None:
    project.policy(f"{unique}-more", NARROW)
    members = f"member_entities: [{unique}-ci, {unique}-glass]"
    people_of(project, groups=f"{unique}-new: {{policies: [{unique}-more], {members}}}")

    plan = planned(project, people)

    assert len(plan["changes"]) == 3
    assert risks(plan) == {}
    assert [text for text in plan["notices"] if "lock" in text or "break_glass" in text] == []


def test_an_apply_that_would_forbid_everything_through_a_group_writes_nothing(
    project: Project, raw: Raw, unique: str, people: dict[str, str]
) -> None:
    people_of(project, groups=f"{unique}-new: {{policies: [{unique}-no], member_entities: [{unique}-ci]}}")

    stopped = project.run("apply", "--yes", "--format", "json", env=people)

    assert refused(stopped) == [f"identity/group/name/{unique}-new"]
    assert raw.read(f"identity/group/name/{unique}-new") is None


@pytest.mark.parametrize(("disabled", "expected"), [("true", "break_glass"), ("false", None)])
def test_who_is_needed_in_an_emergency_keeps_an_entity_that_lets_them_in(
    project: Project, unique: str, people: dict[str, str], disabled: str, expected: str | None
) -> None:
    fields = f"disabled: {disabled}, metadata: {{team: new}}, aliases: [{{mount: {unique}, name: glass}}]"
    people_of(project, entities=f"{unique}-glass: {{{fields}}}")

    found = {item["address"]: item["risk"] for item in planned(project, people)["changes"]}

    risk = found[f"identity/entity/name/{unique}-glass"] or {"reason": None, "detail": ""}
    assert risk["reason"] == expected
    assert ("could no longer log in at auth/" in risk["detail"]) is bool(expected)


@pytest.mark.parametrize(
    ("user", "reason"), [("ci", "locks_out"), ("CI", "locks_out"), ("glass", "break_glass"), ("other", None)]
)
@pytest.mark.parametrize("is_there", [False, True])
def test_a_login_that_another_entity_takes_over_is_judged_by_that_entity(
    project: Project, raw: Raw, unique: str, people: dict[str, str], user: str, reason: str | None, is_there: bool
) -> None:
    taker = f"{unique}-taker"
    if is_there:
        raw.write("identity/entity", {"name": taker})
        member = (raw.read(f"identity/entity/name/{taker}") or {})["id"]
        raw.write(f"identity/group/name/{unique}-g", {"policies": [f"{unique}-dark"], "member_entity_ids": [member]})
        raw.write(f"sys/policies/acl/{unique}-dark", {"policy": DENIED})
    alias = f"aliases: [{{mount: {unique}, name: {user}}}]"
    found = {}
    for case, fields in {
        "shut": "disabled: true",
        "denied": f"policies: [{unique}-no]",
        "kind": "metadata: {a: b}",
    }.items():
        people_of(project, entities=f"{taker}: {{{alias}, {fields}}}")
        found[case] = risks(planned(project, people)).get(f"identity/entity/name/{taker}")

    assert found == {"shut": reason, "denied": reason, "kind": reason if is_there else None}


def test_an_approle_whose_login_is_taken_over_is_known_by_its_role_id(
    project: Project, raw: Raw, unique: str, caller: dict[str, str]
) -> None:
    mount = f"{unique}-ar"
    raw.write(f"sys/auth/{mount}", {"type": "approle"})
    raw.write(f"auth/{mount}/role/glass", {"token_policies": [unique]})
    role_id = (raw.read(f"auth/{mount}/role/glass/role-id") or {})["role_id"]
    settings(project, f"break_glass: [auth/{mount}/role/glass]", "external: [sys/auth/*]")
    alias = f"aliases: [{{mount: {mount}, name: {role_id}}}]"
    people_of(project, entities=f"{unique}-taker: {{{alias}, disabled: true}}")

    assert risks(planned(project, caller)) == {f"identity/entity/name/{unique}-taker": "break_glass"}


def test_a_plan_that_changes_nobodys_standing_has_no_risk(
    project: Project, unique: str, people: dict[str, str]
) -> None:
    people_of(project, groups=f"{unique}-g: {{member_entities: [{unique}-ci, {unique}-glass]}}")
    assert project.run("apply", "--yes", env=people).exit_code == 0

    plan = planned(project, people)

    assert plan["changes"] == []
    assert risks(plan) == {}


def test_entities_that_cannot_be_listed_make_a_notice_and_no_verdict(
    project: Project, raw: Raw, unique: str, people: dict[str, str]
) -> None:
    blind = FULL + 'path "identity/entity/id" { capabilities = ["deny"] }\n'
    raw.write(f"sys/policies/acl/{unique}", {"policy": blind})
    people_of(project, groups=f"{unique}-new: {{policies: [{unique}-no], member_entities: [{unique}-glass]}}")

    plan = planned(project, people)

    assert risks(plan) == {}
    known = (
        f"`break_glass`: what its entity and groups do to auth/{unique}/users/glass is not known: they cannot be read"
    )
    assert known in plan["notices"]


@pytest.mark.parametrize("method", ["userpass", "approle"])
def test_the_rights_that_permissions_prints_are_enough_to_judge_an_emergency_login(
    project: Project, raw: Raw, unique: str, method: str
) -> None:
    mount, glass = f"{unique}-{method}", "users/glass" if method == "userpass" else "role/glass"
    raw.write(f"sys/auth/{mount}", {"type": method})
    body = {"token_policies": [unique], **({"password": "pw"} if method == "userpass" else {})}
    raw.write(f"auth/{mount}/{glass}", body)
    name = "glass" if method == "userpass" else (raw.read(f"auth/{mount}/{glass}/role-id") or {})["role_id"]
    accessor = (raw.read("sys/auth") or {})[f"{mount}/"]["accessor"]
    raw.write("identity/entity", {"name": f"{unique}-e"})
    entity = (raw.read(f"identity/entity/name/{unique}-e") or {})["id"]
    raw.write("identity/entity-alias", {"name": name, "mount_accessor": accessor, "canonical_id": entity})
    raw.write(f"identity/group/name/{unique}-g", {"member_entity_ids": [entity]})
    settings(project, f"break_glass: [auth/{mount}/{glass}]", f"external: [identity/entity/name/{unique}-e]")
    project.policy(unique, FULL)
    project.policy(f"{unique}-no", DENIED)
    group = f"groups: {{{unique}-g: {{policies: [{unique}-no], member_entities: [{unique}-e]}}}}"
    project.write("desired-state/a.yaml", f"auth: {{{mount}: {{type: {method}}}}}\nidentity: {{{group}}}\n")
    raw.write(f"sys/policies/acl/{unique}", {"policy": FULL})

    plan = planned(project, token_with(raw, policy_for(project, "plan")["policy"]))

    assert risks(plan) == {f"identity/group/name/{unique}-g": "break_glass"}
    assert [text for text in plan["notices"] if "break_glass" in text] == []


def group_id(raw: Raw, name: str) -> str:
    found: str = (raw.read(f"identity/group/name/{name}") or {})["id"]
    return found
