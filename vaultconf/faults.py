"""Why no answer came, in words that say what to do; from libcurl's error numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pycurl

from vaultconf.http import Answer, Cause

# Bytes; Vault's largest answers (detailed lists of all policies) stay far below.
LARGEST_BODY = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Known:
    numbers: frozenset[int]
    text: str
    needle: str = ""
    cause: Cause = Cause.FINAL


_TLS = frozenset(
    {
        pycurl.E_SSL_CONNECT_ERROR,
        pycurl.E_PEER_FAILED_VERIFICATION,
        pycurl.E_RECV_ERROR,
        pycurl.E_SEND_ERROR,
        pycurl.E_GOT_NOTHING,
    }
)
_VERIFY = frozenset({pycurl.E_PEER_FAILED_VERIFICATION, pycurl.E_SSL_ISSUER_ERROR, pycurl.E_SSL_CONNECT_ERROR})

# First match wins; `{plain}` is the address over http, `{why}` libcurl's own words.
_TABLE = (
    _Known(_TLS, "the server speaks plain HTTP: use {plain}", r"wrong version number|packet length too long"),
    _Known(
        _VERIFY,
        "certificate signed by unknown authority: set VAULT_CACERT to the file of its CA",
        r"unable to get (local )?issuer|self.signed certificate|unable to verify the first",
    ),
    _Known(
        _VERIFY,
        "the certificate is for another name: use that name, or set VAULT_TLS_SERVER_NAME",
        r"no alternative certificate|does not match|subject name",
    ),
    _Known(_VERIFY, "the server's certificate has expired: renew it on the server", r"has expired"),
    _Known(
        _TLS,
        "the server wants another client certificate: set VAULT_CLIENT_CERT and VAULT_CLIENT_KEY ({why})",
        r"alert (certificate|bad certificate|handshake|unknown ca)|certificate required|bad certificate",
    ),
    _Known(
        frozenset({pycurl.E_PEER_FAILED_VERIFICATION, pycurl.E_SSL_ISSUER_ERROR}),
        "the server's certificate cannot be trusted ({why})",
    ),
    _Known(
        frozenset({pycurl.E_SSL_CACERT_BADFILE}),
        "the CA certificates cannot be read: see VAULT_CACERT, VAULT_CAPATH ({why})",
    ),
    _Known(
        frozenset({pycurl.E_SSL_CERTPROBLEM}),
        "the client certificate cannot be used: see VAULT_CLIENT_CERT, VAULT_CLIENT_KEY ({why})",
    ),
    _Known(
        frozenset({pycurl.E_UNSUPPORTED_PROTOCOL, pycurl.E_FTP_WEIRD_SERVER_REPLY}),
        "what answers is not HTTP",
    ),
    _Known(
        frozenset({pycurl.E_URL_MALFORMAT}),
        "is not an address that can be used: write it as https://host:port",
    ),
    _Known(frozenset({pycurl.E_FILESIZE_EXCEEDED}), f"the answer is larger than {LARGEST_BODY >> 20} MiB"),
    _Known(
        frozenset({pycurl.E_COULDNT_RESOLVE_HOST}),
        "unknown host: check the name, and that this machine can resolve it",
        cause=Cause.NOT_SENT,
    ),
    _Known(
        frozenset({pycurl.E_RECV_ERROR, pycurl.E_COULDNT_CONNECT}),
        "the proxy refuses the connection: see VAULT_PROXY_ADDR ({why})",
        r"CONNECT tunnel failed, response 4",
    ),
    _Known(frozenset({pycurl.E_COULDNT_RESOLVE_PROXY}), "unknown host of the proxy", cause=Cause.NOT_SENT),
    _Known(frozenset({pycurl.E_COULDNT_CONNECT}), "no connection ({why})", cause=Cause.NOT_SENT),
    _Known(frozenset({pycurl.E_PARTIAL_FILE}), "the answer was cut short", cause=Cause.LOST),
    _Known(frozenset({pycurl.E_GOT_NOTHING}), "the connection was closed with no answer", cause=Cause.LOST),
    _Known(frozenset({pycurl.E_OPERATION_TIMEDOUT}), "no answer in time ({why})", cause=Cause.LOST),
)
_LOST = _Known(frozenset(), "the connection was lost ({why})", cause=Cause.LOST)


def unanswered(number: int, why: str, origin: str, *, sent: bool) -> Answer:
    """Return what stands for libcurl's error `number`; `sent` says whether the request may have left."""
    known = next((row for row in _TABLE if number in row.numbers and _says(row, why)), _LOST)
    cause = Cause.NOT_SENT if known.cause is Cause.LOST and not sent else known.cause
    return Answer(0, fault=f"{origin}: {known.text.format(plain=_plain(origin), why=why)}", cause=cause)


def _says(row: _Known, why: str) -> bool:
    return re.search(row.needle, why, re.IGNORECASE) is not None


def _plain(origin: str) -> str:
    return origin.replace("https://", "http://", 1)


def speaks_tls(answer: Answer, origin: str) -> Answer:
    """Turn the 400 of a TLS port that got plain HTTP (Go's servers say so in text) into a fault."""
    if answer.status == 400 and b"Client sent an HTTP request to an HTTPS server" in answer.body:
        secure = origin.replace("http://", "https://", 1)
        return Answer(0, fault=f"{origin}: the server speaks HTTPS: use {secure}", cause=Cause.FINAL)
    return answer
