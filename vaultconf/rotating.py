"""Passwords that the server changes by itself, so that nobody but it knows them: when, by which requests. Pure.

Once that is done, the password in the files is none any more: it is neither compared nor sent again, unless a person
says so. To do it twice harms nobody: the server knows its password, and takes another one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from vaultconf.errors import Problem
from vaultconf.http import Request
from vaultconf.kind import Kind, Steps
from vaultconf.ledger import DUE, Ledger
from vaultconf.model import Change, Desired, Live, Unverified, Values
from vaultconf.nouns import MAKES

_AUTHORITY = re.compile(r"^(?:\w+://)?(?:[^/]*@)?(?:\w+\()?([^/?)]+)")


def is_wished(desired: Desired) -> bool:
    """Whether the password is to be changed as soon as the object is there."""
    return desired.guidance.rotate_root == "on_create"


def is_due(desired: Desired, ledger: Ledger) -> bool:
    """Whether that was begun by an apply that did not live to finish it."""
    entry = ledger.entries.get(desired.address)
    return is_wished(desired) and entry is not None and entry.rotated == DUE


def verdicts(desired: Desired, names: Collection[str], ledger: Ledger) -> dict[str, Unverified]:
    """What is known of those of the fields whose values in the files are the server's no more."""
    entry, rotation = ledger.entries.get(desired.address), desired.kind.rotation
    if entry is None or rotation is None or not entry.rotated:
        return {}
    how = "maybe rotated by the server" if entry.rotated == DUE else f"rotated by the server ({entry.rotated})"
    reason = f"{how}; the one in the files is sent only with --resend"
    return {name: Unverified(desired.address, name, reason) for name in sorted(rotation.fields.intersection(names))}


def notices(change: Change) -> Iterator[str]:
    """What a plan says of the passwords that a change changes beside itself."""
    rotation = change.kind.rotation
    if rotation is None:
        return
    if change.action in MAKES and (warning := rotation.warning(change.after)):
        yield f"{change.address}: making it {warning}"
    if change.rotate and change.action in MAKES:
        yield f"{change.address}: its password is rotated as soon as it is made; nobody but the server knows it then"


def last(desired: Desired, found: object, ledger: Ledger) -> str:
    """When a password was rotated last, as the server or the ledger says (RFC 3339); "" where neither does."""
    entry, rotation = ledger.entries.get(desired.address), desired.kind.rotation
    if rotation is not None and rotation.since:
        return str(found.extras.get(rotation.since) or "") if isinstance(found, Live) else ""
    return entry.rotated if entry is not None and entry.rotated != DUE else ""


def trace(change: Change, ledger: Ledger) -> str:
    """What tells whether the password of a change has been rotated meanwhile: it is another text then."""
    return last(change.desired, change.before, ledger) if change.desired is not None else ""


def server_of(values: Values, fields: Iterable[str]) -> str:
    """Host and port, whatever the rest of a URL says."""
    parts = [str(values.get(name) or "") for name in fields]
    return " ".join(_AUTHORITY.sub(lambda found: f"{found[1]} ", part).split(" ")[0].lower() for part in parts)


def conflicts(changes: Iterable[Change], declared: Iterable[Desired]) -> Iterator[Problem]:
    """What is declared to log in as a user whose password is to be rotated, and then no longer could."""
    wished = [change for change in changes if change.rotate]
    others = [item for item in declared if item.kind.rotation is not None] if wished else []
    for change in wished:
        for item in others:
            mine = _login(change.kind, change.after)
            if mine is not None and item.address != change.address and _login(item.kind, item.values) == mine:
                message = f"its password is to be rotated, and {item.address} logs in as the same user"
                yield Problem(message, change.source, "give each a user of its own", str(change.address))


def _login(kind: Kind, values: Values) -> tuple[str, str] | None:
    """Where and as whom an object logs in; None where the files alone do not say."""
    rotation = kind.rotation
    if rotation is None or not rotation.server:
        return None
    user, where = values.get(rotation.user), [values.get(name) or "" for name in rotation.server]
    if not isinstance(user, str) or not user or not all(isinstance(part, str | int) for part in where):
        return None
    return server_of(values, rotation.server), user


def steps(change: Change) -> Steps:
    """The requests that change the password, and prove that the server can log in with the new one."""
    rotation = change.kind.rotation
    if rotation is None:
        return
    yield Request("POST", rotation.path.format_map(change.params))
    yield from rotation.proof(change.address.path, change.after)
