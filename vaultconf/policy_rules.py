"""The meaning of one `path` block of an ACL policy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TypeAlias, TypeVar

from vaultconf.hcl_nodes import Item, Node, ObjectNode, text_of
from vaultconf.hcl_values import (
    Value,
    group,
    merged_integer,
    merged_parameters,
    merged_text,
    merged_texts,
    merged_value,
)
from vaultconf.policy_control import ControlGroups, complaints, read_control_groups
from vaultconf.policy_findings import CAPABILITIES, KEYS, Findings, shortened
from vaultconf.policy_values import depends_on_key, duration, is_balanced, moment

Parameters: TypeAlias = tuple[tuple[str, tuple[Value, ...]], ...]
Words: TypeAlias = tuple[tuple[str, int], ...]
_Read = TypeVar("_Read")

_WRITE: Final = ("create", "read", "update", "delete", "list")
_OLD_WORDS: Final = {"": (), "read": ("read", "list"), "write": _WRITE, "sudo": (*_WRITE, "sudo"), "deny": ("deny",)}


@dataclass(frozen=True, slots=True)
class PathRule:
    """What a policy grants on a path, as far as the server stores it.

    The path is as written, a leading `/` included. Of a denied path only the denial counts. Parameter names are
    lower-case, TTLs are seconds (0: no limit), and an `expiration` may have passed.
    """

    path: str
    line: int
    column: int
    capabilities: frozenset[str]
    allowed_parameters: Parameters = ()
    denied_parameters: Parameters = ()
    required_parameters: tuple[str, ...] = ()
    min_wrapping_ttl: float = 0.0
    max_wrapping_ttl: float = 0.0
    expiration: datetime | None = None
    has_control_group: bool = False
    mfa_methods: tuple[str, ...] = ()
    subscribe_event_types: tuple[str, ...] = ()
    pagination_limit: int = 0
    response_keys_filter: str = ""


def read_rule(item: Item, findings: Findings) -> PathRule | None:
    """Read a block whose `path` key is used up; None where it is no block. Problems go to `findings`."""
    path = text_of(item.keys[0]) if item.keys else "path"
    if not is_balanced(path):
        findings.add("the path has a `{{` or `}}` without its partner", item.offset)
    if not isinstance(item.value, ObjectNode):
        findings.add('expected a block: path "..." { ... }', item.offset)
        return None
    keys = _known_keys(item.value, findings)
    return _Block(path, item.offset, keys, findings).rule()


def _known_keys(block: ObjectNode, findings: Findings) -> dict[str, tuple[Node, ...]]:
    found = group(block.items)
    known = {key: nodes for key, nodes in found.items() if key in KEYS and findings.knows(KEYS[key])}
    if len(known) < len(found):
        for item in block.items:
            key = text_of(item.keys[0])
            if key not in known:
                findings.unknown("unknown key", key, item.keys[0].offset, KEYS)
    return known


@dataclass(frozen=True, slots=True)
class _Block:
    """A block on its way to a rule: every value is read; then they are judged, unless it has expired or denies."""

    path: str
    offset: int
    keys: dict[str, tuple[Node, ...]]
    findings: Findings

    def rule(self) -> PathRule:
        line, column = self.findings.lines.place(self.offset)
        if not self.keys.keys() - {"capabilities", "policy", "comment"}:
            return PathRule(self.path, line, column, self.granted())
        rule = PathRule(self.path, line, column, frozenset())
        full, ttls, control = self.written(rule)
        if full.expiration and full.expiration < self.findings.now:
            if control:
                self.check_control(control, frozenset(), judged=False)
            _, listed = self.read("policy", merged_text), self.read("capabilities", merged_texts)
            return replace(full, capabilities=frozenset(name for name, _ in listed if name in CAPABILITIES))
        capabilities = self.granted()
        if control:
            self.check_control(control, capabilities, judged="deny" not in capabilities)
        if "deny" in capabilities:
            return replace(rule, capabilities=capabilities, expiration=full.expiration)
        return self.judged(replace(full, capabilities=capabilities), ttls)

    def granted(self) -> frozenset[str]:
        word, listed = self.read("policy", merged_text), self.read("capabilities", merged_texts)
        if "+*" in self.path:
            self.findings.add("`+*` is no wildcard that a path may hold", self.offset)
        return self.capabilities(word, listed)

    def written(self, rule: PathRule) -> tuple[PathRule, tuple[Value | None, Value | None], ControlGroups | None]:
        """Read everything but the capabilities; TTLs come apart, because nobody judges those of a denied path."""
        control = self.controls()
        ttls = self.read("min_wrapping_ttl", merged_value), self.read("max_wrapping_ttl", merged_value)
        rule = replace(
            rule,
            allowed_parameters=self.parameters("allowed_parameters"),
            denied_parameters=self.parameters("denied_parameters"),
            required_parameters=self.texts("required_parameters"),
            expiration=self.expiration(),
            has_control_group=control is not None,
            mfa_methods=self.texts("mfa_methods"),
            subscribe_event_types=self.texts("subscribe_event_types"),
            pagination_limit=self.read("pagination_limit", merged_integer),
            response_keys_filter=self.read("list_scan_response_keys_filter_path", merged_text),
        )
        return rule, ttls, control

    def read(self, key: str, reader: Callable[[Iterable[Node]], _Read]) -> _Read:
        return self.findings.read(key, reader, self.keys.get(key, ()))

    def texts(self, key: str) -> tuple[str, ...]:
        return tuple(text for text, _ in self.read(key, merged_texts))

    def parameters(self, key: str) -> Parameters:
        found = self.read(key, merged_parameters)
        return tuple(sorted(((name.lower(), values) for name, values in found.items()), key=lambda pair: pair[0]))

    def expiration(self) -> datetime | None:
        text = self.read("expiration", merged_text)
        found = moment(text) if text else None
        if text and found is None:
            self.complain("expiration", "expected a time such as 2030-01-31T12:00:00Z, or seconds since 1970")
        return found

    def capabilities(self, word: str, listed: Words) -> frozenset[str]:
        """Join the old `policy` word and the list; nothing behind a `deny` counts, or is even looked at."""
        if word not in _OLD_WORDS:
            self.complain("policy", f"unknown policy `{shortened(word)}`", "one of deny, read, write, sudo")
        found = set() if word == "deny" else set(self.up_to_deny(listed))
        found.update(_OLD_WORDS.get(word, ()))
        return frozenset({"deny"} if "deny" in found else found)

    def up_to_deny(self, listed: Words) -> Iterator[str]:
        for name, offset in listed:
            if name in CAPABILITIES and self.findings.knows(CAPABILITIES[name]):
                yield name
            else:
                self.findings.unknown("unknown capability", name, offset, CAPABILITIES)
            if name == "deny":
                return

    def controls(self) -> ControlGroups | None:
        """Return the control groups; None where there is none, or none that can be read."""
        found = self.read("control_group", read_control_groups)
        return found if found.each else None

    def check_control(self, groups: ControlGroups, capabilities: frozenset[str], *, judged: bool) -> None:
        for complaint in complaints(groups, self.findings.dialect, capabilities, judged=judged):
            self.complain("control_group", complaint)

    def judged(self, rule: PathRule, ttls: tuple[Value | None, Value | None]) -> PathRule:
        shortest, longest = self.ttl("min_wrapping_ttl", ttls[0]), self.ttl("max_wrapping_ttl", ttls[1])
        if shortest and longest and longest < shortest:
            self.complain("max_wrapping_ttl", "max_wrapping_ttl is less than min_wrapping_ttl")
        if rule.response_keys_filter:
            self.check_filter(rule)
        return replace(rule, min_wrapping_ttl=shortest, max_wrapping_ttl=longest)

    def ttl(self, key: str, value: Value | None) -> float:
        seconds = 0.0 if value is None else duration(value)
        if seconds is None:
            self.complain(key, f"{key}: expected a duration", "seconds, or a text such as 1h30m")
        return seconds or 0.0

    def check_filter(self, rule: PathRule) -> None:
        key = "list_scan_response_keys_filter_path"
        if "list" not in rule.capabilities:
            self.complain(key, f"{key} needs the capability `list`")
        if not depends_on_key(rule.response_keys_filter):
            self.complain(key, f"{key} must be a template that uses {{{{ .key }}}}")

    def complain(self, key: str, message: str, hint: str = "") -> None:
        nodes = self.keys.get(key, ())
        self.findings.add(message, nodes[-1].offset if nodes else self.offset, hint)
