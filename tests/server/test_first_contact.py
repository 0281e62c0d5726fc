"""The first plan against a full server: ten objects of ours among ten thousand of others."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import servers
from tests.support.cli import Project, Result
from tests.support.least import policy_for, refusals, token_with
from tests.support.servers import Server
from vaultconf.http import Answer, Connection, Request
from vaultconf.sealed import Secret
from vaultconf.transport import Task, Transport

ROLES, POLICIES, ROBOTS, ENTITIES, MOUNTS = 2_000, 6_000, 500, 1_500, 60
READS = {"read", "list"}
#: What a run may send beside reads: it ends the token of a login, and asks what it may do.
HARMLESS = {"auth/token/renew-self", "auth/token/revoke-self", "sys/capabilities-self"}
#: A screen, and what a terminal shows of a line.
LINES, COLUMNS = 60, 80


def strangers() -> Iterator[Request]:
    """What others have on the server."""
    yield Request("POST", "sys/auth/approle", {"type": "approle"})
    yield Request("POST", "sys/auth/robots", {"type": "approle"})
    yield from (Request("POST", f"sys/mounts/team-{n}", {"type": "kv"}) for n in range(MOUNTS))
    yield from (Request("POST", f"auth/approle/role/theirs-{n}", {"token_ttl": 60}) for n in range(ROLES))
    yield from (Request("POST", f"sys/policies/acl/theirs-{n}", {"policy": "# theirs"}) for n in range(POLICIES))
    yield from (Request("POST", f"auth/robots/role/theirs-{n}", {"token_ttl": 60}) for n in range(ROBOTS))
    yield from (Request("POST", f"identity/entity/name/theirs-{n}", {}) for n in range(ENTITIES))


def fill(server: Server) -> None:
    def sent(request: Request) -> Task[Answer]:
        return (yield request)

    with Transport(
        Connection(server.address), token=Secret(server.token), read_only=False, user_agent="others"
    ) as transport:
        made = [*strangers()]
        first = [request for request in made if request.path.startswith(("sys/auth/", "sys/mounts/"))]
        answers = [transport.send(request) for request in first]
        answers += transport.run(map(sent, made[len(first) :]))
    assert {answer.status for answer in answers} <= {200, 204}, Counter(answer.status for answer in answers)


@pytest.fixture(scope="module")
def full(audit_server: Server) -> Iterator[Server]:
    """A server with ten thousand objects of others, which logs who does what."""
    running = servers.start_with_audit()
    fill(running)
    running.raw().write("sys/audit/file", {"type": "file", "options": {"file_path": str(running.folder / "audit.log")}})
    yield running
    running.stop()


@pytest.fixture
def ours(tmp_path: Path, full: Server) -> Project:
    """A project of ten objects, of which the server has none but the mount that others own."""
    project = Project.new(tmp_path, full)
    for name in ("read", "write", "admin"):
        project.policy(
            f"ours-{name}", f'path "ours/data/*" {{ capabilities = ["{"read" if name == "read" else "list"}"] }}'
        )
    project.write(
        "desired-state/ours.yaml",
        """
        auth:
          approle:
            roles:
              ours-app: {token_policies: [ours-read]}
              ours-ci: {token_policies: [ours-write]}
              ours-ops: {token_policies: [ours-admin]}
        secrets:
          ours: {type: kv, options: {version: 2}}
        identity:
          groups: {ours: {policies: [ours-admin]}}
          entities: {ours: {policies: [ours-read]}}
        """,
    )
    return project


def logged(server: Server, run: Any) -> tuple[Result, list[tuple[str, str]]]:
    """The result of a run, and what the server's audit log says that it did."""
    log = server.folder / "audit.log"
    start = log.stat().st_size
    result = run()
    with log.open("rb") as file:
        file.seek(start)
        entries = [json.loads(line) for line in file]
    asked = [entry["request"] for entry in entries if entry["type"] == "request"]
    return result, [(request["operation"], request["path"]) for request in asked]


@pytest.mark.parametrize("form", ["text", "json", "markdown"])
@pytest.mark.parametrize("command", ["plan", "drift"])
def test_the_audit_log_has_nothing_but_reads(ours: Project, full: Server, command: str, form: str) -> None:
    token = token_with(full.raw(), policy_for(ours, "plan")["policy"])

    result, asked = logged(full, lambda: ours.run(command, "--format", form, env=token))

    assert result.exit_code == (0 if command == "plan" else 2), result
    assert [item for item in asked if item[0] not in READS and item[1] not in HARMLESS] == []
    assert ("list", "auth/approle/role/") in asked or ("list", "auth/approle/role") in asked
    assert len(asked) < 60, Counter(asked)


@pytest.mark.parametrize("command", ["plan", "drift"])
def test_a_person_reads_counts_and_no_flood(ours: Project, full: Server, command: str) -> None:
    result = ours.run(command, env={"COLUMNS": str(COLUMNS)})
    lines = result.stdout.splitlines()

    assert len(lines) < LINES, result
    assert [line for line in lines if len(line) > COLUMNS and " unmanaged in " in line] == []
    assert [line for line in lines if "theirs" in line] == []
    assert f"  · {ROLES:,} unmanaged in auth/approle/role" in lines
    assert f"  · {MOUNTS} unmanaged in sys/mounts" in lines
    assert f"  · sys/auth/robots ({ROBOTS:,} objects in it)" in lines


def test_a_token_of_no_other_rights_gets_a_short_plan_too(ours: Project, full: Server) -> None:
    token = token_with(full.raw(), policy_for(ours, "plan")["policy"])

    result = ours.run("plan", env=token)

    assert len(result.stdout.splitlines()) < LINES, result
    assert refusals(result) == []


def test_markdown_fits_a_comment_and_has_the_counts(ours: Project) -> None:
    result = ours.run("plan", "--format", "markdown")

    assert len(result.stdout.splitlines()) < 3 * LINES
    assert f"{ROLES:,} unmanaged in auth/approle/role" in result.stdout


def test_json_and_a_list_that_is_asked_for_are_complete(ours: Project) -> None:
    found = ours.plan()
    text = ours.run("plan", "--unmanaged")

    kinds = Counter(item["kind"] for item in found["unmanaged"])
    robots = [item for item in found["unmanaged"] if item["address"] == "sys/auth/robots"]
    assert kinds["approle_role"] == ROLES
    assert kinds["identity_entity"] == ENTITIES
    assert kinds["acl_policy"] >= POLICIES
    assert kinds["secrets_engine"] == MOUNTS
    assert [item["count"] for item in robots] == [ROBOTS]
    assert (found["summary"]["create"], found["summary"]["unchanged"]) == (9, 1)
    assert len([line for line in text.stdout.splitlines() if "theirs-" in line]) == ROLES + POLICIES + ENTITIES
