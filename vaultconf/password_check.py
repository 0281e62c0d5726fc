"""Password policies: what every server refuses.

Source: Vault API, `/sys/policies/password`; seen on OpenBao 2.7.2. A server reads HCL into Go values: keys in any
case, of a key given twice the last one counts, unknown keys are ignored.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from vaultconf.hcl import parse
from vaultconf.hcl_nodes import Document, HclError, Item, Lines, ListNode, Node, ObjectNode, Scalar, integer, text_of
from vaultconf.nouns import Server
from vaultconf.policy import decoded
from vaultconf.policy_findings import PolicyProblem, shortened

_SHORTEST, _LONGEST = 4, 100
_RULE = "charset"


def problems(text: str, _server: Server | None = None) -> tuple[PolicyProblem, ...]:
    """Say what a server would refuse, places within the text."""
    text = decoded(text)
    lines = Lines(text)
    try:
        found = list(_problems(parse(text)))
    except HclError as error:
        found = [_Found(error.message, error.offset)]
    return tuple(PolicyProblem(item.message, *lines.place(item.offset), item.hint) for item in found)


@dataclass(frozen=True, slots=True)
class _Found:
    message: str
    offset: int
    hint: str = ""


@dataclass(frozen=True, slots=True)
class _Rule:
    charset: str
    least: int


def _problems(document: Document) -> Iterator[_Found]:
    length = _last(document.items, "length")
    whole = _whole(length, "length") if length is not None else 0
    rules = [_rule(item) for item in document.items if _key(item) == "rule"]
    flat = [rule for group in rules for rule in group]
    needed = sum(max(rule.least, 0) for rule in flat)
    if length is None:
        yield _Found("a password policy needs `length`", 0, "length = 20")
    elif not _SHORTEST <= whole <= _LONGEST:
        yield _Found(f"`length` must be from {_SHORTEST} to {_LONGEST}", length.offset)
    elif whole < needed:
        yield _Found(f"the rules need {needed} characters, more than `length`", length.offset)
    if not any(rule.charset for rule in flat):
        yield _Found("no rule names the characters to use", 0, 'rule "charset" { charset = "abc…" }')
    elif not all(char.isprintable() for rule in flat for char in rule.charset):
        yield _Found("a charset holds a character that cannot be printed", 0)


def _rule(item: Item) -> list[_Rule]:
    """One `rule` block, or in JSON a list of them; raises `HclError` where no server reads it."""
    named = [(text_of(key), key.offset) for key in item.keys[1:2]]
    if named:
        return [_charset(*named[0], item.value if len(item.keys) == 2 else ObjectNode((), item.offset))]
    values = item.value.items if isinstance(item.value, ListNode) else (item.value,)
    rules: list[_Rule] = []
    for value in values:
        if not isinstance(value, ObjectNode):
            raise HclError('expected a block: rule "charset" { … }', value.offset)
        rules += [_charset(text_of(inner.keys[0]), inner.offset, inner.value) for inner in value.items]
    return rules


def _charset(name: str, offset: int, body: Node) -> _Rule:
    if name != _RULE:
        raise HclError(f"unknown rule `{shortened(name)}`: there is only `{_RULE}`", offset)
    if not isinstance(body, ObjectNode):
        raise HclError("expected a block", body.offset)
    charset, least = _last(body.items, "charset"), _last(body.items, "min-chars")
    return _Rule(_text(charset) if charset is not None else "", _whole(least, "min-chars") if least is not None else 0)


def _key(item: Item) -> str:
    return text_of(item.keys[0]).lower()


def _last(items: Iterable[Item], key: str) -> Node | None:
    return next((item.value for item in reversed(tuple(items)) if _key(item) == key), None)


def _text(node: Node) -> str:
    if not isinstance(node, Scalar) or node.kind not in {"string", "json", "heredoc"}:
        raise HclError("`charset` must be text", node.offset)
    return text_of(node)


def _whole(node: Node, name: str) -> int:
    if isinstance(node, Scalar) and node.kind == "float":
        return int(float(node.raw))
    if not isinstance(node, Scalar) or node.kind != "number":
        raise HclError(f"`{name}` must be a number, without quotes", node.offset)
    return integer(node)
