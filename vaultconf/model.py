"""The nouns: frozen values that the stages hand to each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from vaultconf.errors import Place, Problem
from vaultconf.kind import Kind
from vaultconf.ledger import NO_LEDGER, Ledger
from vaultconf.nouns import Action, Address, Live, RiskReason, Server, Values

__all__ = [
    "Action",
    "Address",
    "Blocked",
    "Change",
    "Desired",
    "FieldChange",
    "Guidance",
    "Held",
    "Live",
    "Outcome",
    "Plan",
    "Risk",
    "RiskReason",
    "Server",
    "Status",
    "Unmanaged",
    "Unreadable",
    "Unverified",
    "Values",
]


@dataclass(frozen=True, slots=True)
class Guidance:
    """The reserved key `vaultconf:` of an object: how to treat it, not what it is."""

    protect: bool = False
    create_only: bool = False
    ignore: tuple[str, ...] = ()
    allow_plaintext: bool = False
    renamed_from: str = ""
    show: tuple[str, ...] = ()
    rotate_root: str = ""


@dataclass(frozen=True, slots=True)
class Desired:
    """One declared object. `values` holds what was written; defaults are added when the server is known."""

    kind: Kind
    address: Address
    params: Mapping[str, str]
    values: Values = field(repr=False)
    place: Place
    places: Mapping[str, Place] = field(repr=False)
    owner: str = ""
    guidance: Guidance = Guidance()

    def origin(self, changed: Iterable[FieldChange]) -> Place:
        """Where a change comes from: its first field, where none of them is said in the file that names the object."""
        places = [self.places.get(item.field, self.place) for item in changed]
        elsewhere = [place for place in places if place.file != self.place.file]
        return elsewhere[0] if elsewhere and len(elsewhere) == len(places) else self.place


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A read that failed: the object is unknown, which is not absent. `status` is 0 without an answer."""

    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field before and after, canonical; both None where it is secret, `before` alone where it is withheld.

    `references` says, as text, where a secret comes from.
    """

    field: str
    before: object = None
    after: object = None
    secret: bool = False
    withheld: bool = False
    references: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Risk:
    """A danger; `allow` is the address that `--allow` must name."""

    reason: RiskReason
    detail: str
    allow: str


@dataclass(frozen=True, slots=True)
class Change:
    """One object that is to be made, altered or removed.

    `protected`: the ledger remembers that Git said so. `rotate`: the server then changes the object's password.
    """

    action: Action
    kind: Kind
    address: Address
    params: Mapping[str, str]
    fields: tuple[FieldChange, ...] = ()
    owner: str = ""
    source: Place | None = None
    risk: Risk | None = None
    same_meaning: bool = False
    desired: Desired | None = None
    before: Live | None = field(default=None, repr=False)
    after: Values = field(default_factory=dict, repr=False)
    protected: bool = False
    rotate: bool = False

    @classmethod
    def of(
        cls,
        action: Action,
        desired: Desired,
        fields: tuple[FieldChange, ...],
        after: Values,
        before: Live | None = None,
    ) -> Change:
        """The change of a declared object."""
        return cls(
            action,
            desired.kind,
            desired.address,
            desired.params,
            fields,
            desired.owner,
            desired.place if action is Action.CREATE else desired.origin(fields),
            desired=desired,
            before=before,
            after=after,
        )


@dataclass(frozen=True, slots=True)
class Unmanaged:
    """Something on the server that no file declares; a mount counts its children where they can be listed."""

    kind: Kind
    address: Address
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Unverified:
    """A field that could not be compared, and why."""

    address: Address
    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class Blocked:
    """A declared object that could not be read, and so is left alone."""

    kind: Kind
    address: Address
    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class Held:
    """An object that the settings say to leave alone for now."""

    address: Address
    reason: str = ""
    until: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that an apply would do and everything that was seen; computed whole before the first write.

    `present` has the declared objects that are there already, `declared` those that the run looked at; `ledger` is what
    it will hold when all was looked at and nothing written. `claimed` says what belongs to other projects; `kept` has
    what is protected or held, whether the run looks at it or not, with the word for that.
    """

    server: Server
    changes: tuple[Change, ...] = ()
    unmanaged: tuple[Unmanaged, ...] = ()
    unverified: tuple[Unverified, ...] = ()
    blocked: tuple[Blocked, ...] = ()
    held: tuple[Held, ...] = ()
    notices: tuple[str, ...] = ()
    errors: tuple[Problem, ...] = ()
    unchanged: int = 0
    strict: bool = False
    present: tuple[Desired, ...] = field(default=(), repr=False)
    ledger: Ledger = field(default=NO_LEDGER, repr=False)
    declared: tuple[Desired, ...] = field(default=(), repr=False)
    claimed: tuple[Problem, ...] = ()
    kept: Mapping[Address, str] = field(default_factory=dict, repr=False)

    @property
    def strays(self) -> tuple[Unmanaged, ...]:
        """The undeclared objects that count as drift: with `strict`, all that live in no mount."""
        return tuple(item for item in self.unmanaged if item.kind.is_power) if self.strict else ()

    @property
    def differs(self) -> bool:
        """Whether the server differs from Git."""
        return bool(self.changes or self.strays)

    @property
    def complete(self) -> bool:
        """Whether everything that is declared could be read, and nothing was wrong."""
        return not self.blocked and not self.errors

    def count(self, action: Action) -> int:
        """How many changes have this action."""
        return sum(change.action is action for change in self.changes)


@dataclass(frozen=True, slots=True)
class TargetPlan:
    """The plan of one of several targets."""

    target: str
    plan: Plan

    @property
    def failed(self) -> bool:
        """Whether no server was found behind the address, or it ended the run: the plan then has errors alone."""
        return not self.plan.server.product


class Status(StrEnum):
    """How a change ended."""

    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One change after apply; `request_id` is Vault's, to be found in its audit log."""

    change: Change
    status: Status
    reason: str = ""
    request_id: str = ""
