"""What policies grant together: rules of one path merged, templates filled.

Seen on Vault 2.1, Vault 1.19 and OpenBao 2.7.2, which differ in what a template may be filled with.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from vaultconf.acl_identity import Identity, filled, templates, value_of
from vaultconf.hcl_values import Value
from vaultconf.policy import Dialect, PathRule, Policy

DENY: Final = frozenset({"deny"})

#: Values by the lower-case name of a parameter; no value is any value.
Limits = Mapping[str, tuple[Value, ...]]


@dataclass(frozen=True, slots=True)
class Source:
    """A policy that a token holds, with what OpenBao stores beside its text: what templated values may contain."""

    policy: Policy
    slashes: bool = False
    wildcards: bool = False


@dataclass(frozen=True, slots=True)
class Grant:
    """What all rules of one path grant together; TTLs are seconds, 0 for no limit."""

    path: str
    capabilities: frozenset[str]
    allowed: Limits = field(default_factory=dict)
    denied: Limits = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    shortest_wrap: float = 0.0
    longest_wrap: float = 0.0

    @property
    def denies(self) -> bool:
        """Whether it is a denial, and not just a path with nothing on it."""
        return "deny" in self.capabilities


class BrokenToken(Exception):  # noqa: N818 - it is the token that is broken, not this program
    """A server would refuse everything to who holds these policies; the message says why."""


def grants(sources: Iterable[Source], dialect: Dialect, identity: Identity | None, now: datetime) -> dict[str, Grant]:
    """Merge the rules of all policies by their path. Raises BrokenToken.

    What had expired by `now` counts as not written.
    """
    found: dict[str, Grant] = {}
    for path, rule in _filled(sources, dialect, identity, now):
        grant = _grant(path, rule)
        found[path] = _merged(found[path], grant) if path in found else grant
    return found


def _filled(
    sources: Iterable[Source], dialect: Dialect, identity: Identity | None, now: datetime
) -> Iterator[tuple[str, PathRule]]:
    for source in sources:
        for rule in source.policy.rules:
            if rule.expiration is not None and rule.expiration < now:
                continue
            path = _resolved(rule.path, source, dialect, identity) if "{{" in rule.path else rule.path
            if path is not None:
                yield path.removeprefix("/"), rule


def _resolved(path: str, source: Source, dialect: Dialect, identity: Identity | None) -> str | None:
    """The path with its templates filled; None where one has no value, for then the whole rule is not there."""
    values: dict[str, str] = {}
    for name in templates(path):
        value = value_of(identity, name)
        if value is None:
            return None
        if any(char in value for char in "*+") and dialect is Dialect.VAULT_2:
            return None
        if dialect is Dialect.OPENBAO:
            _refuse(value, source)
        values[name] = value
    result = filled(path, values)
    if "+*" in result:
        raise BrokenToken(f"`{path}` becomes `{result}`, and no path may hold `+*`")
    return result


def _refuse(value: str, source: Source) -> None:
    """OpenBao refuses every request of a token with such a value, unless the policy says that it may be."""
    for char, may in (("/", source.slashes), ("*", source.wildcards), ("+", source.wildcards)):
        if char in value and not may:
            raise BrokenToken(f"a value for a template holds `{char}`, which OpenBao forbids")


def _grant(path: str, rule: PathRule) -> Grant:
    if "deny" in rule.capabilities:
        return Grant(path, DENY)
    return Grant(
        path,
        rule.capabilities,
        _limits(rule.allowed_parameters),
        _limits(rule.denied_parameters),
        frozenset(name.lower() for name in rule.required_parameters),
        max(0.0, rule.min_wrapping_ttl),
        max(0.0, rule.max_wrapping_ttl),
    )


def _limits(pairs: Iterable[tuple[str, tuple[Value, ...]]]) -> Limits:
    found: dict[str, tuple[Value, ...]] = {}
    for name, values in pairs:
        # Two spellings of one name: which one counts is up to chance on every server.
        found.setdefault(name, values)
    return found


def _merged(one: Grant, other: Grant) -> Grant:
    """Two rules of one path: a denial wins; capabilities and limits add up, the closer bounds of TTLs count."""
    if one.denies or other.denies:
        return Grant(one.path, DENY)
    return Grant(
        one.path,
        one.capabilities | other.capabilities,
        _joined(one.allowed, other.allowed),
        _joined(one.denied, other.denied),
        one.required | other.required,
        _smaller(one.shortest_wrap, other.shortest_wrap),
        _smaller(one.longest_wrap, other.longest_wrap),
    )


def _joined(one: Limits, other: Limits) -> Limits:
    found = {**one, **other}
    for name in one.keys() & other.keys():
        found[name] = one[name] + other[name] if one[name] and other[name] else ()
    return found


def _smaller(one: float, other: float) -> float:
    return min(one, other) if one and other else one or other
