"""When the password of a database's static role changes: by a period, or by a schedule with a window.

Source: Vault API, `/database/static-roles`; OpenBao 2.7.2 (period only), Vault 1.19.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from vaultconf import credentials
from vaultconf.http import Request
from vaultconf.kind import Kind, Steps, Write
from vaultconf.model import Action, Values

_RHYTHM = frozenset({"rotation_period", "rotation_schedule", "rotation_window"})
_SHORTEST_PERIOD = 5
_SHORTEST_WINDOW = 3600
#: Ten years: nothing is due while it stands.
_STAND_IN_PERIOD = 315_360_000


def check(values: Values) -> Iterator[str]:
    """What every server refuses."""
    period, schedule, window = (values.get(f"rotation_{name}") for name in ("period", "schedule", "window"))
    if bool(period) == bool(schedule):
        yield "give either `rotation_period` or `rotation_schedule`"
    if isinstance(period, int) and 0 < period < _SHORTEST_PERIOD:
        yield "`rotation_period` is at least 5 seconds"
    if isinstance(window, int) and 0 < window < _SHORTEST_WINDOW:
        yield "`rotation_window` is at least one hour"
    if window and not schedule:
        yield "`rotation_window` goes with `rotation_schedule`"


def one_rhythm(body: dict[str, object]) -> dict[str, object]:
    """Servers refuse the rhythm that is not used, even when it is sent to be unset."""
    return {name: value for name, value in body.items() if value or name not in _RHYTHM}


def write(kind: Kind, write: Write) -> Steps:
    """Vault takes a window with its schedule only, and none of 0: a period has to stand in for a moment."""
    window, schedule = "rotation_window", write.values.get("rotation_schedule")
    if schedule and window in write.send:
        if write.action is Action.UPDATE and not write.values[window]:
            needed = {name: write.values[name] for name in kind.always_sent}
            yield Request("POST", write.path, {**needed, "rotation_period": _STAND_IN_PERIOD})
        write = replace(write, send=write.send | {"rotation_schedule"})
    yield from credentials.write(kind, write)
