"""The lock that keeps two applies apart: one entry of the ledger, taken by check-and-set and renewed by a thread.

How old it is the server's clock tells, so that the clocks of those who wait do not matter; the nodes of a cluster
must agree to within 20 s, the time between the last write of a holder and the end of its lock.
"""

from __future__ import annotations

import random
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from vaultconf.errors import Problem, Refused, VaultconfError
from vaultconf.http import Request, changes_nothing
from vaultconf.ledger_store import Store, Stored

_NAME = "lock"
_RELEASES = 3


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds: when a lock that nobody renews ends, how often its holder renews it, after how long without a
    renewal the holder writes nothing more, and how often one who waits looks.
    """

    expiry: float = 60.0
    renewal: float = 20.0
    silence: float = 40.0
    look: float = 1.0


TIMES = Times()


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock, what for, and since when (UTC, RFC 3339)."""

    owner: str
    reason: str
    since: str

    def __str__(self) -> str:
        return f"{self.owner} ({self.reason}), since {self.since}"


def holder_of(stored: Stored) -> Holder | None:
    """Who holds the lock, as far as the entry tells; None where it is free."""
    data = stored.data or {}
    if not data.get("id"):
        return None
    return Holder(str(data.get("owner", "")), str(data.get("reason", "")), str(data.get("since", "")))


@contextmanager
def held(store: Store, holder: Holder, patience: float, tell: Callable[[Problem], None]) -> Iterator[None]:
    """Hold the lock; wait for it for `patience` seconds. `tell` hears whom the run waits for, and what goes wrong.

    Raises Refused, naming the holder, where it does not come free, ServerRefused where it cannot be read or written.
    While it is held, a write that comes too late after the last renewal is not sent.
    """
    lock = _Lock(store, holder, TIMES)
    transport = store.contact.transport
    try:
        lock.take(patience, tell)
        transport.bar(lock.bars)
        yield
    finally:
        lock.release(tell)
        transport.bar(None)


def holder(store: Store) -> Holder | None:
    """Who holds the lock now; None where nobody does."""
    return holder_of(store.read(_NAME))


def force(store: Store) -> Holder | None:
    """Free the lock, whoever holds it; return who that was. Raises ServerRefused, or Refused where it moves."""
    stored = store.read(_NAME)
    found = holder_of(stored)
    if found is not None and store.write(_NAME, {}, stored.version) is None:
        raise Refused(Problem(f"the lock was renewed at this very moment, so its holder is alive: {found}"))
    return found


class _Lock:
    """One holding of the lock. Not a value: a thread renews it."""

    def __init__(self, store: Store, holder: Holder, times: Times) -> None:
        self._store = store
        self._times = times
        self._id = secrets.token_hex(16)
        self._data: Mapping[str, Any] = {
            "id": self._id,
            "owner": holder.owner,
            "reason": holder.reason,
            "since": holder.since,
        }
        self._path = store.path_of(_NAME)
        self._version = 0
        self._renewed = _clocks()
        self._lost = ""
        self._tried = False
        self._done = threading.Event()
        self._thread: threading.Thread | None = None

    def take(self, patience: float, tell: Callable[[Problem], None]) -> None:
        """Wait for the lock and take it."""
        began = time.monotonic()
        seen, since = -1, began
        told = False
        while True:
            stored = self._store.read(_NAME)
            now = time.monotonic()
            if stored.version != seen:
                seen, since = stored.version, now
            other = holder_of(stored)
            if other is None or max(stored.age or 0.0, now - since) >= self._times.expiry:
                if self._written(stored.version):
                    break
                continue  # somebody else was faster
            if now - began >= patience:
                raise _refused(self._store, other, patience)
            if not told:
                tell(Problem(f"waiting for the lock of the ledger, held by {other}", hint=f"up to {patience:g} s"))
                told = True
            pause = self._times.look * (0.5 + random.random())  # noqa: S311 - spreads those who wait, guards nothing
            time.sleep(min(pause, max(0.0, patience - (now - began))))
        self._thread = threading.Thread(target=self._keep, daemon=True)
        self._thread.start()

    def _written(self, version: int) -> bool:
        """Write the entry over a version, and count the time from before that."""
        asked, self._tried = _clocks(), True
        written = self._store.write(_NAME, self._data, version)
        if written is None:
            return False
        self._version, self._renewed = written, asked
        return True

    def _keep(self) -> None:
        while not self._done.wait(self._times.renewal):
            try:
                if not self._written(self._version):
                    self._lost = "others have taken the lock, or freed it"
                    return
            except VaultconfError:
                continue  # `bars` judges for how long that may go on

    def bars(self, request: Request) -> str:
        """Why a request must not be sent any more; "" where it may."""
        if request.path == self._path or changes_nothing(request):
            return ""
        since = max(now - then for now, then in zip(_clocks(), self._renewed, strict=True))
        if not self._lost and since >= self._times.silence:
            self._lost = f"the lock could not be renewed for {self._times.silence:g} s"
        if self._lost:
            self._store.contact.transport.stop()
            return f"not sent: {self._lost}, and another apply may have begun"
        return ""

    def release(self, tell: Callable[[Problem], None]) -> None:
        """Free the lock if it is ours still, as one that was interrupted while it was taken may be."""
        self._done.set()
        if not self._tried:
            return
        try:
            with suppress(KeyboardInterrupt):
                self._freed()
                return
            self._freed()
        except VaultconfError as error:
            hint = f"it ends by itself {self._times.expiry:g} s after its last renewal"
            tell(Problem(f"the lock could not be released: {error.problems[0].message}", hint=hint))

    def _freed(self) -> None:
        if self._thread is not None:
            self._thread.join(self._times.look)
        for _ in range(_RELEASES):
            stored = self._store.read(_NAME)
            ours = (stored.data or {}).get("id") == self._id
            if not ours or self._store.write(_NAME, {}, stored.version) is not None:
                return


def _clocks() -> tuple[float, float]:
    """Two clocks in seconds: one that nobody sets, and one that goes on while a machine sleeps."""
    return time.monotonic(), time.time()


def _refused(store: Store, other: Holder, patience: float) -> Refused:
    hint = (
        f"wait for it, or raise --lock-timeout ({patience:g} s); the lock of a run that was killed ends by itself"
        f" after {TIMES.expiry:g} s; `vaultconf unlock` frees it at once"
    )
    return Refused(Problem(f"the ledger {store.mount}/{store.path} is locked by {other}", hint=hint))
