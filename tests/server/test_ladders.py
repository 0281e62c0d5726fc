"""Every kind walks up its ladder on a real server: plan, apply, and nothing left to do.

On the first rung, the one with most fields and the last, each command runs with the policy that `permissions` prints for
it and with no other right, and the object is exported as it is.
"""

from __future__ import annotations

import pytest

from tests.support.climbing import Climb
from tests.support.ladders import Climber, Ladder, Rung, dotted, ladder_names
from tests.support.least import LeastClimber


@pytest.mark.parametrize("name", ladder_names())
def test_at_each_rung_the_plan_names_just_the_expected_fields_and_is_empty_after_apply(
    name: str, climber: Climb
) -> None:
    least = climber(name, LeastClimber)
    freely = Climber(least.ladder, least.project, least.raw)
    rungs = list(least.ladder.rungs(least.server))
    telling = {0, len(rungs) - 1, richest(least.ladder, rungs)}

    walked = [
        (least if number in telling else freely).climb(rung.wanted, allow=rung.allow)
        for number, rung in enumerate(rungs)
    ]

    assert walked == [rung.expected for rung in rungs]


def richest(ladder: Ladder, rungs: list[Rung]) -> int:
    """The number of the rung with most fields."""
    return max(range(len(rungs)), key=lambda number: len(dotted(ladder.kind, rungs[number].wanted)))
