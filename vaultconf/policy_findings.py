"""The words that each product knows in an ACL policy, and the list of what it would refuse."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeVar

from vaultconf.errors import nearest
from vaultconf.hcl_nodes import HclError, Lines, Node

_Read = TypeVar("_Read")


class Dialect(StrEnum):
    """Who reads the policy: Vault from 1.21 on, Vault up to 1.20, OpenBao."""

    VAULT_2 = "Vault 2"
    VAULT_1 = "Vault 1"
    OPENBAO = "OpenBao"


@dataclass(frozen=True, slots=True)
class PolicyProblem:
    """One thing that a server would refuse; line and column count from 1."""

    message: str
    line: int
    column: int
    hint: str = ""


_VAULT: Final = frozenset({Dialect.VAULT_2, Dialect.VAULT_1})
_BAO: Final = frozenset({Dialect.OPENBAO})
_ALL: Final = frozenset(Dialect)

KEYS: Final = {
    **dict.fromkeys(
        (
            "comment", "policy", "capabilities", "allowed_parameters", "denied_parameters", "required_parameters",
            "min_wrapping_ttl", "max_wrapping_ttl", "mfa_methods", "control_group",
        ),
        _ALL,
    ),
    "subscribe_event_types": _VAULT,
    **dict.fromkeys(("expiration", "pagination_limit", "list_scan_response_keys_filter_path"), _BAO),
}  # fmt: skip
CAPABILITIES: Final = {
    **dict.fromkeys(("create", "read", "update", "delete", "list", "sudo", "deny", "patch"), _ALL),
    "subscribe": _VAULT,
    "recover": frozenset({Dialect.VAULT_2}),
    "scan": _BAO,
}
_MOST_HINTS: Final = 50
_LONGEST_WORD: Final = 40


@dataclass(slots=True)
class Findings:
    """Collects the problems of one policy; `dialect` None stands for the union of the products."""

    lines: Lines
    dialect: Dialect | None
    now: datetime
    problems: list[PolicyProblem] = field(default_factory=list)

    def add(self, message: str, offset: int, hint: str = "") -> None:
        """Note a problem at an offset."""
        self.problems.append(PolicyProblem(message, *self.lines.place(offset), hint))

    def unknown(self, what: str, word: str, offset: int, known: dict[str, frozenset[Dialect]]) -> None:
        """Note a word that this product does not know, with the nearest that it does or with whose it is."""
        hint = ""
        if word in known:
            hint = f"known to {' and '.join(sorted(known[word]))} only"
        elif len(self.problems) < _MOST_HINTS:
            hint = nearest(word, [name for name, dialects in known.items() if self.knows(dialects)])
        self.add(f"{what} `{shortened(word)}`", offset, hint)

    def knows(self, dialects: Iterable[Dialect]) -> bool:
        """Say whether the product is among `dialects`."""
        return self.dialect is None or self.dialect in dialects

    def read(self, key: str, reader: Callable[[Iterable[Node]], _Read], nodes: Iterable[Node]) -> _Read:
        """Read the values of a key; what cannot be read is noted, and counts as not written."""
        try:
            return reader(nodes)
        except HclError as error:
            self.add(f"{key}: {error.message}", error.offset)
            return reader(())


def shortened(word: str) -> str:
    """Return a word as far as it can be quoted in a message."""
    return word if len(word) <= _LONGEST_WORD else f"{word[:_LONGEST_WORD]}…"
