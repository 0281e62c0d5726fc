"""An edit changes what it is to change, and nothing else of the file."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultconf import strict_yaml, yaml_writer
from vaultconf.yaml_cuts import REMOVED, Wish
from vaultconf.yaml_edits import Tree, edited
from vaultconf.yaml_nodes import parse, positions

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    [
        "on",
        "010",
        "1:30",
        "a: b",
        "- x",
        "#",
        "a #b",
        "{x",
        "[",
        "'",
        '"',
        "a, b",
        "l1\nl2\n",
        "l1\n\n l2",
        " x",
        "x\n\n",
    ]
)
KEYS = st.sampled_from([*"abcdef", "a b", "0", "é😀", "x#y", "on", "k:"])
PLAIN = WORDS.map(lambda text: text.replace("${", "$ {"))
VALUES = st.recursive(
    PLAIN | st.booleans() | st.integers(-9, 999),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
TREES = st.dictionaries(KEYS, VALUES, min_size=1, max_size=4)


def read(text: str) -> list[Any]:
    documents, problems = strict_yaml.read(text.encode(), "x.yaml")
    assert problems == [], text
    return [document.root for document in documents]


def wishes(tree: Mapping[str, Any]) -> Tree:
    """Maps are merged, all else is wished for as it is."""
    return {key: wishes(item) if isinstance(item, dict) and item else Wish(item) for key, item in tree.items()}


def merged(base: Any, more: Mapping[str, Any]) -> Any:
    result = dict(base) if isinstance(base, dict) else {}
    for key, value in more.items():
        result[key] = merged(result.get(key), value) if isinstance(value, dict) and value else value
    return result


def commented(text: str, newline: str) -> str:
    """A comment above every line that begins a key of the root, and behind every plain word."""
    lines = []
    for line in text.split("\n"):
        if line[:1].isalpha():
            lines.append(f"# above {len(lines)}")
        lines.append(line)
    return newline.join(lines)


@given(TREES, TREES, st.sampled_from([2, 4]), st.booleans(), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_what_is_wished_for_is_read_back_and_comments_stay(
    tree: dict[str, Any], more: dict[str, Any], indent: int, flush: bool, newline: str, ends: bool
) -> None:
    text = commented(yaml_writer.dump(tree, indent=indent, flush=flush), newline)
    before = read(text)[0]
    # A block of text at the end needs its line end.
    text = text if ends or read(text.rstrip("\r\n"))[0] != before else text.rstrip("\r\n")

    found, refused = edited(text, [(0, wishes(more))])

    assert refused == []
    assert read(found)[0] == merged(before, more), (text, found)
    assert [line for line in found.split(newline) if line.startswith("# above")] == [
        line for line in text.split(newline) if line.startswith("# above")
    ]


@given(TREES, TREES, st.booleans())
def test_the_exact_value_of_a_map_is_read_back_in_brackets_too(
    tree: dict[str, Any], new: dict[str, Any], in_flow: bool
) -> None:
    text = f"x: {yaml_writer.flow(tree)}\n" if in_flow else yaml_writer.dump({"x": tree, "z": 1})

    found, refused = edited(text, [(0, {"x": Wish(new)})])

    assert refused == []
    assert read(found)[0]["x"] == new, (text, found)


@given(TREES)
def test_what_is_there_already_is_not_touched(tree: dict[str, Any]) -> None:
    text = yaml_writer.dump(tree)

    found, refused = edited(text, [(0, wishes(read(text)[0]))])

    assert (found, refused) == (text, [])


# --- by example: what a reviewer sees in the diff ---

BEFORE = """\
# The whole of it.
owner:   payments   # a team

auth:
    approle:              # for machines
        type: approle
        tune: {max_lease_ttl: 24h,   # a day
               listing_visibility: 'unauth'}
        roles:
            # the first
            payments:
                token_ttl: 20m        # short on purpose
                token_policies: [ "payments-read", b ]   # two
                bound:
                - 10.0.0.0/8   # ten
                # eleven is gone soon
                - 11.0.0.0/8

            empty:   # nothing yet
            braces: {}
            text: |   # a policy
                # one
                path "a" {
                  capabilities = []
                }

            # nobody knows why
            long: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb ccccccccccccccccccccccc"
...
---
é: 'it''s'   # 😀
"""


def diff(before: str, after: str) -> list[str]:
    return [line for line in difflib.ndiff(before.split("\n"), after.split("\n")) if line[0] in "+-"]


ROLES = ("auth", "approle", "roles")


def at(*keys: str, wish: Wish | Tree) -> Tree:
    tree: Wish | Tree = wish
    for key in reversed(keys):
        tree = {key: tree}
    assert isinstance(tree, dict)
    return tree


@pytest.mark.parametrize(
    ("tree", "lines"),
    [
        (
            at(*ROLES, "payments", "token_ttl", wish=Wish("30m")),
            [
                "-                 token_ttl: 20m        # short on purpose",
                "+                 token_ttl: 30m        # short on purpose",
            ],
        ),
        (
            at(*ROLES, "payments", "token_policies", wish=Wish(["payments-read", "c"])),
            [
                '-                 token_policies: [ "payments-read", b ]   # two',
                '+                 token_policies: [ "payments-read", c ]   # two',
            ],
        ),
        (
            at(*ROLES, "payments", "bound", wish=Wish(["10.0.0.0/8", "12.0.0.0/8"])),
            ["-                 - 11.0.0.0/8", "+                 - 12.0.0.0/8"],
        ),
        (at(*ROLES, "payments", "uses", wish=Wish(3)), ["+                 uses: 3"]),
        (
            at(*ROLES, "payments", wish={"a": Wish(["x y", "z, w"]), "b": {"c": Wish("on")}}),
            [
                "+                 a:",
                "+                 - x y",
                "+                 - z, w",
                '+                 b: {c: "on"}',
            ],
        ),
        (at(*ROLES, "empty", "ttl", wish=Wish(1)), ["-             empty:   # nothing yet", "+             empty: {ttl: 1}   # nothing yet"]),
        (at(*ROLES, "braces", "ttl", wish=Wish("1h")), ["-             braces: {}", "+             braces: {ttl: 1h}"]),
        (
            at(*ROLES, "new", wish={"t": Wish("one\ntwo\n"), "u": Wish(True)}),
            ["+             new:", "+                 t: |", "+                     one", "+                     two", "+                 u: true"],
        ),
        (
            at("auth", "approle", "tune", wish={"listing_visibility": Wish("hidden"), "ttl": Wish("1h")}),
            [
                "-                listing_visibility: 'unauth'}",
                "+                listing_visibility: 'hidden',",
                "+                ttl: 1h}",
            ],
        ),
        (
            at("auth", "approle", "tune", wish=Wish({"max_lease_ttl": "24h"})),
            ["-                listing_visibility: 'unauth'}", "+                }"],
        ),
        (
            at(*ROLES, "text", wish=Wish('# one\npath "b" {\n  capabilities = []\n}\n')),
            ['-                 path "a" {', '+                 path "b" {'],
        ),
        (at(*ROLES, "long", wish=Wish(REMOVED)), ['-             long: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb ccccccccccccccccccccccc"']),
        (at("auth", "approle", "tune", wish={"max_lease_ttl": Wish(REMOVED), "listing_visibility": Wish(REMOVED)}), ["-         tune: {max_lease_ttl: 24h,   # a day", "-                listing_visibility: 'unauth'}"]),
        (at("kv", wish={"type": Wish("kv")}), ["+ kv: {type: kv}"]),
    ],
)  # fmt: skip
def test_the_diff_shows_the_lines_that_changed_and_no_others(tree: Tree, lines: list[str]) -> None:
    found, refused = edited(BEFORE, [(0, tree)])

    assert (diff(BEFORE, found), refused) == (lines, [])


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("text", "wish", "lines"),
    [
        ("[\n  a,  # one\n  b  # two\n]", ["a", "b", "c"], ["-   b  # two", "+   b,  # two", "+   c"]),
        ("[\n  a,  # one\n  b,  # two\n]", ["a", "c"], ["-   b,  # two", "+   c,"]),
        ("[\n  a,  # one\n  b  # two\n]", ["a"], ["-   a,  # one", "-   b  # two", "+   a  # one"]),
        ("[\n  a,  # one\n\n  # more\n  b  # two\n]", ["b"], ["-   a,  # one"]),
        ("{\n  a: 1,  # one\n  b: 2  # two\n}", {"a": 1, "b": 3, "c": 4}, ["-   b: 2  # two", "+   b: 3,  # two", "+   c: 4"]),
        ("{\n  a: 1,  # one\n  b: 2  # two\n}", {"c": 4}, ["-   a: 1,  # one", "-   b: 2  # two", "+   c: 4"]),
    ],
)  # fmt: skip
def test_between_brackets_a_comment_stays_with_what_shares_its_line(
    text: str, wish: object, lines: list[str], newline: str
) -> None:
    before = f"k: {text}  # end\n".replace("\n", newline)

    found, refused = edited(before, [(0, {"k": Wish(wish)})])

    assert (sorted(diff(before.replace("\r", ""), found.replace("\r", ""))), refused) == (sorted(lines), [])
    assert found.count("\n") == found.count(newline)
    assert read(found)[0]["k"] == wish


@pytest.mark.parametrize(
    ("text", "wish", "after"),
    [
        ("k: a  # c\n", "$${x", 'k: "$${x"  # c\n'),
        ("k: [a]  # c\n", "a\n\n", 'k: "a\\n\\n"  # c\n'),
        ("k:  # c\n\n  # d\n  - a\n", "one\ntwo", "k: |-  # c\n  one\n  two\n"),
        ("k:\n  # d\n  |\n  a\nz: 1\n", "  one\ntwo\n", "k: |2\n    one\n  two\nz: 1\n"),
        ("k: 1", "\none\n", "k: |2\n\n  one\n"),
        ("k: |2  # c\n   a\n  b\n", "   a\nc\n", "k: |2  # c\n     a\n  c\n"),
        ("k: |+\n  a\n  b\n\n\n# d\n", "a\nc\n\n\n", "k: |+\n  a\n  c\n\n\n# d\n"),
        ("k: |+\n  a\n  b\n\n\n# d\n", "a\nc\n", "k: |+\n  a\n  c\n# d\n"),
        ("k:", "one\ntwo", "k: |-\n  one\n  two"),
    ],
)  # fmt: skip
def test_no_comment_becomes_a_part_of_a_text_nor_the_other_way_round(text: str, wish: str, after: str) -> None:
    found, refused = edited(text, [(0, {"k": Wish(wish)})])

    assert (found, refused) == (after, [])
    assert read(found)[0]["k"] == wish


def test_a_new_entry_is_indented_like_those_beside_it_whoever_wrote_the_rest() -> None:
    text = "a:\n    b:\n        c: 1\nd:\n  e:\n    f: {g: 1}\n"

    found, _ = edited(
        text, [(0, {"a": {"x": Wish({"p": {"z": {}, "m": "a: b"}})}, "d": {"x": Wish({"p": {"z": {}, "m": "a: b"}})}})]
    )

    assert diff(text, found) == [
        "+     x:", "+         p:", "+             z: {}", "+             m: 'a: b'",
        "+   x:", "+     p:", "+       z: {}", "+       m: 'a: b'",
    ]  # fmt: skip


def test_nothing_is_written_beside_a_key_behind_a_question_mark() -> None:
    text = "? a\n: - b\n  - c\n"

    added, why_not = edited(text, [(0, {"d": Wish("e")})])
    changed, why_not_changed = edited(text, [(0, {"a": Wish({"d": "e"})})])

    assert (added, changed) == (text, text)
    assert [refusal.at for refusal in (*why_not, *why_not_changed)] == [(1, 3), (1, 3)]


def test_each_document_of_a_file_is_changed_by_its_number() -> None:
    found, refused = edited(BEFORE, [(1, {"é": Wish("its 'own'")})])

    assert diff(BEFORE, found) == ["- é: 'it''s'   # 😀", "+ é: 'its ''own'''   # 😀"]
    assert refused == []


@pytest.mark.parametrize("text", [BEFORE, BEFORE.replace("\n", "\r\n"), BEFORE.rstrip("\n")])
def test_line_ends_stay_as_they_are(text: str) -> None:
    found, _ = edited(text, [(0, at(*ROLES, "payments", wish={"x": Wish("l1\nl2\n"), "token_ttl": Wish("1h")}))])

    assert found.count("\r\n") == (found.count("\n") if "\r" in text else 0)
    assert found.endswith("\n") == text.endswith("\n")


def test_seconds_numbers_and_lists_with_commas_keep_their_spelling() -> None:
    text = 'ttl: 600\noptions: {version: 1}\nallowed: "a,b"\n'
    wanted: Tree = {
        "ttl": Wish("20m", lambda value: value in (1200, "20m"), 1200),
        "options": Wish({"version": "2"}, lambda value: str(value) in ("{'version': 2}", "{'version': '2'}")),
        "allowed": Wish(["a", "c"], lambda value: value in ("a,c", ["a", "c"])),
    }

    found, refused = edited(text, [(0, wanted)])

    assert (found, refused) == ('ttl: 1200\noptions: {version: 2}\nallowed: "a,c"\n', [])


@pytest.mark.parametrize(
    ("text", "tree", "reason"),
    [
        ("a: ${var:x}\n", {"a": Wish("b")}, (1, 4, "comes from `${var:x}`")),
        ("a:\n  - b\n  - '${env:X}'\n", {"a": Wish(["b"])}, (3, 5, "comes from `${env:X}`")),
        ("a: &x {b: c}\nd: *x\n", {"d": {"b": Wish("e")}}, (2, 4, "stands behind an anchor or an alias, so that other places would change with it")),
        ("a: &x b\nd: *x\n", {"a": Wish("e")}, (1, 4, "is written with an anchor or an alias, so that other places would change with it")),
    ],
)  # fmt: skip
def test_what_is_given_elsewhere_is_not_changed(text: str, tree: Tree, reason: tuple[int, int, str]) -> None:
    found, refused = edited(text, [(0, tree)])

    assert found == text
    assert [(*refusal.at, refusal.reason) for refusal in refused] == [reason]


def test_every_key_of_maps_in_maps_has_its_place() -> None:
    root = parse("a: {b: 1}\n'c d':\n  e:\n")[0]

    assert dict(positions(root)) == {(1, 1): ("a",), (1, 5): ("a", "b"), (2, 1): ("c d",), (3, 3): ("c d", "e")}
