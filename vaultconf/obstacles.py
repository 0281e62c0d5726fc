"""What this server cannot take, said at plan time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from vaultconf.errors import Problem
from vaultconf.kind import Obstacle
from vaultconf.model import Action, Change, Plan, Server

Probes = Mapping[str, Mapping[str, Any] | None]


def probes_for(plan: Plan) -> list[str]:
    """The paths whose answers tell whether the server can take the plan's changes."""
    return sorted({change.kind.probe for change in plan.changes if change.kind.probe and not _frees_a_mount(change)})


def with_obstacles(plan: Plan, probes: Probes) -> Plan:
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


def _frees_a_mount(change: Change) -> bool:
    """Whether a mount goes: that needs no plugin, and has no values to judge."""
    return change.action is Action.DELETE and change.kind.is_mount


def _obstacle(change: Change, server: Server, probes: Probes) -> str:
    if _frees_a_mount(change):
        return ""
    ask = Obstacle(change.action, server, change.params, change.after, probes.get(change.kind.probe))
    return change.kind.obstacle(ask)
