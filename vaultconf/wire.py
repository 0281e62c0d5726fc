"""What all requests of a transport share: the token, the headers, the handles, and what the server has shown."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import SplitResult, unquote, urlsplit

from vaultconf.curl import Handle, Parcel, Site, options, site
from vaultconf.http import (
    METHODS,
    READS,
    Answer,
    Cause,
    Connection,
    HeaderLines,
    Request,
    changes_nothing,
    encoded,
)
from vaultconf.pace import Bucket, Window
from vaultconf.retry import Limits, transient
from vaultconf.sealed import Secret

# Ahead of every write there will ever be: a standby then passes the request on to the active node. It would forward
# writes as well, but refuse on its own those into a mount that it has not heard of yet (OpenBao 2.7.2).
_FAR_FUTURE = "1000000000000000"
_HOPS = 3


class ReadOnlyViolation(RuntimeError):  # noqa: N818 - reads as a sentence where it is caught
    """A run that only reads was about to send a write: a mistake of ours, never of the user."""


class Wire:
    """The state that requests share. Not a value: it learns from answers."""

    def __init__(
        self,
        connection: Connection,
        *,
        token: Secret | None,
        read_only: bool,
        concurrency: int | None,
        user_agent: str,
    ) -> None:
        self.limits = Limits(retries=connection.max_retries)
        self.window = Window(concurrency)
        self.bucket = Bucket(*connection.rate_limit) if connection.rate_limit else None
        self.requests_sent = 0
        self.ever_answered = False
        self.met = False
        self.bar: Callable[[Request], str] | None = None
        self.halted: Callable[[], bool] | None = None
        self._read_only = read_only
        self._agent = f"User-Agent: {user_agent}".encode()
        self._server_name = connection.tls_server_name
        self._settings = options(connection)
        self._site = site(connection.address, connection.tls_server_name)
        self._idle: list[Handle] = []
        self._index_headers: list[bytes] = []
        self._headers: dict[tuple[str, str, bytes], list[bytes]] = {}
        self.token = token

    @property
    def token(self) -> Secret | None:
        """The token that requests carry."""
        return self._token

    @token.setter
    def token(self, token: Secret | None) -> None:
        if token is not None and not token.reveal().isprintable():
            raise ValueError("the token has a control character; is the variable or file it came from whole?")
        self._token = token
        self._headers.clear()

    @property
    def consistent(self) -> bool:
        """Whether the server has shown the index that lets a read see every write before it."""
        return bool(self._index_headers)

    def parcel(self, request: Request) -> Parcel:
        """Return `request` as it is sent; raise ValueError or ReadOnlyViolation where it must not be."""
        if request.method not in METHODS:
            message = f"{request.method} is not a method of Vault's API"
            raise ValueError(message)
        if self._read_only and not changes_nothing(request):
            message = f"{request!r} would write, and this run only reads"
            raise ReadOnlyViolation(message)
        url = b"%b/v1/%b" % (self._site.base, encoded(request).encode())
        body = None if request.body is None else json.dumps(request.body, default=_reveal, allow_nan=False).encode()
        # libcurl itself sends a request again where a kept connection turns out dead; a new one leaves it no reason.
        return Parcel(
            request.method,
            url,
            self._headers_of(request, self._site),
            body,
            self._site,
            not request.repeatable,
        )

    def _headers_of(self, request: Request, at: Site) -> list[bytes]:
        """Return the header lines of `request`: the same list for like requests, so that libcurl keeps it."""
        key = (request.method, request.namespace, at.host)
        headers = self._headers.get(key)
        if headers is None:
            headers = self._headers[key] = self._build(request, at)
        return headers

    def _build(self, request: Request, at: Site) -> list[bytes]:
        headers = [b"X-Vault-Request: true", self._agent, b"Expect:", b"Accept:"]
        if self._token is not None:
            headers.append(b"X-Vault-Token: " + self._token.reveal().encode())
        if request.namespace:
            if not request.namespace.isprintable():
                raise ValueError("the namespace has a control character")
            headers.append(b"X-Vault-Namespace: " + request.namespace.encode())
        if at.host:
            headers.append(at.host)
        headers += self._index_headers
        if request.method in READS:
            return headers
        merge = b"merge-patch+" if request.method == "PATCH" else b""
        return [*headers, b"Content-Type: application/" + merge + b"json"]

    def redirected(self, request: Request, parcel: Parcel, answer: Answer, hops: int) -> Parcel | Answer:
        """Return where `answer` (301 to 308) leads, or a fault where the token must not follow."""
        target = answer.headers.get("location", "")
        why = _why_not(request, parcel.site, answer.status, target, hops)
        if why:
            fault = f"{parcel.site.origin}: redirects ({answer.status}) to {_shown(target)}: {why}"
            return Answer(0, fault=fault, cause=Cause.FINAL)
        parts = urlsplit(target)
        there = site(f"{parts.scheme}://{parts.netloc}", self._server_name)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        headers = self._headers_of(request, there)
        return Parcel(parcel.method, there.base + path.encode(), headers, parcel.body, there, parcel.fresh)

    def take(self) -> Handle:
        """Return an idle handle, or a new one."""
        with suppress(IndexError):  # another thread may take the last one
            return self._idle.pop()
        return Handle(self._settings)

    def give(self, handle: Handle) -> None:
        """Put a handle back for the next request."""
        self._idle.append(handle)

    def drop(self) -> None:
        """Close all idle handles."""
        while self._idle:
            self._idle.pop().curl.close()

    def learn(self, answer: Answer) -> None:
        """Take note of what an answer says about the server."""
        if not answer.status:
            return
        self.ever_answered = True
        self.met = self.met or not transient(answer)
        if not self._index_headers and isinstance(answer.headers, HeaderLines):
            line = answer.headers.raw_value(b"x-vault-index")
            if line:
                self._point(line)

    def _point(self, line: bytes) -> None:
        """Let later requests be passed on to the active node, where the server counts its writes."""
        try:
            cluster = json.loads(base64.b64decode(line, validate=True))["cluster"]
        except (ValueError, KeyError, TypeError):
            return
        index = json.dumps({"cluster": cluster, "value": _FAR_FUTURE}).encode()
        self._index_headers = [
            b"X-Vault-Index: " + base64.b64encode(index),
            b"X-Vault-Inconsistent: forward-active-node",
        ]
        self._headers.clear()


def _why_not(request: Request, here: Site, status: int, target: str, hops: int) -> str:
    parts, ours = _split(target), urlsplit(here.origin)
    if not parts.netloc or parts.username is not None:
        return "that is no absolute address of a server"
    if parts.scheme != ours.scheme:
        return f"the token does not follow from {ours.scheme} to {parts.scheme}; give that address instead"
    if status not in {307, 308}:
        return "only 307 and 308 are followed; give that address instead"
    if hops >= _HOPS:
        return f"more than {_HOPS} redirects in a row; is a standby's cluster_addr or api_addr wrong?"
    if not unquote(parts.path).endswith(f"/v1/{request.path}"):
        return "that is another object's path"
    return ""


def _split(target: str) -> SplitResult:
    try:
        return urlsplit(target)
    except ValueError:
        return urlsplit("")


def _shown(target: str) -> str:
    """Scheme and host of a redirect's target; the rest may hold what nobody should see."""
    parts = _split(target)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if parts.netloc else "another path"


def _reveal(value: object) -> str:
    if isinstance(value, Secret):
        return value.reveal()
    message = f"{type(value).__name__} has no JSON form"
    raise TypeError(message)
