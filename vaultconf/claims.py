"""Field types of logins by JWT: claims, leeways, and where the keys of an issuer are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from vaultconf import durations
from vaultconf.fields import Codec

_SCALAR = {"type": ["string", "number", "boolean"]}
_WANTED = "must be a map of texts, numbers, true/false"


def _mapping(value: object, wanted: str) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(wanted)
    return value


def _scalar(value: object, wanted: str) -> object:
    """A value of JSON as it is: for a server, `true` and `"true"` are two claims."""
    if not isinstance(value, str | bool | int | float):
        raise ValueError(wanted)
    return value


def _typed_from_yaml(value: object) -> dict[str, object]:
    return {str(key): _scalar(item, _WANTED) for key, item in _mapping(value, _WANTED).items()}


def _same_map(value: object) -> dict[str, object]:
    return {str(key): item for key, item in value.items()} if isinstance(value, Mapping) else {}


#: A map whose values the server keeps in the type in which they were sent.
TypedMap = Annotated[
    Mapping[str, object],
    Codec(_typed_from_yaml, _same_map, {"type": "object", "additionalProperties": _SCALAR}),
]


def _claim(value: object) -> object:
    """A claim's values are alternatives: their order has no meaning, and one alone is the same as a list of it."""
    if not isinstance(value, list | tuple):
        return value
    distinct = {(type(item).__name__, str(item)): item for item in value}
    found = tuple(distinct[key] for key in sorted(distinct))
    return found[0] if len(found) == 1 else found


def _claims_from_yaml(value: object) -> dict[str, object]:
    wanted = f"{_WANTED}, or lists of them"
    claims = _mapping(value, wanted)
    for item in claims.values():
        for one in item if isinstance(item, list | tuple) else (item,):
            _scalar(one, wanted)
    return _claims_from_wire(claims)


def _claims_from_wire(value: object) -> dict[str, object]:
    return {name: _claim(item) for name, item in _same_map(value).items()}


_CLAIMS_SCHEMA = {
    "type": "object",
    "additionalProperties": {"anyOf": [_SCALAR, {"type": "array", "items": _SCALAR}]},
}

#: Claims and the values that they may have.
Claims = Annotated[Mapping[str, object], Codec(_claims_from_yaml, _claims_from_wire, _CLAIMS_SCHEMA)]


def _leeway_from_yaml(value: object) -> int:
    if value in (-1, "-1") and not isinstance(value, bool):
        return -1
    return durations.from_yaml(value)


#: A duration that may be -1: none at all, where 0 is the server's default.
Leeway = Annotated[
    int,
    Codec(
        _leeway_from_yaml,
        lambda value: int(str(value)),
        {"anyOf": [{"type": "integer", "minimum": -1}, {"type": "string"}], "examples": ["60s", -1]},
        to_yaml=durations.to_yaml,
    ),
]


_PAIR_KEYS = frozenset({"jwks_url", "jwks_ca_pem"})
_PAIR_WANTED = "must be a list of maps with `jwks_url` and, if needed, `jwks_ca_pem`"


def _pairs_from_yaml(value: object) -> tuple[dict[str, str], ...]:
    if not isinstance(value, list | tuple):
        raise ValueError(_PAIR_WANTED)
    for item in value:
        pair = _mapping(item, _PAIR_WANTED)
        if "jwks_url" not in pair or pair.keys() - _PAIR_KEYS or not all(isinstance(x, str) for x in pair.values()):
            raise ValueError(_PAIR_WANTED)
    return _pairs_from_wire(value)


def _pairs_from_wire(value: object) -> tuple[dict[str, str], ...]:
    pairs = [_same_map(item) for item in value] if isinstance(value, list | tuple) else []
    return tuple({name: str(item) for name, item in pair.items() if item} for pair in pairs)


#: Places of keys, each with the CA that its server's certificate is checked with.
JwksPairs = Annotated[
    tuple[Mapping[str, str], ...],
    Codec(
        _pairs_from_yaml,
        _pairs_from_wire,
        {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["jwks_url"],
                "additionalProperties": False,
                "properties": {"jwks_url": {"type": "string"}, "jwks_ca_pem": {"type": "string"}},
            },
        },
        list,
    ),
]
