"""Field types: one value from either side.

Each type is a `Codec`: it reads the YAML strictly and Vault's answer tolerantly into the same canonical value, so
that `1h` and `3600`, `"a,b"` and `[a, b]` are equal because they parse to the same value. Messages never quote a
value: it may be a secret.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import core_schema

from vaultconf import durations, lists, loose
from vaultconf.durations import seconds as seconds  # noqa: PLC0414 - part of this module's face
from vaultconf.errors import nearest
from vaultconf.references import Deferred, templates_in

WIRE = "wire"

Reader = Callable[[Any], Any]

_TRAILING = re.compile(r"[^\S\n]\n")


def _plain(value: Any) -> Any:
    """A canonical value in YAML's own types."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value


@dataclass(frozen=True, slots=True)
class Codec:
    """How one field type is read from YAML and from Vault's answer, written to either, and described.

    `hides` says of a canonical value that it may hold a secret and must not be shown. `same` tells whether a live
    value is the desired one, and `unreturned` names the parts of the desired one that no answer holds. `from_secret`
    reads what came out of references, where that may hold more than what is written in clear.
    """

    from_yaml: Reader
    from_wire: Reader
    schema: Mapping[str, object]
    to_wire: Reader = field(default=lambda value: value)
    hides: Callable[[Any], bool] = field(default=lambda _: False)
    from_secret: Reader | None = None
    to_yaml: Reader = field(default=_plain)
    same: Callable[[Any, Any], bool] = operator.eq
    unreturned: Callable[[Any, Any], Iterable[str]] = field(default=lambda _live, _wanted: ())

    def read(self, value: Any, info: core_schema.ValidationInfo) -> Any:
        """Read one side, as pydantic asks for it."""
        return self.from_wire(value) if info.context == WIRE else self.read_yaml(value)

    def read_resolved(self, value: Any) -> Any:
        """Read a value that came out of references, and so is a secret as a whole. Raises ValueError."""
        return (self.from_secret or self.read_yaml)(value)

    def read_yaml(self, value: Any) -> Any:
        """Read the YAML; a value with references in it is deferred as a whole. Raises ValueError."""
        if not isinstance(value, str | int) and next(templates_in(value), None) is not None:
            return Deferred(value)
        if value is None:
            raise ValueError("has no value: leave the field out to get the server's default")
        return self.from_yaml(value)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> Any:
        return core_schema.with_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(self, schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return dict(self.schema)


# --- durations -----------------------------------------------------------------------------------------------

_DURATION_SCHEMA = {
    "anyOf": [{"type": "integer", "minimum": 0}, {"type": "string"}],
    "examples": ["24h", "30m", 3600],
}

Duration = Annotated[int, Codec(durations.from_yaml, durations.from_wire, _DURATION_SCHEMA, to_yaml=durations.to_yaml)]


# --- words, numbers, flags -----------------------------------------------------------------------------------


def _text_from_yaml(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be text; put it in quotes")
    return value


def _flag_from_yaml(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _flag_from_wire(value: object) -> bool:
    return value in (True, "true", "1", 1)


def _count_from_yaml(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("must be a whole number")
    if value < 0:
        raise ValueError("must not be negative")
    return value


Text = Annotated[str, Codec(_text_from_yaml, str, {"type": "string"})]
Flag = Annotated[bool, Codec(_flag_from_yaml, _flag_from_wire, {"type": "boolean"})]
Count = Annotated[int, Codec(_count_from_yaml, lambda value: int(value or 0), {"type": "integer", "minimum": 0})]


def one_of(*choices: str) -> Codec:
    """A word out of a fixed list."""

    def from_yaml(value: object) -> str:
        word = _text_from_yaml(value)
        if word not in choices:
            listed = ", ".join(f"`{choice}`" for choice in choices)
            raise ValueError(f"must be one of {listed}{_suggestion(word, choices)}")
        return word

    return Codec(from_yaml, str, {"enum": list(choices)})


def _suggestion(word: str, choices: Sequence[str]) -> str:
    hint = nearest(word, choices)
    return f": {hint}" if hint else ""


# --- policy text ---------------------------------------------------------------------------------------------


def canonical_policy(text: str) -> str:
    """Policy text as it is compared: without CR and trailing white space, in each line and at the end."""
    text = text.rstrip()
    if not _TRAILING.search(text):
        return text
    return "\n".join(line.rstrip() for line in text.split("\n"))


def _policy_from_yaml(value: object) -> str:
    text = canonical_policy(_text_from_yaml(value))
    if not text:
        raise ValueError("is empty; a policy without rights needs at least a comment")
    return text


PolicyText = Annotated[
    str,
    Codec(_policy_from_yaml, lambda value: canonical_policy(str(value)), {"type": "string"}, lambda text: text + "\n"),
]


# --- lists ---------------------------------------------------------------------------------------------------


_LIST_SCHEMA = {"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "string"}]}


def _list(canonical: Callable[[Sequence[str]], tuple[str, ...]], *, split: bool = True) -> Codec:
    return Codec(
        lambda value: canonical(lists.items(value, split=split)),
        lambda value: canonical(lists.wire_items(value, split=split)),
        _LIST_SCHEMA,
        list,
    )


#: A list whose order has a meaning, or is at least kept by the server.
Words = Annotated[tuple[str, ...], _list(tuple)]
#: A list without order.
WordSet = Annotated[tuple[str, ...], _list(lists.distinct)]
#: Names that the server folds to lower case and keeps sorted.
FoldedSet = Annotated[tuple[str, ...], _list(lists.folded)]
#: Statements for another system: never split at commas.
Statements = Annotated[tuple[str, ...], _list(tuple, split=False)]
#: Names of ACL policies; a role with `A` gives policy `a` on every server.
PolicyNames = Annotated[
    tuple[str, ...],
    Codec(lists.policy_names, lambda value: lists.folded(lists.wire_items(value, split=True)), _LIST_SCHEMA, list),
]
#: The same where a server takes them as one text.
PolicyLine = Annotated[
    tuple[str, ...],
    Codec(lists.policy_names, lambda value: lists.folded(lists.wire_items(value, split=True)), _LIST_SCHEMA, ",".join),
]
#: Networks that the server keeps as written.
Networks = Annotated[
    tuple[str, ...],
    Codec(
        lists.networks,
        lambda value: lists.distinct(lists.wire_items(value, split=True)),
        _LIST_SCHEMA,
        list,
    ),
]
Cidrs = Annotated[tuple[str, ...], Codec(lists.cidrs_from_yaml, lists.cidrs_from_wire, _LIST_SCHEMA, list)]


# --- maps ----------------------------------------------------------------------------------------------------


def _word(value: object) -> str:
    """A value of a map of words, as the server stores it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | str):
        return str(value)
    raise ValueError("must be a map of words, numbers or true/false")


def _map_from_yaml(value: object) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise ValueError("must be a map of words, numbers or true/false")
    return {str(key): _word(item) for key, item in value.items()}


def _map_from_wire(value: object) -> dict[str, str]:
    return {str(key): _word(item) for key, item in value.items()} if isinstance(value, Mapping) else {}


#: A map whose values the server stores as texts.
WordMap = Annotated[
    Mapping[str, str],
    Codec(
        _map_from_yaml,
        _map_from_wire,
        {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}},
    ),
]


# --- anything ------------------------------------------------------------------------------------------------

#: A value whose type nobody knows, for fields that no model declares.
ANYTHING = Codec(loose.read, lambda value: value, {}, same=loose.same, unreturned=loose.unreturned)
