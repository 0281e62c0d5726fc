"""Who holds a token, as templated policies see it: `{{identity.entity.name}}` and its like.

Seen on Vault 2.1, Vault 1.19 and OpenBao 2.7.2.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

_EMPTY: Final[Mapping[str, str]] = {}
_TEMPLATE: Final = re.compile(r"\{\{\s*(.*?)\s*\}\}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Alias:
    """What an entity is called by one auth method."""

    name: str = ""
    id: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    custom_metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Group:
    """A group that the entity is in, directly or through others."""

    id: str
    name: str
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Identity:
    """An entity: `aliases` by the accessor of their mount, `groups` all that it is in."""

    id: str
    name: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, Alias] = field(default_factory=dict)
    groups: tuple[Group, ...] = ()


def templates(path: str) -> list[str]:
    """The names between the braces of a templated path."""
    return _TEMPLATE.findall(path)


def filled(path: str, values: Mapping[str, str]) -> str:
    """The path with the value of each name in its place."""
    return _TEMPLATE.sub(lambda found: values[found[1]], path)


def value_of(identity: Identity | None, name: str) -> str | None:
    """What a template's name stands for; None where there is no such thing, "" being a value like any other."""
    first, _, rest = name.partition(".")
    second, _, rest = rest.partition(".")
    if identity is None or first != "identity":
        return None
    if second == "entity":
        return _of_entity(identity, rest)
    return _of_group(identity, rest) if second == "groups" else None


def _of_entity(identity: Identity, name: str) -> str | None:
    first, _, rest = name.partition(".")
    if first == "aliases":
        accessor, _, rest = rest.partition(".")
        alias = identity.aliases.get(accessor)
        return None if alias is None else _of_alias(alias, rest)
    return _member({"id": identity.id, "name": identity.name}, {"metadata": identity.metadata}, name)


def _of_alias(alias: Alias, name: str) -> str | None:
    maps = {"metadata": alias.metadata, "custom_metadata": alias.custom_metadata}
    return _member({"id": alias.id, "name": alias.name}, maps, name)


def _of_group(identity: Identity, name: str) -> str | None:
    by, _, rest = name.partition(".")
    for group in identity.groups:
        key = {"names": group.name, "ids": group.id}.get(by)
        # A group's name may have points in it.
        if key and rest.startswith(f"{key}."):
            texts = {"id": group.id} if by == "names" else {"name": group.name}
            return _member(texts, {"metadata": group.metadata}, rest.removeprefix(f"{key}."))
    return None


def _member(texts: Mapping[str, str], maps: Mapping[str, Mapping[str, str]], name: str) -> str | None:
    if name in texts:
        return texts[name]
    first, point, key = name.partition(".")
    return maps.get(first, _EMPTY).get(key) if point else None
