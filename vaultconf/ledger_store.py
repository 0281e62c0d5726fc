"""Where the ledger is kept: entries of a KV v2 engine, written by check-and-set.

Source: Vault API, `/secret/data` and `/sys/internal/ui/mounts`; OpenBao 2.7.2, Vault 2.1.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

from vaultconf.answers import is_bare, reason_of, unreadable
from vaultconf.contact import Contact
from vaultconf.errors import InputError, ServerRefused
from vaultconf.http import Answer, Request
from vaultconf.transport import Task

_PRINTED = "`vaultconf permissions plan` (or `apply`) prints the rights that it needs"
_MISMATCH = "check-and-set parameter did not match"


@dataclass(frozen=True, slots=True)
class Stored:
    """One entry as it is kept: data (None: not there), version (0: never written), and age in seconds, if known."""

    data: Mapping[str, Any] | None = field(repr=False)
    version: int
    age: float | None = None


class Store:
    """The entries below a path of a KV v2 engine."""

    def __init__(self, contact: Contact, mount: str, path: str) -> None:
        self.contact = contact
        self.mount = mount
        self.path = path

    def path_of(self, name: str) -> str:
        """The API path of an entry."""
        return f"{self.mount}/data/{self.path}/{name}"

    def read(self, name: str) -> Stored:
        """Read one entry. Raises ServerRefused where it cannot be read: unknown is not absent."""
        return self.read_all([name])[name]

    def read_all(self, names: Iterable[str]) -> dict[str, Stored]:
        """Read entries side by side. Raises ServerRefused where one of them cannot be read."""
        names = tuple(names)
        found = self.contact.transport.run(map(self.reading, names))
        return dict(zip(names, found, strict=True))

    def reading(self, name: str) -> Task[Stored]:
        """Read one entry beside others. Raises as `read`."""
        answer = yield self.contact.within(Request("GET", self.path_of(name)))
        data = answer.data
        metadata = data.get("metadata") if data is not None else None
        if isinstance(data, Mapping) and isinstance(metadata, Mapping) and (answer.ok or answer.status == 404):
            held = data.get("data")
            age = _age(answer, str(metadata.get("created_time", "")))
            return Stored(held if isinstance(held, Mapping) else None, int(metadata.get("version", 0)), age)
        if answer.status == 404 and is_bare(answer):
            return Stored(None, 0)
        raise self._refused("read", name, answer)

    def write(self, name: str, data: Mapping[str, object], version: int) -> int | None:
        """Write one entry over the version that was read; its new version, None where others wrote meanwhile.

        Raises ServerRefused.
        """
        body = {"options": {"cas": version}, "data": data}
        answer = self.contact.transport.send(self.contact.within(Request("POST", self.path_of(name), body)))
        if answer.ok:
            return int((answer.data or {}).get("version", version + 1))
        if answer.status != 400 or not any(_MISMATCH in text for text in answer.errors):
            raise self._refused("written", name, answer)
        # A first sending whose answer was lost has been written: then this is what stands there.
        now = self.read(name)
        return now.version if now.data == data else None

    def _refused(self, verb: str, name: str, answer: Answer) -> ServerRefused:
        found = unreadable(answer)
        why = f"{found.status}: {found.reason}" if found.status else found.reason
        needs = "read" if verb == "read" else "create, update"
        hint = f'the token needs `path "{self.path_of("*")}" {{ capabilities = [{needs}] }}`; {_PRINTED}'
        return ServerRefused(f"the ledger cannot be {verb}: {self.path_of(name)}: {why}", hint)


def _age(answer: Answer, created: str) -> float | None:
    """How old an entry is by the server's own clock: seconds; None where it does not tell."""
    try:
        now = parsedate_to_datetime(answer.headers.get("date", ""))
        return (now - datetime.datetime.fromisoformat(created)).total_seconds()
    except (ValueError, TypeError):
        return None


def find(contact: Contact, path: str) -> Store:
    """The store at a path such as `secret/vaultconf`, in whatever KV v2 engine is mounted there.

    Raises InputError where there is none, ServerRefused where that cannot be told.
    """
    answer = contact.transport.send(contact.within(Request("GET", f"sys/internal/ui/mounts/{path}")))
    data = answer.data if answer.ok else None
    if data is None:
        raise _not_found(contact, path, answer)
    mount = str(data.get("path", "")).rstrip("/")
    options = data.get("options")
    version = options.get("version") if isinstance(options, Mapping) else None
    rest = path.removeprefix(f"{mount}/")
    if data.get("type") != "kv" or str(version) != "2":
        raise InputError(f"`ledger: {path}`: the engine at `{mount}` is not a KV version 2", _HINT)
    if not mount or rest in ("", path, mount):
        raise InputError(f"`ledger: {path}` is a whole engine", f"name a path in it, such as `{mount}/vaultconf`")
    api, _, inside = rest.partition("/")
    if api in ("data", "metadata") and inside:
        message = f"`ledger: {path}`: `{api}` is a part of the API's paths, not of this one"
        raise InputError(message, f"write `ledger: {mount}/{inside}`")
    return Store(contact, mount, rest)


_FORBIDDEN = 403
_HINT = "name a path in a KV v2 engine that is there: `ledger: secret/vaultconf`"


def _not_found(contact: Contact, path: str, answer: Answer) -> Exception:
    """Servers say the same where there is no engine and where a token may not know of it."""
    if answer.status == 0:
        return ServerRefused(f"the ledger cannot be read: {answer.fault}")
    mounts = contact.transport.send(contact.within(Request("GET", "sys/mounts")))
    known = mounts.data if mounts.ok else None
    if known is not None and not any(f"{path}/".startswith(mount) for mount in known):
        return InputError(f"`ledger: {path}`: there is no secrets engine at that path", _HINT)
    message = f"the ledger cannot be found: {path}: {answer.status}: {reason_of(answer)}"
    return ServerRefused(message, _PRINTED if answer.status == _FORBIDDEN else _HINT)
