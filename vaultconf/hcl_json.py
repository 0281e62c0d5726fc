"""Reads the JSON form of HCL 1 as the servers do, leniencies included.

Whatever follows the first value that is not followed by a comma is dropped without a word; a document may end
anywhere between two values; lists ignore `true`, `false` and opening brackets. Seen on Vault 2.1, 1.19 and
OpenBao 2.7.2.
"""

from __future__ import annotations

from collections.abc import Iterator

from vaultconf.hcl_lexer import Token, json_tokens
from vaultconf.hcl_nodes import MAX_DEPTH, Document, HclError, Item, ListNode, Node, ObjectNode, Scalar

_MISSING = Scalar("json", '""', 0)


class _EndOfText(Exception):  # noqa: N818 - not an error: the text may end here
    pass


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens: Iterator[Token] = json_tokens(text)
        self._last: Token = ("", "", 0)
        self._depth = 0

    def scan(self) -> Token:
        self._last = token = next(self._tokens, self._last)
        if token[0] == "bad":
            raise HclError(token[1], token[2])
        return token

    def object(self, offset: int) -> ObjectNode:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise HclError(f"nested deeper than {MAX_DEPTH} levels", offset)
        items: list[Item] = []
        try:
            items.append(self._item())
            while self.scan()[0] == ",":
                items.append(self._item())
        except _EndOfText:
            pass
        except HclError:
            # A closing brace where a value is expected ends the object; the item before it is lost.
            if self._last[0] != "}":
                raise
        self._depth -= 1
        return ObjectNode(tuple(items), offset)

    def _item(self) -> Item:
        keys: list[Scalar] = []
        while (token := self.scan())[0] == "string":
            keys.append(Scalar("json", token[1], token[2]))
        if token[0] == "end":
            raise _EndOfText
        if token[0] != ":" or not keys:
            raise HclError("expected a key in double quotes and a colon", token[2])
        return Item(tuple(keys), self._value(), keys[0].offset, assigned=True)

    def _value(self) -> Node:
        kind, text, offset = self.scan()
        if kind == "end":
            raise _EndOfText
        if kind == "{":
            return self.object(offset)
        if kind == "[":
            return self._list(offset)
        scalar = _scalar(kind, text, offset)
        if scalar is None:
            raise HclError("expected a value", offset)
        return scalar

    def _list(self, start: int) -> ListNode:
        items: list[Node] = []
        while True:
            kind, text, offset = self.scan()
            if kind == "]":
                return ListNode(tuple(items), start)
            if kind == "{":
                items.append(self.object(offset))
            elif kind in {"number", "float", "string"}:
                items.append(_scalar(kind, text, offset) or _MISSING)
            elif kind not in {",", "bool", "["}:
                raise HclError("unexpected in a list", offset)


def _scalar(kind: str, text: str, offset: int) -> Scalar | None:
    match kind:
        case "string":
            return Scalar("json", text, offset)
        case "null":
            return Scalar("json", '""', offset)
        case "number" | "float" | "bool":
            return Scalar(kind, text, offset)
        case _:
            return None


def parse_json(text: str) -> Document:
    """Read the JSON form; raises `HclError` where the servers refuse it."""
    reader = _Reader(text)
    start = reader.scan()
    return Document(_flattened(reader.object(start[2])).items)


def _flattened(node: ObjectNode) -> ObjectNode:
    """Turn objects of objects into items with several keys, which is what blocks with labels look like."""
    items = tuple(flat for item in node.items for flat in _flat_items(item))
    return ObjectNode(tuple(item._replace(value=_inside(item.value)) for item in items), node.offset)


def _inside(node: Node) -> Node:
    if isinstance(node, ObjectNode):
        return _flattened(node)
    if isinstance(node, ListNode):
        return node._replace(items=tuple(_inside(item) for item in node.items))
    return node


def _flat_items(item: Item) -> Iterator[Item]:
    value = item.value
    if isinstance(value, ObjectNode) and value.items and all(isinstance(i.value, ObjectNode) for i in value.items):
        for inner in value.items:
            yield from _flat_items(inner._replace(keys=item.keys + inner.keys))
    elif isinstance(value, ListNode) and value.items and all(isinstance(i, ObjectNode) for i in value.items):
        for element in value.items:
            yield from _flat_items(item._replace(value=element))
    else:
        yield item
