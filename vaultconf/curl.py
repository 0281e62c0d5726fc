"""libcurl's easy handles: how one is set up for a server, loaded with a request, and read out."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pycurl

from vaultconf.faults import LARGEST_BODY, speaks_tls, unanswered
from vaultconf.http import Answer, Connection, HeaderLines

_CONNECT_SECONDS = 10.0
_STORES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/opt/homebrew/etc/ca-certificates/cert.pem",
)
_BODYLESS = frozenset({"GET", "LIST", "DELETE"})


@dataclass(frozen=True, slots=True)
class Site:
    """A server as libcurl is told of it.

    With a TLS server name of its own, `base` bears that name (for SNI and verification), `connect_to` leads it
    to the real host, and `host` keeps the Host header what the address says.
    """

    origin: str
    base: bytes
    connect_to: bytes = b""
    host: bytes = b""


def site(address: str, tls_server_name: str = "") -> Site:
    """Return the site of an address such as `https://host:8200/prefix`; IPv6 hosts in brackets."""
    parts = urlsplit(address)
    origin = f"{parts.scheme}://{parts.netloc}"
    if not tls_server_name or parts.scheme != "https":
        return Site(origin, address.encode())
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = parts.port or 443
    base = f"https://{tls_server_name}:{port}{parts.path}"
    target = f"{tls_server_name}:{port}:{host}:{port}"
    return Site(origin, base.encode(), target.encode(), b"Host: " + parts.netloc.encode())


def system_store(candidates: Iterable[str] = _STORES) -> str:
    """Return the file of the system's CA certificates, "" where none is found.

    A wheel's libcurl has the path of the machine it was built on compiled in, which other distributions lack.
    """
    usual = ssl.get_default_verify_paths().cafile
    found = next((path for path in (usual, *candidates) if path and Path(path).is_file()), "")
    return found or _bundled()


def _bundled() -> str:
    if find_spec("certifi") is None:
        return ""
    from certifi import where  # noqa: PLC0415 - no dependency of ours: used only where it happens to be there

    return where()


def options(connection: Connection) -> list[tuple[int, object]]:
    """Return what every handle for this server is set to, once."""
    seconds = connection.timeout
    return [
        (pycurl.NOSIGNAL, 1),
        (pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1),
        (pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS),
        (pycurl.FOLLOWLOCATION, 0),
        (pycurl.PATH_AS_IS, 1),
        (pycurl.TIMEOUT_MS, int(seconds * 1000)),
        (pycurl.CONNECTTIMEOUT_MS, int(min(seconds, _CONNECT_SECONDS) * 1000)),
        (pycurl.MAXFILESIZE_LARGE, LARGEST_BODY),
        *_proxy(connection),
        *_tls(connection),
    ]


def _proxy(connection: Connection) -> list[tuple[int, object]]:
    if connection.proxy:
        return [(pycurl.PROXY, connection.proxy), (pycurl.NOPROXY, "")]
    host = urlsplit(connection.address).hostname or ""
    return [(pycurl.PROXY, "")] if _is_loopback(host) else []


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _tls(connection: Connection) -> list[tuple[int, object]]:
    verify = not connection.skip_verify
    settings: list[tuple[int, object]] = [
        (pycurl.SSLVERSION, pycurl.SSLVERSION_TLSv1_2),
        (pycurl.SSL_VERIFYPEER, int(verify)),
        (pycurl.SSL_VERIFYHOST, 2 if verify else 0),
    ]
    if connection.client_cert:
        settings += [(pycurl.SSLCERT, connection.client_cert), (pycurl.SSLKEY, connection.client_key)]
        settings.append((pycurl.KEYPASSWD, ""))  # else OpenSSL would ask for one at the terminal
    return settings + (_trust(connection) if verify else [])


def _trust(connection: Connection) -> list[tuple[int, object]]:
    if connection.ca_cert:
        return [(pycurl.CAINFO, connection.ca_cert), (pycurl.CAPATH, None)]
    if connection.ca_path:
        # libcurl's own CAPATH wants a folder with hashed names; Vault's command line takes any file of it.
        files = sorted(file for file in Path(connection.ca_path).iterdir() if file.is_file())
        return [(pycurl.CAINFO_BLOB, b"\n".join(map(Path.read_bytes, files))), (pycurl.CAPATH, None)]
    store = system_store()
    return [(pycurl.CAINFO, store)] if store else []


class Parcel(NamedTuple):
    """A request ready to be sent: everything as bytes, the token and the body's secrets too."""

    method: str
    url: bytes
    headers: list[bytes]
    body: bytes | None
    site: Site
    fresh: bool = False

    def __repr__(self) -> str:
        return f"Parcel({self.method})"


class Handle:
    """An easy handle that is used again and again; only what changes is set anew."""

    __slots__ = ("_chunks", "_fresh", "_headers", "_lines", "_method", "_site", "curl")

    def __init__(self, settings: Iterable[tuple[int, object]]) -> None:
        self.curl = pycurl.Curl()
        self._lines: list[bytes] = []
        self._chunks: list[bytes] = []
        self._headers: list[bytes] = []
        self._method = "GET"
        self._fresh = False
        self._site: Site | None = None
        for option, value in settings:
            self.curl.setopt(option, value)
        # Built-in functions on purpose: a signal handler that raises (Ctrl-C) runs in Python callbacks too, where
        # libcurl would swallow it. They also cost next to nothing.
        self.curl.setopt(pycurl.HEADERFUNCTION, self._lines.append)
        self.curl.setopt(pycurl.WRITEFUNCTION, self._chunks.append)

    def load(self, parcel: Parcel) -> None:
        """Set the handle to send `parcel` next."""
        self._lines.clear()
        self._chunks.clear()
        setopt = self.curl.setopt
        if parcel.headers is not self._headers:
            setopt(pycurl.HTTPHEADER, parcel.headers)
            self._headers = parcel.headers
        if parcel.site is not self._site:
            setopt(pycurl.CONNECT_TO, [parcel.site.connect_to] if parcel.site.connect_to else None)
            self._site = parcel.site
        if parcel.fresh is not self._fresh:
            setopt(pycurl.FRESH_CONNECT, int(parcel.fresh))
            self._fresh = parcel.fresh
        if parcel.method != "GET" or self._method != "GET":
            self._shape(parcel)
        setopt(pycurl.URL, parcel.url)

    def _shape(self, parcel: Parcel) -> None:
        self._method = parcel.method
        if parcel.body is None and parcel.method in _BODYLESS:
            self.curl.setopt(pycurl.HTTPGET, 1)
        else:
            self.curl.setopt(pycurl.POST, 1)
            self.curl.setopt(pycurl.POSTFIELDS, parcel.body or b"")
        if parcel.method == "GET":
            self.curl.unsetopt(pycurl.CUSTOMREQUEST)
        else:
            self.curl.setopt(pycurl.CUSTOMREQUEST, parcel.method)

    def answer(self, number: int, why: str) -> Answer:
        """Return what the transfer that has just ended brought; `number` is libcurl's error, 0 for none."""
        assert self._site is not None  # noqa: S101 - a handle that has ended was loaded
        if number:
            sent = self.curl.getinfo(pycurl.PRETRANSFER_TIME) > 0
            return unanswered(number, why, self._site.origin, sent=sent)
        status = self.curl.getinfo(pycurl.RESPONSE_CODE)
        answer = Answer(status, b"".join(self._chunks), HeaderLines(b"".join(self._lines)))
        return speaks_tls(answer, self._site.origin) if status == 400 else answer
