"""What entities and groups give after a plan, judged from values alone."""

from __future__ import annotations

import pytest

from tests.support.plans import change, desired, live
from vaultconf.lockout_identity import Membership, entities_of, joined, newly_given, shut, still_given, taking
from vaultconf.model import Action, Address, Change

ANN = Address("identity/entity/name/ann")


def group(name: str, before: dict[str, object] | None, **after: object) -> Change:
    wanted = desired("identity_group", after, name=name)
    if before is None:
        return change(Action.CREATE, wanted)
    return change(Action.UPDATE, wanted, live(desired("identity_group", before, name=name)))


def entity(name: str, before: dict[str, object] | None, **after: object) -> Change:
    wanted = desired("identity_entity", after, name=name)
    return change(
        Action.UPDATE if before is not None else Action.CREATE,
        wanted,
        live(desired("identity_entity", before, name=name)) if before is not None else None,
    )


IN = {"member_entities": ("ann",)}


def test_an_entity_is_in_the_groups_that_it_enters_by_itself_or_by_another_group() -> None:
    outer = group("outer", {}, member_groups=("inner",), policies=("o",))
    inner = group("inner", None, **IN, policies=("i",))
    other = group("other", None, member_entities=("bob",), policies=("x",))
    gone = change(Action.DELETE, desired("identity_group", {**IN, "policies": ("g",)}, name="gone"))

    assert joined(ANN, (), [outer, other, inner, gone]) == {"o", "i"}
    assert joined(ANN, (), [outer, other, gone]) == frozenset()


def test_a_group_that_an_entity_is_in_already_leads_into_others_unless_it_leaves_it() -> None:
    known = Membership(Address("identity/group/name/inner"), frozenset({"i"}), is_group=True)
    outer = group("outer", None, member_groups=("inner",), policies=("o",))
    left = group("inner", IN, policies=("i",))

    assert joined(ANN, (known,), [outer]) == {"o"}
    assert joined(ANN, (known,), [outer, left]) == frozenset()
    assert still_given(known, None, ANN) == {"i"}
    assert still_given(known, left, ANN) == frozenset()
    assert still_given(known, group("inner", IN, **IN, policies=("new",)), ANN) == {"new"}


@pytest.mark.parametrize(
    ("made", "given"),
    [
        (entity("ann", {"policies": ("old",)}, policies=("old", "new")), {"new"}),
        (entity("bob", None, policies=("new",)), set()),
        (group("g", {**IN, "policies": ("old",)}, **IN, policies=("old", "new")), {"new"}),
        (group("g", {"policies": ("old",)}, **IN, policies=("old",)), {"old"}),
    ],
)
def test_what_was_given_before_is_not_given_anew(made: Change, given: set[str]) -> None:
    assert newly_given(["ann"], [made]) == given


def test_only_who_was_not_disabled_before_is_shut() -> None:
    done, again = entity("ann", {}, disabled=True), entity("ann", {"disabled": True}, disabled=True)

    assert shut(["ann"], [done, again, entity("bob", {}, disabled=True)]) == [done]


def test_an_alias_tells_whose_login_it_is() -> None:
    alias = {"aliases": {"up": {"name": "ann"}}}
    evil, own = entity("evil", None, **alias), entity("ann", None, **alias)
    elsewhere = entity("else", None, aliases={"other": {"name": "ann"}})

    assert taking("up", frozenset({"ann"}), ANN, [evil, own, elsewhere]) == [evil]
    declared = [item.desired for item in (evil, elsewhere) if item.desired is not None]
    assert entities_of(declared, "up", "Ann") == {"evil"}
