"""Whom a plan would lock out: its own caller, and who must be able to repair in an emergency.

Pure: judges facts that `lockout_facts` has gathered. What the state after the plan allows is compared with what the
state before allows; only what a change takes away is a risk. What a login is bound to (addresses, claims) is not
simulated.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from vaultconf import acl
from vaultconf.acl import Acl, Source
from vaultconf.acl_identity import Identity
from vaultconf.caller import NOBODY, Caller
from vaultconf.kind import Kind
from vaultconf.lockout_identity import Membership, joined, name_of, newly_given, shut, still_given, taking
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

_DEFAULT: Final = "default"
#: The segment before the name of what gives policies to many logins of a mount.
_SHARED: Final = frozenset({"groups", "teams", "group"})
_MOST_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class Emergency:
    """Who must be able to log in and repair: what is known of it before the plan.

    entities: the names of the declared entities that have it as an alias.
    """

    address: Address
    mount: Address
    kind: Kind
    values: Values | Unreadable | None
    entities: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Facts:
    """What was asked for the judgement. `caller` is NOBODY where the plan touches nothing of it; `policies` by name,
    as they are now.
    """

    caller: Caller = NOBODY
    policies: Mapping[str, Found] = field(default_factory=dict)
    identity: Identity | None = None
    memberships: tuple[Membership, ...] = ()
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
    found: dict[Address, tuple[RiskReason, str]] = {}
    for address, needs in court.caller(facts.caller, plan.changes).items():
        found[address] = RiskReason.LOCKS_OUT, f"the caller of this run could no longer {_named(needs)}"
    for who in facts.emergencies:
        for address, why in court.emergency(who, plan.changes).items():
            found[address] = RiskReason.BREAK_GLASS, f"{who.address} (`break_glass`) {why}"
    changes = tuple(
        _with(change, *found[change.address]) if change.address in found else change for change in plan.changes
    )
    return replace(plan, changes=changes, notices=(*plan.notices, *facts.notices, *court.notices))


def _with(change: Change, reason: RiskReason, detail: str) -> Change:
    """A change with one more danger; the reason is that of the last."""
    before = f"{change.risk.detail}; " if change.risk is not None else ""
    return replace(change, risk=Risk(reason, before + detail, str(change.address)))


def _named(needs: Sequence[Need]) -> str:
    shown = list(dict.fromkeys(map(str, needs)))
    more = f" and {len(shown) - _MOST_NAMED} more" if len(shown) > _MOST_NAMED else ""
    return ", ".join(shown[:_MOST_NAMED]) + more


class _Court:
    """Judges one plan."""

    def __init__(self, server: Server, facts: Facts) -> None:
        self.server = server
        self.facts = facts
        self.notices: list[str] = []
        self.coming: Mapping[str, Found] = {}

    def caller(self, caller: Caller, changes: Sequence[Change]) -> dict[Address, list[Need]]:
        """What each change takes from the caller."""
        suspects = touching(caller, changes)
        names = later_names(caller, suspects)
        if not suspects or not self.readable(names, "this plan locks out its own caller"):
            return {}
        self.coming = _coming(changes, caller.policies)
        needs = [need for change in changes for need in to_undo(change)]
        before = self.acl(caller.policies, (), self.facts.identity)
        return blamed(suspects, lambda some: lost(needs, before, self.after(caller, some)))

    def after(self, caller: Caller, changes: Sequence[Change]) -> list[Acl]:
        """What the caller may do with its token, and after its next login."""
        given = self.given(caller, changes)
        if given is None:
            return [self.acl((), ())]
        later = _next_login(caller, changes)
        now = [self.acl(own | given, changes, self.facts.identity) for own in {caller.own, later}]
        return [*now, *self.taken_over(caller, later, changes)]

    def taken_over(self, caller: Caller, own: frozenset[str], changes: Sequence[Change]) -> Iterator[Acl]:
        """What the caller may do after its next login, where that will be the login of another entity."""
        identity = self.facts.identity
        entity = next((item.address for item in self.facts.memberships if not item.is_group), None)
        if identity is None or entity is None:
            return
        names = frozenset(alias.name for alias in identity.aliases.values())
        for change in taking(caller.mount.removeprefix("auth/"), names, entity, changes):
            given = newly_given([name_of(change.address)], changes) | policies_in(change.kind, change.after)
            yield self.acl(() if change.after.get("disabled") is True else own | given, changes)

    def given(self, caller: Caller, changes: Sequence[Change]) -> frozenset[str] | None:
        """The policies that come from entity and groups after some changes; None where the entity is shut out."""
        made = {change.address: change for change in changes}
        entity = next((item for item in self.facts.memberships if not item.is_group), None)
        if entity is None:
            return caller.given
        own = made.get(entity.address)
        if own is not None and (own.action in REMOVES or own.after.get("disabled") is True):
            return None
        kept: set[str] = set()
        for item in self.facts.memberships:
            kept |= still_given(item, made.get(item.address), entity.address)
        kept |= joined(entity.address, self.facts.memberships, changes)
        known = frozenset[str]().union(*(item.policies for item in self.facts.memberships))
        return (caller.given - known) | kept

    def emergency(self, who: Emergency, changes: Sequence[Change]) -> dict[Address, str]:
        """How each change keeps somebody from logging in and repairing."""
        found = dict(_closed(who, changes))
        if not isinstance(who.values, Mapping):
            return found
        before = policies_of_login(who.kind, who.values)
        suspects = [item for item in changes if item.address == who.address or policy_name(item) or _gives(who, item)]
        if not self.readable(
            emergency_names(who, changes), f"{who.address} (`break_glass`) can repair after this plan"
        ):
            return found
        self.coming = _coming(changes, before)
        at_first = self.acl(before, ())

        def losses(some: Sequence[Change]) -> list[Need]:
            own = next((item for item in some if item.address == who.address), None)
            held = before if own is None else policies_of_login(who.kind, own.after)
            # What an entity gives may be gone tomorrow; what it denies counts.
            denied = held | newly_given(who.entities, some)
            return lost(self.facts.repair, at_first, [self.acl(held, some), self.acl(denied, some)])

        for address, needs in blamed(suspects, losses).items():
            found.setdefault(address, f"could no longer {_named(needs)}")
        if missing := [need for need in self.facts.repair if not need.allowed(at_first)]:
            self.notices.append(f"{who.address} (`break_glass`) cannot {_named(missing)}, before this plan already")
        return found

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
        texts = {**self.facts.policies, **self.coming, **dict(rewritten(changes))}
        held = [texts.get(name) for name in names]
        return acl.build(
            [item for item in held if isinstance(item, Source)],
            self.server.product,
            self.server.version,
            identity=identity,
        )


def _coming(changes: Iterable[Change], held: frozenset[str]) -> dict[str, Found]:
    """The policies that the plan makes and that nobody held before: by themselves they change nothing.

    So that the change that gives one is judged by what it will say, and not the making of it.
    """
    made = (change for change in changes if change.action is Action.CREATE and policy_name(change) not in held)
    return dict(rewritten(made))


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


def later_names(caller: Caller, changes: Iterable[Change]) -> frozenset[str]:
    """Every policy that the caller holds, or may come to hold by some changes."""
    return caller.policies.union(*(policies_in(change.kind, change.after) for change in changes))


def _gives(who: Emergency, change: Change) -> bool:
    """Whether a change is of an entity or a group, which may give somebody a policy that denies."""
    return bool(who.entities) and change.address.path.startswith("identity/")


def emergency_names(who: Emergency, changes: Sequence[Change]) -> frozenset[str]:
    """Every policy that somebody holds, or comes to hold by some changes."""
    now = policies_of_login(who.kind, who.values) if isinstance(who.values, Mapping) else frozenset[str]()
    own = [change.after for change in changes if change.address == who.address]
    return now.union(*(policies_of_login(who.kind, values) for values in own), newly_given(who.entities, changes))


def _closed(who: Emergency, changes: Sequence[Change]) -> Iterator[tuple[Address, str]]:
    """What changes the way in itself."""
    for change in shut(who.entities, changes):
        yield change.address, "could no longer log in: its entity is disabled"
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
