"""Desired and live → a plan. Pure: takes values, returns a value."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from vaultconf import catalogue, guard, policy
from vaultconf.address import Pattern
from vaultconf.desired import DesiredState, unknown_to
from vaultconf.diff import Difference, compare, with_write_only, written_fields
from vaultconf.errors import Problem
from vaultconf.kind import Obstacle
from vaultconf.live import Reading, Stranger
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
from vaultconf.references import Resolver
from vaultconf.settings import Settings, expired


@dataclass(frozen=True, slots=True)
class Scope:
    """What a run looks at: the settings, `--only`, and the day on which holds are judged."""

    settings: Settings
    only: tuple[Pattern, ...] = ()
    resend: tuple[Pattern, ...] = ()
    today: datetime.date = datetime.date.min

    def covers(self, address: Address) -> bool:
        """Whether the run looks at this address at all."""
        text = str(address)
        return self.settings.owned(text) and (not self.only or any(pattern.matches(text) for pattern in self.only))

    def resent(self, address: Address) -> bool:
        """Whether the write-only fields of this object are to be sent again."""
        return any(pattern.matches(str(address)) for pattern in self.resend)

    def held(self, address: Address) -> Held | None:
        """The hold on this address, if there is one today."""
        text = str(address)
        hold = next((hold for hold in self.settings.ignore if hold.holds(text, self.today)), None)
        return Held(address, hold.reason, hold.until.isoformat() if hold.until else "") if hold else None

    def pruned(self, address: Address) -> bool:
        """Whether Git is the whole truth about this address."""
        return any(pattern.reaches(address.namespace, str(address)) for pattern in self.settings.prune)


def make(state: DesiredState, reading: Reading, server: Server, scope: Scope, resolve: Resolver) -> Plan:
    """Compare everything and return the plan, before obstacles are known."""
    planner = _Planner(reading, server, scope, resolve)
    for desired in sorted(state.objects, key=lambda item: not item.kind.is_mount):
        if scope.covers(desired.address):
            planner.declared(desired)
    planner.foreign(state)
    planner.strangers(state)
    planner.unlisted()
    return planner.plan(state)


class _Planner:
    """Gathers one plan."""

    def __init__(self, reading: Reading, server: Server, scope: Scope, resolve: Resolver) -> None:
        self.reading = reading
        self.server = server
        self.scope = scope
        self.resolve = resolve
        self.changes: list[Change] = []
        self.unmanaged: list[Unmanaged] = []
        self.unverified: list[Unverified] = []
        self.blocked: list[Blocked] = []
        self.held: list[Held] = []
        self.notices: list[str] = []
        self.errors: list[Problem] = []
        self.replaced: set[Address] = set()
        self.unchanged = 0

    def declared(self, desired: Desired) -> None:
        """Compare one declared object."""
        if (held := self.scope.held(desired.address)) is not None:
            self.held.append(held)
            return
        self.expired(desired.address)
        found = self.reading.objects[desired.address]
        if isinstance(found, Unreadable):
            self.blocked.append(Blocked(desired.kind, desired.address, found.status, found.reason))
        elif found is None or self.in_replaced_mount(desired):
            self.create(desired)
        elif desired.guidance.create_only:
            self.unverified.append(Unverified(desired.address, "", "create_only: made once, then not compared"))
            self.unchanged += 1
        else:
            self.compared(desired, found)

    def expired(self, address: Address) -> None:
        hold = expired(self.scope.settings, str(address), self.scope.today)
        if hold is not None and hold.until is not None:
            why = f" ({hold.reason})" if hold.reason else ""
            self.notices.append(f"{address}: the hold ended on {hold.until.isoformat()}{why}")

    def in_replaced_mount(self, desired: Desired) -> bool:
        mounts = catalogue.mount_kind(desired.kind.section)
        if mounts is None or not desired.kind.in_mount:
            return False
        return Address(mounts.path_of(desired.params), desired.address.namespace) in self.replaced

    def create(self, desired: Desired) -> None:
        if desired.kind.always and not desired.values:
            # It comes into being with its mount, with the defaults that are wanted.
            self.unchanged += 1
            return
        action = Action.UPDATE if desired.kind.always else Action.CREATE
        fields = tuple(written_fields(desired, self.server))
        after = desired.kind.completed(self.server, desired.params, desired.values)
        self.changes.append(_change(action, desired, fields, after))

    def compared(self, desired: Desired, live: Live) -> None:
        difference = compare(desired, live, self.server, self.resolve)
        if self.scope.resent(desired.address):
            difference = with_write_only(desired, difference)
        self.unverified += difference.unverified
        if not difference.fields:
            self.unchanged += 1
            return
        action = Action.REPLACE if self.must_replace(desired, live, difference) else Action.UPDATE
        if action is Action.REPLACE and desired.kind.is_mount:
            self.replaced.add(desired.address)
        change = _change(action, desired, difference.fields, difference.after, live)
        self.changes.append(replace(change, same_meaning=_same_meaning(difference)))

    def must_replace(self, desired: Desired, live: Live, difference: Difference) -> bool:
        kind = desired.kind
        fixed = any(kind.fields[name].marks.immutable for name in difference.changed)
        return fixed or not kind.alterable or kind.must_replace(live.values, difference.after)

    def foreign(self, state: DesiredState) -> None:
        """Mounts that are somebody else's must exist, as far as mounts can be read."""
        for (namespace, section, mount), place in state.foreign.items():
            kind = catalogue.mount_kind(section)
            table = self.reading.tables.get((namespace, kind.name)) if kind is not None else None
            if isinstance(table, Mapping) and mount not in table:
                hint = "give it a `type` to have it made, or correct the name"
                self.errors.append(Problem(f"there is no mount `{section}.{mount}` on the server", place, hint))

    def strangers(self, state: DesiredState) -> None:
        """What nobody declares: deleted inside `prune`, else only reported; an undeclared mount with a count."""
        opened = {desired.address for desired in state.objects} | set(_addresses(state))
        counts: dict[Address, int] = {}
        kept: list[Stranger] = []
        for stranger in self.reading.strangers:
            if not self.scope.covers(stranger.address):
                continue
            if (held := self.scope.held(stranger.address)) is not None:
                self.held.append(held)
            elif self.scope.pruned(stranger.address):
                self.delete(stranger)
            elif self.in_unopened_mount(stranger, opened) and stranger.mount is not None:
                counts[stranger.mount] = counts.get(stranger.mount, 0) + 1
            else:
                kept.append(stranger)
        for stranger in kept:
            self.unmanaged.append(Unmanaged(stranger.kind, stranger.address, counts.get(stranger.address)))

    def in_unopened_mount(self, stranger: Stranger, opened: set[Address]) -> bool:
        mounts = catalogue.mount_kind(stranger.kind.section)
        builtin = mounts is not None and stranger.params.get("mount") in mounts.builtin
        return stranger.mount is not None and stranger.mount not in opened and not builtin

    def delete(self, stranger: Stranger) -> None:
        self.changes.append(Change(Action.DELETE, stranger.kind, stranger.address, stranger.params))

    def unlisted(self) -> None:
        """A collection that cannot be listed is unknown, not empty."""
        for kind, address, reason in self.reading.unlisted:
            if any(_may_lie_in(pattern, address) for pattern in self.scope.settings.prune):
                self.blocked.append(Blocked(kind, address, reason.status, f"cannot be listed: {reason.reason}"))
            else:
                self.notices.append(f"{address} cannot be listed, so strangers there are unknown: {reason.reason}")

    def plan(self, state: DesiredState) -> Plan:
        for name, fields in sorted(self.reading.unknown_fields.items()):
            listed = ", ".join(f"`{field}`" for field in sorted(fields))
            self.notices.append(f"{name}: this version does not know, and does not compare, {listed}")
        mounts_going = {
            change.address for change in self.changes if change.action is Action.DELETE and change.kind.is_mount
        }
        changes = [change for change in self.changes if not _goes_with_mount(change, mounts_going)]
        return Plan(
            server=self.server,
            changes=tuple(sorted(guard.with_risks(changes, self.reading), key=lambda change: str(change.address))),
            unmanaged=tuple(sorted(self.unmanaged, key=lambda item: str(item.address))),
            unverified=tuple(self.unverified),
            blocked=tuple(self.blocked),
            held=tuple(dict.fromkeys(self.held)),
            notices=(*state.notices, *self.notices),
            errors=(*self.errors, *unknown_to(self.server, state.objects)),
            unchanged=self.unchanged,
        )


def _change(
    action: Action, desired: Desired, fields: tuple[Any, ...], after: Mapping[str, object], live: Live | None = None
) -> Change:
    return Change(
        action=action,
        kind=desired.kind,
        address=desired.address,
        params=desired.params,
        fields=fields,
        owner=desired.owner,
        source=desired.place,
        desired=desired,
        before=live,
        after=after,
    )


def _same_meaning(difference: Difference) -> bool:
    """Whether only the text of a policy differs."""
    if len(difference.fields) != 1 or difference.fields[0].field != "policy":
        return False
    change = difference.fields[0]
    return policy.same_meaning(str(change.before), str(change.after))


def _addresses(state: DesiredState) -> Iterator[Address]:
    for namespace, section, mount in state.foreign:
        kind = catalogue.mount_kind(section)
        if kind is not None:
            yield Address(kind.path_of({"mount": mount}), namespace)


def _goes_with_mount(change: Change, going: set[Address]) -> bool:
    mounts = catalogue.mount_kind(change.kind.section)
    if change.action is not Action.DELETE or mounts is None or not change.kind.in_mount:
        return False
    return Address(mounts.path_of(change.params), change.address.namespace) in going


def _may_lie_in(pattern: Pattern, collection: Address) -> bool:
    """Whether a pattern can cover a member of a collection."""
    return pattern.reaches(collection.namespace, f"{collection}/x") or pattern.text.startswith(f"{collection}/")


def probes_for(plan: Plan) -> list[str]:
    """The paths whose answers tell whether the server can take the plan's changes."""
    return sorted(
        {change.kind.probe for change in plan.changes if change.kind.probe and change.action is not Action.DELETE}
    )


def with_obstacles(plan: Plan, probes: Mapping[str, Mapping[str, Any] | None]) -> Plan:
    """The plan with an error for every change that this server cannot take."""
    found = [
        Problem(f"{change.action} {change.address}: {reason}", change.source, address=str(change.address))
        for change in plan.changes
        if (reason := _obstacle(change, plan.server, probes))
    ]
    unknown = [
        f"{path} cannot be read: whether this server takes the changes is not known"
        for path, data in probes.items()
        if data is None
    ]
    return replace(plan, errors=(*plan.errors, *found), notices=(*plan.notices, *unknown))


def _obstacle(change: Change, server: Server, probes: Mapping[str, Mapping[str, Any] | None]) -> str:
    ask = Obstacle(change.action, server, change.params, change.after, probes.get(change.kind.probe))
    return change.kind.obstacle(ask)
