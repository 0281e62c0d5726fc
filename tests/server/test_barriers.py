"""What must not happen side by side, and what a caller must not do to itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.cli import Project
from tests.support.raw import Raw
from tests.support.servers import Server

POLICIES = 30


def policies(prefix: str) -> str:
    return "\n".join(f'  {prefix}-{number}: {{policy: "# {number}"}}' for number in range(POLICIES))


@pytest.fixture
def audited(audit_server: Server, tmp_path: Path) -> Project:
    return Project.new(tmp_path / "project", audit_server)


def test_while_an_audit_device_is_replaced_nothing_is_written_unseen(audited: Project, unique: str) -> None:
    log = audited.server.folder / f"{unique}.log"
    device = f"audit: {{{unique}: {{type: file, description: %s, options: {{file_path: {log}}}}}}}\n"
    audited.write("desired-state/audit.yaml", device % "one")
    audited.apply()
    log.write_text("")
    audited.write("desired-state/audit.yaml", device % "two")
    audited.write("desired-state/policies.yaml", f"policies:\n{policies(unique)}\n")

    audited.apply("--allow", f"sys/audit/{unique}")

    entries = [json.loads(line) for line in log.read_text().splitlines()]
    seen = {entry["request"]["path"] for entry in entries if entry["request"]["operation"] == "update"}
    written = {f"sys/policies/acl/{unique}-{number}" for number in range(POLICIES)}
    audited.server.raw().delete(f"sys/audit/{unique}")
    assert written <= seen


def test_the_first_audit_device_comes_with_mounts_in_one_apply(audited: Project, unique: str) -> None:
    log = audited.server.folder / f"{unique}.log"
    mounts = "\n".join(
        f'  {unique}-{number}: {{type: kv, options: {{version: "2"}}, config: {{max_versions: 3}}}}'
        for number in range(8)
    )
    audited.write(
        "desired-state/all.yaml",
        f"audit: {{{unique}: {{type: file, options: {{file_path: {log}}}}}}}\nsecrets:\n{mounts}\n",
    )

    outcome = audited.apply()

    audited.server.raw().delete(f"sys/audit/{unique}")
    assert outcome["summary"]["done"] == 17


def test_a_caller_does_not_take_away_its_own_way_in(project: Project, raw: Raw, unique: str) -> None:
    raw.write(f"sys/auth/{unique}", {"type": "approle"})
    raw.write(
        f"sys/policies/acl/{unique}-ci",
        {"policy": 'path "*" { capabilities = ["sudo","create","read","update","delete","list"] }'},
    )
    raw.write(f"auth/{unique}/role/ci", {"token_policies": [f"{unique}-ci"]})
    role_id = raw.read(f"auth/{unique}/role/ci/role-id")
    secret_id = raw.write(f"auth/{unique}/role/ci/secret-id", {})["data"]["secret_id"]
    assert role_id is not None
    login = raw.write(f"auth/{unique}/login", {"role_id": role_id["role_id"], "secret_id": secret_id})
    project.write("vaultconf.yaml", f"version: 1\nprune: [auth/{unique}/role/*, sys/policies/acl/{unique}-*]\n")
    project.write("desired-state/a.yaml", f"auth: {{{unique}: {{type: approle}}}}\n")

    result = project.run("apply", "--yes", "--format", "json", env={"VAULT_TOKEN": login["auth"]["client_token"]})

    assert result.exit_code == 3, result
    assert {error["address"] for error in result.plan["errors"]} == {
        f"auth/{unique}/role/ci",
        f"sys/policies/acl/{unique}-ci",
    }
    assert raw.read(f"auth/{unique}/role/ci") is not None


def test_the_token_mount_of_a_namespace_is_tuned_and_has_roles(project: Project, raw: Raw, unique: str) -> None:
    if project.server.product != "openbao":
        pytest.skip("community Vault has no namespaces")
    raw.write(f"sys/namespaces/{unique}", {})
    project.write(
        "desired-state/a.yaml",
        f"""
        namespace: {unique}
        policies: {{np: {{policy: "# nothing"}}}}
        auth: {{token: {{tune: {{max_lease_ttl: 10h}}, roles: {{nr: {{allowed_policies: [np]}}}}}}}}
        """,
    )

    project.apply()
    again = project.run("plan", "--detailed-exitcode")

    raw.delete(f"sys/namespaces/{unique}")
    assert again.exit_code == 0, again
