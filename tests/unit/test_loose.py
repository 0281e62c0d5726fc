"""Values of any shape are compared by what they mean, whichever way either side spells them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultconf.loose import MISSING, is_nothing, read, same, unreturned

SCALARS = st.one_of(
    st.text(),
    st.integers(),
    st.booleans(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["1h", "90m", "a,b", "10.50", "{}", '{"a": [1, 2]}', "[1]", "false", "0", "-0", "1h30m", "{", ","]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
WORDS = st.text("abcxyz", min_size=1, max_size=4)


@given(VALUES)
def test_a_value_is_the_same_as_itself(value: Any) -> None:
    assert same(value, value)
    assert same(json.loads(json.dumps(value)), read(value))
    assert list(unreturned(value, value)) == []


@given(SCALARS | st.lists(SCALARS, max_size=4), SCALARS | st.lists(SCALARS, max_size=4))
def test_it_does_not_matter_which_side_has_which_spelling(one: Any, other: Any) -> None:
    assert same(one, other) == same(other, one)


@given(st.integers(0, 10**6))
def test_a_number_of_seconds_has_many_spellings(seconds: int) -> None:
    hours, rest = divmod(seconds, 3600)
    spellings = [seconds, float(seconds), str(seconds), f"{seconds}s", f"{seconds}.0", f"{hours}h{rest}s"]

    assert all(same(one, other) for one in spellings for other in spellings)
    assert not any(same(one, seconds + 1) or same(seconds + 1, one) for one in spellings)


@given(st.lists(WORDS, min_size=2, max_size=5, unique=True), st.randoms())
def test_a_list_is_the_same_in_any_order_and_as_text_with_commas(words: list[str], chance: Any) -> None:
    shuffled = chance.sample(words, len(words))

    spellings = [words, shuffled, ",".join(words), ", ".join(shuffled), [*words, words[0]]]

    assert all(same(words, one) and same(one, words) for one in spellings)
    assert not any(same(words[1:], one) or same(one, words[1:]) for one in spellings)


@given(st.dictionaries(WORDS, VALUES, min_size=1, max_size=4), st.dictionaries(WORDS, VALUES, max_size=4))
def test_of_a_map_only_the_written_keys_count(written: dict[str, Any], others: dict[str, Any]) -> None:
    assert same({**others, **written}, written)


@pytest.mark.parametrize(
    ("live", "wanted"),
    [
        (3600, "1h"),
        ("1h0m0s", 3600),
        (3_600_000_000_000, "1h"),
        (0.5, "500ms"),
        ("10", 10.0),
        (True, "true"),
        (["a"], "a"),
        (None, ""),
        (None, []),
        ([], ""),
        ({}, []),
        (0, "0s"),
        (False, {}),
        ({"a": 0, "b": ""}, {}),
        ({"a": {"b": ["y", "x"], "c": 1}}, {"a": {"b": "x,y"}}),
        ([{"n": "b", "x": 1}, {"n": "a"}], [{"n": "a"}, {"n": "b"}]),
        ({"n": 1}, [{"n": "1"}]),
        ('{"b":[1],"a":1}', '{\n "a": 1, "b": [1]}'),
        ('{"a": 1, "b": 2}', {"a": 1}),
        ("line\n", "line"),
        ("a, b", "a,b"),
    ],
)
def test_these_mean_the_same(live: object, wanted: object) -> None:
    assert same(live, wanted)
    assert list(unreturned(live, wanted)) == []


@pytest.mark.parametrize(
    ("live", "wanted"),
    [
        (3600, "2h"),
        (3_600_000_000_001, "1h"),
        (1, True),
        ("1", True),
        ("010", "10"),
        (0, "x"),
        (None, "x"),
        ("", 5),
        ("500ms", "0s"),
        (["a", "b"], ["a"]),
        (["a"], ["a", "b"]),
        ("a,b", "a"),
        ("cn=a,dc=b", "dc=b,cn=a"),
        ({"a": 1}, {}),
        ({}, {"a": 1}),
        ({"a": {"b": 1}}, {"a": {"b": 2}}),
        ({"a": 1}, "a"),
        (["a"], [{"a": 1}]),
        ([{"n": "a"}], [{"n": "a"}, {"n": "b"}]),
        ('{"a": 1, "b": 2}', '{"a": 1}'),
        ("[" * 5000, ["a"]),
        ("Admin", "admin"),
    ],
)
def test_these_do_not(live: object, wanted: object) -> None:
    assert not same(live, wanted)


@pytest.mark.parametrize(
    ("live", "wanted", "names"),
    [
        (MISSING, "x", [""]),
        (MISSING, {"a": {"b": 1}}, [""]),
        (MISSING, 0, []),
        (MISSING, {"a": False}, []),
        ({"a": 1}, {"a": 1, "b": "x", "c": ""}, ["b"]),
        ({"a": {"x": 1}}, {"a": {"x": 1, "y": 2}}, ["a.y"]),
        ([{"n": 1}], [{"n": 1, "secret": "x"}], ["secret"]),
        ('{"a": 1}', {"a": 1, "b": 2}, ["b"]),
    ],
)
def test_what_no_answer_holds_is_named_and_is_no_difference(live: object, wanted: object, names: list[str]) -> None:
    assert same(live, wanted)
    assert list(unreturned(live, wanted)) == names


@pytest.mark.parametrize("value", [{"a": None}, [None], {"a": [{"b": None}]}])
def test_null_is_refused_at_any_depth_without_quoting_anything(value: object) -> None:
    with pytest.raises(ValueError, match=r"^has an entry without a value: leave it out$"):
        read(value)


@pytest.mark.parametrize("value", ["x", 1, True, ["a"], {"a": 1}, "1s", [0, 1]])
def test_what_is_something_is_not_nothing(value: object) -> None:
    assert not is_nothing(value)
