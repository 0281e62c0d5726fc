"""The plans of several targets in every view: as one document, one comment, one page of text."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from rich.console import Console

from tests.unit.report_samples import DELETED, FULL, PROBLEM, ROLE, change
from tests.unit.report_structure import headings, structure_problems
from tests.unit.test_report_hostile import ANY, plan_with, problems_of
from vaultconf.errors import Problem
from vaultconf.model import Action, Plan, Server, TargetPlan
from vaultconf.report import data, markdown, targets, text

BAO = Server("openbao", "2.7.2", address="https://stage.example.com:8200")
DOWN = Problem("cannot reach https://dr.example.com: no connection", hint="is the server up?")
GOOD = TargetPlan("stage", Plan(BAO, unchanged=41))
CHANGED = TargetPlan("prod", replace(FULL, blocked=(), errors=()))
PARTIAL = TargetPlan("test", FULL)
FAILED = TargetPlan("dr", Plan(Server("", address="https://dr.example.com"), errors=(DOWN, Problem("and more"))))
ALL = [GOOD, CHANGED, PARTIAL, FAILED]
SCHEMA = json.loads((Path(__file__).parents[2] / "docs/schemas/plans.schema.json").read_text(encoding="utf-8"))


def lines(found: list[TargetPlan], **more: bool) -> list[str]:
    file = io.StringIO()
    text.plans(found, Console(file=file, width=80), **more)
    return file.getvalue().splitlines()


def complaints(document: data.Json) -> list[str]:
    return [error.message for error in Draft202012Validator(SCHEMA).iter_errors(json.loads(data.dump(document)))]


# --- JSON ------------------------------------------------------------------------------------------------------


def test_each_plan_is_what_it_is_alone_with_the_name_of_its_target() -> None:
    found: Any = data.plans(ALL)

    assert [item["target"] for item in found["plans"]] == ["stage", "prod", "test", "dr"]
    assert found["plans"][1] == {"target": "prod", **data.plan(CHANGED.plan)}
    assert found["plans"][3] == {"target": "dr", **data.failure(data.PLAN, FAILED.plan.errors)}
    assert (found["complete"], found["errors"]) == (False, [])
    assert data.plans([GOOD, CHANGED])["complete"] is True


def test_the_summary_adds_up_what_any_of_the_plans_counts() -> None:
    moved = TargetPlan("x", replace(FULL, changes=(change("secrets_engine", "sys/mounts/a", Action.MOVE),)))

    found: Any = data.plans([*ALL, moved])["summary"]

    assert found == {
        "create": 4, "update": 6, "replace": 2, "delete": 2, "move": 1,
        "unchanged": 41 * 4, "unmanaged": 12, "unverified": 3, "blocked": 2,
    }  # fmt: skip


def test_a_run_that_fails_before_any_target_prints_the_same_object() -> None:
    found = data.failure(data.PLANS, [PROBLEM])

    assert found.keys() == data.plans(ALL).keys()
    assert (found["complete"], found["plans"]) == (False, [])
    assert [item["message"] for item in found["errors"]] == [PROBLEM.message]  # type: ignore[attr-defined]  # a list


@pytest.mark.parametrize("document", [data.plans(ALL), data.plans([GOOD]), data.failure(data.PLANS, [PROBLEM])])
def test_every_document_keeps_to_the_published_schema(document: data.Json) -> None:
    assert complaints(document) == []


def test_the_schema_demands_a_name_and_a_whole_plan() -> None:
    document: Any = data.plans([GOOD])
    del document["plans"][0]["target"], document["plans"][0]["blocked"]
    document["plans"][0]["saved"] = {}

    Draft202012Validator.check_schema(SCHEMA)
    assert len(complaints(document)) == 3


# --- text ------------------------------------------------------------------------------------------------------


def test_each_target_has_its_plan_below_its_name_and_a_line_at_the_end() -> None:
    found = lines(ALL)

    assert found[0] == "Target stage: openbao 2.7.2 at https://stage.example.com:8200"
    assert "  ~ auth/approle/role/payments  payments  desired-state/auth.yaml:31" in found
    at = found.index("Target dr: https://dr.example.com")
    assert found[at : at + 6] == [
        "Target dr: https://dr.example.com",
        "",
        "  ! cannot reach https://dr.example.com: no connection",
        "    is the server up?",
        "  ! and more",
        "",
    ]
    assert [line[:40] for line in found[-5:]] == [
        "All targets:",
        "  stage  No changes: 41 objects are as d",
        "  prod   Plan: 2 to create, 3 to update,",
        "  test   INCOMPLETE: 1 object could not ",
        "  dr     FAILED: cannot reach https://dr",
    ]
    assert found[-1].endswith("no connection (and 1 more)")


def test_text_reads_drift_the_other_way_and_lists_what_is_unmanaged() -> None:
    found = lines([CHANGED], drift=True, list_unmanaged=True)

    assert found[-1].startswith("  prod  Drift: 7 objects differ from Git.")
    assert "  · auth/approle/role/a" in found


# --- Markdown --------------------------------------------------------------------------------------------------


def test_a_comment_has_a_table_of_all_targets_and_then_a_part_for_each() -> None:
    found = targets.comment(ALL)

    titles = headings(found)
    assert titles[0] == "Plan of 4 targets: 2 failed or incomplete, 1 with changes, 1 as declared."
    assert [title.partition(":")[0] for title in titles[1:]] == ["`stage`", "`prod`", "`test`", "`dr`"]
    assert "| `stage` | `openbao 2.7.2 at https://stage.example.com:8200` | No changes: 41 objects are as" in found
    assert "| `dr` | `https://dr.example.com` | **`FAILED: cannot reach" in found
    assert "- `cannot reach https://dr.example.com: no connection` `is the server up?`" in found
    assert structure_problems(found, parts=5) == []
    assert "more" not in found.replace("and 1 more", "").replace("and more", "")


def test_a_small_plan_is_shown_as_it_is_alone() -> None:
    found = targets.comment([GOOD, TargetPlan("prod", Plan(BAO, (ROLE,)))])

    assert markdown.plan(Plan(BAO, (ROLE,)), target="prod") in found


def test_drift_is_read_the_other_way() -> None:
    found = targets.comment([CHANGED, GOOD], drift=True)

    assert headings(found)[0] == "Drift of 2 targets: 1 with drift, 1 as declared."
    assert "on the server, not in Git" in found


def huge(name: str, count: int = 3_000) -> TargetPlan:
    changes = tuple(change("approle_role", f"auth/approle/role/{name}-{n}", Action.DELETE) for n in range(count))
    return TargetPlan(name, Plan(BAO, changes))


def test_large_plans_share_the_room_evenly_and_small_ones_stay_whole() -> None:
    found = targets.comment([huge("a"), GOOD, huge("b"), TargetPlan("c", Plan(BAO, (ROLE, DELETED)))])

    shown = [found.count(f"- **-** `auth/approle/role/{name}-") + found.count(f"**-** `auth/approle/role/{name}-")
             for name in "ab"]  # fmt: skip
    assert 60_000 < len(found) <= markdown.LIMIT
    assert min(shown) > 100
    assert max(shown) < 1.1 * min(shown)
    assert markdown.plan(Plan(BAO, (ROLE, DELETED)), target="c") in found
    assert found.count("more did not fit; `--format text` shows all.") <= 2
    assert " more\n" in found
    assert structure_problems(found, parts=5) == []


def test_of_too_many_targets_those_that_need_an_eye_are_shown_and_the_rest_counted() -> None:
    calm = [TargetPlan(f"calm-{n}", Plan(BAO, unchanged=1)) for n in range(60)]
    failed = [replace(FAILED, target=f"failed-{n}") for n in range(3)]

    found = targets.comment([*calm, huge("a"), *failed])

    titles = " ".join(headings(found))
    assert len(found) <= markdown.LIMIT
    assert "`a`" in titles
    assert [name for name in ("failed-0", "failed-1", "failed-2") if name not in titles] == []
    lost = 64 - (len(headings(found)) - 1)
    assert lost > 0
    assert f"_{lost} targets did not fit; `--format text` shows all._" in found


@settings(deadline=None)
@given(ANY, st.booleans(), st.sampled_from([(12_000, 1), (12_000, 9), (markdown.LIMIT, 2)]))
def test_data_stays_data_in_a_comment_of_any_size(word: str, drift: bool, size: tuple[int, int]) -> None:
    limit, count = size
    good = TargetPlan(f"{word}x", plan_with(word))
    failed = TargetPlan(f"{word}x", Plan(Server("", address=word), errors=plan_with(word).errors))

    found = targets.comment([good, failed] * count, drift=drift, limit=limit)

    assert len(found) <= limit
    assert structure_problems(found, parts=len(headings(found))) == []
    assert len(headings(found)) <= 2 * count + 1
    assert problems_of(found) == []


@settings(deadline=None)
@given(ANY)
def test_data_stays_data_in_text_and_json(word: str) -> None:
    found = [TargetPlan(f"{word}x", plan_with(word)), replace(FAILED, target=f"{word}x")]

    assert problems_of("\n".join(lines(found))) == []
    assert problems_of(data.dump(data.plans(found))) == []
    assert len(lines(found)) == len(lines([replace(item, target="x") for item in found]))
