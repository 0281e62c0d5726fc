"""What a policy says about the parameters of a request, and about wrapping its answer.

Seen on Vault 2.1, Vault 1.19 and OpenBao 2.7.2; Vault from 1.21 on (as announced; seen on 2.1) looks into lists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from vaultconf.acl_grants import Grant
from vaultconf.hcl_values import ObjectValue, Value
from vaultconf.policy import Dialect

#: The operations whose parameters are looked at: of LIST and DELETE they are not.
CHECKED: Final = frozenset({"read", "create", "update", "patch"})


def refusal(grant: Grant, parameters: Mapping[str, Any], dialect: Dialect) -> str:
    """Why a body, or the query of a read, is refused; "" where it is not."""
    missing = sorted(name for name in grant.required if name not in parameters)
    if missing:
        return f"`{missing[0]}` is required"
    for name, value in parameters.items():
        if _is_denied(grant, name.lower(), value, dialect):
            return f"`{name}` may not have this value"
    for name, value in parameters.items():
        if grant.allowed and not _is_allowed(grant, name.lower(), value, dialect):
            return f"`{name}` is not among what may be sent, or not with this value"
    return ""


def wrapping_refusal(grant: Grant, seconds: float) -> str:
    """Why an answer wrapped for this long (0: not wrapped) is refused; "" where it is not."""
    lowest, highest = grant.shortest_wrap, grant.longest_wrap
    if (lowest or highest) and not seconds:
        return "the answer must be wrapped"
    if lowest and seconds < lowest:
        return f"the answer must be wrapped for at least {lowest:g} s"
    if highest and seconds > highest:
        return f"the answer may be wrapped for at most {highest:g} s"
    return ""


def _is_denied(grant: Grant, name: str, value: object, dialect: Dialect) -> bool:
    if "*" in grant.denied:
        return True
    if name not in grant.denied:
        return False
    rules = grant.denied[name]
    return not rules or _matches(rules, name, value, dialect, any)


def _is_allowed(grant: Grant, name: str, value: object, dialect: Dialect) -> bool:
    if name not in grant.allowed:
        return "*" in grant.allowed
    rules = grant.allowed[name]
    return not rules or _matches(rules, name, value, dialect, all)


def _matches(
    rules: tuple[Value, ...], name: str, value: object, dialect: Dialect, of_list: Callable[[Iterable[bool]], bool]
) -> bool:
    """Whether a value is among those of a rule; `of_list` says how many of a list's elements must be."""
    if dialect is Dialect.VAULT_2 and name == "policies":
        value = _lowered(value)
    if any(_equal(rule, value) for rule in rules):
        return True
    parts = _parts(value) if dialect is Dialect.VAULT_2 else None
    return parts is not None and of_list(any(_equal(rule, part) for rule in rules) for part in parts)


def _lowered(value: object) -> object:
    if isinstance(value, list):
        return [_lowered(item) for item in value]
    return value.lower() if isinstance(value, str) else value


def _parts(value: object) -> list[object] | None:
    """The elements of a list, or of a text with commas; None for what is neither."""
    if isinstance(value, list):
        return value
    if not isinstance(value, str):
        return None
    return [part.strip() for part in value.split(",")] if value else []


def _equal(rule: Value, value: object) -> bool:
    """Whether a value is the one of a rule: text by wildcards at its ends, numbers never."""
    if isinstance(rule, str):
        return isinstance(value, str) and _like(rule, value)
    return _same(rule, value)


def _like(rule: str, text: str) -> bool:
    if rule == "*":
        return text == "*"
    starts, ends = rule.endswith("*"), rule.startswith("*")
    if starts and ends:
        return rule[1:-1] in text
    if starts:
        return text.startswith(rule[:-1])
    return text.endswith(rule[1:]) if ends else text == rule


def _same(rule: Value | None, value: object) -> bool:
    if isinstance(rule, bool) or isinstance(value, bool):
        return rule is value
    if isinstance(rule, tuple):
        return isinstance(value, list) and len(rule) == len(value) and all(map(_same, rule, value))
    if isinstance(rule, ObjectValue):
        return _same_object(rule, value)
    return isinstance(rule, str) and rule == value


def _same_object(rule: ObjectValue, value: object) -> bool:
    entries = dict(rule.entries)
    return (
        isinstance(value, Mapping)
        and entries.keys() == value.keys()
        and all(_same(entries[key], item) for key, item in value.items())
    )
