"""Every kind walks up its ladder on a real server: plan, apply, and nothing left to do."""

from __future__ import annotations

import pytest

from tests.support.climbing import Climb
from tests.support.ladders import ladder_names


@pytest.mark.parametrize("name", ladder_names())
def test_at_each_rung_the_plan_names_just_the_expected_fields_and_is_empty_after_apply(
    name: str, climber: Climb
) -> None:
    climbing = climber(name)
    rungs = list(climbing.ladder.rungs(climbing.server))

    walked = [climbing.climb(rung.wanted, allow=rung.allow) for rung in rungs]

    assert walked == [rung.expected for rung in rungs]
