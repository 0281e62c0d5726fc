"""What `permissions` prints is enough, and no line of it is too much."""

from __future__ import annotations

import pytest

from tests.support.climbing import Climb
from tests.support.ladders import ladder_names
from tests.support.least import LeastClimber


@pytest.mark.parametrize("name", ladder_names())
def test_every_ladder_is_climbed_with_the_printed_policies_alone(name: str, climber: Climb) -> None:
    climbing = climber(name, LeastClimber)
    rungs = list(climbing.ladder.rungs(climbing.server))

    walked = [climbing.climb(rung.wanted, allow=rung.allow) for rung in rungs]

    assert walked == [rung.expected for rung in rungs]
