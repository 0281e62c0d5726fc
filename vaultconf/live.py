"""What the server has: the declared objects one by one, the rest by one LIST a collection."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from vaultconf import catalogue
from vaultconf.answers import is_absent, listed, live_from, read_object, unreadable
from vaultconf.contact import Contact
from vaultconf.http import Request
from vaultconf.kind import Kind
from vaultconf.lookups import Directory
from vaultconf.model import Address, Desired, Live, Unreadable
from vaultconf.scope import Scope
from vaultconf.strangers import Stranger
from vaultconf.tables import (
    NOT_THERE,
    Table,
    TableKey,
    as_new,
    declared_types,
    fits,
    free_home,
    mount_types,
    mount_values,
    read_table,
    to_be_made,
)
from vaultconf.transport import Task

#: From this many declared objects on, a whole collection is asked for in one answer where the server has it.
BULK_FROM = 50

Found = Live | Unreadable | None


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything that was read.

    `objects` has every declared address that the run looks at; `strangers` what is there undeclared; `unlisted`
    the collections that could not be listed, as kind, the place of a member, and why; `new` the child namespaces
    that are not there and are declared, so that nothing is in them.
    """

    objects: Mapping[Address, Found]
    tables: Mapping[TableKey, Table]
    strangers: tuple[Stranger, ...] = ()
    unlisted: tuple[tuple[Kind, Address, Unreadable], ...] = ()
    unknown_fields: Mapping[str, frozenset[str]] = field(default_factory=dict)
    new: frozenset[str] = frozenset()


def read(contact: Contact, objects: Iterable[Desired], tables: Mapping[TableKey, Table], scope: Scope) -> Reading:
    """Read every declared object that the run looks at, and list every collection that it may look into."""
    return _Reader(contact, tuple(objects), tables, scope).read()


def read_objects(
    contact: Contact, objects: Iterable[Desired], tables: Mapping[TableKey, Table], scope: Scope
) -> Reading:
    """Read objects, and look for no others."""
    return _Reader(contact, tuple(objects), tables, scope).read(strangers=False)


class _Reader:
    """One reading; gathers results as they come."""

    def __init__(
        self, contact: Contact, objects: tuple[Desired, ...], tables: Mapping[TableKey, Table], scope: Scope
    ) -> None:
        self.contact = contact
        self.objects = [item for item in objects if scope.covers(item.address) and not scope.held(item.address)]
        self.new = to_be_made(tables, {item.address for item in self.objects})
        self.namespaces = sorted({"", *(namespace for namespace, _ in tables)} - self.new)
        self.tables = as_new(tables, self.new)
        self.scope = scope
        self.declared = {desired.address for desired in objects}
        self.folded = {
            Address(kind.names.key(item.address.path), item.address.namespace)
            for item in objects
            if (kind := item.kind).names.one_case
        }
        self.types = {**declared_types(objects, self.tables), **mount_types(self.tables)}
        self.fitting: dict[tuple[str, str, str], bool] = {}
        self.directory = Directory(contact)
        self.found: dict[Address, Found] = {}
        self.strangers: list[Stranger] = []
        self.unlisted: list[tuple[Kind, Address, Unreadable]] = []
        self.refused: list[Kind] = []
        self.missed: list[Desired] = []

    def read(self, *, strangers: bool = True) -> Reading:
        for desired in self.objects:
            if desired.kind.table:
                table = self.tables.get((desired.address.namespace, desired.kind.name), NOT_THERE)
                self.found[desired.address] = _from_table(table, desired, self.contact)
        self.table_strangers()
        self.directory.fill(item for item in self.objects if item.address.namespace not in self.new)
        bulk = self.bulk_kinds()
        tasks = [self.bulk(kind) for kind in bulk.values()]  # first: these answers take the server longest
        tasks += [self.one(desired) for desired in self.objects if not self.in_bulk(desired, bulk)]
        if strangers:
            tasks += [
                self.collection(*place) if place[0].named else self.lone(*place) for place in self.collections(bulk)
            ]
        self.contact.transport.run(tasks)
        self.contact.transport.run(task for kind in self.refused for task in self.one_by_one(kind))
        self.contact.transport.run(map(self.one, self.missed))
        return Reading(
            self.found,
            self.tables,
            tuple(self.strangers),
            tuple(self.unlisted),
            self.unknown_fields(),
            self.new,
        )

    def one(self, desired: Desired) -> Task[None]:
        """Read one object. What would live in a mount or namespace that is not there yet is absent."""
        if desired.kind.base_only and desired.address.namespace:
            self.found[desired.address] = NOT_THERE
            return
        if desired.address.namespace in self.new or (desired.kind.in_mount and not self.mount_fits(desired)):
            self.found[desired.address] = None
            return
        if desired.kind.anywhere and (home := free_home(desired, self.tables, self.declared)) is not True:
            self.found[desired.address] = home or None
            return
        self.found[desired.address] = yield from read_one(self.contact, desired, self.directory)

    def mount_fits(self, desired: Desired) -> bool:
        """Whether the object's mount is there and can hold it, as far as mounts can be read."""
        kind, namespace = desired.kind, desired.address.namespace
        key = (kind.name, namespace, desired.params["mount"])
        if key not in self.fitting:
            mount = mount_values(self.tables, kind, desired.params, namespace, self.contact.server)
            self.fitting[key] = isinstance(mount, Unreadable) or (mount is not None and fits(kind, mount))
        return self.fitting[key]

    def bulk_kinds(self) -> dict[str, Kind]:
        """The kinds whose collection in the base namespace is read in one answer: where it can be, and is worth it."""
        counts = Counter(desired.kind.name for desired in self.objects if not desired.address.namespace)
        able = self.contact.server.product == "openbao"
        kinds = catalogue.all_kinds()
        return {name: kinds[name] for name, many in counts.items() if able and many >= BULK_FROM and kinds[name].bulk}

    def in_bulk(self, desired: Desired, bulk: Mapping[str, Kind]) -> bool:
        """Whether an object has been read, or one answer will hold it."""
        return desired.address in self.found or (desired.kind.name in bulk and not desired.address.namespace)

    def bulk(self, kind: Kind) -> Task[None]:
        """Read a whole collection of the base namespace in one answer; note where the server gives none."""
        answer = yield self.contact.within(Request("LIST", kind.bulk))
        entries = (answer.data or {}).get("key_info") if answer.ok else None
        if isinstance(entries, Mapping):
            self.take_bulk(kind, entries)
        else:
            self.refused.append(kind)

    def one_by_one(self, kind: Kind) -> Iterator[Task[None]]:
        """What is read of a collection that the server does not give in one answer."""
        yield from (self.one(item) for item in self.objects if item.kind is kind and not item.address.namespace)
        yield self.collection(kind, "", {})

    def take_bulk(self, kind: Kind, entries: Mapping[str, Any]) -> None:
        for desired in self.objects:
            if desired.kind is not kind or desired.address.namespace:
                continue
            entry = entries.get(desired.params[kind.holes[-1]])
            if entry is None:
                # Absent, or left out because the token may not read it: only its own answer tells.
                self.missed.append(desired)
            else:
                self.found[desired.address] = live_from(kind, entry, self.contact.server)
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
            if name not in kind.builtin and not self.is_declared(kind, address) and self.scope.covers(address):
                self.strangers.append(Stranger(kind, address, {**params, hole: name}))

    def is_declared(self, kind: Kind, address: Address) -> bool:
        """Whether some file declares it, by whatever case of its name the server takes for the same."""
        return address in self.declared or Address(kind.names.key(address.path), address.namespace) in self.folded

    def exists(self, kind: Kind) -> bool:
        """Whether this server has objects of a kind at all."""
        return self.contact.server.namespaces or not kind.is_namespace

    def collections(self, bulk: Container[str]) -> Iterator[tuple[Kind, str, dict[str, str]]]:
        """The collections to list, and the configurations that can be absent: at the top, and of every mount."""
        for kind in catalogue.all_kinds().values():
            if kind.table or kind.always or kind.anywhere or not self.exists(kind):
                continue
            if not kind.in_mount:
                here = [name for name in self.namespaces if not (name and kind.base_only)]
                yield from ((kind, name, {}) for name in here if name or kind.name not in bulk)
                continue
            for (namespace, section, mount), mount_type in self.types.items():
                if section == kind.section and mount_type in kind.mount_types and namespace not in self.new:
                    yield kind, namespace, {"mount": mount}

    def collection(self, kind: Kind, namespace: str, params: dict[str, str]) -> Task[None]:
        member = Address(kind.path_of({**params, kind.holes[-1]: "+"}), namespace)
        if not self.scope.may_cover(member):
            return
        request = Request("LIST", kind.collection_of(params))
        try:
            answer = yield self.contact.within(request, namespace)
            names = [] if is_absent(kind, answer) else listed(answer)
        except ValueError as error:  # a mount whose path must not be sent
            names = Unreadable(0, str(error))
        if isinstance(names, Unreadable):
            self.unlisted.append((kind, member, names))
        else:
            plain = [name.removesuffix("/") for name in names] if kind.slashed else names
            self.add_strangers(kind, namespace, params, plain)

    def lone(self, kind: Kind, namespace: str, params: dict[str, str]) -> Task[None]:
        """Look for a configuration that can be absent and that nobody declares."""
        address = Address(kind.path_of(params), namespace)
        if address in self.declared or not self.scope.covers(address):
            return
        try:
            answer = yield self.contact.within(Request("GET", address.path), namespace)
            found = read_object(kind, answer, self.contact.server)
        except ValueError as error:  # a mount whose path must not be sent
            found = Unreadable(0, str(error))
        if isinstance(found, Unreadable):
            self.unlisted.append((kind, address, found))
        elif found is not None:
            self.strangers.append(Stranger(kind, address, params))

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
    return live_from(desired.kind, entry, contact.server) if entry is not None else None


def read_one(contact: Contact, desired: Desired, directory: Directory | None = None) -> Task[Found]:
    """Read one object, the fields that only a path of their own returns, and what it names by id."""
    kind, address = desired.kind, desired.address
    if kind.table and not kind.is_mount:
        table = yield from read_table(contact, kind, address.namespace)
        return _from_table(table, desired, contact)
    answer = yield contact.within(Request("GET", address.path), address.namespace)
    found = read_object(kind, answer, contact.server)
    if kind.lookups is not None and answer.data is not None and isinstance(found, Live):
        whole = yield from (directory or Directory(contact)).completed(answer.data, desired)
        found = whole if isinstance(whole, Unreadable) else live_from(kind, whole, contact.server)
    if not isinstance(found, Live):
        return found
    if kind.is_open:  # the rest is nobody's business
        return Live({name: found.values[name] for name in desired.values if name in found.values})
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
