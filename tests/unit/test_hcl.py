from __future__ import annotations

import pytest

from vaultconf.hcl import parse
from vaultconf.hcl_nodes import MAX_DEPTH, HclError, Item, Lines, ListNode, ObjectNode, Scalar, integer, text_of
from vaultconf.hcl_values import ObjectValue, Value, group, merged_value


def value_of(text: str) -> Value | None:
    return merged_value(group(parse(text).items)["v"])


def only_item(text: str) -> Item:
    (item,) = parse(text).items
    return item


@pytest.mark.parametrize("comment", ["# c", "// c", "/* c */", "/* a\n * b **/", "# a\r\n// b", "/**/"])
def test_comments_of_all_kinds_are_skipped(comment: str) -> None:
    text = f'{comment}\nv = "x" {comment}\n{comment}'

    assert value_of(text) == "x"


@pytest.mark.parametrize("text", ["/* open", "/*/", "/ c", "-- c", "; c", "v = <EOT\nx\nEOT\n"])
def test_what_only_resembles_a_comment_or_heredoc_is_refused(text: str) -> None:
    with pytest.raises(HclError):
        parse(text)


@pytest.mark.parametrize(
    ("literal", "expected"),
    [
        ('"a"', "a"),
        ('""', ""),
        (r'"\x41\102\u0043\U00000044\n\"\\"', 'ABCD\n"\\'),
        (r'"\ud83d"', "\ufffd"),
        ('"${a("b")}"', '${a("b")}'),
        ('"a${x {y} }b${z}c"', "a${x {y} }b${z}c"),
        ('"${a\nb}"', "${a\nb}"),
        (r'"${\"}\t"', '${\\"}\t'),
        ('"$5 {}"', "$5 {}"),
        ("0x1F", 31),
        ("010", 8),
        ("-5", -5),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("2.", 2.0),
        (".5", 0.5),
        ("true", True),
        ("<<EOT\nhello\nEOT\n", "hello\n"),
        ("<<EOT\r\nhello\r\nEOT\r\n", "hello\r\n"),
        ("<<-EOT\n    a\n      b\n    EOT\n", "a\n  b\n"),
        ("<<-EOT\n a\n   EOT\n", " a\n"),
        ('["a", 1, [true], { k = "v" }]', ("a", 1, (True,), ObjectValue((("k", "v"),)))),
        ('[,"a",,"b",]', ("a", "b")),
        ('[["a"] "b"]', (("a",), "b")),
    ],
)
def test_a_literal_has_the_value_that_the_servers_give_it(literal: str, expected: Value) -> None:
    found = value_of(f"v = {literal}")

    assert repr(found) == repr(expected)


@pytest.mark.parametrize(
    "literal",
    [
        *(r'"\q"', r'"\/"', r"'a'", '"a', '"a\nb"', '"${a"', r'"\x4"', '["a" "b"]', "[a]", "null", "`a`", "“a”"),
        *(
            "018",
            "08",
            "v",
            "1 = 2",
            "<<EOT \nx\nEOT\n",
            '<<"EOT"\nx\nEOT\n',
            "<<\nx\n\n",
            "<<EOT\nx\n",
            "<<-EOT\nx\nEOT\n",
        ),
    ],
)
def test_a_malformed_literal_is_refused(literal: str) -> None:
    with pytest.raises(HclError):
        parse(f"v = {literal}")


@pytest.mark.parametrize("literal", ["99999999999999999999", "1e999", "1e", r'"\777"', r'"\U00110000"'])
def test_a_literal_beyond_what_the_servers_hold_is_refused_when_it_is_read(literal: str) -> None:
    item = only_item(f"v = {literal}")

    with pytest.raises(HclError):
        merged_value([item.value])


@pytest.mark.parametrize(
    "text", ["a\x00b", "# \ue123", "# \ud800", "\ufeff", "a\u00a0= 1", "a\f= 1", "², = 1", "é² = 1"]
)
def test_a_character_that_no_text_may_hold_is_refused(text: str) -> None:
    with pytest.raises(HclError):
        parse(text)


def test_letters_of_any_alphabet_make_a_key() -> None:
    item = only_item("capabilitiés-1.x = 1")

    assert text_of(item.keys[0]) == "capabilitiés-1.x"


def test_a_block_keeps_its_labels_and_an_attribute_says_that_it_is_one() -> None:
    block, attribute = parse('path "a" b { }, "n" = 1').items

    assert [text_of(key) for key in block.keys] == ["path", "a", "b"]
    assert (block.assigned, attribute.assigned) == (False, True)
    assert isinstance(block.value, ObjectNode)


@pytest.mark.parametrize("text", ["", "foo =", "a = 1 path =", " \r\n\t"])
def test_a_text_may_end_after_an_equals_sign_and_loses_what_stood_before_it(text: str) -> None:
    keys = [text_of(item.keys[0]) for item in parse(text).items]

    assert "foo" not in keys
    assert "path" not in keys


@pytest.mark.parametrize(
    ("text", "offset"),
    [('path "x" = {}', 9), ("a", 1), ("a {", 2), ("a = [", 4), ("a = }", 4), (",", 0), ("a { , }", 4)],
)
def test_a_syntax_error_says_where(text: str, offset: int) -> None:
    with pytest.raises(HclError) as caught:
        parse(text)

    assert caught.value.offset == offset


def test_attributes_given_twice_in_one_object_are_told_and_blocks_are_not() -> None:
    document = parse('a = 1\na = 2\n"a" = 3\nb {}\nb {}\nc = { d = 1, d = 2 }\ne = [{ f = 1, f = 2 }]')

    assert [(key.raw, key.offset) for key in document.repeated] == [("a", 6), ("d", 43), ("f", 65)]


@pytest.mark.parametrize(("opening", "middle", "closing"), [("[", "", "]"), ("{ a = ", "1", "}")])
def test_a_hundred_levels_are_read_and_more_than_the_bound_are_refused(opening: str, middle: str, closing: str) -> None:
    document = parse(f"v = {opening * 100}{middle}{closing * 100}")

    assert merged_value([document.items[0].value]) is not None
    with pytest.raises(HclError, match="deeper"):
        parse(f"v = {opening * 100_000}")


def test_json_that_nests_too_deep_is_refused() -> None:
    deep = '{"a":' * (MAX_DEPTH + 1)

    with pytest.raises(HclError, match="deeper"):
        parse(deep)


@pytest.mark.parametrize(
    "text",
    [
        '{"v": "x"}',
        ' \r\n{"v": "x"',
        '{"v": "x"} zzz',
        '{"v": "x"}{"w": 1}',
        '{"v": "x",}',
        '{"v": "x" "w": 1}',
        '{"v": "x", "w":',
        '{"v": "x", "w": ["a"}',
        '{"v": "x"}\x00\\',
        r'{"\u0076": "\x78"}',
        r'{"v": "\x78", "\x41${}"',
    ],
)
def test_json_may_end_anywhere_and_whatever_follows_is_dropped(text: str) -> None:
    keys = group(parse(text).items)

    assert set(keys) == {"v"}
    assert merged_value(keys["v"]) == "x"


@pytest.mark.parametrize(
    "text",
    [
        *("{'v': 1}", '{"v": x}', '{"v": /* c */ 1}', '{"v": "\\/"}', '{"v": 01}', '{"v" 1}', "{: 1}", '{"v": [null]}'),
        *('{"v": ["a"', '{"v": "a', '{"v": "a\nb"}', '{"v": .}', '{"v": ,}', '{"v": é}', "{?"),
    ],
)
def test_json_that_no_server_reads_is_refused(text: str) -> None:
    with pytest.raises(HclError):
        parse(text)


def test_json_lists_forget_truth_values_and_inner_brackets() -> None:
    item = only_item('{"v": [true, ["a", 1.5]]}')

    assert merged_value([item.value]) == ("a", 1.5)


def test_json_null_is_an_empty_text() -> None:
    assert value_of('{"v": null}') == ""


def test_json_objects_of_objects_become_blocks_with_labels() -> None:
    items = parse('{"path": [{"x": {"a": 1}}, {"y": {"b": {"c": [{"d": 1}]}}}], "e": {}}').items

    assert [[text_of(key) for key in item.keys] for item in items] == [["path", "x"], ["path", "y", "b"], ["e"]]


def test_a_surrogate_escape_in_json_is_refused_when_it_is_read() -> None:
    item = only_item(r'{"v": "\ud83d"}')

    with pytest.raises(HclError, match="escape"):
        merged_value([item.value])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('v = "a"\nv = 5', "5"),
        ("v = 5\nv = 6", 6),
        ('v = 5\nv = "6"', 6),
        ("v = true\nv = false", False),
        ("v = 1.5\nv = 2", 2.0),
        ('v = ["a"]\nv = ["b"]', ("a", "b")),
        ("v { k = 1 }", (ObjectValue((("k", 1),)),)),
    ],
)
def test_a_value_given_twice_is_merged_in_the_kind_of_the_first(text: str, expected: Value) -> None:
    assert repr(value_of(text)) == repr(expected)


@pytest.mark.parametrize(
    "text", ['v = 5\nv = "1m"', "v = true\nv = 1", "v = 1.5\nv = true", "v = []\nv = 1", 'v = "a"\nv = []']
)
def test_a_value_given_twice_in_kinds_that_do_not_fit_is_refused(text: str) -> None:
    with pytest.raises(HclError):
        value_of(text)


@pytest.mark.parametrize(("digits", "expected"), [("1_000", 1000), ("0b11", 3), ("-0x10", -16), ("+017", 15)])
def test_an_integer_in_a_string_is_read_as_go_reads_one(digits: str, expected: int) -> None:
    assert integer(Scalar("string", f'"{digits}"', 0)) == expected


@pytest.mark.parametrize("digits", [" 1", "1 ", "x", "", "٣", "9223372036854775808"])
def test_an_integer_in_a_string_must_be_one_of_64_bits(digits: str) -> None:
    scalar = Scalar("string", f'"{digits}"', 0)

    with pytest.raises(HclError):
        integer(scalar)


def test_lines_count_from_one_and_columns_in_characters() -> None:
    lines = Lines("é\r\n𝄞x\n")

    assert [lines.place(offset) for offset in (0, 2, 3, 4, 6)] == [(1, 1), (1, 3), (2, 1), (2, 2), (3, 1)]


def test_a_list_keeps_the_offset_of_its_bracket() -> None:
    item = only_item("v = [1]")

    assert item.value == ListNode((Scalar("number", "1", 5),), 4)
