"""Every kind walks up its ladder on a real server: plan, apply, nothing left to do, and exported as it is.

Each command runs with the policy that `permissions` prints for it, and with no other right.
"""

from __future__ import annotations

import pytest

from tests.support.climbing import Climb
from tests.support.ladders import ladder_names
from tests.support.least import LeastClimber


@pytest.mark.parametrize("name", ladder_names())
def test_at_each_rung_the_plan_names_just_the_expected_fields_and_is_empty_after_apply(
    name: str, climber: Climb
) -> None:
    climbing = climber(name, LeastClimber)
    rungs = list(climbing.ladder.rungs(climbing.server))

    walked = [climbing.climb(rung.wanted, allow=rung.allow) for rung in rungs]

    assert walked == [rung.expected for rung in rungs]
