"""The lock of the ledger: two applies never interleave, and no dead one blocks another for long."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import Project, ended
from tests.support.proxy import Proxy, in_front_of
from tests.support.raw import Raw
from tests.support.servers import Server
from tests.support.stub import Asked, Reply

MANY = 30
#: Seconds: much shorter than in real life, in the same proportion.
EXPIRY, RENEWAL, SILENCE = 3.0, 1.0, 2.0
PROGRAM = (
    "import sys; from vaultconf import lock;"
    f" lock.TIMES = lock.Times({EXPIRY}, {RENEWAL}, {SILENCE}, 0.2);"
    " from vaultconf.cli import main; sys.exit(main(sys.argv[1:]))"
)


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    with in_front_of(server) as running:
        yield running


@pytest.fixture
def kept(project: Project, raw: Raw, unique: str) -> Project:
    """A project with a ledger in a KV v2 engine of its own, and many policies."""
    raw.write(f"sys/mounts/{unique}-books", {"type": "kv", "options": {"version": "2"}})
    project.write("vaultconf.yaml", f"version: 1\nproject: p-{unique}\nledger: {unique}-books/ledger\n")
    declare(project, unique, "one")
    return project


def declare(project: Project, unique: str, text: str) -> None:
    listed = "".join(f"  {unique}-{n}: {{policy: '# {text}'}}\n" for n in range(MANY))
    project.write("desired-state/a.yaml", f"policies:\n{listed}")


def copied(project: Project, tmp_path: Path) -> Project:
    """The same project, checked out elsewhere."""
    shutil.copytree(project.root, tmp_path / "elsewhere")
    return Project(tmp_path / "elsewhere", project.server)


def started(project: Project, proxy: Proxy, *argv: str, user: str = "alice") -> subprocess.Popen[bytes]:
    """An apply as a process of its own, through the proxy, with short times."""
    whose = {"USER": user, "CI_JOB_URL": f"https://ci/{user}"}
    arguments = ("apply", "--yes", "--format", "json", "--concurrency", "2", *argv)
    return project.start(*arguments, env={**proxy.access, **whose}, program=("-c", PROGRAM))


def lock_of(raw: Raw, unique: str) -> dict[str, Any]:
    data: dict[str, Any] = (raw.read(f"{unique}-books/data/ledger/lock") or {})["data"]
    return data


def is_policy(asked: Asked) -> bool:
    return asked.method in {"POST", "PUT"} and "/policies/acl/" in asked.target


def texts(proxy: Proxy, unique: str) -> list[str]:
    """The texts of the policies that were written, in the order in which they came."""
    found = [
        json.loads(asked.body)["policy"] for asked in proxy.served.asked if is_policy(asked) and unique in asked.target
    ]
    return [re.sub(r"\W", "", text) for text in found]


class Gate:
    """Holds the policies' writes back, from the tenth on, until it is opened."""

    def __init__(self, proxy: Proxy) -> None:
        self.reached, self.opened = threading.Event(), threading.Event()
        self.seen = 0
        proxy.fault = self

    def __call__(self, asked: Asked) -> Reply | None:
        if is_policy(asked):
            self.seen += 1
            if self.seen >= 10:
                self.reached.set()
                self.opened.wait(60)
        return None


def test_two_applies_that_start_together_never_interleave_however_long_they_take(
    kept: Project, raw: Raw, unique: str, proxy: Proxy, tmp_path: Path
) -> None:
    other = copied(kept, tmp_path)
    declare(other, unique, "two")

    def slow(asked: Asked) -> Reply | None:
        if is_policy(asked):
            time.sleep(2.5 * EXPIRY / MANY)  # longer in all than a lock lives that nobody renews
        return None

    proxy.fault = slow
    processes = [started(kept, proxy, user="alice"), started(other, proxy, user="bob")]
    codes = [ended(process)[0] for process in processes]

    runs = [text for text, _ in groupby(texts(proxy, unique))]
    assert codes == [0, 0]
    assert sorted(runs) == ["one", "two"]
    last = {(raw.read(f"sys/policies/acl/{unique}-{n}") or {})["policy"].strip("# \n") for n in range(MANY)}
    assert last == {runs[-1]}
    assert lock_of(raw, unique) == {}


def test_a_second_apply_fails_at_once_and_names_who_holds_the_lock(
    kept: Project, raw: Raw, unique: str, proxy: Proxy
) -> None:
    gate = Gate(proxy)
    first = started(kept, proxy)
    gate.reached.wait(60)

    refused = kept.run("apply", "--yes", "--lock-timeout", "0")
    planned = kept.run("plan")
    gate.opened.set()
    code, _, err = ended(first)

    assert refused.exit_code == 3, refused
    assert re.search(r"locked by alice@\S+ https://ci/alice \(apply\)", refused.stderr), refused
    assert planned.exit_code == 0, planned
    assert code == 0, err


def test_one_who_waits_says_for_whom(kept: Project, unique: str, proxy: Proxy) -> None:
    gate = Gate(proxy)
    first = started(kept, proxy)
    gate.reached.wait(60)
    second = started(kept, proxy, "--lock-timeout", "60s", user="bob")
    told = second.stderr.readline().decode() if second.stderr else ""
    gate.opened.set()

    assert "waiting for the lock" in told
    assert "alice@" in told
    assert ended(first)[0] == 0
    assert ended(second)[0] == 0


def test_a_killed_holder_blocks_nobody_for_longer_than_the_expiry(
    kept: Project, raw: Raw, unique: str, proxy: Proxy
) -> None:
    gate = Gate(proxy)
    first = started(kept, proxy)
    gate.reached.wait(60)
    first.kill()
    first.wait()
    left = lock_of(raw, unique)
    proxy.fault = lambda _: None
    gate.opened.set()

    # Twice the expiry is what starting two processes on a busy machine may add.
    code, _, err = ended(started(kept, proxy, "--lock-timeout", f"{3 * EXPIRY}s", user="bob"))

    assert left["owner"].startswith("alice@")
    assert code == 0, err
    assert kept.plan()["changes"] == []
    assert lock_of(raw, unique) == {}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_holder_frees_the_lock(
    kept: Project, raw: Raw, unique: str, proxy: Proxy, number: signal.Signals
) -> None:
    gate = Gate(proxy)
    process = started(kept, proxy)
    gate.reached.wait(60)
    process.send_signal(number)
    gate.opened.set()

    code, _, err = ended(process)

    assert code == 130, err
    assert lock_of(raw, unique) == {}
    assert "Traceback" not in err


def test_an_apply_that_is_refused_frees_the_lock(kept: Project, raw: Raw, unique: str) -> None:
    kept.apply()
    kept.write("vaultconf.yaml", f"version: 1\nledger: {unique}-books/ledger\nlimits: {{changes: 1}}\n")
    declare(kept, unique, "two")

    result = kept.run("apply", "--yes")

    assert result.exit_code == 3, result
    assert lock_of(raw, unique) == {}


def test_a_holder_that_cannot_renew_writes_nothing_more(kept: Project, raw: Raw, unique: str, proxy: Proxy) -> None:
    gate = Gate(proxy)
    holding = threading.Event()

    def cut_off(asked: Asked) -> Reply | None:
        if holding.is_set() and asked.method == "POST" and asked.target.endswith("/ledger/lock"):
            return Reply(ending="close")
        return gate(asked)

    proxy.fault = cut_off
    process = started(kept, proxy)
    gate.reached.wait(60)
    holding.set()
    time.sleep(SILENCE + 2 * RENEWAL)
    sent = len(texts(proxy, unique))
    gate.opened.set()
    code, out, err = ended(process)

    assert code == 4, err
    assert len(texts(proxy, unique)) == sent
    statuses = {item["status"] for item in json.loads(out)["outcomes"]}
    assert statuses >= {"done", "skipped"}
    proxy.fault = lambda _: None
    assert ended(started(kept, proxy))[0] == 0
    assert kept.plan()["changes"] == []


def test_a_holder_whose_lock_was_taken_writes_nothing_more(kept: Project, raw: Raw, unique: str, proxy: Proxy) -> None:
    gate = Gate(proxy)
    process = started(kept, proxy)
    gate.reached.wait(60)
    raw.write(
        f"{unique}-books/data/ledger/lock", {"data": {"id": "x", "owner": "eve", "reason": "test", "since": "now"}}
    )
    time.sleep(2 * RENEWAL)
    sent = len(texts(proxy, unique))
    gate.opened.set()
    code, _, err = ended(process)

    assert code == 4, err
    assert len(texts(proxy, unique)) == sent
    assert lock_of(raw, unique)["owner"] == "eve"
