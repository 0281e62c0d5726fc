"""`plan` and `drift` for several targets: side by side, each with its own failure, one document."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.support import servers, stub
from tests.support.cli import Project, Result
from tests.support.logins import POLICY, alive, tokens
from tests.support.proxy import Proxy, in_front_of
from tests.support.raw import Raw
from tests.support.servers import Server
from tests.support.stub import Asked, Reply
from vaultconf import books
from vaultconf.contact import Contact
from vaultconf.ledger import Ledger
from vaultconf.settings import Settings

SCHEMA = Draft202012Validator(json.loads((Path(__file__).parents[2] / "docs/schemas/plans.schema.json").read_text()))


@pytest.fixture(scope="module")
def second(server: Server) -> Iterator[Server]:
    """Another server, which knows the token of the first."""
    running = servers.start_dev()
    running.raw().write("auth/token/create", {"id": server.token, "policies": ["root"]})
    yield running
    running.stop()


@pytest.fixture(scope="module")
def stranger() -> Iterator[Server]:
    """A third server, with a token of its own."""
    running = servers.start_dev()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def sealed() -> Iterator[Server]:
    running = servers.start_configured()
    running.raw().write("sys/seal", {})
    yield running
    running.stop()


def aims(project: Project, **targets: object) -> None:
    """Let the project have these targets: an address, a server, or all that stands in one."""
    found = {name: {"address": getattr(item, "address", item)} if not isinstance(item, dict) else item
             for name, item in targets.items()}  # fmt: skip
    project.write("vaultconf.yaml", json.dumps({"version": 1, "targets": found}))


def run(project: Project, *argv: str, **env: str) -> Result:
    """Run a command with a token alone; the targets say where."""
    return project.run(*argv, env={"VAULT_ADDR": "", **env})


def document(result: Result) -> dict[str, Any]:
    """The JSON of several plans, which keeps to its schema."""
    found = result.plan
    assert [error.message for error in SCHEMA.iter_errors(found)] == []
    assert found["format"] == "vaultconf.plans/1"
    return found


def by_target(found: dict[str, Any]) -> dict[str, Any]:
    return {item["target"]: item for item in found["plans"]}


# --- what differs, and how it ends -----------------------------------------------------------------------------


def test_two_targets_are_one_document_and_their_differences_one_exit_code(
    project: Project, raw: Raw, second: Server, unique: str
) -> None:
    project.policy(unique, 'path "secret/x" { capabilities = ["read"] }\n')
    aims(project, stage=project.server, prod=second)
    raw.write(f"sys/policies/acl/{unique}", {"policy": 'path "secret/x" { capabilities = ["read"] }\n'})

    plan = run(project, "plan", "--target", "prod,stage", "--format", "json")
    detailed = run(project, "plan", "--target", "prod,stage", "--detailed-exitcode")
    drift = run(project, "drift", "--all-targets", "--format", "json")

    found = document(plan)
    assert (plan.exit_code, detailed.exit_code, drift.exit_code) == (0, 2, 2), f"{plan}{detailed}{drift}"
    assert found["complete"]
    assert [item["target"] for item in found["plans"]] == ["prod", "stage"]
    assert [item["target"] for item in document(drift)["plans"]] == ["stage", "prod"]
    assert {name: len(item["changes"]) for name, item in by_target(found).items()} == {"prod": 1, "stage": 0}
    assert {item["server"]["address"] for item in found["plans"]} == {project.server.address, second.address}
    assert found["summary"]["create"] == 1
    assert found["summary"]["unchanged"] == 1
    assert "Target prod: " in detailed.stdout
    assert detailed.stdout.splitlines()[-1].startswith("  stage  No changes: 1 object is as declared.")

    second.raw().write(f"sys/policies/acl/{unique}", {"policy": 'path "secret/x" { capabilities = ["read"] }\n'})
    same = run(project, "drift", "--all-targets", "--format", "json")

    assert same.exit_code == 0, same
    second.raw().delete(f"sys/policies/acl/{unique}")


def test_strict_drift_counts_strangers_of_any_target(project: Project, raw: Raw, second: Server, unique: str) -> None:
    aims(project, stage=second, prod=project.server)
    raw.write(f"sys/policies/acl/{unique}", {"policy": 'path "a" { capabilities = ["read"] }'})

    result = run(project, "drift", "--all-targets", "--strict")

    assert result.exit_code == 2, result
    assert f"  · sys/policies/acl/{unique}" in result.stdout


def test_what_fails_with_one_target_stays_there(
    project: Project, second: Server, sealed: Server, stranger: Server, unique: str
) -> None:
    project.policy(unique, 'path "secret/x" { capabilities = ["read"] }\n')
    login = {"method": "userpass", "username": "nobody", "password": "${env:MISSING}"}
    aims(
        project,
        good=project.server,
        down=stub.free_address(),
        sealed=sealed,
        alien=stranger,
        drifting=second,
        unset={"address": second.address, "auth": login},
    )

    result = run(project, "drift", "--all-targets", "--format", "json", VAULT_MAX_RETRIES="0")
    alone = run(project, "drift", "--target", "good", "--format", "json")

    found = document(result)
    plans = by_target(found)
    assert result.exit_code == 1, result
    assert found["complete"] is False
    assert found["errors"] == []
    assert {name: item["complete"] for name, item in plans.items()} == {
        "good": True, "down": False, "sealed": False, "alien": False, "drifting": True, "unset": False,
    }  # fmt: skip
    assert plans["good"] == {"target": "good", **alone.plan}
    assert [item["address"] for item in plans["drifting"]["changes"]] == [f"sys/policies/acl/{unique}"]
    reasons = {name: item["errors"][0]["message"] for name, item in plans.items() if item["errors"]}
    assert reasons["down"].startswith("cannot reach http://127.0.0.1:")
    assert reasons["sealed"].endswith("is sealed")
    assert reasons["alien"] == "the token is not valid, or has expired"
    assert "`password` of the login is not at hand" in reasons["unset"]
    assert all(plans[name]["server"] is None for name in reasons)
    assert [name for name, reason in reasons.items() if f"target `{name}`: {reason}" not in result.stderr] == []


def test_what_a_token_may_not_read_makes_one_plan_incomplete(
    project: Project, raw: Raw, second: Server, unique: str
) -> None:
    project.policy(unique, 'path "secret/x" { capabilities = ["read"] }\n')
    weak = f"{unique}-weak"
    raw.write("auth/token/create", {"id": weak, "policies": ["default"], "ttl": "1h"})
    second.raw().write("auth/token/create", {"id": weak, "policies": ["root"], "ttl": "1h"})
    aims(project, weak=project.server, good=second)

    result = run(project, "plan", "--target", "weak,good", "--format", "json", VAULT_TOKEN=weak)

    plans = by_target(document(result))
    assert result.exit_code == 1, result
    assert plans["good"]["complete"]
    assert not plans["weak"]["complete"]
    assert plans["weak"]["blocked"] or plans["weak"]["errors"]


def test_a_defect_of_ours_fails_one_target_and_shows_no_value(
    project: Project, second: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    aims(project, good=project.server, bad=second)
    recall = books.recall

    def broken(contact: Contact, settings: Settings) -> Ledger:
        if contact.server.address == second.address:
            raise KeyError("canary-3f")
        return recall(contact, settings)

    monkeypatch.setattr(books, "recall", broken)

    result = run(project, "plan", "--all-targets", "--format", "json")

    plans = by_target(document(result))
    assert result.exit_code == 1, result
    assert plans["good"]["complete"]
    assert "unexpected KeyError at test_targets.py:" in plans["bad"]["errors"][0]["message"]
    assert "This is a defect of vaultconf" in plans["bad"]["errors"][0]["message"]
    assert "canary" not in result.stdout + result.stderr


def test_a_comment_has_all_targets(project: Project, second: Server, unique: str) -> None:
    project.policy(unique, 'path "secret/x" { capabilities = ["read"] }\n')
    aims(project, stage=second, down=stub.free_address())

    result = run(project, "plan", "--all-targets", "--format", "markdown", VAULT_MAX_RETRIES="0")

    assert result.exit_code == 1, result
    assert result.stdout.startswith("### Plan of 2 targets: 1 failed or incomplete, 1 with changes.\n")
    assert "\n### `stage`: Plan: 1 to create" in result.stdout
    assert "\n### `down`: failed\n" in result.stdout
    assert "target `down`: cannot reach" in result.stderr


# --- which document ----------------------------------------------------------------------------------------------


def test_one_target_by_name_is_a_plan_and_all_targets_are_plans_also_where_there_is_one(project: Project) -> None:
    aims(project, only=project.server)

    named = run(project, "plan", "--target", "only", "--format", "json")
    every = run(project, "plan", "--all-targets", "--format", "json")

    assert named.plan["format"] == "vaultconf.plan/1"
    assert document(every)["plans"] == [{"target": "only", **named.plan}]


@pytest.mark.parametrize(
    ("argv", "complaint"),
    [
        (["plan", "--target", "stage,"], "a name is empty"),
        (["plan", "--target", "stage,prd"], "did you mean `prod`?"),
        (["drift", "--all-targets", "--target", "prod"], "exclude each other"),
        (["plan", "--target", "stage,prod", "--out", "plan.json"], "a saved plan is for one target"),
        (["plan", "--all-targets", "--out", "plan.json"], "a saved plan is for one target"),
        (["plan", "--target", "stage", "--target", "prod"], "--target is given twice"),
        (["apply", "--yes", "--target=stage", "--target=prod"], "--target is given twice"),
        (["apply", "--yes", "--target", "stage,prod"], "this command takes one target"),
        (["export", "--target", "stage,prod"], "this command takes one target"),
        (["permissions", "plan", "--target", "stage,prod"], "this command takes one target"),
        (["render", "--target", "stage,prod"], "this command takes one target"),
        (["rotate", "x/*", "--yes", "--target", "stage,prod"], "this command takes one target"),
        (["unlock", "--yes", "--target", "stage,prod"], "this command takes one target"),
        (["apply", "--all-targets", "--yes"], "--all-targets"),
    ],
)
def test_a_wrong_command_line_exits_with_64_before_anything_is_sent(
    project: Project, argv: list[str], complaint: str
) -> None:
    with stub.running() as nobody:
        aims(project, stage=nobody.address, prod=nobody.address)

        result = run(project, *argv)

    assert result.exit_code == 64, result
    assert complaint in result.stderr
    assert nobody.asked == []
    assert not (project.root / "plan.json").exists()


def test_all_targets_of_a_project_without_any_exits_with_64_and_a_whole_document(project: Project) -> None:
    result = run(project, "plan", "--all-targets", "--format", "json")

    assert result.exit_code == 64, result
    assert document(result)["errors"][0]["message"] == "no targets in vaultconf.yaml"


# --- what is refused before any connection -----------------------------------------------------------------------


def test_a_target_that_the_environment_disagrees_with_stops_all_before_anything_is_sent(project: Project) -> None:
    with stub.running() as asked, stub.running() as other:
        aims(project, a=asked.address, b=other.address, c={"address": asked.address, "namespace": "x"}, d=other.address)

        result = project.run(
            *("plan", "--target", "a,b,c", "--format", "json"),
            env={"VAULT_ADDR": asked.address, "VAULT_NAMESPACE": "team"},
        )

    found = document(result)
    assert result.exit_code == 1, result
    assert found["plans"] == []
    assert [item["message"] for item in found["errors"]] == [
        "target `b` and VAULT_ADDR name different servers",
        "target `c` and VAULT_NAMESPACE name different namespaces",
    ]
    assert asked.asked == other.asked == []


def test_bad_files_of_one_target_stop_all_before_anything_is_sent(project: Project) -> None:
    project.write("desired-state/a.yaml", 'policies: {p: {policy: \'path "${var:a}" { capabilities = ["read"] }\'}}\n')
    with stub.running() as asked:
        aims(project, a={"address": asked.address, "vars": {"a": "b"}}, b=asked.address)

        result = run(project, "plan", "--all-targets", "--format", "json")

    found = document(result)
    assert result.exit_code == 1, result
    assert [(item["file"], item["line"]) for item in found["errors"]] == [("desired-state/a.yaml", 1)]
    assert "`b`" in found["errors"][0]["message"]
    assert asked.asked == []


@pytest.mark.parametrize("argv", [("apply", "--yes", "--target", "b"), ("plan", "--all-targets")])
def test_two_targets_that_are_one_place_are_refused_before_anything_is_sent(
    project: Project, argv: tuple[str, ...]
) -> None:
    with stub.running() as asked:
        aims(project, a={"address": asked.address, "vars": {"a": "x"}}, b={"address": asked.address, "overlays": []})
        written = json.loads((project.root / "vaultconf.yaml").read_text())
        project.write("vaultconf.yaml", json.dumps({**written, "ledger": "secret/vaultconf"}))

        result = run(project, *argv, "--format", "json")

    assert result.exit_code == 1, result
    assert [item["message"].partition(":")[0] for item in json.loads(result.stdout)["errors"]] == [
        "the targets `b` and `a` are one server and namespace with different files"
    ]
    assert asked.asked == []


def test_a_token_that_is_shown_to_several_servers_is_warned_of(project: Project, second: Server) -> None:
    aims(project, a=project.server, b=second)

    both = run(project, "plan", "--all-targets")
    one = run(project, "plan", "--target", "a")

    assert "the token of the environment is shown to the servers of `a`, `b`" in both.stderr
    assert one.stderr == ""


# --- side by side ------------------------------------------------------------------------------------------------


def test_eight_targets_at_once_give_the_plans_that_they_give_one_by_one(
    project: Project, raw: Raw, second: Server, unique: str
) -> None:
    both = (project.server, second)
    aims(
        project,
        **{f"t{n}": {"address": both[n % 2].address, "vars": {"n": n, "ttl": f"{n + 1}h"}} for n in range(8)},
    )
    policies = "".join(f"  {unique}-{n}: {{policy: '# ${{var:n}}'}}\n" for n in range(30))
    roles = "".join(f"      r{n}: {{token_policies: [{unique}-{n}], token_ttl: '${{var:ttl}}'}}\n" for n in range(30))
    project.write(
        "desired-state/a.yaml",
        f"policies:\n{policies}auth:\n  {unique}:\n    roles:\n{roles}  {unique}-own:\n    type: approle\n",
    )
    for server in both:
        server.raw().write(f"sys/auth/{unique}", {"type": "approle"})
    for n in range(30):
        raw.write(f"sys/policies/acl/{unique}-{n}", {"policy": "# 2"})
        raw.write(f"auth/{unique}/role/r{n}", {"token_policies": f"{unique}-{n}", "token_ttl": "3h"})

    result = run(project, "plan", "--all-targets", "--format", "json")
    alone = {f"t{n}": run(project, "plan", "--target", f"t{n}", "--format", "json").plan for n in range(8)}
    second.raw().delete(f"sys/auth/{unique}")

    plans = by_target(document(result))
    assert result.exit_code == 0, result
    assert plans == {name: {"target": name, **found} for name, found in alone.items()}
    assert len({json.dumps(item["changes"]) for item in plans.values()}) == 8
    assert [len(plans[name]["changes"]) for name in ("t1", "t2")] == [61, 1]


@pytest.fixture
def proxies(server: Server) -> Iterator[list[Proxy]]:
    """Three ways to the same server."""
    with ExitStack() as stack:
        yield [stack.enter_context(in_front_of(server)) for _ in range(3)]


def log_in_everywhere(project: Project, raw: Raw, unique: str, proxies: list[Proxy]) -> dict[str, str]:
    """A target for each proxy, with a login of its own; return the environment with the credentials."""
    raw.write(f"sys/policies/acl/{unique}", {"policy": POLICY})
    raw.write(f"sys/auth/{unique}", {"type": "userpass"})
    raw.write(f"auth/{unique}/users/ci", {"password": "canary-91", "token_policies": [unique]})
    auth = {"method": "userpass", "mount": unique, "username": "ci", "password": "${env:PASSWORD}"}
    aims(project, **{f"t{n}": {"address": proxy.served.address, "auth": auth} for n, proxy in enumerate(proxies)})
    return {"PASSWORD": "canary-91"}


def test_each_target_logs_in_for_itself_and_leaves_nothing(
    project: Project, raw: Raw, server: Server, unique: str, proxies: list[Proxy]
) -> None:
    secrets = log_in_everywhere(project, raw, unique, proxies)

    result = run(project, "plan", "--all-targets", **secrets)

    used = [tokens(proxy) for proxy in proxies]
    assert result.exit_code == 0, result
    assert result.stderr == ""
    assert [len(found) for found in used] == [1, 1, 1]
    assert len(set.union(*used)) == 3
    assert not any(alive(server, token) for token in set.union(*used))


def test_a_warning_says_which_target_it_is_about(project: Project, raw: Raw, unique: str, proxies: list[Proxy]) -> None:
    secrets = log_in_everywhere(project, raw, unique, proxies)
    for proxy in proxies[1:]:
        proxy.refuse(403, "auth/token/revoke-self", errors=("no way",))

    result = run(project, "plan", "--all-targets", **secrets)

    assert result.exit_code == 0, result
    warned = sorted(line.strip(" !") for line in result.stderr.splitlines() if "!" in line)
    assert warned == [f"target `t{n}`: the token of the login could not be revoked: 403: no way" for n in (1, 2)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_revokes_the_tokens_of_all_targets(
    project: Project, raw: Raw, server: Server, unique: str, proxies: list[Proxy], number: signal.Signals
) -> None:
    secrets = log_in_everywhere(project, raw, unique, proxies)
    hanging, released = threading.Barrier(len(proxies) + 1), threading.Event()

    def hang(asked: Asked) -> Reply | None:
        if asked.target.startswith("/v1/sys/mounts"):
            hanging.wait(60)
            released.wait(60)
        return None

    for proxy in proxies:
        proxy.fault = hang
    process = project.start("plan", "--all-targets", "--format", "json", env={"VAULT_ADDR": "", **secrets})
    hanging.wait(60)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    released.set()

    used = set.union(*map(tokens, proxies))
    assert process.returncode == 130, err
    assert "interrupted" in json.loads(out)["errors"][0]["message"]
    assert [error.message for error in SCHEMA.iter_errors(json.loads(out))] == []
    assert b"Traceback" not in err
    assert len(used) == 3
    assert not any(alive(server, token) for token in used)


def test_a_login_that_is_under_way_when_the_run_is_interrupted_leaves_no_token(
    project: Project, raw: Raw, server: Server, unique: str, proxies: list[Proxy]
) -> None:
    secrets = log_in_everywhere(project, raw, unique, proxies[:1])
    hanging, released = threading.Event(), threading.Event()
    answers: list[Reply] = []

    def hang(asked: Asked) -> Reply | None:
        if asked.target.endswith("/login/ci"):
            answers.append(proxies[0].forward(asked))
            hanging.set()
            released.wait(60)
            return answers[0]
        return None

    proxies[0].fault = hang
    process = project.start("plan", "--all-targets", "--format", "json", env={"VAULT_ADDR": "", **secrets})
    hanging.wait(60)
    process.send_signal(signal.SIGTERM)
    waited = runs_for(process, 1.5)  # longer than it may take to hear of the signal
    released.set()
    _, err = process.communicate(timeout=60)

    assert waited
    assert process.returncode == 130, err
    assert not alive(server, json.loads(answers[0].body)["auth"]["client_token"])


def runs_for(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return True
    return False
