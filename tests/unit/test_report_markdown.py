from __future__ import annotations

import re

import pytest

from tests.unit.report_samples import (
    CREATED,
    CREATED_ROLE,
    DELETED,
    FULL,
    NEW_POLICY,
    OLD_POLICY,
    OUTCOMES,
    POLICY,
    REPLACED,
    ROLE,
    change,
    plan_of,
    policy_change,
)
from tests.unit.report_structure import headings, structure_problems
from vaultconf.errors import Place, Problem
from vaultconf.model import Action, FieldChange, Outcome, Status
from vaultconf.report import markdown


def many(count: int) -> list[str]:
    return [f"auth/approle/role/role-{number}" for number in range(count)]


def test_the_headline_counts() -> None:
    assert headings(markdown.plan(plan_of(ROLE, unchanged=41))) == [
        "Plan: 0 to create, 1 to update, 0 to replace, 0 to delete; 41 unchanged, 0 unmanaged, 0 unverified."
    ]


def test_an_empty_plan_is_a_headline() -> None:
    assert markdown.plan(plan_of(unchanged=41)) == "### No changes: 41 objects are as declared.\n"


def test_risks_blocked_objects_and_errors_stand_open_before_the_rest() -> None:
    found = markdown.plan(FULL)

    open_part, _, folded = found.partition("<details>")
    assert "**INCOMPLETE: 1 object could not be read, 1 error.**" in open_part
    assert "- `needs --allow sys/mounts/kv: destroys_data (41 keys)`" in open_part
    assert "- `auth/approle/role/x` `403 permission denied`" in open_part
    assert "- `desired-state/auth.yaml:12:9` `` unknown field `tokn_ttl` ``" in open_part
    assert "| **~** | `auth/approle/role/payments` | `payments` | `desired-state/auth.yaml:31` |" in open_part
    assert "write-only; no ledger" in folded


def test_changes_are_folded_by_action_the_dangerous_first() -> None:
    found = markdown.plan(plan_of(CREATED, ROLE, DELETED, REPLACED))

    titles = ["1 to delete", "1 to replace", "1 to update", "1 to create"]
    places = [found.index(f"<details><summary>{title}</summary>") for title in titles]
    assert places == sorted(places)


def test_a_policy_is_a_diff() -> None:
    assert (
        "```diff\n@@ policy @@\n@@ -1,5 +1,5 @@\n"
        '  # Payments may read.\n  path "kv/data/payments/*" {\n'
        '-   capabilities = ["read"]\n+   capabilities = ["read", "list"]\n  }\n'
    ) in markdown.plan(plan_of(POLICY))


def test_a_field_is_a_diff_with_readable_durations() -> None:
    assert "```diff\n- token_ttl: 20m\n+ token_ttl: 1h30m\n" in markdown.plan(plan_of(ROLE))


def test_a_new_object_has_one_side_and_no_secret() -> None:
    found = markdown.plan(plan_of(CREATED, CREATED_ROLE))

    assert "+ plugin_name: postgresql-database-plugin\n" in found
    assert "+ password: (secret)\n```" in found


def test_drift_reads_as_git_against_the_server() -> None:
    found = markdown.plan(plan_of(ROLE, POLICY, CREATED, DELETED), drift=True)

    assert headings(found) == ["Drift: 4 objects differ from Git."]
    assert "- token_ttl: 1h30m\n+ token_ttl: 20m\n" in found
    assert "<details><summary>1 missing on the server</summary>" in found
    assert "<details><summary>1 on the server, not in Git</summary>\n\n**+** `auth/approle/role/old`" in found


def test_a_pipe_in_an_address_ends_no_cell() -> None:
    found = markdown.plan(plan_of(change("approle_role", "auth/approle/role/a|b", Action.DELETE)))

    assert r"| **-** | `auth/approle/role/a\x7cb` |  |  |" in found
    assert structure_problems(found) == []


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("plain", "`plain`"),
        ("a `b` c", "``a `b` c``"),
        ("`b`", "`` `b` ``"),
        ("x ``", "``` x `` ```"),
        (" ", "`   `"),
        ("", "`-`"),
        ("x" * 400, f"`{'x' * 149}…{'x' * 150}`"),
    ],
)
def test_a_code_span_is_longer_than_what_is_in_it(text: str, span: str) -> None:
    assert markdown.code(text) == span


def test_a_fence_is_longer_than_what_is_in_it() -> None:
    found = markdown.plan(plan_of(policy_change("# a", "# a\n````\n</details>")))

    assert "`````diff\n" in found
    assert structure_problems(found) == []


def test_a_comment_fits_and_says_how_much_was_cut() -> None:
    changes = [change("approle_role", path, Action.DELETE) for path in many(3_000)]

    found = markdown.plan(plan_of(*changes))

    assert 60_000 < len(found) <= markdown.LIMIT
    assert structure_problems(found) == []
    kept = found.count("**-** `auth") - found.count("| **-** `auth")
    assert kept > 300
    assert " more | | |" in found
    assert "\n- " in found
    assert " more\n" in found


def test_every_part_has_a_share_of_a_full_comment() -> None:
    deletes = [change("approle_role", path, Action.DELETE) for path in many(3_000)]

    found = markdown.plan(plan_of(*deletes, POLICY, REPLACED))

    assert len(found) <= markdown.LIMIT
    assert 'capabilities = ["read", "list"]' in found
    assert "- options: {version: 2}" in found


def test_a_huge_policy_is_cut_inside_its_fence() -> None:
    long = "\n".join(f"# line {number}" for number in range(20_000))

    found = markdown.plan(plan_of(policy_change(OLD_POLICY, long), policy_change(OLD_POLICY, NEW_POLICY)))

    assert " more lines\n```\n" in found
    assert '+   capabilities = ["read", "list"]' in found
    assert structure_problems(found) == []


def test_a_huge_line_is_cut_in_the_middle() -> None:
    found = markdown.plan(plan_of(policy_change("# a", "# " + "x" * 100_000)))

    assert len(found) < 3_000
    assert "x…x" in found


@pytest.mark.parametrize("limit", [1_000, 1_500, 2_000, 4_000, 10_000])
def test_any_limit_holds_and_nothing_stays_open(limit: int) -> None:
    found = markdown.plan(FULL, limit=limit)

    assert len(found) <= limit
    assert structure_problems(found) == []
    assert "more" in found or limit > 3_000


def test_parts_without_any_room_are_counted() -> None:
    changes = [change("approle_role", f"{'x' * 250}/{path}", Action.DELETE) for path in many(5)]

    assert "\n_5 more did not fit; `--format text` shows all._\n" in markdown.plan(plan_of(*changes), limit=250)


def test_outcomes_show_what_was_not_done_and_fold_the_rest() -> None:
    found = markdown.outcomes(OUTCOMES)

    open_part, _, folded = found.partition("<details>")
    assert headings(found) == ["Applied: 1 done, 1 failed, 1 skipped, 1 unknown."]
    assert "- delete `auth/approle/role/old` `unknown: no answer within 60 s`" in open_part
    assert "- update `auth/approle/role/payments` `done (request 5d1f-1)`" in folded
    assert structure_problems(found) == []


def test_many_outcomes_fit() -> None:
    item = FieldChange("token_ttl", 1, 2)
    changes = [change("approle_role", path, Action.UPDATE, item) for path in many(3_000)]

    found = markdown.outcomes([Outcome(each, Status.DONE) for each in changes])

    assert len(found) <= markdown.LIMIT
    assert structure_problems(found) == []
    assert " more\n" in found


def test_a_failure_is_a_comment_that_says_why_within_the_limit() -> None:
    found = [
        Problem(f"```\n</details>\n# {number}", Place("a`|b.yaml", number, 1), "<b>@all") for number in range(1, 4)
    ]

    told, cut = markdown.failure(found), markdown.failure(found * 400, limit=4_000)

    assert headings(told) == ["Failed: 3 problems."]
    assert told.count("\n- ") == 3
    assert structure_problems(told) == []
    assert len(cut) <= 4_000
    assert re.search(r"^- \d+ more$", cut, re.MULTILINE)
    assert structure_problems(cut) == []
