"""The id token that a CI system gives a job: GitHub Actions over HTTP, GitLab in a variable.

Sources: GitHub, "Using OpenID Connect with reusable workflows" (the request URL and its token are set for jobs with
`id-token: write`); GitLab, "ID token authentication".
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Mapping
from http.client import HTTPException
from typing import NoReturn
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit
from urllib.request import HTTPRedirectHandler, HTTPSHandler, Request, build_opener

from vaultconf.curl import system_store
from vaultconf.errors import ConnectionFailed, InputError
from vaultconf.sealed import Secret

_URL = "ACTIONS_ID_TOKEN_REQUEST_URL"
_TOKEN = "ACTIONS_ID_TOKEN_REQUEST_TOKEN"  # noqa: S105 - the name of a variable
_SECONDS = 10.0
_PAUSES = (0.5, 2.0)  # seconds before the second and the third try
_LARGEST = 1024 * 1024


class _NoRedirect(HTTPRedirectHandler):
    """The job's token goes to the address that it is for, and nowhere else."""

    def redirect_request(self, *_: object) -> None:
        """Follow nothing."""


def gitlab(environ: Mapping[str, str], variable: str) -> Secret:
    """Return the id token of a GitLab job. Raises InputError where the variable is not set."""
    found = environ.get(variable, "")
    if not found:
        hint = f"declare it in the job: `id_tokens: {{{variable}: {{aud: …}}}}`, or name another with `oidc_variable`"
        raise InputError(f"{variable} is not set: there is no id token of GitLab", hint)
    return Secret(found)


def github(environ: Mapping[str, str], audience: str) -> Secret:
    """Ask GitHub for the id token of this job; `audience` "" leaves GitHub's own.

    Raises InputError where this is no job with `id-token: write`, ConnectionFailed where no token came.
    """
    url, token = environ.get(_URL, ""), environ.get(_TOKEN, "")
    if not url or not token:
        missing = _TOKEN if url else _URL
        hint = "it is set in a job of GitHub Actions with `permissions: {id-token: write}`"
        raise InputError(f"{missing} is not set: there is no id token of GitHub", hint)
    if urlsplit(url).scheme not in {"http", "https"} or not token.isprintable():
        raise InputError(f"{_URL} and {_TOKEN} cannot be used", "leave them as GitHub Actions sets them")
    full = f"{url}{'&' if '?' in url else '?'}audience={quote(audience, safe='')}" if audience else url
    return _patiently(full, token, _PAUSES)


def _patiently(url: str, token: str, pauses: tuple[float, ...]) -> Secret:
    """Ask, and again after each of the pauses while the answer may be another one then."""
    try:
        return _token_in(_fetched(url, token))
    except (OSError, HTTPException) as error:
        if not pauses or (isinstance(error, HTTPError) and error.code < 500 and error.code != 429):
            _give_up(error)
    time.sleep(pauses[0])
    return _patiently(url, token, pauses[1:])


def _fetched(url: str, token: str) -> bytes:
    context = ssl.create_default_context(cafile=system_store() or None)
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json", "User-Agent": "vaultconf"}
    request = Request(url, headers=headers)  # noqa: S310 - the scheme was checked
    with build_opener(_NoRedirect, HTTPSHandler(context=context)).open(request, timeout=_SECONDS) as answer:
        return bytes(answer.read(_LARGEST))


def _token_in(body: bytes) -> Secret:
    try:
        value = json.loads(body)["value"]
    except (ValueError, KeyError, TypeError):
        value = None
    if not isinstance(value, str) or not value:
        raise ConnectionFailed("GitHub's answer holds no id token", f"is {_URL} as GitHub Actions sets it?")
    return Secret(value)


def _give_up(error: Exception) -> NoReturn:
    """Say why, without the address: it is not for logs."""
    if isinstance(error, HTTPError):
        hint = "does the job have `permissions: {id-token: write}`?"
        raise ConnectionFailed(f"GitHub gives no id token: status {error.code}", hint) from None
    reason = error.reason if isinstance(error, URLError) else type(error).__name__
    raise ConnectionFailed(f"GitHub gives no id token: {_plain(reason)}", "is the network of the job up?") from None


def _plain(reason: object) -> str:
    return getattr(reason, "strerror", None) or type(reason).__name__
