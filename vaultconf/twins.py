"""Targets that are one place, where each undoes what the other does. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from vaultconf.errors import Problem
from vaultconf.http import server_at
from vaultconf.settings import Settings, Target
from vaultconf.yaml_text import shown


def variant(target: Target) -> str:
    """What makes the files say something else for one target than for another."""
    values = {name: word.value for name, word in sorted(target.vars.items())}
    return repr((values, [word.value for word in target.overlays]))


def problems(settings: Settings) -> Iterator[Problem]:
    """Targets of one address and namespace for which the files say different things, where something is deleted.

    Those that differ in their login are meant: a plan and an apply may log in by different ones.
    """
    first: dict[object, Target] = {}
    for target in settings.targets.values() if settings.ledger or settings.prune else ():
        if target.address:
            other = first.setdefault((server_at(target.address), target.namespace or ""), target)
            if variant(other) != variant(target):
                yield _problem(other, target, "`ledger`" if settings.ledger else "`prune`")


def _problem(first: Target, second: Target, by: str) -> Problem:
    both = f"`{shown(second.name)}` and `{shown(first.name)}` are one server and namespace with different files"
    hint = f"first at {first.place}; give each a `namespace` or an `address` of its own"
    return Problem(f"the targets {both}: by {by}, each deletes what the other made", second.place, hint)
