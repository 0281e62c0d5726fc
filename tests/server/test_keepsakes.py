"""What is protected or held does not go with its mount or namespace, whatever part of the files a run looks at."""

from __future__ import annotations

import pytest

from tests.support.cli import Project, Result
from tests.support.raw import Raw

PASSWORD = {"BOB": "the-password-of-bob"}
METHOD = """
auth:
  MOUNT:
    type: userpass
    local: LOCAL
    users: {bob: {password: "${env:BOB}", vaultconf: {protect: true}}}
"""


@pytest.fixture
def remembered(project: Project, raw: Raw, unique: str) -> Project:
    """A project with a ledger, which declares something else besides."""
    raw.write(f"sys/mounts/{unique}-books", {"type": "kv", "options": {"version": "2"}})
    settings(project, unique)
    project.policy(f"{unique}-other", "# something to declare")
    return project


def settings(project: Project, unique: str, *lines: str) -> None:
    head = f"version: 1\nproject: p-{unique}\nledger: {unique}-books/team\n"
    project.write("vaultconf.yaml", head + "".join(f"{line}\n" for line in lines))


def declare(project: Project, unique: str, text: str = METHOD, local: str = "true") -> None:
    project.write("desired-state/a.yaml", text.replace("MOUNT", unique).replace("LOCAL", local))


def apply(project: Project, *argv: str) -> Result:
    return project.run("apply", "--yes", "--format", "json", *argv, env=PASSWORD)


def made(project: Project) -> None:
    assert (done := apply(project)).exit_code == 0, done


def complaints(result: Result) -> dict[str, str]:
    return {item["address"]: item["message"] for item in result.plan["errors"]}


def test_a_mount_is_not_replaced_by_a_run_that_looks_past_what_is_protected_in_it(
    project: Project, raw: Raw, unique: str
) -> None:
    declare(project, unique)
    made(project)
    declare(project, unique, local="false")
    alone = ("--only", f"sys/auth/{unique}", "--allow", f"sys/auth/{unique}")

    plan = project.run("plan", "--format", "json", *alone[:2]).plan
    refused = apply(project, *alone)

    message = f"replace sys/auth/{unique}: auth/{unique}/users/bob in it is protected"
    assert refused.exit_code == 3, refused
    assert complaints(refused) == {f"auth/{unique}/users/bob": message}
    assert [notice for notice in plan["notices"] if message in notice]
    assert raw.list(f"auth/{unique}/users") == ["bob"]


def test_a_mount_that_left_git_is_not_deleted_with_what_the_ledger_knows_as_protected(
    remembered: Project, raw: Raw, unique: str
) -> None:
    declare(remembered, unique)
    made(remembered)
    declare(remembered, unique, "{}")

    refused = apply(remembered, "--only", f"sys/auth/{unique}", "--allow", "*")

    assert refused.exit_code == 3, refused
    assert list(complaints(refused)) == [f"auth/{unique}/users/bob"]
    assert raw.list(f"auth/{unique}/users") == ["bob"]


def test_once_the_protection_is_out_the_mount_goes(remembered: Project, raw: Raw, unique: str) -> None:
    declare(remembered, unique)
    made(remembered)
    declare(remembered, unique, METHOD.replace("true}}}", "false}}}"))
    made(remembered)
    declare(remembered, unique, "{}")

    gone = apply(remembered, "--only", f"sys/auth/{unique}", "--allow", "*")

    assert gone.exit_code == 0, gone
    assert f"{unique}/" not in (raw.read("sys/auth") or {})


def test_a_namespace_is_not_deleted_by_a_run_that_looks_past_what_is_protected_in_it(
    remembered: Project, raw: Raw, unique: str
) -> None:
    if remembered.server.product != "openbao" and not remembered.server.enterprise:
        pytest.skip("community Vault has no namespaces")
    hold = f"{unique}/auth/other/users/ann"
    inner = f"namespaces: {{{unique}: {{}}}}\n---\nnamespace: {unique}\nnamespaces: {{deep: {{}}}}\n---\n"
    declare(remembered, unique, f"{inner}namespace: {unique}/deep{METHOD}")
    made(remembered)
    declare(remembered, unique, "{}")
    settings(remembered, unique, f"ignore: [{hold}]")

    refused = apply(remembered, "--only", f"sys/namespaces/{unique}", "--allow", "*")

    assert refused.exit_code == 3, refused
    assert set(complaints(refused)) == {f"{unique}/deep/auth/{unique}/users/bob", hold}
    assert raw.list("sys/namespaces").count(f"{unique}/") == 1


@pytest.mark.parametrize("pattern", ["auth/MOUNT/users/bob", "auth/+/users/MOUNT-bob", "auth/MOUNT/users/MOUNT-*"])
def test_a_mount_is_not_deleted_by_a_run_that_looks_past_what_is_held_in_it(
    project: Project, raw: Raw, unique: str, pattern: str
) -> None:
    name = pattern.rpartition("/")[2].replace("MOUNT", unique).replace("*", "bob")
    raw.write(f"sys/auth/{unique}", {"type": "userpass"})
    raw.write(f"auth/{unique}/users/{name}", {"password": "x"})
    hold = pattern.replace("MOUNT", unique)
    project.write("vaultconf.yaml", f"version: 1\nprune: [sys/auth/{unique}]\nignore: [{hold}]\n")
    project.policy(f"{unique}-other", "# something to declare")

    refused = apply(project, "--only", f"sys/auth/{unique}", "--allow", "*")

    assert refused.exit_code == 3, refused
    said = hold if hold.startswith(f"auth/{unique}/") else f"auth/{unique}/users/{name}"
    assert complaints(refused) == {said: f"delete sys/auth/{unique}: {said} in it is held (`ignore`)"}
    assert raw.list(f"auth/{unique}/users") == [name]


def test_a_hold_that_is_for_nothing_in_a_mount_does_not_stop_its_end(project: Project, raw: Raw, unique: str) -> None:
    raw.write(f"sys/auth/{unique}", {"type": "userpass"})
    raw.write(f"auth/{unique}/users/ann", {"password": "x"})
    holds = f"auth/+/users/{unique}-bob, {{address: auth/{unique}/users/ann, until: 2020-01-01}}"
    project.write("vaultconf.yaml", f"version: 1\nprune: [sys/auth/{unique}]\nignore: [{holds}]\n")
    project.policy(f"{unique}-other", "# something to declare")

    gone = apply(project, "--only", f"sys/auth/{unique}", "--allow", "*")

    assert gone.exit_code == 0, gone
    assert f"{unique}/" not in (raw.read("sys/auth") or {})


def test_a_saved_plan_takes_nothing_along_that_is_held(project: Project, raw: Raw, unique: str) -> None:
    user = f"auth/{unique}/users/bob"
    raw.write(f"sys/auth/{unique}", {"type": "userpass"})
    raw.write(user, {"password": "x"})
    project.write("vaultconf.yaml", f"version: 1\nprune: [sys/auth/{unique}]\nignore: [{user}]\n")
    project.policy(f"{unique}-other", "# something to declare")
    assert (saved := project.run("plan", "--out", "plan.json")).exit_code == 0, saved

    refused = apply(project, "plan.json", "--allow", "*")

    assert refused.exit_code == 3, refused
    assert list(complaints(refused)) == [user]
    assert raw.list(f"auth/{unique}/users") == ["bob"]
