"""Carries out a plan. It takes one and never makes one.

Each change is a task: write, then read back and compare. A change starts when those it needs have succeeded;
one that fails takes along only what depends on it.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace

from vaultconf import doubts, moves, rotating
from vaultconf.answers import reason_of
from vaultconf.contact import Contact
from vaultconf.diff import compare
from vaultconf.http import Answer, Request
from vaultconf.kind import Steps
from vaultconf.live import read_one
from vaultconf.masking import Mask
from vaultconf.model import Action, Address, Change, Outcome, Status, Unreadable
from vaultconf.order import prerequisites
from vaultconf.references import Resolver
from vaultconf.sending import Ready
from vaultconf.transport import Task

Listener = Callable[[Outcome], None]

_UPGRADE_TRIES = 50
_UPGRADE_NAP = 0.1  # seconds
#: OpenBao empties a namespace after it has answered, and shows it until then (2.7.2).
_IN_PROGRESS = {"status": "in-progress"}
_EMPTYING_TRIES = 100
_EMPTYING_NAP = 0.1  # seconds


def run(ready: Iterable[Ready], contact: Contact, resolve: Resolver, listen: Listener) -> list[Outcome]:
    """Carry out the changes in order of their needs, side by side where they can be; never raises for a failure.

    After `stop` of the transport no further change begins; those under way are brought to their end.
    """
    return _Run(list(ready), contact, resolve, listen).run()


class _Run:
    """One apply: what each change still waits for, what waits for it, and how it ended."""

    def __init__(self, ready: list[Ready], contact: Contact, resolve: Resolver, listen: Listener) -> None:
        self.ready = {item.change.address: item for item in ready}
        needs = prerequisites(item.change for item in ready)
        self.missing = {address: len(wanted) for address, wanted in needs.items()}
        self.dependents: dict[Address, list[Address]] = {}
        for address, wanted in needs.items():
            for need in wanted:
                self.dependents.setdefault(need, []).append(address)
        self.contact = contact
        self.resolve = resolve
        self.listen = listen
        self.mask = Mask(secret for item in ready for secret in item.secrets)
        self.outcomes: dict[Address, Outcome] = {}

    def run(self) -> list[Outcome]:
        """Carry out what has to happen alone one by one, before all else (or after all else, where it goes)."""
        alone = [item.change for item in self.ready.values() if item.change.kind.alone]
        for change in alone:
            if change.action is not Action.DELETE:
                self.contact.transport.drive([self.started(change.address)], self.done)
        free = [address for address, missing in self.missing.items() if not missing]
        self.contact.transport.drive(map(self.started, (one for one in free if not self.is_alone(one))), self.done)
        for change in alone:
            if change.action is Action.DELETE:
                self.contact.transport.drive([self.started(change.address)], self.done)
        for address, item in self.ready.items():
            if address not in self.outcomes:
                self.end(address, Outcome(item.change, Status.SKIPPED, "interrupted before it began"))
        return [self.outcomes[address] for address in self.ready]

    def is_alone(self, address: Address) -> bool:
        """Whether nothing else may be under way with this change."""
        return self.ready[address].change.kind.alone

    def started(self, address: Address) -> tuple[Address, Task[Outcome]]:
        return address, _task(self.ready[address], self.contact, self.resolve)

    def done(self, address: Address, outcome: Outcome) -> Iterable[tuple[Address, Task[Outcome]]]:
        """Note how a change ended; hand over those that waited for nothing else, or skip what needed it."""
        self.end(address, outcome)
        if outcome.status is not Status.DONE:
            self.skip_dependents(address)
            return ()
        free = []
        for dependent in self.dependents.get(address, ()):
            self.missing[dependent] -= 1
            if not self.missing[dependent] and dependent not in self.outcomes:
                free.append(self.started(dependent))
        return free

    def skip_dependents(self, address: Address) -> None:
        """Skip all that needs a change that was not done, however indirectly; each names what it needed itself."""
        queue = deque([address])
        while queue:
            cause = queue.popleft()
            for dependent in self.dependents.get(cause, ()):
                if dependent not in self.outcomes:
                    reason = f"needs {cause}, which was not done"
                    self.end(dependent, Outcome(self.ready[dependent].change, Status.SKIPPED, reason))
                    queue.append(dependent)

    def end(self, address: Address, outcome: Outcome) -> None:
        outcome = replace(outcome, reason=self.mask(outcome.reason)) if outcome.reason else outcome
        self.outcomes[address] = outcome
        self.listen(outcome)


def _task(ready: Ready, contact: Contact, resolve: Resolver) -> Task[Outcome]:
    """Write one object and see that the server took it."""
    change = ready.change
    steps = _delete(change) if change.action is Action.DELETE else _write(ready)
    try:
        failed, last = yield from _send(steps, ready, contact)
        request_id = last.request_id if last is not None else ""
        if failed is not None:
            outcome = yield from doubts.settled(ready, contact, resolve, failed)
        elif change.action is Action.ROTATE:
            outcome = Outcome(change, Status.DONE)
        elif change.desired is None:
            outcome = yield from _gone(change, contact, last)
        else:
            outcome = yield from _verified(change, contact, resolve, request_id)
        return (yield from _rotated(ready, contact, outcome)) if change.rotate else outcome
    except ValueError as error:
        # The transport sends no path that a server would take for another one; a stranger may have such a name.
        return Outcome(change, Status.FAILED, str(error))


def _write(ready: Ready) -> Steps:
    change, write = ready.change, ready.write
    if write is None or change.action is Action.ROTATE:
        return
    if change.action is Action.MOVE:
        yield from moves.steps(change)
        if not write.send:
            return
        write = replace(write, action=Action.UPDATE)
    if change.action is Action.REPLACE:
        yield from _delete(change)
        write = replace(write, action=Action.CREATE, before={}, extras={})
    yield from change.kind.write(change.kind, write)


def _delete(change: Change) -> Steps:
    yield Request("DELETE", change.address.path)


def _send(steps: Steps, ready: Ready, contact: Contact) -> Task[tuple[Outcome | None, Answer | None]]:
    """Send a change's requests one after the other; stop at the first that fails."""
    answer: Answer | None = None
    try:
        request = next(steps)
        while True:
            request = contact.within(request, ready.change.address.namespace)
            answer = yield from _patiently(request)
            answer = yield from doubts.created(ready.change, request, answer, contact)
            if not answer.ok:
                steps.close()
                return _failure(ready.change, request, answer), answer
            request = steps.send(answer)
    except StopIteration:
        return None, answer


def _patiently(request: Request) -> Task[Answer]:
    """Send a request, again while the engine refuses it because it is turning into version 2 (kv; all servers)."""
    answer = yield request
    for _ in range(_UPGRADE_TRIES):
        if answer.status != 400 or b"from non-versioned to versioned" not in answer.body:
            break
        # All tasks wait with this one; it happens once in the life of a mount.
        time.sleep(_UPGRADE_NAP)
        answer = yield request
    return answer


def _failure(change: Change, request: Request, answer: Answer) -> Outcome:
    """How a change ended whose request failed; what half of a replace is left is said."""
    left = ""
    if change.action is Action.REPLACE and request.method != "DELETE":
        left = "; the old one is deleted, a second apply makes the new one"
    why = f"{answer.status}: {reason_of(answer)}" if answer.status else answer.fault
    if doubts.is_unknown(answer):
        return Outcome(change, Status.UNKNOWN, f"{why}; whether it was done is not known{left}")
    return Outcome(change, Status.FAILED, f"{why}{left}", answer.request_id)


def _rotated(ready: Ready, contact: Contact, written: Outcome) -> Task[Outcome]:
    """Let the server change the password of what is there, and see that it can log in with the new one."""
    if written.status is not Status.DONE:
        return written
    failed, last = yield from _send(rotating.steps(ready.change), ready, contact)
    if failed is not None:
        return replace(failed, reason=f"its password was not rotated, or the new one does not serve: {failed.reason}")
    return replace(written, request_id=last.request_id if last is not None else "")


def _gone(change: Change, contact: Contact, deleted: Answer | None) -> Task[Outcome]:
    """See that a deleted object is no longer there; `deleted` is the answer to the deletion."""
    request_id = deleted.request_id if deleted is not None else ""
    goes_on = deleted is not None and _IN_PROGRESS.items() <= (deleted.data or {}).items()
    for _ in range(_EMPTYING_TRIES if goes_on else 1):
        if (yield from doubts.is_gone(change, contact)) is not False:
            return Outcome(change, Status.DONE, request_id=request_id)
        if goes_on:
            time.sleep(_EMPTYING_NAP)  # likewise
    if goes_on:
        return Outcome(change, Status.DONE, "the server has begun to delete what is in it, and goes on", request_id)
    return Outcome(change, Status.FAILED, "the server still has it", request_id)


def _verified(change: Change, contact: Contact, resolve: Resolver, request_id: str) -> Task[Outcome]:
    """Read back what was written: a 204 proves nothing."""
    desired = change.desired
    if desired is None:
        return Outcome(change, Status.DONE, request_id=request_id)
    found = yield from read_one(contact, desired)
    if isinstance(found, Unreadable):
        return Outcome(change, Status.DONE, f"written, but cannot be read back: {found.reason}", request_id)
    if found is None:
        return Outcome(change, Status.FAILED, "was written, but is not there", request_id)
    left = sorted(compare(desired, found, contact.server, resolve).changed - rotating.not_sent(change))
    if left:
        names = ", ".join(f"`{name}`" for name in left)
        return Outcome(change, Status.FAILED, f"the server did not take {names}", request_id)
    return Outcome(change, Status.DONE, request_id=request_id)
