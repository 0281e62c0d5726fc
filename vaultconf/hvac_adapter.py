"""hvac on top of the one transport, for logins and the API's own helpers; the only module that imports hvac.

Not for configuration writes: hvac's helpers drop fields that are None.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from io import BytesIO
from typing import Any, cast
from urllib.parse import unquote

import hvac
import requests
from hvac.adapters import Adapter
from hvac.exceptions import VaultError

from vaultconf.errors import ConnectionFailed
from vaultconf.http import Answer, Request
from vaultconf.sealed import Secret
from vaultconf.transport import Transport

__all__ = ["CurlAdapter", "VaultError", "client"]


class CurlAdapter(Adapter):  # type: ignore[misc] # hvac has no types
    """hvac's blocking face of a transport: a dict for 200 with JSON, a `requests.Response` for all else."""

    ignore_exceptions = False

    # hvac's own constructor opens a `requests` session, a second way to the server; so it is not called.
    def __init__(self, transport: Transport, namespace: str = "") -> None:
        self._transport = transport
        self._kwargs: dict[str, object] = {}
        self.namespace = namespace
        self.base_uri = ""
        self.session = None
        self.allow_redirects = True

    @property
    def token(self) -> str | None:
        """The token that requests carry, as hvac wants it: plain text."""
        token = self._transport.token
        return token.reveal() if token is not None else None

    @token.setter
    def token(self, token: str | None) -> None:
        self._transport.authenticate(Secret(token) if token else None)

    def close(self) -> None:
        """Close the connections of the transport."""
        self._transport.close()

    def get_login_token(self, response: Mapping[str, Any]) -> str:
        """Return the client token of a login's answer."""
        return cast("str", response["auth"]["client_token"])

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        raise_exception: bool = True,  # noqa: FBT001, FBT002 - hvac's signature
        **kwargs: Any,
    ) -> Any:
        """Send one request the way hvac's helpers ask for it.

        Raises hvac.exceptions.VaultError for a status of 400 and more, ConnectionFailed where no answer came, and
        TypeError for what this adapter does not do (response wrapping, headers or TLS settings for one request).
        """
        request = _translated(method, url, self.namespace or "", headers or {}, kwargs)
        answer = self._transport.send(request)
        if not answer.status:
            raise ConnectionFailed(answer.fault)
        if not answer.ok and raise_exception and not self.ignore_exceptions:
            raise _error(request, answer)
        return answer.json or _response(answer) if answer.status == HTTPStatus.OK else _response(answer)


def client(transport: Transport, namespace: str = "") -> hvac.Client:
    """Return an hvac client whose every request goes through `transport`; `namespace` is absolute, "" for none."""
    # Given a url and an empty token, hvac looks into neither the environment nor the home folder.
    return hvac.Client(url="-", token="", verify=True, cert=(), adapter=lambda **_: CurlAdapter(transport, namespace))


def _translated(
    method: str, url: str, namespace: str, headers: Mapping[str, str], options: Mapping[str, Any]
) -> Request:
    given = {name: value for name, value in options.items() if value is not None}
    beyond = [*given.keys() - {"json", "params"}, *(name for name in headers if name != "Content-Type")]
    if beyond:
        message = f"{sorted(beyond)} is not for hvac's helpers here: the transport is set up for it, or it cannot"
        raise TypeError(message)
    # hvac's helpers encode the names they are given, and some leave a slash at the end; the transport encodes.
    path = "/".join(part for part in unquote(url).split("/") if part).removeprefix("v1/")
    query = {name: _word(value) for name, value in given.get("params", {}).items()}
    # A HEAD (hvac's health check) differs from its GET by the missing body alone.
    verb = method.upper().replace("HEAD", "GET")
    if verb == "GET" and query.pop("list", "") == "true":
        verb = "LIST"
    return Request(verb, path, given.get("json"), namespace, query=tuple(query.items()))


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _response(answer: Answer) -> requests.Response:
    response = requests.Response()
    response.status_code = answer.status
    response.headers.update(answer.headers)
    response.raw = BytesIO(answer.body)
    return response


def _error(request: Request, answer: Answer) -> Exception:
    text = answer.body.decode(errors="replace")
    errors = list(answer.errors)
    error = VaultError.from_status(
        answer.status,
        None if errors else text,
        errors=errors,
        method=request.method,
        url=f"/v1/{request.path}",
        text=text,
        json=answer.json or None,
    )
    return cast("Exception", error)
