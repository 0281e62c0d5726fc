"""What somebody's entity and groups give and forbid, before a plan and after it.

Pure. Which entity a login belongs to is told by its alias, and a plan may give that to another entity. Names of
aliases, entities and groups that differ in case alone are one, on any auth method (OpenBao 2.7.2, Vault 2.1).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from vaultconf.acl_identity import Group, Identity
from vaultconf.model import Action, Change, Values
from vaultconf.rights import policies_in

ENTITIES: Final = "identity/entity/name/"
GROUPS: Final = "identity/group/name/"


class Way(NamedTuple):
    """What a login is known by: the path of its auth method, and its name there, in lower case."""

    mount: str
    name: str

    @classmethod
    def of(cls, mount: object, name: object) -> Way:
        """The way of any spelling of a mount's path and a name."""
        return cls(str(mount or "").strip("/").removeprefix("auth/"), str(name or "").lower())


@dataclass(frozen=True, slots=True)
class EntityNow:
    """An entity before the plan; `identity` without its groups."""

    identity: Identity
    policies: frozenset[str] = frozenset()
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class GroupNow:
    """A group before the plan: entities and groups in it by id; `way` is that of an external one."""

    group: Group
    policies: frozenset[str] = frozenset()
    entities: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    way: Way | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody as identity knows them before the plan; entities and groups by their names in lower case.

    `entity` is the name of their own, "" for none yet. `entities` and `groups` are all that they are in, or could be
    after the plan.
    """

    entity: str = ""
    way: Way | None = None
    entities: Mapping[str, EntityNow] = field(default_factory=dict)
    groups: Mapping[str, GroupNow] = field(default_factory=dict)


#: Somebody of whom identity can know nothing.
NO_PERSON: Final = Person()


@dataclass(frozen=True, slots=True)
class Standing:
    """What an entity and its groups give; `shut`: no token of it works, and no login."""

    policies: frozenset[str] = frozenset()
    shut: bool = False
    identity: Identity | None = None


@dataclass(frozen=True, slots=True)
class _Group:
    """A group at some time, its members by name."""

    group: Group
    policies: frozenset[str]
    direct: bool
    groups: frozenset[str]


def ways_of(values: Values) -> Iterator[Way]:
    """The aliases of an entity as declared."""
    aliases = values.get("aliases")
    for mount, alias in aliases.items() if isinstance(aliases, Mapping) else ():
        yield Way.of(mount, alias["name"])


def by_name(changes: Iterable[Change], prefix: str) -> dict[str, Change]:
    """The changes of entities or of groups of the run's namespace, by name."""
    return {
        change.address.path.removeprefix(prefix).lower(): change
        for change in changes
        if change.address.path.startswith(prefix) and not change.address.namespace
    }


def next_entity(person: Person, changes: Iterable[Change]) -> str:
    """The name of the entity that the next login belongs to after some changes; "" for one made by the login."""
    left, taken = person.entity, ""
    for name, change in by_name(changes, ENTITIES).items():
        if change.action is Action.DELETE:
            left = "" if name == left else left
        elif person.way in set(ways_of(change.after)):
            taken = name
        elif name == left and person.way is not None and "aliases" in change.after:
            left = ""
    return taken or left


def standing(person: Person, name: str, changes: Iterable[Change] = ()) -> Standing:
    """What the entity of a name gives after some changes."""
    changes = tuple(changes)
    made, now = by_name(changes, ENTITIES).get(name), person.entities.get(name)
    if made is not None and made.action is Action.DELETE:
        return Standing(shut=True)
    policies = now.policies if now is not None else frozenset[str]()
    shut = now is not None and now.disabled
    identity = None if now is None else now.identity
    if made is not None:
        policies, shut = policies_in(made.kind, made.after), made.after.get("disabled") is True
        identity = identity and replace(identity, metadata=_words(made.after))
    inside = _inside(person, name, changes)
    joined = tuple(item.group for item in inside)
    identity = identity and replace(identity, groups=joined)
    return Standing(policies.union(*(item.policies for item in inside)), shut, identity)


def owners(person: Person, changes: Iterable[Change]) -> frozenset[str]:
    """The names of the entities that the login belongs to, before or after any part of some changes."""
    takers = (name for name, change in by_name(changes, ENTITIES).items() if person.way in set(ways_of(change.after)))
    return frozenset({person.entity, *takers} - {""})


def concerning(person: Person, changes: Iterable[Change]) -> list[Change]:
    """The changes of entities and groups that may alter what somebody is given."""
    changes = tuple(changes)
    entities, groups = by_name(changes, ENTITIES), by_name(changes, GROUPS)
    return [
        *(entities[name] for name in sorted(owners(person, changes) & entities.keys())),
        *(groups[name] for name in sorted(joinable(person, changes) & groups.keys())),
    ]


def policies_ever(person: Person, changes: Iterable[Change]) -> frozenset[str]:
    """All policies that identity gives somebody, before or after any part of some changes."""
    return frozenset[str]().union(
        *(entity.policies for entity in person.entities.values()),
        *(group.policies for group in person.groups.values()),
        *(policies_in(change.kind, change.after) for change in concerning(person, changes)),
    )


def joinable(person: Person, changes: Iterable[Change]) -> frozenset[str]:
    """The names of all groups that somebody may be in after any part of some changes, new ones included."""
    changes = tuple(changes)
    made = by_name(changes, GROUPS)
    found = set(person.groups)
    entities, ways = _called(person, owners(person, changes)), _external(person)
    while True:
        more = {
            name for name, change in made.items() if name not in found and _takes(change.after, entities, found, ways)
        }
        if not more:
            return frozenset(found)
        found |= more


def _takes(values: Values, entities: Iterable[str], groups: Iterable[str], ways: Iterable[Way]) -> bool:
    """Whether a declared group has any of these in it."""
    members, nested = _names(values, "member_entities"), _names(values, "member_groups")
    return not members.isdisjoint(entities) or not nested.isdisjoint(groups) or _way(values) in set(ways)


def _inside(person: Person, name: str, changes: Iterable[Change]) -> list[_Group]:
    """The groups that an entity is in, directly or through others."""
    later = _groups_after(person, name, changes)
    found = {key for key, item in later.items() if item.direct}
    while more := {key for key, item in later.items() if key not in found and not item.groups.isdisjoint(found)}:
        found |= more
    return [later[key] for key in sorted(found)]


def _groups_after(person: Person, name: str, changes: Iterable[Change]) -> dict[str, _Group]:
    names = {item.group.id: key for key, item in person.groups.items()}
    now = person.entities.get(name)
    owner = "" if now is None else now.identity.id
    called, ways = _called(person, {name}), _external(person)
    later = {
        key: _Group(
            item.group,
            item.policies,
            owner in item.entities or item.way in ways,
            frozenset(names[group] for group in item.groups if group in names),
        )
        for key, item in person.groups.items()
    }
    for key, change in by_name(changes, GROUPS).items():
        if change.action is Action.DELETE:
            later.pop(key, None)
            continue
        values, before = change.after, person.groups.get(key)
        later[key] = _Group(
            Group("", key, _words(values)) if before is None else replace(before.group, metadata=_words(values)),
            policies_in(change.kind, values),
            not _names(values, "member_entities").isdisjoint(called) or _way(values) in ways,
            frozenset(_names(values, "member_groups")),
        )
    return later


def _called(person: Person, names: Iterable[str]) -> set[str]:
    """What a group may call these entities: by their names, or by an id that has none."""
    names = {name for name in names if name}
    ids = {person.entities[name].identity.id for name in names if name in person.entities}
    return names | ids


def _external(person: Person) -> set[Way]:
    """What the auth methods call the external groups that somebody's own entity is in."""
    now = person.entities.get(person.entity)
    groups = person.groups.values() if now is not None else ()
    return {
        item.way for item in groups if item.way is not None and now is not None and now.identity.id in item.entities
    }


def _way(values: Values) -> Way | None:
    return Way.of(values["alias.mount"], values.get("alias.name")) if values.get("alias.mount") else None


def _names(values: Values, field_name: str) -> set[str]:
    value = values.get(field_name)
    return {str(item).lower() for item in value} if isinstance(value, tuple | frozenset) else set()


def _words(values: Values) -> Mapping[str, str]:
    words = values.get("metadata")
    return words if isinstance(words, Mapping) else {}
