"""Paths on which a server wants `sudo` besides the operation's own capability.

Seen on Vault 2.1, Vault 1.19 and OpenBao 2.7.2. Engines have such paths too (`pki/root`); where those are mounted is
not known here.
"""

from __future__ import annotations

from typing import Final

from vaultconf.address import Pattern
from vaultconf.policy import Dialect

_EVERYWHERE: Final = frozenset(Dialect)
_VAULT: Final = frozenset({Dialect.VAULT_1, Dialect.VAULT_2})
_ANY: Final = frozenset({"create", "read", "update", "delete", "list", "patch", "scan"})
_WRITE: Final = frozenset({"create", "update"})

_ROWS: Final = tuple(
    (Pattern.parse(pattern), operations, dialects)
    for pattern, operations, dialects in (
        ("sys/audit", _ANY, _EVERYWHERE),
        ("sys/audit/*", _ANY, _EVERYWHERE),
        ("sys/auth/*", _ANY, _EVERYWHERE),
        ("sys/remount", _ANY, _EVERYWHERE),
        ("sys/config/cors", _ANY, _EVERYWHERE),
        ("sys/config/auditing/*", _ANY, _EVERYWHERE),
        ("sys/config/ui/headers", frozenset({"list"}), _EVERYWHERE),
        ("sys/config/ui/headers/*", _WRITE, _EVERYWHERE),
        ("sys/leases", frozenset({"read"}), _EVERYWHERE),
        ("sys/leases/lookup/*", frozenset({"list"}), _EVERYWHERE),
        ("sys/leases/revoke-prefix/*", _ANY, _EVERYWHERE),
        ("sys/leases/revoke-force/*", _ANY, _EVERYWHERE),
        ("sys/plugins/catalog/*", _ANY, _EVERYWHERE),
        ("sys/raw", _ANY, _EVERYWHERE),
        ("sys/raw/*", _ANY, _EVERYWHERE),
        ("sys/rotate", _WRITE, _EVERYWHERE),
        ("sys/internal/inspect/*", _ANY, _EVERYWHERE),
        ("auth/token/accessors", frozenset({"list"}), _EVERYWHERE),
        ("auth/token/revoke-orphan", _ANY, _VAULT),
        ("sys/internal/counters/activity/export", _ANY, _VAULT),
        ("identity/entity/merge", _ANY, frozenset({Dialect.VAULT_2})),
        ("sys/reporting/scan", _ANY, frozenset({Dialect.VAULT_2})),
    )
)


def wants_sudo(path: str, operation: str, dialect: Dialect) -> bool:
    """Whether an operation at an API path, below its namespace and with no slash at its end, needs `sudo` too."""
    return any(
        operation in operations and dialect in dialects and pattern.matches(path)
        for pattern, operations, dialects in _ROWS
    )
