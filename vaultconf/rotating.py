"""Passwords that the server changes by itself, so that nobody but it knows them: when, by which requests. Pure.

Once that is done, the password in the files is none any more: it is neither compared nor sent again, unless a person
says so. To do it twice harms nobody: the server knows its password, and takes another one.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterator
from dataclasses import replace

from vaultconf.diff import Difference
from vaultconf.errors import Problem
from vaultconf.http import Request
from vaultconf.kind import Kind, Steps
from vaultconf.ledger import DUE, Ledger
from vaultconf.model import Action, Change, Desired, Live, Server, Unverified
from vaultconf.nouns import MAKES
from vaultconf.references import Deferred
from vaultconf.sending import to_send

_STALE = "the one in the files is sent only with --resend"


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
    reason = f"{how}; {_STALE}"
    return {name: Unverified(desired.address, name, reason) for name in sorted(rotation.fields.intersection(names))}


def not_sent(change: Change) -> frozenset[str]:
    """What a rotation changes and this change leaves alone, so that it may be another than in the files."""
    rotation = change.kind.rotation
    return rotation.fields - to_send(change) if rotation is not None else frozenset()


def is_first(desired: Desired, live: Live, server: Server, ledger: Ledger) -> bool:
    """Whether what exists with its mount was never written, so that no secret of it can be there.

    Where a rotated password may be, it is not said: all that is seen may have been reset by hand.
    """
    entry = ledger.entries.get(desired.address)
    if not desired.kind.always or is_wished(desired) or (entry is not None and entry.rotated):
        return False
    blank = desired.kind.completed(server, desired.params, {})
    return all(live.values.get(name) == value for name, value in blank.items())


def kept_back(desired: Desired, found: Difference, ledger: Ledger) -> Difference:
    """The difference without what the server has changed together with the password, and returns (an AWS access key).

    Where nobody remembers, it is taken for that if the files wish for a rotation.
    """
    rotation, entry = desired.kind.rotation, ledger.entries.get(desired.address)
    names = rotation.fields & found.changed if rotation is not None else frozenset[str]()
    rotated = bool(entry.rotated) if entry is not None else is_wished(desired)
    if not names or not rotated:
        return found
    held = [Unverified(desired.address, name, f"is another than in the files; {_STALE}") for name in sorted(names)]
    return replace(
        found,
        fields=tuple(item for item in found.fields if item.field not in names),
        changed=found.changed - names,
        unverified=(*(item for item in found.unverified if item.field not in names), *held),
    )


def notices(change: Change) -> Iterator[str]:
    """What a plan says of the passwords that a change changes beside itself."""
    rotation = change.kind.rotation
    if rotation is None:
        return
    if change.action in MAKES and (warning := rotation.warning(change.after)):
        yield f"{change.address}: making it {warning}"
    if change.rotate and change.action is not Action.ROTATE:
        made = "made" if change.action in MAKES else "written"
        yield f"{change.address}: its password is rotated as soon as it is {made}; nobody but the server knows it then"


def unable(change: Change, server: Server) -> Iterator[Problem]:
    """A problem with a password that is to be rotated, and that this server cannot rotate."""
    rotation = change.kind.rotation
    if change.rotate and rotation is not None and rotation.only not in ("", server.product):
        message = f"its password is to be rotated, and {server.product} has no `{rotation.path}`"
        yield Problem(message, change.source, "leave out `rotate_root`", str(change.address))


def last(desired: Desired, found: object, ledger: Ledger) -> str:
    """When a password was rotated last, as the server or the ledger says (RFC 3339); "" where neither does."""
    entry, rotation = ledger.entries.get(desired.address), desired.kind.rotation
    if rotation is not None and rotation.since:
        return str(found.extras.get(rotation.since) or "") if isinstance(found, Live) else ""
    return entry.rotated if entry is not None and entry.rotated != DUE else ""


def trace(change: Change, ledger: Ledger) -> str:
    """What tells whether the password of a change has been rotated meanwhile: it is another text then."""
    if change.desired is None:
        return ""
    return " ".join(filter(None, (last(change.desired, change.before, ledger), *_returned(change, change.desired))))


def since(change: Change | None, ledger: Ledger, before: str) -> bool | None:
    """Whether a password has been rotated since its `trace` was `before`; None where something else happened to it.

    That is a password that was set by hand or sent again, or a moment that nobody remembers any more.
    """
    now = trace(change, ledger) if change is not None else before
    if now == before:
        return False
    first, second = moment(before), moment(now)
    if first == second:
        # Without a ledger all that is known of an access key is that it is another one.
        return None if ledger.mount else True
    later = second is not None and (first is None or first < second)
    return True if later else None


def moment(text: str) -> datetime.datetime | None:
    """The moment (UTC) that a trace, or what `last` returns, begins with; None where it has none."""
    try:
        found = datetime.datetime.fromisoformat(text.partition(" ")[0])
    except ValueError:
        return None
    return found.astimezone(datetime.UTC) if found.tzinfo else None


def _returned(change: Change, desired: Desired) -> Iterator[str]:
    """What a server returns of what it changes with the password, but for what the files keep secret."""
    for name in returned_fields(change.kind):
        if change.before is not None and not isinstance(desired.values.get(name), Deferred):
            yield str(change.before.values.get(name) or "")


def returned_fields(kind: Kind) -> list[str]:
    """The fields that a rotation changes and every server returns."""
    names = kind.rotation.fields if kind.rotation is not None else ()
    return sorted(name for name in names if not kind.fields[name].marks.write_only)


def steps(change: Change) -> Steps:
    """The requests that change the password, and prove that the server can log in with the new one.

    Where the server tells when it happened last, that has to be another moment then. Raises ValueError where it is not.
    """
    rotation = change.kind.rotation
    if rotation is None:
        return
    yield Request("POST", rotation.path.format_map(change.params))
    yield from rotation.proof(change.address.path, change.after)
    if rotation.since:
        answer = yield Request("GET", change.address.path)
        now = (answer.data or {}).get(rotation.since)
        if now is None or (change.before is not None and now == change.before.extras.get(rotation.since)):
            message = f"the server took it, but has not rotated: `{rotation.since}` is as it was"
            raise ValueError(message)
