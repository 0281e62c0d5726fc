"""What is refused, and what a person may permit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.support.plans import BAO, FORBIDDEN, change, desired, live, stranger, tables
from vaultconf import guard
from vaultconf.address import Pattern
from vaultconf.caller import Caller
from vaultconf.catalogue import all_kinds
from vaultconf.guard import notices, refusals, with_risks
from vaultconf.ledger import Entry, Ledger
from vaultconf.live import Reading
from vaultconf.model import Action, Address, Change, Guidance, Held, Plan
from vaultconf.scope import Scope
from vaultconf.settings import Hold, Settings

SETTINGS = Settings()


def mount(action: Action, **guidance: bool) -> Change:
    wanted = desired("auth_method", {"type": "approle"}, mount="m", guidance=Guidance(**guidance))
    return change(action, wanted, live(wanted))


def risky(*changes: Change, **reading: object) -> Plan:
    seen = Reading({}, reading.get("tables", tables()), reading.get("strangers", ()))  # type: ignore[arg-type]
    return Plan(BAO, with_risks(changes, seen))


def refused(plan: Plan, *allow: str, **more: object) -> list[str]:
    settings = more.pop("settings", SETTINGS)
    return [problem.message for problem in refusals(plan, map(Pattern.parse, allow), settings, **more)]  # type: ignore[arg-type]


@pytest.mark.parametrize("action", [Action.CREATE, Action.UPDATE])
def test_what_removes_nothing_is_harmless(action: Action) -> None:
    plan = risky(mount(action))

    assert plan.changes[0].risk is None
    assert refused(plan) == []


@pytest.mark.parametrize("action", [Action.DELETE, Action.REPLACE])
@pytest.mark.parametrize(
    ("allow", "count"), [((), 1), (("sys/auth/m",), 0), (("sys/auth/*",), 0), (("sys/mounts/*",), 1)]
)
def test_removing_a_mount_needs_its_address(action: Action, allow: tuple[str, ...], count: int) -> None:
    plan = risky(mount(action))

    assert plan.changes[0].risk is not None
    assert plan.changes[0].risk.allow == "sys/auth/m"
    assert len(refused(plan, *allow)) == count


def test_the_risk_counts_what_is_in_the_mount() -> None:
    inside = tuple(stranger("approle_role", mount="m", name=name) for name in "ab")

    plan = risky(mount(Action.DELETE), strangers=inside)

    assert plan.changes[0].risk is not None
    assert plan.changes[0].risk.detail.endswith("; 2 objects in it that no file declares")


def test_deleting_an_ordinary_object_is_harmless_and_replacing_one_is_not() -> None:
    wanted = desired("approle_role", mount="m", name="r")

    plan = risky(change(Action.DELETE, wanted), change(Action.REPLACE, wanted, live(wanted)))

    assert plan.changes[0].risk is None
    assert plan.changes[1].risk is not None
    assert "its role ID" in plan.changes[1].risk.detail


def test_a_plan_says_what_no_allow_will_lift() -> None:
    plan = risky(mount(Action.REPLACE, protect=True), mount(Action.DELETE))

    said = notices(plan, Settings(max_deletes=1, max_changes=1))

    assert said[0] == (
        "sys/auth/m: replace: it is protected (`vaultconf: {protect: true}`): apply refuses it; "
        "take the protection out in a commit of its own"
    )
    assert [line.split(":")[0] for line in said[1:]] == [
        "2 deletes are more than the limit of 1",
        "2 changes are more than the limit of 1",
    ]
    assert notices(risky(mount(Action.DELETE)), SETTINGS) == []  # what `--allow` lifts stands at the change


def test_protection_refuses_even_what_allow_names() -> None:
    plan = risky(mount(Action.REPLACE, protect=True))

    assert refused(plan, "*") == ["replace: it is protected (`vaultconf: {protect: true}`)"]


@pytest.mark.parametrize("action", [Action.DELETE, Action.REPLACE])
def test_a_mount_is_not_removed_with_something_protected_or_held_in_it(action: Action) -> None:
    kept = desired("approle_role", mount="m", name="r", guidance=Guidance(protect=True))
    other = desired("approle_role", mount="m2", name="r", guidance=Guidance(protect=True))
    changes = risky(mount(action), change(Action.CREATE, kept), change(Action.CREATE, other)).changes

    plan = Plan(BAO, changes, held=(Held(desired("approle_role", mount="m", name="h").address),))

    assert refused(plan, "*") == [
        f"{action} sys/auth/m: auth/m/role/r in it is protected",
        f"{action} sys/auth/m: auth/m/role/h in it is held (`ignore`)",
    ]


def test_what_is_protected_or_held_and_not_looked_at_stays_with_its_mount_and_namespace() -> None:
    roles = {
        name: desired("approle_role", mount="m", name=name, guidance=Guidance(protect=name == "p")) for name in "phx"
    }
    entries = {
        Address(path, space): Entry("x", {}, protect=True) for path, space in (("auth/m/role/l", ""), ("s", "n"))
    }
    only = (Pattern.parse("sys/auth/m"), Pattern.parse("sys/namespaces/*"))
    ignore = tuple(Hold(Pattern.parse(text)) for text in ("auth/m/role/h", "auth/m/role/i", "auth/other/role/+"))
    gone = change(Action.DELETE, desired("child_namespace", name="n"))
    made = replace(risky(mount(Action.DELETE), gone), ledger=Ledger("secret", entries=entries))
    made = replace(made, kept=guard.kept(made, roles.values(), Scope(Settings(ignore=ignore), only)))

    assert sorted(refused(made, "*")) == [
        "delete sys/auth/m: auth/m/role/h in it is held (`ignore`)",
        "delete sys/auth/m: auth/m/role/i in it is held (`ignore`)",
        "delete sys/auth/m: auth/m/role/l in it is protected",
        "delete sys/auth/m: auth/m/role/p in it is protected",
        "delete sys/namespaces/n: n/s in it is protected",
    ]
    assert guard.kept(risky(change(Action.UPDATE, roles["p"])), roles.values(), Scope(Settings())) == {}


@pytest.mark.parametrize(
    ("devices", "risks"), [({"a": {}, "b": {}}, 0), ({"a": {}}, 1), (FORBIDDEN, 1)], ids=["two", "last", "unknown"]
)
def test_only_the_last_audit_device_is_a_risk(devices: object, risks: int) -> None:
    plan = risky(change(Action.DELETE, desired("audit_device", name="a")), tables=tables(audit=devices))  # type: ignore[arg-type]

    assert sum(item.risk is not None for item in plan.changes) == risks


def test_deletes_and_changes_beyond_their_limits_are_refused() -> None:
    roles = [change(Action.DELETE, desired("approle_role", mount="m", name=f"r{number}")) for number in range(3)]
    plan = risky(*roles)

    assert refused(plan) == []
    assert refused(plan, settings=Settings(max_deletes=2)) == ["3 deletes are more than the limit of 2"]
    assert refused(plan, settings=Settings(max_deletes=2), max_deletes=3) == []
    assert refused(plan, max_deletes=0) == ["3 deletes are more than the limit of 0"]
    assert refused(plan, settings=Settings(max_changes=2)) == ["3 changes are more than the limit of 2"]


def test_every_reason_is_named_at_once() -> None:
    plan = risky(mount(Action.DELETE), change(Action.DELETE, desired("secrets_engine", mount="kv")))

    assert len(refused(plan, max_deletes=1)) == 3


@pytest.mark.parametrize(
    ("token", "kept"),
    [
        ({"path": "auth/m/login", "policies": ["ci"], "meta": {"role_name": "ci"}}, "auth/m/role/ci"),
        ({"path": "auth/m/login/ci", "policies": [], "meta": {"username": "ci"}}, "auth/m/role/ci"),
        ({"path": "auth/m/login", "policies": [], "meta": {"role": "ci"}}, "auth/m/role/ci"),
    ],
)
def test_what_the_caller_logs_in_with_needs_to_be_named(token: dict[str, Any], kept: str) -> None:
    own, other = (gone("approle_role", mount="m", name=name) for name in ("ci", "app"))

    risky_ones = with_risks([own, other], Reading({}, {}), Caller.of(token))

    assert [change.risk.allow if change.risk else "" for change in risky_ones] == [kept, ""]


def test_a_policy_of_the_caller_needs_to_be_named() -> None:
    own, other = (gone("acl_policy", name=name) for name in ("ci", "app"))

    risky_ones = with_risks([own, other], Reading({}, {}), Caller.of({"path": "auth/token/create", "policies": ["ci"]}))

    assert [change.risk is not None for change in risky_ones] == [True, False]


def gone(kind: str, **params: str) -> Change:
    known = all_kinds()[kind]
    return Change(Action.DELETE, known, Address(known.path_of(params)), params)
