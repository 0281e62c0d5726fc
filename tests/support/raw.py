"""A client of the HTTP API for tests; shares no code with what it tests."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 30


class RawError(Exception):
    """The server refused a call that the test needs; carries the status and the answer."""

    def __init__(self, method: str, path: str, status: int, answer: Any) -> None:
        super().__init__(f"{method} {path}: {status} {answer}")
        self.status = status
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Raw:
    """Calls under `address`/v1/; paths go out exactly as written, so tests encode what needs it."""

    address: str
    token: str = field(default="", repr=False)
    namespace: str = ""
    ca_file: Path | None = None

    def request(
        self, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> tuple[int, dict[str, Any] | None]:
        """Return the status and the JSON of the answer, None where it has no body.

        Raises OSError or http.client.HTTPException where there is no answer, ValueError where it is not JSON.
        """
        connection = self._connection()
        payload = None if body is None else json.dumps(body)
        try:
            connection.request(method, f"/v1/{path}", payload, self._headers())
            response = connection.getresponse()
            text = response.read()
        finally:
            connection.close()
        return response.status, json.loads(text) if text.strip() else None

    def read(self, path: str) -> dict[str, Any] | None:
        """Return the answer's `data`; None on 404, and where the server says `"data": null`."""
        status, answer = self.request("GET", path)
        if status == 404:
            return None
        data: dict[str, Any] | None = self._accepted("GET", path, status, answer)["data"]
        return data

    def list(self, path: str) -> list[str]:
        """Return the keys of a collection, none on 404."""
        status, answer = self.request("LIST", path)
        if status == 404:
            return []
        keys: list[str] = self._accepted("LIST", path, status, answer)["data"]["keys"]
        return keys

    def write(self, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """POST `body`, and return the whole answer, {} where it is empty."""
        return self._accepted("POST", path, *self.request("POST", path, body or {}))

    def delete(self, path: str) -> None:
        self._accepted("DELETE", path, *self.request("DELETE", path))

    def _accepted(self, method: str, path: str, status: int, answer: dict[str, Any] | None) -> dict[str, Any]:
        if status >= 300:
            raise RawError(method, path, status, answer)
        return answer or {}

    def _headers(self) -> dict[str, str]:
        token = {"X-Vault-Token": self.token} if self.token else {}
        namespace = {"X-Vault-Namespace": self.namespace} if self.namespace else {}
        return {"X-Vault-Request": "true", **token, **namespace}

    def _connection(self) -> http.client.HTTPConnection:
        url = urlsplit(self.address)
        host = url.hostname or ""
        if url.scheme == "http":
            return http.client.HTTPConnection(host, url.port, timeout=TIMEOUT_SECONDS)
        trust = ssl.create_default_context(cafile=self.ca_file)
        return http.client.HTTPSConnection(host, url.port, timeout=TIMEOUT_SECONDS, context=trust)
