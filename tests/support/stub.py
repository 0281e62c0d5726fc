"""A small HTTP server on the loopback whose every answer a test decides, bad ones included."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Asked:
    """A request as it arrived; header names are lower-case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    nth: int


@dataclass(frozen=True)
class Reply:
    """What to answer; `ending` "cut" leaves half of the body out, "reset" and "close" answer nothing at all."""

    status: int = 200
    body: bytes = b'{"data": {}}'
    headers: Mapping[str, str] = field(default_factory=dict)
    ending: str = ""


class Stub:
    """What a test sees of the server."""

    def __init__(self) -> None:
        self.address = ""
        self.asked: list[Asked] = []
        self.connections = 0
        self.reply: Callable[[Asked], Reply] = lambda _: Reply()
        self.lock = threading.Lock()

    def answers(self, *replies: Reply) -> None:
        """Answer with each reply in turn, then with the last for ever."""
        self.reply = lambda asked: replies[min(asked.nth, len(replies)) - 1]

    @property
    def targets(self) -> list[str]:
        return [asked.target for asked in self.asked]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body leave in two writes; without this each answer waits for the client's delayed ACK.
    disable_nagle_algorithm = True
    stub: Stub

    def setup(self) -> None:
        with self.stub.lock:
            self.stub.connections += 1
        super().setup()

    def _any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        with self.stub.lock:
            asked = Asked(self.command, self.path, headers, body, len(self.stub.asked) + 1)
            self.stub.asked.append(asked)
        self._send(self.stub.reply(asked))

    def _send(self, reply: Reply) -> None:
        if reply.ending in {"reset", "close"}:
            if reply.ending == "reset":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            return
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body[: len(reply.body) // 2] if reply.ending == "cut" else reply.body)
        self.close_connection = self.close_connection or reply.ending == "cut"

    def __getattr__(self, name: str) -> Callable[[], None]:
        # The library looks for do_GET, do_LIST and so on.
        if name.startswith("do_"):
            return self._any
        raise AttributeError(name)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def shutdown_request(self, request: socket.socket) -> None:  # type: ignore[override]
        # The library's own sends a polite FIN first, which would undo a reset.
        self.close_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no error of the stub."""


@contextmanager
def running() -> Iterator[Stub]:
    """Run a stub server until the block ends."""
    stub = Stub()
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"stub": stub}))
    stub.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def free_address() -> str:
    """Return an address of the loopback where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


def as_json(value: object) -> bytes:
    return json.dumps(value).encode()
