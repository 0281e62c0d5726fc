"""Vault's answer → canonical values: tolerant, and quick, since a plan reads thousands of answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import BaseModel

from vaultconf.fields import Codec


@dataclass(frozen=True, slots=True)
class _Level:
    """One model as a table: its own fields (key, dotted name, reader, default), and the models inside it."""

    names: frozenset[str]
    leaves: tuple[tuple[str, str, Callable[[Any], Any], object], ...]
    inner: tuple[tuple[str, _Level], ...]
    prefix: str


@cache
def _level(model: type[BaseModel], prefix: str = "") -> _Level:
    leaves: list[tuple[str, str, Callable[[Any], Any], object]] = []
    inner: list[tuple[str, _Level]] = []
    for key, info in model.model_fields.items():
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            inner.append((key, _level(info.annotation, f"{prefix}{key}.")))
        else:
            codec = next(item for item in info.metadata if isinstance(item, Codec))
            leaves.append((key, prefix + key, codec.from_wire, info.default))
    return _Level(frozenset(model.model_fields), tuple(leaves), tuple(inner), prefix)


def read(model: type[BaseModel], data: Mapping[str, Any]) -> tuple[dict[str, object], frozenset[str]]:
    """Return the model's values by dotted name, and the names that it does not know; null is unset.

    Raises ValueError, whose message quotes no value, where the answer has another shape.
    """
    values: dict[str, object] = {}
    unknown: list[str] = []
    try:
        _read(_level(model), data, values, unknown)
    except (TypeError, ValueError, AttributeError, ArithmeticError):
        raise ValueError("the answer has a shape that this version does not know") from None
    return values, frozenset(unknown)


def _read(level: _Level, data: Mapping[str, Any], values: dict[str, object], unknown: list[str]) -> None:
    for key, name, from_wire, default in level.leaves:
        raw = data.get(key)
        values[name] = default if raw is None else from_wire(raw)
    if not data.keys() <= level.names:
        unknown += (level.prefix + key for key in data.keys() - level.names)
    for key, inner in level.inner:
        _read(inner, data.get(key) or {}, values, unknown)
