"""Apply carries out a plan: order, failures, secrets, read-back, and that a second run finishes."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.server.test_permissions import limited
from tests.support import stub
from tests.support.cli import Project
from tests.support.proxy import Proxy, in_front_of
from tests.support.raw import Raw
from tests.support.servers import Server
from tests.support.stub import Asked, Reply

CANARY = 'canary-7f3a"<&>é\\9z'
OUTSIDE = "postgresql://{{username}}:{{password}}@127.0.0.1:1/x?sslmode=disable&connect_timeout=2"


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    with in_front_of(server) as running:
        yield running


def statuses(document: Mapping[str, Any]) -> dict[str, str]:
    return {item["address"]: item["status"] for item in document["outcomes"]}


def reasons(document: Mapping[str, Any]) -> dict[str, str]:
    return {item["address"]: item["reason"] for item in document["outcomes"]}


def company(project: Project, unique: str) -> None:
    """A little of everything that names something else."""
    project.policy(f"{unique}-read", 'path "kv/*" { capabilities = ["read"] }')
    project.write(
        "desired-state/a.yaml",
        f"""
        secrets:
          {unique}-kv: {{type: kv, options: {{version: "2"}}, config: {{max_versions: 3}}, tune: {{max_lease_ttl: 24h}}}}
        auth:
          {unique}-ar: {{type: approle, roles: {{app: {{token_policies: [{unique}-read], token_ttl: 20m}}}}}}
          {unique}-up:
            type: userpass
            users: {{bob: {{password: "${{env:BOB}}", token_policies: [{unique}-read]}}}}
          token: {{roles: {{{unique}: {{allowed_policies: [{unique}-read], orphan: true}}}}}}
        """,
    )


def test_what_was_applied_needs_no_second_apply(project: Project, unique: str) -> None:
    company(project, unique)

    first = project.run("apply", "--yes", "--format", "json", env={"BOB": "the-password-of-bob"})
    second = project.run("apply", "--yes", "--format", "json")
    plan = project.run("plan", "--detailed-exitcode")

    assert first.exit_code == 0, first
    assert set(statuses(first.plan).values()) == {"done"}
    assert len(statuses(first.plan)) == 8
    assert (second.exit_code, second.plan["outcomes"]) == (0, [])
    assert plan.exit_code == 0, plan


def test_an_update_does_not_send_a_write_only_field_again_and_resend_does(
    project: Project, unique: str, proxy: Proxy
) -> None:
    user = f"auth/{unique}/users/bob"

    def declare(ttl: str) -> None:
        project.write(
            "desired-state/a.yaml",
            f"auth: {{{unique}: {{type: userpass, users: {{bob: {{password: '${{env:BOB}}', token_ttl: {ttl}}}}}}}}}\n",
        )

    declare("1m")
    created = project.run("apply", "--yes", env={**proxy.access, "BOB": "first"})
    declare("2m")
    updated = project.run("apply", "--yes", env=proxy.access)
    resent = project.run("apply", "--yes", "--resend", user, env={**proxy.access, "BOB": "second"})

    assert [result.exit_code for result in (created, updated, resent)] == [0, 0, 0], (created, updated, resent)
    assert [body.get("password") for body in proxy.bodies(user)] == ["first", None, "second"]
    assert proxy.bodies(user)[1] == {"token_ttl": 120}
    login = project.server.raw(token="").write(f"auth/{unique}/login/bob", {"password": "second"})
    assert login["auth"]["client_token"]


def test_all_references_that_are_to_be_sent_and_not_at_hand_are_named_before_the_first_write(
    project: Project, raw: Raw, unique: str, proxy: Proxy
) -> None:
    users = "a: {password: '${env:A}'}, b: {password: '${env:B}'}, old: {password: '${env:OLD}', token_ttl: 5m}"
    project.write("desired-state/a.yaml", f"auth: {{{unique}: {{type: userpass, users: {{{users}}}}}}}\n")
    raw.write(f"sys/auth/{unique}", {"type": "userpass"})
    raw.write(f"auth/{unique}/users/old", {"password": "x"})

    plan = project.run("plan", "--format", "json")
    result = project.run("apply", "--yes", "--format", "json", env=proxy.access)

    assert plan.exit_code == 0, plan
    unverified = {(item["address"][-3:], item["reason"]) for item in plan.plan["unverified"]}
    assert unverified == {
        ("s/a", "${env:A} is not at hand"),
        ("s/b", "${env:B} is not at hand"),
        ("old", "write-only; no ledger"),
    }
    assert result.exit_code == 1, result
    assert [item["message"] for item in result.plan["errors"]] == [
        "`password` is to be sent, and ${env:A} is not at hand",
        "`password` is to be sent, and ${env:B} is not at hand",
    ]
    assert proxy.writes == []


def test_a_failure_takes_along_only_what_depends_on_it_and_a_second_apply_finishes(
    project: Project, raw: Raw, unique: str
) -> None:
    company(project, unique)
    project.policy(f"{unique}-other", "# other")
    policy = f"sys/policies/acl/{unique}-read"
    raw.write(f"sys/policies/acl/ro-{unique}", {"policy": f'path "{policy}" {{ capabilities = ["read"] }}'})
    token = limited(raw, unique)
    grant = 'path "*" { capabilities = ["create", "read", "update", "delete", "list", "sudo"] }\n'
    raw.write(
        f"sys/policies/acl/limited-{unique}",
        {"policy": f'{grant}path "{policy}" {{ capabilities = ["read"] }}'},
    )

    first = project.run("apply", "--yes", "--format", "json", env={**token, "BOB": "the-password-of-bob"})
    second = project.run("apply", "--yes", "--format", "json", env={"BOB": "the-password-of-bob"})

    assert first.exit_code == 4, first
    ended = statuses(first.plan)
    assert ended.pop(policy) == "failed"
    dependents = {f"auth/{unique}-ar/role/app", f"auth/{unique}-up/users/bob", f"auth/token/roles/{unique}"}
    assert {ended.pop(address) for address in dependents} == {"skipped"}
    assert set(ended.values()) == {"done"}
    assert reasons(first.plan)[f"auth/{unique}-ar/role/app"] == f"needs {policy}, which was not done"
    assert second.exit_code == 0, second
    assert set(statuses(second.plan)) == {policy, *dependents}
    assert project.plan()["changes"] == []


def test_a_connection_that_cannot_connect_skips_its_roles_and_shows_no_password(project: Project, unique: str) -> None:
    project.policy(f"{unique}-p", "# p")
    project.write(
        "desired-state/a.yaml",
        f"""
        secrets:
          {unique}:
            type: database
            connections:
              c:
                plugin_name: postgresql-database-plugin
                connection_url: "{OUTSIDE}"
                username: u
                password: "${{env:PW}}"
            roles: {{r: {{db_name: c}}}}
        """,
    )

    result = project.run("apply", "--yes", "--format", "json", env={"PW": CANARY})

    assert result.exit_code == 4, result
    assert statuses(result.plan) == {
        f"sys/mounts/{unique}": "done",
        f"{unique}/config/c": "failed",
        f"{unique}/roles/r": "skipped",
        f"sys/policies/acl/{unique}-p": "done",
    }
    assert "canary-7f3a" not in result.stdout + result.stderr


def test_what_the_server_did_not_take_is_a_failure_that_names_the_field(
    project: Project, unique: str, proxy: Proxy
) -> None:
    role = f"auth/{unique}/role/r"
    project.write("desired-state/a.yaml", f"auth: {{{unique}: {{type: approle, roles: {{r: {{token_ttl: 1m}}}}}}}}\n")

    def forget(asked: Asked) -> Reply | None:
        if (asked.method, asked.target) != ("POST", f"/v1/{role}"):
            return None
        return proxy.forward(replace(asked, body=b"{}", headers={**asked.headers, "content-length": "2"}))

    proxy.fault = forget

    result = project.run("apply", "--yes", "--format", "json", env=proxy.access)
    second = project.run("apply", "--yes", "--format", "json")

    assert result.exit_code == 4, result
    assert reasons(result.plan)[role] == "the server did not take `token_ttl`"
    assert statuses(second.plan) == {role: "done"}


def test_a_field_of_a_later_version_is_not_taken_by_an_earlier_one(project: Project, unique: str) -> None:
    if project.server.product != "vault" or not project.server.version.startswith("1."):
        pytest.skip("only Vault before 2.0 answers well to `alias_metadata` and stores nothing")
    role = "r: {alias_metadata: {team: a}}"
    project.write("desired-state/a.yaml", f"auth: {{{unique}: {{type: approle, roles: {{{role}}}}}}}\n")

    result = project.run("apply", "--yes", "--format", "json")

    assert result.exit_code == 4, result
    assert reasons(result.plan)[f"auth/{unique}/role/r"] == "the server did not take `alias_metadata`"


def test_an_ignored_field_keeps_its_live_value_though_the_write_replaces(
    project: Project, raw: Raw, unique: str
) -> None:
    if project.server.product != "openbao":
        pytest.skip("only OpenBao's policies have fields beside their text")
    address = f"sys/policies/acl/{unique}"
    raw.write(address, {"policy": "# old", "allow_slashes_in_identity_templates": True})
    ignore = "vaultconf: {ignore: [allow_slashes_in_identity_templates]}"
    project.write("desired-state/a.yaml", f"policies: {{{unique}: {{policy: '# new', {ignore}}}}}\n")

    outcome = project.apply()
    plan = project.plan()

    live = raw.read(address) or {}
    assert statuses(outcome) == {address: "done"}
    assert (live["policy"].strip(), live["allow_slashes_in_identity_templates"]) == ("# new", True)
    assert plan["changes"] == []
    assert {"address": address, "field": "allow_slashes_in_identity_templates", "reason": "ignored here"} in plan[
        "unverified"
    ]


def test_create_only_makes_an_object_and_then_lets_it_be(project: Project, raw: Raw, unique: str) -> None:
    address = f"sys/policies/acl/{unique}"
    guidance = "vaultconf: {create_only: true}"
    project.write("desired-state/a.yaml", f"policies: {{{unique}: {{policy: '# ours', {guidance}}}}}\n")

    first = project.apply()
    raw.write(address, {"policy": "# theirs"})
    plan = project.plan()

    assert statuses(first) == {address: "done"}
    assert plan["changes"] == []
    assert address in {item["address"] for item in plan["unverified"]}


def test_everything_in_a_child_namespace_is_planned_applied_and_converges(
    project: Project, raw: Raw, unique: str
) -> None:
    if project.server.product != "openbao":
        pytest.skip("community Vault has no namespaces")
    raw.write(f"sys/namespaces/{unique}")
    child = project.server.raw(namespace=unique)
    child.write("sys/policies/acl/stray", {"policy": "# stray"})
    project.write(
        "desired-state/a.yaml",
        f"""
        namespace: {unique}
        policies: {{app: {{policy: '# app'}}}}
        secrets: {{kv: {{type: kv, options: {{version: "2"}}}}}}
        auth: {{approle: {{type: approle, roles: {{app: {{token_policies: [app]}}}}}}}}
        """,
    )

    outcome = project.apply()
    plan = project.plan()

    assert statuses(outcome) == {
        f"{unique}/auth/approle/role/app": "done",
        f"{unique}/sys/auth/approle": "done",
        f"{unique}/sys/mounts/kv": "done",
        f"{unique}/sys/policies/acl/app": "done",
    }
    assert child.read("auth/approle/role/app") is not None
    assert raw.read("sys/policies/acl/app") is None
    assert plan["changes"] == []
    assert f"{unique}/sys/policies/acl/stray" in {item["address"] for item in plan["unmanaged"]}


def test_a_write_without_an_answer_is_unknown_and_skips_what_depends_on_it(
    project: Project, unique: str, proxy: Proxy
) -> None:
    company(project, unique)
    policy = f"sys/policies/acl/{unique}-read"

    def lose(asked: Asked) -> Reply | None:
        return Reply(ending="close") if (asked.method, asked.target) == ("POST", f"/v1/{policy}") else None

    proxy.fault = lose

    result = project.run("apply", "--yes", "--format", "json", env={**proxy.access, "BOB": "the-password-of-bob"})

    assert result.exit_code == 4, result
    assert statuses(result.plan)[policy] == "unknown"
    assert statuses(result.plan)[f"auth/token/roles/{unique}"] == "skipped"
    assert statuses(result.plan)[f"sys/auth/{unique}-ar"] == "done"


@pytest.mark.parametrize("form", ["text", "json", "markdown"])
@pytest.mark.parametrize("echo", ["plain", "json", "go", "url", "lines"])
def test_a_secret_that_the_server_echoes_is_masked_in_every_format(
    project: Project, unique: str, proxy: Proxy, form: str, echo: str
) -> None:
    company(project, unique)
    user = f"/v1/auth/{unique}-up/users/bob"

    def reflect(asked: Asked) -> Reply | None:
        if asked.method != "POST" or asked.target != user:
            return None
        secret = stub.json.loads(asked.body)["password"]
        texts = {
            "plain": f"no such value: {secret}",
            "json": f"cannot parse {asked.body.decode()}",
            "go": "bad value " + _as_go_writes_json(secret),
            "url": "parse https://u:" + stub.json.dumps(secret) + "@h: invalid",
            "lines": f"1 error occurred:\n\t* value {secret}\n\n",
        }
        return Reply(400, stub.as_json({"errors": [texts[echo]]}))

    proxy.fault = reflect

    result = project.run("apply", "--yes", "--format", form, env={**proxy.access, "BOB": CANARY})

    assert result.exit_code == 4, result
    assert "canary-7f3a" not in result.stdout + result.stderr
    assert "***" in result.stdout or form == "markdown"


def test_a_secret_that_a_real_server_echoes_is_masked(project: Project, unique: str) -> None:
    project.write(
        "desired-state/a.yaml",
        f"""
        secrets:
          {unique}:
            type: database
            connections:
              c:
                plugin_name: postgresql-database-plugin
                connection_url: "{OUTSIDE}"
                verify_connection: false
                username: u
                password: "${{env:PW}}"
                username_template: "{{{{ ${{env:NAME}} }}}}"
        """,
    )

    result = project.run("apply", "--yes", "--format", "json", env={"NAME": "canaryxyz", "PW": "p"})

    assert result.exit_code == 4, result
    assert "***" in reasons(result.plan)[f"{unique}/config/c"]
    assert "canaryxyz" not in result.stdout + result.stderr


def test_without_a_terminal_and_without_yes_nothing_is_even_asked_of_the_server(
    project: Project, unique: str, proxy: Proxy
) -> None:
    project.policy(f"{unique}-p", "# p")

    result = project.run("apply", env=proxy.access)
    machine = project.run("apply", "--format", "json", env=proxy.access)

    assert (result.exit_code, machine.exit_code) == (64, 64)
    assert "use --yes" in result.stderr
    assert "--yes" in machine.plan["errors"][0]["hint"]
    assert proxy.asked == []


@pytest.mark.parametrize(("answer", "exit_code"), [("yes\n", 0), ("y\n", 1), ("\x04", 1), ("\x03", 130)])
def test_on_a_terminal_only_yes_applies(project: Project, raw: Raw, unique: str, answer: str, exit_code: int) -> None:
    project.policy(f"{unique}-p", "# p")

    left, output = _on_a_terminal(project, answer, "apply")

    assert left == exit_code, output
    assert f"sys/policies/acl/{unique}-p" in output
    assert (raw.read(f"sys/policies/acl/{unique}-p") is not None) is (exit_code == 0)
    assert "Traceback" not in output
    assert exit_code != 1 or "nothing was applied" in output


def _as_go_writes_json(text: str) -> str:
    escaped = stub.json.dumps(text, ensure_ascii=False)
    for char in "<>&":
        escaped = escaped.replace(char, f"\\u{ord(char):04x}")
    return escaped


# The pty becomes the controlling terminal, so that Ctrl-C typed into it is a signal.
_ON_ITS_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, "-m", "vaultconf", *sys.argv[1:]])
"""


def _on_a_terminal(project: Project, answer: str, *argv: str) -> tuple[int, str]:
    """Run a command on a pty, answer its question, and return the exit code and all that was shown."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", _ON_ITS_TERMINAL, *argv],
        cwd=project.root,
        env={"PATH": os.environ["PATH"], "HOME": str(project.root), "TERM": "dumb", **project.access, **_checkout()},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    shown, answered, deadline = b"", False, time.monotonic() + 60
    while time.monotonic() < deadline:
        if select.select([ours], [], [], 0.1)[0]:
            try:
                shown += os.read(ours, 65536)
            except OSError:
                break
        if not answered and b"Only `yes`" in shown:
            os.write(ours, answer.encode())
            answered = True
    os.close(ours)
    return process.wait(10), re.sub(r"\x1b\[[0-9;]*m", "", shown.decode(errors="replace"))


def _checkout() -> dict[str, str]:
    """Run the code of this checkout, whatever is installed."""
    return {"PYTHONPATH": str(Path(__file__).parents[2])}


def test_a_kv_mount_with_data_goes_from_version_1_to_2_with_its_configuration(
    project: Project, raw: Raw, unique: str
) -> None:
    raw.write(f"sys/mounts/{unique}", {"type": "kv", "options": {"version": "1"}})
    for number in range(200):
        raw.write(f"{unique}/key-{number}", {"value": str(number)})
    config = "config: {max_versions: 7}"
    project.write("desired-state/a.yaml", f"secrets: {{{unique}: {{type: kv, options: {{version: '2'}}, {config}}}}}\n")

    result = project.run("apply", "--yes", "--format", "json")

    assert result.exit_code == 0, result
    assert (raw.read(f"{unique}/config") or {})["max_versions"] == 7
    assert (raw.read(f"{unique}/data/key-7") or {})["data"] == {"value": "7"}
    assert project.plan()["changes"] == []
