"""Text that is safe to print: data of files and servers escaped, values as people write them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence

from vaultconf import durations

#: What is shown of a secret.
SECRET = "(secret)"  # noqa: S105 - it stands in for one

# CI systems look for these anywhere in a line: `##[group]`, `##vso[task…]`, `##teamcity[…]`.
_LOG_COMMAND = re.compile(r"##(?=[A-Za-z]*\[)")
_BARE = re.compile(r"[\w./:@%+*?=&~-]+", re.ASCII)


def visible(text: str, keep: str = "") -> str:
    """Return `text` in one line with everything spelled out that a terminal or a CI log would act on or hide.

    Control characters, bidirectional overrides, lone surrogates and blanks other than a space become
    `\\x1b`, `\\u202e` and so on; the characters in `keep` stay.
    """
    if not text.isprintable():
        text = "".join(char if char.isprintable() or char in keep else _escaped(char) for char in text)
    return _LOG_COMMAND.sub(r"#\\x23", text)


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def prose(text: str) -> str:
    """A sentence of ours or of a server (which likes line breaks and tabs) in one safe line."""
    return visible(" ".join(text.split()))


def guarded(line: str) -> str:
    """Return a whole line of output such that it is no CI command: runners skip blanks before `::`."""
    return line.replace("::", "\\x3a:", 1) if line.lstrip().startswith("::") else line


def elided(text: str, width: int) -> str:
    """Cut the middle out of `text` where it has more than `width` characters."""
    if len(text) <= width:
        return text
    head = max(width - 1, 0) // 2
    tail = max(width - 1, 0) - head
    return f"{text[:head]}…{text[len(text) - tail :]}"


def is_plain(value: object) -> bool:
    """Whether a value is data through and through; anything else (a reference, a secret) is not to be shown."""
    if isinstance(value, Mapping):
        return all(is_plain(item) for pair in value.items() for item in pair)
    if isinstance(value, list | tuple | set | frozenset):
        return all(map(is_plain, value))
    return value is None or isinstance(value, bool | int | float | str)


def shown(value: object, *, duration: bool = False) -> str:
    """A canonical value as a reader of the YAML knows it, in one line; `duration`: a number is seconds."""
    if isinstance(value, str):
        return value if _BARE.fullmatch(value) else _quoted(value)
    if value is None:
        return "(unset)"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(durations.to_yaml(value)) if duration and isinstance(value, int) else str(value)
    return _collection(value) if is_plain(value) else SECRET


def _collection(value: object) -> str:
    opening, closing = ("{", "}") if isinstance(value, Mapping) else ("[", "]")
    return opening + ", ".join(items_of(value)) + closing


def items_of(value: object, *, alone: bool = False) -> list[str]:
    """The items of a list or a map, those of a map by key; None has no items.

    `alone`: each has a line of its own, so that texts need no quotes.
    """
    if isinstance(value, Mapping):
        return [f"{shown(key)}: {shown(value[key])}" for key in sorted(value, key=str)]
    items = sorted(value, key=str) if isinstance(value, set | frozenset) else value
    if not isinstance(items, list | tuple):
        return []
    return [visible(item) if alone and isinstance(item, str) and item else shown(item) for item in items]


def _quoted(text: str) -> str:
    return '"' + visible(text.replace("\\", "\\\\").replace('"', '\\"')) + '"'


def line_diff(before: str, after: str) -> tuple[str, ...]:
    """The unified diff of two texts with two lines of context, hunk headers included, each line safe to print."""
    return tuple(
        line if line.startswith("@@") else _diff_line(line) for line in _unified(_lines(before), _lines(after))
    )


def item_diff(before: Sequence[str], after: Sequence[str]) -> tuple[str, ...]:
    """The unified diff of two lists of items that are safe to print; gaps are shown as `…`."""
    found = _unified(before, after)[1:]
    return tuple("  …" if line.startswith("@@") else _diff_line(line) for line in found)


def _lines(text: str) -> list[str]:
    return text.rstrip("\n").split("\n") if text else []


def _unified(before: Sequence[str], after: Sequence[str]) -> list[str]:
    return list(difflib.unified_diff(before, after, n=2, lineterm=""))[2:]


def _diff_line(line: str) -> str:
    """Set the mark of a diff line apart from its text."""
    return guarded(f"{line[0]} {visible(line[1:], keep=chr(9))}") if line != " " else ""
