"""Desired and live values → a plan."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from tests.support.plans import BAO, FORBIDDEN, desired, live, plan, reference, resolver, scope, stranger, tables
from vaultconf.address import Pattern
from vaultconf.errors import Place
from vaultconf.model import Action, Desired, Guidance, Plan, Unreadable
from vaultconf.settings import Hold

APPROLE = {"type": "approle"}


def role(name: str = "r", **values: object) -> Desired:
    return desired("approle_role", values, mount="m", name=name)


def mount(kind: str = "approle", **values: object) -> Desired:
    return desired("auth_method", {"type": kind, **values}, mount="m")


def actions(made: Plan) -> dict[str, str]:
    return {str(change.address): change.action.value for change in made.changes}


def test_what_is_absent_is_created_and_what_is_as_desired_is_left_alone() -> None:
    old, new = role("old"), role("new")

    made = plan([new, old], {old.address: live(old)}, tables=tables(auth={"m": APPROLE}))

    assert actions(made) == {"auth/m/role/new": "create"}
    assert (made.unchanged, made.complete) == (1, True)


def test_what_could_not_be_read_is_blocked_and_makes_the_plan_incomplete() -> None:
    made = plan([role()], {role().address: FORBIDDEN}, tables=tables(auth={"m": APPROLE}))

    assert [(item.status, item.reason) for item in made.blocked] == [(403, "permission denied")]
    assert (made.changes, made.complete) == ((), False)


def test_a_child_of_a_mount_that_is_made_is_made_too_and_without_a_mount_it_is_blocked() -> None:
    with_mount = plan([mount(), role()])
    without = plan([role()])

    assert actions(with_mount) == {"sys/auth/m": "create", "auth/m/role/r": "create"}
    assert actions(without) == {}
    assert [item.reason for item in without.blocked] == [
        "its mount sys/auth/m is not there, and this run does not make it"
    ]


def test_a_child_of_a_mount_that_cannot_be_read_is_compared_by_itself() -> None:
    made = plan(
        [mount(), role(token_ttl=5)],
        {mount().address: FORBIDDEN, role().address: live(role(), token_ttl=6)},
        tables=tables(auth=FORBIDDEN),
    )

    assert actions(made) == {"auth/m/role/r": "update"}
    assert [str(item.address) for item in made.blocked] == ["sys/auth/m"]


def test_a_child_of_a_held_mount_of_another_type_is_blocked() -> None:
    held = scope(ignore=(Hold(Pattern("sys/auth/m")),))

    made = plan([mount(), role()], within=held, tables=tables(auth={"m": {"type": "userpass"}}))

    assert "is of another type (`userpass`)" in made.blocked[0].reason
    assert [str(item.address) for item in made.held] == ["sys/auth/m"]


def test_a_replaced_mount_makes_its_children_anew_and_takes_the_strangers_along() -> None:
    there = live(mount(), type="userpass")

    made = plan(
        [mount(), role()],
        {mount().address: there, role().address: live(role())},
        tables=tables(auth={"m": {"type": "userpass"}}),
        within=scope(prune=["auth/m/*"]),
        strangers=(stranger("userpass_user", mount="m", name="old"),),
    )

    assert actions(made) == {"sys/auth/m": "replace", "auth/m/role/r": "create"}
    assert made.changes[1].risk is not None
    assert "1 object in it" in made.changes[1].risk.detail


def test_a_configuration_that_comes_with_its_mount_is_no_change_unless_something_is_written() -> None:
    engine = desired("secrets_engine", {"type": "kv", "options": {"version": "2"}}, mount="kv")
    silent, written = desired("kv_config", {}, mount="kv"), desired("kv_config", {"max_versions": 3}, mount="kv")

    assert actions(plan([engine, silent])) == {"sys/mounts/kv": "create"}
    assert actions(plan([engine, written])) == {"sys/mounts/kv": "create", "kv/config": "update"}


def test_create_only_is_made_once_and_then_unverified() -> None:
    wanted = desired("acl_policy", {"policy": "a"}, name="p", guidance=Guidance(create_only=True))

    made = plan([wanted], {wanted.address: live(wanted, policy="b")})

    assert (actions(plan([wanted])), actions(made)) == ({"sys/policies/acl/p": "create"}, {})
    assert "create_only" in made.unverified[0].reason


@pytest.mark.parametrize(
    ("before", "after", "same"), [('path "a" {}', '# more\npath "a" {}', True), ('path "a" {}', 'path "b" {}', False)]
)
def test_a_policy_whose_text_alone_differs_is_marked(before: str, after: str, same: bool) -> None:
    wanted = desired("acl_policy", {"policy": after}, name="p")

    made = plan([wanted], {wanted.address: live(wanted, policy=before)})

    assert made.changes[0].same_meaning is same


def test_references_that_will_be_sent_and_are_not_at_hand_are_unverified() -> None:
    user = desired("userpass_user", {"password": reference("PW")}, mount="m", name="u")

    made = plan([mount("userpass"), user])
    known = plan([mount("userpass"), user], resolve=resolver(PW="x"))

    assert [(item.field, item.reason) for item in made.unverified] == [("password", "${env:PW} is not at hand")]
    assert known.unverified == ()


def test_resend_makes_an_update_of_an_object_that_is_as_desired() -> None:
    user = desired("userpass_user", {"password": reference("PW")}, mount="m", name="u")
    there = {user.address: live(user, password=None)}
    auth = tables(auth={"m": {"type": "userpass"}})

    quiet = plan([user], there, tables=auth)
    resent = plan([user], there, tables=auth, within=scope(resend=["auth/+/users/*"]), resolve=resolver(PW="x"))

    assert (actions(quiet), actions(resent)) == ({}, {"auth/m/users/u": "update"})


def test_somebody_elses_mount_that_is_not_there_is_an_error_with_its_place() -> None:
    foreign = {("", "auth", "m"): Place("a.yaml", 3, 5)}

    made = plan([role()], foreign=foreign)
    unknown = plan([role()], {role().address: live(role())}, foreign=foreign, tables=tables(auth=FORBIDDEN))

    assert [(problem.message, problem.place) for problem in made.errors] == [
        ("there is no mount `auth.m` on the server", Place("a.yaml", 3, 5))
    ]
    assert unknown.errors == ()


def test_only_that_leaves_out_all_that_lives_in_a_missing_foreign_mount_does_not_mind_it() -> None:
    foreign = {("", "auth", "m"): Place("a.yaml", 3, 5)}

    made = plan([role()], foreign=foreign, within=scope(only=["sys/policies/acl/*"]))

    assert (made.errors, made.blocked, made.unchanged) == ((), (), 0)


def test_strangers_are_deleted_inside_prune_counted_in_unopened_mounts_and_else_listed() -> None:
    strangers = (
        stranger("auth_method", mount="x"),
        stranger("approle_role", mount="x", name="a"),
        stranger("approle_role", mount="x", name="pay-b"),
        stranger("approle_role", mount="m", name="c"),
        stranger("token_role", mount="token", name="t"),
        stranger("acl_policy", name="p"),
    )

    made = plan(
        [mount()], {mount().address: live(mount())}, strangers=strangers, within=scope(prune=["auth/+/role/pay-*"])
    )

    assert actions(made) == {"auth/x/role/pay-b": "delete"}
    assert {(str(item.address), item.count) for item in made.unmanaged} == {
        ("sys/auth/x", 1),
        ("auth/m/role/c", None),
        ("auth/token/roles/t", None),
        ("sys/policies/acl/p", None),
    }


def test_somebody_elses_mount_is_neither_pruned_nor_unmanaged() -> None:
    foreign = {("", "auth", "m"): Place("a.yaml", 3, 5)}
    theirs = (stranger("auth_method", mount="m"),)

    made = plan([], foreign=foreign, strangers=theirs, within=scope(prune=["*"]), tables=tables(auth={"m": APPROLE}))

    assert (made.changes, made.unmanaged) == ((), ())


def test_children_go_with_a_mount_that_is_pruned() -> None:
    strangers = (stranger("auth_method", mount="x"), stranger("approle_role", mount="x", name="a"))

    made = plan([], strangers=strangers, within=scope(prune=["*"]))

    assert actions(made) == {"sys/auth/x": "delete"}


def test_a_collection_that_cannot_be_listed_is_blocked_inside_prune_and_else_a_notice() -> None:
    wanted = desired("acl_policy", {"policy": "a"}, name="p")
    place = stranger("acl_policy", name="+").address
    unlisted = ((wanted.kind, place, FORBIDDEN),)

    def made(**within: Any) -> Plan:
        return plan([wanted], {wanted.address: live(wanted)}, unlisted=unlisted, within=scope(**within))

    pruned, plain, elsewhere = made(prune=["sys/policies/acl/pay-*"]), made(), made(only=["auth/*"])

    assert [(str(item.address), item.status) for item in pruned.blocked] == [("sys/policies/acl", 403)]
    assert plain.notices == ("sys/policies/acl cannot be listed, so strangers there are unknown: permission denied",)
    assert (plain.complete, elsewhere.complete, elsewhere.blocked) == (True, True, ())


def test_what_cannot_be_listed_in_many_namespaces_is_one_notice() -> None:
    kind = desired("acl_policy", {"policy": "a"}, name="p").kind
    spaces = ["", *(f"team-{number}" for number in range(300))]
    unlisted = tuple((kind, stranger("acl_policy", space, name="+").address, FORBIDDEN) for space in spaces)

    made, few = plan([], unlisted=unlisted), plan([], unlisted=unlisted[:3])

    assert list(made.notices) == [
        (
            "sys/policies/acl of the base, team-0, team-1 and 298 more namespaces cannot be listed,"
            " so strangers there are unknown: permission denied"
        )
    ]
    assert [notice.partition(" ")[0] for notice in few.notices] == [
        "sys/policies/acl",
        "team-0/sys/policies/acl",
        "team-1/sys/policies/acl",
    ]


def test_a_hold_is_listed_and_an_ended_one_is_a_notice() -> None:
    wanted = desired("acl_policy", {"policy": "a"}, name="p")

    def made(day: str) -> Plan:
        hold = Hold(Pattern("sys/policies/acl/p"), datetime.date.fromisoformat(day), "INC-1")
        return plan([wanted], within=scope(ignore=(hold,)))

    assert actions(made("2026-06-01")) == {}
    assert [(item.reason, item.until) for item in made("2026-06-01").held] == [("INC-1", "2026-06-01")]
    assert actions(made("2026-05-31")) == {"sys/policies/acl/p": "create"}
    assert made("2026-05-31").notices == ("sys/policies/acl/p: the hold ended on 2026-05-31 (INC-1)",)


def test_an_audit_device_that_changes_is_replaced_since_no_server_alters_one() -> None:
    wanted = desired("audit_device", {"type": "file", "options": {"file_path": "/a"}}, name="f")

    made = plan([wanted], {wanted.address: live(wanted, options={"file_path": "/b"})}, tables=tables(audit={"f": {}}))

    assert made.changes[0].action is Action.REPLACE
    assert made.changes[0].risk is not None


def test_a_field_that_the_server_lacks_is_an_error() -> None:
    made = plan([mount(), role(alias_metadata={"a": "b"})])

    assert [problem.message for problem in made.errors] == ["`alias_metadata` does not exist on openbao"]
    assert made.server == BAO


def test_unknown_fields_are_named_once_a_kind() -> None:
    made = plan([], unknown_fields={"acl_policy": frozenset({"b", "a"})})

    assert made.notices == ("acl_policy: this version does not know, and does not compare, `a`, `b`",)


def test_a_missing_namespace_is_said_with_its_objects_and_not_again_for_its_collections() -> None:
    missing = Unreadable(404, "there is no such namespace")
    wanted = desired("acl_policy", {"policy": "a"}, name="p", namespace="nope")

    made = plan(
        [wanted],
        {wanted.address: missing},
        unlisted=((wanted.kind, stranger("acl_policy", "nope", name="+").address, missing),),
    )

    assert [item.reason for item in made.blocked] == ["there is no such namespace"]
    assert made.notices == ()


def test_a_pattern_of_the_command_line_that_matches_nothing_is_a_notice() -> None:
    wanted = desired("acl_policy", {"policy": "a"}, name="p")

    made = plan([wanted], within=scope(only=["sys/policies/acl/p", "sys/policy/*"], resend=["auth/x/users/u"]))

    assert made.notices == (
        "`--only sys/policy/*` matches nothing that is declared or there",
        "`--resend auth/x/users/u` matches nothing that is declared or there",
    )


def test_what_the_server_names_by_itself_is_counted_and_never_pruned() -> None:
    strangers = tuple(
        stranger("identity_entity", name=name) for name in ("entity_0a1b2c3d", "entity_00000000.root", "alice")
    )

    made = plan([], within=scope(prune=["identity/entity/name/*"]), strangers=strangers)

    assert [str(change.address) for change in made.changes] == ["identity/entity/name/alice"]
    assert [(str(item.address), item.count) for item in made.unmanaged] == [("identity/entity/name/+", 2)]


def test_no_pattern_of_prune_reaches_a_namespace() -> None:
    there = stranger("child_namespace", name="a")

    made = plan(
        [],
        within=scope(prune=["sys/*"]),
        strangers=(there,),
        unlisted=((there.kind, stranger("child_namespace", name="+").address, FORBIDDEN),),
    )

    assert (made.changes, made.blocked) == ((), ())
    assert [item.address for item in made.unmanaged] == [there.address]


@pytest.mark.parametrize(("found", "count"), [(None, 2), (FORBIDDEN, 0)])
def test_what_lives_in_a_new_namespace_is_made_if_the_namespace_is(found: object, count: int) -> None:
    outer = desired("child_namespace", name="a")
    inner = desired("acl_policy", {"policy": "x"}, name="p", namespace="a")

    made = plan([inner, outer], {outer.address: found}, new=frozenset({"a"}))

    assert len(made.changes) == count
    assert len(made.blocked) == 2 - count
