"""`python -m tests.bench`, or `make bench`: build servers, measure, print a table with budgets. Always exits 0.

`BENCH_OBJECTS` (10000) is how many objects there are, `BENCH_ROUNDS` (5) how often a figure is taken.
`VAULTCONF_TEST_SERVER` names another server, as for the tests.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.bench import company, measure, project, relay
from tests.bench.measure import BenchFailed
from tests.bench.table import Row, lines, spread
from tests.support.process import StartFailed
from tests.support.servers import NoServer, Server, start_dev

OBJECTS = int(os.environ.get("BENCH_OBJECTS", "10000"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
#: What the budgets are for; of fewer objects start-up is the larger part, and ratios are not judged.
FULL, FAR_FULL = 10_000, 2_000
FAR_OBJECTS = min(OBJECTS, FAR_FULL)
ROUND_TRIP = 0.020
#: Of the time that wrk needs for as many GETs: OpenBao has a bulk list of policies, Vault has none.
TIMES_WRK = {"openbao": 1.5, "vault": 2.2}
MEGABYTE = 1024 * 1024
NO_WRK = "no wrk on PATH (Debian: apt-get install wrk): not measured"


def main() -> None:
    """Measure everything and print it, a part at a time."""
    note = f"{OBJECTS} objects, {ROUNDS} rounds, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    say(f"{note}; a median (least–most) of all rounds\n")
    rows: list[Row] = []
    for part in (start_up, offline, near, over_tls, far_away, real_size):
        try:
            for row in part():
                rows.append(row)
                say(f"{row.what}: {row.measured} {row.verdict}".rstrip())
        except (BenchFailed, NoServer, StartFailed, OSError, subprocess.SubprocessError) as failed:
            rows.append(Row(part.__name__.replace("_", " "), "failed: see above"))
            say(f"{part.__name__} failed: {failed}")
    say("\n" + "\n".join(lines(rows)))


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def start_up() -> Iterator[Row]:
    """`--version` beside an interpreter that does nothing."""
    with tempfile.TemporaryDirectory(prefix="vaultconf-bench-") as folder:
        root = Path(folder) / "empty"
        root.mkdir()
        bare = [sys.executable, "-c", "pass"]
        environment = {"PATH": os.environ["PATH"]}
        ratios = []
        for _ in range(4 * ROUNDS):
            least = measure.run(bare, cwd=root, env=environment).seconds
            ratios.append(measure.vaultconf("--version", root=root, env={}).seconds / least)
    yield Row("--version ÷ `python -c pass`", spread(ratios), statistics.median(ratios), 12, "≤ 12")


def offline() -> Iterator[Row]:
    """`validate`, which needs no server."""
    with tempfile.TemporaryDirectory(prefix="vaultconf-bench-") as folder:
        root = project.write(Path(folder) / "project", OBJECTS)
        runs = [measure.vaultconf("validate", root=root, env={}) for _ in range(ROUNDS)]
    seconds = [run.seconds for run in runs]
    yield Row("validate", spread(seconds, " s"), statistics.median(seconds), 4, "< 4 s")
    yield Row("validate, CPU", spread([run.cpu for run in runs], " s"))


def near() -> Iterator[Row]:
    """A server on this machine."""
    yield from _on_server("", start_dev())


def over_tls() -> Iterator[Row]:
    """The same over TLS."""
    yield from _on_server(", TLS", start_dev(tls=True))


def _on_server(name: str, server: Server) -> Iterator[Row]:
    """Everything that is measured on a server with all objects; the server ends with it."""
    with tempfile.TemporaryDirectory(prefix="vaultconf-bench-") as folder:
        try:
            root = project.write(Path(folder) / "project", OBJECTS)
            access = _access(server, server.address)
            first = measure.vaultconf("apply", "--yes", root=root, env=access)
            yield Row(f"first apply of {OBJECTS}{name}", f"{first.seconds:.1f} s")
            yield from _plans(name, server, root, access)
            if not server.ca_file:
                yield _requests(server, root)
                yield from _neighbour(server, root, access)
                yield from _from_afar(server, root, OBJECTS)
        finally:
            server.stop()


def _plans(name: str, server: Server, root: Path, access: Mapping[str, str]) -> Iterator[Row]:
    """`plan` and wrk in turn, so that both meet the same noise."""
    runs, gets, works = [], [], []
    for _ in range(ROUNDS):
        began = measure.cpu_of(server)
        if measure.has_wrk():
            done = measure.wrk(server.address, server.token, project.paths(OBJECTS), root.parent)
            gets.append(OBJECTS / done.rate)
        between = measure.cpu_of(server)
        runs.append(_unchanged(root, access))
        ended = measure.cpu_of(server)
        if gets and began is not None and between is not None and ended is not None:
            theirs = (between - began + done.cpu) * OBJECTS / done.number
            works.append((ended - between + runs[-1].cpu) / theirs)
    label = f"plan on {server.product} {server.version}{name}"
    yield Row(label, spread([run.seconds for run in runs], " s"))
    yield Row(f"{label}, CPU of ours", spread([run.cpu for run in runs], " s"))
    memory = max(run.memory for run in runs) / MEGABYTE
    yield Row(f"{label}, most memory", f"{memory:.0f} MB", memory, 400, "< 400 MB")
    if not gets:
        yield Row(f"{label} ÷ wrk", NO_WRK)
        return
    yield Row(f"wrk{name}, {OBJECTS} GETs", spread(gets, " s"))
    ratios = [run.seconds / seconds for run, seconds in zip(runs, gets, strict=True)]
    limit = TIMES_WRK[server.product]
    judged = limit if OBJECTS >= FULL else None
    yield Row(f"{label} ÷ wrk", spread(ratios), statistics.median(ratios), judged, f"≤ {limit} of {FULL}")
    if works:
        yield Row(f"{label} ÷ wrk, CPU of client and server", spread(works))


def _requests(server: Server, root: Path) -> Row:
    """How many requests a plan sends, counted on their way."""
    with relay.in_front_of(server.address, round_trip=0) as counted:
        _unchanged(root, _access(server, counted.address))
        return Row("plan, requests sent", str(counted.requests()))


def _neighbour(server: Server, root: Path, access: Mapping[str, str]) -> Iterator[Row]:
    """What another client of the server feels while `plan` runs; and, to compare, while wrk does."""
    path = next(project.paths(OBJECTS))
    with measure.neighbour(server, path) as alone:
        time.sleep(ROUNDS)
    with measure.neighbour(server, path) as beside_plan:
        for _ in range(ROUNDS):
            _unchanged(root, access)
    yield Row("a neighbour's p99, alone", f"{measure.p99(alone) * 1000:.1f} ms")
    yield Row("a neighbour's p99, beside plan", f"{measure.p99(beside_plan) * 1000:.1f} ms")
    if measure.has_wrk():
        with measure.neighbour(server, path) as beside_wrk:
            measure.wrk(server.address, server.token, project.paths(OBJECTS), root.parent)
        yield Row("a neighbour's p99, beside wrk", f"{measure.p99(beside_wrk) * 1000:.1f} ms")


def far_away() -> Iterator[Row]:
    """A server with fewer objects, a round trip of 20 ms away: there start-up is the larger part."""
    server = start_dev()
    with tempfile.TemporaryDirectory(prefix="vaultconf-bench-") as folder:
        try:
            root = project.write(Path(folder) / "project", FAR_OBJECTS)
            measure.vaultconf("apply", "--yes", root=root, env=_access(server, server.address))
            yield from _from_afar(server, root, FAR_OBJECTS)
        finally:
            server.stop()


def real_size() -> Iterator[Row]:
    """A company as there are: many mounts, templates, three environments."""
    yield from company.rows(min(ROUNDS, 3))


def _from_afar(server: Server, root: Path, objects: int) -> Iterator[Row]:
    """`plan` of so many objects over a round trip of 20 ms, and what wrk gets through the same relay."""
    limit = 2 * objects * ROUND_TRIP / measure.CONNECTIONS
    with relay.in_front_of(server.address, round_trip=ROUND_TRIP) as distant:
        if measure.has_wrk():
            rate = measure.wrk(distant.address, server.token, project.paths(objects), root.parent).rate
            most = measure.CONNECTIONS / ROUND_TRIP
            yield Row("the relay's ceiling (wrk, 64 connections)", f"{rate:.0f}/s of {most:.0f}/s")
        access = _access(server, distant.address)
        seconds = [_unchanged(root, access).seconds for _ in range(ROUNDS)]
    judged = limit if objects in {FULL, FAR_FULL} else None
    yield Row(
        f"plan of {objects}, 20 ms away", spread(seconds, " s"), statistics.median(seconds), judged, f"≤ {limit:.2f} s"
    )


def _unchanged(root: Path, access: Mapping[str, str]) -> measure.Run:
    """A plan that finds nothing to change. Raises BenchFailed where it finds anything."""
    return measure.vaultconf("plan", "--detailed-exitcode", root=root, env=access)


def _access(server: Server, address: str) -> dict[str, str]:
    trust = {"VAULT_CACERT": str(server.ca_file)} if server.ca_file else {}
    return {"VAULT_ADDR": address, "VAULT_TOKEN": server.token, **trust}


if __name__ == "__main__":
    main()
