"""Reads HCL 1, the language of ACL policies, and its JSON form.

The grammar is the servers': three kinds of comments, heredocs, commas where one likes, several blocks on a line.
A text whose first character is `{` is read as JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from vaultconf.hcl_json import parse_json
from vaultconf.hcl_lexer import Token, hcl_tokens
from vaultconf.hcl_nodes import MAX_DEPTH, Document, HclError, Item, ListNode, Node, ObjectNode, Scalar

_NAMES = {"end": "the end of the text", "ident": "a bare word"}


def parse(text: str) -> Document:
    """Read a text; raises `HclError` at the first place where the servers cannot read on.

    Nesting is bounded by `MAX_DEPTH` levels.
    """
    if text.lstrip(" \t\r\n").startswith("{"):
        return parse_json(text)
    return _Reader(text).document()


class _Reader:
    """A recursive descent over the tokens, one token ahead."""

    def __init__(self, text: str) -> None:
        self._tokens: Iterator[Token] = hcl_tokens(text)
        self._depth = 0
        self._repeated: list[Scalar] = []
        self._advance()

    def document(self) -> Document:
        items: list[Item] = []
        seen: set[str] = set()
        while self._token[0] != "end":
            item = self._item(seen)
            if item is None:  # `foo =` at the very end: accepted, and forgotten, by all servers
                break
            items.append(item)
            self._skip_comma()
        return Document(tuple(items), tuple(self._repeated))

    def _advance(self) -> None:
        self._token = token = next(self._tokens, ("end", "", 0))
        if token[0] == "bad":
            raise HclError(token[1], token[2])

    def _skip_comma(self) -> None:
        if self._token[0] == ",":
            self._advance()

    def _item(self, seen: set[str]) -> Item | None:
        keys = self._keys()
        assigned = self._token[0] == "="
        if assigned:
            if len(keys) > 1:
                raise HclError("a block with labels takes no `=`", self._token[2])
            self._advance()
            if self._token[0] == "end":
                return None
            if keys[0].raw in seen:
                self._repeated.append(keys[0])
            seen.add(keys[0].raw)
        elif self._token[0] != "{":
            raise HclError(f"expected `=` or `{{` after the key, got {_name(self._token)}", self._token[2])
        return Item(keys, self._value(), keys[0].offset, assigned)

    def _keys(self) -> tuple[Scalar, ...]:
        keys: list[Scalar] = []
        while True:
            kind, text, offset = self._token
            if kind == "ident":
                keys.append(Scalar("ident", text, offset))
            elif kind == "string":
                keys.append(Scalar("string", text, offset))
            else:
                break
            self._advance()
        if not keys:
            raise HclError(f"expected a key, got {_name(self._token)}", self._token[2])
        return tuple(keys)

    def _value(self) -> Node:
        kind, text, offset = self._token
        if kind == "{":
            return self._nested(self._object)
        if kind == "[":
            return self._nested(self._list)
        scalar = _scalar(kind, text, offset)
        if scalar is None:
            hint = "; words stand in double quotes" if kind == "ident" else ""
            raise HclError(f"expected a value, got {_name(self._token)}{hint}", offset)
        self._advance()
        return scalar

    def _nested(self, read: Callable[[int], Node]) -> Node:
        offset = self._token[2]
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise HclError(f"nested deeper than {MAX_DEPTH} levels", offset)
        self._advance()
        node = read(offset)
        self._depth -= 1
        return node

    def _object(self, start: int) -> ObjectNode:
        items: list[Item] = []
        seen: set[str] = set()
        while self._token[0] != "}":
            item = self._item(seen) if self._token[0] != "end" else None
            if item is None:
                raise HclError("the block is not closed", start)
            items.append(item)
            self._skip_comma()
        self._advance()
        return ObjectNode(tuple(items), start)

    def _list(self, start: int) -> ListNode:
        items: list[Node] = []
        need_comma = False
        while (kind := self._token[0]) != "]":
            if kind == ",":
                need_comma = False
                self._advance()
                continue
            if kind == "end":
                raise HclError("the list is not closed", start)
            if need_comma:
                raise HclError(f"expected a comma or the end of the list, got {_name(self._token)}", self._token[2])
            # The servers need no comma after a list inside a list.
            need_comma = kind != "["
            items.append(self._value())
        self._advance()
        return ListNode(tuple(items), start)


def _scalar(kind: str, text: str, offset: int) -> Scalar | None:
    match kind:
        case "string" | "heredoc" | "number" | "float" | "bool":
            return Scalar(kind, text, offset)
        case _:
            return None


def _name(token: Token) -> str:
    kind = token[0]
    return _NAMES.get(kind, f"`{kind}`" if len(kind) == 1 else f"a {kind}")
