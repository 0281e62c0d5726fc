"""A plan: what it shows, its exit codes, and that making one only reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.cli import Project
from tests.support.raw import Raw
from tests.support.servers import Server


def changes(plan: Mapping[str, Any]) -> dict[str, str]:
    return {item["address"]: item["action"] for item in plan["changes"]}


def test_a_plan_exits_0_with_changes_and_2_where_that_is_asked_for(project: Project, unique: str) -> None:
    project.policy(f"{unique}-p", "# p")

    different = [project.run("plan"), project.run("plan", "--detailed-exitcode")]
    project.apply()
    same = [project.run("plan"), project.run("plan", "--detailed-exitcode")]

    assert [result.exit_code for result in different] == [0, 2]
    assert [result.exit_code for result in same] == [0, 0]


def test_a_guarded_change_is_shown_with_the_allow_that_it_needs(project: Project, raw: Raw, unique: str) -> None:
    raw.write(f"sys/mounts/{unique}", {"type": "kv"})
    project.write("desired-state/a.yaml", f"secrets: {{{unique}: {{type: transit}}}}\n")

    result = project.run("plan")

    assert result.exit_code == 0, result
    assert f"--allow sys/mounts/{unique}" in result.stdout


def test_a_written_field_that_the_server_does_not_return_is_unverified_though_it_is_the_default(
    project: Project, unique: str
) -> None:
    url = "postgresql://{{username}}:{{password}}@127.0.0.1:1/x"
    plugin = f'plugin_name: postgresql-database-plugin, connection_url: "{url}", username: u, password: "${{env:PW}}"'
    project.write(
        "desired-state/a.yaml",
        f"secrets: {{{unique}: {{type: database, connections: {{c: {{{plugin}, verify_connection: false}}}}}}}}\n",
    )
    first = project.run("apply", "--yes", env={"PW": "p"})

    unverified = project.plan()["unverified"]

    assert first.exit_code == 0, first

    expected = {
        "address": f"{unique}/config/c",
        "field": "verify_connection",
        "reason": "openbao does not return it",
    }
    assert (expected in unverified) is (project.server.product == "openbao")


def test_a_field_that_is_a_reference_is_compared_where_it_is_at_hand_and_else_unverified(
    project: Project, unique: str
) -> None:
    role = "r: {secret_id_bound_cidrs: ['${env:NET}']}"
    project.write("desired-state/a.yaml", f"auth: {{{unique}: {{type: approle, roles: {{{role}}}}}}}\n")
    first = project.run("apply", "--yes", env={"NET": "10.0.0.0/8"})

    same = project.run("plan", "--format", "json", env={"NET": "10.0.0.0/8"})
    other = project.run("plan", "--format", "json", env={"NET": "10.1.0.0/16"})
    absent = project.run("plan", "--format", "json")

    assert first.exit_code == 0, first
    assert changes(same.plan) == {}
    assert other.plan["changes"][0]["fields"] == [
        {
            "field": "secret_id_bound_cidrs",
            "before": None,
            "after": None,
            "secret": True,
            "references": ["${env:NET}"],
        }
    ]
    assert "10.1.0.0" not in other.stdout
    assert (absent.exit_code, changes(absent.plan)) == (0, {})
    assert absent.plan["unverified"][0]["reason"] == "${env:NET} is not at hand"


def test_plan_and_drift_send_nothing_but_reads(audit_server: Server, project: Project, unique: str) -> None:
    log = audit_server.folder / f"{unique}.log"
    raw = audit_server.raw()
    project = Project(project.root, audit_server)
    raw.write(f"sys/mounts/{unique}", {"type": "kv"})
    project.policy(f"{unique}-p", "# p")
    project.write(
        "desired-state/a.yaml",
        f"""
        secrets: {{{unique}: {{type: transit}}}}
        auth: {{{unique}: {{type: userpass, users: {{u: {{password: "${{env:PW}}"}}}}}}}}
        """,
    )
    raw.write(f"sys/audit/{unique}", {"type": "file", "options": {"file_path": str(log)}})

    codes = [project.run(command, env={"PW": "x"}).exit_code for command in ("plan", "drift")]
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    raw.delete(f"sys/audit/{unique}")

    # Making the device is logged too, and a test message of the server's own.
    asked = [entry["request"] for entry in entries if not entry["request"]["path"].startswith("sys/audit/")]
    writes = {request["path"] for request in asked if request["operation"] not in {"read", "list"}}
    assert codes == [0, 2]
    assert len(asked) > 20
    assert writes == set()
    assert f"{unique}-p" not in raw.list("sys/policies/acl")


def test_a_version_1_kv_mount_that_becomes_version_2_is_not_asked_for_its_configuration(
    project: Project, raw: Raw, unique: str
) -> None:
    raw.write(f"sys/mounts/{unique}", {"type": "kv", "options": {"version": "1"}})
    raw.write(f"{unique}/config", {"max_versions": 99, "password": "canary-kv"})
    config = "config: {max_versions: 7}"
    project.write("desired-state/a.yaml", f"secrets: {{{unique}: {{type: kv, options: {{version: '2'}}, {config}}}}}\n")

    plan = project.run("plan", "--format", "json")

    assert changes(plan.plan) == {f"sys/mounts/{unique}": "update", f"{unique}/config": "update"}
    config_change = next(item for item in plan.plan["changes"] if item["address"] == f"{unique}/config")
    assert config_change["fields"] == [{"field": "max_versions", "before": 0, "after": 7}]
    assert not [notice for notice in plan.plan["notices"] if "password" in notice]


def test_many_policies_are_read_with_one_request_and_every_difference_is_seen(
    project: Project, raw: Raw, unique: str
) -> None:
    if project.server.product != "openbao":
        pytest.skip("Vault has no answer that holds all policies")
    names = [f"{unique}-{number:03}" for number in range(60)]
    for name in names:
        project.policy(name, f"# {name}")
    project.apply()
    raw.write(f"sys/policies/acl/{names[3]}", {"policy": "# by hand"})
    raw.write(f"sys/policies/acl/{names[4]}", {"policy": f"# {names[4]}", "allow_slashes_in_identity_templates": True})
    raw.delete(f"sys/policies/acl/{names[5]}")

    plan = project.plan()

    assert changes(plan) == {
        f"sys/policies/acl/{names[3]}": "update",
        f"sys/policies/acl/{names[4]}": "update",
        f"sys/policies/acl/{names[5]}": "create",
    }
