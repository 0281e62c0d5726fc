"""What goes wrong between the tool and the server: nothing is lost, nothing doubled, nothing taken for absent.

An apply ends with 0, or with a 4 that is right: what it calls done is there as declared, what is not done is named,
and a further apply brings the rest.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import faulty, killing, servers
from tests.support.cli import Project, Result
from tests.support.estate import ENVIRONMENT, Estate
from tests.support.proxy import Proxy, in_front_of
from tests.support.raw import Raw
from tests.support.servers import Server
from tests.support.stub import Asked, Reply

DONE, PARTIAL = 0, 4
READS = frozenset({"GET", "LIST"})


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    with in_front_of(server) as running:
        yield running


@pytest.fixture(scope="module")
def own_server() -> Iterator[Server]:
    """A server of this module's own, which can be sealed and slowed down."""
    running = servers.start_configured()
    yield running
    running.stop()


@pytest.fixture
def new_estate(server: Server, tmp_path: Path) -> Iterator[Callable[[str], Estate]]:
    """Makes estates on the session's server."""
    made: list[Estate] = []

    def new(prefix: str) -> Estate:
        folder = tmp_path / prefix
        folder.mkdir()
        made.append(Estate(Project.new(folder, server), prefix))
        made[-1].lay_out()
        return made[-1]

    yield new
    for estate in made:
        estate.clear()


def outcomes(result: Result, status: str) -> set[str]:
    return {item["address"] for item in result.plan["outcomes"] if item["status"] == status}


def differing(project: Project, **environment: str) -> set[str]:
    """What a plan over a sound network finds to do."""
    plan = project.run("plan", "--format", "json", env=environment).plan
    assert plan["errors"] == []
    return {item["address"] for item in (*plan["changes"], *plan["blocked"])}


def wrong(project: Project, result: Result, **environment: str) -> list[str]:
    """In what an outcome is not true of the server."""
    if result.exit_code not in {DONE, PARTIAL}:
        return [str(result)]
    left = differing(project, **environment)
    named = {item["address"]: item for item in result.plan["outcomes"]} | {
        item["address"]: item for item in result.plan["errors"]
    }
    done = outcomes(result, "done")
    faults = [f"{address} is called done, and differs" for address in done & left]
    faults += [f"{address} differs, and nobody said so" for address in left - named.keys()]
    faults += [f"{address} ended without a reason" for address in named.keys() - done if not _why(named[address])]
    if (result.exit_code == DONE) != (named.keys() == done):
        faults.append(f"exit {result.exit_code} with {sorted(named.keys() - done)} not done")
    return faults


def _why(item: dict[str, Any]) -> str:
    return str(item.get("reason") or item.get("message") or "")


# --- SIGKILL


def _killed_and_mended(estate: Estate, runs: killing.Runs, writes: int, concurrency: str) -> tuple[int, int, list[str]]:
    arguments = ["-C", str(estate.project.root), *estate.arguments, "--concurrency", concurrency]
    first = runs.killed_after(writes, arguments)
    second = runs.run(arguments)
    faults = estate.faults()
    estate.clear()
    return first, second, faults


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("concurrency", "start", "step"), [("1", 0, 3), ("1", 1, 3), ("1", 2, 3), ("16", 3, 6)])
def test_an_apply_that_was_killed_at_any_write_is_finished_by_the_next(
    server: Server, proxy: Proxy, new_estate: Callable[[str], Estate], concurrency: str, start: int, step: int
) -> None:
    """Killed when the server has carried out the write of that number: what the next one meets is the same, whether
    the answer to that was on its way or the write after it about to leave."""
    whole = new_estate("w")
    environment = {**whole.project.access, **ENVIRONMENT, "VAULT_ADDR": proxy.served.address}
    with killing.runs(proxy, environment) as runs:
        assert runs.run(["-C", str(whole.project.root), *whole.arguments]) == DONE
        writes = len(proxy.writes)
        whole.clear()

        ended = {n: _killed_and_mended(new_estate(f"k{n}"), runs, n, concurrency) for n in range(start, writes, step)}

    assert writes > 30
    assert ended == dict.fromkeys(ended, (killing.KILLED, DONE, []))


# --- a network that breaks requests


@pytest.mark.parametrize(("percent", "seed", "more"), [(1, "a", 300), (20, "a", 0), (20, "b", 0), (20, "c", 0)])
def test_an_apply_over_a_network_that_breaks_requests_at_random_does_each_thing_once(
    server: Server, new_estate: Callable[[str], Estate], percent: int, seed: str, more: int
) -> None:
    estate = new_estate(f"net{percent}{seed}")
    estate.widen(more)
    lies: list[str] = []
    with faulty.in_front_of(server, percent / 100, seed) as network:
        for _ in range(5):
            result = estate.apply(**network.access)
            lies += wrong(estate.project, result, **ENVIRONMENT)
            if result.exit_code == DONE:
                break

    assert lies == []
    assert result.exit_code == DONE, result
    assert estate.faults() == []
    assert {network.carried_out("POST", f"sys/mounts/{estate.prefix}-{name}") for name in ("kv", "db")} == {1}
    assert sum(network.broken.values()) >= 3


def test_no_plan_over_such_a_network_takes_anything_for_absent(
    server: Server, new_estate: Callable[[str], Estate]
) -> None:
    estate = new_estate("seen")
    assert estate.apply().exit_code == DONE

    with faulty.in_front_of(server, 0.2, "seen") as network:
        plans = [
            estate.project.run("plan", "--format", "json", env={**ENVIRONMENT, **network.access}) for _ in range(8)
        ]

    assert [plan.plan["changes"] for plan in plans] == [[]] * 8
    assert {plan.exit_code for plan in plans} <= {0, 1}
    assert sum(network.broken.values()) >= 20


CLOSED, CUT = Reply(ending="close"), Reply(200, b'{"data": {}}', ending="cut")


@pytest.mark.parametrize(
    ("reply", "arrives"),
    [
        (CLOSED, True),
        (CUT, True),
        (Reply(502, b"bad gateway"), True),
        (Reply(503, b"<html>"), True),
        (CLOSED, False),
        (Reply(503, b"<html>"), False),
        (Reply(429), False),
    ],
    ids=lambda value: f"{value.status}{value.ending}" if isinstance(value, Reply) else "done" if value else "not-done",
)
def test_every_write_whose_first_answer_got_lost_is_done_and_done_once(
    proxy: Proxy, new_estate: Callable[[str], Estate], unique: str, reply: Reply, *, arrives: bool
) -> None:
    estate, lost = new_estate(unique), set[tuple[str, str]]()

    def lose(asked: Asked) -> Reply | None:
        place = (asked.method, asked.target)
        if asked.method in READS or place in lost:
            return None
        lost.add(place)
        if arrives:
            proxy.forward(asked)
        return reply

    proxy.fault = lose

    result = estate.apply(VAULT_ADDR=proxy.served.address)

    assert (result.exit_code, estate.faults()) == (DONE, []), result
    assert len(lost) > 25


def test_a_mount_whose_making_arrives_after_we_gave_up_on_it_is_made_once(
    project: Project, raw: Raw, unique: str, proxy: Proxy
) -> None:
    project.write("desired-state/a.yaml", f"secrets: {{{unique}: {{type: kv, description: ours}}}}\n")
    late: list[Asked] = []
    answers: list[int] = []

    def delay(asked: Asked) -> Reply | None:
        if (asked.method, asked.target) != ("POST", f"/v1/sys/mounts/{unique}"):
            return None
        late.append(asked)
        if len(late) == 1:
            return CLOSED
        answers.extend(proxy.forward(one).status for one in late)
        return Reply(answers[-1], b'{"errors": ["path is already in use"]}')

    proxy.fault = delay

    result = project.run("apply", "--yes", env={"VAULT_ADDR": proxy.served.address})

    assert answers == [204, 400]
    assert result.exit_code == DONE, result
    assert (raw.read(f"sys/mounts/{unique}") or {})["description"] == "ours"


# --- what the server itself does


def policies(project: Project, prefix: str, many: int) -> set[str]:
    """Declare a mount and so many policies; return all addresses."""
    lines = "".join(f"  {prefix}-{number}: {{policy: '# {number}'}}\n" for number in range(many))
    project.write("desired-state/a.yaml", f"policies:\n{lines}secrets: {{{prefix}: {{type: kv}}}}\n")
    return {f"sys/policies/acl/{prefix}-{number}" for number in range(many)} | {f"sys/mounts/{prefix}"}


def at_write(proxy: Proxy, number: int, act: Callable[[], object]) -> None:
    """Do something once, before the write of this number is passed on."""
    writes = iter(range(10**9))

    def fault(asked: Asked) -> None:
        if asked.method not in READS and next(writes) == number:
            act()

    proxy.fault = fault


def test_a_rate_limit_quota_slows_an_apply_down_and_fails_nothing(
    own_server: Server, tmp_path: Path, unique: str
) -> None:
    project, raw = Project.new(tmp_path, own_server), own_server.raw()
    policies(project, unique, 20)
    statuses: list[int] = []
    raw.write(f"sys/quotas/rate-limit/{unique}", {"rate": 10, "path": ""})

    with in_front_of(own_server) as proxy:
        inner = proxy.served.reply

        def reply(asked: Asked) -> Reply:
            answer = inner(asked)
            statuses.append(answer.status)
            return answer

        proxy.served.reply = reply
        result = project.run("apply", "--yes", env={"VAULT_ADDR": proxy.served.address})
    while raw.request("DELETE", f"sys/quotas/rate-limit/{unique}")[0] != 204:
        time.sleep(0.1)

    assert result.exit_code == DONE, result
    assert differing(project) == set()
    assert 429 in statuses


def unsealed(server: Server) -> None:
    server.raw().request("POST", "sys/unseal", {"key": server.unseal_key})
    while server.raw().request("GET", "sys/health")[0] != 200:
        time.sleep(0.05)


def test_a_server_that_is_sealed_half_way_leaves_a_4_that_names_what_is_not_done(
    own_server: Server, tmp_path: Path, unique: str
) -> None:
    project = Project.new(tmp_path, own_server)
    addresses = policies(project, unique, 30)
    with in_front_of(own_server) as proxy:
        at_write(proxy, 12, lambda: own_server.raw().request("PUT", "sys/seal"))
        access = {"VAULT_ADDR": proxy.served.address, "VAULT_MAX_RETRIES": "1"}
        result = project.run("apply", "--yes", "--format", "json", env=access)
    unsealed(own_server)

    assert result.exit_code == PARTIAL, result
    assert wrong(project, result) == []
    assert {item["address"] for item in result.plan["outcomes"]} == addresses
    assert outcomes(result, "failed") | outcomes(result, "unknown")
    assert project.run("apply", "--yes").exit_code == DONE
    assert differing(project) == set()


def test_a_server_that_is_unsealed_again_meanwhile_gets_everything_in_one_apply(
    own_server: Server, tmp_path: Path, unique: str
) -> None:
    """Sealed just before a mount is made, which is not sent again blindly."""
    project = Project.new(tmp_path, own_server)
    policies(project, unique, 30)
    with in_front_of(own_server) as proxy:
        mounts, refused = iter(range(10**9)), iter(range(10**9))

        def fault(asked: Asked) -> Reply | None:
            if (asked.method, asked.target) == ("POST", f"/v1/sys/mounts/{unique}") and next(mounts) == 0:
                own_server.raw().request("PUT", "sys/seal")
            answer = proxy.forward(asked)
            if answer.status == 503 and next(refused) == 6:
                unsealed(own_server)
            return answer

        proxy.fault = fault
        result = project.run("apply", "--yes", "--concurrency", "1", env={"VAULT_ADDR": proxy.served.address})

    assert next(refused) > 6
    assert result.exit_code == DONE, result
    assert differing(project) == set()


# --- what the token may do


def test_a_token_that_expires_half_way_leaves_a_4_that_names_what_is_not_done(
    project: Project, raw: Raw, unique: str, proxy: Proxy
) -> None:
    addresses = policies(project, unique, 30)
    token = raw.write("auth/token/create", {"policies": ["root"], "ttl": "1h"})["auth"]["client_token"]

    def expire() -> None:
        raw.write("auth/token/renew", {"token": token, "increment": "1s"})
        while raw.request("POST", "auth/token/lookup", {"token": token})[0] == 200:
            time.sleep(0.05)

    at_write(proxy, 12, expire)
    result = project.run("apply", "--yes", "--format", "json", env={**proxy.access, "VAULT_TOKEN": token})

    assert result.exit_code == PARTIAL, result
    assert wrong(project, result) == []
    assert {item["address"] for item in result.plan["outcomes"]} == addresses
    assert outcomes(result, "done")
    refused = [item["reason"] for item in result.plan["outcomes"] if item["status"] == "failed"]
    assert [reason for reason in refused if not ("403" in reason and "permission denied" in reason)] == []
    assert project.run("apply", "--yes").exit_code == DONE
    assert differing(project) == set()


def test_a_token_that_may_read_everything_and_write_some_writes_that(
    new_estate: Callable[[str], Estate], raw: Raw, unique: str
) -> None:
    estate = new_estate(unique)
    everything = '["create", "read", "update", "delete", "list", "sudo"]'
    raw.write(
        f"sys/policies/acl/x{unique}",
        {
            "policy": f"""
            path "*" {{ capabilities = {everything} }}
            path "sys/policies/acl/{unique}-b" {{ capabilities = ["read"] }}
            path "sys/mounts/{unique}-db" {{ capabilities = ["read"] }}
            path "auth/{unique}-ar/role/*" {{ capabilities = ["read", "list"] }}
            """
        },
    )
    token = raw.write("auth/token/create", {"policies": [f"x{unique}"]})["auth"]["client_token"]

    result = estate.apply(VAULT_TOKEN=token)
    raw.delete(f"sys/policies/acl/x{unique}")

    assert result.exit_code == PARTIAL, result
    assert outcomes(result, "failed") == {
        f"sys/policies/acl/{unique}-b",
        f"sys/mounts/{unique}-db",
        f"auth/{unique}-ar/role/one",
    }
    assert outcomes(result, "skipped") == {
        f"auth/{unique}-ar/role/two",
        f"identity/group/name/{unique}-in",
        f"{unique}-db/config/c",
        f"{unique}-db/roles/r",
    }
    assert wrong(estate.project, result, **ENVIRONMENT) == []
    assert (estate.apply().exit_code, estate.faults()) == (DONE, [])
