"""The text of a YAML file: may it be read at all, and what the parser's complaints mean to people."""

from __future__ import annotations

import contextlib
import re
from typing import Any

import yaml

from vaultconf.errors import Place, Problem

MAX_BYTES = 16 * 1024 * 1024
_SHOWN = 60

# What libyaml refuses, and what it takes for a line break while editors and `git diff` do not.
_BAD = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]|\r(?!\n)")

_QUOTE_COLON = "quote the text if the colon belongs to it, or check the indentation"
_COMMONEST: dict[str, tuple[str, str]] = {
    "mapping values are not allowed in this context": ("a `: ` where no mapping can begin", _QUOTE_COLON),
    "did not find expected key": (
        "this is neither a key of the mapping begun before nor its end",
        "check the indentation, and quotes that close too early",
    ),
    "did not find expected '-' indicator": (
        "this is neither an item of the list begun before nor its end",
        "check the indentation",
    ),
    "did not find expected ',' or ']'": ("a `,` or the closing `]` is missing", "close the list"),
    "did not find expected ',' or '}'": ("a `,` or the closing `}` is missing", "close the mapping"),
    "found unexpected end of stream": ("the file ends inside a quoted text", "close the quote"),
    "found unexpected document indicator": ("the document ends inside a quoted text", "close the quote"),
    "could not find expected ':'": ("a key without `:`", "write `key: value`, or check the indentation"),
    "did not find expected node content": ("a value is missing here", "write or quote it"),
    "found unknown escape character": (
        "an unknown escape after a backslash",
        "double the backslash, or use single quotes",
    ),
    "found character that cannot start any token": (
        "no text can begin with this character",
        "quote the text",
    ),
    "did not find expected alphabetic or numeric character": (
        "`*` and `&` begin an alias or an anchor, and its name is missing",
        'quote it if it is text: "*"',
    ),
    "block sequence entries are not allowed in this context": (
        "a `- ` where no list can begin",
        "begin the list on a line of its own, or quote the text",
    ),
    "did not find expected <document start>": (
        "this does not belong to the document above",
        "check the indentation, or begin a new document with `---`",
    ),
}

# These are better shown where the thing begins than where the parser gave up.
_SHOWN_AT_BEGINNING = frozenset(
    {
        "found unexpected end of stream",
        "found unexpected document indicator",
        "did not find expected alphabetic or numeric character",
    }
)


def checked_text(text: bytes | str, file: str) -> str | Problem:
    """Return the text without its byte order mark, or why it cannot be read and where that begins."""
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    if len(data) > MAX_BYTES:
        return Problem("the file is larger than 16 MiB", Place(file, 1, 1), "split it")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Problem("the file is UTF-16", Place(file, 1, 1), "save it as UTF-8")
    try:
        decoded = data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8").removeprefix("\ufeff")
        return Problem("the file is not UTF-8", _after(before, file), "save it as UTF-8")
    bad = _BAD.search(decoded)
    return decoded if bad is None else _bad_character(bad, decoded, file)


def needs_escapes(text: str) -> bool:
    """Whether a text has characters that can stand in a YAML file as escapes only."""
    return _BAD.search(text) is not None


def _bad_character(bad: re.Match[str], text: str, file: str) -> Problem:
    place = _after(text[: bad.start()], file)
    if bad[0] == "\r":
        return Problem("a carriage return without a line feed", place, "end lines with a line feed")
    name = f"U+{ord(bad[0]):04X}"
    return Problem(f"a control character ({name})", place, "remove it, or write it as an escape in double quotes")


def _after(before: str, file: str) -> Place:
    return Place(file, before.count("\n") + 1, len(before) - before.rfind("\n"))


def shown(key: str) -> str:
    """Return a key fit for a message: control characters escaped, at most 60 characters."""
    cut = key if len(key) <= _SHOWN else key[: _SHOWN - 1] + "…"
    escaped = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in cut)
    return escaped if len(escaped) <= _SHOWN else escaped[: _SHOWN - 1] + "…"


def comment_follows(text: str, mark: Any) -> bool:
    """Return whether the rest of the line at a parser's mark is a comment."""
    return _line(text, mark.line)[mark.column :].lstrip().startswith("#")


def no_colon_follows(text: str, start: Any, end: Any) -> bool:
    """Return whether no `:` stands between two of a parser's marks."""
    return ":" not in text[start.index : end.index]


def _line(text: str, number: int) -> str:
    lines = text.split("\n", number + 1)
    return lines[number] if number < len(lines) else ""


def explain(error: Exception, text: str, file: str, parser: type[Any]) -> Problem:
    """Say a parser's error in words that help; quotes nothing of the file, which may hold a secret."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return Problem("this cannot be read as YAML", Place(file, 1, 1), "check it with another YAML reader")
    mark = error.problem_mark
    reference = _unquoted_reference(mark, text, parser)
    if reference is not None:
        hint = 'write "${env:X}" with its quotes'
        return Problem("`${` inside { } or [ ] must be quoted", Place(file, *reference), hint)
    at_beginning = error.problem in _SHOWN_AT_BEGINNING or mark.index >= len(text)
    if at_beginning and error.context_mark is not None:
        mark = error.problem_mark = error.context_mark
    # The parser's end of the file can be a line that is not there.
    ended = mark.index >= len(text)
    place = _after(text.rstrip(), file) if ended else Place(file, mark.line + 1, mark.column + 1)
    line = _line(text, mark.line)
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return Problem("a tab cannot indent YAML", place, "indent with spaces")
    message, hint = _COMMONEST.get(error.problem or "", (_own_words(error, parser), ""))
    return Problem(message + _begun(error), place, hint)


def _own_words(error: yaml.MarkedYAMLError, parser: type[Any]) -> str:
    # libyaml's texts are constant; those of the pure parser quote the file.
    quotes = issubclass(parser, yaml.reader.Reader)
    return "this cannot be read as YAML" if quotes else str(error.problem)


def _begun(error: yaml.MarkedYAMLError) -> str:
    """Say where the list, mapping or quote that did not end began."""
    mark = error.context_mark
    if mark is None or error.problem_mark is None or mark.index == error.problem_mark.index:
        return ""
    return f" (begun at {mark.line + 1}:{mark.column + 1})"


def _unquoted_reference(mark: Any, text: str, parser: type[Any]) -> tuple[int, int] | None:
    """Return where an unquoted `${` broke a flow mapping or list: `{` begins a new one there.

    The scanner runs ahead of the events and may stumble later on, so the last good event counts too.
    """
    last, inside = _last_event(text, parser)
    for here in (last.end_mark, mark) if inside else ():
        before, after = _line(text, here.line)[: here.column], _line(text, here.line)[here.column :]
        if after.startswith("${"):
            return here.line + 1, here.column + 1
        if before.endswith("$") and after.startswith("{"):
            return here.line + 1, here.column
    return None


def _last_event(text: str, parser: type[Any]) -> tuple[Any, bool]:
    """Return the last event before the error, and whether it lies inside { } or [ ]."""
    events = parser(text)
    last, flow = events.get_event(), 0
    with contextlib.suppress(yaml.YAMLError):
        while (event := events.get_event()) is not None:
            last = event
            if isinstance(last, yaml.CollectionStartEvent):
                flow += bool(last.flow_style)
            elif flow and isinstance(last, yaml.CollectionEndEvent):
                flow -= 1
    return last, flow > 0
