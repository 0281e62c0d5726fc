"""All kinds there are: found, never listed; and the tree of YAML keys that follows from them."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module

from vaultconf import kinds
from vaultconf.kind import Kind

#: A kind with the rest of the keys that lead to it.
Level = tuple[Kind, tuple[str, ...]]

#: Top-level keys of a document that later versions will know.
NOT_YET = frozenset({"assertions"})


@cache
def all_kinds() -> Mapping[str, Kind]:
    """Every kind by name."""
    found: dict[str, Kind] = {}
    for module in pkgutil.iter_modules(kinds.__path__):
        kind = import_module(f"{kinds.__name__}.{module.name}").KIND
        found[kind.name] = kind
    return found


@cache
def sections() -> frozenset[str]:
    """The top-level keys under which objects stand."""
    return frozenset(kind.section for kind in all_kinds().values())


@cache
def mount_kind(section: str) -> Kind | None:
    """The kind of mount under `secrets` or `auth`."""
    return next((kind for kind in all_kinds().values() if kind.is_mount and kind.section == section), None)


@cache
def namespace_kind() -> Kind | None:
    """The kind that makes child namespaces."""
    return next((kind for kind in all_kinds().values() if kind.is_namespace), None)


@cache
def children_of(section: str, mount_type: str = "") -> Mapping[str, tuple[Kind, ...]]:
    """The kinds that stand inside a mount of a type (all types for ""), by their key in the YAML."""
    found: dict[str, tuple[Kind, ...]] = {}
    for kind in all_kinds().values():
        if kind.in_mount and kind.section == section and (not mount_type or mount_type in kind.mount_types):
            key = kind.yaml.split(".")[2]
            found[key] = (*found.get(key, ()), kind)
    return found


@cache
def known_types(section: str) -> frozenset[str]:
    """The mount types whose children are known here."""
    return frozenset(name for group in children_of(section).values() for kind in group for name in kind.mount_types)


@cache
def levels(section: str) -> tuple[Level, ...]:
    """The kinds of a section without mounts, each with the keys below the section."""
    return tuple((kind, tuple(kind.yaml.split(".")[1:])) for kind in all_kinds().values() if kind.section == section)


@cache
def levels_inside(section: str, mount_type: str, key: str) -> tuple[Level, ...]:
    """The kinds below a key of a mount, each with the keys below that."""
    return tuple((kind, tuple(kind.yaml.split(".")[3:])) for kind in children_of(section, mount_type)[key])


@cache
def own_keys(section: str) -> frozenset[str]:
    """The keys under which the fields of a section's mounts stand."""
    kind = mount_kind(section)
    return frozenset(name.split(".")[0] for name in kind.fields) if kind is not None else frozenset()


def implied(section: str, mount_type: str) -> Iterator[Kind]:
    """The configurations that exist with every mount of a type."""
    for group in children_of(section, mount_type).values():
        yield from (kind for kind in group if kind.always)
