"""What all views say in the same way: fields, risks, places, groups and the summary of a Plan."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import get_args

from vaultconf.errors import Place, Problem
from vaultconf.fields import Codec, Duration, PolicyText
from vaultconf.model import (
    Action,
    Blocked,
    Change,
    FieldChange,
    Held,
    Outcome,
    Plan,
    Risk,
    Server,
    Status,
    TargetPlan,
    Unmanaged,
    Unverified,
)
from vaultconf.report.lines import SECRET, is_plain, item_diff, items_of, line_diff, prose, shown, visible

#: What stands before a change; in drift the server is compared with Git, so what it lacks is a minus.
SYMBOLS = {
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.MOVE: "→",
    Action.ROTATE: "↻",
    Action.REPLACE: "±",
    Action.DELETE: "-",
}
DRIFT_SYMBOLS = {**SYMBOLS, Action.CREATE: "-", Action.DELETE: "+"}
_SELDOM = (Action.MOVE, Action.ROTATE)
DRIFT_WORDS = {Action.CREATE: "missing on the server", Action.DELETE: "on the server, not in Git"}

_DURATION: Codec = get_args(Duration)[1]
_POLICY: Codec = get_args(PolicyText)[1]

# A list or map longer than this is shown item by item.
_INLINE = 60
# More undeclared mounts than this are counted.
_MOST_MOUNTS = 10


@dataclass(frozen=True, slots=True)
class FieldView:
    """One field as it is shown: both sides, or `after` alone where there is one side, or the lines of a diff.

    In drift `before` is Git's and `after` the server's.
    """

    name: str
    before: str = ""
    after: str = ""
    block: tuple[str, ...] = ()


def is_secret(change: Change, item: FieldChange) -> bool:
    """Whether the values of a field are not to be shown: marked so, or no plain data."""
    spec = change.kind.fields.get(item.field)
    marked = spec is not None and (spec.marks.secret or spec.marks.write_only)
    return item.secret or marked or not is_plain((item.before, item.after))


def field_views(change: Change, *, drift: bool = False) -> list[FieldView]:
    """The fields of a change, long ones last; none where drift says that the whole object is missing or strange."""
    if drift and change.action in DRIFT_WORDS:
        return []
    found = [_field_view(change, item, drift=drift) for item in change.fields]
    return sorted(found, key=lambda view: bool(view.block))


def _field_view(change: Change, item: FieldChange, *, drift: bool) -> FieldView:
    name = visible(item.field)
    if is_secret(change, item):
        return FieldView(name, after=_origin(item))
    codec = _codec(change, item.field)
    before, after = (item.after, item.before) if drift else (item.before, item.after)
    if not item.withheld and (block := block_of(before, after, codec)):
        return FieldView(name, block=block)
    old, new = (shown(value, duration=is_duration(codec)) for value in (before, after))
    if item.withheld:
        old, new = (old, SECRET) if drift else (SECRET, new)
    if change.action is Action.CREATE:
        return FieldView(name, after=new)
    return FieldView(name, after=old) if change.action is Action.DELETE else FieldView(name, old, new)


def _origin(item: FieldChange) -> str:
    """A secret by the names of what it is made of."""
    return f"{SECRET} from {visible(', '.join(item.references))}" if item.references else SECRET


def _codec(change: Change, name: str) -> Codec | None:
    spec = change.kind.fields.get(name)
    return spec.codec if spec else None


def is_duration(codec: Codec | None) -> bool:
    """Whether a number of this codec is seconds."""
    return codec is _DURATION


def block_of(before: object, after: object, codec: Codec | None) -> tuple[str, ...]:
    """The line diff of long texts, lists and maps; nothing for what is better shown in one line."""
    sides = [value for value in (before, after) if value is not None]
    if all(isinstance(value, str) for value in sides):
        if codec is _POLICY or any("\n" in str(value) for value in sides):
            return line_diff(str(before or ""), str(after or ""))
    elif not any(isinstance(value, str) for value in sides) and max(map(len, map(shown, sides))) > _INLINE:
        return item_diff(items_of(before, alone=True), items_of(after, alone=True))
    return ()


def risk_text(risk: Risk) -> str:
    """What a guarded change needs, and why."""
    detail = f" ({prose(risk.detail)})" if risk.detail else ""
    return f"needs --allow {visible(risk.allow)}: {risk.reason}{detail}"


def blocked_text(blocked: Blocked) -> str:
    """Why an object could not be read."""
    return f"{blocked.status} {prose(blocked.reason)}" if blocked.status else prose(blocked.reason)


def unverified_text(item: Unverified) -> str:
    """Which field could not be compared, and why."""
    return ": ".join(filter(None, (visible(item.field), prose(item.reason))))


def held_text(held: Held) -> str:
    """Why and for how long an object is left alone; "" where nobody said."""
    until = f"until {visible(held.until)}" if held.until else ""
    return ": ".join(filter(None, (until, prose(held.reason))))


def place_text(place: Place | None) -> str:
    """File and line, of a template with those of its use; the column is for editors and stays in the JSON."""
    if place is None:
        return ""
    written = f"{visible(place.file)}:{place.line}"
    return f"{written}, used at {place_text(place.use)}" if place.use else written


def problem_text(problem: Problem) -> tuple[str, str, str]:
    """Where, what, and what to do about it; the first and the last may be empty."""
    place = problem.place
    used = f"used at {place.use}" if place and place.use else ""
    hint = "; ".join(filter(None, (used, problem.hint)))
    return prose(str(place.written if place else problem.address)), prose(problem.message), prose(hint)


def server_text(server: Server) -> tuple[str, str]:
    """What it is, and its address."""
    return visible(f"{server.product} {server.version}".strip()), visible(server.address)


def place_of(server: Server) -> str:
    """What it is, and where; its address alone where nobody knows what it is."""
    return " at ".join(filter(None, server_text(server)))


def unmanaged_text(unmanaged: Sequence[Unmanaged], *, each: bool = False) -> list[str]:
    """Unmanaged objects: counted by collection, or `each`; mounts by name while they are few, with their contents."""
    if each:
        return sorted(visible(str(item.address)) + _inside(item) for item in unmanaged)
    many = Counter(_collection(item) for item in unmanaged)
    counted: dict[str, list[Unmanaged]] = {}
    single = []
    for item in unmanaged:
        collection = _collection(item)
        if not collection or (item.kind.is_mount and many[collection] <= _MOST_MOUNTS):
            single.append(visible(str(item.address)) + _inside(item))
        else:
            counted.setdefault(collection, []).append(item)
    return sorted(single) + [_counted(path, items) for path, items in sorted(counted.items())]


def _counted(path: str, items: Sequence[Unmanaged]) -> str:
    known = [item.count for item in items if item.count is not None]
    inside = f" ({things(sum(known), 'object')} in {'them' if len(items) > 1 else 'it'})" if known else ""
    return f"{len(items):,} unmanaged in {visible(path)}{inside}"


def _inside(item: Unmanaged) -> str:
    return "" if item.count is None else f" ({things(item.count, 'object')} in it)"


def _collection(item: Unmanaged) -> str:
    """The path that lists an object's siblings; "" for what is shown by itself: a configuration."""
    if not item.kind.named:
        return ""
    found = _template(item.kind.path).fullmatch(item.address.path)
    path = found[1] if found else item.address.path.rpartition("/")[0]
    return f"{item.address.namespace}/{path}" if item.address.namespace else path


@cache
def _template(path: str) -> re.Pattern[str]:
    """Match the paths of a kind; the group is the collection (names may hold a slash)."""
    pieces = re.split(r"\{\w+\}", path.rpartition("/")[0])
    return re.compile(f"({'.+?'.join(map(re.escape, pieces))})/.+", re.DOTALL)


def things(count: int, noun: str) -> str:
    """A number with its noun: `1 object`, `2 objects`."""
    return f"{count} {noun}" if count == 1 else f"{count:,} {noun}s"


def gaps(plan: Plan) -> str:
    """Why a plan is incomplete, as one loud sentence; "" for a complete one."""
    unread = f"{things(len(plan.blocked), 'object')} could not be read" if plan.blocked else ""
    wrong = things(len(plan.errors), "error") if plan.errors else ""
    return f"INCOMPLETE: {', '.join(filter(None, (unread, wrong)))}." if unread or wrong else ""


def summary(plan: Plan, *, drift: bool = False) -> str:
    """The counts of a plan in one line, without what `gaps` says."""
    if drift and plan.differs:
        return f"Drift: {_differences(plan)}.{_besides(plan)}"
    if not plan.changes:
        return f"{_nothing(plan, drift=drift)}{_besides(plan)}"
    shown = [action for action in SYMBOLS if action not in _SELDOM or plan.count(action)]
    counts = ", ".join(f"{plan.count(action):,} to {action}" for action in shown)
    rest = f"{plan.unchanged:,} unchanged, {len(plan.unmanaged):,} unmanaged, {len(plan.unverified):,} unverified"
    return f"Plan: {counts}; {rest}."


def target_result(item: TargetPlan, *, drift: bool = False) -> str:
    """What became of one of several targets, in one line; of what failed the first reason."""
    if not item.failed:
        return " ".join(filter(None, (gaps(item.plan), summary(item.plan, drift=drift))))
    first, *rest = item.plan.errors
    return f"FAILED: {prose(first.message)}{f' (and {len(rest)} more)' if rest else ''}"


def _differences(plan: Plan) -> str:
    verb = "differs" if len(plan.changes) == 1 else "differ"
    changed = [f"{things(len(plan.changes), 'object')} {verb} from Git"] if plan.changes else []
    verb = "is" if len(plan.strays) == 1 else "are"
    strays = [f"{things(len(plan.strays), 'object')} {verb} not in Git"] if plan.strays else []
    return ", ".join(changed + strays)


def _nothing(plan: Plan, *, drift: bool) -> str:
    found = "No drift" if drift else "No changes"
    if not plan.complete:
        return f"{found} among {things(plan.unchanged, 'object')} that could be compared."
    return f"{found}: {things(plan.unchanged, 'object')} {'is' if plan.unchanged == 1 else 'are'} as declared."


def _besides(plan: Plan) -> str:
    counts = {"unmanaged": len(plan.unmanaged), "unverified": len(plan.unverified), "held": len(plan.held)}
    listed = ", ".join(f"{count:,} {word}" for word, count in counts.items() if count)
    return f" {listed}." if listed else ""


def outcome_counts(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """How many changes ended in each way."""
    found = Counter(outcome.status for outcome in outcomes)
    return {status.value: found[status] for status in Status}


def outcome_summary(outcomes: Sequence[Outcome]) -> str:
    """The counts of an apply in one line."""
    if not outcomes:
        return "Nothing to apply."
    return f"Applied: {', '.join(f'{count} {word}' for word, count in outcome_counts(outcomes).items())}."


def outcome_text(outcome: Outcome) -> str:
    """How one change ended, and where to look for it in the audit log."""
    request = f" (request {visible(outcome.request_id)})" if outcome.request_id else ""
    reason = f": {prose(outcome.reason)}" if outcome.reason else ""
    return f"{outcome.status}{reason}{request}"
