"""Drift finds what was changed by hand, exactly, and says so by its exit code."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support import servers
from tests.support.cli import Project
from tests.support.raw import Raw


def declare(project: Project, unique: str) -> None:
    project.policy(f"{unique}-read", "# read")
    project.write(
        "desired-state/a.yaml",
        f"""
        secrets: {{{unique}-kv: {{type: kv, options: {{version: "2"}}}}}}
        auth:
          {unique}:
            type: approle
            roles: {{a: {{token_policies: [{unique}-read], token_ttl: 20m}}, b: {{}}}}
        """,
    )


def found(document: Mapping[str, Any]) -> dict[str, dict[str, tuple[Any, Any]]]:
    return {
        change["address"]: {field["field"]: (field["before"], field["after"]) for field in change["fields"]}
        for change in document["changes"]
    }


def test_drift_finds_exactly_what_was_changed_by_hand(project: Project, raw: Raw, unique: str) -> None:
    declare(project, unique)
    project.apply()
    before = project.run("drift", "--format", "json")

    raw.write(f"auth/{unique}/role/a", {"token_ttl": 3600, "secret_id_num_uses": 5})
    raw.write(f"sys/policies/acl/{unique}-read", {"policy": "# by hand"})
    raw.write(f"{unique}-kv/config", {"max_versions": 2})
    raw.write(f"sys/mounts/{unique}-kv/tune", {"description": "by hand", "max_lease_ttl": "1h"})
    raw.delete(f"auth/{unique}/role/b")
    after = project.run("drift", "--format", "json")

    assert before.exit_code == 0, before
    assert before.plan["changes"] == []
    assert after.exit_code == 2, after
    assert found(after.plan) == {
        f"auth/{unique}/role/a": {"token_ttl": (3600, 1200), "secret_id_num_uses": (5, 0)},
        f"auth/{unique}/role/b": {},
        f"sys/policies/acl/{unique}-read": {"policy": ("# by hand", "# read")},
        f"{unique}-kv/config": {"max_versions": (2, 0)},
        f"sys/mounts/{unique}-kv": {"description": ("by hand", ""), "tune.max_lease_ttl": (3600, 0)},
    }


def test_apply_repairs_what_drift_found(project: Project, raw: Raw, unique: str) -> None:
    declare(project, unique)
    project.apply()
    raw.write(f"auth/{unique}/role/a", {"token_ttl": 3600, "token_num_uses": 5, "bind_secret_id": True})
    raw.write(f"sys/mounts/{unique}-kv/tune", {"max_lease_ttl": "1h", "options": {"version": "2"}})

    drifted = project.run("drift")
    project.apply()
    repaired = project.run("drift", "--format", "json")

    assert drifted.exit_code == 2, drifted
    assert repaired.exit_code == 0, repaired


def test_a_field_that_no_file_mentions_is_compared_with_its_default(project: Project, raw: Raw, unique: str) -> None:
    declare(project, unique)
    project.apply()
    raw.write(f"auth/{unique}/role/b", {"token_no_default_policy": True, "token_bound_cidrs": ["10.0.0.0/8"]})

    drifted = project.run("drift", "--format", "json")

    assert found(drifted.plan) == {
        f"auth/{unique}/role/b": {
            "token_no_default_policy": (True, False),
            "token_bound_cidrs": (["10.0.0.0/8"], []),
        }
    }


def test_a_stranger_is_drift_inside_prune_or_where_strict_says_so(tmp_path: Path) -> None:
    server = servers.start_configured()
    try:
        project, raw = Project.new(tmp_path, server), server.raw()
        project.policy("ours", "# ours")
        project.apply()
        clean = project.run("drift", "--strict")
        raw.write("sys/policies/acl/stray", {"policy": "# stray"})

        unpruned = project.run("drift")
        strict = project.run("drift", "--strict", "--format", "json")
        project.write("vaultconf.yaml", "version: 1\nprune: [sys/policies/acl/*]\n")
        pruned = project.run("drift")
    finally:
        server.stop()

    assert clean.exit_code == 0, clean
    assert unpruned.exit_code == 0, unpruned
    assert strict.exit_code == 2, strict
    assert [item["address"] for item in strict.plan["unmanaged"]] == ["sys/policies/acl/stray"]
    assert pruned.exit_code == 2, pruned


@pytest.mark.parametrize("strict", [(), ("--strict",)])
def test_what_could_not_be_read_wins_over_what_differs(
    project: Project, raw: Raw, unique: str, strict: tuple[str, ...]
) -> None:
    from tests.server.test_permissions import limited

    declare(project, unique)
    token = limited(raw, unique, f"sys/policies/acl/{unique}-read")

    result = project.run("drift", *strict, "--format", "json", env=token)

    assert result.exit_code == 1, result
    assert result.plan["changes"]
