"""What follows from a kind's fields and is asked for thousands of times: worked out once a kind."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from vaultconf.kind import Field, Kind, Spec, fields_of

#: Fields that say what an object is: review and plan must see them.
_PLAIN = frozenset({"type", "plugin_name"})


def from_file(kind: Kind) -> str:
    """The field whose text may be given as `file:`, "" where there is none."""
    return _from_file(kind.model)


def required(kind: Kind) -> tuple[str, ...]:
    """The fields that must be written."""
    return _required(kind.model)


def naming(kind: Kind) -> tuple[Field, ...]:
    """The fields that name other objects, which must exist."""
    return _naming(kind.model)


def keys_of(kind: Kind, params: Mapping[str, str]) -> list[str]:
    """The YAML keys under which an object stands; `params` fill the holes of the kind's template."""
    return [part.format_map(params) if "{" in part else part for part in kind.yaml.split(".")]


def must_be_plain(spec: Field) -> bool:
    """Whether a field says what an object is, or whom it gives rights: no reference may stand there."""
    return spec.name in _PLAIN or bool(spec.marks.names)


@cache
def _from_file(model: type[Spec]) -> str:
    return next((spec.name for spec in fields_of(model).values() if spec.marks.from_file), "")


@cache
def _required(model: type[Spec]) -> tuple[str, ...]:
    return tuple(spec.name for spec in fields_of(model).values() if spec.required)


@cache
def _naming(model: type[Spec]) -> tuple[Field, ...]:
    return tuple(spec for spec in fields_of(model).values() if spec.marks.names and spec.marks.must_exist)
