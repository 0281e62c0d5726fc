"""A transport that answers from a dictionary, for tests of what is done with answers. Claims about servers are tested on servers."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping
from typing import Any, cast

from vaultconf.contact import Contact
from vaultconf.http import Answer, Request
from vaultconf.model import Server
from vaultconf.transport import Transport

Task = Generator[Request, Answer, Any]
Store = Mapping[tuple[str, str], Answer]


def answer(data: Mapping[str, Any] | None = None, status: int = 200, errors: Iterable[str] = ()) -> Answer:
    body = {"errors": list(errors)} if status >= 400 else {"data": data, "request_id": "id-1"}
    return Answer(status, json.dumps(body).encode())


class Memory:
    """Answers each request by method and path, 404 for the unknown, and remembers what was asked."""

    def __init__(self, answers: Store) -> None:
        self.answers = dict(answers)
        self.asked: list[tuple[str, str]] = []
        self.bodies: list[Any] = []
        self.stop_after: int | None = None

    def send(self, request: Request) -> Answer:
        key = (request.method, f"{request.namespace}/{request.path}" if request.namespace else request.path)
        self.asked.append(key)
        self.bodies.append(request.body)
        return self.answers.get(key, Answer(404, b'{"errors": []}'))

    def run(self, tasks: Iterable[Task]) -> list[Any]:
        return [self._finish(task) for task in tasks]

    def drive(self, tasks: Iterable[tuple[Any, Task]], done: Callable[[Any, Any], Iterable[tuple[Any, Task]]]) -> None:
        """One task after the other; after `stop_after` of them no further one begins."""
        queue, finished = deque(tasks), 0
        while queue and finished != self.stop_after:
            key, task = queue.popleft()
            queue.extend(done(key, self._finish(task)))
            finished += 1

    def _finish(self, task: Task) -> Any:
        try:
            request = next(task)
            while True:
                request = task.send(self.send(request))
        except StopIteration as end:
            return end.value


def contact(memory: Memory, server: Server, namespace: str = "") -> Contact:
    return Contact(cast("Transport", memory), server, namespace)
