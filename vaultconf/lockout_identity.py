"""What entities and groups give, or take by a deny, after a plan. Pure; only the run's own namespace is looked at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from vaultconf.model import Action, Address, Change, Desired, Values
from vaultconf.rights import policies_in

_ENTITY, _GROUP = "identity/entity/name/", "identity/group/name/"


@dataclass(frozen=True, slots=True)
class Membership:
    """An entity, or a group that it is in: its address, and what it gives before the plan."""

    address: Address
    policies: frozenset[str]
    is_group: bool = False


def still_given(item: Membership, change: Change | None, entity: Address) -> frozenset[str]:
    """What an entity or a group gives after its change."""
    if change is None:
        return item.policies
    return frozenset() if _is_out(item, change, entity) else policies_in(change.kind, change.after)


def joined(entity: Address, memberships: Iterable[Membership], changes: Iterable[Change]) -> frozenset[str]:
    """What the groups give that an entity is not in yet, and that changes put it into, or a group that it is in."""
    changes, memberships = tuple(changes), tuple(memberships)
    made = {change.address: change for change in changes}
    groups = [item for item in memberships if item.is_group]
    inside = {
        name_of(item.address)
        for item in groups
        if item.address not in made or not _is_out(item, made[item.address], entity)
    }
    known = {item.address for item in groups}
    entered = _entered(name_of(entity), inside, [change for change in changes if change.address not in known])
    return frozenset[str]().union(*(policies_in(change.kind, change.after) for change in entered))


def newly_given(entities: Iterable[str], changes: Iterable[Change]) -> frozenset[str]:
    """The policies that changes of entities, and of groups that they put them into, give them for the first time."""
    changes, found = tuple(changes), set[str]()
    for entity in entities:
        own = [change for change in changes if _is(change, _ENTITY) and name_of(change.address) == entity]
        for change in (*own, *_entered(entity, set(), changes)):
            found |= policies_in(change.kind, change.after) - _given_before(change, entity)
    return frozenset(found)


def shut(entities: Iterable[str], changes: Iterable[Change]) -> list[Change]:
    """The changes that disable one of some entities."""
    names = frozenset(entities)
    found = (change for change in changes if _is(change, _ENTITY) and name_of(change.address) in names)
    return [change for change in found if change.after.get("disabled") is True and not _was_disabled(change)]


def taking(mount: str, names: frozenset[str], own: Address, changes: Iterable[Change]) -> list[Change]:
    """The changes of other entities that take over an alias of one of these names in an auth method."""
    return [
        change
        for change in changes
        if _is(change, _ENTITY) and change.address != own and alias_in(change.after, mount) in names
    ]


def entities_of(declared: Iterable[Desired], mount: str, name: str) -> frozenset[str]:
    """The names of the declared entities of whoever logs in to an auth method under a name."""
    return frozenset(
        name_of(item.address)
        for item in declared
        if not item.address.namespace
        and item.address.path.startswith(_ENTITY)
        and alias_in(item.values, mount).casefold() == name.casefold()
    )


def alias_in(values: Values, mount: str) -> str:
    """The name under which an entity logs in to an auth method; "" for none."""
    aliases = values.get("aliases")
    alias = aliases.get(mount) if isinstance(aliases, Mapping) else None
    return str(alias.get("name", "")) if isinstance(alias, Mapping) else ""


def name_of(address: Address) -> str:
    """The name of an entity or a group, as it stands in lists of members."""
    return address.path.rpartition("/name/")[2]


def _is(change: Change, prefix: str) -> bool:
    """Whether a change leaves an object of the run's own namespace below a path."""
    return (
        not change.address.namespace and change.address.path.startswith(prefix) and change.action is not Action.DELETE
    )


def _entered(entity: str, inside: set[str], changes: Iterable[Change]) -> list[Change]:
    """The changes of groups that an entity is in then, by itself or by a group that it is in."""
    left = [change for change in changes if _is(change, _GROUP)]
    found: list[Change] = []
    while more := [change for change in left if _holds(change.after, entity, inside)]:
        found += more
        names = {name_of(change.address) for change in more}
        inside = inside | names
        left = [change for change in left if name_of(change.address) not in names]
    return found


def _holds(values: Values, entity: str, groups: set[str]) -> bool:
    return entity in _words(values, "member_entities") or bool(groups & _words(values, "member_groups"))


def _given_before(change: Change, entity: str) -> frozenset[str]:
    """What an object gave an entity already: a group only where the entity itself was in it."""
    before = change.before.values if change.before is not None else {}
    if _is(change, _GROUP) and entity not in _words(before, "member_entities"):
        return frozenset()
    return policies_in(change.kind, before)


def _was_disabled(change: Change) -> bool:
    return change.before is not None and change.before.values.get("disabled") is True


def _is_out(item: Membership, change: Change, entity: Address) -> bool:
    """Whether an entity or a group gives nothing after its change."""
    return change.action is Action.DELETE or (item.is_group and _has_left(change, entity))


def _has_left(change: Change, entity: Address) -> bool:
    """Whether a change takes an entity, or groups through which it may be there, out of a group."""
    before = change.before.values if change.before is not None else {}
    gone = {key: _words(before, key) - _words(change.after, key) for key in ("member_entities", "member_groups")}
    return name_of(entity) in gone["member_entities"] or bool(gone["member_groups"])


def _words(values: Values, name: str) -> set[str]:
    value = values.get(name)
    return set(value) if isinstance(value, tuple | frozenset) else set()
