"""The JSON of a plan and of an apply; published as JSON Schemas in `docs/schemas`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from vaultconf.errors import Place, Problem
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
    TargetPlan,
    Unmanaged,
    Unverified,
)
from vaultconf.permissions import Permissions
from vaultconf.report.views import is_secret, outcome_counts

#: The formats and their versions.
PLAN = "vaultconf.plan/1"
PLANS = "vaultconf.plans/1"
OUTCOME = "vaultconf.outcome/1"
PERMISSIONS = "vaultconf.permissions/1"

Json = dict[str, object]


def plan(plan: Plan) -> Json:
    """The whole plan, without any secret."""
    return {
        "format": PLAN,
        "complete": plan.complete,
        "server": server(plan.server),
        "changes": [change(item) for item in plan.changes],
        "unmanaged": [_unmanaged(item) for item in plan.unmanaged],
        "unverified": [_unverified(item) for item in plan.unverified],
        "blocked": [blocked(item) for item in plan.blocked],
        "held": [held(item) for item in plan.held],
        "access": [],
        "notices": list(plan.notices),
        "errors": [problem(item) for item in plan.errors],
        "summary": _summary(plan),
    }


def plans(found: Sequence[TargetPlan], errors: Iterable[Problem] = ()) -> Json:
    """The plans of several targets; `errors` is what ended the run before any of them was asked."""
    return {
        "format": PLANS,
        "complete": bool(found) and all(item.plan.complete for item in found),
        "plans": [{"target": item.target, **_of_target(item)} for item in found],
        "errors": [problem(item) for item in errors],
        "summary": _sums(_summary(item.plan) for item in found),
    }


def _of_target(item: TargetPlan) -> Json:
    return failure(PLAN, item.plan.errors) if item.failed else plan(item.plan)


def _sums(summaries: Iterable[Mapping[str, int]]) -> dict[str, int]:
    sums = _summary(Plan(Server("")))
    for summary in summaries:
        for name, many in summary.items():
            sums[name] = sums.get(name, 0) + many
    return sums


def outcome(outcomes: Sequence[Outcome], errors: Iterable[Problem] = ()) -> Json:
    """What became of every change of an apply."""
    return {
        "format": OUTCOME,
        "outcomes": [_outcome(item) for item in outcomes],
        "summary": outcome_counts(outcomes),
        "errors": [problem(item) for item in errors],
    }


def permissions(made: Permissions) -> Json:
    """A policy as text and as rules."""
    rules = [{"path": rule.path, "capabilities": list(rule.capabilities), "for": rule.group} for rule in made.rules]
    return {
        "format": PERMISSIONS,
        "command": made.run.value,
        "namespace": made.namespace,
        "policy": made.text,
        "rules": rules,
        "notices": list(made.notices),
        "errors": [],
    }


def failure(name: str, problems: Iterable[Problem]) -> Json:
    """The same object for a run that ended before it had anything; `name` is one of the formats."""
    if name == PLANS:
        return plans((), problems)
    if name == OUTCOME:
        return outcome((), problems)
    if name == PERMISSIONS:
        return {"format": PERMISSIONS, "policy": None, "errors": [problem(item) for item in problems]}
    return {**plan(Plan(Server(""), errors=tuple(problems))), "complete": False, "server": None}


def dump(document: Mapping[str, object]) -> str:
    """The document as text in ASCII, so that nothing in it can act on a terminal or, as `##…[`, on a CI log."""
    return json.dumps(document, indent=2).replace("##", "#\\u0023") + "\n"


def server(server: Server) -> Json:
    """Which server it was."""
    return {
        "product": server.product,
        "version": server.version,
        "address": server.address,
        "cluster_id": server.cluster_id,
    }


def change(change: Change) -> Json:
    """One change, without any secret."""
    found: Json = {
        "address": str(change.address),
        "kind": change.kind.name,
        "action": change.action.value,
        "owner": change.owner or None,
        "fields": [field(change, item) for item in change.fields],
        "source": place(change.source),
        "risk": _risk(change.risk),
    }
    return {**found, "meaning": "same"} if change.same_meaning else found


def field(change: Change, item: FieldChange) -> Json:
    """One field of a change; a secret's values are null."""
    if is_secret(change, item):
        secret: Json = {"field": item.field, "before": None, "after": None, "secret": True}
        return {**secret, "references": list(item.references)} if item.references else secret
    found: Json = {"field": item.field, "before": plain(item.before), "after": plain(item.after)}
    return {**found, "withheld": True} if item.withheld else found


def plain(value: object) -> object:
    """A canonical value in JSON's own types."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(map(plain, value), key=str)
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def place(at: Place | None) -> Json | None:
    """Where something is written, and of what a template makes where it is used; null for nowhere."""
    if at is None:
        return None
    found: Json = {"file": at.file, "line": at.line, "column": at.column}
    return {**found, "use": place(at.use)} if at.use else found


def _risk(risk: Risk | None) -> Json | None:
    return {"reason": risk.reason.value, "detail": risk.detail, "allow": risk.allow} if risk else None


def _unmanaged(item: Unmanaged) -> Json:
    found: Json = {"address": str(item.address), "kind": item.kind.name}
    return found if item.count is None else {**found, "count": item.count}


def _unverified(item: Unverified) -> Json:
    return {"address": str(item.address), "field": item.field, "reason": item.reason}


def blocked(item: Blocked) -> Json:
    """What could not be read."""
    return {"address": str(item.address), "kind": item.kind.name, "status": item.status, "reason": item.reason}


def held(item: Held) -> Json:
    """What is held."""
    return {"address": str(item.address), "reason": item.reason or None, "until": item.until or None}


def problem(problem: Problem) -> Json:
    """One complaint."""
    where = place(problem.place) or {"file": None, "line": None, "column": None}
    return {"message": problem.message, **where, "address": problem.address or None, "hint": problem.hint or None}


def _summary(plan: Plan) -> dict[str, int]:
    actions = (Action.CREATE, Action.UPDATE, Action.REPLACE, Action.DELETE)
    return {
        **{action.value: plan.count(action) for action in actions},
        **{action.value: many for action in (Action.MOVE, Action.ROTATE) if (many := plan.count(action))},
        "unchanged": plan.unchanged,
        "unmanaged": len(plan.unmanaged),
        "unverified": len(plan.unverified),
        "blocked": len(plan.blocked),
    }


def _outcome(item: Outcome) -> Json:
    return {
        "address": str(item.change.address),
        "action": item.change.action.value,
        "status": item.status.value,
        "reason": item.reason or None,
        "request_id": item.request_id or None,
    }
