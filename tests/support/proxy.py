"""A proxy in front of a real server: passes everything on, except what a test decides."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from tests.support import stub
from tests.support.servers import Server
from tests.support.stub import Asked, Reply

#: What a test does to a request: the reply in the server's place, or None to pass it on.
Fault = Callable[[Asked], Reply | None]


class Proxy:
    """What a test sees: the address, and every request that came, in order."""

    def __init__(self, served: stub.Stub, server: Server) -> None:
        self.served = served
        self.server = server
        self.fault: Fault = lambda _: None
        served.reply = self._reply

    @property
    def access(self) -> dict[str, str]:
        """The environment that leads through the proxy, without retries."""
        return {"VAULT_ADDR": self.served.address, "VAULT_MAX_RETRIES": "0"}

    @property
    def asked(self) -> list[tuple[str, str]]:
        """Method and path of every request, in the order in which they came."""
        return [(asked.method, asked.target.removeprefix("/v1/")) for asked in list(self.served.asked)]

    @property
    def writes(self) -> list[tuple[str, str]]:
        """The same of those that may change something."""
        return [(method, path) for method, path in self.asked if method not in {"GET", "LIST"}]

    def bodies(self, path: str) -> list[dict[str, Any]]:
        """The bodies of all writes to a path."""
        return [json.loads(asked.body) for asked in self.served.asked if asked.target == f"/v1/{path}" and asked.body]

    def refuse(self, status: int, *paths: str, method: str = "", errors: tuple[str, ...] = ("out of order",)) -> None:
        """Answer requests to these paths with a status and the server's kind of errors."""

        def fault(asked: Asked) -> Reply | None:
            hit = asked.target.removeprefix("/v1/") in paths and method in ("", asked.method)
            return Reply(status, stub.as_json({"errors": list(errors)})) if hit else None

        self.fault = fault

    def _reply(self, asked: Asked) -> Reply:
        return self.fault(asked) or self.forward(asked)

    def forward(self, asked: Asked) -> Reply:
        """Pass a request on and return the server's answer."""
        url = urlsplit(self.server.address)
        connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=30)
        headers = {name: value for name, value in asked.headers.items() if name != "host"}
        try:
            connection.request(asked.method, asked.target, asked.body or None, headers)
            response = connection.getresponse()
            return Reply(response.status, response.read())
        finally:
            connection.close()


@contextmanager
def in_front_of(server: Server) -> Iterator[Proxy]:
    """Run a proxy until the block ends."""
    with stub.running() as served:
        yield Proxy(served, server)
