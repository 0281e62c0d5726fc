"""The text of a YAML file, what is cut out of it and what is put in; what is wished for a value, and why not. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from vaultconf import yaml_writer
from vaultconf.yaml_nodes import Node, every, parse

#: The head of a block of text that ends with a line break.
_BLOCK = re.compile(r"\|[1-9]?\+?$")


class Removed:
    """The value of what is to be taken out."""


REMOVED: Final = Removed()


def _nothing_else(_: object) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Wish:
    """What a key shall hold: `value`, or whatever else `accepts` takes for the same.

    `canonical` is another spelling, for where the file has that one. `loose`: white space at line ends counts for
    nothing.
    """

    value: object
    accepts: Callable[[object], bool] = _nothing_else
    canonical: object = None
    loose: bool = False

    def entry(self, key: str) -> Wish:
        """The wish for an entry of a map."""
        whole = self.value if isinstance(self.value, Mapping) else {}
        return Wish(whole[key], lambda other: self.accepts({**whole, key: other}))


@dataclass(frozen=True, slots=True)
class Refusal:
    """A value that stays as it is, by line and column, and why; `token` is the reference that it comes from."""

    at: tuple[int, int]
    reason: str
    token: str = ""


@dataclass(frozen=True, slots=True)
class Edit:
    """A piece of the text, and what takes its place; of two at one place the one further in comes first."""

    start: int
    end: int
    text: str
    depth: int = 0


class Cuts:
    """Gathers the edits of one text. No two of them overlap."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.roots = parse(text)
        self.newline = "\r\n" if "\r\n" in text[: text.find("\n") + 1] else "\n"
        self.step, self.flush = _layout(self.roots)
        self.edits: list[Edit] = []
        self.refused: list[Refusal] = []
        self.open_end = False

    def result(self) -> str:
        """The text with all edits made."""
        parts, cursor = [], 0
        for edit in sorted(self.edits, key=lambda item: (item.start, item.end, -item.depth)):
            parts += [self.text[cursor : edit.start], edit.text]
            cursor = edit.end
        found = "".join((*parts, self.text[cursor:]))
        return found + self.newline if self.open_end and not found.endswith("\n") else found

    def put(self, start: int, end: int, text: str, depth: int = 0) -> None:
        """Put a text, whose lines end with a line feed, in the place of a piece."""
        self.edits.append(Edit(start, end, text.replace("\n", self.newline), depth))

    def refuse(self, node: Node, reason: str, token: str = "") -> None:
        """Leave a value as it is."""
        self.refused.append(Refusal(node.at, reason, token))

    def rendered(self, new: object, indent: int) -> tuple[str, list[str]]:
        """A value as it stands behind a key, and the lines that follow."""
        first, *rest = self.dumped({"k": new}, indent)
        return first[indent + 2 :].strip(), rest

    def dumped(self, new: Mapping[str, object], indent: int, beside: Node | None = None) -> list[str]:
        """The lines of a map in the layout of the file, or of the map that they stand in."""
        siblings = beside.pairs or () if beside is not None else ()
        near = (value.at[1] - key.at[1] for key, value in siblings if value.is_block and value.pairs)
        step = min(max(next(near, self.step), 2), 8)
        lines = yaml_writer.dump(new, indent=step, flush=self.flush).removesuffix("\n").split("\n")
        return [f"{' ' * indent}{line}" if line else "" for line in lines]

    def after_line(self, offset: int, lines: list[str], depth: int, head: str = "") -> None:
        """Add lines behind the line that holds an offset; `head` is what stands before them, in a line of its own."""
        end = self.line_end(offset)
        if end and self.text[end - 1] != "\n":
            # A block of text ends with the end of its line.
            self.open_end = self.open_end or any(map(_BLOCK.search, (head, *lines)))
            self.put(end, end, "".join(f"\n{line}" for line in lines), depth)
        else:
            self.put(end, end, "".join(f"{line}\n" for line in lines), depth)

    def line_start(self, offset: int) -> int:
        """Where the line begins that holds an offset."""
        return self.text.rfind("\n", 0, offset) + 1

    def line_end(self, offset: int) -> int:
        """Where the next line begins, or the text ends."""
        found = self.text.find("\n", offset)
        return len(self.text) if found < 0 else found + 1


def _layout(roots: Iterable[Node]) -> tuple[int, bool]:
    """How far a file indents, and whether its lists begin below the first letter of their key."""
    steps, flush = [], []
    for root in roots:
        for node in every(root):
            for key, value in node.pairs or ():
                if value.is_block and value.pairs:
                    steps.append(value.at[1] - key.at[1])
                elif value.is_block and value.items:
                    flush.append(value.at[1] == key.at[1])
    step = max(set(steps), key=steps.count) if steps else 2
    return min(max(step, 2), 8), bool(flush) and all(flush)
