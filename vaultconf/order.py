"""In which order changes happen: what is referred to comes first; deletes go the other way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from vaultconf import catalogue
from vaultconf.address import join
from vaultconf.desired import targets
from vaultconf.kind import Field, Kind, Spec, fields_of
from vaultconf.model import Action, Address, Change, Values
from vaultconf.naming import namespace_address
from vaultconf.tables import homes


def prerequisites(changes: Iterable[Change]) -> dict[Address, frozenset[Address]]:
    """For every change, the changes that must have succeeded before it may start."""
    changes = tuple(changes)
    made = {change.address: change for change in changes if change.action is not Action.DELETE}
    removed = {change.address: change for change in changes if change.action is Action.DELETE}
    needs: dict[Address, set[Address]] = {change.address: set() for change in changes}
    settings = _settings(made)
    for change in made.values():
        if change.kind.anywhere:
            needs[change.address].update(_beside(change, settings) & made.keys())
        needs[change.address].update(address for address in _first(change, change.after) if address in made)
        needs[change.address].update(_in_the_way(change, removed))
        needs[change.address].update(_holding(change, removed))
    for change in removed.values():
        moved = (made.get(address) for address in _first(change, {}))
        needs[change.address].update(other.address for other in moved if other and other.action is Action.MOVE)
    if removed:
        _let_go(changes, removed, needs)
    return {address: frozenset(wanted - {address}) for address, wanted in needs.items()}


def _let_go(changes: Iterable[Change], removed: Mapping[Address, Change], needs: dict[Address, set[Address]]) -> None:
    """What is deleted goes after whatever named it has changed or gone."""
    users: dict[tuple[str, str, str], list[Address]] = {}
    for change in changes:
        before = change.before.values if change.before is not None else {}
        for address in _first(change, before):
            if address in removed:
                needs[address].add(change.address)
        if change.action is Action.DELETE:
            for name in _named_within(change.kind.model):
                users.setdefault((name, change.address.namespace, change.params["mount"]), []).append(change.address)
    for address, change in removed.items():
        # What a stranger names is not known: its like in the same mount all go first.
        needs[address].update(users.get((change.kind.name, address.namespace, change.params.get("mount", "")), ()))


@cache
def _naming(model: type[Spec]) -> tuple[Field, ...]:
    """The fields of a kind that name other objects."""
    return tuple(spec for spec in fields_of(model).values() if spec.marks.names)


@cache
def _named_within(model: type[Spec]) -> frozenset[str]:
    """The kinds of the same mount that a kind's fields name."""
    return frozenset(spec.marks.names for spec in _naming(model) if spec.marks.within)


def _first(change: Change, values: Values) -> Iterator[Address]:
    """What has to be there before an object with these values: its home, that one's configuration, what it names."""
    kind, namespace = change.kind, change.address.namespace
    if namespace and (home := namespace_address(namespace)) is not None:
        yield home
    for below, path in kind.needs(values):
        yield Address(path, join(namespace, below))
    mounts = catalogue.mount_kind(kind.section)
    if kind.in_mount and mounts is not None:
        yield Address(mounts.path_of(change.params), namespace)
        yield from _configurations(kind, change.params, namespace)
    if kind.anywhere and change.desired is not None:
        yield from homes(change.desired)
        yield from _policies(values, namespace)
    for spec in _naming(kind.model):
        yield from (address for _, address in targets(spec, values, change.params, namespace))


def _configurations(kind: Kind, params: Mapping[str, str], namespace: str) -> Iterator[Address]:
    """The configuration of the mount comes before what it configures."""
    if not kind.named:
        return
    for group in catalogue.children_of(kind.section).values():
        for other in group:
            if not other.named and other.mount_types & kind.mount_types:
                yield Address(other.path_of(params), namespace)


def _policies(values: Values, namespace: str) -> Iterator[Address]:
    """The policies that some text of a free object may name."""
    kinds = [kind for kind in catalogue.all_kinds().values() if kind.section.endswith("policies")]
    for text in _texts(values):
        yield from (Address(kind.path_of({kind.holes[-1]: text}), namespace) for kind in kinds)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(item)


def _settings(made: Mapping[Address, Change]) -> dict[Address, set[Address]]:
    """The configurations among free objects, by where the path before `config` leads."""
    found: dict[Address, set[Address]] = {}
    for address, change in made.items():
        before, middle, _ = f"{address.path}/".partition("/config/")
        if change.kind.anywhere and middle:
            found.setdefault(Address(before, address.namespace), set()).add(address)
    return found


def _beside(change: Change, settings: Mapping[Address, set[Address]]) -> set[Address]:
    """What comes before a free object: those whose path it continues, and the configurations beside it."""
    found: set[Address] = set()
    parts = change.address.path.split("/")
    for count in range(1, len(parts)):
        above = Address("/".join(parts[:count]), change.address.namespace)
        found.add(above)
        if "config" not in parts:
            found |= settings.get(above, set())
    return found


def _in_the_way(change: Change, removed: Mapping[Address, Change]) -> Iterator[Address]:
    """Mounts to be deleted whose path is a prefix of the new one, or the other way round."""
    if not change.kind.is_mount or change.action not in (Action.CREATE, Action.MOVE):
        return
    path = f"{change.address.path}/"
    for address, other in removed.items():
        if other.kind is change.kind and address.namespace == change.address.namespace:
            theirs = f"{address.path}/"
            if theirs.startswith(path) or path.startswith(theirs):
                yield address


def _holding(change: Change, removed: Mapping[Address, Change]) -> Iterator[Address]:
    """What is to be deleted and may hold what only one object of the kind can have."""
    if change.action is Action.CREATE and any(change.kind.claims(change.after)):
        yield from (
            address
            for address, other in removed.items()
            if other.kind is change.kind and address.namespace == change.address.namespace
        )
