"""The defaults in the models are the servers' own, and a server returns nothing that the models do not know."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.support.climbing import Climb
from tests.support.ladders import Climber, ladder_names
from vaultconf import pipeline


@pytest.mark.parametrize("name", ladder_names())
def test_an_object_made_with_the_least_it_needs_has_the_values_of_the_model(name: str, climber: Climb) -> None:
    climbing = climber(name)
    climbing.make_raw()
    climbing.declare(climbing.ladder.least)

    live = climbing.ladder.kind.live(climbing.answer(), climbing.server)
    completed = _completed(climbing)

    assert {field: live.values[field] for field in completed} == completed
    assert live.unknown == frozenset()
    assert climbing.planned() == ("", (), ())


@pytest.mark.parametrize("name", ladder_names())
def test_what_the_model_says_a_server_does_not_return_is_not_in_its_answer(name: str, climber: Climb) -> None:
    climbing = climber(name)
    climbing.make_raw()
    kind, server = climbing.ladder.kind, climbing.server
    for mutation in climbing.ladder.unseen(server):
        climbing.mutate(mutation)

    answer = kind.from_wire(climbing.answer())

    silent = [
        field for field, spec in kind.fields.items() if not (spec.exists_on(server) and spec.read_back_on(server))
    ]
    assert [field for field in silent if _holds(answer, field)] == []


def _completed(climbing: Climber) -> dict[str, object]:
    """The object's desired values that this server returns, defaults included."""
    _, state = pipeline.validate(climbing.project.root)
    desired = next(item for item in state.objects if str(item.address) == climbing.ladder.address)
    completed = desired.kind.completed(climbing.server, desired.params, desired.values)
    fields = desired.kind.fields
    return {name: value for name, value in completed.items() if fields[name].read_back_on(climbing.server)}


def _holds(answer: Mapping[str, object], field: str) -> bool:
    """Whether an answer has a value for a dotted name."""
    name, _, rest = field.partition(".")
    inner = answer.get(name)
    if rest:
        return isinstance(inner, Mapping) and _holds(inner, rest)
    return inner is not None
