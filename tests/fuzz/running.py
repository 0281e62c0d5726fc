"""Runs a target until its inputs or its time are used up."""

from __future__ import annotations

import time
import traceback
from typing import Any

from hypothesis import HealthCheck, given, seed, settings

from tests.fuzz.targets import Target, in_time

_ROUND = 500


def run(target: Target, first_seed: int, *, examples: int = 0, seconds: float = 0) -> tuple[int, str]:
    """Return how many inputs were tried, and the first failure in words ("" for none), the smallest that was found.

    `examples` inputs at most, or rounds until `seconds` have passed.
    """
    tried = 0
    end = time.monotonic() + seconds

    def attempt(value: Any) -> None:
        nonlocal tried
        tried += 1
        with in_time():
            target.check(value)

    number = first_seed
    while True:
        size = examples - tried if examples else _ROUND
        try:
            _round(target, attempt, number, size)
        except Exception:  # noqa: BLE001 - whatever a reader raises is what is looked for
            return tried, f"FAILED with seed {number}\n{traceback.format_exc(limit=-12)}"
        number += 1
        if (examples and tried >= examples) or (not examples and time.monotonic() > end):
            return tried, ""


def _round(target: Target, attempt: Any, number: int, size: int) -> None:
    checks = list(HealthCheck)
    bounded = settings(max_examples=size, deadline=None, database=None, suppress_health_check=checks, print_blob=False)
    seed(number)(bounded(given(target.inputs)(attempt)))()
