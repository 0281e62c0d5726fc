"""A network in front of a real server that breaks requests at random, and knows what became of them.

What befalls a request depends on the seed, its method, its path and how often that was asked before: not on which of
several requests under way comes first. So a run that fails can be run again.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import Enum

from tests.support import stub
from tests.support.proxy import Proxy
from tests.support.servers import Server
from tests.support.stub import Asked, Reply

_DELAY_SECONDS = 0.05
_OUT_OF = 10_000


class Fault(Enum):
    """What befalls a request, and whether the server gets to see it."""

    DROPPED = ("the connection ends with no answer", False)
    UNHEARD = ("the server carries it out, and the connection ends with no answer", True)
    RESET = ("the server carries it out, and the connection is reset", True)
    TRUNCATED = ("half of the answer comes", True)
    DELAYED = ("the answer comes late", True)
    TOO_MANY = ("429", False)
    BAD_GATEWAY = ("502", False)
    BAD_GATEWAY_AFTER = ("the server carries it out, and 502 is the answer", True)
    UNAVAILABLE = ("503", False)
    UNAVAILABLE_AFTER = ("the server carries it out, and 503 is the answer", True)

    @property
    def arrives(self) -> bool:
        """Whether the server carries the request out."""
        return self.value[1]


@dataclass(frozen=True, slots=True)
class Event:
    """What befell one request; `fault` None: nothing. `status` is the server's, 0 where it saw nothing."""

    method: str
    path: str
    fault: Fault | None
    status: int


class Faulty:
    """What a test sees: the address, and what befell each request."""

    def __init__(self, proxy: Proxy, rate: float, seed: str) -> None:
        self.address = proxy.served.address
        self.rate = rate
        self.events: list[Event] = []
        self._proxy, self._seed = proxy, seed
        self._times: Counter[str] = Counter()
        self._lock = threading.Lock()

    @property
    def access(self) -> dict[str, str]:
        """The environment that leads through it, with retries as they are by default."""
        return {"VAULT_ADDR": self.address}

    @property
    def broken(self) -> Counter[Fault]:
        """How often each fault befell a request."""
        return Counter(event.fault for event in list(self.events) if event.fault is not None)

    def carried_out(self, method: str, path: str) -> int:
        """How often the server accepted a request."""
        return sum(
            (event.method, event.path) == (method, path) and 200 <= event.status < 300 for event in list(self.events)
        )

    def reply(self, asked: Asked) -> Reply:
        """Answer one request in the server's place, or as the server does."""
        path = asked.target.removeprefix("/v1/")
        fault = self._fate(asked.method, path)
        answer = self._proxy.forward(asked) if fault is None or fault.arrives else Reply(0)
        with self._lock:
            self.events.append(Event(asked.method, path, fault, answer.status))
        return _broken(fault, answer)

    def _fate(self, method: str, path: str) -> Fault | None:
        with self._lock:
            self._times[f"{method} {path}"] += 1
            text = f"{self._seed} {method} {path} {self._times[f'{method} {path}']}"
        number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
        faults = list(Fault)
        return faults[number // _OUT_OF % len(faults)] if number % _OUT_OF < self.rate * _OUT_OF else None


def _broken(fault: Fault | None, answer: Reply) -> Reply:
    if fault is Fault.DELAYED:
        time.sleep(_DELAY_SECONDS)
    if fault in {Fault.DROPPED, Fault.UNHEARD}:
        return Reply(ending="close")
    if fault is Fault.RESET:
        return Reply(ending="reset")
    if fault is Fault.TRUNCATED:
        # An answer without a body has no half: then the connection ends instead.
        return replace(answer, ending="cut" if len(answer.body) > 1 else "close")
    statuses = {Fault.TOO_MANY: 429, Fault.BAD_GATEWAY: 502, Fault.BAD_GATEWAY_AFTER: 502}
    statuses |= {Fault.UNAVAILABLE: 503, Fault.UNAVAILABLE_AFTER: 503}
    return Reply(statuses[fault], b"<html>busy</html>") if fault in statuses else answer


@contextmanager
def in_front_of(server: Server, rate: float, seed: str) -> Iterator[Faulty]:
    """Break requests to a server with the chance `rate` (0 to 1) until the block ends."""
    with stub.running() as served:
        faulty = Faulty(Proxy(served, server), rate, seed)
        served.reply = faulty.reply
        yield faulty
