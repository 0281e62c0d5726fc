"""Data of files and servers stays data in every view, and a secret is in none."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.console import Console

from tests.unit.report_samples import change
from tests.unit.report_structure import structure_problems
from vaultconf.catalogue import all_kinds
from vaultconf.errors import Place, Problem
from vaultconf.model import (
    Action,
    Address,
    Blocked,
    Change,
    FieldChange,
    Held,
    Outcome,
    Plan,
    Risk,
    RiskReason,
    Server,
    Status,
    Unmanaged,
    Unverified,
)
from vaultconf.references import Deferred, Reference, Template
from vaultconf.report import data, markdown, text, views
from vaultconf.sealed import Secret

# A loaded machine is no reason to fail.
RELAXED = settings(deadline=None)

HOSTILE = [
    "\n::set-output name=x::y", "::error::x", " \t::add-mask::x", "##[group]x", "##vso[task.setvariable]x", "\x1b[2J",
    "\x9b2J", "```\n</details>\n# Heading", "`````", "`", "</summary></details><script>alert(1)</script>", "@admin",
    "[x](https://evil.example)", "https://evil.example", "![x](y)", "a|b|c", "\n\n---\n", "***", "\u202e", "\r\n", "$x$",
    "\u2028::warning::", "\\`", "\\|", "<!--", "&#64;admin", "~~~", "    code", "Plan: 0 to create", "\nNo changes", "",
    "/close\n", "#1", "\ud800", "x" * 2_000,
]  # fmt: skip
ANY = st.one_of(
    st.text(max_size=40),
    st.sampled_from(HOSTILE),
    st.lists(st.sampled_from(HOSTILE), max_size=4).map("".join),
    st.text(alphabet="`|<>@#:[]()\\\n\t -*_~&;x", max_size=40),
)


def plan_with(word: str, action: Action = Action.UPDATE) -> Plan:
    """A plan with the same text wherever text of a file or of a server can be."""
    kind = all_kinds()["approle_role"]
    address = Address(word, word)
    fields = (
        FieldChange("role_id", word, f"{word}x"),
        FieldChange(f"x.{word}", (word,) * 3, (word, "y" * 60)),
        FieldChange("token_meta", {word: word}, {}),
    )
    place = Place(word, 1, 1)
    made = Change(action, kind, address, {}, fields, word, place, Risk(RiskReason.DESTROYS_DATA, word, word))
    return Plan(
        Server(word, word, address=f"https://{word}"),
        (made, replace(made, fields=())),
        (Unmanaged(kind, address), Unmanaged(all_kinds()["auth_method"], address, 3)),
        (Unverified(address, word, word),),
        (Blocked(kind, address, 403, word), Blocked(kind, address, 0, word)),
        (Held(address, word, word),),
        (word,),
        (Problem(word, place, word, word), Problem(word, None, word, word)),
    )


def policy_plan(before: str, after: str) -> Plan:
    item = FieldChange("policy", before, after)
    return Plan(Server("openbao"), (change("acl_policy", "sys/policies/acl/x", Action.UPDATE, item),))


def printed(plan: Plan, *, terminal: bool = False, drift: bool = False) -> str:
    file = io.StringIO()
    console = Console(file=file, width=80, force_terminal=terminal, color_system="standard" if terminal else None)
    text.plan(plan, console, list_unmanaged=terminal, drift=drift)
    return file.getvalue()


def without_styles(output: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", output)


def problems_of(output: str) -> list[str]:
    """Lines that a CI runner would obey, and characters that a terminal would."""
    lines = [line for line in output.split("\n") if line.lstrip().startswith("::") or "##[" in line]
    return (
        lines
        + [char for char in output if not char.isprintable() and char not in "\n\t"]
        + re.findall("##vso\\[", output)
    )


@RELAXED
@given(ANY, st.sampled_from(Action), st.booleans())
@example("::error::x", Action.UPDATE, False)
def test_text_stays_data_in_the_text_view(word: str, action: Action, drift: bool) -> None:
    found = printed(plan_with(word, action), drift=drift)

    assert problems_of(found) == []
    assert found.count("\nErrors:\n") == 1
    assert found.splitlines()[-1].startswith("INCOMPLETE: 2 objects could not be read, 2 errors.")


@RELAXED
@given(ANY)
def test_no_text_adds_a_line_to_the_text_view(word: str) -> None:
    def lines_with(text: str) -> int:
        return printed(replace(plan_with(text), changes=(change("approle_role", text),))).count("\n")

    assert lines_with(f"x{word}") == lines_with("harmless")


@RELAXED
@given(ANY)
def test_text_stays_data_on_a_terminal(word: str) -> None:
    assert problems_of(without_styles(printed(plan_with(word), terminal=True))) == []


@RELAXED
@given(ANY, st.sampled_from(Action), st.booleans(), st.sampled_from([1_500, 4_000, markdown.LIMIT]))
def test_text_stays_data_in_the_markdown_view(word: str, action: Action, drift: bool, limit: int) -> None:
    found = markdown.plan(plan_with(word, action), drift=drift, limit=limit)

    assert structure_problems(found) == []
    assert problems_of(found) == []
    assert len(found) <= limit


@RELAXED
@given(st.lists(ANY, max_size=6).map("\n".join), st.lists(ANY, max_size=6).map("\n".join))
@example("::warning::x\na", "::warning::x\nb")
@example("```\n</details>", "```\n</details>\n```")
def test_the_lines_of_a_policy_stay_data_in_every_view(before: str, after: str) -> None:
    plan = policy_plan(before, after)

    assert problems_of(printed(plan)) == []
    assert problems_of(markdown.plan(plan)) == []
    assert structure_problems(markdown.plan(plan)) == []


@RELAXED
@given(ANY)
def test_outcomes_and_problems_stay_data(word: str) -> None:
    outcomes = [Outcome(item, status, word, word) for item in plan_with(word).changes for status in Status]
    file = io.StringIO()
    console = Console(file=file, width=80)

    text.outcomes(outcomes, console)
    text.problems(plan_with(word).errors, console)

    assert problems_of(file.getvalue()) == []
    assert structure_problems(markdown.outcomes(outcomes)) == []


@RELAXED
@given(ANY)
def test_the_json_of_hostile_text_is_one_safe_document(word: str) -> None:
    found = data.dump(data.plan(plan_with(word)))

    assert json.loads(found)["notices"] == [word]
    assert problems_of(found) == []


CANARY = "canary-7f3a"
TEMPLATE = Template((CANARY, Reference("env", "X")))
SECRETS = {
    "a secret": Secret(CANARY),
    "a reference": Deferred(TEMPLATE),
    "a template": TEMPLATE,
    "in a list": ("a", Secret(CANARY)),
    "in a map": {"a": (Secret(CANARY),)},
    "as a key": {Secret(CANARY): "a"},
    "in a set": frozenset({Secret(CANARY)}),
}


@pytest.mark.parametrize("value", SECRETS.values(), ids=SECRETS.keys())
@pytest.mark.parametrize("action", list(Action))
def test_a_secret_is_in_no_view(value: object, action: Action) -> None:
    items = (
        FieldChange("role_id", value, "plain"),
        FieldChange("role_id", "plain", value),
        FieldChange("x", None, value),
    )
    made = change("approle_role", "auth/approle/role/x", action, *items)
    plan = Plan(Server("openbao"), (made,))

    outputs = [printed(plan, drift=drift) for drift in (False, True)]
    outputs += [markdown.plan(plan, drift=drift) for drift in (False, True)]
    outputs += [data.dump(data.plan(plan)), repr(plan), repr(views.field_views(made))]

    assert [output for output in outputs if CANARY in output] == []
    assert "(secret)" in outputs[0]


@pytest.mark.parametrize(("kind", "name"), [("database_connection", "password"), ("userpass_user", "password")])
def test_a_field_that_the_kind_calls_secret_is_in_no_view_whatever_the_differ_says(kind: str, name: str) -> None:
    plan = Plan(Server("openbao"), (change(kind, "a/b", Action.UPDATE, FieldChange(name, CANARY, CANARY + "x")),))

    outputs = [printed(plan), markdown.plan(plan), data.dump(data.plan(plan))]

    assert [output for output in outputs if CANARY in output] == []
