"""The text of a YAML file as a tree that knows where each value begins and ends: what edits of a file work on.

Only for files that `strict_yaml` has read without a problem.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from vaultconf.yaml_scalars import Surprise, resolve

_Parser: type[Any] = yaml.CBaseLoader if yaml.__with_libyaml__ else yaml.BaseLoader


@dataclass(slots=True)
class Node:
    """A value, from the offset `start` to `end` in the text, and where it begins as 1-based line and column.

    `style` is that of a scalar: "" (plain), a quote, `|` or `>`. `flow`: a map or list in brackets. `shared`: an alias,
    or a value that one may repeat. `pairs` are the entries of a map, `items` those of a list.
    """

    start: int
    end: int
    at: tuple[int, int]
    text: str = field(default="", repr=False)
    style: str = ""
    flow: bool = False
    shared: bool = False
    pairs: list[tuple[Node, Node]] | None = None
    items: list[Node] | None = None

    @property
    def is_block(self) -> bool:
        """Whether it is a map or a list of lines."""
        return not self.flow and (self.pairs is not None or self.items is not None)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is written at all."""
        return self.start == self.end and self.pairs is None and self.items is None

    def value(self) -> object:
        """The plain value, as our reader of YAML takes it."""
        if self.pairs is not None:
            return {key.text: value.value() for key, value in self.pairs}
        if self.items is not None:
            return [item.value() for item in self.items]
        found = self.text if self.style else resolve(self.text)
        return self.text if isinstance(found, Surprise) else found

    def below(self, key: str) -> tuple[Node, Node] | None:
        """The entry of a map; None where it has none of this name, or is no map."""
        return next((pair for pair in self.pairs or () if pair[0].text == key), None)


def parse(text: str) -> list[Node]:
    """The roots of the documents, in order; one that is empty is a scalar."""
    return list(_Tree(text).roots())


def positions(root: Node, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[int, int], tuple[str, ...]]]:
    """The place of every key of the maps in maps, with the keys that lead to it."""
    for key, value in root.pairs or ():
        path = (*above, key.text)
        yield key.at, path
        yield from positions(value, path)


def keys_at(text: str, at: tuple[int, int]) -> tuple[str, ...]:
    """The keys that lead to a place of a text; none before the first of them, and where the text is no YAML."""
    try:
        roots = parse(text)
    except yaml.YAMLError:
        return ()
    before = {place: path for root in roots for place, path in positions(root) if place <= at}
    return before[max(before)] if before else ()


def every(node: Node) -> Iterator[Node]:
    """A value, and every key and value in it."""
    yield node
    for key, value in node.pairs or ():
        yield key
        yield from every(value)
    for item in node.items or ():
        yield from every(item)


class _Tree:
    def __init__(self, text: str) -> None:
        self.text = text
        self.next = _Parser(text).get_event

    def roots(self) -> Iterator[Node]:
        while not isinstance(event := self.next(), StreamEndEvent):
            if isinstance(event, DocumentStartEvent):
                yield self.node(self.next())

    def node(self, event: Any) -> Node:
        mark = event.start_mark
        found = Node(mark.index, event.end_mark.index, (mark.line + 1, mark.column + 1))
        found.shared = event.anchor is not None
        if isinstance(event, AliasEvent):
            return found
        if isinstance(event, ScalarEvent):
            found.text, found.style = event.value, event.style or ""
            if found.style in ("|", ">"):
                found.end = self.content_end(found)
            return found
        found.flow = bool(event.flow_style)
        if isinstance(event, MappingStartEvent):
            self.map(found)
        elif isinstance(event, SequenceStartEvent):
            self.list(found)
        return found

    def map(self, found: Node) -> None:
        found.pairs = []
        while not isinstance(event := self.next(), MappingEndEvent):
            key = self.node(event)
            found.pairs.append((key, self.node(self.next())))
        # The end of a block is found by the parser only where something else begins.
        closing: Any = event.end_mark
        found.end = closing.index if found.flow else self.end_of(found.pairs[-1])

    def list(self, found: Node) -> None:
        found.items = []
        while not isinstance(event := self.next(), SequenceEndEvent):
            found.items.append(self.node(event))
        last = found.items[-1] if found.items else found
        closing: Any = event.end_mark
        found.end = closing.index if found.flow else max(last.end, found.start + 1)

    def end_of(self, pair: tuple[Node, Node]) -> int:
        """Where an entry of a map ends: at least behind its colon."""
        key, value = pair
        return max(value.end, self.text.find(":", key.end) + 1)

    def content_end(self, scalar: Node) -> int:
        """Where the last line of a block of text ends; blank lines after it belong to it where they are kept."""
        body = self.text[scalar.start : scalar.end]
        if "+" in body.partition("\n")[0].partition("#")[0]:
            return scalar.start + len(body.removesuffix("\n").removesuffix("\r"))
        return scalar.start + len(body.rstrip())
