"""The nouns that a kind is declared with; the others, which know kinds, are in `model`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

#: The canonical values of an object's fields, by dotted field name.
Values = Mapping[str, object]


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


class RiskReason(StrEnum):
    """Why a change needs a person to name it."""

    DESTROYS_DATA = "destroys_data"
    REMOVES_ACCESS = "removes_access"
