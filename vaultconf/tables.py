"""The collections that one answer holds: mounts, auth methods, audit devices; and what follows from them."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from typing import Any

from vaultconf import catalogue
from vaultconf.answers import NO_NAMESPACE, listed, live_from, unreadable
from vaultconf.contact import Contact
from vaultconf.http import Request
from vaultconf.kind import Kind
from vaultconf.model import Address, Desired, Live, Server, Unreadable, Values
from vaultconf.mounts import type_of
from vaultconf.naming import namespace_address
from vaultconf.transport import Task

Table = Mapping[str, Mapping[str, Any]] | Unreadable
TableKey = tuple[str, str]  # namespace, kind name

#: Engines that every namespace has.
ALWAYS_THERE = frozenset({"sys", "identity"})

#: What a collection of the base namespace is in a child namespace.
NOT_THERE = Unreadable(0, "exists in the base namespace only")


def mount_address(kind: Kind, params: Mapping[str, str], namespace: str) -> Address | None:
    """The address of the mount in which an object lives; None for what lives in none."""
    mounts = catalogue.mount_kind(kind.section)
    return Address(mounts.path_of(params), namespace) if mounts is not None and kind.in_mount else None


def homes(desired: Desired) -> list[Address]:
    """The addresses of the mounts in which an object may live, the longest first: one, if any, unless it is free."""
    kind, address = desired.kind, desired.address
    if kind.anywhere:
        return [Address(mounts.path_of({"mount": mount}), address.namespace) for mounts, mount in _mounts(address.path)]
    found = mount_address(kind, desired.params, address.namespace)
    return [found] if found is not None else []


def _mounts(path: str) -> Iterator[tuple[Kind, str]]:
    """The mounts in which a path may lie, as kind and path, the longest first."""
    section = "auth" if path.startswith("auth/") else "secrets"
    kind = catalogue.mount_kind(section)
    segments = path.removeprefix("auth/").split("/")
    for count in range(len(segments) - 1, 0, -1):
        if kind is not None:
            yield kind, "/".join(segments[:count])


def free_home(desired: Desired, tables: Mapping[TableKey, Table], coming: Container[Address]) -> Unreadable | bool:
    """Whether the mount of a free object is there, or is to come; else why the object is not to be read.

    Where mounts cannot be seen it could be anything, a key-value engine too.
    """
    unread: Unreadable | None = None
    for kind, mount in _mounts(desired.address.path):
        table = tables.get((desired.address.namespace, kind.name), NOT_THERE)
        if mount in ALWAYS_THERE or (not isinstance(table, Unreadable) and mount in table):
            return True
        unread = table if isinstance(table, Unreadable) else unread
    if unread is not None:
        return Unreadable(unread.status, f"not read, because what is mounted there is not known: {unread.reason}")
    if any(home in coming for home in homes(desired)):
        return False
    return Unreadable(0, "not read: no mount of this namespace holds it")


def read_tables(contact: Contact, namespaces: Iterable[str]) -> dict[TableKey, Table]:
    """Read the collections that one answer holds: mounts, auth methods, audit devices."""
    wanted = [
        (namespace, kind)
        for namespace in sorted({"", *namespaces})
        for kind in catalogue.all_kinds().values()
        if kind.table and not (namespace and kind.base_only)
    ]
    found = contact.transport.run(read_table(contact, kind, namespace) for namespace, kind in wanted)
    return {(namespace, kind.name): table for (namespace, kind), table in zip(wanted, found, strict=True)}


def read_table(contact: Contact, kind: Kind, namespace: str) -> Task[Table]:
    """Read one collection that one answer holds."""
    answer = yield contact.within(Request("GET", kind.table), namespace)
    data = answer.data if answer.ok else None
    if data is None:
        return unreadable(answer)
    return {name.rstrip("/"): entry for name, entry in data.items() if isinstance(entry, Mapping)}


def read_names(contact: Contact, path: str, namespace: str) -> Task[list[str] | Unreadable]:
    """List one collection; a path that must not be sent is unknown."""
    try:
        answer = yield contact.within(Request("LIST", path), namespace)
    except ValueError as error:
        return Unreadable(0, str(error))
    return listed(answer)


def mount_types(tables: Mapping[TableKey, Table]) -> dict[tuple[str, str, str], str]:
    """The type of every mount there is, by namespace, section and path."""
    types = {}
    for (namespace, kind_name), table in tables.items():
        kind = catalogue.all_kinds()[kind_name]
        if kind.is_mount and not isinstance(table, Unreadable):
            for mount, entry in table.items():
                types[namespace, kind.section, mount] = type_of(entry)
    return types


def declared_types(objects: Iterable[Desired], tables: Mapping[TableKey, Table]) -> dict[tuple[str, str, str], str]:
    """The types that files give to mounts, where the server does not say what is mounted."""
    return {
        (item.address.namespace, item.kind.section, item.params["mount"]): str(item.values["type"])
        for item in objects
        if item.kind.is_mount
        and "type" in item.values
        and isinstance(tables.get((item.address.namespace, item.kind.name)), Unreadable)
    }


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


def to_be_made(tables: Mapping[TableKey, Table], wanted: set[Address]) -> frozenset[str]:
    """The child namespaces that are not there, and are wanted with all those that they lie in."""
    missing = {
        namespace
        for (namespace, _), table in tables.items()
        if isinstance(table, Unreadable) and table.reason == NO_NAMESPACE
    }
    found: set[str] = set()
    for namespace in sorted(missing):
        parent = namespace.rpartition("/")[0]
        if namespace_address(namespace) in wanted and (parent not in missing or parent in found):
            found.add(namespace)
    return frozenset(found)


def as_new(tables: Mapping[TableKey, Table], namespaces: frozenset[str]) -> dict[TableKey, Table]:
    """The tables, with only what a server puts there in namespaces that are to be made."""
    return {
        (namespace, name): {built_in: {"type": built_in} for built_in in catalogue.all_kinds()[name].builtin}
        if namespace in namespaces
        else table
        for (namespace, name), table in tables.items()
    }
