"""The database engine on a MariaDB: what the ladders prove on PostgreSQL, with another plugin."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.support.cli import Project
from tests.support.mariadb import ADMIN, MariaDB
from tests.support.raw import Raw

CREATE = (
    "CREATE USER '{{name}}'@'127.0.0.1' IDENTIFIED BY '{{password}}'; GRANT SELECT ON *.* TO '{{name}}'@'127.0.0.1';"
)
REVOKE = "DROP USER '{{name}}'@'127.0.0.1';"
ROTATE = "ALTER USER '{{name}}'@'127.0.0.1' IDENTIFIED BY '{{password}}';"
FIRST = "first-password"


@pytest.fixture
def engine(project: Project, mariadb: MariaDB, raw: Raw, unique: str) -> Iterator[dict[str, Any]]:
    """A user of the database, and an engine that is declared and applied: its connection, a role and a static role."""
    mariadb.sql(f"CREATE USER '{unique}'@'127.0.0.1' IDENTIFIED BY '{FIRST}'")
    connection = {
        "plugin_name": "mysql-database-plugin",
        "connection_url": mariadb.connection_url(),
        "username": ADMIN,
        "password": "${env:DB_PASSWORD}",
        "allowed_roles": ["reader", "app"],
        "max_open_connections": 3,
    }
    static = {"db_name": "maria", "username": unique, "rotation_period": "24h", "rotation_statements": [ROTATE]}
    reader = {
        "db_name": "maria",
        "creation_statements": [CREATE],
        "revocation_statements": [REVOKE],
        "default_ttl": "1h",
    }
    wanted = {
        "type": "database",
        "connections": {"maria": connection},
        "roles": {"reader": reader},
        "static_roles": {"app": static},
    }
    apply(project, mariadb, unique, wanted)
    yield wanted
    raw.delete(f"sys/mounts/{unique}")
    mariadb.sql(f"DROP USER '{unique}'@'127.0.0.1'")


def apply(project: Project, mariadb: MariaDB, mount: str, wanted: dict[str, Any]) -> list[str]:
    """Declare and apply; return what was done, to which object."""
    project.write("desired-state/db.yaml", yaml.safe_dump({"secrets": {mount: wanted}}))
    applied = project.run("apply", "--yes", "--format", "json", env={"DB_PASSWORD": mariadb.password})
    assert applied.exit_code == 0, applied
    return [f"{done['action']} {done['address'].partition('/')[2]}" for done in applied.plan["outcomes"]]


def differences(project: Project) -> int:
    """The exit code of a plan without any password at hand: 2 if anything differs."""
    return project.run("plan", "--detailed-exitcode").exit_code


def password_of(raw: Raw, mount: str) -> str:
    return str((raw.read(f"{mount}/static-creds/app") or {})["password"])


def test_a_connection_and_its_roles_are_made_in_one_apply_and_the_plan_is_empty(
    project: Project, engine: dict[str, Any]
) -> None:
    assert differences(project) == 0


def test_a_role_makes_users_that_can_log_in_until_they_are_revoked(
    raw: Raw, mariadb: MariaDB, engine: dict[str, Any], unique: str
) -> None:
    made = raw.read(f"{unique}/creds/reader") or {}

    accepted = mariadb.accepts(made["username"], made["password"])
    raw.write(f"sys/leases/revoke-prefix/{unique}/creds/reader", {"sync": True})
    assert (accepted, mariadb.accepts(made["username"], made["password"])) == (True, False)


def test_a_static_role_takes_the_user_over_and_a_rotation_is_no_difference(
    project: Project, raw: Raw, mariadb: MariaDB, engine: dict[str, Any], unique: str
) -> None:
    taken_over = password_of(raw, unique)
    accepted = [mariadb.accepts(unique, password) for password in (FIRST, taken_over)]

    raw.write(f"{unique}/rotate-role/app")

    rotated = password_of(raw, unique)
    assert accepted == [False, True]
    assert rotated != taken_over
    assert mariadb.accepts(unique, rotated)
    assert differences(project) == 0


def test_an_update_of_a_static_role_leaves_the_password_in_place(
    project: Project, raw: Raw, mariadb: MariaDB, engine: dict[str, Any], unique: str
) -> None:
    before = password_of(raw, unique)
    engine["static_roles"]["app"]["rotation_period"] = "48h"

    changed = apply(project, mariadb, unique, engine)

    assert changed == ["update static-roles/app"]
    assert password_of(raw, unique) == before
    assert mariadb.accepts(unique, before)


def test_a_role_that_its_connection_does_not_allow_gets_no_user_until_it_is_allowed(
    project: Project, raw: Raw, mariadb: MariaDB, engine: dict[str, Any], unique: str
) -> None:
    connection = engine["connections"]["maria"]
    connection["allowed_roles"] = ["app"]
    apply(project, mariadb, unique, engine)
    refused, answer = raw.request("GET", f"{unique}/creds/reader")
    connection["allowed_roles"] = ["app", "reader"]

    changed = apply(project, mariadb, unique, engine)

    assert (refused >= 400, "reader" in str(answer)) == (True, True)
    assert changed == ["update config/maria"]
    assert raw.request("GET", f"{unique}/creds/reader")[0] == 200
    assert differences(project) == 0


def test_an_update_after_the_connections_own_password_was_rotated_still_works(
    project: Project, raw: Raw, mariadb: MariaDB, engine: dict[str, Any], unique: str
) -> None:
    own = f"{unique}r"
    mariadb.sql(f"CREATE USER '{own}'@'127.0.0.1' IDENTIFIED BY '{mariadb.password}'")
    mariadb.sql(f"GRANT ALL ON *.* TO '{own}'@'127.0.0.1' WITH GRANT OPTION")
    second = {**engine["connections"]["maria"], "username": own, "root_rotation_statements": [ROTATE]}
    engine["connections"]["own"] = second
    apply(project, mariadb, unique, engine)
    raw.write(f"{unique}/rotate-root/own")
    second["max_open_connections"] = 2

    changed = apply(project, mariadb, unique, engine)
    mariadb.sql(f"DROP USER '{own}'@'127.0.0.1'")

    assert changed == ["update config/own"]
    assert differences(project) == 0


def test_a_wrong_password_fails_the_connection_with_the_databases_words(
    project: Project, engine: dict[str, Any], unique: str
) -> None:
    engine["connections"]["other"] = engine["connections"]["maria"]
    project.write("desired-state/db.yaml", yaml.safe_dump({"secrets": {unique: engine}}))

    applied = project.run("apply", "--yes", env={"DB_PASSWORD": "canary-wrong-91"})

    assert applied.exit_code == 4, applied
    assert "Access denied for user" in applied.stdout
    assert "canary-wrong-91" not in str(applied)
