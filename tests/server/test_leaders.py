"""An apply goes on while the leader of its cluster steps down, is killed and comes back.

`make soak` does this with 2,000 objects.
"""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import OBJECTS
from tests.support import balancer, servers
from tests.support import cluster as clusters
from tests.support.cli import Project, Result
from tests.support.cluster import Cluster
from tests.support.raw import Raw
from tests.support.stub import Asked, Reply, Stub

DONE, PARTIAL = 0, 4
SECONDS = 240


@pytest.fixture
def cluster(pytestconfig: pytest.Config) -> Iterator[list[Cluster]]:
    """The cluster, in a list: a test that revives a node puts the new one there."""
    try:
        servers.find_server()
    except servers.NoServer as missing:
        pytest.skip(str(missing))
    running = [clusters.start()]
    yield running
    running[0].stop()


@dataclass(slots=True)
class Watched:
    """What is in front of the cluster; tells when so many writes have come, and counts the answers."""

    served: Stub
    marks: dict[int, threading.Event]
    answers: Counter[str] = field(default_factory=Counter)
    writes: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        inner = self.served.reply

        def reply(asked: Asked) -> Reply:
            answer = inner(asked)
            with self.lock:
                self.answers[_sort(asked, answer)] += 1
                self.writes += asked.method in {"POST", "PUT"} and answer.status < 300
                for number, event in self.marks.items():
                    if self.writes >= number:
                        event.set()
            return answer

        self.served.reply = reply


def _sort(asked: Asked, answer: Reply) -> str:
    method = "read" if asked.method in {"GET", "LIST"} else "write"
    text = answer.body.decode(errors="replace").strip()[:120] if answer.status >= 500 else ""
    return f"{method} {answer.status} {text}".strip()


def declare(project: Project, many: int) -> int:
    """Objects of the kinds that could get lost or doubled; return how many."""
    entities, roles = many // 10, many // 3
    mounts = 8
    policies = many - 2 * entities - roles - mounts - 2
    lines = ["policies:", *(f"  p{n}: {{policy: '# {n}'}}" for n in range(policies))]
    lines += ["secrets:", *(f"  kv{n}: {{type: kv, options: {{version: '1'}}}}" for n in range(mounts))]
    lines += ["auth:", "  users: {type: userpass}", "  roles:", "    type: approle", "    roles:"]
    lines += [f"      r{n}: {{token_policies: [p{n}]}}" for n in range(roles)]
    lines += ["identity:", "  entities:"]
    lines += [f"    e{n}: {{policies: [p{n}], aliases: [{{mount: users, name: a{n}}}]}}" for n in range(entities)]
    lines += ["  groups:"]
    lines += [f"    g{n}: {{type: external, alias: {{mount: users, name: t{n}}}}}" for n in range(entities)]
    file = project.root / "desired-state" / "a.yaml"
    file.parent.mkdir()
    file.write_text("\n".join(lines) + "\n")
    return many


def doubled(raw: Raw, many: int) -> list[str]:
    """What is there twice, or more than was declared."""
    entities = many // 10
    wanted = {
        "identity/entity/id": entities,
        "identity/entity-alias/id": entities,
        "identity/group/id": entities,
        "identity/group-alias/id": entities,
        "auth/roles/role": many // 3,
    }
    counted = {path: len(raw.list(path)) for path in wanted}
    mounts = [name for name in raw.read("sys/mounts") or {} if name.startswith("kv")]
    return [f"{path}: {n}" for path, n in counted.items() if n != wanted[path]] + ["mounts"] * (len(mounts) != 8)


def not_true(result: Result, plan: dict[str, Any]) -> list[str]:
    """In what an outcome is not true of the server, as a plan that goes straight to the active node sees it."""
    if result.exit_code not in {DONE, PARTIAL}:
        return [str(result)[:3000]]
    left = {item["address"] for item in (*plan["changes"], *plan["blocked"])}
    done = {item["address"] for item in result.plan["outcomes"] if item["status"] == "done"}
    named = {item["address"] for item in (*result.plan["outcomes"], *result.plan["errors"])}
    faults = [f"{address} is called done, and differs" for address in done & left]
    faults += [f"{address} differs, and nobody said so" for address in left - named]
    return faults + ["the exit code is wrong"] * ((result.exit_code == DONE) != (named == done))


@pytest.mark.timeout(900)
@pytest.mark.parametrize("way", ["balancer", "standby"])
def test_an_apply_survives_a_leader_that_steps_down_and_one_that_is_killed_and_comes_back(
    cluster: list[Cluster], tmp_path: Path, way: str, pytestconfig: pytest.Config
) -> None:
    nodes = [node.address for node in cluster[0].nodes]
    through = nodes if way == "balancer" else [cluster[0].standbys[0].address]
    project = Project.new(tmp_path, cluster[0].nodes[0])
    many = declare(project, pytestconfig.getoption(OBJECTS))
    with balancer.by_request(through) as served:
        watched = Watched(served, {many // 4: threading.Event(), many // 2: threading.Event()})
        process = project.start("apply", "--yes", "--format", "json", env={"VAULT_ADDR": served.address})
        first, second = watched.marks.values()
        assert first.wait(SECONDS), process.communicate()
        cluster[0].step_down()
        assert second.wait(SECONDS), process.communicate()
        cluster[0].wait_for_leader()
        dead = cluster[0].kill_active()
        cluster[0].wait_for_leader()
        cluster[0] = cluster[0].revived(dead)
        out, err = process.communicate(timeout=SECONDS)
    result = Result(process.returncode, out.decode(), err.decode())
    straight = replace(project, server=cluster[0].wait_for_leader())
    plan = straight.run("plan", "--format", "json").plan

    sys.stdout.write(f"\n{way}: exit {result.exit_code}, {result.plan.get('summary')}, {dict(watched.answers)}\n")
    assert not_true(result, plan) == []
    assert straight.run("apply", "--yes").exit_code == DONE
    assert straight.plan()["changes"] == []
    assert doubled(straight.server.raw(), many) == []
