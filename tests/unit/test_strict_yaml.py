from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from vaultconf import strict_yaml
from vaultconf.errors import Place, Problem
from vaultconf.strict_yaml import YamlMap, place_of, read


def root(text: str | bytes) -> YamlMap:
    documents, problems = read(text, "f.yaml")
    assert problems == []
    assert documents[0].root is not None
    return documents[0].root


def only_problem(text: str | bytes) -> Problem:
    _, problems = read(text, "f.yaml")
    assert len(problems) == 1, problems
    return problems[0]


def at(line: int, column: int) -> Place:
    return Place("f.yaml", line, column)


# Scalars


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("true", True), ("false", False), ("null", None), ("~", None), ("", None),
        ("0", 0), ("-0", 0), ("+5", 5), ("1200", 1200), ("-7", -7), ("9223372036854775807", 2**63 - 1),
        ("0.5", 0.5), ("-1.25", -1.25), ("10.0", 10.0),
        ("1h", "1h"), ("24h", "24h"), ("1.2.3", "1.2.3"), ("10.0.0.0/8", "10.0.0.0/8"), ("10:30pm", "10:30pm"),
        ("2026-12-01", "2026-12-01"), ("2026-12-01T10:00:00Z", "2026-12-01T10:00:00Z"), ("::1", "::1"),
        ("..", ".."), (".hcl", ".hcl"), ("+/creds/*", "+/creds/*"), ("0x", "0x"), ("e3", "e3"),
        ("127.0.0.1:8200", "127.0.0.1:8200"), ("https://a:8200/b?c=d", "https://a:8200/b?c=d"), ("Nothing", "Nothing"),
        ("yesterday", "yesterday"), ("none", "none"), ("${env:X}", "${env:X}"), ("a${var:b}c", "a${var:b}c"),
        ('"yes"', "yes"), ("'010'", "010"), ('"1:30"', "1:30"), ('""', ""), ('"\\x00"', "\0"), ("=", "="),
    ],
)  # fmt: skip
def test_a_scalar_is_what_every_reader_takes_it_for(written: str, meant: object) -> None:
    value = root(f"k: {written}\n")["k"]

    assert (type(value), value) == (type(meant), meant)


SURPRISING_WORDS = [
    "yes",
    "Yes",
    "YES",
    "no",
    "NO",
    "on",
    "On",
    "off",
    "OFF",
    "y",
    "Y",
    "n",
    "N",
    "True",
    "TRUE",
    "False",
    "Null",
    "NULL",
]
SURPRISING_NUMBERS = [
    "010", "007", "-01", "00", "0o17", "0x1F", "0b1", "1_000", "1_0.5", "1:30", "22:22:22", "1:30.5", ".inf", "-.Inf",
    ".NaN", "1.", ".5", "-.5", "1e3", "1.5E-3", "12e4567", "00.5", "9223372036854775808", "9" * 5000, "9" * 400 + ".0",
]  # fmt: skip


@pytest.mark.parametrize("word", SURPRISING_WORDS)
def test_a_word_that_yaml_1_1_takes_for_something_else_is_refused_and_named(word: str) -> None:
    problem = only_problem(f"a:\n  k: {word}\n")

    assert f"`{word}`" in problem.message
    assert f'"{word}"' in problem.hint
    assert problem.place == at(2, 6)


@pytest.mark.parametrize("number", SURPRISING_NUMBERS)
def test_a_surprising_number_is_refused_without_showing_it(number: str) -> None:
    problem = only_problem(f"k: [{number}]\n")

    assert "quote" in problem.hint
    assert number not in problem.message + problem.hint
    assert problem.place == at(1, 5)


@pytest.mark.parametrize("text", [*SURPRISING_WORDS, *SURPRISING_NUMBERS])
def test_what_is_refused_plain_is_accepted_in_quotes(text: str) -> None:
    assert root(f'k: "{text}"\n') == {"k": text}


def test_a_block_of_text_is_text_whatever_it_says() -> None:
    assert root("a: |\n  010\nb: >-\n  yes\n") == {"a": "010\n", "b": "yes"}


# Keys


@pytest.mark.parametrize("key", ["1", "1.5", "true", "null", "~", "yes", "on", "010", "? ", "<<", "[a]", "{a: b}"])
def test_a_key_that_is_no_text_is_refused_at_its_place(key: str) -> None:
    problem = only_problem(f"a:\n  {key}: v\n" if key != "? " else "a:\n  ? \n  : v\n")

    assert problem.place is not None
    assert problem.place.line == 2
    assert problem.hint


def test_a_quoted_key_may_be_any_text() -> None:
    assert root('"1": a\n"<<": b\n\'on\': c\n"": d\n') == {"1": "a", "<<": "b", "on": "c", "": "d"}


def test_a_key_given_twice_is_an_error_that_names_both_places() -> None:
    documents, problems = read('a:\n  b: 1\n  c: 2\n  "b": 3\n', "f.yaml")

    assert [problem.place for problem in problems] == [at(4, 3)]
    assert "`b`" in problems[0].message
    assert "f.yaml:2:3" in problems[0].message
    assert documents[0].root == {"a": {"b": 1, "c": 2}}


def test_a_key_in_a_message_is_short_and_printable() -> None:
    key = '"\\x1b[31m' + "x" * 200 + '"'

    message = only_problem(f"{key}: 1\n{key}: 2\n").message

    assert "\\x1b" in message
    assert "\x1b" not in message
    assert "x" * 60 not in message


def test_a_template_that_is_not_quoted_is_refused_with_the_remedy() -> None:
    assert "quote" in only_problem("connection_url: {{username}}\n").hint


@pytest.mark.parametrize("text", ["m: {type:kv}\n", "m: {type: kv, a:b }\n", 'm: {password:"hunter2"}\n'])
def test_a_colon_without_a_space_in_braces_is_refused(text: str) -> None:
    problem = only_problem(text)

    assert "space after the colon" in problem.hint
    assert "hunter2" not in str(problem)


def test_a_key_in_braces_may_have_an_empty_value() -> None:
    assert root("m: {a, b: , c:d: }\n") == {"m": {"a": None, "b": None, "c:d": None}}


# References


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: {password: ${env:X}}\n", at(1, 15)),
        ("a: [${env:X}]\n", at(1, 5)),
        ("a: [b, x${env:X}y]\n", at(1, 9)),
        ("a: [\n  b,\n  ${env:X}\n]\n", at(3, 3)),
        ('a: ["x"${env:X}]\n', at(1, 8)),
        ('a: {"b":${env:X}}\n', at(1, 9)),
        ("a: {${var:x}: b}\n", at(1, 5)),
        ("a: {b: ${file:@x}}\n", at(1, 8)),
        ("a: {b: ${env:X\n", at(1, 8)),
    ],
)
def test_an_unquoted_reference_in_brackets_is_explained_at_its_place(text: str, place: Place) -> None:
    problem = only_problem(text)

    assert problem.place == place
    assert problem.message == "`${` inside { } or [ ] must be quoted"
    assert '"${env:X}"' in problem.hint


def test_a_reference_in_a_comment_is_not_blamed_for_a_missing_comma() -> None:
    assert "`,`" in only_problem('a: {b: "x" # ${env:X}\n c: y}\n').message


def test_a_reference_that_a_comment_cuts_short_is_refused() -> None:
    problem = only_problem("a: ${file:x #y}\n")

    assert "comment" in problem.message
    assert problem.place == at(1, 4)


def test_a_reference_before_a_comment_is_fine() -> None:
    assert root("a: ${env:X} # ${was: y\nb: ${c\n") == {"a": "${env:X}", "b": "${c"}


# Tags, anchors, limits


@pytest.mark.parametrize("tagged", ["!foo b", "!!str 1", "!!python/object/apply:os.system [ls]", "! x", "!!map {}"])
def test_no_tag_is_accepted(tagged: str) -> None:
    problem = only_problem(f"a: {tagged}\n")

    assert "tags" in problem.message
    assert problem.place == at(1, 4)


def test_a_tag_on_a_key_is_refused_too() -> None:
    assert "tags" in only_problem("!!str a: b\n").message


def test_an_alias_repeats_the_value_and_stands_where_it_is_written() -> None:
    documents, problems = read("&k a: &x {b: 1}\nc: *x\nd: *k\n", "f.yaml")

    assert problems == []
    assert documents[0].root == {"a": {"b": 1}, "c": {"b": 1}, "d": "a"}
    assert place_of(documents[0], ["c"]) == at(2, 4)
    assert place_of(documents[0], ["c", "b"]) == at(1, 14)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("a: &x [*x]\n", "itself"),
        ("a: &x {b: {c: *x}}\n", "itself"),
        ("a: *hunter2\n", "no anchor"),
        ("a: &x 1\n---\nb: *x\n", "no anchor"),
    ],
)
def test_an_alias_that_leads_nowhere_is_an_error(text: str, word: str) -> None:
    problem = only_problem(text)

    assert word in problem.message
    assert "hunter2" not in str(problem)


def test_an_alias_as_a_key_is_refused() -> None:
    assert "alias" in only_problem("a: &x 1\n? *x\n: b\n").message


def test_a_yaml_bomb_is_an_error_at_the_alias_that_goes_too_far() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 40)
    )

    problem = only_problem(bomb)

    assert "aliases repeat too much" in problem.message
    assert problem.place is not None
    assert bomb.splitlines()[problem.place.line - 1][problem.place.column - 1] == "*"


def test_aliases_may_not_make_a_file_twenty_times_larger() -> None:
    text = "a: &a [" + "x, " * 200 + "]\nb: [" + "*a, " * 40 + "]\n"

    assert "aliases repeat too much" in only_problem(text).message
    assert root(text.replace("*a, " * 40, "*a, " * 10))["a"] == ["x"] * 200


def test_a_file_of_too_many_values_is_an_error_where_they_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strict_yaml, "MAX_NODES", 6)

    problem = only_problem("a: [b, c, d, e]\n")

    assert "more than 6 values" in problem.message
    assert problem.place == at(1, 14)
    assert root("a: [b, c, d]\n")


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_what_is_nested_too_deep_is_an_error_at_its_place(opening: str) -> None:
    text = "a:\n  " + opening * 100_000

    problem = only_problem(text)

    assert "50 levels" in problem.message
    assert problem.place == at(2, 3 + 49 * len(opening))


def test_keys_nested_too_deep_end_the_file_too() -> None:
    _, problems = read("? " * 100_000, "f.yaml")

    assert "50 levels" in problems[-1].message


def test_fifty_levels_are_not_too_deep() -> None:
    assert root("a: " + "[" * 49 + "]" * 49)


def test_aliases_cannot_nest_deeper_than_text_may() -> None:
    text = "x0: &x0 {k: 1}\n" + "".join(f"x{i}: &x{i} {{k: *x{i - 1}}}\n" for i in range(1, 60))

    problem = only_problem(text)

    assert "through this alias" in problem.message
    assert problem.place == at(50, 15)


# The text of the file


@pytest.mark.parametrize(
    ("data", "place", "word"),
    [
        (b"a: b\nc: \xff", at(2, 4), "UTF-8"),
        ("ä: ".encode() + b"\x80", at(1, 4), "UTF-8"),
        (b"\xef\xbb\xbfa: \xff", at(1, 4), "UTF-8"),
        ("a: b".encode("utf-16"), at(1, 1), "UTF-16"),
        ("a: b".encode("utf-16-be"), at(1, 1), "U+0000"),
        (b"a: b\n\x00", at(2, 1), "U+0000"),
        ("a: ü\x1b", at(1, 5), "U+001B"),
        ("a: x\u2028b: y", at(1, 5), "U+2028"),
        ("a: x\rb: y", at(1, 5), "carriage return"),
        ("a: \ufeffx", at(1, 4), "U+FEFF"),
        ("a: \ud800", at(1, 4), "UTF-8"),
        (b"#" * (16 * 1024 * 1024 + 1), at(1, 1), "16 MiB"),
    ],
)
def test_what_is_no_text_is_an_error_where_it_begins(data: bytes | str, place: Place, word: str) -> None:
    problem = only_problem(data)

    assert problem.place == place
    assert word in problem.message


def test_a_byte_order_mark_and_crlf_are_accepted() -> None:
    documents, problems = read(b"\xef\xbb\xbfa: 1\r\nb:\r\n  c: d\r\n", "f.yaml")

    assert problems == []
    assert documents[0].root == {"a": 1, "b": {"c": "d"}}
    assert place_of(documents[0], ["b", "c"]) == at(3, 6)


@pytest.mark.parametrize(
    ("text", "place", "word"),
    [
        ("a: b: c\n", at(1, 5), "where no mapping can begin"),
        ("a:\n\tb: 1\n", at(2, 1), "tab"),
        ("a:\n  b: 1\n\tc: 2\n", at(3, 1), "tab"),
        ("a:\n  b: 1\n c: 2\n", at(3, 2), "begun at 1:1"),
        ("a: [b\nc: d\n", at(2, 2), "begun at 1:4"),
        ("a: {b: c\n", at(1, 4), "`}`"),
        ('a: "b\nc: d\n', at(1, 4), "inside a quoted text"),
        ("a: [b]]\n", at(1, 7), "neither a key"),
        ("a: *\n", at(1, 4), "`*`"),
        ("a: @hunter2\n", at(1, 4), "no text can begin"),
        ('a: "hunter2\\q"\n', at(1, 12), "backslash"),
        ("a: - hunter2\n", at(1, 4), "no list can begin"),
        ("%YAML 2.0\n---\na: b\n", at(1, 1), "incompatible YAML"),
    ],
)
def test_a_syntax_error_is_said_in_words_that_help(text: str, place: Place, word: str) -> None:
    problem = only_problem(text)

    assert problem.place == place
    assert word in problem.message
    assert "hunter2" not in str(problem)


def test_problems_before_a_syntax_error_are_kept_and_so_are_documents() -> None:
    documents, problems = read("a: b\n---\nc: yes\nd: 010\n---\ne: [", "f.yaml")

    assert [document.root for document in documents] == [{"a": "b"}, {"c": "yes", "d": "010"}]
    assert [problem.place and problem.place.line for problem in problems] == [3, 4, 6]


# Documents and places


def test_documents_are_separate_and_an_empty_one_has_no_root() -> None:
    documents, problems = read("# one\na: 1\n---\n# empty\n---\nb: 2\n...\n", "f.yaml")

    assert problems == []
    assert [(document.root, document.place) for document in documents] == [
        ({"a": 1}, (2, 1)),
        (None, (3, 1)),
        ({"b": 2}, (5, 1)),
    ]


@pytest.mark.parametrize("text", ["", "# nothing\n", "\n\n"])
def test_a_file_without_a_document_has_none(text: str) -> None:
    assert read(text, "f.yaml") == ([], [])


@pytest.mark.parametrize("text", ["- a\n", "a\n", "null\n", '""\n', "5\n", "[]\n"])
def test_a_document_that_is_no_mapping_is_an_error(text: str) -> None:
    problem = only_problem(text)

    assert "must be a mapping" in problem.message
    assert problem.place == at(1, 1)


def test_a_place_is_that_of_the_value_the_key_or_the_nearest_ancestor() -> None:
    document = read("a:\n  b: [x, {c: d}]\n", "f.yaml")[0][0]

    assert place_of(document, []) == at(1, 1)
    assert place_of(document, ["a"]) == at(2, 3)
    assert place_of(document, ["a"], key=True) == at(1, 1)
    assert place_of(document, ["a", "b", 1, "c"]) == at(2, 14)
    assert place_of(document, ["a", "b", 1, "c"], key=True) == at(2, 11)
    assert place_of(document, ["a", "b", 1, "gone", 3]) == at(2, 10)
    assert place_of(document, ["a", "b", 9]) == at(2, 6)
    assert place_of(document, ["a", "gone"], key=True) == at(1, 1)
    assert place_of(document, ["a", "b", "x"]) == at(2, 6)


def test_containers_know_their_own_place() -> None:
    value: Any = root("a:\n  - {b: c}\n  - d\n")

    assert value.place == (1, 1)
    assert value["a"].place == (2, 3)
    assert value["a"].places == [(2, 5), (3, 5)]
    assert value["a"][0].place == (2, 5)


# The parser without libyaml


@pytest.mark.parametrize(
    "text",
    ["a: [1, b, {c: yes}]\n", "a: &x {b: 1}\nc: *x\n", "a: {b: ${env:X}}\n", "a: 1\na: 2\n", "a:\n\tb: 1\n", "---\n"],
)
def test_the_pure_parser_says_the_same(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with_libyaml = read(text, "f.yaml")
    monkeypatch.setattr(strict_yaml, "_Parser", yaml.BaseLoader)

    assert read(text, "f.yaml") == with_libyaml


@pytest.mark.parametrize("text", ['a: "\\UFFFFFFFF"\n', "a: !hunter2!x y\n", "a: @hunter2\n"])
def test_the_pure_parser_quotes_nothing_of_the_file(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strict_yaml, "_Parser", yaml.BaseLoader)

    problem = only_problem(text)

    assert "cannot be read as YAML" in problem.message
    assert "hunter2" not in str(problem)


# Anything at all

pieces = [
    "a",
    "b: ",
    ": ",
    ":",
    "- ",
    "? ",
    "[",
    "]",
    "{",
    "}",
    ",",
    '"',
    "'",
    "\n",
    "\n  ",
    "\t",
    " #",
    "${",
    "@",
    ">-\n",
    "|\n",
]
oddities = [
    "&x ",
    "*x ",
    "!t ",
    "---\n",
    "...\n",
    "%YAML 1.1\n",
    "<<: ",
    "yes",
    "010",
    "\\",
    "\r",
    "\ufeff",
    "é",
    "\x00",
    "\ud800",
]
yaml_like = st.lists(st.sampled_from(pieces + oddities), max_size=25).map("".join)


@given(st.one_of(st.binary(), st.text(st.characters()), yaml_like))
@example("\n" * 10 + "{" * 10)
def test_any_text_is_read_or_complained_about(text: bytes | str) -> None:
    documents, problems = read(text, "f.yaml")

    lines = (text if isinstance(text, str) else text.decode("utf-8", "replace")).count("\n") + 1
    assert all(problem.message and problem.place and problem.place.line <= lines for problem in problems)
    assert not any("cannot be read as YAML" in problem.message for problem in problems)
    assert problems or all(document.root is None or isinstance(document.root, YamlMap) for document in documents)


@given(
    st.lists(st.sampled_from(["${", "${", "{", "}", "[", "]", ",", ": ", " ", '"', "a", "\n ", "? ", "$"]), max_size=9)
)
def test_an_unquoted_reference_in_brackets_never_passes_in_silence(middle: list[str]) -> None:
    text = "a: [${" + "".join(middle) + "]\n"

    assert read(text, "f.yaml")[1] != []


plain_words = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=12)
structures = st.dictionaries(
    plain_words,
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | plain_words,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(plain_words, inner, max_size=4),
        max_leaves=12,
    ),
    min_size=1,
    max_size=5,
)


class Quoting(yaml.SafeDumper):
    def ignore_aliases(self, data: object) -> bool:
        return True


Quoting.add_representer(str, lambda dumper, data: dumper.represent_scalar("tag:yaml.org,2002:str", data, style='"'))


@given(structures, st.sampled_from([True, False, None]))
def test_what_is_written_with_quotes_reads_back_equal(value: dict[str, Any], flow: bool | None) -> None:
    text = yaml.dump(value, Dumper=Quoting, default_flow_style=flow, allow_unicode=False, sort_keys=False)

    assert repr(root(text)) == repr(value)


names = st.from_regex(r"[b-eg-mp-su-x][a-z]{2,8}", fullmatch=True).filter(lambda word: word not in {"yes", "null"})
nested = st.dictionaries(
    names,
    st.recursive(
        names, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=10
    ),
    min_size=1,
    max_size=4,
)


@given(nested, st.sampled_from([True, False, None]), st.sampled_from(["", "# é comment\n---\n"]))
def test_every_place_points_at_what_stands_there(value: dict[str, Any], flow: bool | None, before: str) -> None:
    text = before + yaml.safe_dump(value, default_flow_style=flow)
    lines = text.splitlines()

    def check(found: Any) -> None:
        pairs: Any = found.items() if isinstance(found, dict) else enumerate(found)
        for step, inner in pairs:
            if isinstance(found, YamlMap):
                line, column = found.key_places[step]
                assert lines[line - 1][column - 1 :].startswith(step)
            line, column = found.places[step]
            if isinstance(inner, str):
                assert lines[line - 1][column - 1 :].startswith(inner)
            else:
                assert (line, column) == inner.place
                check(inner)

    check(root(text))
