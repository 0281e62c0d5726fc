"""What a plain YAML word means, and which words are refused because readers disagree about them."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import NamedTuple


class Surprise(NamedTuple):
    """A plain word that readers of YAML disagree about: what is wrong with it, and what to write instead.

    `message` shows the text only where it is one of a fixed list of words: a number may be a PIN.
    """

    message: str
    hint: str


_WORDS: dict[str, object] = {"": None, "~": None, "null": None, "true": True, "false": False}
_SURPRISES = frozenset({"yes", "no", "on", "off", "y", "n", "true", "false", "null"})
_LONGEST_WORD = 5
_DIGITS = frozenset("0123456789+-.")
# Only a text that begins with one of these can be anything but itself; most texts end at this test.
_SUSPECT = _DIGITS | frozenset(word[:1] for word in _SURPRISES) | frozenset("YNOTF~") | {""}

_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\.[0-9]+")
_SEXAGESIMAL = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_BASED = re.compile(r"[-+]?0(?:[oO][0-7_]+|[xX][0-9a-fA-F_]+|[bB][01_]+)")
_SPECIAL = re.compile(r"[-+]?\.(?:inf|nan)", re.IGNORECASE)
_NUMERIC = re.compile(r"[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9_]")

_INT64 = range(-(2**63), 2**63)
_INT64_LENGTH = len(str(-(2**63)))
_QUOTE = "quote it if it is text, else write a decimal number"


def resolve(text: str) -> object:
    """Return the meaning of a plain scalar: None, bool, int, float, the text itself, or a `Surprise`."""
    if text[:1] not in _SUSPECT:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if text[0] in _DIGITS:
        return _number(text)
    if len(text) <= _LONGEST_WORD and text.lower() in _SURPRISES:
        return _surprising_word(text)
    return text


def _surprising_word(word: str) -> Surprise:
    lower = word.lower()
    if lower in _WORDS:
        return Surprise(f"`{word}` is no spelling of `{lower}` here", f'write `{lower}`, or "{word}" if it is text')
    return Surprise(
        f"`{word}` is a boolean to some readers of YAML and text to others",
        f'write true or false, or "{word}" if it is text',
    )


@lru_cache  # a file of roles says `20m` and `40` over and over
def _number(text: str) -> object:
    if _INTEGER.fullmatch(text):
        return _integer(text)
    if _FLOAT.fullmatch(text):
        number = float(text)
        return number if math.isfinite(number) else Surprise("this number is too large", "quote it")
    return _surprising_number(text)


def _integer(text: str) -> int | Surprise:
    # The length first: int() itself refuses some thousand digits.
    if len(text) <= _INT64_LENGTH and int(text) in _INT64:
        return int(text)
    return Surprise("this number does not fit into 64 bits", "quote it")


def _surprising_number(text: str) -> str | Surprise:
    if _SEXAGESIMAL.fullmatch(text):
        return Surprise("digits with colons are a base-60 number to some readers of YAML", "quote it")
    if _BASED.fullmatch(text):
        return Surprise("octal, hexadecimal and binary numbers are not read", _QUOTE)
    if _SPECIAL.fullmatch(text):
        return Surprise("infinity and not-a-number are not read", "quote it if it is text")
    if not _NUMERIC.fullmatch(text):
        return text
    if _LEADING_ZERO.match(text) and "." not in text:
        return Surprise("a number with a leading zero is octal to some readers of YAML", _QUOTE)
    return Surprise("this form of a number means different things to different readers of YAML", _QUOTE)
