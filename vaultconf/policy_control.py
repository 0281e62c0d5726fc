"""Control groups in a policy: what the products refuse about them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from vaultconf.hcl_nodes import Node
from vaultconf.hcl_values import Value, members, merged_flag, merged_integer, merged_texts, merged_value
from vaultconf.policy_findings import Dialect
from vaultconf.policy_values import duration

_KEYS: Final = frozenset({"ttl", "self_auth_allowed", "factor"})
_FACTOR_KEYS: Final = frozenset({"controlled_capabilities", "identity"})
_OPERATIONS: Final = frozenset({
    "create", "read", "update", "delete", "list", "patch", "scan", "help", "alias-lookahead", "resolve-role",
    "revoke", "renew", "rollback", "header",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Factor:
    """One approval that a control group asks for."""

    capabilities: tuple[str, ...]
    group_names: tuple[str, ...]
    group_ids: tuple[str, ...]
    approvals: int
    unknown_keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ControlGroup:
    """A control group as written; whether `ttl` is a duration is not decided yet."""

    ttl: Value | None
    factors: tuple[Factor, ...]
    unknown_keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ControlGroups:
    """The control groups of a path, one by one and, as Vault 2 takes them, as one."""

    each: tuple[ControlGroup, ...]
    merged: ControlGroup


def read_control_groups(nodes: Iterable[Node]) -> ControlGroups:
    """Read the values of a `control_group` key; raises `HclError` where one has the wrong shape."""
    found = tuple(nodes)
    return ControlGroups(tuple(_control_group([node]) for node in found), _control_group(found))


def _control_group(nodes: Iterable[Node]) -> ControlGroup:
    keys = members(nodes)
    merged_flag(keys.get("self_auth_allowed", ()))
    factors = members(keys.get("factor", ()))
    return ControlGroup(
        ttl=merged_value(keys.get("ttl", ())),
        factors=tuple(_factor(found) for found in factors.values()),
        unknown_keys=tuple(sorted(keys.keys() - _KEYS)),
    )


def _factor(nodes: Iterable[Node]) -> Factor:
    keys = members(nodes)
    identity = members(keys.get("identity", ()))
    return Factor(
        capabilities=_texts(keys.get("controlled_capabilities", ())),
        group_names=_texts(identity.get("group_names", ())),
        group_ids=_texts(identity.get("group_ids", ())),
        approvals=merged_integer(identity.get("approvals", ())),
        unknown_keys=tuple(sorted(keys.keys() - _FACTOR_KEYS)),
    )


def _texts(nodes: Iterable[Node]) -> tuple[str, ...]:
    return tuple(text for text, _ in merged_texts(nodes))


def complaints(
    groups: ControlGroups, dialect: Dialect | None, capabilities: frozenset[str], *, judged: bool
) -> tuple[str, ...]:
    """Say what a product refuses, or, with no dialect, what all of them refuse.

    `capabilities` are those of the path. Vault looks no closer where they were not `judged` (denied, expired).
    Seen on Vault 2.1 and 1.19, which ignore unknown keys, and on OpenBao 2.7.2.
    """
    found = {
        Dialect.VAULT_2: tuple(_of_vault(groups.merged, capabilities)) if judged else (),
        Dialect.VAULT_1: tuple(_of_vault(groups.each[-1], capabilities)) if judged else (),
        Dialect.OPENBAO: tuple(complaint for group in groups.each for complaint in _of_openbao(group)),
    }
    return min(found.values(), key=len) if dialect is None else found[dialect]


def _of_vault(group: ControlGroup, capabilities: frozenset[str]) -> Iterator[str]:
    if group.ttl is not None and duration(group.ttl) is None:
        yield "the ttl of a control group must be a duration"
    if not group.factors:
        yield "a control group needs a factor"
    for factor in group.factors:
        if factor.approvals <= 0 or not (factor.group_names or factor.group_ids):
            yield "a factor of a control group needs an identity with a group and approvals above 0"
        if not capabilities.issuperset(factor.capabilities):
            yield "the controlled capabilities of a control group must be among those of the path"


def _of_openbao(group: ControlGroup) -> Iterator[str]:
    if group.unknown_keys or any(factor.unknown_keys for factor in group.factors):
        yield "OpenBao does not know every key of this control group"
    if group.ttl is not None and duration(group.ttl) is None:
        yield "the ttl of a control group must be a duration"
    if not group.factors:
        yield "a control group needs a factor"
    for factor in group.factors:
        if not factor.capabilities or not _OPERATIONS.issuperset(factor.capabilities):
            yield "a factor of a control group needs controlled_capabilities that are operations"
        if factor.approvals <= 0 or not factor.group_names:
            yield "a factor of a control group needs an identity with group_names and approvals above 0"
