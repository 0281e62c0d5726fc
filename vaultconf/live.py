"""What the server has: the declared objects one by one, the rest by one LIST a collection."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from vaultconf import catalogue
from vaultconf.answers import listed, live_from, read_object, unreadable
from vaultconf.contact import Contact
from vaultconf.http import Request
from vaultconf.kind import Kind
from vaultconf.model import Address, Desired, Live, Server, Unreadable, Values
from vaultconf.scope import Scope
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
        return mount_address(self.kind, self.params, self.address.namespace)


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything that was read.

    `objects` has every declared address that the run looks at; `strangers` what is there undeclared; `unlisted`
    the collections that could not be listed, as kind, the place of a member, and why.
    """

    objects: Mapping[Address, Found]
    tables: Mapping[TableKey, Table]
    strangers: tuple[Stranger, ...] = ()
    unlisted: tuple[tuple[Kind, Address, Unreadable], ...] = ()
    unknown_fields: Mapping[str, frozenset[str]] = field(default_factory=dict)


def mount_address(kind: Kind, params: Mapping[str, str], namespace: str) -> Address | None:
    """The address of the mount in which an object lives; None for what lives in none."""
    mounts = catalogue.mount_kind(kind.section)
    return Address(mounts.path_of(params), namespace) if mounts is not None and kind.in_mount else None


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
    data = answer.data if answer.ok else None
    if data is None:
        return unreadable(answer)
    return {name.rstrip("/"): entry for name, entry in data.items() if isinstance(entry, Mapping)}


def mount_types(tables: Mapping[TableKey, Table]) -> dict[tuple[str, str, str], str]:
    """The type of every mount there is, by namespace, section and path."""
    types = {}
    for (namespace, kind_name), table in tables.items():
        kind = catalogue.all_kinds()[kind_name]
        if kind.is_mount and not isinstance(table, Unreadable):
            for mount, entry in table.items():
                types[namespace, kind.section, mount] = str(entry.get("type", ""))
    return types


def mount_values(
    tables: Mapping[TableKey, Table], kind: Kind, params: Mapping[str, str], namespace: str, server: Server
) -> Values | Unreadable | None:
    """The values of the mount in which an object of this kind lives; None where the mount is not there."""
    mounts = catalogue.mount_kind(kind.section)
    if mounts is None:
        return None
    table = tables.get((namespace, mounts.name), NOT_THERE)
    if isinstance(table, Unreadable):
        return table
    entry = table.get(params["mount"])
    found = live_from(mounts, entry, server) if entry is not None else None
    return found.values if isinstance(found, Live) else found


def fits(kind: Kind, mount: Values) -> bool:
    """Whether objects of a kind can live in a mount with these values."""
    return mount.get("type") in kind.mount_types and kind.applies(mount)


def read(contact: Contact, objects: Iterable[Desired], tables: Mapping[TableKey, Table], scope: Scope) -> Reading:
    """Read every declared object that the run looks at, and list every collection that it may look into."""
    return _Reader(contact, tuple(objects), tables, scope).read()


class _Reader:
    """One reading; gathers results as they come."""

    def __init__(
        self, contact: Contact, objects: tuple[Desired, ...], tables: Mapping[TableKey, Table], scope: Scope
    ) -> None:
        self.contact = contact
        self.objects = [item for item in objects if scope.covers(item.address) and not scope.held(item.address)]
        self.namespaces = sorted({"", *(desired.address.namespace for desired in objects)})
        self.tables = tables
        self.scope = scope
        self.declared = {desired.address for desired in objects}
        self.types = {**_declared_types(objects, tables), **mount_types(tables)}
        self.fitting: dict[tuple[str, str, str], bool] = {}
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
        """Read one object. What would live in a mount that is not there, or is of another type, is absent."""
        if desired.kind.in_mount and not self.mount_fits(desired):
            self.found[desired.address] = None
            return
        self.found[desired.address] = yield from read_one(self.contact, desired)

    def mount_fits(self, desired: Desired) -> bool:
        """Whether the object's mount is there and can hold it, as far as mounts can be read."""
        kind, namespace = desired.kind, desired.address.namespace
        key = (kind.name, namespace, desired.params["mount"])
        if key not in self.fitting:
            mount = mount_values(self.tables, kind, desired.params, namespace, self.contact.server)
            self.fitting[key] = isinstance(mount, Unreadable) or (mount is not None and fits(kind, mount))
        return self.fitting[key]

    def bulk_read(self) -> set[str]:
        """Read whole collections of the base namespace in one answer where that is possible and worth it."""
        done = set()
        for kind in catalogue.all_kinds().values():
            wanted = [desired for desired in self.objects if desired.kind is kind and not desired.address.namespace]
            if kind.bulk and len(wanted) >= BULK_FROM and self.contact.server.product == "openbao":
                answer = self.contact.transport.send(self.contact.within(Request("LIST", kind.bulk)))
                entries = (answer.data or {}).get("key_info") if answer.ok else None
                if isinstance(entries, Mapping):
                    self.take_bulk(kind, wanted, entries)
                    done.add(kind.name)
        return done

    def take_bulk(self, kind: Kind, wanted: list[Desired], entries: Mapping[str, Any]) -> None:
        for desired in wanted:
            entry = entries.get(desired.params[kind.holes[-1]])
            self.found[desired.address] = live_from(kind, entry, self.contact.server) if entry is not None else None
        self.add_strangers(kind, "", {}, entries)

    def table_strangers(self) -> None:
        for (namespace, kind_name), table in self.tables.items():
            kind = catalogue.all_kinds()[kind_name]
            if isinstance(table, Unreadable):
                self.unlisted.append((kind, Address(f"{kind.table}/+", namespace), table))
                self.unlisted += self.unseen_children(kind, namespace, table)
            else:
                self.add_strangers(kind, namespace, {}, table)

    def unseen_children(
        self, mounts: Kind, namespace: str, why: Unreadable
    ) -> Iterator[tuple[Kind, Address, Unreadable]]:
        """The collections in mounts that nobody can know of, where mounts cannot be read."""
        if mounts.is_mount:
            for group in catalogue.children_of(mounts.section).values():
                for kind in group:
                    if kind.named:
                        yield kind, Address(kind.path_of(dict.fromkeys(kind.holes, "+")), namespace), why

    def add_strangers(self, kind: Kind, namespace: str, params: Mapping[str, str], names: Iterable[str]) -> None:
        hole = kind.holes[-1]
        for name in names:
            address = Address(kind.path_of({**params, hole: name}), namespace)
            if name not in kind.builtin and address not in self.declared and self.scope.covers(address):
                self.strangers.append(Stranger(kind, address, {**params, hole: name}))

    def collections(self, bulk: set[str]) -> Iterator[tuple[Kind, str, dict[str, str]]]:
        """The collections to list: those at the top, and those of every mount that is there."""
        for kind in catalogue.all_kinds().values():
            if kind.table or not kind.named:
                continue
            if not kind.in_mount:
                yield from ((kind, name, {}) for name in self.namespaces if name or kind.name not in bulk)
                continue
            for (namespace, section, mount), mount_type in self.types.items():
                if section == kind.section and mount_type in kind.mount_types:
                    yield kind, namespace, {"mount": mount}

    def collection(self, kind: Kind, namespace: str, params: dict[str, str]) -> Task[None]:
        member = Address(kind.path_of({**params, kind.holes[-1]: "+"}), namespace)
        if not self.scope.may_cover(member):
            return
        request = Request("LIST", kind.collection_of(params))
        try:
            names = listed((yield self.contact.within(request, namespace)))
        except ValueError as error:  # a mount whose path must not be sent
            names = Unreadable(0, str(error))
        if isinstance(names, Unreadable):
            self.unlisted.append((kind, member, names))
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


def _declared_types(objects: Iterable[Desired], tables: Mapping[TableKey, Table]) -> dict[tuple[str, str, str], str]:
    """The types that files give to mounts, where the server does not say what is mounted."""
    return {
        (item.address.namespace, item.kind.section, item.params["mount"]): str(item.values["type"])
        for item in objects
        if item.kind.is_mount
        and "type" in item.values
        and isinstance(tables.get((item.address.namespace, item.kind.name)), Unreadable)
    }


def _from_table(table: Table, desired: Desired, contact: Contact) -> Found:
    if isinstance(table, Unreadable):
        return table
    entry = table.get(desired.params[desired.kind.holes[-1]])
    return live_from(desired.kind, entry, contact.server) if entry is not None else None


def read_one(contact: Contact, desired: Desired) -> Task[Found]:
    """Read one object, and the fields that only a path of their own returns."""
    kind, address = desired.kind, desired.address
    if kind.table and not kind.is_mount:
        table = yield from _table(contact, kind, address.namespace)
        return _from_table(table, desired, contact)
    answer = yield contact.within(Request("GET", address.path), address.namespace)
    found = read_object(kind, answer, contact.server)
    if not isinstance(found, Live):
        return found
    values = dict(found.values)
    for name in desired.values:
        marks = kind.fields[name].marks
        if marks.read_from:
            more = yield contact.within(Request("GET", marks.read_from.format_map(desired.params)), address.namespace)
            data = more.data if more.ok else None
            if data is None:
                return unreadable(more)
            values[name] = data.get(name)
    return Live(values, found.unknown, found.extras)
