"""A ledger whose apply is killed at any write, and whose cluster loses its leader while the lock is held."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from tests.support import balancer, killing, servers
from tests.support import cluster as clusters
from tests.support.cli import Project
from tests.support.cluster import Cluster
from tests.support.estate import ENVIRONMENT, Estate
from tests.support.proxy import in_front_of
from tests.support.raw import Raw
from tests.support.servers import Server
from tests.support.stub import Asked, Reply, Stub

DONE, PARTIAL = 0, 4
LEDGER = "faults/ledger"
MANY = 60


# --- SIGKILL


@pytest.fixture
def estate(server: Server, raw: Raw, unique: str, tmp_path: Path) -> Iterator[Estate]:
    """An estate whose project keeps a ledger in an engine of its own."""
    raw.write(f"sys/mounts/books-{unique}", {"type": "kv", "options": {"version": "2"}})
    yield Estate(Project.new(tmp_path, server), unique)
    raw.request("DELETE", f"sys/mounts/books-{unique}")


def lay_out(estate: Estate) -> None:
    """The server and the files as before the first apply, without a ledger."""
    estate.clear()
    for name in ("head", "key", "lock", *(f"owned/{number:02x}" for number in range(64))):
        estate.raw.request("DELETE", f"books-{estate.prefix}/metadata/{LEDGER}/{name}")
    estate.lay_out()
    scope = f"prune: [sys/policies/acl/{estate.prefix}-stray]"
    settings = f"version: 1\nproject: {estate.prefix}\nledger: books-{estate.prefix}/{LEDGER}\n{scope}\n"
    estate.project.write("vaultconf.yaml", settings)


def remembered(estate: Estate) -> dict[str, tuple[bool, bool, list[str], bool]]:
    """What the ledger holds: made here, in doubt, which fingerprints, and whether each is known."""
    base = f"books-{estate.prefix}/data/{LEDGER}/owned"
    found: dict[str, Any] = {}
    for name in estate.raw.list(base.replace("/data/", "/metadata/")):
        found.update((estate.raw.read(f"{base}/{name}") or {})["data"]["objects"])
    return {
        address: (
            entry.get("owned", False),
            entry.get("pending", False),
            sorted(entry.get("fingerprints", {})),
            all(entry.get("fingerprints", {}).values()),
        )
        for address, entry in found.items()
    }


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("start", "step"), [(0, 15), (5, 15), (10, 15)])
def test_an_apply_that_was_killed_at_any_write_is_finished_by_the_next_and_so_is_its_ledger(
    estate: Estate, start: int, step: int
) -> None:
    arguments = ["-C", str(estate.project.root), *estate.arguments, "--concurrency", "1"]
    unlocking = ["-C", str(estate.project.root), "unlock", "--yes"]
    wrong: dict[int, object] = {}
    with in_front_of(estate.project.server) as proxy:
        environment = {**estate.project.access, **ENVIRONMENT, "VAULT_ADDR": proxy.served.address}
        with killing.runs(proxy, environment) as runs:
            lay_out(estate)
            assert runs.run(arguments) == DONE
            writes, whole = len(proxy.writes), remembered(estate)
            for number in range(start, writes, step):
                lay_out(estate)
                codes = runs.killed_after(number, arguments), runs.run(unlocking), runs.run(arguments)
                after = remembered(estate)
                if codes != (killing.KILLED, DONE, DONE) or estate.faults() or after != whole:
                    wrong[number] = codes, estate.faults(), set(after.items()) ^ set(whole.items())
    estate.clear()

    assert writes > 60
    assert sum(owned for owned, *_ in whole.values()) > 20
    assert wrong == {}


# --- a cluster


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    try:
        servers.find_server()
    except servers.NoServer as missing:
        pytest.skip(str(missing))
    running = clusters.start()
    yield running
    running.stop()


@dataclass(slots=True)
class Order:
    """In which order the policies' writes came, through whichever standby."""

    texts: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    reached: threading.Event = field(default_factory=threading.Event)

    def watch(self, served: Stub) -> None:
        inner = served.reply

        def reply(asked: Asked) -> Reply:
            if asked.method in {"POST", "PUT"} and "/policies/acl/" in asked.target:
                with self.lock:
                    self.texts.append(json.loads(asked.body)["policy"].strip("# \n"))
                    if len(self.texts) >= MANY // 3:
                        self.reached.set()
            return inner(asked)

        served.reply = reply


def apply_through(project: Project, address: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "vaultconf", "apply", "--yes", "--concurrency", "1"],
        cwd=project.root,
        env={"PATH": os.environ["PATH"], "HOME": str(project.root), **project.access, "VAULT_ADDR": address},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def written_in(folder: Path, server: Server, text: str) -> Project:
    folder.mkdir()
    project = Project.new(folder, server)
    project.write("vaultconf.yaml", "version: 1\nproject: p\nledger: books/ledger\n")
    listed = "".join(f"  p{number}: {{policy: '# {text}'}}\n" for number in range(MANY))
    project.write("desired-state/a.yaml", f"policies:\n{listed}")
    return project


def ended(processes: Sequence[subprocess.Popen[bytes]]) -> list[tuple[int, str]]:
    said = [process.communicate(timeout=200)[0].decode() for process in processes]
    return [(process.returncode, text) for process, text in zip(processes, said, strict=True)]


@pytest.mark.timeout(300)
def test_through_different_standbys_two_applies_never_interleave_even_if_the_leader_is_killed(
    cluster: Cluster, tmp_path: Path
) -> None:
    root = cluster.active
    root.raw().write("sys/mounts/books", {"type": "kv", "options": {"version": "2"}})
    projects = [written_in(tmp_path / text, root, text) for text in ("one", "two")]
    order = Order()
    first, second = (node.address for node in cluster.standbys)
    with balancer.by_request([first]) as left, balancer.by_request([second]) as right:
        order.watch(left)
        order.watch(right)
        cluster.wait_for_votes()
        addresses = (left.address, right.address)
        running = [apply_through(*pair) for pair in zip(projects, addresses, strict=True)]
        assert order.reached.wait(60)
        cluster.kill_active()
        results = ended(running)
    leader = cluster.wait_for_leader()
    again = replace(projects[0], server=leader).run("apply", "--yes")

    turns = [text for text, _ in groupby(order.texts)]
    assert {code for code, _ in results} <= {DONE, PARTIAL}, results
    assert sorted(turns) == ["one", "two"], results
    assert again.exit_code == DONE, again
    left_over = {(leader.raw().read(f"sys/policies/acl/p{number}") or {})["policy"].strip() for number in range(MANY)}
    assert left_over == {"# one"}
