"""The token of a login while a run lasts: prolonged at half of its life, and revoked at the end."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from vaultconf.answers import reason_of
from vaultconf.http import Answer, Connection, Request
from vaultconf.loop import K, T
from vaultconf.sealed import Secret
from vaultconf.transport import Task, Transport

#: How long the end of a run may wait for the token to be revoked: seconds.
_FAREWELL_SECONDS = 5.0
_SHORTEST = 1.0


class Session:
    """The token of a login, and how long it lives. Not a value: it is prolonged.

    `auth` is that part of a login's answer, `asked` the moment before the login was sent: what the way there takes
    is not counted on. `namespace` is where the login took place.
    """

    def __init__(
        self,
        auth: Mapping[str, Any],
        namespace: str,
        asked: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.token = Secret(str(auth["client_token"]))
        self.namespace = namespace
        # A batch token can be neither renewed nor revoked (all servers).
        self.revocable = auth.get("token_type") != "batch"
        self._clock = clock
        self._why_not = ""
        self._ends = math.inf
        self._renew_at = math.inf
        self._plan(auth, asked)

    @property
    def expired(self) -> bool:
        """Whether the token may have lived its life: servers date a batch token to the whole second before."""
        return self._clock() >= self._ends - _SHORTEST

    @property
    def left(self) -> float:
        """How long the token still lives: seconds, infinite where it has no end."""
        return max(0.0, self._ends - self._clock())

    def kept(self, task: Task[T]) -> Task[T]:
        """Drive `task`, with a renewal between its requests when that is due."""
        try:
            request = next(task)
            while True:
                if self._clock() >= self._renew_at:
                    yield from self._renew()
                try:
                    answer = yield request
                except (ValueError, TypeError, RuntimeError) as error:
                    request = task.throw(error)
                else:
                    request = task.send(self._explained(answer))
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            task.close()

    def _renew(self) -> Task[None]:
        asked = self._clock()
        self._renew_at = math.inf  # for the other tasks: this one sees to it
        answer = yield Request("POST", "auth/token/renew-self", {}, self.namespace)
        auth = answer.json.get("auth")
        if answer.ok and isinstance(auth, dict):
            self._plan(auth, asked)
        elif not answer.ok and (answer.status == 0 or answer.status >= 500):
            self._renew_at = self._clock() + max(_SHORTEST, self.left / 2)
        else:
            self._why_not = f"; it could not be renewed: {answer.status}: {reason_of(answer)}"

    def _plan(self, auth: Mapping[str, Any], asked: float) -> None:
        """Note when the token ends, and renew it at half of that, unless the last renewal won nothing any more."""
        life = float(auth.get("lease_duration") or 0)
        if not life:
            return
        ends, before = asked + life, self._ends
        self._ends = ends
        won = math.isinf(before) or ends >= before + _SHORTEST
        self._renew_at = asked + life / 2 if auth.get("renewable") and won else math.inf

    def _explained(self, answer: Answer) -> Answer:
        """Say, with a refusal, that the token had come to its end: "permission denied" alone is a riddle."""
        if answer.status not in {401, 403} or not self.expired:
            return answer
        text = f"the token of the login has expired{self._why_not} (see `token_ttl` and `token_max_ttl` of the role)"
        return replace(answer, body=json.dumps({"errors": [*answer.errors, text]}).encode())


class SessionTransport(Transport):
    """A transport that keeps the token of its session alive."""

    session: Session | None = None

    def run(self, tasks: Iterable[Task[T]]) -> list[T]:
        """As Transport.run."""
        return super().run(self._kept(task) for task in tasks)

    def drive(self, tasks: Iterable[tuple[K, Task[T]]], done: Callable[[K, T], Iterable[tuple[K, Task[T]]]]) -> None:
        """As Transport.drive."""
        super().drive(self._pairs(tasks), lambda key, result: self._pairs(done(key, result)))

    def _pairs(self, tasks: Iterable[tuple[K, Task[T]]]) -> Iterator[tuple[K, Task[T]]]:
        return ((key, self._kept(task)) for key, task in tasks)

    def _kept(self, task: Task[T]) -> Task[T]:
        return task if self.session is None else self.session.kept(task)


def revoke(session: Session, connection: Connection, user_agent: str) -> str:
    """Revoke the token of a session; return why that failed, "" where it is gone.

    Over a connection of its own, with little patience: what ends the run may have been the first one. Ctrl-C and
    SIGTERM do not keep the first try from being repeated.
    """
    if not session.revocable:
        return ""
    with suppress(KeyboardInterrupt):
        return _revoked(session, connection, user_agent)
    return _revoked(session, connection, user_agent)


def _revoked(session: Session, connection: Connection, user_agent: str) -> str:
    patience = replace(connection, timeout=min(connection.timeout, _FAREWELL_SECONDS), max_retries=1)
    with Transport(patience, token=session.token, read_only=True, user_agent=user_agent) as transport:
        answer = transport.send(Request("POST", "auth/token/revoke-self", {}, session.namespace))
    if answer.ok or session.expired:
        return ""
    return answer.fault or f"{answer.status}: {reason_of(answer)}"
