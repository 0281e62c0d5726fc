"""What became of a write that no clear answer came to: the server is asked, and nothing is guessed.

A connection breaks, a balancer gives up, a leader dies: the write may have been carried out all the same. What can be
repeated has been, by then. A creation that cannot be sent blindly twice is sent again only where the object is seen
not to be there; and what the server is seen to have as it is declared is done, whatever the last answer was.
"""

from __future__ import annotations

from dataclasses import replace

from vaultconf.answers import is_absent
from vaultconf.contact import Contact
from vaultconf.diff import compare
from vaultconf.http import Answer, Request
from vaultconf.live import read_one
from vaultconf.model import Action, Change, Live, Outcome, Status
from vaultconf.references import Resolver
from vaultconf.sending import Ready
from vaultconf.transport import Task

_TRIES = 5
_NO_ANSWER = 0
_SERVER_ERROR = 500


def is_unclear(answer: Answer) -> bool:
    """Whether a request that failed may have been carried out."""
    return answer.in_doubt or answer.status == _NO_ANSWER


def is_unknown(answer: Answer) -> bool:
    """Whether nobody can say how it ended; a server that fails by itself (500) says that it did."""
    return is_unclear(answer) and answer.status != _SERVER_ERROR


def created(change: Change, request: Request, answer: Answer, contact: Contact) -> Task[Answer]:
    """The answer to a creation that may have been carried out unheard; sent again while the object is not there.

    No server makes a second mount or audit device of one path, so that nothing is doubled though the first one arrives
    late. A free endpoint may do anything: it is never asked twice.
    """
    for _ in range(_TRIES):
        if answer.ok or request.repeatable or not is_unclear(answer) or change.action in (Action.UPDATE, Action.MOVE):
            break
        found = (yield from read_one(contact, change.desired)) if change.desired is not None else None
        if isinstance(found, Live):
            return Answer(204)
        if found is not None or change.kind.is_open:
            break
        answer = replace((yield request), in_doubt=True)
    return answer


def settled(ready: Ready, contact: Contact, resolve: Resolver, failed: Outcome) -> Task[Outcome]:
    """How a change ended that a request of it failed: done where the server has the object as declared.

    After a refusal too. libcurl repeats by itself what it had sent over a kept connection that turns out dead; where
    the first one had arrived, a second alias of a group is refused, and so is the old version of a policy.
    """
    change = ready.change
    done = Outcome(change, Status.DONE)
    if change.desired is None:
        return done if (yield from is_gone(change, contact)) else failed
    found = yield from read_one(contact, change.desired)
    if not isinstance(found, Live) or ready.write is None:
        return failed
    difference = compare(change.desired, found, contact.server, resolve)
    # What no answer shows (a password) may have got lost.
    unseen = {item.field for item in difference.unverified}
    hidden = [name for name in ready.write.send if any(f"{field}.".startswith(f"{name}.") for field in unseen)]
    return failed if difference.changed or hidden else done


def is_gone(change: Change, contact: Contact) -> Task[bool | None]:
    """Whether a deleted object is no longer there; None where the server does not say."""
    by_table = bool(change.kind.table) and not change.kind.is_mount
    path = change.kind.table if by_table else change.address.path
    answer = yield contact.within(Request("GET", path), change.address.namespace)
    if not by_table and is_absent(change.kind, answer):
        return True
    data = answer.data if answer.ok else None
    if data is None:
        return None
    return by_table and f"{change.params[change.kind.holes[-1]]}/" not in data
