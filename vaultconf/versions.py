"""Versions of plugins: that of a built-in one is none."""

from __future__ import annotations

from typing import Annotated

from vaultconf.fields import Codec

_BUILT_IN = "+builtin"


def _version_from_yaml(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be text; put it in quotes")
    if _BUILT_IN in value:
        raise ValueError("is the built-in plugin's, which servers store as none: leave the field out")
    return value


def _version_from_wire(value: object) -> str:
    """A mount tuned to the built-in plugin's version keeps that name and cannot lose it (2.7.2, 1.19)."""
    text = str(value)
    return "" if _BUILT_IN in text else text


PluginVersion = Annotated[str, Codec(_version_from_yaml, _version_from_wire, {"type": "string"})]
