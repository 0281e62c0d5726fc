from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vaultconf.durations import seconds, to_yaml
from vaultconf.references import Deferred, Reference, Template
from vaultconf.report import lines
from vaultconf.sealed import Secret


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("plain words, ümlauts and 漢字", "plain words, ümlauts and 漢字"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("two\nlines\r\n\ttab", r"two\nlines\r\n\ttab"),
        ("access\u202edenied\u2066", r"access\u202edenied\u2066"),
        ("csi \x9b2J, null \x00, delete \x7f", r"csi \x9b2J, null \x00, delete \x7f"),
        ("zero\u200bwidth\ufeff and\u00a0blank", r"zero\u200bwidth\ufeff and\xa0blank"),
        ("line\u2028paragraph\u2029", r"line\u2028paragraph\u2029"),
        ("half \ud83d", r"half \ud83d"),
        ("tag \U000e0041", r"tag \U000e0041"),
        ("##[group]x", r"#\x23[group]x"),
        ("a ##vso[task.setvariable]", r"a #\x23vso[task.setvariable]"),
        ("###teamcity[x", r"##\x23teamcity[x"),
        ("# a comment ## and more", "# a comment ## and more"),
    ],
)
def test_what_a_terminal_or_a_log_would_act_on_is_spelled_out(text: str, seen: str) -> None:
    assert lines.visible(text) == seen


@settings(deadline=None)
@given(st.text())
def test_visible_text_is_one_printable_line(text: str) -> None:
    found = lines.visible(text)

    assert found.isprintable()
    assert "##[" not in found


@settings(deadline=None)
@given(st.text())
def test_the_sentence_of_a_server_is_one_printable_line(text: str) -> None:
    assert lines.prose(f"1 error occurred:\n\t* {text}\n\n").startswith("1 error occurred: *")
    assert lines.prose(text).isprintable()


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        (None, "(unset)"),
        (True, "true"),
        (False, "false"),
        (1200, "1200"),
        (0.5, "0.5"),
        ("payments-read", "payments-read"),
        ("https://vault:8200/v1?a=b&c=d", "https://vault:8200/v1?a=b&c=d"),
        ("", '""'),
        ("two words", '"two words"'),
        ("(secret)", '"(secret)"'),
        ("(unset)", '"(unset)"'),
        ("a → b", '"a → b"'),
        ('say "hi" \\', r'"say \"hi\" \\"'),
        ("new\nline", r'"new\nline"'),
        (("a", "b c"), '[a, "b c"]'),
        ((), "[]"),
        (frozenset({"b", "a"}), "[a, b]"),
        ({"b": "2", "a": ("x",)}, "{a: [x], b: 2}"),
        ({}, "{}"),
        (Secret("canary"), "(secret)"),
        (("a", Secret("canary")), "(secret)"),
        ({Secret("canary"): "a"}, "(secret)"),
        (Deferred(Template((Reference("env", "X"),))), "(secret)"),
    ],
)
def test_a_value_looks_as_in_the_yaml(value: object, seen: str) -> None:
    assert lines.shown(value) == seen


@pytest.mark.parametrize(
    ("value", "seen"),
    [(0, "0"), (59, "59s"), (1200, "20m"), (3600, "1h"), (5400, "1h30m"), (86400, "24h"), (3661, "1h1m1s"), (-1, "-1")],
)
def test_a_duration_looks_as_people_write_it(value: int, seen: str) -> None:
    assert lines.shown(value, duration=True) == seen


@settings(deadline=None)
@given(st.integers(min_value=0, max_value=10**12))
def test_a_duration_reads_back_as_itself(value: int) -> None:
    assert seconds(str(to_yaml(value))) == value


@settings(deadline=None)
@given(st.text(), st.integers(min_value=1, max_value=50))
def test_a_long_value_keeps_both_ends_within_the_width(text: str, width: int) -> None:
    found = lines.elided(text, width)

    assert len(found) <= width
    assert found == text or ("…" in found and len(text) > width)


def test_a_diff_keeps_two_lines_of_context_and_says_where() -> None:
    before = "\n".join("abcdefgh")

    found = lines.line_diff(before, before.replace("d", "D"))

    assert found == ("@@ -2,5 +2,5 @@", "  b", "  c", "- d", "+ D", "  e", "  f")


def test_a_diff_keeps_tabs_and_empty_lines_and_spells_out_the_rest() -> None:
    found = lines.line_diff("\ta\n\nx", "\ta\n\n\x1b\r")

    assert found == ("@@ -1,3 +1,3 @@", "  \ta", "", "- x", r"+ \x1b\r")


def test_no_line_of_a_diff_is_a_ci_command() -> None:
    found = lines.line_diff("::warning::x\na", "::warning::x\nb\n::error::y")

    assert found == ("@@ -1,2 +1,3 @@", r"  \x3a:warning::x", "- a", "+ b", "+ ::error::y")


def test_a_diff_of_items_shows_gaps_instead_of_positions() -> None:
    items = list("abcdefghijkl")

    found = lines.item_diff(items, ["A", *items[1:-1], "L"])

    assert found == ("- a", "+ A", "  b", "  c", "  …", "  j", "  k", "- l", "+ L")
