"""A raw TCP relay in a process of its own: holds bytes back for half a round trip each way, and counts requests.

It reads nothing but the one header line by which requests are counted, and adds nothing; the handshake of TCP itself
is not delayed. `python -m tests.bench.relay HOST PORT SECONDS` prints its port, then the numbers of requests and of
connections whenever a line comes on stdin, and ends with stdin.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

#: Every request of vaultconf has it, once.
MARK = b"X-Vault-Request: true\r\n"


class Counter:
    """Counts a mark in a stream of bytes, wherever it is cut."""

    def __init__(self) -> None:
        self.number = 0
        self._tail = b""

    def feed(self, data: bytes) -> None:
        text = self._tail + data
        self.number += text.count(MARK)
        self._tail = text[1 - len(MARK) :]


class End(asyncio.Protocol):
    """One end of a relayed connection; hands what it gets to the other end, later, in order."""

    def __init__(self, delay: float, counter: Counter | None = None) -> None:
        self.delay, self.counter = delay, counter
        self.other: End | None = None
        self.transport: asyncio.Transport | None = None
        self._held: deque[tuple[float, bytes | None]] = deque()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self.counter is not None:
            self.counter.feed(data)
        self._hold(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._hold(None)

    def join(self, other: End) -> None:
        """Take the other end, and pass on what has waited for it."""
        self.other, other.other = other, self
        self.release()

    def _hold(self, data: bytes | None) -> None:
        loop = asyncio.get_running_loop()
        self._held.append((loop.time() + self.delay, data))
        if not self.delay:
            self.release()
        elif len(self._held) == 1:
            loop.call_later(self.delay, self.release)

    def release(self) -> None:
        """Pass on what was held for long enough, None being the end; it stays until the other end is connected."""
        if self.other is None or self.other.transport is None:
            return
        loop = asyncio.get_running_loop()
        while self._held and self._held[0][0] <= loop.time():
            data = self._held.popleft()[1]
            if data is None:
                self.other.transport.close()
            else:
                self.other.transport.write(data)
        if self._held:
            loop.call_at(self._held[0][0], self.release)


class Relay:
    """Listens, and relays every connection to one server."""

    def __init__(self, host: str, port: int, round_trip: float) -> None:
        self.host, self.port, self.delay = host, port, round_trip / 2
        self.counters: list[Counter] = []
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def requests(self) -> int:
        return sum(counter.number for counter in self.counters)

    def accept(self) -> End:
        self.counters.append(Counter())
        near = End(self.delay, self.counters[-1])
        task = asyncio.get_running_loop().create_task(self._connect(near))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return near

    async def _connect(self, near: End) -> None:
        loop = asyncio.get_running_loop()
        _, far = await loop.create_connection(lambda: End(self.delay), self.host, self.port)
        near.join(far)

    async def serve(self) -> None:
        """Relay until stdin ends."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(self.accept, "127.0.0.1", 0)
        _say(server.sockets[0].getsockname()[1])
        while await loop.run_in_executor(None, sys.stdin.readline):
            _say(self.requests, len(self.counters))
        server.close()


def _say(*numbers: int) -> None:
    sys.stdout.write(" ".join(map(str, numbers)) + "\n")
    sys.stdout.flush()


@dataclass(frozen=True, slots=True)
class Relayed:
    """A relay that runs: its address, and how much it has passed on so far."""

    address: str
    process: subprocess.Popen[str]

    def requests(self) -> int:
        """How many requests it has passed on."""
        return self._numbers()[0]

    def connections(self) -> int:
        """How many connections it has taken."""
        return self._numbers()[1]

    def _numbers(self) -> tuple[int, int]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        requests, connections = map(int, self.process.stdout.readline().split())
        return requests, connections


@contextmanager
def in_front_of(address: str, *, round_trip: float) -> Iterator[Relayed]:
    """Run a relay to a server until the block ends; `round_trip` in seconds is what it adds to each request."""
    url = urlsplit(address)
    command = [sys.executable, "-m", "tests.bench.relay", url.hostname or "", str(url.port), str(round_trip)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield Relayed(f"{url.scheme}://127.0.0.1:{int(process.stdout.readline())}", process)
        finally:
            process.stdin.close()
            process.wait(10)


if __name__ == "__main__":
    asyncio.run(Relay(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])).serve())
