"""Runs of the command line that can be killed at once, as processes of their own.

A process that has imported everything forks for each run: starting Python anew for every one of dozens would take
longer than what they do.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tests.support.proxy import Proxy
from tests.support.stub import Asked, Reply

# Its stdin has a command line a line; it prints the number of the process that runs it, then how that ended.
_FORKING = """
import os, sys
import vaultconf.cli, hvac, deepdiff
for line in sys.stdin:
    child = os.fork()
    if not child:
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1), os.dup2(quiet, 2)
        os._exit(vaultconf.cli.main(line.split()))
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
KILLED = -signal.SIGKILL


@dataclass(slots=True)
class Runs:
    """Runs of commands in a project, one at a time, through a proxy that can kill the one that is under way."""

    proxy: Proxy
    orders: IO[bytes]
    answers: IO[bytes]
    child: int = 0
    known: threading.Event = field(default_factory=threading.Event)

    def run(self, arguments: Sequence[str]) -> int:
        """Run a command line without blanks in its words; return the exit code, -9 where it was killed."""
        self.known.clear()
        self.orders.write((" ".join(arguments) + "\n").encode())
        self.orders.flush()
        self.child = int(self.answers.readline())
        self.known.set()
        return int(self.answers.readline())

    def killed_after(self, writes: int, arguments: Sequence[str]) -> int:
        """The same, killed when the server has carried out so many writes, before any more and before it hears of it."""
        lock, passed, over = threading.Lock(), 0, False

        def fault(asked: Asked) -> Reply | None:
            nonlocal passed
            if asked.method in {"GET", "LIST"}:
                return None
            with lock:
                if over:  # a late request of the killed run must not kill the next one
                    return Reply(ending="close")
                if passed < writes:
                    passed += 1
                    answer = self.proxy.forward(asked)
                    if passed < writes:
                        return answer
                self.known.wait()
                os.kill(self.child, signal.SIGKILL)
            return Reply(ending="close")

        self.proxy.fault = fault
        try:
            return self.run(arguments)
        finally:
            with lock:  # what was under way when it died has come to its end
                over = True
                self.proxy.fault = lambda _: None


@contextmanager
def runs(proxy: Proxy, environment: Mapping[str, str]) -> Iterator[Runs]:
    """Start the process that the runs are forked from; end it with the block."""
    process = subprocess.Popen(
        [sys.executable, "-c", _FORKING],
        env={"PATH": os.environ["PATH"], **environment, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        yield Runs(proxy, process.stdin, process.stdout)
        process.stdin.close()
