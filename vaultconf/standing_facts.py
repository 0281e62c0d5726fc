"""Who somebody is to identity: the entity of a login and its groups, as far as a plan could matter to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from vaultconf.acl_identity import Alias, Group, Identity
from vaultconf.http import Answer
from vaultconf.model import Action, Change
from vaultconf.standing import ENTITIES, GROUPS, EntityNow, GroupNow, Person, Way, by_name, joinable, ways_of

#: Asks for the data of paths.
Ask = Callable[[Iterable[str]], list[Answer]]


class NotReadableError(Exception):
    """Something of it may not be read."""


def of_caller(ask: Ask, entity: str, mount: str, changes: Iterable[Change]) -> Person | None:
    """Who holds a token, by the id of its entity and the auth mount that it came from; None where it is not known."""
    try:
        data = _data(ask, [f"identity/entity/id/{entity}"])[0]
        home = Way.of(mount, "").mount
        ways = [way for alias in data.get("aliases") or () if (way := _way_of(alias)).mount == home]
        return _person(ask, data, ways[0] if home and ways else None, tuple(changes))
    except NotReadableError:
        return None


def of_login(ask: Ask, way: Way, listed: Answer, changes: Iterable[Change]) -> Person | None:
    """Who logs in by an alias, which `listed` (a LIST of all entities) has or has not; None where it is not known."""
    entries = (listed.data or {}).get("key_info") if listed.ok else {} if _is_empty(listed) else None
    if not isinstance(entries, Mapping):
        return None
    ids = [key for key, entry in entries.items() if way in map(_way_of, (entry or {}).get("aliases") or ())]
    try:
        data = _data(ask, [f"identity/entity/id/{ids[0]}"])[0] if ids else {}
        return _person(ask, data, way, tuple(changes))
    except NotReadableError:
        return None


def _is_empty(answer: Answer) -> bool:
    return answer.status == 404 and not answer.errors


def _data(ask: Ask, paths: Iterable[str]) -> list[Mapping[str, Any]]:
    answers = ask(paths)
    if any(answer.data is None for answer in answers):
        raise NotReadableError
    return [answer.data or {} for answer in answers]


def _person(ask: Ask, data: Mapping[str, Any], way: Way | None, changes: tuple[Change, ...]) -> Person:
    """Somebody's own entity, those that would take the login over, and the groups of all of them."""
    own = str(data.get("name") or "").lower()
    takers = [
        f"{ENTITIES}{change.address.path.removeprefix(ENTITIES)}"
        for name, change in by_name(changes, ENTITIES).items()
        if name != own and change.action is Action.UPDATE and way in set(ways_of(change.after))
    ]
    there = [*([data] if data else []), *_data(ask, takers)]
    entities = {str(item.get("name")).lower(): _entity(item) for item in there}
    groups = _above(ask, {str(group) for item in there for group in item.get("group_ids") or ()}, {})
    return _joined(ask, Person(own, way, entities, groups), changes)


def _joined(ask: Ask, person: Person, changes: tuple[Change, ...]) -> Person:
    """The same with the groups, and those above them, that the changes put somebody into."""
    made = by_name(changes, GROUPS)
    while True:
        coming = [
            made[name].address.path
            for name in sorted(joinable(person, changes) - person.groups.keys())
            if made[name].action is not Action.CREATE
        ]
        if not coming:
            return person
        ids = {str(data.get("id")) for data in _data(ask, coming)}
        groups = _above(ask, ids, person.groups)
        if len(groups) == len(person.groups):
            return person
        person = Person(person.entity, person.way, person.entities, groups)


def _above(ask: Ask, ids: set[str], known: Mapping[str, GroupNow]) -> dict[str, GroupNow]:
    """Groups by their ids, and all that these are in."""
    found = dict(known)
    seen = {item.group.id for item in found.values()}
    while ids := ids - seen:
        seen |= ids
        above: set[str] = set()
        for data in _data(ask, (f"identity/group/id/{group}" for group in sorted(ids))):
            found[str(data.get("name")).lower()] = _group(data)
            above |= set(map(str, data.get("parent_group_ids") or ()))
        ids = above
    return found


def _way_of(alias: Mapping[str, Any]) -> Way:
    return Way.of(alias.get("mount_path"), alias.get("name"))


def _entity(data: Mapping[str, Any]) -> EntityNow:
    aliases = {
        str(alias.get("mount_accessor")): Alias(
            str(alias.get("name")),
            str(alias.get("id")),
            alias.get("metadata") or {},
            alias.get("custom_metadata") or {},
        )
        for alias in data.get("aliases") or ()
    }
    identity = Identity(str(data.get("id")), str(data.get("name")), data.get("metadata") or {}, aliases)
    return EntityNow(identity, _set(data, "policies"), data.get("disabled") is True)


def _group(data: Mapping[str, Any]) -> GroupNow:
    alias = data.get("alias") or {}
    return GroupNow(
        Group(str(data.get("id")), str(data.get("name")), data.get("metadata") or {}),
        _set(data, "policies"),
        _set(data, "member_entity_ids"),
        _set(data, "member_group_ids"),
        _way_of(alias) if alias.get("mount_path") else None,
    )


def _set(data: Mapping[str, Any], name: str) -> frozenset[str]:
    return frozenset(map(str, data.get(name) or ()))
