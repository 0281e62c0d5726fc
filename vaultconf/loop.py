"""Drives generators of requests through libcurl's multi interface: one thread, many requests under way."""

from __future__ import annotations

import heapq
import random
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count
from typing import Generic, TypeVar

import pycurl

from vaultconf.curl import Handle, Parcel
from vaultconf.http import READS, Answer, Cause, Request
from vaultconf.retry import History, may_be_done, pause, slowed, transient
from vaultconf.wire import Wire

K = TypeVar("K")
T = TypeVar("T")
Task = Generator[Request, Answer, T]
_NAP = 0.005
_LONGEST_SLEEP = 1.0
# So many in a row, and for long, before the rest of a run is given up.
_FAILURES = 4


@dataclass(slots=True, eq=False)
class _Flight(Generic[K, T]):
    """One request of one task on its way, over all its sendings."""

    key: K
    task: Task[T]
    request: Request
    home: Parcel
    parcel: Parcel
    began: float = 0.0
    sent: float = 0.0
    attempt: int = 0
    hops: int = 0
    in_doubt: bool = False


class Loop(Generic[K, T]):
    """One run over a set of tasks; used once."""

    def __init__(
        self,
        wire: Wire,
        multi: pycurl.CurlMulti,
        tasks: Iterable[tuple[K, Task[T]]],
        done: Callable[[K, T], Iterable[tuple[K, Task[T]]]],
        stopped: Callable[[], bool],
    ) -> None:
        self._wire, self._multi, self._done, self._stopped = wire, multi, done, stopped
        self._tasks: Iterator[tuple[K, Task[T]]] = iter(tasks)
        self._more: deque[tuple[K, Task[T]]] = deque()
        self._ready: deque[_Flight[K, T]] = deque()
        self._waiting: list[tuple[float, int, _Flight[K, T]]] = []
        self._flying: dict[pycurl.Curl, tuple[Handle, _Flight[K, T]]] = {}
        self._order = count()
        self._trouble: float | None = None
        self._failures = 0
        self._served = time.monotonic()
        self._not_before = 0.0
        self._slow_until = 0.0
        self._slowdowns = 0

    def go(self) -> None:
        """Run all tasks to their end; on any exception no transfer and no task is left behind."""
        try:
            while self._fill() or self._flying or self._waiting or self._ready:
                self._heed()
                if not self._collect():
                    self._sleep()
        except BaseException:
            self._abandon()
            raise

    def _heed(self) -> None:
        """Leave where the run is to end, but wait for what is no read: a login's answer bears a token."""
        if self._wire.halted is None or not self._wire.halted():
            return
        if all(flight.request.method in READS for _, flight in self._flying.values()):
            raise KeyboardInterrupt

    def _fill(self) -> bool:
        """Start what may be started; return whether anything was."""
        now = time.monotonic()
        while self._waiting and self._waiting[0][0] <= now:
            self._ready.append(heapq.heappop(self._waiting)[2])
        size, flying = self._wire.window.size, self._flying
        started = False
        if now < self._slow_until:
            return False
        while len(flying) < size and (self._ready or self._has_ready()) and self._may_send(now):
            self._launch(self._ready.popleft(), now)
            started = True
        return started

    def _has_ready(self) -> bool:
        """Whether a request is ready to be sent, starting new tasks until there is one."""
        while not self._ready:
            fresh = self._next()
            if fresh is None:
                return False
            self._advance(*fresh, None)
        return True

    def _next(self) -> tuple[K, Task[T]] | None:
        if self._stopped():
            return None
        return self._more.popleft() if self._more else next(self._tasks, None)

    def _may_send(self, now: float) -> bool:
        if self._wire.bucket is None:
            return True
        wait = self._wire.bucket.wait(now)
        self._not_before = now + wait
        return not wait

    def _launch(self, flight: _Flight[K, T], now: float) -> None:
        if self._trouble is not None and self._given_up(self._trouble, now):
            fault = f"{flight.parcel.site.origin}: the server has stopped serving requests; not asked any more"
            self._advance(flight.key, flight.task, Answer(0, fault=fault, cause=Cause.FINAL))
            return
        if self._wire.bar is not None and (why := self._wire.bar(flight.request)):
            self._advance(flight.key, flight.task, Answer(0, fault=why, cause=Cause.FINAL))
            return
        handle = self._wire.take()
        handle.load(flight.parcel)
        flight.sent = now
        flight.began = flight.began or now
        flight.attempt += 1
        self._wire.requests_sent += 1
        self._flying[handle.curl] = (handle, flight)
        self._multi.add_handle(handle.curl)

    def _given_up(self, since: float, now: float) -> bool:
        """Whether the server has served nobody for so long that even the last tries have ended."""
        return self._failures >= _FAILURES and now - since > 1.5 * self._wire.limits.budget

    def _collect(self) -> int:
        """Move the transfers on and deal with those that ended; return their number."""
        self._multi.perform()
        ended = 0
        more = 1
        while more:
            more, good, bad = self._multi.info_read()
            now = time.monotonic()
            for curl in good:
                self._land(curl, 0, "", now)
            for curl, number, why in bad:
                self._land(curl, number, why, now)
            ended += len(good) + len(bad)
        return ended

    def _land(self, curl: pycurl.Curl, number: int, why: str, now: float) -> None:
        # In this order an interrupt between two lines leaves no transfer unknown to `_abandon`.
        handle, flight = self._flying[curl]
        self._multi.remove_handle(curl)
        del self._flying[curl]
        answer = handle.answer(number, why)
        self._wire.give(handle)
        self._note(flight, answer, now)
        if answer.ok:
            self._advance(flight.key, flight.task, answer)
        elif 300 < answer.status < 309 and answer.status != 304:
            self._follow(flight, answer)
        else:
            self._settle(flight, answer, now)

    def _note(self, flight: _Flight[K, T], answer: Answer, now: float) -> None:
        self._wire.learn(answer)
        if slowed(flight.request, answer):
            # Requests on their way at the same time all tell of the same limit.
            self._slowdowns += flight.sent >= self._slow_until
            self._wire.window.overrun(now)
        elif transient(answer):
            self._failures += 1
            if self._trouble is None:
                self._trouble = max(flight.began, self._served)
            self._wire.window.overrun(now)
        else:
            self._trouble, self._failures, self._served, self._slowdowns = None, 0, now, 0
            self._wire.window.answered(now - flight.sent)

    def _follow(self, flight: _Flight[K, T], answer: Answer) -> None:
        target = self._wire.redirected(flight.request, flight.parcel, answer, flight.hops)
        if isinstance(target, Answer):
            self._advance(flight.key, flight.task, target)
        else:
            flight.parcel = target
            flight.hops += 1
            flight.attempt -= 1
            self._ready.appendleft(flight)

    def _settle(self, flight: _Flight[K, T], answer: Answer, now: float) -> None:
        """Hand over an answer that is not 2xx, or send its request again later."""
        flight.in_doubt |= may_be_done(flight.request, answer)
        chance = random.random()  # noqa: S311 - spreads retries, guards nothing
        wait = pause(flight.request, answer, self._history(flight, now), self._wire.limits, chance)
        if wait is None:
            self._advance(flight.key, flight.task, replace(answer, in_doubt=True) if flight.in_doubt else answer)
            return
        # Back to the address that was given: where a standby redirected to may be what is gone.
        flight.parcel, flight.hops = flight.home, 0
        due = now + wait
        if slowed(flight.request, answer):
            # Nobody overtakes those that were refused, and what the limit costs is not counted against them.
            self._slow_until = due = max(due, self._slow_until)
            flight.began = 0.0
        heapq.heappush(self._waiting, (due, next(self._order), flight))

    def _history(self, flight: _Flight[K, T], now: float) -> History:
        return History(
            attempt=flight.attempt,
            elapsed=now - (flight.began if self._trouble is None else min(flight.began, self._trouble)),
            ever_answered=self._wire.ever_answered,
            at_first_contact=not self._wire.met,
            unserved=now - self._served,
            slowdowns=self._slowdowns,
        )

    def _advance(self, key: K, task: Task[T], answer: Answer | None) -> None:
        """Hand `answer` to its task and take the next request from it, or its result."""
        try:
            request = next(task) if answer is None else task.send(answer)
            while True:
                try:
                    parcel = self._wire.parcel(request)
                    break
                except (ValueError, TypeError, RuntimeError) as error:
                    request = task.throw(error)
        except StopIteration as end:
            self._more.extend(self._done(key, end.value))
            return
        self._ready.append(_Flight(key, task, request, parcel, parcel))

    def _sleep(self) -> None:
        """Wait until a transfer moves or a pause ends."""
        now = time.monotonic()
        until = now + _LONGEST_SLEEP
        if self._waiting:
            until = min(until, self._waiting[0][0])
        for moment in (self._not_before, self._slow_until):
            if moment > now:
                until = min(until, moment)
        seconds = max(0.0, until - now)
        if not self._flying:
            time.sleep(seconds)
        elif seconds and not self._multi.select(seconds) and time.monotonic() - now < _NAP:
            # libcurl has no socket to wait for while it looks a name up or between two tries to connect.
            time.sleep(min(seconds, _NAP))

    def _abandon(self) -> None:
        """Close what is under way; the multi handle is the caller's to close."""
        flights = [flight for _, flight in self._flying.values()]
        for handle, _ in self._flying.values():
            with suppress(pycurl.error):
                self._multi.remove_handle(handle.curl)
            handle.curl.close()
        for flight in (*flights, *self._ready, *(flight for _, _, flight in self._waiting)):
            with suppress(Exception):
                flight.task.close()
