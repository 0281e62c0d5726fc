"""Every field that a server returns is changed behind our back, found, and repaired."""

from __future__ import annotations

import pytest

from tests.support.climbing import Climb, climber
from tests.support.ladders import Climber, Mutation, Step, ladder_names

__all__ = ["climber"]


@pytest.mark.parametrize("name", ladder_names())
def test_a_field_changed_by_hand_is_named_by_the_plan_and_repaired_by_apply(name: str, climber: Climb) -> None:
    climbing = climber(name)
    climbing.make_raw()
    mutations = list(climbing.ladder.mutations(climbing.server))

    found = {mutation.field: _repaired(climbing, mutation) for mutation in mutations}

    assert found
    assert found == {mutation.field: mutation.expected for mutation in mutations}


def _repaired(climbing: Climber, mutation: Mutation) -> Step:
    """Bring the object into the state that is declared, change it by hand, and let apply repair it."""
    climbing.climb(mutation.wanted)
    climbing.mutate(mutation)
    return climbing.climb(mutation.wanted, allow=mutation.allow)
