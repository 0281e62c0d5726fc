"""What may not happen without a person naming it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from vaultconf.address import Pattern
from vaultconf.errors import Problem
from vaultconf.live import Reading
from vaultconf.model import Action, Change, Plan, Risk, RiskReason, Unreadable
from vaultconf.settings import Settings

_REMOVES = frozenset({Action.DELETE, Action.REPLACE})


def with_risks(changes: Iterable[Change], reading: Reading) -> tuple[Change, ...]:
    """The changes with the danger of each, if any."""
    changes = tuple(changes)
    return tuple(replace(change, risk=_risk(change, changes, reading)) for change in changes)


def _risk(change: Change, changes: tuple[Change, ...], reading: Reading) -> Risk | None:
    kind, address = change.kind, str(change.address)
    if change.action not in _REMOVES:
        return None
    if kind.only_last and _others_remain(change, changes, reading):
        return None
    if kind.destroys is not None:
        return Risk(kind.destroys, f"deleting it loses {kind.loses}", address)
    if change.action is Action.REPLACE:
        loses = f", with {kind.loses}" if kind.loses else ""
        return Risk(RiskReason.REMOVES_ACCESS, f"it is deleted and made anew{loses}", address)
    return None


def _others_remain(change: Change, changes: tuple[Change, ...], reading: Reading) -> bool:
    """Whether an object of the kind is there all the time that this one is not."""
    table = reading.tables.get((change.address.namespace, change.kind.name))
    if table is None or isinstance(table, Unreadable):
        return False
    name = change.kind.holes[-1]
    gone = {other.params[name] for other in changes if other.kind is change.kind and other.action in _REMOVES}
    return bool(table.keys() - gone)


def refusals(plan: Plan, allow: Iterable[Pattern], settings: Settings, max_deletes: int | None = None) -> list[Problem]:
    """Why this plan may not be applied; empty where it may."""
    allow = tuple(allow)
    found = [problem for change in plan.changes for problem in _refused(change, allow)]
    limit = settings.max_deletes if max_deletes is None else max_deletes
    deletes = sum(change.action in _REMOVES for change in plan.changes)
    if deletes > limit:
        found.append(
            Problem(
                f"{deletes} deletes are more than the limit of {limit}", hint="check the plan, then use --max-deletes"
            )
        )
    if settings.max_changes is not None and len(plan.changes) > settings.max_changes:
        hint = "check the plan, then raise `limits.changes`"
        found.append(
            Problem(f"{len(plan.changes)} changes are more than the limit of {settings.max_changes}", hint=hint)
        )
    return found


def _refused(change: Change, allow: tuple[Pattern, ...]) -> Iterable[Problem]:
    address = str(change.address)
    protected = change.desired is not None and change.desired.guidance.protect
    if protected and change.action in _REMOVES:
        yield Problem("is protected (`vaultconf: {protect: true}`)", change.source, address=address,
                      hint="take the protection out in a commit of its own")  # fmt: skip
    elif change.risk is not None and not any(pattern.matches(change.risk.allow) for pattern in allow):
        hint = f"if that is meant: --allow {change.risk.allow}"
        yield Problem(f"{change.action} {address}: {change.risk.detail}", address=address, hint=hint)
