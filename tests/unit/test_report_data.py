from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests.unit.report_samples import CREATED, FULL, OUTCOMES, PROBLEM, ROLE, change, plan_of
from vaultconf.errors import Problem
from vaultconf.model import Action, Address, FieldChange, Held, Plan, RiskReason, Server, Status
from vaultconf.references import Deferred, Reference, Template
from vaultconf.report import data
from vaultconf.sealed import Secret

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"


def schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))
    return found


def complaints(name: str, document: data.Json) -> list[str]:
    """What the published schema finds wrong with a document as it is printed."""
    printed = json.loads(data.dump(document))
    return [error.message for error in Draft202012Validator(schema(name)).iter_errors(printed)]


def test_a_plan_with_one_of_everything_has_the_shape_that_is_promised() -> None:
    found = data.plan(FULL)

    assert found["format"] == "vaultconf.plan/1"
    assert found["complete"] is False
    assert found["server"] == {
        "product": "openbao",
        "version": "2.7.2",
        "address": "https://vault.example.com:8200",
        "cluster_id": "c0ffee",
    }
    assert found["unverified"] == [
        {"address": "database/config/ledger-db", "field": "password", "reason": "write-only; no ledger"}
    ]
    assert found["blocked"] == [
        {"address": "auth/approle/role/x", "kind": "approle_role", "status": 403, "reason": "permission denied"}
    ]
    assert found["held"] == [{"address": "auth/userpass/users/breakglass", "reason": "INC-4711", "until": "2026-12-01"}]
    assert found["access"] == []
    assert found["notices"] == list(FULL.notices)
    assert found["summary"] == {
        "create": 2, "update": 3, "replace": 1, "delete": 1,
        "unchanged": 41, "unmanaged": 4, "unverified": 1, "blocked": 1,
    }  # fmt: skip


def test_a_change_has_canonical_values_its_place_and_its_owner() -> None:
    (found,) = changes_of(plan_of(ROLE)).values()

    assert found == {
        "address": "auth/approle/role/payments",
        "kind": "approle_role",
        "action": "update",
        "owner": "payments",
        "fields": [
            {"field": "token_ttl", "before": 1200, "after": 5400},
            {"field": "token_policies", "before": ["payments-read"], "after": ["payments-read", "payments-write"]},
            {"field": "secret_id_num_uses", "before": 0, "after": 10},
        ],
        "source": {"file": "desired-state/auth.yaml", "line": 31, "column": 7},
        "risk": None,
    }


def changes_of(plan: Plan) -> dict[str, dict[str, Any]]:
    found: Any = data.plan(plan)["changes"]
    return {item["address"]: item for item in found}


def test_a_guarded_change_says_why_and_what_to_allow() -> None:
    found = changes_of(FULL)

    assert found["sys/mounts/kv"]["risk"] == {"reason": "destroys_data", "detail": "41 keys", "allow": "sys/mounts/kv"}


def test_a_policy_whose_text_alone_differs_says_that_it_means_the_same() -> None:
    found = changes_of(FULL)

    assert found["sys/policies/acl/ledger-read"]["meaning"] == "same"
    assert "meaning" not in found["sys/policies/acl/payments-read"]


def test_what_is_not_known_is_null() -> None:
    found = changes_of(FULL)["auth/approle/role/old"]

    assert (found["owner"], found["source"], found["risk"]) == (None, None, None)


def test_an_unmanaged_mount_has_a_count_and_a_role_has_none() -> None:
    found: Any = data.plan(FULL)["unmanaged"]

    assert found[0] == {"address": "auth/approle/role/a", "kind": "approle_role"}
    assert found[-1] == {"address": "sys/mounts/legacy", "kind": "secrets_engine", "count": 12}


@pytest.mark.parametrize(
    "item",
    [
        FieldChange("username", "canary", "canary", secret=True),
        FieldChange("password", None, "canary"),
        FieldChange("username", "x", Secret("canary")),
        FieldChange("allowed_roles", ("canary",), ("a", Secret("canary"))),
        FieldChange("username", "canary", Deferred(Template(("canary", Reference("env", "X"))))),
    ],
    ids=["marked by the differ", "marked by the kind", "a secret", "a secret in a list", "a reference"],
)
def test_a_secret_is_null_on_both_sides(item: FieldChange) -> None:
    (found,) = changes_of(plan_of(change("database_connection", "db/config/x", Action.UPDATE, item))).values()

    assert found["fields"] == [{"field": item.field, "before": None, "after": None, "secret": True}]


def test_maps_and_sets_become_what_json_has() -> None:
    item = FieldChange("options", {"a": ("x",)}, frozenset({"b", "a"}))

    (found,) = changes_of(plan_of(change("secrets_engine", "sys/mounts/x", Action.UPDATE, item))).values()

    assert found["fields"] == [{"field": "options", "before": {"a": ["x"]}, "after": ["a", "b"]}]


def test_outcomes_are_listed_and_counted() -> None:
    found: Any = data.outcome(OUTCOMES, [PROBLEM])

    assert found["outcomes"][0] == {
        "address": "auth/approle/role/payments",
        "action": "update",
        "status": "done",
        "reason": None,
        "request_id": "5d1f-1",
    }
    assert found["summary"] == {"done": 1, "failed": 1, "skipped": 1, "unknown": 1}


def test_a_problem_has_its_place_and_its_remedy() -> None:
    found = data.failure(data.PLAN, [PROBLEM, Problem("no server")])["errors"]

    assert found == [
        {
            "message": "unknown field `tokn_ttl`",
            "file": "desired-state/auth.yaml",
            "line": 12,
            "column": 9,
            "address": "auth/approle/x",
            "hint": "did you mean `token_ttl`?",
        },
        {"message": "no server", "file": None, "line": None, "column": None, "address": None, "hint": None},
    ]


def test_a_run_that_fails_early_prints_the_same_object() -> None:
    found = data.failure(data.PLAN, [PROBLEM])

    assert found.keys() == data.plan(FULL).keys()
    assert (found["complete"], found["server"]) == (False, None)


@pytest.mark.parametrize(
    ("name", "document"),
    [
        ("plan", data.plan(FULL)),
        ("plan", data.plan(Plan(Server("vault")))),
        ("plan", data.plan(plan_of(held=(Held(Address("a/b")),)))),
        ("plan", data.failure(data.PLAN, [PROBLEM, Problem("no server")])),
        ("outcome", data.outcome(OUTCOMES, [PROBLEM])),
        ("outcome", data.outcome((), ())),
        ("outcome", data.failure(data.OUTCOME, [PROBLEM])),
    ],
)
def test_every_document_keeps_to_the_published_schema(name: str, document: data.Json) -> None:
    assert complaints(name, document) == []


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.builds(Secret, st.text()),
    lambda inner: st.lists(inner).map(tuple) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@settings(deadline=None)
@given(st.text(), VALUES, VALUES, st.booleans())
def test_any_change_keeps_to_the_schema(name: str, before: object, after: object, secret: bool) -> None:
    item = FieldChange(name, before, after, secret)

    assert complaints("plan", data.plan(plan_of(change("approle_role", name, Action.UPDATE, item)))) == []


def test_the_schema_refuses_a_secret_with_a_value() -> None:
    document: Any = data.plan(plan_of(CREATED))
    document["changes"][0]["fields"][-1]["after"] = "canary"

    assert len(complaints("plan", document)) == 1


def test_the_schema_knows_every_reason_and_status() -> None:
    risk = schema("plan")["$defs"]["risk"]["properties"]["reason"]["enum"]
    status = schema("outcome")["$defs"]["outcome"]["properties"]["status"]["enum"]

    assert set(risk) == {reason.value for reason in RiskReason}
    assert set(status) == {item.value for item in Status}


def properties_of(node: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every property that a schema declares, at any depth."""
    if isinstance(node, dict):
        yield from node.get("properties", {}).items() if "required" in node else ()
        for item in node.values():
            yield from properties_of(item)


@pytest.mark.parametrize("name", ["plan", "outcome", "export"])
def test_every_property_of_the_schemas_is_described(name: str) -> None:
    document = schema(name)

    Draft202012Validator.check_schema(document)
    described = document["$defs"]
    silent = [
        key
        for key, item in properties_of(document)
        if "description" not in item and "description" not in described.get(item.get("$ref", "").split("/")[-1], {})
    ]
    assert silent == []


@settings(deadline=None)
@given(st.text())
def test_the_printed_json_is_ascii_and_reads_back_as_the_same(text: str) -> None:
    document: data.Json = {"notices": [text, f"##vso[{text}", "###[group]", f"\\##[{text}"]}

    printed = data.dump(document)

    assert json.loads(printed) == document
    assert printed.isascii()
    assert "\x1b" not in printed
    assert "\x7f" not in printed
    assert "##" not in printed
