"""How a kind says that the server can change the password that an object of it holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from vaultconf.http import Request
from vaultconf.nouns import Values


def unproven(_path: str, _values: Values) -> Iterable[Request]:
    """Nothing shows it without the password itself."""
    return ()


def _no_warning(_: Values) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Rotation:
    """How a server changes a password that it holds, so that it alone knows the new one.

    path: a template of what is posted. fields: what the new password takes the place of; none where the files hold no
    password. proof: what is sent afterwards, given the object's path and its complete values, and only succeeds where
    the server can log in. since: the key of the object's answer that tells when it happened last (RFC 3339).
    warning: what making an object does at once, given its values. user, server: the fields that say whose password it
    is, and where; through: the one that names the object which knows the server. only: the product that can do it.
    """

    path: str
    fields: frozenset[str] = frozenset()
    proof: Callable[[str, Values], Iterable[Request]] = unproven
    since: str = ""
    warning: Callable[[Values], str] = _no_warning
    user: str = "username"
    server: tuple[str, ...] = ()
    through: str = ""
    only: str = ""


#: Where the plugins of the database engine find the database.
SERVER = ("connection_url", "host", "hosts", "port")


def log_in(path: str, values: Values) -> Iterator[Request]:
    """Let the database engine log in: a write without a password keeps the one it has, and is verified before stored.

    Vault 2.1 and 1.19 keep `verify_connection`, so that it is set back; their `{mount}/reset/{name}`, which would need
    another right, logs in only where it is on. OpenBao 2.7.2 verifies each write by itself.
    """
    body = {"plugin_name": values["plugin_name"]}
    yield Request("POST", path, {**body, "verify_connection": True})
    if values.get("verify_connection") is False:
        yield Request("POST", path, {**body, "verify_connection": False})
