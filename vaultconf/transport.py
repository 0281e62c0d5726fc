"""The one way to the server: blocking for one request, concurrent for many."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

import pycurl

from vaultconf.http import Answer, Connection, Request
from vaultconf.loop import K, Loop, T, Task
from vaultconf.sealed import Secret
from vaultconf.wire import ReadOnlyViolation, Wire

__all__ = ["ReadOnlyViolation", "Task", "Transport"]


class Transport:
    """Sends requests to one Vault or OpenBao and retries what is safe to retry.

    A task is a generator that yields `Request`s, gets `Answer`s and returns its result. A request that must not
    be sent (an unsafe path, a write in a run that only reads) raises ValueError or ReadOnlyViolation at its
    `yield`. A task, `done` and another thread may call `send` while tasks are driven. Signals are left to the caller.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        token: Secret | None,
        read_only: bool,
        concurrency: int | None = None,
        user_agent: str,
    ) -> None:
        self._wire = Wire(connection, token=token, read_only=read_only, concurrency=concurrency, user_agent=user_agent)
        self._idle: list[pycurl.CurlMulti] = []
        self._stopped = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def requests_sent(self) -> int:
        """How often a request was sent, retries and redirects included."""
        return self._wire.requests_sent

    @property
    def token(self) -> Secret | None:
        """The token that requests carry, None before a login."""
        return self._wire.token

    @property
    def consistent(self) -> bool:
        """Whether the server has shown the index that lets a read see every write before it."""
        return self._wire.consistent

    def authenticate(self, token: Secret | None) -> None:
        """Carry `token` from the next request on; raises ValueError where it cannot be one."""
        self._wire.token = token

    def send(self, request: Request) -> Answer:
        """Send one request and wait for its answer; works after `stop` too."""
        return self.run([_once(request)])[0]

    def run(self, tasks: Iterable[Task[T]]) -> list[T]:
        """Drive all tasks concurrently; return their results in the order of `tasks`."""
        results: dict[int, T] = {}

        def keep(index: int, result: T) -> tuple[()]:
            results[index] = result
            return ()

        self._drive(enumerate(tasks), keep, lambda: False)
        return [results[index] for index in range(len(results))]

    def drive(self, tasks: Iterable[tuple[K, Task[T]]], done: Callable[[K, T], Iterable[tuple[K, Task[T]]]]) -> None:
        """Drive tasks concurrently; `done` gets each result and may hand over further tasks.

        After `stop` no further task is started, also in later calls; those already started go on to their end.
        """
        self._drive(tasks, done, lambda: self._stopped)

    def stop(self) -> None:
        """Start no further task of `drive`; safe to call from a signal handler."""
        self._stopped = True

    def bar(self, why: Callable[[Request], str] | None) -> None:
        """Ask `why` before each sending, retries included: a request for which it has a reason is not sent.

        Its answer has the status 0 and the reason as `fault`.
        """
        self._wire.bar = why

    def heed(self, halted: Callable[[], bool]) -> None:
        """Raise KeyboardInterrupt, in whatever thread waits here, within a second of `halted` turning true.

        Signals reach the main thread alone. A request under way that is no read is waited for: the answer to a login
        bears the token that the end of the run has to revoke.
        """
        self._wire.halted = halted

    def close(self) -> None:
        """Close all connections; the transport can be used again, and then opens new ones."""
        self._wire.drop()
        while self._idle:
            self._idle.pop().close()

    def _drive(
        self,
        tasks: Iterable[tuple[K, Task[T]]],
        done: Callable[[K, T], Iterable[tuple[K, Task[T]]]],
        stopped: Callable[[], bool],
    ) -> None:
        try:
            multi = self._idle.pop()
        except IndexError:  # none, or another thread took the last one
            multi = self._new_multi()
        try:
            Loop(self._wire, multi, tasks, done, stopped).go()
        except BaseException:
            multi.close()
            raise
        self._idle.append(multi)

    def _new_multi(self) -> pycurl.CurlMulti:
        multi = pycurl.CurlMulti()
        multi.setopt(pycurl.M_MAXCONNECTS, self._wire.window.most)
        return multi


def _once(request: Request) -> Task[Answer]:
    return (yield request)
