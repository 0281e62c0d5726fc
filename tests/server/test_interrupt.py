"""Ctrl-C and SIGTERM: what is under way is finished, nothing more begins, and it is said what was done."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.cli import Project, ended
from tests.support.proxy import Proxy, in_front_of
from tests.support.raw import Raw
from tests.support.servers import Server
from tests.support.stub import Asked, Reply

MANY = 120


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    with in_front_of(server) as running:
        yield running


def declare(project: Project, unique: str) -> None:
    """Many policies, and a role for each in a mount."""
    policies = "".join(f"  {unique}-{n}: {{policy: '# {n}'}}\n" for n in range(MANY))
    roles = "".join(f"      r{n}: {{token_policies: [{unique}-{n}]}}\n" for n in range(MANY))
    text = f"policies:\n{policies}auth:\n  {unique}:\n    type: approle\n    roles:\n{roles}"
    file = project.root / "desired-state" / "a.yaml"
    file.parent.mkdir()
    file.write_text(text)


def started(project: Project, proxy: Proxy, *argv: str) -> subprocess.Popen[bytes]:
    """The command as a process of its own, through the proxy, four requests at a time."""
    return project.start(*argv, "--concurrency", "4", env=proxy.access)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_apply_finishes_what_is_under_way_and_a_second_one_the_rest(
    project: Project, raw: Raw, unique: str, proxy: Proxy, number: signal.Signals
) -> None:
    declare(project, unique)
    reached = threading.Event()

    def slow(asked: Asked) -> Reply | None:
        if asked.method == "POST" and "/policies/" in asked.target:
            if len(proxy.writes) > 30:
                reached.set()
            time.sleep(0.02)
        return None

    proxy.fault = slow
    process = started(project, proxy, "apply", "--yes", "--format", "json")
    reached.wait(60)
    process.send_signal(number)
    code, out, err = ended(process)
    outcome: dict[str, Any] = json.loads(out)

    done = {item["address"] for item in outcome["outcomes"] if item["status"] == "done"}
    skipped = {item["address"] for item in outcome["outcomes"] if item["status"] == "skipped"}
    assert code == 130, err
    assert len(outcome["outcomes"]) == 2 * MANY + 1
    assert done
    assert skipped
    assert done | skipped == {item["address"] for item in outcome["outcomes"]}
    assert {item["reason"] for item in outcome["outcomes"] if item["status"] == "skipped"} == {
        "interrupted before it began"
    }
    there = {f"sys/policies/acl/{name}" for name in raw.list("sys/policies/acl") if name.startswith(unique)}
    assert there == {address for address in done if address.startswith("sys/policies/")}
    assert "Traceback" not in err

    second = project.apply()

    assert {item["address"] for item in second["outcomes"]} == skipped
    assert project.plan()["changes"] == []


def test_a_second_interrupt_ends_an_apply_at_once(project: Project, unique: str, proxy: Proxy) -> None:
    declare(project, unique)
    hanging, released = threading.Event(), threading.Event()

    def hang(asked: Asked) -> Reply | None:
        if asked.method == "POST" and "/policies/" in asked.target:
            hanging.set()
            released.wait(60)
        return None

    proxy.fault = hang
    process = started(project, proxy, "apply", "--yes")
    hanging.wait(60)
    process.send_signal(signal.SIGINT)
    still_runs = _runs_for(process, 0.5)
    process.send_signal(signal.SIGINT)
    code, _, err = ended(process)
    released.set()

    assert still_runs
    assert code == 130, err
    assert "Traceback" not in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("command", ["plan", "drift", "apply"])
def test_an_interrupt_while_reading_ends_with_130_and_complete_json(
    project: Project, unique: str, proxy: Proxy, command: str, number: signal.Signals
) -> None:
    declare(project, unique)
    hanging, released = threading.Event(), threading.Event()

    def hang(asked: Asked) -> Reply | None:
        if asked.target.startswith("/v1/sys/mounts"):
            hanging.set()
            released.wait(60)
        return None

    proxy.fault = hang
    more = ["--yes"] if command == "apply" else []
    process = started(project, proxy, command, "--format", "json", *more)
    hanging.wait(60)
    process.send_signal(number)
    code, out, err = ended(process)
    released.set()

    assert code == 130, err
    assert "interrupted" in json.loads(out)["errors"][0]["message"]
    assert "Traceback" not in err
    assert proxy.writes == []


def _runs_for(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return True
    return False
