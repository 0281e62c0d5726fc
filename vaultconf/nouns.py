"""The nouns that a kind is declared with; the others, which know kinds, are in `model`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

#: In the path of a request that is to be permitted: any one segment, and at its end any rest. No name holds them.
ANY, REST = "\x00", "\x01"

#: The canonical values of an object's fields, by dotted field name.
Values = Mapping[str, object]


class Address(NamedTuple):  # looked up so often that its hash must be quick
    """An API path below the run's base namespace; `namespace` is the child namespace, "" for none."""

    path: str
    namespace: str = ""

    def __str__(self) -> str:
        return f"{self.namespace}/{self.path}" if self.namespace else self.path


@dataclass(frozen=True, slots=True)
class Server:
    """What was found behind the address; `version` as the server says it ("" where nobody was asked)."""

    product: str
    version: str = ""
    enterprise: bool = False
    address: str = ""
    cluster_id: str = ""

    @property
    def namespaces(self) -> bool:
        """Whether namespaces exist there: community Vault ignores the header and answers from root."""
        return self.product == "openbao" or self.enterprise


@dataclass(frozen=True, slots=True)
class Live:
    """One object as the server has it; `extras` are facts a write needs (a version for check-and-set)."""

    values: Values
    unknown: frozenset[str] = frozenset()
    extras: Mapping[str, object] = field(default_factory=dict)


class Action(StrEnum):
    """What a change does."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    MOVE = "move"
    ROTATE = "rotate"


#: What makes an object, and what takes away the one that is there.
MAKES = frozenset({Action.CREATE, Action.REPLACE})
REMOVES = frozenset({Action.DELETE, Action.REPLACE})


class RiskReason(StrEnum):
    """Why a change needs a person to name it."""

    DESTROYS_DATA = "destroys_data"
    REMOVES_ACCESS = "removes_access"
    LOCKS_OUT = "locks_out"
    BREAK_GLASS = "break_glass"


_PLAIN = r"\w(?:[\w.-]*\w)?"


@dataclass(frozen=True, slots=True)
class Names:
    """How a server treats the names of a kind.

    folds: it stores them in lower case; one_case: it keeps the case, and names that differ in it alone are one;
    automatic: the names that it gives to what it makes by itself, and filled: the fields that it gives values there.
    """

    pattern: str = _PLAIN
    folds: bool = False
    one_case: bool = False
    automatic: str = ""
    filled: frozenset[str] = frozenset()

    def problem(self, name: str) -> str | None:
        """Say why the server would not keep this name, or None."""
        if not re.fullmatch(self.pattern, name, re.ASCII):
            if self.pattern == _PLAIN:
                return "the server takes no such name: letters, digits, `_`, and `.` or `-` in between"
            bad = next((char for char in name if not re.fullmatch(self.pattern, char, re.ASCII)), name)
            return f"the server takes no name with `{bad}` in it"
        if self.folds and name != name.lower():
            return f"the server would store it as `{name.lower()}`; write it that way"
        return None

    def key(self, name: str) -> str:
        """What is equal for names of the same object."""
        return name.lower() if self.one_case else name

    def is_automatic(self, name: str) -> bool:
        """Whether the server gave the name."""
        return bool(self.automatic) and re.fullmatch(self.automatic, name) is not None


PLAIN_NAME = Names()
#: Names that may hold anything a path segment may.
ANY_NAME = Names(r".+")
ANY_FOLDED_NAME = Names(r".+", folds=True)
