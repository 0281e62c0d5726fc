"""YAML with positions, read strictly: what two readers of YAML could read differently is an error.

No object is constructed and no tag accepted; the parser's events are turned into plain values here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)

from vaultconf.errors import Place, Problem
from vaultconf.yaml_scalars import Surprise, resolve
from vaultconf.yaml_text import checked_text, comment_follows, explain, no_colon_follows, shown
from vaultconf.yaml_values import YamlDocument, YamlList, YamlMap, place_of

__all__ = ["Reading", "YamlDocument", "YamlList", "YamlMap", "place_of", "read", "read_whole"]

MAX_DEPTH = 50
MAX_NODES = 1_000_000
MAX_GROWTH = 20
GROWTH_ALLOWANCE = 1_000

# Only its events are used. libyaml makes the whole reading 10 times faster.
_Parser: type[Any] = yaml.CBaseLoader if yaml.__with_libyaml__ else yaml.BaseLoader
# The pure parser lets chr() fail at "\UFFFFFFFF".
_PARSER_ERRORS = (yaml.YAMLError, ValueError, OverflowError)


def read(text: bytes | str, file: str) -> tuple[list[YamlDocument], list[Problem]]:
    """Read every document of a file, with every problem found in it; raises nothing.

    A syntax error, or a limit passed, ends the file: the documents before it and the problems found so far
    are kept. A scalar that is refused stays in its place as text, and a refused key under its text, so that
    one mistake does not cause a second complaint about something missing.
    """
    found = read_whole(text, file)
    return found.documents, found.problems


class Reading(NamedTuple):
    """What a file holds; `whole` is False where a syntax error or a limit ended it early."""

    documents: list[YamlDocument]
    problems: list[Problem]
    whole: bool


def read_whole(text: bytes | str, file: str) -> Reading:
    """As `read`, and say whether the file was read to its end."""
    checked = checked_text(text, file)
    if isinstance(checked, Problem):
        return Reading([], [checked], whole=False)
    reader = _Reader(checked, file)
    whole = reader.run()
    return Reading(reader.documents, reader.problems, whole)


class _Anchor(NamedTuple):
    value: object
    nodes: int
    height: int


class _Stop(Exception):  # noqa: N818 - it carries the last problem of a file; no caller sees it
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class _Reader:
    """The state of reading one file; `_nodes` counts what aliases repeat as well."""

    __slots__ = (
        "_aliases",
        "_anchors",
        "_borrowed",
        "_deepest",
        "_file",
        "_next",
        "_nodes",
        "_text",
        "documents",
        "problems",
    )

    def __init__(self, text: str, file: str) -> None:
        self.documents: list[YamlDocument] = []
        self.problems: list[Problem] = []
        self._text, self._file = text, file
        self._next: Callable[[], Any] = _Parser(text).get_event
        self._anchors: dict[str, _Anchor | None] = {}
        self._aliases: list[tuple[int, Any]] = []
        self._nodes = self._borrowed = self._deepest = 0

    def run(self) -> bool:
        try:
            while type(event := self._next()) is not StreamEndEvent:
                if type(event) is DocumentStartEvent:
                    self._document(event)
        except _Stop as stop:
            self.problems.append(stop.problem)
        except _PARSER_ERRORS as error:
            self.problems.append(explain(error, self._text, self._file, _Parser))
        else:
            self._check_growth()
            return True
        return False

    def _document(self, start: Any) -> None:
        self._anchors = {}
        event = self._next()
        root = self._value(event, 1)
        if isinstance(root, YamlMap):
            self.documents.append(YamlDocument(self._file, root, _place(start)))
        elif root is None and type(event) is ScalarEvent and event.value == "":
            self.documents.append(YamlDocument(self._file, None, _place(start)))
        else:
            self._complain(event, "a document must be a mapping", "write `key: value` lines")

    def _value(self, event: Any, depth: int) -> object:
        if type(event) is AliasEvent:
            return self._alias(event, depth)
        if event.anchor is not None:
            return self._anchored(event, depth)
        return self._node(event, depth)

    def _node(self, event: Any, depth: int) -> object:
        if type(event) is ScalarEvent:
            return self._scalar(event)
        self._enter(event, depth)
        return self._map(event, depth) if type(event) is MappingStartEvent else self._list(event, depth)

    def _enter(self, event: Any, depth: int) -> None:
        if depth > MAX_DEPTH:
            self._stop(event, f"nested deeper than {MAX_DEPTH} levels", "write it flatter")
        self._deepest = max(self._deepest, depth)
        self._count(event)
        if event.tag is not None:
            self._refuse_tag(event)

    def _map(self, start: Any, depth: int) -> YamlMap:
        result = YamlMap(_place(start))
        key_places, places, next_event = result.key_places, result.places, self._next
        while type(event := next_event()) is not MappingEndEvent:
            key = self._key(event, depth)
            below = next_event()
            if type(below) is ScalarEvent and below.anchor is None:
                value = self._scalar(below)
            else:
                value = self._value(below, depth + 1)
            if key is None:
                continue
            if key in result:
                self._refuse_duplicate(event, key, key_places[key])
                continue
            if value is None and ":" in key and start.flow_style and not event.style:
                self._check_colon(event, below)
            result[key] = value
            mark = event.start_mark
            key_places[key] = (mark.line + 1, mark.column + 1)
            mark = below.start_mark
            places[key] = (mark.line + 1, mark.column + 1)
        return result

    def _list(self, start: Any, depth: int) -> YamlList:
        result = YamlList(_place(start))
        while type(event := self._next()) is not SequenceEndEvent:
            result.append(self._value(event, depth + 1))
            result.places.append(_place(event))
        return result

    def _scalar(self, event: Any) -> object:
        self._count(event)
        if event.tag is not None:
            self._refuse_tag(event)
        text: str = event.value
        if event.style:
            return text
        if "${" in text and text.rindex("${") > text.rfind("}"):
            self._check_comment(event)
        value = resolve(text)
        if isinstance(value, Surprise):
            self._complain(event, value.message, value.hint)
            return text
        return value

    def _key(self, event: Any, depth: int) -> str | None:
        if type(event) is not ScalarEvent:
            self._refuse_complex_key(event, depth)
            return None
        self._count(event)
        text: str = event.value
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchor(text, 1, 0)
        if event.tag is not None:
            self._refuse_tag(event)
        if event.style:
            return text
        if text == "<<":
            self._complain(event, "merge keys (`<<`) are not read", "write the fields out, or use a template")
            return None
        value = resolve(text)
        if not isinstance(value, str):
            self._refuse_key(event, value)
        return text

    def _anchored(self, event: Any, depth: int) -> object:
        # None until it is read: an alias to it from inside itself would never end.
        self._anchors[event.anchor] = None
        nodes, deepest = self._nodes, self._deepest
        self._deepest = depth - 1
        value = self._node(event, depth)
        self._anchors[event.anchor] = _Anchor(value, self._nodes - nodes, self._deepest - depth + 1)
        self._deepest = max(deepest, self._deepest)
        return value

    def _alias(self, event: Any, depth: int) -> object:
        if event.anchor not in self._anchors:
            self._complain(event, "this alias has no anchor before it", "quote it if the `*` is part of a text")
            return None
        anchor = self._anchors[event.anchor]
        if anchor is None:
            self._complain(event, "this alias repeats what it is itself a part of", "write the value out")
            return None
        self._borrowed += anchor.nodes
        self._nodes += anchor.nodes
        self._aliases.append((self._nodes, event))
        if self._nodes > MAX_NODES:
            self._too_many(event)
        self._deepest = max(self._deepest, depth - 1 + anchor.height)
        if self._deepest > MAX_DEPTH:
            self._stop(event, f"nested deeper than {MAX_DEPTH} levels through this alias", "write it flatter")
        return anchor.value

    def _count(self, event: Any) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            self._too_many(event)

    def _check_growth(self) -> None:
        limit = MAX_GROWTH * (self._nodes - self._borrowed) + GROWTH_ALLOWANCE
        for nodes, event in self._aliases:
            if nodes > limit:
                self._complain(event, "aliases repeat too much of this file", "write the values out")
                return

    def _check_colon(self, key: Any, value: Any) -> None:
        if no_colon_follows(self._text, key.end_mark, value.start_mark):
            self._complain(key, "a key without a value", "put a space after the colon")

    def _check_comment(self, event: Any) -> None:
        if comment_follows(self._text, event.end_mark):
            self._complain(event, "` #` begins a comment, so this `${` is never closed", "quote the whole text")

    def _refuse_tag(self, event: Any) -> None:
        self._complain(event, "tags (`!…`) are not read", "leave the tag out, or quote the text that begins with `!`")

    def _refuse_duplicate(self, event: Any, key: str, first: tuple[int, int]) -> None:
        place = Place(self._file, *first)
        self._complain(event, f"`{shown(key)}` is given twice in one mapping, first at {place}", "keep one of them")

    def _refuse_complex_key(self, event: Any, depth: int) -> None:
        hint = "quote it, `{{…}}` for example" if type(event) is MappingStartEvent else "write the key out"
        self._complain(event, "a key must be a word, not a mapping, a list or an alias", hint)
        self._value(event, depth + 1)

    def _refuse_key(self, event: Any, value: object) -> None:
        if isinstance(value, Surprise):
            self._complain(event, f"this key is no plain text: {value.message}", "quote the key")
        elif event.value == "":
            self._complain(event, "an empty key", "write the name before the colon")
        else:
            text = shown(event.value)
            self._complain(event, f"the key `{text}` is not text", f'quote it: "{text}"')

    def _too_many(self, event: Any) -> None:
        what = "aliases repeat too much of this file: " if self._borrowed else ""
        self._stop(event, f"{what}more than {MAX_NODES:,} values in one file", "split the file")

    def _complain(self, event: Any, message: str, hint: str) -> None:
        self.problems.append(Problem(message, Place(self._file, *_place(event)), hint))

    def _stop(self, event: Any, message: str, hint: str) -> None:
        raise _Stop(Problem(message, Place(self._file, *_place(event)), hint))


def _place(event: Any) -> tuple[int, int]:
    mark = event.start_mark
    return mark.line + 1, mark.column + 1
