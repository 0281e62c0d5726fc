"""Carries out a plan. It takes one and never makes one.

Each change is a task: write, then read back and compare. A change starts when those it needs have succeeded;
one that fails takes along only what depends on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from vaultconf.answers import is_absent, reason_of
from vaultconf.contact import Contact
from vaultconf.diff import compare, known_value
from vaultconf.errors import InputError, Problem
from vaultconf.http import Answer, Request
from vaultconf.kind import Steps, Write
from vaultconf.live import read_one
from vaultconf.masking import masked
from vaultconf.model import Action, Address, Change, Live, Outcome, Plan, Status, Unreadable
from vaultconf.order import prerequisites
from vaultconf.references import Deferred, Resolver
from vaultconf.sealed import Secret
from vaultconf.transport import Task


@dataclass(frozen=True, slots=True)
class Ready:
    """A change with the values it will send, secrets resolved."""

    change: Change
    write: Write | None
    secrets: tuple[str, ...] = ()


def prepare(plan: Plan, resolve: Resolver) -> list[Ready]:
    """Resolve what the plan will send. Raises InputError with every reference that is not at hand."""
    missing: dict[str, Problem] = {}
    ready = [_ready(change, resolve, missing) for change in plan.changes]
    if missing:
        raise InputError(missing.values())
    return ready


def to_send(change: Change) -> frozenset[str]:
    """The names of the fields that a change sends.

    An update never sends a write-only field, unless the write replaces the whole object.
    """
    desired, kind = change.desired, change.kind
    if desired is None:
        return frozenset()
    server_has = {name for name in change.after if name in kind.fields}
    written = frozenset(desired.values) & server_has
    if change.action is not Action.UPDATE:
        return written
    if kind.replaces:
        return written | {name for name in desired.guidance.ignore if name in server_has}
    changed = {name for name in server_has if any(_is_of(item.field, name) for item in change.fields)}
    always = {name for name in server_has if name in kind.always_sent}
    resets = {name for name in written if kind.fields[name].marks.resets}
    return frozenset(
        name for name in changed | always | resets if not kind.fields[name].marks.secret or name in changed
    )


def _is_of(changed: str, name: str) -> bool:
    return changed == name or changed.startswith(f"{name}.")


def _ready(change: Change, resolve: Resolver, missing: dict[str, Problem]) -> Ready:
    if change.desired is None:
        return Ready(change, None)
    send = to_send(change)
    before = change.before.values if change.before is not None else {}
    values: dict[str, object] = {}
    secrets: list[str] = []
    for name, value in change.after.items():
        values[name] = before.get(name, value) if name in change.desired.guidance.ignore else value
        if name in send and isinstance(value, Deferred | Secret):
            values[name] = _resolved(change, name, value, resolve, missing)
            secrets += _texts(values[name])
            values[name] = Secret(str(values[name])) if isinstance(values[name], str) else values[name]
    extras = change.before.extras if change.before is not None else {}
    write = Write(change.action, change.address.path, change.params, values, send, before, extras)
    return Ready(change, write, tuple(secrets))


def _resolved(
    change: Change, name: str, value: Deferred | Secret, resolve: Resolver, missing: dict[str, Problem]
) -> object:
    known = known_value(change.kind.fields[name], value, resolve)
    if known is None and isinstance(value, Deferred):
        absent = [reference for reference in value.references if resolve(reference) is None]
        why = ", ".join(map(str, absent)) + " is not at hand" if absent else "is not of the field's type"
        place = change.desired.places.get(name) if change.desired is not None else None
        missing[f"{change.address} {name}"] = Problem(f"{change.address}: `{name}` {why}", place, "it is to be sent")
    return known


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _texts(item)


Listener = Callable[[Outcome], None]


def run(ready: Iterable[Ready], contact: Contact, resolve: Resolver, listen: Listener) -> list[Outcome]:
    """Carry out the changes in order of their needs, side by side where they can be; never raises for a failure."""
    return _Run(list(ready), contact, resolve, listen).run()


class _Run:
    """One apply: which changes are waiting, and how the others ended."""

    def __init__(self, ready: list[Ready], contact: Contact, resolve: Resolver, listen: Listener) -> None:
        self.waiting = {item.change.address: item for item in ready}
        self.needs = prerequisites(item.change for item in ready)
        self.order = [item.change.address for item in ready]
        self.contact = contact
        self.resolve = resolve
        self.listen = listen
        self.outcomes: dict[Address, Outcome] = {}

    def run(self) -> list[Outcome]:
        self.contact.transport.drive(self.startable(), self.done)
        for address, item in self.waiting.items():
            self.end(address, Outcome(item.change, Status.SKIPPED, "interrupted before it began"))
        return [self.outcomes[address] for address in self.order]

    def startable(self) -> list[tuple[Address, Task[Outcome]]]:
        """Take the changes whose needs are met; those whose needs have failed end here."""
        started: list[tuple[Address, Task[Outcome]]] = []
        progress = True
        while progress:
            progress = False
            for address in list(self.waiting):
                ended = [self.outcomes[need] for need in self.needs[address] if need in self.outcomes]
                failed = next((outcome for outcome in ended if outcome.status is not Status.DONE), None)
                if failed is not None:
                    change = self.waiting.pop(address).change
                    reason = f"needs {failed.change.address}, which was not done"
                    self.end(address, Outcome(change, Status.SKIPPED, reason))
                    progress = True
                elif len(ended) == len(self.needs[address]):
                    started.append((address, _task(self.waiting.pop(address), self.contact, self.resolve)))
        return started

    def done(self, address: Address, outcome: Outcome) -> Iterable[tuple[Address, Task[Outcome]]]:
        self.end(address, outcome)
        return self.startable()

    def end(self, address: Address, outcome: Outcome) -> None:
        self.outcomes[address] = outcome
        self.listen(outcome)


def _task(ready: Ready, contact: Contact, resolve: Resolver) -> Task[Outcome]:
    """Write one object and see that the server took it."""
    change = ready.change
    steps = _delete(change) if change.action is Action.DELETE else _write(ready)
    failed, last = yield from _send(steps, ready, contact)
    if failed is not None:
        return failed
    request_id = last.request_id if last is not None else ""
    if change.desired is None:
        return (yield from _gone(change, contact, request_id))
    return (yield from _verified(ready, contact, resolve, request_id))


def _write(ready: Ready) -> Steps:
    change, write = ready.change, ready.write
    if write is None:
        return
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
            answer = yield contact.within(request, ready.change.address.namespace)
            if not answer.ok:
                steps.close()
                return _failure(ready, answer), answer
            request = steps.send(answer)
    except StopIteration:
        return None, answer


def _failure(ready: Ready, answer: Answer) -> Outcome:
    if answer.status == 0:
        reason = f"{answer.fault}; whether it was done is not known"
        return Outcome(ready.change, Status.UNKNOWN, masked(reason, ready.secrets))
    reason = f"{answer.status}: {masked(reason_of(answer), ready.secrets)}"
    return Outcome(ready.change, Status.FAILED, reason, answer.request_id)


def _gone(change: Change, contact: Contact, request_id: str) -> Task[Outcome]:
    """See that a deleted object is no longer there."""
    if change.kind.table:
        return Outcome(change, Status.DONE, request_id=request_id)
    answer = yield contact.within(Request("GET", change.address.path), change.address.namespace)
    if answer.ok and answer.data is not None and not is_absent(change.kind, answer):
        return Outcome(change, Status.FAILED, "the server still has it", answer.request_id)
    return Outcome(change, Status.DONE, request_id=request_id)


def _verified(ready: Ready, contact: Contact, resolve: Resolver, request_id: str) -> Task[Outcome]:
    """Read back what was written: a 204 proves nothing."""
    change = ready.change
    desired = change.desired
    if desired is None:
        return Outcome(change, Status.DONE, request_id=request_id)
    found = yield from read_one(contact, desired)
    if isinstance(found, Unreadable):
        return Outcome(change, Status.DONE, f"written, but cannot be read back: {found.reason}", request_id)
    if found is None:
        return Outcome(change, Status.FAILED, "was written, but is not there", request_id)
    return _compared(change, found, contact, resolve, request_id)


def _compared(change: Change, found: Live, contact: Contact, resolve: Resolver, request_id: str) -> Outcome:
    if change.desired is None:
        return Outcome(change, Status.DONE, request_id=request_id)
    left = sorted(compare(change.desired, found, contact.server, resolve).changed)
    if left:
        names = ", ".join(f"`{name}`" for name in left)
        return Outcome(change, Status.FAILED, f"the server did not take {names}", request_id)
    return Outcome(change, Status.DONE, request_id=request_id)
