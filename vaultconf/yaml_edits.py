"""Edits of a YAML file that leave all else in it as it is: comments, order, quotes, indentation, line ends. Pure.

Nothing is dumped anew: what changes is cut out of the text, and what takes its place is put in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from vaultconf import yaml_items, yaml_writer
from vaultconf.text_lines import relined
from vaultconf.yaml_cuts import REMOVED, Cuts, Edit, Refusal, Wish
from vaultconf.yaml_nodes import Node, every
from vaultconf.yaml_scalars import resolve
from vaultconf.yaml_text import needs_escapes

_TOKEN = re.compile(r"\$\$\{|\$\{[^{}]*\}?")
_BLOCK_HEADER = re.compile(r"[|>]([1-9]?)([+-]?)(?=[ \t]*(?:#[^\n]*)?\r?\n)")


#: Keys, and what they shall hold; of the maps on the way everything else stays.
Tree = dict[str, "Tree | Wish"]


def edited(text: str, wishes: Iterable[tuple[int, Tree]]) -> tuple[str, list[Refusal]]:
    """The text with what is wished for its documents, by number; and what could not be done, each with the reason."""
    editor = Editor(text)
    for number, tree in wishes:
        editor.merge(editor.roots[number], tree)
    return editor.result(), editor.refused


def plain(tree: Tree | Wish) -> object:
    """The values of a tree."""
    return tree.value if isinstance(tree, Wish) else {key: plain(item) for key, item in tree.items()}


class Editor(Cuts):
    """Turns wishes into cuts."""

    def merge(self, node: Node, tree: Tree) -> None:
        """What a map shall hold, beside what else it holds."""
        new: Tree = {}
        dropped: list[int] = []
        for key, wish in tree.items():
            pair = node.below(key)
            gone = _is_gone(pair, wish)
            if pair is not None and gone:
                dropped.append(next(index for index, other in enumerate(node.pairs or ()) if other is pair))
            elif pair is not None:
                self.entry(node, pair, wish)
            elif not gone:
                new[key] = wish
        values = {key: plain(wish) for key, wish in new.items()}
        spans = [(key.start, max(value.end, key.end)) for key, value in node.pairs or ()]
        lines = [yaml_writer.flow({key: value})[1:-1] for key, value in values.items()]
        if node.flow and yaml_items.in_lines(self, node, spans, dropped, lines):
            return
        self.drop(node, dropped)
        if new:
            self.insert(node, values, dropped)

    def entry(self, above: Node, pair: tuple[Node, Node], wish: Tree | Wish) -> None:
        """What an entry that is there shall hold."""
        _, value = pair
        if isinstance(wish, Wish):
            self.change(above, pair, wish)
        elif value.shared:
            self.refuse(value, "stands behind an anchor or an alias, so that other places would change with it")
        elif value.pairs:
            self.merge(value, wish)
        else:
            self.replace(above, pair, plain(wish))

    def change(self, above: Node, pair: tuple[Node, Node], wish: Wish) -> None:
        """Give an entry another value."""
        _, value = pair
        new = wish.value
        if value.value() == new or wish.accepts(value.value()):
            return
        if value.shared:
            self.refuse(value, "is written with an anchor or an alias, so that other places would change with it")
        elif isinstance(new, Mapping) and new and value.pairs:
            gone: Tree = {key.text: Wish(REMOVED) for key, _ in value.pairs if key.text not in new}
            self.merge(value, {**gone, **{key: wish.entry(key) for key in new}})
        elif self.is_plain(value):
            self.exchange(above, pair, wish)

    def is_plain(self, value: Node) -> bool:
        """Whether a value holds no reference and nothing that is repeated; says why where it does."""
        for node in every(value):
            token = next((found[0] for found in _TOKEN.finditer(node.text) if found[0] != "$${"), "")
            if token:
                self.refuse(node, f"comes from `{token}`", token)
                return False
            if node.shared:
                self.refuse(node, "is written with an anchor or an alias, so that other places would change with it")
                return False
        return True

    def is_explicit(self, key: Node) -> bool:
        """Whether a key stands behind a question mark, where new lines do not fit in; says so."""
        found = self.text[self.line_start(key.start) : key.start].lstrip(" ").startswith("?")
        if found:
            self.refuse(key, "is a key behind a `?`, beside which nothing is written")
        return found

    def exchange(self, above: Node, pair: tuple[Node, Node], wish: Wish) -> None:
        """Put one value in the place of another, in its style as far as that goes."""
        key, value = pair
        new = _in_kind(value, wish)
        if isinstance(new, list) and new and value.items:
            if not yaml_items.exchange(self, value, Wish(new, wish.accepts)):
                self.replace(above, pair, new)
        elif isinstance(new, str) and value.style == "|":
            if not self.block(key, value, Wish(new, wish.accepts, loose=wish.loose)):
                self.replace(above, pair, new)
        elif _is_word(new) and not value.is_block and value.style not in ("|", ">") and not value.is_empty:
            self.put(value.start, value.end, self.word(new, value.style, in_flow=above.flow))
        else:
            self.replace(above, (key, value), new)

    def word(self, new: object, style: str, *, in_flow: bool) -> str:
        """A word on one line, in the quotes of the one before it."""
        if isinstance(new, str) and style and not needs_escapes(new) and "\t" not in new:
            if style == "'":
                return "'" + new.replace("'", "''") + "'"
            return '"' + new.replace("\\", "\\\\").replace('"', '\\"') + '"'
        return yaml_writer.flow(new) if in_flow else self.rendered(new, 0)[0]

    def block(self, key: Node, value: Node, wish: Wish) -> bool:
        """Change the lines of a text that differ; False where the text cannot stand in this block."""
        source, new = self.text[value.start : value.end], str(wish.value)
        header = _BLOCK_HEADER.match(source)
        stripped = new.rstrip("\n")
        if header is None or not stripped or needs_escapes(stripped):
            return False
        whole = source.rstrip()
        blank = source.count("\n") - whole.count("\n")
        ends = {"-": [(whole, "")], "+": [(whole, "\n" * (blank + 1)), (source, "\n")]}.get(header[2], [(source, "\n")])
        fit = [kept for kept, end in ends if new == stripped + end or wish.accepts(stripped + end)]
        begin = source.index("\n") + 1
        first = next((line for line in source[begin:].split("\n") if line.strip()), "")
        deep = key.at[1] - 1 + int(header[1]) if header[1] else len(first) - len(first.lstrip(" "))
        if not fit or not deep or stripped.startswith("\n") or (stripped.startswith((" ", "\t")) and not header[1]):
            return False
        lines = [f"{' ' * deep}{line}" if line else "" for line in stripped.split("\n")]
        text = relined(fit[0][begin:], lines, self.newline, loose=wish.loose)
        self.edits.append(Edit(value.start + begin, value.start + len(fit[0]), text))
        return True

    def replace(self, above: Node, pair: tuple[Node, Node], new: object) -> None:
        """Put a value of any shape in the place of whatever is there."""
        key, value = pair
        if not self.is_plain(value) or self.is_explicit(key):
            return
        colon = self.text.index(":", key.end) + 1
        if above.flow:
            gap = " " if value.is_empty and not self.text[colon : value.start].endswith(" ") else ""
            self.put(max(value.start, colon), max(value.end, colon), gap + yaml_writer.flow(new))
            return
        indent = key.at[1] - 1
        head, body = self.rendered(new, indent)
        gap = f" {head}" if head else ""
        if value.is_block or value.style in ("|", ">"):
            # What stands above a map or list would become a part of a text.
            above_stays = value.is_block and not head.startswith("|")
            behind = self.line_end(colon if value.is_block else value.start)
            first = self.line_start(value.start) if above_stays else behind
            self.put(colon, colon if value.is_block else value.start + len(_header(self.text, value)), gap)
            self.put(first, self.line_end(value.end), "".join(f"{line}\n" for line in body))
        else:
            inline = "\n" not in self.text[colon : value.start]
            self.put(colon if inline else value.start, max(value.end, colon), gap if inline else head, indent + 2)
            if body:
                self.after_line(max(value.end, colon), body, indent + 1, head)

    def insert(self, node: Node, new: Mapping[str, object], dropped: Iterable[int] = ()) -> None:
        """Add entries behind those that are there."""
        gone = set(dropped)
        kept = [pair for index, pair in enumerate(node.pairs or ()) if index not in gone]
        if not node.flow:
            key, value = (node.pairs or [])[-1]
            if self.is_explicit(key):
                return
            indent = key.at[1] - 1
            self.after_line(max(value.end, key.end), self.dumped(new, indent, node), indent)
            return
        text = yaml_writer.flow(new)[1:-1]
        if not kept:
            self.put(node.start + 1, node.start + 1, text)
            return
        key, value = kept[-1]
        alone = not self.text[self.line_start(key.start) : key.start].strip()
        gap = f",\n{' ' * (key.at[1] - 1)}" if alone else ", "
        end = max(value.end, key.end)
        self.put(end, end, gap + text)

    def drop(self, node: Node, dropped: list[int]) -> None:
        """Take entries out."""
        spans = [(key.start, max(value.end, key.end)) for key, value in node.pairs or ()]
        for index in dropped:
            key, value = (node.pairs or [])[index]
            if not node.flow and self.text[self.line_start(key.start) : key.start].strip():
                self.refuse(key, "begins the line of something else, and cannot be taken out alone")
            elif not node.flow:
                self.put(self.line_start(key.start), self.line_end(max(value.end, key.end)), "")
        if node.flow:
            yaml_items.drop_spans(self, spans, dropped, node.end - 1)


def _header(text: str, value: Node) -> str:
    """The beginning of a block of text, without a comment."""
    return re.match(r"[|>][0-9+-]*", text[value.start :])[0]  # type: ignore[index]  # the parser has seen it


def _is_gone(pair: tuple[Node, Node] | None, wish: Tree | Wish) -> bool:
    """Whether an entry is to go, by itself or with all that is in it."""
    if isinstance(wish, Wish):
        return wish.value is REMOVED
    inside = {key.text: (key, value) for key, value in pair[1].pairs or ()} if pair is not None else {}
    return (
        bool(wish) and inside.keys() <= wish.keys() and all(_is_gone(inside.get(k), item) for k, item in wish.items())
    )


def _is_word(value: object) -> bool:
    return isinstance(value, bool | int | float) or (isinstance(value, str) and "\n" not in value)


def _in_kind(value: Node, wish: Wish) -> object:
    """The wished value in the spelling that the file has: seconds as a number, a list as a text with commas."""
    old, new = value.value(), wish.value
    candidates: list[object] = []
    if type(old) is int and type(wish.canonical) is int:
        candidates.append(wish.canonical)
    if not value.style and isinstance(new, str) and type(found := resolve(new)) is type(old):
        candidates.append(found)
    if isinstance(old, str) and isinstance(new, list) and all(isinstance(item, str) for item in new):
        candidates.append(",".join(new))
    return next((item for item in candidates if item == new or wish.accepts(item)), new)
