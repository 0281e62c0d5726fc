"""A secret has no text form: canaries sent through every command and every output are seen nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.cli import Project, Result
from tests.support.raw import Raw

FROM_ENV = "canary-env-5b1e"
FROM_FILE = "canary-file-9c2d"
IN_CLEAR = "canary-clear-a77f"
TOKEN = "canary-token-41c3"
CANARIES = (FROM_ENV, FROM_FILE, IN_CLEAR, TOKEN)
FORMATS = ("text", "json", "markdown")


def clean(result: Result) -> bool:
    return not any(canary in result.stdout + result.stderr for canary in CANARIES)


@pytest.fixture
def guarded(project: Project, unique: str) -> Project:
    """A project whose secrets come in every way a secret can."""
    project.write("secrets/password.txt", FROM_FILE + "\n")
    project.write(
        "desired-state/auth.yaml",
        f"""
        auth:
          {unique}:
            type: userpass
            users:
              from-env: {{password: "${{env:CANARY}}"}}
              from-file: {{password: "${{file:../secrets/password.txt}}"}}
              in-clear: {{password: {IN_CLEAR}, vaultconf: {{allow_plaintext: true}}}}
        secrets:
          {unique}-db:
            type: database
            connections:
              orders:
                plugin_name: postgresql-database-plugin
                connection_url: "postgresql://{{{{username}}}}:{{{{password}}}}@127.0.0.1:1/x"
                username: "${{env:CANARY}}"
                password: "${{env:CANARY}}"
                verify_connection: false
        """,
    )
    return project


@pytest.mark.parametrize("form", FORMATS)
def test_no_command_shows_a_secret_that_it_sends_compares_or_repairs(
    guarded: Project, unique: str, raw: Raw, form: str
) -> None:
    env = {"CANARY": FROM_ENV}
    results = [guarded.run("validate", env=env)]
    results.append(guarded.run("plan", "--format", form, env=env))
    results.append(guarded.run("apply", "--yes", "--format", form, env=env))
    raw.write(f"{unique}-db/config/orders", {"username": "somebody", "verify_connection": False})
    results.append(guarded.run("plan", "--format", form, env=env))
    results.append(guarded.run("drift", "--format", form, env=env))
    results.append(guarded.run("apply", "--yes", "--resend", f"auth/{unique}/users/*", "--format", form, env=env))
    results.append(guarded.run("plan", "--detailed-exitcode", "--format", form, env=env))

    assert [result.exit_code for result in results] == [0, 0, 0, 0, 2, 0, 0], list(map(str, results))
    assert all(map(clean, results))


def test_what_was_sent_did_arrive(guarded: Project, unique: str, raw: Raw) -> None:
    guarded.run("apply", "--yes", env={"CANARY": FROM_ENV})

    for user, password in (("from-env", FROM_ENV), ("from-file", FROM_FILE), ("in-clear", IN_CLEAR)):
        assert raw.write(f"auth/{unique}/login/{user}", {"password": password})["auth"]["client_token"]


@pytest.mark.parametrize("form", FORMATS)
def test_a_failing_apply_shows_no_secret(guarded: Project, form: str, unique: str) -> None:
    guarded.write(
        "desired-state/broken.yaml",
        f"""
        secrets:
          {unique}-broken:
            type: database
            connections:
              refused:
                plugin_name: postgresql-database-plugin
                connection_url: "postgresql://{{{{username}}}}:{{{{password}}}}@127.0.0.1:1/x?connect_timeout=1"
                username: "${{env:CANARY}}"
                password: "${{file:../secrets/password.txt}}"
        """,
    )

    result = guarded.run("apply", "--yes", "--format", form, env={"CANARY": FROM_ENV})

    assert result.exit_code == 4, result
    assert clean(result)


@pytest.mark.parametrize(
    "text",
    [
        f"auth: {{up: {{type: userpass, users: {{a: {{password: {IN_CLEAR}}}}}}}}}",
        f"auth: {{up: {{type: userpass, users: {{a: {{password: [{IN_CLEAR}]}}}}}}}}",
        f"auth: {{up: {{type: userpass, users: {{a: {{password: {{x: {IN_CLEAR}}}}}}}}}}}",
        f"auth: {{up: {{type: userpass, users: {{a: {{passwort: {IN_CLEAR}}}}}}}}}",
        f"auth: {{up: {{type: userpass, users: {{a: {{token_ttl: {IN_CLEAR}}}}}}}}}",
        f"auth: {{up: {{type: userpass, users: {{a: {{token_type: {IN_CLEAR}}}}}}}}}",
        f"auth: {{up: {{type: userpass, users: {{a: {{token_bound_cidrs: [{IN_CLEAR}]}}}}}}}}",
        f"auth: {{up: {{type: userpass, users: {{a: {IN_CLEAR}}}}}}}",
        f"auth: {{up: {{type: userpass, users: {{a: {{password: !secret {IN_CLEAR}}}}}}}}}",
        f"auth: {{up: {{type: userpass, users: {{a: {{password: ${{env:{IN_CLEAR}}}}}}}}}}}",
        f'auth: {{up: {{type: userpass, users: {{a: {{password: "${{env:A}}:{IN_CLEAR}:${{nope}}"}}}}}}}}',
        f"secrets: {{d: {{type: database, connections: {{c: {{connection_url: 'postgresql://u:{IN_CLEAR}@h/x'}}}}}}}}",
    ],
)
@pytest.mark.parametrize("form", ["text", "json"])
def test_a_complaint_about_a_file_does_not_quote_what_may_be_a_secret(project: Project, text: str, form: str) -> None:
    project.write("desired-state/a.yaml", text + "\n")

    result = project.run("validate", "--format", form)

    assert result.exit_code == 1, result
    assert clean(result)


def test_a_token_that_the_server_refuses_is_not_shown(project: Project) -> None:
    project.policy("p", "# nothing")

    result = project.run("plan", env={"VAULT_TOKEN": TOKEN})

    assert result.exit_code == 1
    assert clean(result)


def test_an_unexpected_error_shows_neither_values_nor_a_traceback(
    guarded: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError(f"cannot write {FROM_ENV}")

    monkeypatch.setattr("vaultconf.planning.make", fail)

    result = guarded.run("plan", env={"CANARY": FROM_ENV})

    assert result.exit_code == 1
    assert "defect" in result.stderr
    assert clean(result)
    assert "Traceback" not in result.stderr


def test_no_file_is_left_behind_that_holds_a_secret(guarded: Project, tmp_path: Path) -> None:
    before = set(guarded.root.rglob("*"))

    guarded.run("apply", "--yes", env={"CANARY": FROM_ENV})

    assert set(guarded.root.rglob("*")) == before
    assert not list(tmp_path.glob("*.log"))
