"""What an HCL 1 text, or its JSON form, is made of once it is read.

Offsets count characters from 0 in the text that was read; `Lines` turns them into line and column.
"""

from __future__ import annotations

import bisect
import math
import re
from typing import Final, Literal, NamedTuple, TypeAlias

MAX_DEPTH: Final = 110

_ESCAPES: Final = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", '"': '"',
}  # fmt: skip
_ESCAPE: Final = re.compile(r"\\(?:([0-7]{3})|x([0-9a-fA-F]{2})|[uU]((?:(?<=u)[0-9a-fA-F]{4})|[0-9a-fA-F]{8})|(.))")
_INTERPOLATION: Final = re.compile(r"\$\{")
_INTEGERS: Final = range(-(2**63), 2**63)


class HclError(Exception):
    """The text is no HCL, or a value has the wrong shape; `offset` counts characters from 0."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


class Lines:
    """Finds line and column of an offset, both from 1, columns in characters."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(found.end() for found in re.finditer("\n", text))]

    def place(self, offset: int) -> tuple[int, int]:
        """Return line and column of the character at `offset`."""
        line = bisect.bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1


class Scalar(NamedTuple):
    """A word, string, number or truth value as written; a JSON null is an empty `string`."""

    kind: Literal["ident", "string", "json", "heredoc", "number", "float", "bool"]
    raw: str
    offset: int


class ListNode(NamedTuple):
    """`[...]`."""

    items: tuple[Node, ...]
    offset: int


class Item(NamedTuple):
    """`key = value` or `key "label" {...}`; the keys that a selection has used up are gone."""

    keys: tuple[Scalar, ...]
    value: Node
    offset: int
    assigned: bool


class ObjectNode(NamedTuple):
    """`{...}`, or a selection of items that share a key."""

    items: tuple[Item, ...]
    offset: int


Node: TypeAlias = Scalar | ListNode | ObjectNode


class Document(NamedTuple):
    """The top level of a text; `repeated` are attribute keys that were given before in the same object."""

    items: tuple[Item, ...]
    repeated: tuple[Scalar, ...] = ()


def text_of(scalar: Scalar) -> str:
    r"""Return the text that a scalar stands for, escapes resolved.

    Raises `HclError` for escapes on which the server itself breaks off (`\777`, `\U00110000`).
    """
    if scalar.kind == "heredoc":
        return _heredoc(scalar.raw)
    if scalar.kind not in {"string", "json"}:
        return scalar.raw
    if "\\" not in scalar.raw:
        return scalar.raw[1:-1]
    if scalar.kind == "json":
        return _unescape(scalar.raw[1:-1], scalar)
    return "".join(_hcl_parts(scalar))


def _hcl_parts(scalar: Scalar) -> list[str]:
    """Resolve escapes outside `${...}`; what stands inside is kept as it is."""
    body, done, parts = scalar.raw[1:-1], 0, []
    while found := _INTERPOLATION.search(body, done):
        end = _closing(body, found.end())
        parts += [_unescape(body[done : found.start()], scalar), body[found.start() : end]]
        done = end
    return [*parts, _unescape(body[done:], scalar)]


def _closing(body: str, start: int) -> int:
    """Return the offset after the brace that closes the `${` before `start`."""
    depth = 1
    for found in re.compile("[{}]").finditer(body, start):
        depth += 1 if found.group() == "{" else -1
        if not depth:
            return found.end()
    return len(body)


def _unescape(body: str, scalar: Scalar) -> str:
    def character(found: re.Match[str]) -> str:
        octal, byte, point, plain = found.groups()
        if plain is not None:
            return _ESCAPES[plain]
        code = int(octal, 8) if octal else int(byte or point, 16)
        surrogate = 0xD800 <= code < 0xE000
        if code > 0x10FFFF or (octal and code > 255) or (surrogate and scalar.kind == "json"):
            message = "an escape sequence in this string names no character"
            raise HclError(message, scalar.offset)
        return "\ufffd" if surrogate else chr(code)

    return _ESCAPE.sub(character, body)


def _heredoc(raw: str) -> str:
    """Return a heredoc's text as the servers cut it: by the length of the opening line, not at the marker."""
    start = raw.index("\n") + 1
    size = len(raw) - start + 2
    if not raw.startswith("<<-"):
        return raw[start:size]
    lines = raw[start : size + 1].split("\n")
    indent = lines[-1]
    if all(line.startswith(indent) for line in lines):
        return "\n".join([*(line.removeprefix(indent) for line in lines[:-1]), ""])
    return raw[start:size].rstrip(" \t")


def integer(scalar: Scalar) -> int:
    """Return a number or a string of digits as the servers read it (`0x10`, `010` is octal); 64 bits.

    Raises `HclError` for anything else.
    """
    text = text_of(scalar) if scalar.kind != "number" else scalar.raw
    base = 8 if re.fullmatch(r"[+-]?0[0-7]+", text) else 0
    try:
        value = int(text, base) if text.isascii() and text.strip() == text else None
    except ValueError:
        value = None
    if value is None or value not in _INTEGERS:
        raise HclError("this is no integer of 64 bits", scalar.offset)
    return value


def decimal(scalar: Scalar) -> float:
    """Return a number with a point or an exponent; raises `HclError` beyond the range of 64 bits."""
    try:
        value = float(scalar.raw)
    except ValueError:
        value = math.inf
    if math.isinf(value):
        raise HclError("this is no number of 64 bits", scalar.offset)
    return value
