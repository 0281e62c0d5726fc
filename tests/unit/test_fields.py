from __future__ import annotations

import ipaddress
from pathlib import PurePosixPath
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultconf import fields
from vaultconf.durations import seconds
from vaultconf.fields import Codec, one_of
from vaultconf.references import Deferred, parse

WORD = st.text(alphabet="abcXYZ-_09é", min_size=1, max_size=8)


def codec(annotated: Any) -> Codec:
    found = annotated.__metadata__[0]
    assert isinstance(found, Codec)
    return found


def yaml(annotated: Any, value: object) -> object:
    return codec(annotated).read_yaml(value)


def wire(annotated: Any, value: object) -> object:
    return codec(annotated).from_wire(value)


# --- durations -----------------------------------------------------------------------------------------------


@given(st.integers(0, 9223372036))
def test_a_number_of_seconds_is_itself_however_it_is_written(number: int) -> None:
    assert {yaml(fields.Duration, number), yaml(fields.Duration, str(number)), seconds(f"{number}s")} == {number}


@given(st.integers(0, 100), st.integers(0, 1000), st.integers(0, 1000), st.integers(0, 1000))
def test_units_add_up(days: int, hours: int, minutes: int, rest: int) -> None:
    text = f"{days}d{hours}h{minutes}m{rest}s"

    assert yaml(fields.Duration, text) == days * 86400 + hours * 3600 + minutes * 60 + rest
    assert yaml(fields.Duration, text) == wire(fields.Duration, text)


@given(st.text(max_size=12))
def test_every_text_is_a_duration_or_refused_without_being_quoted(text: str) -> None:
    found: object = 0
    complaint = ""
    try:
        found = yaml(fields.Duration, text)
    except ValueError as error:
        complaint = str(error)

    assert isinstance(found, int)
    assert 0 <= found <= 9223372036
    assert len(text) < 3 or text not in complaint


@pytest.mark.parametrize(("text", "found"), [("1.5h", 5400), (".5m", 30), ("1500ms", 1), (" 1h ", 3600), ("0", 0)])
def test_fractions_are_cut_to_seconds(text: str, found: int) -> None:
    assert yaml(fields.Duration, text) == found


@pytest.mark.parametrize(
    "value", ["", "1", "h", "1h 30m", "-1h", "1x", "1H", "١h", "1e3", True, 1.5, -1, [], {}, "9999999999h", "9" * 5000]
)
def test_what_is_no_duration_is_refused(value: object) -> None:
    if value == "1":
        assert yaml(fields.Duration, value) == 1
        return

    with pytest.raises(ValueError, match=r"must be a duration|must not be negative|292 years"):
        yaml(fields.Duration, value)


# --- lists ---------------------------------------------------------------------------------------------------


@given(st.lists(WORD, max_size=6))
def test_a_list_and_its_text_with_commas_are_equal(words: list[str]) -> None:
    assert yaml(fields.Words, words) == yaml(fields.Words, ",".join(words)) == tuple(words)
    assert wire(fields.Words, words) == wire(fields.Words, ", ".join(words)) == tuple(words)


@given(st.lists(WORD, max_size=6), st.randoms())
def test_a_list_without_order_has_none(words: list[str], random: Any) -> None:
    shuffled = [*words, *words]
    random.shuffle(shuffled)

    assert yaml(fields.WordSet, shuffled) == yaml(fields.WordSet, words) == wire(fields.WordSet, shuffled)


@given(st.lists(WORD, max_size=6))
def test_folded_names_are_equal_whatever_their_case(words: list[str]) -> None:
    upper = [word.upper() for word in words]

    assert yaml(fields.FoldedSet, [word.lower() for word in upper]) == yaml(fields.FoldedSet, upper)


@given(st.lists(st.text(min_size=1, max_size=20), max_size=4))
def test_statements_are_never_split_nor_trimmed(statements: list[str]) -> None:
    assert yaml(fields.Statements, statements) == tuple(statements) == wire(fields.Statements, statements)


def test_a_statement_alone_is_a_list_of_one() -> None:
    assert yaml(fields.Statements, "a, b") == ("a, b",)


@pytest.mark.parametrize("value", [5, {"a": "b"}, [5], [None], [True], ["a,b"], ["a", ""], [["a"]], 1.5, True])
def test_what_is_no_list_of_texts_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"must be a list|has a comma|has an empty item"):
        yaml(fields.Words, value)


@given(st.ip_addresses(), st.data())
def test_a_network_reads_the_same_from_both_sides(address: Any, data: st.DataObject) -> None:
    bits = data.draw(st.integers(0, ipaddress.ip_address(address).max_prefixlen))
    text = f"{address}/{bits}"

    assert yaml(fields.Cidrs, [text]) == wire(fields.Cidrs, yaml(fields.Cidrs, [text]))
    assert yaml(fields.Networks, [text]) == wire(fields.Networks, yaml(fields.Networks, [text]))


def test_an_address_is_its_own_network_but_needs_a_mask_where_the_server_wants_one() -> None:
    assert yaml(fields.Cidrs, ["10.0.0.1/32"]) == yaml(fields.Cidrs, ["10.0.0.1"]) == ("10.0.0.1",)
    with pytest.raises(ValueError, match="must be networks with a mask"):
        yaml(fields.Networks, ["10.0.0.1"])
    with pytest.raises(ValueError, match="must be networks such as"):
        yaml(fields.Networks, ["10.0.0/99"])


def test_a_malformed_network_of_the_server_differs_from_any_that_can_be_written() -> None:
    assert wire(fields.Cidrs, ["10.0.0.1/99", "b"]) == ("10.0.0.1/99", "b")


# --- words, numbers, maps ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (fields.Text, 5), (fields.Text, True), (fields.Text, ["a"]), (fields.Flag, "true"), (fields.Flag, 1),
        (fields.Count, "5"), (fields.Count, True), (fields.Count, -1), (fields.Count, 1.0),
        (fields.PolicyText, ""), (fields.PolicyText, " \n"), (fields.PolicyText, 5),
        (fields.WordMap, "a"), (fields.WordMap, {"a": None}), (fields.WordMap, {"a": ["b"]}),
        (Annotated[str, one_of("a", "b")], "c"), (Annotated[str, one_of("a", "b")], 5),
    ],
)  # fmt: skip
def test_a_value_of_another_kind_is_refused(kind: Any, value: object) -> None:
    with pytest.raises(ValueError, match=r"must|is empty"):
        yaml(kind, value)


@pytest.mark.parametrize(
    "kind", [fields.Text, fields.Flag, fields.Count, fields.Duration, fields.Words, fields.WordMap, fields.PolicyText]
)
def test_nothing_is_no_value_of_any_field(kind: Any) -> None:
    with pytest.raises(ValueError, match="has no value"):
        yaml(kind, None)


@pytest.mark.parametrize("kind", [fields.Text, fields.Flag, fields.Count, fields.Duration, fields.Words, fields.Cidrs])
def test_a_reference_defers_a_field_of_any_kind(kind: Any) -> None:
    template = parse("${env:X}", PurePosixPath())

    assert yaml(kind, template) == Deferred(template)


@given(st.dictionaries(WORD, st.one_of(WORD, st.booleans(), st.integers())))
def test_a_map_of_words_reads_the_same_from_both_sides(value: dict[str, object]) -> None:
    assert (
        yaml(fields.WordMap, value) == wire(fields.WordMap, value) == wire(fields.WordMap, yaml(fields.WordMap, value))
    )


def test_a_word_out_of_a_list_is_suggested() -> None:
    with pytest.raises(ValueError, match="must be one of `service`, `batch`: did you mean `service`"):
        yaml(Annotated[str, one_of("service", "batch")], "servce")


@given(st.text(alphabet="ab \t\r\n#", max_size=40))
def test_policy_text_is_compared_without_white_space_at_the_ends_of_lines(text: str) -> None:
    canonical = fields.canonical_policy(text)

    assert fields.canonical_policy(canonical + "  \r\n\n") == canonical == fields.canonical_policy(canonical)
