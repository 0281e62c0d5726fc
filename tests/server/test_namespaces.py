"""A child namespace and what lives in it, declared together."""

from __future__ import annotations

import pytest

from tests.support.cli import Project
from tests.support.raw import Raw


@pytest.fixture
def somewhere(project: Project) -> Project:
    """A project whose server has namespaces."""
    if project.server.product != "openbao" and not project.server.enterprise:
        pytest.skip("community Vault has no namespaces")
    return project


def _declare(project: Project, unique: str, namespaces: str) -> None:
    project.write(
        "desired-state/a.yaml",
        f"""
        {namespaces}
        ---
        namespace: {unique}
        namespaces: {{inner: {{}}}}
        policies: {{app: {{policy: '# app'}}}}
        secrets: {{kv: {{type: kv, options: {{version: "2"}}, config: {{max_versions: 3}}}}}}
        auth:
          approle: {{type: approle, roles: {{app: {{token_policies: [app]}}}}}}
          token: {{tune: {{max_lease_ttl: 2h}}, roles: {{ci: {{}}}}}}
        ---
        namespace: {unique}/inner
        policies: {{deep: {{policy: '# deep'}}}}
        """.replace("\n        ", "\n"),
    )


def test_the_order_of_documents_does_not_matter_to_namespaces_within_new_ones(somewhere: Project, unique: str) -> None:
    somewhere.write(
        "desired-state/a.yaml",
        f"""
        namespace: {unique}/inner
        policies: {{deep: {{policy: '# deep'}}}}
        ---
        namespace: {unique}
        namespaces: {{inner: {{}}}}
        ---
        namespaces: {{{unique}: {{}}}}
        """.replace("\n        ", "\n"),
    )

    plan = somewhere.plan()

    assert plan["blocked"] == []
    assert {item["address"] for item in plan["changes"]} == {
        f"sys/namespaces/{unique}",
        f"{unique}/sys/namespaces/inner",
        f"{unique}/inner/sys/policies/acl/deep",
    }


def test_a_namespace_is_made_and_filled_in_one_apply(somewhere: Project, unique: str) -> None:
    _declare(somewhere, unique, f"namespaces: {{{unique}: {{}}}}")

    plan = somewhere.plan()
    outcome = somewhere.apply()
    again = somewhere.plan()

    assert {item["address"]: item["action"] for item in plan["changes"]} == {
        f"sys/namespaces/{unique}": "create",
        f"{unique}/sys/namespaces/inner": "create",
        f"{unique}/sys/policies/acl/app": "create",
        f"{unique}/sys/mounts/kv": "create",
        f"{unique}/kv/config": "update",
        f"{unique}/sys/auth/approle": "create",
        f"{unique}/auth/approle/role/app": "create",
        f"{unique}/sys/auth/token": "update",
        f"{unique}/auth/token/roles/ci": "create",
        f"{unique}/inner/sys/policies/acl/deep": "create",
    }
    assert plan["blocked"] == []
    assert {item["status"] for item in outcome["outcomes"]} == {"done"}
    assert again["changes"] == []


def test_what_lives_in_a_namespace_that_this_run_does_not_make_is_blocked(somewhere: Project, unique: str) -> None:
    _declare(somewhere, unique, f"namespaces: {{{unique}: {{}}}}")

    result = somewhere.run("plan", "--format", "json", "--only", f"{unique}/*")

    assert result.exit_code == 1
    assert result.plan["changes"] == []
    assert {item["reason"] for item in result.plan["blocked"]} == {"there is no such namespace"}


def test_no_pattern_of_prune_reaches_a_namespace(somewhere: Project, raw: Raw, unique: str) -> None:
    raw.write(f"sys/namespaces/{unique}")
    somewhere.write("vaultconf.yaml", "version: 1\nprune: [sys/*, +/sys/*]\nowns: [sys/namespaces/*]\n")

    plan = somewhere.plan()

    assert plan["changes"] == []
    assert f"sys/namespaces/{unique}" in {item["address"] for item in plan["unmanaged"]}


def test_a_community_vault_is_said_to_have_no_namespaces_when_planning(project: Project, unique: str) -> None:
    if project.server.product == "openbao" or project.server.enterprise:
        pytest.skip("this server has namespaces")
    project.write("desired-state/a.yaml", f"namespaces: {{{unique}: {{}}}}\n")

    result = project.run("plan", "--format", "json")

    assert result.exit_code == 1
    assert ["community Vault has no namespaces" in error["message"] for error in result.plan["errors"]] == [True]
    assert not [notice for notice in result.plan["notices"] if "namespaces" in notice]
