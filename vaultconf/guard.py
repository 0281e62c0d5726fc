"""What may not happen without a person naming it, and what may not happen at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from vaultconf.address import Pattern, covered
from vaultconf.caller import NOBODY, Caller
from vaultconf.errors import Problem
from vaultconf.ledger import goes_with
from vaultconf.live import Reading
from vaultconf.model import Action, Address, Change, Desired, Plan, Risk, RiskReason, Unreadable
from vaultconf.nouns import REMOVES
from vaultconf.scope import Scope
from vaultconf.settings import Settings

_UNPROTECT = "take the protection out in a commit of its own"
_MOST_CLAIMS = 20
_PROTECTED, HELD = "protected", "held (`ignore`)"
_RECLAIM = "declare it again, take the protection out in a commit of its own, and apply that first"


def with_risks(changes: Iterable[Change], reading: Reading, caller: Caller = NOBODY) -> tuple[Change, ...]:
    """The changes with the danger of each, if any; `caller` is whose token would carry them out."""
    changes = tuple(changes)
    inside = Counter(stranger.mount for stranger in reading.strangers)
    return tuple(
        # What a move endangers was judged when it was found.
        change
        if change.action is Action.MOVE
        else replace(change, risk=_risk(change, changes, reading, inside) or _other(change, caller))
        for change in changes
    )


def _other(change: Change, caller: Caller) -> Risk | None:
    """The danger of removing what the caller needs; of a change, what was found of a password that others share."""
    return _own_way_in(change, caller) if change.action in REMOVES else change.risk


def _own_way_in(change: Change, caller: Caller) -> Risk | None:
    """The danger of removing what this very run logs in with, or what lets it do its work."""
    if change.address.namespace or not caller.depends_on(change.address.path):
        return None
    return Risk(RiskReason.LOCKS_OUT, "the caller of this run logs in or works with it", str(change.address))


def _risk(
    change: Change, changes: tuple[Change, ...], reading: Reading, inside: Counter[Address | None]
) -> Risk | None:
    kind, address = change.kind, str(change.address)
    if change.action not in REMOVES or (kind.only_last and _others_remain(change, changes, reading)):
        return None
    if kind.destroys is not None:
        count = inside[change.address]
        more = f"; {count} object{'s' if count > 1 else ''} in it that no file declares" if count else ""
        return Risk(kind.destroys, f"deleting it loses {kind.loses}{more}", address)
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
    gone = {other.params[name] for other in changes if other.kind is change.kind and other.action in REMOVES}
    return bool(table.keys() - gone)


def refusals(plan: Plan, allow: Iterable[Pattern], settings: Settings, max_deletes: int | None = None) -> list[Problem]:
    """Why this plan may not be applied; empty where it may."""
    allow = tuple(allow)
    found = [problem for change in plan.changes for problem in _refused(change, allow)]
    return [*plan.claimed, *found, *_inside_removed(plan), *_beyond_limits(plan, settings, max_deletes)]


def notices(plan: Plan, settings: Settings) -> list[str]:
    """What a plan says of the refusals that no `--allow` lifts, so that nobody approves in vain."""
    protected = [problem for change in plan.changes for problem in _protected(change)]
    lasting = [*protected, *_inside_removed(plan), *_beyond_limits(plan, settings, None)]
    claims = [f"{problem.message}: apply refuses it; {problem.hint}" for problem in plan.claimed[:_MOST_CLAIMS]]
    if len(plan.claimed) > _MOST_CLAIMS:
        claims.append(f"{len(plan.claimed) - _MOST_CLAIMS} more addresses belong to other projects")
    return [
        *claims,
        *(
            f"{f'{problem.address}: ' if problem.address else ''}{problem.message}: apply refuses it; {problem.hint}"
            for problem in lasting
        ),
    ]


def _beyond_limits(plan: Plan, settings: Settings, max_deletes: int | None) -> Iterator[Problem]:
    limit = settings.max_deletes if max_deletes is None else max_deletes
    deletes = sum(change.action in REMOVES for change in plan.changes)
    if deletes > limit:
        hint = "check the plan, then use --max-deletes, or raise `limits.deletes`"
        yield Problem(f"{deletes} deletes are more than the limit of {limit}", hint=hint)
    if settings.max_changes is not None and len(plan.changes) > settings.max_changes:
        hint = "check the plan, then raise `limits.changes`, or apply a part with --only"
        yield Problem(f"{len(plan.changes)} changes are more than the limit of {settings.max_changes}", hint=hint)


def _refused(change: Change, allow: tuple[Pattern, ...]) -> Iterator[Problem]:
    if protected := list(_protected(change)):
        yield from protected
    elif change.risk is not None and not covered(allow, change.risk.allow):
        hint = f"if that is meant: --allow {change.risk.allow}"
        yield Problem(f"{change.action}: {change.risk.detail}", change.source, hint, str(change.address))


def _protected(change: Change) -> Iterator[Problem]:
    if change.action in REMOVES and _is_protected(change):
        message = f"{change.action}: it is protected (`vaultconf: {{protect: true}}`)"
        hint = _UNPROTECT if change.desired is not None else _RECLAIM
        yield Problem(message, change.source, hint, str(change.address))


def _is_protected(change: Change) -> bool:
    return change.protected or (change.desired is not None and change.desired.guidance.protect)


def kept(made: Plan, declared: Iterable[Desired], scope: Scope) -> dict[Address, str]:
    """What may not go with its mount or namespace, also where `--only` leaves it out; nothing where none is removed."""
    if not any(change.action in REMOVES for change in made.changes):
        return {}
    ignored = (hold.pattern.text for hold in scope.settings.ignore if not {"+", "*"} & set(hold.pattern.text))
    declared = tuple(declared)
    addresses = (*map(Address, ignored), *(item.address for item in declared))
    return {
        **{address: HELD for address in addresses if scope.held(address) is not None},
        **{address: _PROTECTED for address, entry in made.ledger.entries.items() if entry.protect},
        **{item.address: _PROTECTED for item in declared if item.guidance.protect},
    }


def _inside_removed(plan: Plan) -> Iterator[Problem]:
    """What would go with its mount or namespace although it is protected, or to be left alone."""
    places = {change.address: change.source for change in plan.changes}
    inside = dict.fromkeys((change.address for change in plan.changes if _is_protected(change)), _PROTECTED)
    inside |= dict.fromkeys((held.address for held in plan.held), HELD)
    inside = {**plan.kept, **inside}
    for removed in (change for change in plan.changes if change.action in REMOVES):
        for address, why in inside.items():
            if goes_with(address, removed.address):
                message = f"{removed.action} {removed.address}: {address} in it is {why}"
                hint = _UNPROTECT if why == _PROTECTED else "end the hold first"
                yield Problem(message, places.get(address, removed.source), hint, str(address))
