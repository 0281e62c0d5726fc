"""Turns nodes of an HCL text into plain values, with the conversions that the servers make.

A key given several times is merged as they merge it: lists are joined, of scalars the last one wins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from vaultconf.hcl_nodes import (
    HclError,
    Item,
    ListNode,
    Node,
    ObjectNode,
    Scalar,
    decimal,
    integer,
    text_of,
)


@dataclass(frozen=True, slots=True)
class ObjectValue:
    """An object inside a list of parameter values; `entries` are sorted by key."""

    entries: tuple[tuple[str, Value], ...]


Value: TypeAlias = str | int | float | bool | tuple["Value", ...] | ObjectValue


def group(items: Iterable[Item]) -> dict[str, tuple[Node, ...]]:
    """Return what stands under each key: first its blocks with labels, as one object, then every plain value."""
    labelled: dict[str, list[Item]] = {}
    plain: dict[str, list[Node]] = {}
    for item in items:
        key = text_of(item.keys[0])
        plain.setdefault(key, [])
        if len(item.keys) > 1:
            labelled.setdefault(key, []).append(item._replace(keys=item.keys[1:]))
        else:
            plain[key].append(item.value)
    blocks = {key: ObjectNode(tuple(found), found[0].offset) for key, found in labelled.items()}
    return {key: ((blocks[key], *found) if key in blocks else tuple(found)) for key, found in plain.items()}


def members(nodes: Iterable[Node]) -> dict[str, tuple[Node, ...]]:
    """Return what stands under each key of several objects; raises `HclError` where one is no object."""
    items: list[Item] = []
    for node in nodes:
        if not isinstance(node, ObjectNode):
            raise HclError("expected a block or a map", node.offset)
        items += node.items
    return group(items)


def merged_text(nodes: Iterable[Node]) -> str:
    """Return the last of several texts, "" for none; raises `HclError` where one is no text."""
    found = ""
    for node in nodes:
        found = _text(node)
    return found


def merged_integer(nodes: Iterable[Node]) -> int:
    """Return the last of several integers, 0 for none; raises `HclError` where one is no integer."""
    found = 0
    for node in nodes:
        if not isinstance(node, Scalar) or node.kind not in {"number", "string", "json"}:
            raise HclError("expected an integer", node.offset)
        found = integer(node)
    return found


def merged_flag(nodes: Iterable[Node]) -> bool:
    """Return the last of several truth values, False for none; raises `HclError` where one is none."""
    found = False
    for node in nodes:
        if not isinstance(node, Scalar) or node.kind != "bool":
            raise HclError("expected true or false", node.offset)
        found = node.raw == "true"
    return found


def merged_texts(nodes: Iterable[Node]) -> tuple[tuple[str, int], ...]:
    """Join lists of texts; each comes with its offset. Raises `HclError` where one is no list of texts."""
    return tuple((_text(element), element.offset) for node in nodes for element in _elements(node))


def merged_value(nodes: Iterable[Node]) -> Value | None:
    """Return several values of any kind merged, None for none; raises `HclError` for numbers out of range."""
    found: Value | None = None
    for node in nodes:
        found = _value(node) if found is None else _merged(found, node)
    return found


def _merged(found: Value, node: Node) -> Value:
    """Read a further value under the same key; the servers read it as the kind of the first."""
    match found:
        case bool():
            return merged_flag([node])
        case int():
            return merged_integer([node])
        case str():
            return _text(node)
        case float() if isinstance(node, Scalar) and node.kind in {"number", "float"}:
            return decimal(node)
        case tuple() if not isinstance(node, Scalar):
            value = _value(node)
            return found + value if isinstance(value, tuple) else found
    raise HclError("this key was given before, with a value of another kind", node.offset)


def merged_parameters(nodes: Iterable[Node]) -> dict[str, tuple[Value, ...]]:
    """Join maps of lists; raises `HclError` where one is no map, or a value of it no list."""
    read = tuple(nodes)
    for node in read:
        for item in node.items if isinstance(node, ObjectNode) else ():
            if len(item.keys) > 1:  # a block with two labels; in JSON, an object in an object in an object
                raise HclError("expected a list under the name of the parameter", item.offset)
    return {
        key: tuple(_element(element) for value in values for element in _parameter(value))
        for key, values in members(read).items()
    }


def _elements(node: Node) -> tuple[Node, ...]:
    if isinstance(node, ListNode):
        return node.items
    if isinstance(node, ObjectNode) and not node.items:
        return ()
    raise HclError("expected a list", node.offset)


def _parameter(node: Node) -> tuple[Node, ...]:
    return (node,) if isinstance(node, ObjectNode) else _elements(node)


def _text(node: Node) -> str:
    if not isinstance(node, Scalar) or node.kind in {"float", "bool"}:
        raise HclError("expected a text in double quotes", node.offset)
    return text_of(node)


def _element(node: Node) -> Value:
    if isinstance(node, ObjectNode):
        entries = ((key, merged_value(nodes)) for key, nodes in members([node]).items())
        return ObjectValue(tuple(sorted(((key, value) for key, value in entries if value is not None), key=_first)))
    return _value(node)


def _first(entry: tuple[str, Value]) -> str:
    return entry[0]


def _value(node: Node) -> Value:
    if isinstance(node, ListNode):
        return tuple(_element(element) for element in node.items)
    if isinstance(node, ObjectNode):
        return (_element(node),)
    return _SCALARS[node.kind](node)


_SCALARS: dict[str, Callable[[Scalar], Value]] = {
    "number": integer,
    "float": decimal,
    "bool": lambda scalar: scalar.raw == "true",
    "string": text_of,
    "json": text_of,
    "heredoc": text_of,
}
