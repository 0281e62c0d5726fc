"""Desired and live → a plan. Pure: takes values, returns a value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

from vaultconf import catalogue, guard, policy, remembering, rotating, sharing, unlisted
from vaultconf.answers import NO_NAMESPACE
from vaultconf.desired import DesiredState, unknown_to
from vaultconf.diff import Difference, compare, with_write_only, written_fields
from vaultconf.errors import Problem
from vaultconf.fingerprints import judged
from vaultconf.live import Reading
from vaultconf.model import (
    Action,
    Address,
    Blocked,
    Change,
    Desired,
    Held,
    Live,
    Plan,
    Server,
    Unmanaged,
    Unreadable,
    Unverified,
)
from vaultconf.naming import namespace_address, rank
from vaultconf.nouns import REMOVES
from vaultconf.references import Resolver
from vaultconf.scope import Scope
from vaultconf.sending import absences, unusable_values
from vaultconf.strangers import Stranger, foreign_mounts, mount_at, opened_mounts
from vaultconf.tables import fits, free_home, homes, mount_address, mount_values
from vaultconf.vanished import NOTHING, Vanished


def make(  # noqa: PLR0913 - one is a keyword
    state: DesiredState,
    reading: Reading,
    server: Server,
    scope: Scope,
    resolve: Resolver,
    *,
    vanished: Vanished = NOTHING,
) -> Plan:
    """Compare everything and return the plan, before obstacles are known."""
    planner = _Planner(reading, server, scope, resolve, vanished)
    looked_at = [desired for desired in state.objects if scope.covers(desired.address)]
    for desired in sorted(looked_at, key=rank):
        planner.declared(desired)
    planner.foreign(state, looked_at)
    planner.strangers(state)
    planner.unlisted(state)
    planner.unmatched(state)
    made = planner.plan(state.notices, unknown_to(server, looked_at))
    kept = guard.kept(made, state.objects, scope)
    return sharing.judged(replace(made, declared=tuple(looked_at), kept=kept), state.objects)


class _Planner:
    """Gathers one plan."""

    def __init__(self, reading: Reading, server: Server, scope: Scope, resolve: Resolver, vanished: Vanished) -> None:
        self.reading = reading
        self.vanished = vanished
        self.server = server
        self.scope = scope
        self.resolve = resolve
        self.changes: dict[Address, Change] = {}
        self.unmanaged: list[Unmanaged] = []
        self.unverified: list[Unverified] = []
        self.blocked: list[Blocked] = [*vanished.blocked]
        self.present: list[Desired] = []
        self.held: list[Held] = []
        self.notices: list[str] = [*vanished.notices, *remembering.notices(scope.ledger)]
        self.errors: list[Problem] = []
        self.homes: dict[tuple[str, Address], str] = {}
        self.unchanged = 0

    # --- what is declared: what holds others comes first, since what it becomes decides about what lives in it ---

    def declared(self, desired: Desired) -> None:
        """Compare one declared object."""
        if self.is_held(desired.address):
            return
        self.errors += unusable_values(desired, self.resolve)
        found = self.reading.objects[desired.address]
        if isinstance(found, Unreadable):
            self.block(desired, found.status, found.reason)
        elif reason := self.homeless(desired):
            self.block(desired, 0, reason)
        elif found is None or self.made_anew(desired):
            self.create(desired)
        elif desired.guidance.create_only:
            self.present.append(desired)
            self.unverified.append(Unverified(desired.address, "", "create_only: made once, then not compared"))
            self.unchanged += 1
        else:
            self.present.append(desired)
            self.compared(desired, found)

    def is_held(self, address: Address) -> bool:
        """Take note of the hold on an address, or of its end."""
        if not self.scope.settings.ignore:
            return False
        if (held := self.scope.held(address)) is not None:
            self.held.append(held)
            return True
        if ended := self.scope.ended(address):
            self.notices.append(ended)
        return False

    def block(self, desired: Desired, status: int, reason: str) -> None:
        self.blocked.append(Blocked(desired.kind, desired.address, status, reason))

    def homeless(self, desired: Desired) -> str:
        """Why an object has no place to live in when this plan is done; "" where it has, or nobody can tell."""
        if (home := desired.address.namespace) in self.reading.new and namespace_address(home) not in self.changes:
            return NO_NAMESPACE
        if desired.kind.anywhere and self.reading.objects[desired.address] is None:
            here = free_home(desired, self.reading.tables, self.changes)
            return "its mount is not there, and this run does not make it" if isinstance(here, Unreadable) else ""
        address = mount_address(desired.kind, desired.params, desired.address.namespace)
        if address is None:
            return ""
        key = (desired.kind.name, address)
        if key not in self.homes:
            self.homes[key] = self.home_problem(desired, address)
        return self.homes[key]

    def home_problem(self, desired: Desired, address: Address) -> str:
        mount = mount_values(self.reading.tables, desired.kind, desired.params, address.namespace, self.server)
        if isinstance(mount, Unreadable):
            return ""
        if (coming := self.changes.get(address)) is not None:
            # What a tune leaves alone (all but the tune of `token`) stays as it is.
            mount = {**(mount or {}), **coming.after}
        if mount is None:
            return f"its mount {address} is not there, and this run does not make it"
        if not fits(desired.kind, mount):
            return f"its mount {address} is of another type (`{mount.get('type')}`) or version"
        return ""

    def made_anew(self, desired: Desired) -> bool:
        """Whether the object goes with its mount, which is replaced."""
        return any((home := self.changes.get(at)) and home.action is Action.REPLACE for at in homes(desired))

    def create(self, desired: Desired) -> None:
        if desired.kind.always:
            # It comes into being with its mount, with the defaults.
            self.compared(desired, Live(desired.kind.completed(self.server, desired.params, {})), new=True)
            return
        fields = tuple(written_fields(desired, self.server))
        after = desired.kind.completed(self.server, desired.params, desired.values)
        change = Change.of(Action.CREATE, desired, fields, after)
        self.change(replace(change, rotate=rotating.is_wished(desired)))

    def compared(self, desired: Desired, live: Live, *, new: bool = False) -> None:
        difference = compare(desired, live, self.server, self.resolve)
        difference = judged(desired, difference, self.scope.ledger, self.server, self.resolve)
        first = new or (bool(difference.fields) and rotating.is_first(desired, live, self.server, self.scope.ledger))
        if first or (self.scope.resend and self.scope.resent(desired.address)):
            difference = with_write_only(desired, difference)
        else:
            difference = rotating.kept_back(desired, difference, self.scope.ledger)
        self.unverified += difference.unverified
        rotate = rotating.is_due(desired, self.scope.ledger) or (new and rotating.is_wished(desired))
        if not difference.fields and not rotate:
            self.unchanged += 1
            return
        action = _action(desired, live, difference)
        change = Change.of(action, desired, difference.fields, difference.after, live)
        self.change(replace(change, same_meaning=_same_meaning(difference), rotate=rotate))

    def change(self, change: Change) -> None:
        self.changes[change.address] = change
        self.errors += remembering.own_home(change, self.scope.ledger)
        self.unverified += absences(change, self.resolve)
        self.errors += rotating.unable(change, self.server)
        self.notices += rotating.notices(change)

    def foreign(self, state: DesiredState, looked_at: list[Desired]) -> None:
        """Mounts that are somebody else's must exist, as far as mounts can be read."""
        used = {
            mount_address(item.kind, item.params, item.address.namespace) for item in looked_at if item.kind.in_mount
        }
        for (namespace, section, mount), place in state.foreign.items():
            kind = catalogue.mount_kind(section)
            table = self.reading.tables.get((namespace, kind.name)) if kind is not None else None
            wanted = not self.scope.only or mount_at(namespace, section, mount) in used
            if wanted and isinstance(table, Mapping) and mount not in table:
                hint = "give it a `type` to have it made, or correct the name"
                self.errors.append(Problem(f"there is no mount `{section}.{mount}` on the server", place, hint))

    # --- what is not declared ---

    def strangers(self, state: DesiredState) -> None:
        """What nobody declares: deleted inside `prune`, else only reported; an undeclared mount with a count."""
        foreign = foreign_mounts(state)
        opened = opened_mounts(state)
        counts: dict[Address, int] = {}
        crowds: Counter[tuple[str, Address]] = Counter()
        kept: list[Stranger] = []
        for stranger in self.reading.strangers:
            if stranger.address in foreign or self.is_held(stranger.address):
                continue
            entry = self.vanished.there.get(stranger.address)
            if self.vanishes(stranger):
                self.changes[stranger.address] = stranger.deletion(protected=entry is not None and entry.protect)
            elif stranger.crowd is not None:
                crowds[stranger.kind.name, stranger.crowd] += 1
            elif stranger.mount is not None and stranger.mount not in opened:
                counts[stranger.mount] = counts.get(stranger.mount, 0) + 1
            else:
                kept.append(stranger)
        for stranger in kept:
            self.unmanaged.append(Unmanaged(stranger.kind, stranger.address, counts.get(stranger.address)))
        self.unmanaged += (Unmanaged(catalogue.all_kinds()[name], at, count) for (name, at), count in crowds.items())

    def vanishes(self, stranger: Stranger) -> bool:
        """Whether what nobody declares is to go: Git is the whole truth about it, or the ledger says it is ours."""
        if self.scope.ledger.holds(stranger.address):
            return False
        entry = self.vanished.there.get(stranger.address)
        if entry is not None and entry.owned:
            return True
        return stranger.crowd is None and stranger.kind.prunable and self.scope.pruned(stranger.address)

    def unlisted(self, state: DesiredState) -> None:
        """A collection that cannot be listed is unknown, not empty."""
        blocked, notices = unlisted.judged(self.reading.unlisted, opened_mounts(state), self.scope)
        self.blocked += blocked
        self.notices += notices

    def unmatched(self, state: DesiredState) -> None:
        """A pattern of the command line that covers nothing is likely a slip."""
        declared = [str(desired.address) for desired in state.objects]
        strange = [str(stranger.address) for stranger in self.reading.strangers]
        for option, patterns, there in (
            ("--only", self.scope.only, (*declared, *strange)),
            ("--resend", self.scope.resend, declared),
        ):
            for pattern in patterns:
                if not any(map(pattern.matches, there)):
                    self.notices.append(f"`{option} {pattern.text}` matches nothing that is declared or there")

    def plan(self, notices: tuple[str, ...], errors: Iterator[Problem]) -> Plan:
        for name, fields in sorted(self.reading.unknown_fields.items()):
            listed = ", ".join(f"`{field}`" for field in sorted(fields))
            self.notices.append(f"{name}: this version does not know, and does not compare, {listed}")
        self.notices += unlisted.rights(self.blocked)
        removed = {
            change.address for change in self.changes.values() if change.kind.is_mount and change.action in REMOVES
        }
        changes = [change for change in self.changes.values() if not _goes_with_mount(change, removed)]
        with_risks = guard.with_risks(changes, self.reading, self.scope.caller)
        return Plan(
            server=self.server,
            changes=tuple(sorted(with_risks, key=lambda change: str(change.address))),
            unmanaged=tuple(sorted(self.unmanaged, key=lambda item: str(item.address))),
            unverified=tuple(sorted(set(self.unverified), key=lambda item: (str(item.address), item.field))),
            blocked=tuple(sorted(self.blocked, key=lambda item: str(item.address))),
            held=tuple(sorted(set(self.held), key=lambda item: str(item.address))),
            notices=(*dict.fromkeys(notices), *sorted(set(self.notices) - set(notices))),
            errors=(*self.errors, *errors),
            unchanged=self.unchanged,
            present=tuple(self.present),
            ledger=remembering.settled(self.scope.ledger, self.present, self.vanished.forgotten),
        )


def _action(desired: Desired, live: Live, difference: Difference) -> Action:
    if not difference.fields:
        return Action.ROTATE
    return Action.REPLACE if _must_replace(desired, live, difference) else Action.UPDATE


def _must_replace(desired: Desired, live: Live, difference: Difference) -> bool:
    """Whether no update leads from live to desired."""
    kind = desired.kind
    fixed = any(kind.fields[name].marks.immutable for name in difference.changed)
    return fixed or not kind.alterable or kind.must_replace(live.values, difference.after)


def _same_meaning(difference: Difference) -> bool:
    """Whether only the text of a policy differs."""
    change = difference.fields[0] if len(difference.fields) == 1 else None
    if change is None or change.field != "policy" or change.secret or change.withheld:
        return False
    return policy.same_meaning(str(change.before), str(change.after))


def _goes_with_mount(change: Change, removed: set[Address]) -> bool:
    """Whether a delete is done by deleting or replacing the mount."""
    mount = mount_address(change.kind, change.params, change.address.namespace)
    return change.action is Action.DELETE and mount is not None and mount in removed and not change.protected
