"""What an entity and its groups give after a plan, judged from facts alone."""

from __future__ import annotations

from tests.support.plans import change, desired, live
from vaultconf.acl_identity import Group, Identity
from vaultconf.model import Action, Change
from vaultconf.standing import NO_PERSON, EntityNow, GroupNow, Person, Standing, Way, concerning, next_entity, standing

WAY = Way.of("auth/ldap/", "Ann")
PERSON = Person(
    entity="ann",
    way=WAY,
    entities={"ann": EntityNow(Identity("id-ann", "Ann"), frozenset({"own"}))},
    groups={
        "ops": GroupNow(Group("id-ops", "ops"), frozenset({"ops"}), entities=frozenset({"id-ann"})),
        "all": GroupNow(Group("id-all", "all"), frozenset({"all"}), groups=frozenset({"id-ops"})),
        "staff": GroupNow(
            Group("id-staff", "staff"), frozenset({"staff"}), frozenset({"id-ann"}), way=Way.of("ldap", "staff")
        ),
    },
)


def group(action: Action, name: str, **values: object) -> Change:
    wanted = desired("identity_group", values, name=name)
    return change(action, wanted, live(wanted) if action is not Action.CREATE else None)


def entity(action: Action, name: str, **values: object) -> Change:
    wanted = desired("identity_entity", values, name=name)
    return change(action, wanted, live(wanted) if action is not Action.CREATE else None)


def given(*changes: Change) -> set[str]:
    return set(standing(PERSON, "ann", changes).policies)


def alias(name: str, mount: str = "ldap") -> dict[str, object]:
    return {mount: {"name": name, "custom_metadata": {}}}


def test_policies_come_from_the_entity_its_groups_and_the_groups_that_these_are_in() -> None:
    assert given() == {"own", "ops", "all", "staff"}
    assert given(entity(Action.UPDATE, "Ann", policies=("new",))) == {"new", "ops", "all", "staff"}


def test_who_leaves_a_group_leaves_what_it_is_in() -> None:
    left = group(Action.UPDATE, "ops", policies=("ops",))
    gone = group(Action.DELETE, "ops")
    emptied = group(Action.UPDATE, "all", policies=("all",))

    assert given(left) == given(gone) == {"own", "staff"}
    assert given(emptied) == {"own", "ops", "staff"}


def test_who_joins_a_group_joins_what_that_is_put_into_whatever_the_case() -> None:
    joined = group(Action.CREATE, "New", policies=("new",), member_entities=("ANN",))
    above = group(Action.CREATE, "up", policies=("up",), member_groups=("new",))

    assert given(joined, above) == {"own", "ops", "all", "staff", "new", "up"}
    assert given(above) == given()


def test_an_entity_that_a_group_names_by_its_id_is_in_it() -> None:
    joined = group(Action.CREATE, "new", policies=("new",), member_entities=("id-ann",))

    assert "new" in given(joined)


def test_an_external_group_is_known_by_what_its_auth_method_calls_it() -> None:
    renamed = {"type": "external", "alias.mount": "ldap", "policies": ("staff",)}
    other = group(Action.UPDATE, "staff", **renamed, **{"alias.name": "other"})
    same = group(Action.UPDATE, "staff", **renamed, **{"alias.name": "staff"})
    heir = group(Action.CREATE, "heir", **{**renamed, "policies": ("heir",)}, **{"alias.name": "staff"})

    assert "staff" not in given(other)
    assert "staff" in given(same)
    assert "heir" in given(other, heir)


def test_a_login_belongs_to_the_entity_that_has_its_alias_last() -> None:
    taken = entity(Action.CREATE, "evil", aliases=alias("ANN"))
    dropped = entity(Action.UPDATE, "ann", aliases={})
    kept = entity(Action.UPDATE, "ann", aliases=alias("ann"))
    elsewhere = entity(Action.CREATE, "evil", aliases=alias("ann", "okta"))

    assert next_entity(PERSON, []) == next_entity(PERSON, [kept]) == next_entity(PERSON, [elsewhere]) == "ann"
    assert next_entity(PERSON, [taken]) == next_entity(PERSON, [taken, dropped]) == "evil"
    assert next_entity(PERSON, [dropped]) == next_entity(PERSON, [entity(Action.DELETE, "ann")]) == ""
    assert standing(PERSON, "") == Standing(frozenset({"staff"}))


def test_an_entity_that_is_disabled_or_deleted_lets_nobody_in() -> None:
    assert standing(PERSON, "ann", [entity(Action.UPDATE, "ann", disabled=True)]).shut
    assert standing(PERSON, "ann", [entity(Action.DELETE, "ann")]).shut
    assert not standing(PERSON, "ann", [entity(Action.UPDATE, "other", disabled=True)]).shut


def test_what_is_others_concerns_nobody() -> None:
    others = [
        entity(Action.CREATE, "bob", aliases=alias("bob")),
        group(Action.CREATE, "bobs", member_entities=("bob",)),
        group(Action.CREATE, "empty"),
    ]

    assert concerning(PERSON, others) == []
    assert concerning(NO_PERSON, others) == []
