"""What a command, wrk and a neighbour need, by the clock."""

from __future__ import annotations

import http.client
import os
import re
import resource
import shutil
import ssl
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.process import Daemon
from tests.support.servers import Server

#: What ru_maxrss counts in: KiB, but bytes on a Mac.
RSS_UNIT = 1 if sys.platform == "darwin" else 1024
WRK_SECONDS = 2
CONNECTIONS = 64
#: How often the neighbour reads, in seconds: seldom enough to be no load of its own.
NEIGHBOUR_PAUSE = 0.004

_RATE = re.compile(r"Requests/sec:\s+([\d.]+)")
_NUMBER = re.compile(r"(\d+) requests in")
_TROUBLE = re.compile(r"^\s*(?:Non-2xx|Socket errors).*$", re.MULTILINE)
_SCRIPT = """
local paths, at = {}, 0
for line in io.lines("%s") do paths[#paths + 1] = line end
function init(args) math.randomseed(os.time()); at = math.random(#paths) end
wrk.headers["X-Vault-Token"] = "%s"
wrk.headers["X-Vault-Request"] = "true"
function request() at = at %% #paths + 1; return wrk.format("GET", paths[at]) end
"""


class BenchFailed(Exception):  # noqa: N818 - reads as a sentence where it is caught
    """A measured command did not do what it was started for; a figure of it would mean nothing."""


@dataclass(frozen=True, slots=True)
class Run:
    """One process from start to end: seconds by the clock, seconds of CPU, most bytes of memory."""

    seconds: float
    cpu: float
    memory: int


def run(command: Sequence[str | Path], *, cwd: Path, env: Mapping[str, str]) -> Run:
    """Run a command to its end. Raises BenchFailed, with its output, where it does not exit 0."""
    with (cwd.parent / "output").open("w+b") as output:
        began = time.perf_counter()
        process = subprocess.Popen(list(map(str, command)), cwd=cwd, env=dict(env), stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            raise BenchFailed(f"{command} exits {process.returncode}: {output.read().decode(errors='replace')[-2000:]}")
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * RSS_UNIT)


def vaultconf(*arguments: str, root: Path, env: Mapping[str, str]) -> Run:
    """Run `python -m vaultconf` in a project, with PATH and `env` alone."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(root.parent), **env}
    return run([sys.executable, "-m", "vaultconf", *arguments], cwd=root, env=environment)


def has_wrk() -> bool:
    return shutil.which("wrk") is not None


@dataclass(frozen=True, slots=True)
class Gets:
    """What wrk did: GETs a second, how many there were, and its own seconds of CPU."""

    rate: float
    number: int
    cpu: float


def wrk(address: str, token: str, paths: Iterable[str], folder: Path) -> Gets:
    """Read these paths over and over with 64 connections.

    Raises BenchFailed where any answer is not 2xx.
    """
    (folder / "paths").write_text("".join(f"/v1/{path}\n" for path in paths))
    script = folder / "wrk.lua"  # holds the token: what is on the command line is in the process list
    script.write_text(_SCRIPT % (folder / "paths", token))
    command = ["wrk", "-t2", f"-c{CONNECTIONS}", f"-d{WRK_SECONDS}s", "-s", str(script), address]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    rate, number, trouble = _RATE.search(output), _NUMBER.search(output), _TROUBLE.search(output)
    if rate is None or number is None or trouble is not None:
        raise BenchFailed(f"wrk: {output}")
    return Gets(float(rate[1]), int(number[1]), after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def cpu_of(server: Server) -> float | None:
    """The seconds of CPU that a server has taken so far; None where nobody tells (no /proc, a container)."""
    if not isinstance(server.process, Daemon):
        return None
    try:
        told = Path(f"/proc/{server.process.process.pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


class Neighbour:
    """Another client: reads one object again and again, and notes the seconds that each read takes."""

    def __init__(self, server: Server, path: str) -> None:
        self.server, self.path = server, path
        self.latencies: list[float] = []
        self._end = threading.Event()

    def read_on(self) -> None:
        connection = self._connection()
        while not self._end.is_set():
            began = time.perf_counter()
            connection.request("GET", f"/v1/{self.path}", headers={"X-Vault-Token": self.server.token})
            connection.getresponse().read()
            self.latencies.append(time.perf_counter() - began)
            self._end.wait(NEIGHBOUR_PAUSE)
        connection.close()

    def stop(self) -> None:
        self._end.set()

    def _connection(self) -> http.client.HTTPConnection:
        url = urlsplit(self.server.address)
        host = url.hostname or ""
        if url.scheme == "http":
            return http.client.HTTPConnection(host, url.port)
        trust = ssl.create_default_context(cafile=self.server.ca_file)
        return http.client.HTTPSConnection(host, url.port, context=trust)


@contextmanager
def neighbour(server: Server, path: str) -> Iterator[list[float]]:
    """Have a neighbour read until the block ends; yields its latencies, in seconds."""
    other = Neighbour(server, path)
    thread = threading.Thread(target=other.read_on)
    thread.start()
    try:
        yield other.latencies
    finally:
        other.stop()
        thread.join()


def p99(latencies: Sequence[float]) -> float:
    """The time that 99 of 100 do not exceed; 0 for fewer than two."""
    return statistics.quantiles(latencies, n=100)[98] if len(latencies) > 1 else 0.0
