"""Secrets of the server's own key-value engines, for `${vault:mount/path#field}`.

Sources: Vault API, "KV secrets engine" versions 1 and 2, and `sys/internal/ui/mounts`, which the command line asks too;
OpenBao 2.7.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vaultconf.contact import Contact
from vaultconf.http import Answer, Request
from vaultconf.references import Absent

#: A read of any other engine could mint credentials, or hand out the run's own.
_ENGINES = frozenset({"kv", "generic"})


@dataclass(frozen=True, slots=True)
class _Mount:
    path: str
    versioned: bool


class KeyValues:
    """Reads secrets in the run's base namespace with its own token; each once, and never anything but GET."""

    def __init__(self, contact: Contact) -> None:
        self._contact = contact
        self._mounts: dict[str, _Mount] = {}
        self._found: dict[str, Mapping[str, object] | Absent] = {}

    def value(self, target: str) -> str | Absent:
        """The value of `path#field`, a number or a flag as JSON writes it; Absent with the reason."""
        path, _, name = target.partition("#")
        if path not in self._found:
            self._found[path] = self._read(path)
        secret = self._found[path]
        if isinstance(secret, Absent):
            return secret
        return as_text(secret[name]) if name in secret else Absent("the secret has no such field")

    def _read(self, path: str) -> Mapping[str, object] | Absent:
        mount = self._mount(path)
        if isinstance(mount, Absent):
            return mount
        inside = path.removeprefix(mount.path)
        answer = self._get(f"{mount.path}data/{inside}" if mount.versioned else path)
        if not answer.ok or answer.data is None:
            return _refused(answer, wrong=mount.versioned and inside.startswith("data/"))
        if not mount.versioned:
            return answer.data
        data = answer.data.get("data")
        return data if isinstance(data, dict) else Absent("its last version is deleted")

    def _mount(self, path: str) -> _Mount | Absent:
        """The engine that holds a secret, by one request a mount."""
        for known in self._mounts.values():
            if path.startswith(known.path):
                return known
        answer = self._get(f"sys/internal/ui/mounts/{path}")
        found = answer.data or {}
        where, options = found.get("path"), found.get("options")
        if not answer.ok or not isinstance(where, str) or not path.startswith(where) or not where.endswith("/"):
            return _refused(answer)
        if found.get("type") not in _ENGINES:
            return Absent("not in a key-value engine")
        versioned = isinstance(options, dict) and options.get("version") == "2"
        return self._mounts.setdefault(where, _Mount(where, versioned))

    def _get(self, path: str) -> Answer:
        return self._contact.transport.send(self._contact.within(Request("GET", path)))


def as_text(value: object) -> str | Absent:
    """A value of JSON as a reference stands for it; a list, a map or null is none."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else Absent("the value is no text")


def _refused(answer: Answer, *, wrong: bool = False) -> Absent:
    """Why there is no secret, in our own words: the server's may echo."""
    if answer.status == 403:
        return Absent("the token may not read it")
    if answer.status == 404:
        return Absent(f"there is no such secret{'; leave `data/` out of the path' if wrong else ''}")
    return Absent(f"the server answers {answer.status}" if answer.status else "the server does not answer")
