"""Whom a plan would lock out, judged from facts alone."""

from __future__ import annotations

from tests.support.plans import BAO, FORBIDDEN, change, desired, live
from vaultconf.acl import Source
from vaultconf.caller import NOBODY, Caller
from vaultconf.lockout import Facts, judged, touching
from vaultconf.model import Action, Change, Plan
from vaultconf.policy import parse
from vaultconf.rights import Found

FULL = Source(parse('path "*" { capabilities = ["create", "read", "update", "delete", "sudo"] }'))
CALLER = Caller(frozenset({"ci", "default"}), "auth/ldap", frozenset({"ann"}), own=frozenset({"ci", "default"}))


def holder(kind: str, name: str, before: tuple[str, ...], after: tuple[str, ...]) -> Change:
    """A change of the policies that a user or a group gives."""
    old, new = (desired(kind, {"policies": policies}, mount="ldap", name=name) for policies in (before, after))
    return change(Action.UPDATE, new, live(old))


def reasons(*changes: Change, caller: Caller = CALLER, **policies: Found) -> list[str]:
    plan = Plan(BAO, changes)
    made = judged(plan, Facts(caller=caller, policies={"ci": FULL, "default": None, **policies}))
    return [f"{item.address}: {item.risk.reason}" for item in made.changes if item.risk is not None]


def test_a_group_that_many_log_in_by_may_be_what_gives_the_caller_its_policies() -> None:
    other = holder("ldap_group", "ops", ("ci",), ("app",))
    same = holder("ldap_group", "ops", ("ci",), ("ci", "app"))

    assert reasons(other, app=None) == ["auth/ldap/groups/ops: locks_out"]
    assert reasons(same, app=None) == []


def test_another_user_is_not_the_caller() -> None:
    assert touching(CALLER, [holder("ldap_user", "bob", ("ci",), ())]) == []
    assert len(touching(CALLER, [holder("ldap_user", "ann", ("ci",), ())])) == 1


def test_whose_login_is_deleted_can_undo_nothing() -> None:
    gone = change(Action.DELETE, desired("ldap_user", {}, mount="ldap", name="ann"))

    assert reasons(gone) == ["auth/ldap/users/ann: locks_out"]


def test_two_changes_that_lock_out_only_together_are_both_a_risk() -> None:
    caller = Caller(frozenset({"a", "b"}), own=frozenset({"a", "b"}))
    changes = [gone_policy("a"), gone_policy("b")]

    assert reasons(*changes[:1], caller=caller, a=FULL, b=FULL) == []
    assert len(reasons(*changes, caller=caller, a=FULL, b=FULL)) == 2


def gone_policy(name: str) -> Change:
    return change(Action.DELETE, desired("acl_policy", {"policy": "# x"}, name=name))


def test_nobody_and_the_root_token_are_never_locked_out() -> None:
    changes = [gone_policy("ci")]

    assert touching(NOBODY, changes) == []
    assert touching(Caller(frozenset({"root", "ci"})), changes) == []
    assert reasons(*changes) == ["sys/policies/acl/ci: locks_out"]


def test_without_a_policy_that_decides_nothing_is_judged() -> None:
    plan = Plan(BAO, (gone_policy("ci"),))

    made = judged(plan, Facts(caller=CALLER, policies={"ci": FORBIDDEN, "default": FORBIDDEN}))

    assert made.changes[0].risk is None
    assert made.notices == ("whether this plan locks out its own caller is not known: the policy `ci` cannot be read",)


def test_a_policy_that_a_login_is_given_counts_as_the_plan_leaves_it() -> None:
    moved = holder("ldap_user", "ann", ("ci",), ("new",))
    full, none = (
        change(Action.CREATE, desired("acl_policy", {"policy": text}, name="new"))
        for text in ('path "*" { capabilities = ["create", "read", "update", "delete", "sudo"] }', "# none")
    )

    assert reasons(moved, full, new=None) == []
    assert reasons(moved, none, new=None) == ["auth/ldap/users/ann: locks_out"]
