"""Everything that a server has, declared or not: what an export begins with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from vaultconf import catalogue
from vaultconf.address import join
from vaultconf.contact import Contact
from vaultconf.errors import Place
from vaultconf.http import refuse_unsafe
from vaultconf.kind import Kind
from vaultconf.live import Reading, read, read_objects
from vaultconf.model import Address, Blocked, Desired, Held, Live, Unreadable
from vaultconf.scope import Scope
from vaultconf.tables import Table, TableKey, mount_types, mount_values, read_names, read_tables
from vaultconf.unlisted import blocked_by

_NOWHERE = Place("", 0, 0)


@dataclass(frozen=True, slots=True)
class Survey:
    """What a server has. `objects` are those that could be read, with nothing written of them; `blocked` is what
    could not be read or listed; `types` are those of all mounts, by namespace, section and path.
    """

    objects: tuple[tuple[Desired, Live], ...]
    blocked: tuple[Blocked, ...]
    held: tuple[Held, ...]
    types: Mapping[tuple[str, str, str], str]
    unknown_fields: Mapping[str, frozenset[str]]


def look(contact: Contact, scope: Scope) -> Survey:
    """Read every object of every kind there is, in every namespace; configurations come along with their mounts."""
    namespaces = list(_namespaces(contact, scope))
    tables = read_tables(contact, (name for name in namespaces if isinstance(name, str)))
    first = read(contact, (), tables, scope)
    wanted = {item.address: item for item in _wanted(contact, scope, tables, first)}
    unsafe = {address: why for address in wanted if (why := _unsafe(address))}
    askable = [item for address, item in wanted.items() if address not in unsafe]
    # What goes with a mount is wanted wherever its mount is, whatever `--only` says.
    second = read_objects(contact, askable, tables, replace(scope, only=()))
    objects = ((item, second.objects.get(address)) for address, item in wanted.items())
    blocked = [item for item in namespaces if isinstance(item, Blocked)]
    blocked += [blocked_by(kind, place, why) for kind, place, why in first.unlisted if scope.may_cover(place)]
    blocked += [
        Blocked(wanted[address].kind, address, found.status, found.reason)
        for address, found in second.objects.items()
        if isinstance(found, Unreadable)
    ]
    blocked += [Blocked(wanted[address].kind, address, 0, why) for address, why in unsafe.items()]
    return Survey(
        tuple((item, found) for item, found in objects if isinstance(found, Live)),
        tuple(blocked),
        tuple(held for address in wanted if (held := scope.held(address)) is not None),
        mount_types(tables),
        second.unknown_fields,
    )


def _unsafe(address: Address) -> str:
    """Why no request may ask for an address: whoever may write a policy may name it `a..b`."""
    try:
        refuse_unsafe(address.path)
    except ValueError as error:
        return str(error)
    return ""


def _namespaces(contact: Contact, scope: Scope) -> Iterator[str | Blocked]:
    """The base namespace and those below it, the outer before the inner; and whose children cannot be listed."""
    kind = catalogue.namespace_kind()
    level = [""]
    while level:
        yield from level
        if kind is None or not contact.server.namespaces:
            return
        inside = [name for name in level if scope.may_cover(Address("+", f"{name}/+".lstrip("/")))]
        found = contact.transport.run(read_names(contact, kind.collection_of({}), name) for name in inside)
        level = []
        for parent, names in zip(inside, found, strict=True):
            if isinstance(names, Unreadable):
                yield blocked_by(kind, Address(kind.collection_of({}), parent), names)
            else:
                level += [join(parent, name.rstrip("/")) for name in names]


def _wanted(contact: Contact, scope: Scope, tables: Mapping[TableKey, Table], first: Reading) -> Iterator[Desired]:
    """What is there, what is built in and can be changed, and the configurations of mounts."""
    for stranger in first.strangers:
        yield blank(stranger.kind, stranger.params, stranger.address.namespace)
    namespaces = sorted({namespace for namespace, _ in tables})
    for kind in catalogue.all_kinds().values():
        for name in sorted(kind.builtin - kind.untouchable):
            for namespace in namespaces:
                item = blank(kind, {kind.holes[-1]: name}, namespace)
                if scope.covers(item.address):
                    yield item
    there = {stranger.address for stranger in first.strangers}
    for (namespace, section, mount), mount_type in mount_types(tables).items():
        for kind in catalogue.implied(section, mount_type):
            item = blank(kind, {"mount": mount}, namespace)
            mounts = catalogue.mount_kind(section)
            values = mount_values(tables, kind, item.params, namespace, contact.server)
            with_mount = mounts is not None and Address(mounts.path_of(item.params), namespace) in there
            applies = isinstance(values, Mapping) and kind.applies(values)
            if applies and (with_mount or scope.covers(item.address)):
                yield item


def blank(kind: Kind, params: Mapping[str, str], namespace: str) -> Desired:
    """An object as if it were declared without a field."""
    return Desired(kind, Address(kind.path_of(params), namespace), params, {}, _NOWHERE, {})
