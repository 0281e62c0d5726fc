"""What single kinds do when they write, where a ladder cannot say it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from tests.support.cli import Project, Result
from tests.support.postgres import Postgres
from tests.support.raw import Raw
from tests.support.servers import Server
from vaultconf import pipeline

OLD, NEW = "first-password", "second-password"


def test_a_policy_that_changes_between_plan_and_apply_is_not_overwritten_where_the_server_can_tell(
    project: Project, raw: Raw, unique: str
) -> None:
    project.policy(unique, "# ours\n")
    raw.write(f"sys/policies/acl/{unique}", {"policy": "# before"})
    carry_out = pipeline.apply

    def after_a_change(*args: Any, **kwargs: Any) -> Any:
        raw.write(f"sys/policies/acl/{unique}", {"policy": "# theirs"})
        return carry_out(*args, **kwargs)

    with mock.patch.object(pipeline, "apply", after_a_change):
        result = project.run("apply", "--yes")

    exit_code, text = {"openbao": (4, "# theirs"), "vault": (0, "# ours\n")}[project.server.product]
    assert result.exit_code == exit_code, result
    assert (raw.read(f"sys/policies/acl/{unique}") or {})["policy"] == text


def test_a_kv_engine_of_version_1_has_no_configuration_to_compare(project: Project, unique: str) -> None:
    project.write("desired-state/kv.yaml", f"secrets: {{{unique}-kv: {{type: kv, options: {{version: 1}}}}}}")
    project.apply()

    result = project.run("plan", "--detailed-exitcode", "--format", "json")

    assert result.exit_code == 0, result
    assert result.plan["summary"]["unchanged"] == 1


def test_a_kv_engine_goes_from_version_1_to_2_in_place_and_its_configuration_with_it(
    project: Project, raw: Raw, unique: str
) -> None:
    raw.write(f"sys/mounts/{unique}-kv", {"type": "kv"})
    raw.write(f"{unique}-kv/key", {"a": "b"})
    _declare_kv(project, unique, "{type: kv, options: {version: 2}, config: {max_versions: 7}}")

    planned = project.plan()["changes"]
    project.apply()

    assert {change["address"]: change["action"] for change in planned} == {
        f"sys/mounts/{unique}-kv": "update",
        f"{unique}-kv/config": "update",
    }
    assert (raw.read(f"{unique}-kv/config") or {})["max_versions"] == 7
    assert (raw.read(f"{unique}-kv/data/key") or {})["data"] == {"a": "b"}
    assert project.run("plan", "--detailed-exitcode").exit_code == 0


def test_a_kv_engine_goes_back_to_version_1_only_with_leave_to_destroy_it(
    project: Project, raw: Raw, unique: str
) -> None:
    raw.write(f"sys/mounts/{unique}-kv", {"type": "kv", "options": {"version": "2"}})
    _declare_kv(project, unique, "{type: kv}")

    change = project.plan()["changes"][0]
    refused = project.run("apply", "--yes")
    allowed = project.run("apply", "--yes", "--allow", f"sys/mounts/{unique}-kv")

    assert (change["action"], change["risk"]["reason"]) == ("replace", "destroys_data")
    assert refused.exit_code == 3
    assert allowed.exit_code == 0, allowed
    assert (raw.read("sys/mounts") or {})[f"{unique}-kv/"]["options"] in ({}, None)


def test_an_update_of_a_database_connection_sends_no_password(
    project: Project, raw: Raw, postgres: Postgres, unique: str
) -> None:
    project.write("desired-state/db.yaml", _connection(postgres, unique, "max_open_connections: 3"))
    postgres.sql(f"CREATE USER \"{unique}\" SUPERUSER PASSWORD '{OLD}'")
    _apply(project, OLD, f"{unique}")
    raw.write(f"{unique}-db/rotate-root/pg")
    project.write("desired-state/db.yaml", _connection(postgres, unique, "max_open_connections: 4"))

    result = _apply(project, OLD, f"{unique}")

    assert result.exit_code == 0, result
    assert not postgres.accepts(unique, OLD)
    assert (raw.read(f"{unique}-db/config/pg") or {})["connection_details"]["max_open_connections"] == 4
    assert raw.read(f"{unique}-db/creds/ro") is not None


def test_a_password_is_sent_again_where_that_is_asked_for(
    project: Project, raw: Raw, postgres: Postgres, unique: str
) -> None:
    project.write("desired-state/db.yaml", _connection(postgres, unique))
    postgres.sql(f"CREATE USER \"{unique}\" SUPERUSER PASSWORD '{OLD}'")
    _apply(project, OLD, unique)
    postgres.sql(f"ALTER USER \"{unique}\" PASSWORD '{NEW}'")

    result = _apply(project, NEW, unique, "--resend", f"{unique}-db/config/pg")

    assert result.exit_code == 0, result
    assert raw.read(f"{unique}-db/creds/ro") is not None


def test_a_user_name_behind_a_reference_is_compared_and_changed(
    project: Project, raw: Raw, postgres: Postgres, unique: str
) -> None:
    project.write("desired-state/db.yaml", _connection(postgres, unique))
    for user in (unique, f"{unique}-two"):
        postgres.sql(f"CREATE USER \"{user}\" SUPERUSER PASSWORD '{OLD}'")
    _apply(project, OLD, unique)

    env = {"DB_USER": f"{unique}-two", "DB_PASSWORD": OLD}
    planned = project.run("plan", "--format", "json", env=env).plan["changes"]
    result = _apply(project, OLD, f"{unique}-two")

    assert [change["fields"] for change in planned] == [
        [{"field": "username", "before": None, "after": None, "secret": True, "references": ["${env:DB_USER}"]}]
    ]
    assert result.exit_code == 0, result
    assert (raw.read(f"{unique}-db/config/pg") or {})["connection_details"]["username"] == f"{unique}-two"


def test_what_the_server_returns_of_a_secret_is_not_shown(
    project: Project, raw: Raw, postgres: Postgres, unique: str
) -> None:
    project.write("desired-state/db.yaml", _connection(postgres, unique))
    postgres.sql(f"CREATE USER \"{unique}\" SUPERUSER PASSWORD '{OLD}'")
    _apply(project, OLD, unique)
    raw.write(f"{unique}-db/config/pg", {"pem_bundle": "canary-of-the-bundle"})

    result = project.run("plan", "--format", "json", env={"DB_USER": unique, "DB_PASSWORD": OLD})

    fields = [item["field"] for change in result.plan["changes"] for item in change["fields"]]
    assert fields == ["pem_bundle"]
    assert "canary-of-the-bundle" not in str(result)


def test_a_new_user_without_a_password_is_refused_at_plan_time(project: Project, unique: str) -> None:
    project.write("desired-state/up.yaml", f"auth: {{{unique}-up: {{type: userpass, users: {{ann: {{}}}}}}}}")

    result = project.run("plan", "--format", "json")

    assert result.exit_code == 1
    assert any("needs a `password`" in error["message"] for error in result.plan["errors"])


def test_an_audit_device_that_the_server_does_not_take_is_said_at_plan_time(
    project: Project, server: Server, unique: str
) -> None:
    project.write("desired-state/audit.yaml", _audit(server.folder / f"{unique}.log", unique))

    result = project.run("plan", "--format", "json")

    exit_code = {"openbao": 1, "vault": 0}[server.product]
    remedies = ["unsafe_allow_api_audit_creation" in json.dumps(error) for error in result.plan["errors"]]
    assert result.exit_code == exit_code, result
    assert remedies == [True] * exit_code


def test_the_last_audit_device_is_replaced_only_with_leave(audit_server: Server, tmp_path: Path, unique: str) -> None:
    project, raw = Project.new(tmp_path, audit_server), audit_server.raw()
    project.write("desired-state/audit.yaml", _audit(audit_server.folder / f"{unique}.log", unique))
    project.apply()
    project.write("desired-state/audit.yaml", _audit(audit_server.folder / f"{unique}-new.log", unique))

    refused = project.run("apply", "--yes")
    allowed = project.run("apply", "--yes", "--allow", f"sys/audit/{unique}")

    assert refused.exit_code == 3
    assert allowed.exit_code == 0, allowed
    assert (audit_server.folder / f"{unique}-new.log").stat().st_size > 0
    raw.delete(f"sys/audit/{unique}")


@pytest.mark.parametrize("written", [True, False])
def test_a_role_id_is_kept_over_a_new_role_only_where_it_is_written(
    project: Project, raw: Raw, unique: str, written: bool
) -> None:
    mine = f"role_id: {unique}-id," if written else ""
    role = f"auth: {{{unique}-ar: {{type: approle, roles: {{app: {{{mine} local_secret_ids: %s}}}}}}}}"
    project.write("desired-state/ar.yaml", role % "false")
    project.apply()
    before = raw.read(f"auth/{unique}-ar/role/app/role-id")
    project.write("desired-state/ar.yaml", role % "true")

    project.apply("--allow", f"auth/{unique}-ar/role/app")

    assert (raw.read(f"auth/{unique}-ar/role/app/role-id") == before) is written


@pytest.mark.parametrize("section", ["secrets", "auth"])
def test_a_mount_tuned_to_its_built_in_plugin_is_as_one_without_a_version(
    project: Project, raw: Raw, unique: str, section: str
) -> None:
    kind, path = {"secrets": ("transit", "sys/mounts"), "auth": ("userpass", "sys/auth")}[section]
    raw.write(f"{path}/{unique}", {"type": kind})
    version = (raw.read(path) or {})[f"{unique}/"]["running_plugin_version"]
    raw.write(f"{path}/{unique}/tune", {"plugin_version": version})
    project.write("desired-state/m.yaml", f"{section}: {{{unique}: {{type: {kind}}}}}")

    result = project.run("plan", "--detailed-exitcode")

    assert (raw.read(path) or {})[f"{unique}/"]["plugin_version"] == version
    assert result.exit_code == 0, result


def test_the_version_of_a_built_in_plugin_is_refused_because_servers_do_not_keep_it(
    project: Project, raw: Raw, unique: str
) -> None:
    version = (raw.read("sys/mounts") or {})["secret/"]["running_plugin_version"]
    raw.write(f"sys/mounts/{unique}", {"type": "kv", "plugin_version": version})
    project.write("desired-state/m.yaml", f"secrets: {{{unique}: {{type: kv, plugin_version: {version}}}}}")

    result = project.run("validate")

    assert (raw.read("sys/mounts") or {})[f"{unique}/"]["plugin_version"] == ""
    assert result.exit_code == 1
    assert "leave the field out" in result.stderr


def _declare_kv(project: Project, unique: str, body: str) -> None:
    project.write("desired-state/kv.yaml", f"secrets: {{{unique}-kv: {body}}}")


def _audit(path: Path, name: str) -> str:
    return f"audit: {{{name}: {{type: file, options: {{file_path: {path}}}}}}}"


def _connection(postgres: Postgres, unique: str, more: str = "") -> str:
    return f"""
    secrets:
      {unique}-db:
        type: database
        connections:
          pg:
            plugin_name: postgresql-database-plugin
            connection_url: {postgres.connection_url()}
            username: ${{env:DB_USER}}
            password: ${{env:DB_PASSWORD}}
            allowed_roles: [ro]
            {more}
        roles:
          ro:
            db_name: pg
            creation_statements: ["CREATE ROLE \\"{{{{name}}}}\\" LOGIN PASSWORD '{{{{password}}}}'"]
    """


def _apply(project: Project, password: str, user: str, *argv: str) -> Result:
    result = project.run("apply", "--yes", *argv, env={"DB_USER": user, "DB_PASSWORD": password})
    assert result.exit_code == 0, result
    return result
