"""The values of the HTTP path: what is asked, what came back, and where the server is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from pydantic_core import from_json

READS = frozenset({"GET", "LIST"})
METHODS = READS | {"POST", "PUT", "PATCH", "DELETE"}

_PLAIN = re.compile(r"[A-Za-z0-9_~-]+(?:\.[A-Za-z0-9_~-]+)*(?:/[A-Za-z0-9_~-]+(?:\.[A-Za-z0-9_~-]+)*)*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_LOGIN = re.compile(r"auth/(?:[^/]+|(?:[^/]+/)+(?P<before>[^/]+))/login(?:/[^/]+)?")
# Collections below an auth mount whose member may be called "login": `auth/userpass/users/login` is a write, while
# `auth/cert/login` can only be a login.
_COLLECTIONS = frozenset(
    "cert certificate certs config crls group groups map role roles sts user users".split()  # noqa: SIM905 - a word list
)
_HARMLESS = frozenset({"auth/token/renew-self", "auth/token/revoke-self", "sys/capabilities", "sys/capabilities-self"})


class Cause(Enum):
    """Why there is no HTTP answer; decides whether asking again can help and is safe."""

    ANSWERED = "answered"
    NOT_SENT = "not sent"
    LOST = "lost"
    FINAL = "final"


@dataclass(frozen=True, slots=True, repr=False)
class Request:
    """One call of Vault's HTTP API.

    `path` is the API path below `/v1/`, not encoded; `namespace` is absolute, "" for none. `repeatable=False`
    marks what must never be sent twice. A `Secret` may stand anywhere in `body`; it is revealed when sent.
    """

    method: str
    path: str
    body: Mapping[str, object] | None = None
    namespace: str = ""
    repeatable: bool = True
    query: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        return f"Request({self.method} {self.path})"


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    """What came back; `status` 0 means that no whole HTTP answer did, and `fault` says why in plain words.

    `in_doubt`: one of the sendings of a write may have been carried out without our hearing of it.
    """

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    fault: str = ""
    cause: Cause = Cause.ANSWERED
    in_doubt: bool = False

    def __repr__(self) -> str:
        return f"Answer({self.status})"

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    @property
    def json(self) -> dict[str, Any]:
        """The parsed body; {} where it is not a JSON object."""
        try:
            value = from_json(self.body)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    @property
    def data(self) -> Mapping[str, Any] | None:
        """The `data` of the body; None where there is none (a 204, a control group, errors)."""
        value = self.json.get("data")
        return value if isinstance(value, dict) else None

    @property
    def errors(self) -> tuple[str, ...]:
        """Vault's error texts as they came. They may echo what was sent: mask them."""
        return _texts(self.json.get("errors"))

    @property
    def warnings(self) -> tuple[str, ...]:
        """Vault's warnings as they came."""
        return _texts(self.json.get("warnings"))

    @property
    def request_id(self) -> str:
        """Vault's id of the request, as in its audit log; "" where the answer has no body."""
        return str(self.json.get("request_id") or "")


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()


class HeaderLines(Mapping[str, str]):
    """The header lines of an answer by lower-cased name, parsed when first asked: most answers never are."""

    __slots__ = ("_parsed", "_raw")

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._parsed: dict[str, str] | None = None

    def raw_value(self, name: bytes) -> bytes:
        """Return the value of the header `name` (no colon, any case) without parsing the others."""
        start = self._raw.lower().find(b"\n" + name.lower() + b":")
        return self._raw[start + len(name) + 2 : self._raw.find(b"\r\n", start + 2)].strip() if start >= 0 else b""

    def _all(self) -> dict[str, str]:
        if self._parsed is None:
            # A proxy's answer to CONNECT comes first, as a block of its own.
            own = self._raw[self._raw.rfind(b"\r\n\r\nHTTP/") + 1 :]
            pairs = (line.partition(":") for line in own.decode("latin-1").split("\r\n") if ":" in line)
            self._parsed = {name.strip().lower(): value.strip() for name, _, value in pairs}
        return self._parsed

    def __getitem__(self, name: str) -> str:
        return self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())


@dataclass(frozen=True, slots=True)
class Connection:
    """Where the server is and how to reach it. Times in seconds, `rate_limit` is (requests a second, burst).

    `proxy` "" leaves the choice to the proxy variables of the environment.
    """

    address: str = "https://127.0.0.1:8200"
    namespace: str = ""
    ca_cert: str = ""
    ca_path: str = ""
    client_cert: str = ""
    client_key: str = ""
    tls_server_name: str = ""
    skip_verify: bool = False
    timeout: float = 60.0
    max_retries: int | None = None
    rate_limit: tuple[float, int] | None = None
    proxy: str = field(default="", repr=False)  # may hold a password


def encoded(request: Request) -> str:
    """Return path and query of `request` as they go into a URL.

    A server normalises `..` and `//` (seen on OpenBao 2.7 and Vault 2.1, percent-encoded ones too) and would
    read or write another object; so such a path raises ValueError.
    """
    path = request.path
    if not _PLAIN.fullmatch(path):
        refuse_unsafe(path)
        path = quote(path, safe="/")
    return f"{path}?{urlencode(request.query)}" if request.query else path


def refuse_unsafe(path: str) -> None:
    """Raise ValueError where `path` has an empty segment, a `.`, a `..` or a control character."""
    if ".." in path or any(segment in {"", "."} for segment in path.split("/")):
        message = f"the path {path!r} has an empty segment, `.` or `..`; Vault would take it for another one"
        raise ValueError(message)
    if _CONTROL.search(path):
        message = f"the path {path!r} has a control character; Vault refuses it"
        raise ValueError(message)


def changes_nothing(request: Request) -> bool:
    """Whether a run that only reads may send `request`: reads, logins, and what concerns the own token."""
    if request.method in READS:
        return True
    if request.method not in {"POST", "PUT"}:
        return False
    login = _LOGIN.fullmatch(request.path)
    return request.path in _HARMLESS or (login is not None and login["before"] not in _COLLECTIONS)


def clean_address(text: str) -> str:
    """Return the server's address without a trailing slash or `/v1`; raise ValueError where it is none.

    The message never quotes the address: it may hold a password.
    """
    address = text.strip().rstrip("/").removesuffix("/v1").rstrip("/")
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError as error:
        message = "is not an address: write it as https://host:port"
        raise ValueError(message) from error
    if parts.scheme == "unix":
        raise ValueError("is a unix socket, which is not supported: write it as https://host:port")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("is not an address: write it as https://host:port")
    if parts.username is not None or parts.password is not None:
        raise ValueError("holds credentials: leave them out, Vault takes a token (VAULT_TOKEN)")
    if parts.query or parts.fragment or _CONTROL.search(address) or " " in address:
        raise ValueError("has more than scheme, host, port and path: write it as https://host:port")
    return f"{parts.scheme}://{address.partition('://')[2]}"


def server_at(address: str) -> tuple[str, str, int, str]:
    """What an address names, whatever the case of the host and whether the usual port is written."""
    parts = urlsplit(address)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return parts.scheme, (parts.hostname or "").lower(), port, parts.path
