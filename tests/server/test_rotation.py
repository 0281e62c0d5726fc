"""Passwords that the server changes by itself, on a real PostgreSQL: nobody overwrites them afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from jsonschema import Draft202012Validator

from tests.support.cli import Project, Result, git
from tests.support.least import policy_for, token_with
from tests.support.postgres import Postgres
from tests.support.proxy import in_front_of
from tests.support.raw import Raw
from tests.support.servers import Server
from tests.support.stub import Reply
from vaultconf import rotating

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/schemas/plan.schema.json").read_text())
OLD = "the-first-password"
NEW = "the-second-password"


@pytest.fixture
def user(postgres: Postgres, unique: str) -> str:
    """A user of the database that the engine logs in as."""
    postgres.sql(f"CREATE USER \"{unique}\" SUPERUSER PASSWORD '{OLD}'")
    return unique


@pytest.fixture
def kept(project: Project, raw: Raw, unique: str) -> Project:
    """A project with a ledger in a KV v2 engine of its own."""
    raw.write(f"sys/mounts/{unique}-books", {"type": "kv", "options": {"version": "2"}})
    project.write("vaultconf.yaml", f"version: 1\nproject: p-{unique}\nledger: {unique}-books/ledger\n")
    return project


def declare(project: Project, postgres: Postgres, unique: str, more: str = "", *, rotate: bool = True) -> None:
    guidance = "vaultconf: {rotate_root: on_create}" if rotate else ""
    project.write(
        "desired-state/db.yaml",
        f"""
        secrets:
          {unique}-db:
            type: database
            connections:
              pg:
                plugin_name: postgresql-database-plugin
                connection_url: {postgres.connection_url()}
                username: {unique}
                password: ${{env:DB_PASSWORD}}
                allowed_roles: [ro, app]
                {more}
                {guidance}
            roles:
              ro:
                db_name: pg
                creation_statements: ["CREATE ROLE \\"{{{{name}}}}\\" LOGIN PASSWORD '{{{{password}}}}'"]
        """,
    )


def run(project: Project, *argv: str, password: str = OLD, **env: str) -> Result:
    return project.run(*argv, "--format", "json", env={"DB_PASSWORD": password, **env})


def applied(project: Project, *argv: str, password: str = OLD) -> list[dict[str, Any]]:
    result = run(project, "apply", "--yes", *argv, password=password)
    assert result.exit_code == 0, result
    outcomes: list[dict[str, Any]] = result.plan["outcomes"]
    return outcomes


def planned(project: Project, *argv: str, password: str = OLD) -> dict[str, Any]:
    result = run(project, "plan", *argv, password=password)
    assert result.exit_code == 0, result
    return result.plan


def logs_in(raw: Raw, unique: str) -> bool:
    return raw.read(f"{unique}-db/creds/ro") is not None


def remembered(project: Project) -> dict[str, Any]:
    shown = project.run("ledger", "show", "--format", "json")
    assert shown.exit_code == 0, shown
    found: dict[str, Any] = next(item for item in shown.plan["objects"] if item["address"].endswith("/config/pg"))
    return found


def test_a_password_is_rotated_as_soon_as_the_connection_is_made_and_the_plan_is_empty(
    project: Project, raw: Raw, postgres: Postgres, user: str
) -> None:
    declare(project, postgres, user)

    notices = planned(project)["notices"]
    applied(project)
    after = run(project, "plan", "--detailed-exitcode")

    assert any(f"{user}-db/config/pg: its password is rotated as soon as it is made" in notice for notice in notices)
    assert not postgres.accepts(user, OLD)
    assert logs_in(raw, user)
    assert after.exit_code == 0, after


def test_without_a_ledger_an_update_leaves_a_password_that_was_rotated_by_hand(
    project: Project, raw: Raw, postgres: Postgres, user: str
) -> None:
    declare(project, postgres, user, "verify_connection: false", rotate=False)
    applied(project)
    raw.write(f"{user}-db/rotate-root/pg")
    declare(project, postgres, user, "verify_connection: false\n                max_open_connections: 3", rotate=False)

    outcomes = applied(project)

    assert [(item["address"], item["action"]) for item in outcomes] == [(f"{user}-db/config/pg", "update")]
    assert not postgres.accepts(user, OLD)
    assert logs_in(raw, user)


def test_with_a_ledger_a_changed_password_in_the_files_is_not_sent_after_a_rotation(
    kept: Project, raw: Raw, postgres: Postgres, user: str
) -> None:
    declare(kept, postgres, user)
    applied(kept)

    changed = planned(kept, password=NEW)
    declare(kept, postgres, user, "max_open_connections: 3")
    applied(kept, password=NEW)

    assert changed["changes"] == []
    assert [item["field"] for item in changed["unverified"]] == ["password"]
    assert changed["unverified"][0]["reason"].startswith("rotated by the server (20")
    assert remembered(kept)["rotated"].endswith("Z")
    assert remembered(kept)["fingerprints"] == []
    assert logs_in(raw, user)


def test_a_rotated_password_is_replaced_when_a_person_says_so_and_is_compared_again_from_then_on(
    kept: Project, raw: Raw, postgres: Postgres, user: str
) -> None:
    declare(kept, postgres, user)
    applied(kept)
    postgres.sql(f"ALTER USER \"{user}\" PASSWORD '{NEW}'")

    applied(kept, "--resend", f"{user}-db/config/pg", password=NEW)
    after = planned(kept, password=NEW)

    assert postgres.accepts(user, NEW)
    assert logs_in(raw, user)
    assert remembered(kept)["rotated"] is None
    assert (after["changes"], after["unverified"]) == ([], [])


def test_an_apply_that_ended_between_making_and_rotating_is_finished_by_the_next_one(
    kept: Project, raw: Raw, postgres: Postgres, user: str
) -> None:
    declare(kept, postgres, user)
    with mock.patch.object(rotating, "steps", side_effect=ValueError("the run ends here")):
        ended = run(kept, "apply", "--yes")
    was_rotated = not postgres.accepts(user, OLD)

    changes = planned(kept)["changes"]
    applied(kept)
    after = run(kept, "plan", "--detailed-exitcode")

    assert (ended.exit_code, was_rotated) == (4, False), ended
    assert [(item["address"], item["action"]) for item in changes] == [
        (f"{user}-db/config/pg", "rotate"),
        (f"{user}-db/roles/ro", "create"),
    ]
    assert not postgres.accepts(user, OLD)
    assert logs_in(raw, user)
    assert after.exit_code == 0, after


def test_a_password_that_the_database_does_not_let_rotate_is_a_failure_that_says_so(
    project: Project, postgres: Postgres, user: str
) -> None:
    declare(project, postgres, user, 'root_rotation_statements: ["SELECT no_such_function()"]')

    result = run(project, "apply", "--yes")

    failed = next(item for item in result.plan["outcomes"] if item["status"] == "failed")
    assert result.exit_code == 4, result
    assert "its password was not rotated" in failed["reason"]
    assert postgres.accepts(user, OLD)


def test_the_policy_that_permissions_prints_is_enough_to_make_and_rotate(
    project: Project, raw: Raw, postgres: Postgres, user: str
) -> None:
    declare(project, postgres, user)
    token = token_with(raw, policy_for(project, "apply")["policy"])

    result = run(project, "apply", "--yes", **token)

    assert result.exit_code == 0, result
    assert not postgres.accepts(user, OLD)


def test_a_plan_says_that_making_a_static_role_changes_the_password_now(
    project: Project, raw: Raw, postgres: Postgres, user: str
) -> None:
    postgres.sql(f"CREATE USER \"{user}-app\" PASSWORD '{OLD}'")
    declare(project, postgres, user)
    applied(project)
    role = f"static_roles: {{app: {{db_name: pg, username: {user}-app, rotation_period: 24h}}}}"
    project.write("desired-state/app.yaml", f"secrets: {{{user}-db: {{{role}}}}}")

    before = planned(project)
    applied(project)
    after = planned(project)

    told = f"{user}-db/static-roles/app: making it changes the password of `{user}-app` in the database at once"
    assert any(notice.startswith(told) for notice in before["notices"])
    assert not postgres.accepts(f"{user}-app", OLD)
    assert after["notices"] == []


def rotated(project: Project, *argv: str, **env: str) -> list[tuple[str, str]]:
    result = run(project, "rotate", "--yes", *argv, **env)
    assert result.exit_code == 0, result
    return [(item["address"].partition("/")[2], item["action"]) for item in result.plan["outcomes"]]


def test_a_password_is_rotated_on_demand_and_the_new_one_is_never_overwritten(
    kept: Project, raw: Raw, postgres: Postgres, user: str
) -> None:
    declare(kept, postgres, user, rotate=False)
    applied(kept)

    done = rotated(kept, f"{user}-db/config/pg")
    after = planned(kept, password=NEW)

    assert done == [("config/pg", "rotate")]
    assert not postgres.accepts(user, OLD)
    assert logs_in(raw, user)
    assert after["changes"] == []
    assert remembered(kept)["rotated"].endswith("Z")


def test_only_what_was_rotated_longer_ago_is_rotated_again(
    kept: Project, raw: Raw, postgres: Postgres, user: str
) -> None:
    postgres.sql(f"CREATE USER \"{user}-app\" PASSWORD '{OLD}'")
    declare(kept, postgres, user)
    role = f"static_roles: {{app: {{db_name: pg, username: {user}-app, rotation_period: 24h}}}}"
    kept.write("desired-state/app.yaml", f"secrets: {{{user}-db: {{{role}}}}}")
    applied(kept)
    before = (raw.read(f"{user}-db/static-creds/app") or {})["password"]

    young = rotated(kept, f"{user}-db/*", "--older-than", "30d")
    old = rotated(kept, f"{user}-db/*", "--older-than", "0s")

    assert young == []
    assert old == [("config/pg", "rotate"), ("static-roles/app", "rotate")]
    assert (raw.read(f"{user}-db/static-creds/app") or {})["password"] != before
    assert logs_in(raw, user)


def test_a_user_that_somebody_else_logs_in_as_is_not_rotated(
    project: Project, raw: Raw, postgres: Postgres, user: str
) -> None:
    declare(project, postgres, user, rotate=False)
    applied(project)
    raw.write(f"sys/mounts/{user}-other", {"type": "database"})
    raw.write(
        f"{user}-other/config/theirs",
        {
            "plugin_name": "postgresql-database-plugin",
            "connection_url": postgres.connection_url(),
            "username": user,
            "password": OLD,
        },
    )

    refused = run(project, "rotate", "--yes", f"{user}-db/config/pg")

    assert refused.exit_code == 3, refused
    assert f"{user}-other/config/theirs logs in as the same user" in refused.plan["errors"][0]["message"]
    assert postgres.accepts(user, OLD)


FORMS = {
    "keys": "host={host} port={port} user={{{{username}}}} password={{{{password}}}} dbname=postgres sslmode=disable",
    "user in it": "postgresql://{user}:{password}@{host}:{port}/postgres?sslmode=disable",
    "hosts": "postgresql://{{{{username}}}}:{{{{password}}}}@{host}:{port},127.0.0.1:1/postgres?sslmode=disable",
    "query": "postgresql:///postgres?host={host}&port={port}&user={{{{username}}}}&password={{{{password}}}}",
    "localhost": "postgresql://{{{{username}}}}:{{{{password}}}}@localhost:{port}/postgres?sslmode=disable",
}


@pytest.mark.parametrize("form", FORMS)
def test_a_user_that_somebody_else_logs_in_as_is_seen_in_every_form_of_a_url(
    project: Project, raw: Raw, postgres: Postgres, user: str, form: str
) -> None:
    declare(project, postgres, user, rotate=False)
    applied(project)
    url = FORMS[form].format(host=postgres.host, port=postgres.port, user=user, password=OLD)
    theirs = {"plugin_name": "postgresql-database-plugin", "connection_url": url, "allowed_roles": "*"}
    login = {} if form == "user in it" else {"username": user, "password": OLD}
    raw.write(f"{user}-db/config/theirs", {**theirs, **login})

    refused = run(project, "rotate", "--yes", f"{user}-db/config/pg", "--allow", "*")

    assert refused.exit_code == 3, refused
    assert f"{user}-db/config/theirs logs in as the same user" in refused.plan["errors"][0]["message"]
    assert postgres.accepts(user, OLD)


def test_a_user_of_the_same_name_on_maybe_another_server_is_rotated_where_a_person_says_so(
    project: Project, raw: Raw, postgres: Postgres, user: str
) -> None:
    declare(project, postgres, user, rotate=False)
    applied(project)
    theirs = {"plugin_name": "postgresql-database-plugin", "verify_connection": False, "username": user}
    raw.write(f"{user}-db/config/theirs", {**theirs, "password": OLD, "connection_url": "postgresql://db.invalid/x"})
    mine = f"{user}-db/config/pg"

    refused = run(project, "rotate", "--yes", mine)
    untouched = postgres.accepts(user, OLD)
    document = saved(project, mine)
    guarded = carried_out(project)
    done = carried_out(project, "--allow", mine)

    assert run(project, "rotate", mine, "--out", PLAN, "--allow", mine).exit_code == 64
    assert refused.exit_code == 3, refused
    assert f"{user}-db/config/theirs logs in with the same user name" in refused.plan["errors"][0]["message"]
    assert refused.plan["errors"][0]["hint"] == f"if that is meant: --allow {mine}"
    assert untouched
    assert (document["changes"][0]["risk"]["reason"], document["changes"][0]["risk"]["allow"]) == (
        "removes_access",
        mine,
    )
    assert guarded.exit_code == 3, guarded
    assert done.exit_code == 0, done
    assert not postgres.accepts(user, OLD)


def test_a_connection_whose_user_a_static_role_takes_over_is_not_made_to_be_rotated(
    project: Project, raw: Raw, postgres: Postgres, user: str
) -> None:
    declare(project, postgres, user)
    role = f"static_roles: {{app: {{db_name: pg, username: {user}, rotation_period: 24h}}}}"
    project.write("desired-state/app.yaml", f"secrets: {{{user}-db: {{{role}}}}}")

    both = run(project, "apply", "--yes")
    declare(project, postgres, user, rotate=False)
    taken = run(project, "apply", "--yes")

    told = f"its password is to be rotated, and {user}-db/static-roles/app logs in as the same user"
    assert (both.exit_code, told in both.stdout) == (1, True), both
    assert taken.exit_code == 3, taken
    assert f"{user}-db/config/pg logs in as the same user, and could no longer" in taken.stdout
    assert postgres.accepts(user, OLD)
    assert raw.read(f"{user}-db/config/pg") is None


@pytest.mark.parametrize("book", [True, False], ids=["ledger", "none"])
def test_another_user_of_a_rotated_connection_gets_its_own_password_or_the_change_is_refused(
    request: pytest.FixtureRequest, project: Project, raw: Raw, postgres: Postgres, user: str, *, book: bool
) -> None:
    if book:
        request.getfixturevalue("kept")
    declare(project, postgres, user, "verify_connection: false")
    applied(project)
    postgres.sql(f"CREATE USER \"{user}-two\" SUPERUSER PASSWORD '{NEW}'")
    text = (project.root / "desired-state/db.yaml").read_text()
    project.write("desired-state/db.yaml", text.replace(f"username: {user}", f"username: {user}-two"))
    name = f"{user}-db/config/pg"

    refused = run(project, "apply", "--yes", password=NEW)
    still = logs_in(raw, user)
    done = applied(project, "--resend", name, password=NEW)

    assert refused.exit_code == 3, refused
    assert f"--resend {name} sends the new one's" in refused.plan["errors"][0]["message"]
    assert still
    assert [item["status"] for item in done] == ["done"]
    assert logs_in(raw, user)


def test_the_policy_that_permissions_prints_is_enough_to_rotate(
    kept: Project, raw: Raw, postgres: Postgres, user: str
) -> None:
    declare(kept, postgres, user, rotate=False)
    applied(kept)
    token = token_with(raw, policy_for(kept, "rotate")["policy"])

    done = rotated(kept, f"{user}-db/config/pg", **token)

    assert done == [("config/pg", "rotate")]
    assert logs_in(raw, user)


def test_what_cannot_be_rotated_is_refused_by_name(project: Project, postgres: Postgres, user: str) -> None:
    declare(project, postgres, user)

    result = run(project, "rotate", "--yes", f"{user}-db/roles/ro")
    unreadable = run(project, "rotate", "--yes", "x", "--older-than", "soon")

    assert result.exit_code == 1, result
    assert "matches nothing whose password the server can rotate" in result.plan["errors"][0]["message"]
    assert unreadable.exit_code == 64


# --- saved, and carried out later ----------------------------------------------------------------------------

PLAN = "rotations.json"


def saved(project: Project, *argv: str, **env: str) -> dict[str, Any]:
    """Save a plan of rotations; return the file's document."""
    result = run(project, "rotate", *argv, "--out", PLAN, **env)
    assert result.exit_code == 0, result
    document: dict[str, Any] = json.loads((project.root / PLAN).read_text())
    return document


def carried_out(project: Project, *argv: str, **env: str) -> Result:
    return run(project, "apply", PLAN, "--yes", *argv, **env)


def endings(result: Result) -> dict[str, tuple[str, str, str | None]]:
    return {
        item["address"].partition("/")[2]: (item["action"], item["status"], item["reason"])
        for item in result.plan["outcomes"]
    }


@pytest.fixture
def static(kept: Project, postgres: Postgres, user: str) -> Project:
    """A connection that is there, and a static role of it."""
    postgres.sql(f"CREATE USER \"{user}-app\" PASSWORD '{OLD}'")
    declare(kept, postgres, user, rotate=False)
    role = f"static_roles: {{app: {{db_name: pg, username: {user}-app, rotation_period: 24h}}}}"
    kept.write("desired-state/app.yaml", f"secrets: {{{user}-db: {{{role}}}}}")
    applied(kept)
    return kept


def test_a_saved_plan_of_rotations_is_made_without_writing_and_carried_out_once(
    static: Project, raw: Raw, server: Server, postgres: Postgres, user: str
) -> None:
    before = (raw.read(f"{user}-db/static-creds/app") or {})["password"]

    with in_front_of(server) as proxy:
        document = saved(static, f"{user}-db/*", "--older-than", "0s", **proxy.access)
        written = list(proxy.writes)
    untouched = postgres.accepts(user, OLD)
    first, second = carried_out(static), carried_out(static)

    assert (written, untouched) == ([], True)
    Draft202012Validator(SCHEMA).validate(document)
    assert document["saved"]["rotations"] == {"patterns": [f"{user}-db/*"], "older_than": "0s"}
    assert [item["action"] for item in document["changes"]] == ["rotate", "rotate"]
    assert OLD not in json.dumps(document)
    assert first.exit_code == 0, first
    assert endings(first) == {
        "config/pg": ("rotate", "done", None),
        "static-roles/app": ("rotate", "done", None),
    }
    after = (raw.read(f"{user}-db/static-creds/app") or {})["password"]
    assert after != before
    assert not postgres.accepts(user, OLD)
    assert logs_in(raw, user)
    assert second.exit_code == 0, second
    assert set(endings(second).values()) == {("rotate", "done", "already as planned")}


def test_what_was_already_rotated_is_not_rotated_twice_when_a_part_failed(
    static: Project, raw: Raw, server: Server, postgres: Postgres, user: str
) -> None:
    saved(static, f"{user}-db/*")
    with in_front_of(server) as proxy:
        proxy.refuse(500, f"{user}-db/rotate-role/app", method="POST")
        first = carried_out(static, **proxy.access)
    stamped = remembered(static)["rotated"]

    second = carried_out(static)

    assert first.exit_code == 4, first
    assert endings(first)["config/pg"][1] == "done"
    assert second.exit_code == 0, second
    assert endings(second) == {
        "config/pg": ("rotate", "done", "already as planned"),
        "static-roles/app": ("rotate", "done", None),
    }
    assert remembered(static)["rotated"] == stamped
    assert logs_in(raw, user)


def test_a_saved_rotation_is_refused_where_the_password_was_sent_again_meanwhile(
    kept: Project, postgres: Postgres, user: str
) -> None:
    declare(kept, postgres, user)
    applied(kept)
    saved(kept, f"{user}-db/config/pg")
    postgres.sql(f"ALTER USER \"{user}\" PASSWORD '{OLD}'")
    applied(kept, "--resend", f"{user}-db/config/pg")

    result = carried_out(kept)

    assert result.exit_code == 3, result
    assert "its password was set or sent since the plan was made" in result.plan["errors"][0]["message"]
    assert postgres.accepts(user, OLD)


def head(project: Project) -> tuple[str, str]:
    """The commit that the ledger calls the last applied one, and when that was."""
    shown = project.run("ledger", "show", "--format", "json")
    assert shown.exit_code == 0, shown
    return shown.plan["commit"], shown.plan["applied_at"]


def committed(project: Project) -> None:
    git(project, "add", "vaultconf.yaml", "desired-state")
    git(project, "commit", "--quiet", "-m", "a change")


def test_a_rotation_does_not_count_as_an_apply_of_what_is_checked_out(
    kept: Project, postgres: Postgres, user: str
) -> None:
    declare(kept, postgres, user, rotate=False)
    git(kept, "init", "--quiet")
    committed(kept)
    applied(kept)
    first = head(kept)
    declare(kept, postgres, user, "max_open_connections: 3", rotate=False)
    committed(kept)

    rotated(kept, f"{user}-db/config/pg")
    saved(kept, f"{user}-db/config/pg")
    finished = carried_out(kept)
    after = head(kept)
    git(kept, "checkout", "-q", first[0])
    again = run(kept, "apply", "--yes")

    assert finished.exit_code == 0, finished
    assert after == first
    assert again.exit_code == 0, again


def test_a_saved_rotation_is_refused_where_the_connection_moved_or_is_gone(
    static: Project, raw: Raw, server: Server, postgres: Postgres, user: str
) -> None:
    saved(static, f"{user}-db/*")
    raw.write(f"{user}-db/config/pg", {"plugin_name": "postgresql-database-plugin", "max_open_connections": 9})
    raw.delete(f"{user}-db/static-roles/app")

    with in_front_of(server) as proxy:
        result = carried_out(static, **proxy.access)
        written = [path for _, path in proxy.writes if not path.startswith(f"{user}-books/")]

    assert result.exit_code == 3, result
    assert {item["address"]: item["message"] for item in result.plan["errors"]} == {
        f"{user}-db/config/pg": "has changed on the server since the plan was made",
        f"{user}-db/static-roles/app": "is not there, or nothing whose password can be rotated",
    }
    assert written == []
    assert postgres.accepts(user, OLD)


def test_a_saved_rotation_is_judged_again_for_who_else_logs_in(
    static: Project, raw: Raw, postgres: Postgres, user: str
) -> None:
    saved(static, f"{user}-db/config/pg")
    raw.write(f"sys/mounts/{user}-other", {"type": "database"})
    theirs = {"plugin_name": "postgresql-database-plugin", "connection_url": postgres.connection_url()}
    raw.write(f"{user}-other/config/theirs", {**theirs, "username": user, "password": OLD})

    result = carried_out(static)

    assert result.exit_code == 3, result
    assert f"{user}-other/config/theirs logs in as the same user" in result.plan["errors"][0]["message"]
    assert postgres.accepts(user, OLD)


def test_what_a_plan_of_rotations_does_not_hold_is_left_alone_whatever_differs(
    static: Project, raw: Raw, postgres: Postgres, user: str
) -> None:
    document = saved(static, f"{user}-db/*")
    name = f"{user}-db/static-roles/app"
    document["changes"] = [item for item in document["changes"] if item["address"] == name]
    document["saved"]["changes"] = {name: document["saved"]["changes"][name]}
    (static.root / PLAN).write_text(json.dumps(document))
    static.policy(f"{user}-later", "# later")

    result = carried_out(static)

    assert result.exit_code == 0, result
    assert endings(result) == {"static-roles/app": ("rotate", "done", None)}
    assert postgres.accepts(user, OLD)
    assert f"{user}-later" not in raw.list("sys/policies/acl")


def _of_something_else(document: dict[str, Any], user: str) -> None:
    document["saved"]["rotations"]["patterns"] = ["sys/*"]


def _an_update(document: dict[str, Any], user: str) -> None:
    document["changes"][0]["action"] = "update"


def _a_create(document: dict[str, Any], user: str) -> None:
    document["changes"][0]["action"] = "create"


def _a_delete(document: dict[str, Any], user: str) -> None:
    document["changes"][0]["action"] = "delete"


def _no_longer_rotations(document: dict[str, Any], user: str) -> None:
    del document["saved"]["rotations"]


def _to_a_role(document: dict[str, Any], user: str) -> None:
    pins = document["saved"]["changes"]
    pins[f"{user}-db/roles/ro"] = pins.pop(f"{user}-db/config/pg")
    document["changes"][0]["address"] = f"{user}-db/roles/ro"


def _to_a_stranger(document: dict[str, Any], user: str) -> None:
    pins = document["saved"]["changes"]
    pins[f"{user}-db/config/theirs"] = pins.pop(f"{user}-db/config/pg")
    document["changes"][0]["address"] = f"{user}-db/config/theirs"


def _with_a_policy(document: dict[str, Any], user: str) -> None:
    name = f"sys/policies/acl/{user}-later"
    document["changes"].append({"address": name, "kind": "acl_policy", "action": "create", "fields": []})
    document["saved"]["changes"][name] = {**document["saved"]["changes"][f"{user}-db/config/pg"], "rotated": ""}


def _another_declaration(document: dict[str, Any], user: str) -> None:
    document["saved"]["changes"][f"{user}-db/config/pg"]["desired"] = "sha256:" + "0" * 64


def _with_values(document: dict[str, Any], user: str) -> None:
    document["saved"]["changes"][f"{user}-db/config/pg"]["values"] = {"username": "postgres"}


FORGED = (
    _of_something_else,
    _an_update,
    _a_create,
    _a_delete,
    _no_longer_rotations,
    _to_a_role,
    _to_a_stranger,
    _with_a_policy,
    _another_declaration,
    _with_values,
)


@pytest.mark.parametrize("forged", FORGED, ids=[forged.__name__.strip("_") for forged in FORGED])
def test_a_forged_plan_of_rotations_writes_nothing(
    project: Project, raw: Raw, server: Server, postgres: Postgres, user: str, forged: Callable[..., None]
) -> None:
    declare(project, postgres, user, rotate=False)
    applied(project)
    theirs = {"plugin_name": "postgresql-database-plugin", "connection_url": postgres.connection_url()}
    raw.write(f"{user}-db/config/theirs", {**theirs, "username": postgres.user, "password": postgres.password})
    project.policy(f"{user}-later", "# later")
    document = saved(project, f"{user}-db/config/pg")
    forged(document, user)
    (project.root / PLAN).write_text(json.dumps(document))

    with in_front_of(server) as proxy:
        result = carried_out(project, "--allow", "*", **proxy.access)

    assert result.exit_code == 3, result
    assert proxy.writes == []
    assert postgres.accepts(user, OLD)


def test_a_plan_of_rotations_without_a_ledger_says_that_nobody_remembers(
    project: Project, raw: Raw, postgres: Postgres, user: str
) -> None:
    declare(project, postgres, user, rotate=False)
    applied(project)

    document = saved(project, f"{user}-db/config/pg")
    first, second = carried_out(project), carried_out(project)

    told = f"{user}-db/config/pg: without a ledger nobody knows whether it was rotated"
    assert [notice for notice in document["notices"] if notice.startswith(told)]
    assert (first.exit_code, second.exit_code) == (0, 0), (first, second)
    assert logs_in(raw, user)


def test_the_printed_policies_are_enough_to_save_rotations_and_to_carry_them_out(
    kept: Project, raw: Raw, postgres: Postgres, user: str
) -> None:
    declare(kept, postgres, user, rotate=False)
    applied(kept)
    rotates = token_with(raw, policy_for(kept, "rotate")["policy"])
    applies = token_with(raw, policy_for(kept, "apply")["policy"])

    saved(kept, f"{user}-db/config/pg", **rotates)
    refused, done = carried_out(kept, **applies), carried_out(kept, **rotates)

    assert refused.exit_code == 4, refused
    assert "permission denied" in str(endings(refused)["config/pg"][2])
    assert done.exit_code == 0, done
    assert not postgres.accepts(user, OLD)


def test_a_password_is_rotated_whatever_else_of_its_object_differs_from_the_files(
    static: Project, raw: Raw, postgres: Postgres, user: str
) -> None:
    raw.write(f"{user}-db/config/pg", {"plugin_name": "postgresql-database-plugin", "max_open_connections": 9})
    raw.write(f"{user}-db/static-roles/app", {"username": f"{user}-app", "db_name": "pg", "rotation_period": "48h"})

    done = rotated(static, f"{user}-db/*")

    assert done == [("config/pg", "rotate"), ("static-roles/app", "rotate")]
    assert not postgres.accepts(user, OLD)
    assert (raw.read(f"{user}-db/config/pg") or {})["connection_details"]["max_open_connections"] == 9
    assert logs_in(raw, user)


def test_a_static_role_whose_server_only_says_that_it_was_rotated_is_a_failure(
    static: Project, server: Server, user: str
) -> None:
    path = f"{user}-db/rotate-role/app"
    with in_front_of(server) as proxy:
        proxy.fault = lambda asked: Reply(200, b"{}") if asked.target == f"/v1/{path}" else None
        result = run(static, "rotate", "--yes", f"{user}-db/static-roles/app", **proxy.access)

    assert result.exit_code == 4, result
    assert "`last_vault_rotation` is as it was" in str(endings(result)["static-roles/app"][2])
