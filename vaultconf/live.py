"""What the server has: the declared objects one by one, the rest by one LIST a collection."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from vaultconf import catalogue
from vaultconf.answers import listed, read_object, unreadable
from vaultconf.contact import Contact
from vaultconf.http import Request
from vaultconf.kind import Kind
from vaultconf.model import Address, Desired, Live, Unreadable
from vaultconf.transport import Task

#: From this many declared objects on, a whole collection is asked for in one answer where the server has it.
BULK_FROM = 50

Found = Live | Unreadable | None
Table = Mapping[str, Mapping[str, Any]] | Unreadable
TableKey = tuple[str, str]  # namespace, kind name

#: What a collection of the base namespace is in a child namespace.
NOT_THERE = Unreadable(0, "exists in the base namespace only")


@dataclass(frozen=True, slots=True)
class Stranger:
    """Something on the server that no file declares."""

    kind: Kind
    address: Address
    params: Mapping[str, str]

    @property
    def mount(self) -> Address | None:
        """The address of the mount in which it lives."""
        mounts = catalogue.mount_kind(self.kind.section)
        if mounts is None or not self.kind.in_mount:
            return None
        return Address(mounts.path_of(self.params), self.address.namespace)


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything that was read. `objects` has every declared address; `strangers` what is there undeclared."""

    objects: Mapping[Address, Found]
    tables: Mapping[TableKey, Table]
    strangers: tuple[Stranger, ...] = ()
    unlisted: tuple[tuple[Kind, Address, Unreadable], ...] = ()
    unknown_fields: Mapping[str, frozenset[str]] = field(default_factory=dict)


def read_tables(contact: Contact, namespaces: Iterable[str]) -> dict[TableKey, Table]:
    """Read the collections that one answer holds: mounts, auth methods, audit devices."""
    wanted = [
        (namespace, kind)
        for namespace in sorted({"", *namespaces})
        for kind in catalogue.all_kinds().values()
        if kind.table and not (namespace and kind.base_only)
    ]
    found = contact.transport.run(_table(contact, kind, namespace) for namespace, kind in wanted)
    return {(namespace, kind.name): table for (namespace, kind), table in zip(wanted, found, strict=True)}


def _table(contact: Contact, kind: Kind, namespace: str) -> Task[Table]:
    answer = yield contact.within(Request("GET", kind.table), namespace)
    if not answer.ok or answer.data is None:
        return unreadable(answer)
    return {name.rstrip("/"): entry for name, entry in answer.data.items() if isinstance(entry, Mapping)}


def mount_types(tables: Mapping[TableKey, Table]) -> dict[tuple[str, str, str], str]:
    """The type of every mount there is, by namespace, section and path."""
    types = {}
    for (namespace, kind_name), table in tables.items():
        kind = catalogue.all_kinds()[kind_name]
        if kind.is_mount and not isinstance(table, Unreadable):
            for mount, entry in table.items():
                types[namespace, kind.section, mount] = str(entry.get("type", ""))
    return types


def read(contact: Contact, objects: Iterable[Desired], tables: Mapping[TableKey, Table]) -> Reading:
    """Read every declared object and list every collection beside them."""
    reader = _Reader(contact, tuple(objects), tables)
    return reader.read()


class _Reader:
    """One reading; gathers results as they come."""

    def __init__(self, contact: Contact, objects: tuple[Desired, ...], tables: Mapping[TableKey, Table]) -> None:
        self.contact = contact
        self.objects = objects
        self.tables = tables
        self.declared = {desired.address for desired in objects}
        self.types = mount_types(tables)
        self.found: dict[Address, Found] = {}
        self.strangers: list[Stranger] = []
        self.unlisted: list[tuple[Kind, Address, Unreadable]] = []

    def read(self) -> Reading:
        for desired in self.objects:
            if desired.kind.table:
                table = self.tables.get((desired.address.namespace, desired.kind.name), NOT_THERE)
                self.found[desired.address] = _from_table(table, desired, self.contact)
        self.table_strangers()
        bulk = self.bulk_read()
        tasks = [self.one(desired) for desired in self.objects if desired.address not in self.found]
        tasks += [self.collection(*collection) for collection in self.collections(bulk)]
        self.contact.transport.run(tasks)
        return Reading(self.found, self.tables, tuple(self.strangers), tuple(self.unlisted), self.unknown_fields())

    def one(self, desired: Desired) -> Task[None]:
        """Read one object; what lives in a mount that is not there is absent, unless nobody declares the mount."""
        if desired.kind.in_mount and not self.mount_fits(desired):
            self.found[desired.address] = None
            return
        self.found[desired.address] = yield from read_one(self.contact, desired)

    def mount_fits(self, desired: Desired) -> bool:
        """Whether the object's mount is there and of the right type, as far as mounts can be read."""
        section = desired.kind.section
        mounts = catalogue.mount_kind(section)
        if mounts is None or isinstance(self.tables.get((desired.address.namespace, mounts.name)), Unreadable):
            return True
        return self.types.get((desired.address.namespace, section, desired.params["mount"])) in desired.kind.mount_types

    def bulk_read(self) -> set[tuple[str, str]]:
        """Read whole collections in one answer where that is possible and worth it."""
        done = set()
        for kind in catalogue.all_kinds().values():
            wanted = [desired for desired in self.objects if desired.kind is kind and not desired.address.namespace]
            if kind.bulk and len(wanted) >= BULK_FROM and self.contact.server.product == "openbao":
                answer = self.contact.transport.send(self.contact.within(Request("LIST", kind.bulk)))
                entries = (answer.data or {}).get("key_info")
                if answer.ok and isinstance(entries, Mapping):
                    self.take_bulk(kind, wanted, entries)
                    done.add(("", kind.name))
        return done

    def take_bulk(self, kind: Kind, wanted: list[Desired], entries: Mapping[str, Any]) -> None:
        for desired in wanted:
            entry = entries.get(desired.params[kind.holes[-1]])
            self.found[desired.address] = kind.live(entry, self.contact.server) if entry is not None else None
        self.add_strangers(kind, "", {}, entries)

    def table_strangers(self) -> None:
        for (namespace, kind_name), table in self.tables.items():
            kind = catalogue.all_kinds()[kind_name]
            if isinstance(table, Unreadable):
                self.unlisted.append((kind, Address(kind.table, namespace), table))
            else:
                self.add_strangers(kind, namespace, {}, table)

    def add_strangers(self, kind: Kind, namespace: str, params: Mapping[str, str], names: Iterable[str]) -> None:
        hole = kind.holes[-1]
        for name in names:
            address = Address(kind.path_of({**params, hole: name}), namespace)
            if name not in kind.builtin and address not in self.declared:
                self.strangers.append(Stranger(kind, address, {**params, hole: name}))

    def collections(self, bulk: set[tuple[str, str]]) -> Iterator[tuple[Kind, str, dict[str, str]]]:
        """The collections to list: those at the top, and those of every mount that is there."""
        for kind in catalogue.all_kinds().values():
            if kind.table or not kind.named:
                continue
            if not kind.in_mount:
                namespaces = {"", *(desired.address.namespace for desired in self.objects)}
                yield from ((kind, name, {}) for name in sorted(namespaces) if (name, kind.name) not in bulk)
                continue
            for (namespace, section, mount), mount_type in self.types.items():
                if section == kind.section and mount_type in kind.mount_types:
                    yield kind, namespace, {"mount": mount}

    def collection(self, kind: Kind, namespace: str, params: dict[str, str]) -> Task[None]:
        address = Address(kind.collection_of(params), namespace)
        answer = yield self.contact.within(Request("LIST", address.path), namespace)
        names = listed(answer)
        if isinstance(names, Unreadable):
            self.unlisted.append((kind, address, names))
        else:
            self.add_strangers(kind, namespace, params, names)

    def unknown_fields(self) -> dict[str, frozenset[str]]:
        """Fields that the server returns and this version does not know, by kind."""
        unknown: dict[str, frozenset[str]] = {}
        for desired in self.objects:
            found = self.found.get(desired.address)
            if isinstance(found, Live) and found.unknown:
                unknown[desired.kind.name] = unknown.get(desired.kind.name, frozenset()) | found.unknown
        return unknown


def _from_table(table: Table, desired: Desired, contact: Contact) -> Found:
    if isinstance(table, Unreadable):
        return table
    entry = table.get(desired.params[desired.kind.holes[-1]])
    return desired.kind.live(entry, contact.server) if entry is not None else None


def read_one(contact: Contact, desired: Desired) -> Task[Found]:
    """Read one object, and the fields that only a path of their own returns."""
    kind, address = desired.kind, desired.address
    if kind.table:
        table = yield from _table(contact, kind, address.namespace)
        return _from_table(table, desired, contact)
    answer = yield contact.within(Request("GET", address.path), address.namespace)
    found = read_object(kind, answer, contact.server)
    if isinstance(found, Live):
        values = dict(found.values)
        for name in desired.values:
            if path := kind.fields[name].marks.read_from:
                more = yield contact.within(Request("GET", path.format_map(desired.params)), address.namespace)
                if not more.ok or more.data is None:
                    return unreadable(more)
                values[name] = more.data.get(name)
        return Live(values, found.unknown, found.extras)
    return found
