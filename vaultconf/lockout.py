"""Whom a plan would lock out: its own caller, and who must be able to repair in an emergency.

Pure: judges facts that `lockout_facts` has gathered. What the state after the plan allows is compared with what the
state before allows; only what a change takes away is a risk. What a login is bound to (addresses, claims) is not
simulated.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from vaultconf import acl
from vaultconf.acl import Acl, Source
from vaultconf.acl_identity import Identity
from vaultconf.caller import NOBODY, Caller
from vaultconf.kind import Kind
from vaultconf.model import Action, Address, Change, Plan, Risk, RiskReason, Server, Unreadable, Values
from vaultconf.nouns import REMOVES
from vaultconf.rights import (
    Found,
    Need,
    blamed,
    lost,
    policies_in,
    policies_of_login,
    policy_name,
    rewritten,
    to_undo,
)
from vaultconf.standing import NO_PERSON, Person, Standing, concerning, next_entity, policies_ever, standing

_DEFAULT: Final = "default"
#: The segment before the name of what gives policies to many logins of a mount.
_SHARED: Final = frozenset({"groups", "teams", "group"})
_MOST_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class Emergency:
    """Who must be able to log in and repair: what is known of it before the plan.

    `person` is None where its entity cannot be read, NO_PERSON where no entity can be told to be its own.
    """

    address: Address
    mount: Address
    kind: Kind
    values: Values | Unreadable | None
    person: Person | None = NO_PERSON


@dataclass(frozen=True, slots=True)
class Facts:
    """What was asked for the judgement. `caller` is NOBODY where the plan touches nothing of it; `policies` by name,
    as they are now; `person` is None where the caller's entity cannot be read.
    """

    caller: Caller = NOBODY
    policies: Mapping[str, Found] = field(default_factory=dict)
    person: Person | None = None
    emergencies: tuple[Emergency, ...] = ()
    repair: tuple[Need, ...] = ()
    notices: tuple[str, ...] = ()


def touching(caller: Caller, changes: Iterable[Change]) -> list[Change]:
    """The changes that may alter what the caller may do; none for the root token."""
    if caller.is_root or caller == NOBODY:
        return []
    return [change for change in changes if not change.address.namespace and _touches(caller, change)]


def _touches(caller: Caller, change: Change) -> bool:
    path = change.address.path
    if path.startswith("identity/"):
        return bool(caller.entity)
    return caller.depends_on(path) or _is_shared(caller, path)


def _is_shared(caller: Caller, path: str) -> bool:
    """Whether an object gives policies to many who log in where the caller did."""
    inside = path.removeprefix(f"{caller.mount}/")
    return bool(caller.mount) and inside != path and not _SHARED.isdisjoint(inside.split("/")[:-1])


def judged(plan: Plan, facts: Facts) -> Plan:
    """The plan with the risks of locking somebody out."""
    court = _Court(plan.server, facts)
    found: list[tuple[Address, RiskReason, str]] = [
        (address, RiskReason.LOCKS_OUT, f"the caller of this run could no longer {_named(needs)}")
        for address, needs in court.caller(facts.caller, plan.changes).items()
    ]
    for who in facts.emergencies:
        for address, why in court.emergency(who, plan.changes).items():
            found.append((address, RiskReason.BREAK_GLASS, f"{who.address} (`break_glass`) {why}"))
    changes = tuple(_with(change, found) for change in plan.changes)
    return replace(plan, changes=changes, notices=(*plan.notices, *facts.notices, *court.notices))


def _with(change: Change, found: Iterable[tuple[Address, RiskReason, str]]) -> Change:
    """A change with the dangers that were found at its address; the reason is that of the last."""
    for address, reason, detail in found:
        if address == change.address:
            before = f"{change.risk.detail}; " if change.risk is not None else ""
            change = replace(change, risk=Risk(reason, before + detail, str(address)))
    return change


def _named(needs: Sequence[Need]) -> str:
    shown = list(dict.fromkeys(map(str, needs)))
    more = f" and {len(shown) - _MOST_NAMED} more" if len(shown) > _MOST_NAMED else ""
    return ", ".join(shown[:_MOST_NAMED]) + more


@dataclass(frozen=True, slots=True)
class _Guest:
    """An emergency's user or role as it is there, and who; `first`: the entity that the plan gives who has none."""

    who: Emergency
    values: Values
    person: Person
    first: str

    @property
    def held(self) -> frozenset[str]:
        """The policies that it holds before the plan."""
        return self.own(()) | self.given(()).policies

    def own(self, changes: Iterable[Change]) -> frozenset[str]:
        """The policies of its login after some changes."""
        made = next((change.after for change in changes if change.address == self.who.address), self.values)
        return policies_of_login(self.who.kind, made)

    def given(self, changes: Sequence[Change]) -> Standing:
        """What the entity of its next login gives after some changes."""
        return standing(self.person, next_entity(self.person, changes) or self.first, changes)

    def is_shut(self, changes: Sequence[Change]) -> bool:
        """Whether its entity lets it in no more."""
        return self.given(changes).shut


class _Court:
    """Judges one plan."""

    def __init__(self, server: Server, facts: Facts) -> None:
        self.server = server
        self.facts = facts
        self.notices: list[str] = []

    def caller(self, caller: Caller, changes: Sequence[Change]) -> dict[Address, list[Need]]:
        """What each change takes from the caller."""
        person = self.facts.person
        suspects = suspected(caller, person, changes)
        names = later_names(caller, person, suspects)
        if not suspects or not self.readable(names, "this plan locks out its own caller"):
            return {}
        needs = [need for change in changes for need in to_undo(change)]
        identity = None if person is None else standing(person, person.entity).identity
        before, coming = self.acl(caller.policies, (), identity), coming_policies(changes, caller.policies)
        return blamed(suspects, lambda some: lost(needs, before, self.after(caller, [*some, *coming])))

    def after(self, caller: Caller, changes: Sequence[Change]) -> list[Acl]:
        """What the caller may do with its token, and after its next login."""
        later, person = _next_login(caller, changes), self.facts.person
        if person is None:
            return [self.acl(own | caller.given, changes) for own in (caller.own, later)]
        known = standing(person, person.entity).policies
        then = next_entity(person, changes)
        return [
            self.acl((), ())
            if (held := standing(person, name, changes)).shut
            else self.acl(own | (caller.given - known) | held.policies, changes, held.identity)
            for own, name in ((caller.own, person.entity), (later, then))
        ]

    def emergency(self, who: Emergency, changes: Sequence[Change]) -> dict[Address, str]:
        """How each change keeps somebody from logging in and repairing."""
        found = dict(_closed(who, changes))
        if not isinstance(who.values, Mapping):
            return found
        question = f"{who.address} (`break_glass`) can repair after this plan"
        if not self.readable(emergency_names(who, changes), question):
            return found
        person = who.person or NO_PERSON
        if not self.readable(policies_ever(person, changes), f"its entity's policies and groups let {question}"):
            person = NO_PERSON
        guest = _Guest(who, who.values, person, "" if person.entity else next_entity(person, changes))
        suspects = [item for item in changes if item.address == who.address or policy_name(item) in guest.held]
        suspects += concerning(person, changes)
        coming = coming_policies(changes, guest.held)
        before = self.allowing(guest, ())
        held = [need for need in self.facts.repair if _all_allow(before, need)]

        def losses(some: Sequence[Change]) -> list[Need]:
            if guest.is_shut(some) and not guest.is_shut(()):
                return [Need("log in at", who.mount.path.removeprefix("sys/"))]
            return lost(held, before[0], self.allowing(guest, [*some, *coming]))

        for address, needs in blamed(suspects, losses).items():
            found.setdefault(address, f"could no longer {_named(needs)}")
        if missing := [need for need in self.facts.repair if need not in held]:
            self.notices.append(f"{who.address} (`break_glass`) cannot {_named(missing)}, before this plan already")
        return found

    def allowing(self, guest: _Guest, changes: Sequence[Change]) -> list[Acl]:
        """What must each allow what somebody does in an emergency: what it holds by itself, and all that it holds."""
        own, given = guest.own(changes), guest.given(changes)
        if given.shut:
            return [self.acl((), ())]
        return [self.acl(own, changes), self.acl(own | given.policies, changes, given.identity)]

    def readable(self, names: Iterable[str], question: str) -> bool:
        """Whether all these policies are known; else a notice says what is not."""
        dark = sorted(
            name for name in names if name != _DEFAULT and isinstance(self.facts.policies.get(name), Unreadable)
        )
        if dark:
            self.notices.append(f"whether {question} is not known: the policy `{dark[0]}` cannot be read")
        return not dark

    def acl(self, names: Iterable[str], changes: Sequence[Change], identity: Identity | None = None) -> Acl:
        """What the holder of some policies may do after some changes."""
        texts = {**self.facts.policies, **dict(rewritten(changes))}
        held = [texts.get(name) for name in names]
        return acl.build(
            [item for item in held if isinstance(item, Source)],
            self.server.product,
            self.server.version,
            identity=identity,
        )


def _next_login(caller: Caller, changes: Iterable[Change]) -> frozenset[str]:
    """The policies that the caller gets by itself when it logs in again."""
    own = caller.own
    for change in changes:
        if policy_name(change) or change.address.path.startswith("identity/"):
            continue
        is_login = caller.depends_on(change.address.path)
        if is_login and change.action is Action.DELETE:
            return frozenset()
        before, after = (change.before.values if change.before is not None else {}), change.after
        given = policies_of_login if is_login else policies_in
        own = own - (given(change.kind, before) - given(change.kind, after))
        own |= given(change.kind, after) if is_login else frozenset()
    return own


def suspected(caller: Caller, person: Person | None, changes: Sequence[Change]) -> list[Change]:
    """The changes that may alter what the caller may do, less those of entities and groups that are not its own."""
    own = None if person is None else {change.address for change in concerning(person, changes)}
    return [
        change
        for change in touching(caller, changes)
        if own is None or not change.address.path.startswith("identity/") or change.address in own
    ]


def coming_policies(changes: Iterable[Change], held: Container[str]) -> list[Change]:
    """The changes of policies that somebody does not hold yet: whatever gives them is to blame for what they say."""
    return [change for change in changes if (name := policy_name(change)) and name not in held]


def later_names(caller: Caller, person: Person | None, changes: Sequence[Change]) -> frozenset[str]:
    """Every policy that the caller holds, or may come to hold by some changes."""
    logins = (change for change in changes if person is None or not change.address.path.startswith("identity/"))
    given = frozenset[str]() if person is None else policies_ever(person, changes)
    return (caller.policies | given).union(*(policies_in(change.kind, change.after) for change in logins))


def emergency_names(who: Emergency, changes: Iterable[Change]) -> frozenset[str]:
    """Every policy that somebody holds by itself, or comes to hold by some changes."""
    now = policies_of_login(who.kind, who.values) if isinstance(who.values, Mapping) else frozenset[str]()
    own = [change.after for change in changes if change.address == who.address]
    return now.union(*(policies_of_login(who.kind, values) for values in own))


def _all_allow(acls: Iterable[Acl], need: Need) -> bool:
    return all(need.allowed(acl) for acl in acls)


def _closed(who: Emergency, changes: Iterable[Change]) -> Iterator[tuple[Address, str]]:
    """What changes the way in itself."""
    for change in changes:
        if change.address == who.address and change.action in REMOVES:
            yield change.address, "could no longer log in"
        elif change.address == who.mount and change.action in REMOVES:
            yield change.address, "could no longer log in: it goes with its auth method"
        elif change.address == who.address and change.action is Action.UPDATE and (other := _about_login(change)):
            yield change.address, f"logs in by what is changed here: {', '.join(other)}"


def _about_login(change: Change) -> list[str]:
    """The fields of a change that say how to log in, as far as they can be told from what a login gives."""
    given = ("token_policies", "policies", "token_ttl", "token_max_ttl", "token_period", "alias_metadata")
    return sorted({item.field for item in change.fields if item.field.partition(".")[0] not in given})
