from __future__ import annotations

import io
import re
from typing import Any

import pytest
from rich.console import Console

from tests.unit.report_samples import (
    COMMENT,
    CREATED,
    CREATED_ROLE,
    DELETED,
    FULL,
    OUTCOMES,
    POLICY,
    PROBLEM,
    REPLACED,
    ROLE,
    change,
    plan_of,
    policy_change,
)
from vaultconf.catalogue import all_kinds
from vaultconf.errors import Problem
from vaultconf.model import Action, Address, Blocked, FieldChange, Held, Outcome, Plan, Status, Unmanaged, Unverified
from vaultconf.report import text, views


def console(width: int = 80, *, terminal: bool = False, **more: Any) -> Console:
    return Console(file=io.StringIO(), width=width, force_terminal=terminal, **more)


def written(target: Console) -> str:
    assert isinstance(target.file, io.StringIO)
    return target.file.getvalue()


def piped(plan: Plan, **more: bool) -> list[str]:
    """The lines of a plan as another program gets them."""
    target = console()
    text.plan(plan, target, **more)
    return written(target).splitlines()


def on_terminal(plan: Plan, width: int = 80) -> list[str]:
    """The lines of a plan as a terminal without colours gets them."""
    target = console(width, terminal=True, color_system=None)
    text.plan(plan, target)
    return written(target).splitlines()


def test_an_update_shows_each_field_before_and_after() -> None:
    assert piped(plan_of(ROLE))[:4] == [
        "  ~ auth/approle/role/payments  payments  desired-state/auth.yaml:31",
        "      token_ttl           20m → 1h30m",
        "      token_policies      [payments-read] → [payments-read, payments-write]",
        "      secret_id_num_uses  0 → 10",
    ]


def test_a_policy_is_shown_line_by_line() -> None:
    assert piped(plan_of(POLICY))[1:8] == [
        "      policy",
        "        @@ -1,5 +1,5 @@",
        "          # Payments may read.",
        '          path "kv/data/payments/*" {',
        '        -   capabilities = ["read"]',
        '        +   capabilities = ["read", "list"]',
        "          }",
    ]


def test_a_policy_of_one_line_is_shown_line_by_line_too() -> None:
    found = piped(plan_of(policy_change('path "a" {}', 'path "b" {}')))

    assert found[3:5] == ['        - path "a" {}', '        + path "b" {}']


def test_a_policy_that_means_the_same_says_so() -> None:
    assert piped(plan_of(COMMENT))[0] == "  ~ sys/policies/acl/ledger-read (same meaning)"


def test_a_new_object_shows_what_is_written_and_hides_its_secret() -> None:
    found = piped(plan_of(CREATED))

    assert found[1] == "      plugin_name     postgresql-database-plugin"
    assert found[3:5] == ["      allowed_roles   [payments-ro]", "      password        (secret)"]


def test_a_long_list_is_shown_item_by_item_after_the_short_fields() -> None:
    assert piped(plan_of(CREATED_ROLE))[2:6] == [
        "      default_ttl  1h",
        "      creation_statements",
        "        + CREATE ROLE \"{{name}}\" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'",
        '        + GRANT SELECT ON ALL TABLES IN SCHEMA public TO "{{name}}"',
    ]


def test_a_long_list_that_becomes_unset_is_shown_item_by_item() -> None:
    names = tuple(f"a-rather-long-policy-name-{number}" for number in range(3))
    item = FieldChange("token_policies", names, None)

    found = piped(plan_of(change("approle_role", "auth/approle/role/x", Action.UPDATE, item)))

    assert found[2:5] == [f"        - {name}" for name in names]


def test_a_guarded_change_says_what_to_allow() -> None:
    assert piped(plan_of(REPLACED))[:3] == [
        "  ± sys/mounts/kv  desired-state/secrets.yaml:2",
        "    ! needs --allow sys/mounts/kv: destroys_data (41 keys)",
        "      options  {version: 2} → {version: 1}",
    ]


def test_a_deleted_object_shows_the_side_that_there_is() -> None:
    item = FieldChange("token_ttl", 3600, None)

    assert piped(plan_of(change("approle_role", "auth/approle/role/x", Action.DELETE, item)))[:2] == [
        "  - auth/approle/role/x",
        "      token_ttl  1h",
    ]


def test_one_liners_stand_close_together() -> None:
    assert piped(plan_of(DELETED, DELETED, REPLACED, DELETED))[:8] == [
        "  - auth/approle/role/old",
        "  - auth/approle/role/old",
        "",
        "  ± sys/mounts/kv  desired-state/secrets.yaml:2",
        "    ! needs --allow sys/mounts/kv: destroys_data (41 keys)",
        "      options  {version: 2} → {version: 1}",
        "",
        "  - auth/approle/role/old",
    ]


def test_unmanaged_objects_are_counted_by_collection_and_mounts_by_content() -> None:
    found = piped(FULL)

    start = found.index("Not in Git, so left alone (`--unmanaged` names each):")
    assert found[start + 1 : start + 4] == [
        "  · sys/mounts/legacy (12 objects in it)",
        "  · 2 unmanaged in auth/approle/role",
        "  · 1 unmanaged in team-a/sys/policies/acl",
    ]


def test_unmanaged_objects_are_named_on_request() -> None:
    found = piped(FULL, list_unmanaged=True)

    assert "  · auth/approle/role/b" in found
    assert "  · team-a/sys/policies/acl/team/x" in found


def test_an_unmanaged_mount_without_a_count_and_a_configuration_are_named() -> None:
    kinds = all_kinds()
    items = (
        Unmanaged(kinds["auth_method"], Address("sys/auth/x")),
        Unmanaged(kinds["kv_config"], Address("kv/config")),
    )

    found = piped(plan_of(unmanaged=items))

    assert found[1:3] == ["  · kv/config", "  · sys/auth/x"]


def test_an_unmanaged_object_that_does_not_fit_its_kind_is_counted_by_its_parent() -> None:
    item = Unmanaged(all_kinds()["approle_role"], Address("elsewhere/x"))

    assert piped(plan_of(unmanaged=(item,)))[1] == "  · 1 unmanaged in elsewhere"


def test_everything_that_needs_attention_has_its_section() -> None:
    found = piped(FULL)

    for title, line in [
        ("Not verified:", "  ? database/config/ledger-db  password: write-only; no ledger"),
        ("Held, so left alone:", "  · auth/userpass/users/breakglass  until 2026-12-01: INC-4711"),
        ("Notices:", f"  · {FULL.notices[0]}"),
        ("Could not be read, so left alone:", "  ! auth/approle/role/x  403 permission denied"),
        ("Errors:", "  ! desired-state/auth.yaml:12:9: unknown field `tokn_ttl`"),
    ]:
        assert found[found.index(title) + 1] == line


def test_what_did_not_answer_has_no_status_and_what_is_held_needs_no_reason() -> None:
    blocked = Blocked(all_kinds()["approle_role"], Address("a/b"), 0, "no answer")

    found = piped(plan_of(blocked=(blocked,), held=(Held(Address("c/d")),)))

    assert "  ! a/b  no answer" in found
    assert "  · c/d" in found


UNSEEN = {
    "blocked": (Blocked(all_kinds()["approle_role"], Address("a/b"), 403, "denied"),),
    "errors": (Problem("x"), Problem("y")),
}
BESIDE = {"unverified": (Unverified(Address("a/b"), "password", "write-only"),), "held": (Held(Address("c/d")),)}


@pytest.mark.parametrize(
    ("plan", "line"),
    [
        (
            plan_of(ROLE, CREATED, DELETED, unchanged=41, **BESIDE),
            "Plan: 1 to create, 1 to update, 0 to replace, 1 to delete; 41 unchanged, 0 unmanaged, 1 unverified.",
        ),
        (plan_of(unchanged=41), "No changes: 41 objects are as declared."),
        (plan_of(unchanged=1), "No changes: 1 object is as declared."),
        (plan_of(unchanged=2, **BESIDE), "No changes: 2 objects are as declared. 1 unverified, 1 held."),
        (
            plan_of(unchanged=41, **UNSEEN),
            "INCOMPLETE: 1 object could not be read, 2 errors. No changes among 41 objects that could be compared.",
        ),
    ],
)
def test_the_last_line_counts_and_says_loudly_what_is_missing(plan: Plan, line: str) -> None:
    assert piped(plan)[-1] == line


@pytest.mark.parametrize(
    ("plan", "line"),
    [
        (plan_of(ROLE, DELETED, unchanged=41), "Drift: 2 objects differ from Git."),
        (plan_of(ROLE), "Drift: 1 object differs from Git."),
        (plan_of(ROLE, **BESIDE), "Drift: 1 object differs from Git. 1 unverified, 1 held."),
        (plan_of(unchanged=41), "No drift: 41 objects are as declared."),
        (
            plan_of(errors=(Problem("x"),), unchanged=3),
            "INCOMPLETE: 1 error. No drift among 3 objects that could be compared.",
        ),
    ],
)
def test_drift_has_its_own_last_line(plan: Plan, line: str) -> None:
    assert piped(plan, drift=True)[-1] == line


def test_drift_says_what_the_server_has_against_git() -> None:
    found = piped(plan_of(ROLE, CREATED, DELETED, POLICY), drift=True)

    assert found[1] == "      token_ttl           1h30m in Git → 20m on the server"
    assert found[5:7] == [
        "  - database/config/payments-db (missing on the server)  payments  desired-state/database.yaml:4",
        "  + auth/approle/role/old (on the server, not in Git)",
    ]
    assert found[9] == "      policy  - Git, + server"
    assert '        +   capabilities = ["read"]' in found


def test_every_action_has_a_symbol() -> None:
    assert set(views.SYMBOLS) == set(views.DRIFT_SYMBOLS) == set(Action)


def long_change(before: str, after: str) -> Plan:
    item = FieldChange("description", before, after)
    return plan_of(change("secrets_engine", "sys/mounts/x", Action.UPDATE, item))


def test_a_terminal_gets_long_values_whole_one_below_the_other() -> None:
    found = on_terminal(long_change("a" * 200, "b" * 200))

    assert found[1] == f"      description  {'a' * 200}"
    assert found[2] == f"                 → {'b' * 200}"


def test_a_pipe_gets_long_values_whole_in_one_line() -> None:
    found = piped(long_change("a" * 200, "b" * 200))

    assert found[1] == f"      description  {'a' * 200} → {'b' * 200}"


@pytest.mark.parametrize("width", [80, 160])
def test_a_terminal_breaks_no_line_but_between_words(width: int) -> None:
    found = on_terminal(FULL, width)

    verbatim = [line for line in found if line.startswith(" " * 8 + "+ ")]
    assert len(verbatim) > 2
    wide = [line for line in found if len(line) > width and line not in verbatim]
    assert [line for line in wide if " " in line.rpartition("  ")[2]] == []


def test_a_sentence_is_wrapped_below_its_beginning() -> None:
    found = on_terminal(plan_of(notices=("words and words " * 8,)))

    assert found[1].startswith("  · words and words")
    assert found[2].startswith("    and words")


def test_an_address_is_never_broken() -> None:
    path = f"auth/approle/role/{'x' * 100}"

    assert path in on_terminal(plan_of(notices=(f"see {path} there",)))[2]


def test_a_wrapped_sentence_begins_no_line_with_a_ci_command() -> None:
    found = on_terminal(plan_of(notices=(f"{'x' * 70} ::error::y",)))

    assert found[2] == r"    \x3a:error::y"


def test_owner_and_place_go_below_an_address_that_fills_the_line() -> None:
    long = change("approle_role", f"auth/approle/role/{'x' * 60}", Action.DELETE, owner="payments")

    assert on_terminal(plan_of(long))[:2] == [f"  - auth/approle/role/{'x' * 60}", "    payments"]


def test_colours_are_for_terminals_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    plain, coloured = console(), console(terminal=True, no_color=False, color_system="standard")
    refused = console(terminal=True, color_system="standard")

    for target in (plain, coloured, refused):
        text.plan(FULL, target)

    assert "\x1b[" not in written(plain)
    assert "\x1b[32m" in written(coloured)
    assert not re.search(r"\x1b\[(\d;)?3\d", written(refused))


def test_markup_in_data_is_no_markup() -> None:
    found = piped(plan_of(change("approle_role", "auth/approle/role/[red]x[/red]", Action.DELETE, owner="[/]")))

    assert found[0] == "  - auth/approle/role/[red]x[/red]  [/]"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_console_that_is_not_unicode_gets_what_it_can_print(encoding: str) -> None:
    raw = io.BytesIO()
    target = Console(file=io.TextIOWrapper(raw, encoding=encoding), width=80)

    text.plan(plan_of(REPLACED, change("approle_role", "auth/approle/role/漢", Action.DELETE)), target)

    target.file.flush()
    found = raw.getvalue().decode(encoding)
    assert "  -/+ sys/mounts/kv" in found
    assert "{version: 2} -> {version: 1}" in found
    assert r"role/\u6f22" in found


def outcome_lines(*outcomes: Outcome) -> list[str]:
    target = console()
    text.outcomes(outcomes, target)
    return written(target).splitlines()


def test_outcomes_say_what_was_done_then_what_was_not_and_why() -> None:
    failed, done, *rest = (OUTCOMES[1], OUTCOMES[0], *OUTCOMES[2:])

    assert outcome_lines(failed, done, *rest) == [
        "  ~ auth/approle/role/payments  done (request 5d1f-1)",
        "  ! update sys/policies/acl/payments-read  failed: 1 error occurred: * permission denied (request 5d1f-2)",
        "  ? create database/roles/payments-ro  skipped: database/config/payments-db failed",
        "  ! delete auth/approle/role/old  unknown: no answer within 60 s",
        "",
        "Applied: 1 done, 1 failed, 1 skipped, 1 unknown.",
    ]


def test_an_apply_of_nothing_says_so() -> None:
    assert outcome_lines() == ["Nothing to apply."]


def test_an_apply_that_went_well_is_green_and_another_red() -> None:
    good, bad = (console(terminal=True, no_color=False, color_system="standard") for _ in range(2))

    text.outcomes([Outcome(ROLE, Status.DONE)], good)
    text.outcomes(OUTCOMES, bad)

    assert "\x1b[1;32mApplied: 1 done" in written(good)
    assert "\x1b[1;31mApplied: 1 done" in written(bad)


def test_problems_say_where_what_and_what_to_do() -> None:
    target = console()

    text.problems([PROBLEM, Problem("too short", address="auth/approle/role/x"), Problem("no server")], target)

    assert written(target).splitlines() == [
        "  ! desired-state/auth.yaml:12:9: unknown field `tokn_ttl`",
        "    did you mean `token_ttl`?",
        "  ! auth/approle/role/x: too short",
        "  ! no server",
    ]


def test_no_problems_print_nothing() -> None:
    target = console()

    text.problems([], target)

    assert written(target) == ""


def test_a_stranger_that_counts_as_drift_is_in_the_summary() -> None:
    stray = Unmanaged(all_kinds()["acl_policy"], Address("sys/policies/acl/stray"))
    role = Unmanaged(all_kinds()["approle_role"], Address("auth/approle/role/stray"))

    strict = views.summary(plan_of(unmanaged=(stray, role), strict=True), drift=True)
    loose = views.summary(plan_of(unmanaged=(stray, role)), drift=True)
    both = views.summary(plan_of(ROLE, unmanaged=(stray,), strict=True), drift=True)

    assert strict.startswith("Drift: 1 object is not in Git.")
    assert loose.startswith("No drift")
    assert both.startswith("Drift: 1 object differs from Git, 1 object is not in Git.")
