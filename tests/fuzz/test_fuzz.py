"""A small run of every target in the normal suite; `make fuzz` is the large one."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st

from tests.fuzz.running import run
from tests.fuzz.targets import Target, targets

EXAMPLES = 60


@pytest.mark.parametrize("target", targets(), ids=lambda target: target.name.replace(" ", "-"))
def test_no_input_does_more_than_it_may(target: Target) -> None:
    tried, failure = run(target, 1, examples=EXAMPLES)

    assert failure == ""
    assert tried >= EXAMPLES


def test_a_failure_is_found_and_shown_with_its_seed() -> None:
    def fails(value: int) -> None:
        assert value < 100

    tried, failure = run(Target("x", st.integers(), fails), 7, examples=1000)

    assert tried > 1
    assert failure.startswith("FAILED with seed 7\n")
    assert "value=100" in failure


def test_the_time_ends_a_run_that_has_no_number_of_inputs() -> None:
    tried, failure = run(Target("x", st.integers(), lambda _: None), 7, seconds=0.01)

    assert failure == ""
    assert tried > 0
