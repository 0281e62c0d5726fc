"""Passwords that the server changes by itself, so that nobody but it knows them: when, by which requests. Pure.

Once that is done, the password in the files is none any more: it is neither compared nor sent again, unless a person
says so. To do it twice harms nobody: the server knows its password, and takes another one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from vaultconf.http import Request
from vaultconf.kind import Steps
from vaultconf.ledger import DUE, Ledger
from vaultconf.model import Action, Change, Desired, Unverified

_MAKES = frozenset({Action.CREATE, Action.REPLACE})


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
    if change.action in _MAKES and (warning := rotation.warning(change.after)):
        yield f"{change.address}: making it {warning}"
    if change.rotate and change.action in _MAKES:
        yield f"{change.address}: its password is rotated as soon as it is made; nobody but the server knows it then"


def steps(change: Change) -> Steps:
    """The requests that change the password, and prove that the server can log in with the new one."""
    rotation = change.kind.rotation
    if rotation is None:
        return
    yield Request("POST", rotation.path.format_map(change.params))
    yield from rotation.proof(change.address.path, change.after)
