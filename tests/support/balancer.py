"""What stands in front of a cluster: one address, and every connection, or every request, to the next node."""

from __future__ import annotations

import http.client
import socket
import socketserver
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import cycle
from urllib.parse import urlsplit

from tests.support import stub
from tests.support.stub import Asked, Reply

_TIMEOUT_SECONDS = 30
_OF_THE_CONNECTION = frozenset({"connection", "content-length", "transfer-encoding", "host", "date", "server"})


class _Pass(socketserver.BaseRequestHandler):
    """Carries bytes between a client and the next node, whatever they mean: TLS too."""

    nodes: Iterator[tuple[str | None, int | None]]
    lock: threading.Lock

    def handle(self) -> None:
        with self.lock:
            host, port = next(self.nodes)
        with suppress(OSError), socket.create_connection((host or "", port or 0)) as node:
            back = threading.Thread(target=_pump, args=(node, self.request), daemon=True)
            back.start()
            _pump(self.request, node)
            back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


class _Connections(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128


@contextmanager
def by_connection(addresses: Sequence[str]) -> Iterator[str]:
    """Give each new connection to the next node; yields the balancer's address, of the nodes' scheme."""
    parts = [urlsplit(address) for address in addresses]
    nodes = cycle([(part.hostname, part.port) for part in parts])
    handler = type("Handler", (_Pass,), {"nodes": nodes, "lock": threading.Lock()})
    with _Connections(("127.0.0.1", 0), handler) as balancer:
        thread = threading.Thread(target=balancer.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"{parts[0].scheme}://127.0.0.1:{balancer.server_address[1]}"
        finally:
            balancer.shutdown()
            thread.join()


@contextmanager
def by_request(addresses: Sequence[str], *, forwarding: bool = True) -> Iterator[stub.Stub]:
    """Give each request, also on a kept connection, to the next node.

    Without `forwarding` the nodes are told to pass nothing on to each other, as where their cluster ports are
    closed: a standby then redirects to the active node.
    """
    lock = threading.Lock()
    nodes = cycle(addresses)
    more = {} if forwarding else {"X-Vault-No-Request-Forwarding": "true"}

    def reply(asked: Asked) -> Reply:
        with lock:
            node = next(nodes)
        try:
            return _asked_of(node, asked, more)
        except (OSError, http.client.HTTPException):
            return Reply(502, b"bad gateway")

    with stub.running() as served:
        served.reply = reply
        yield served


def _asked_of(node: str, asked: Asked, more: dict[str, str]) -> Reply:
    url = urlsplit(node)
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=_TIMEOUT_SECONDS)
    headers = {name: value for name, value in asked.headers.items() if name not in _OF_THE_CONNECTION}
    try:
        connection.request(asked.method, asked.target, asked.body or None, headers | more)
        response = connection.getresponse()
        body = response.read()
    finally:
        connection.close()
    kept = {name: value for name, value in response.getheaders() if name.lower() not in _OF_THE_CONNECTION}
    return Reply(response.status, body, kept)
