"""Every field that a server returns is changed behind our back, found, and repaired."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

from tests.support.climbing import Climb
from tests.support.ladders import Climber, Mutation, Step, ladder_names


@pytest.mark.parametrize("name", ladder_names())
def test_a_field_changed_by_hand_is_named_by_the_plan_and_repaired_by_apply(name: str, climber: Climb) -> None:
    climbing = climber(name)
    climbing.make_raw()
    mutations = list(climbing.ladder.mutations(climbing.server))

    found = dict(_repaired(climbing, mutations))

    assert found
    assert found == {mutation.field: mutation.expected for mutation in mutations}


def _repaired(climbing: Climber, mutations: Iterable[Mutation]) -> Iterator[tuple[str, Step]]:
    """For each field: bring the object into the state that is declared, change it by hand, let apply repair it."""
    declared = None
    for mutation in mutations:
        if mutation.wanted != declared:
            climbing.climb(mutation.wanted)
        declared = mutation.wanted
        climbing.mutate(mutation)
        yield mutation.field, climbing.climb(mutation.wanted, allow=mutation.allow)
