"""What a change sends: which fields, and their values with the references resolved, at the last moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from vaultconf.diff import known_value, not_at_hand, unusable
from vaultconf.errors import InputError, Problem
from vaultconf.kind import Write
from vaultconf.model import Action, Change, Desired, Plan, Unverified
from vaultconf.references import Deferred, Resolver
from vaultconf.sealed import Secret


@dataclass(frozen=True, slots=True)
class Ready:
    """A change with the values it will send; `secrets` are the texts that no error may show."""

    change: Change
    write: Write | None
    secrets: frozenset[str] = field(default=frozenset(), repr=False)


def prepare(plan: Plan, resolve: Resolver) -> list[Ready]:
    """Resolve what the plan will send. Raises InputError with every reference that is not at hand."""
    problems = [_problem(change, name, resolve) for change in plan.changes for name in _missing(change, resolve)]
    if problems:
        raise InputError(problems)
    return [_ready(change, resolve) for change in plan.changes]


def absences(change: Change, resolve: Resolver) -> Iterator[Unverified]:
    """The fields that the change will send and whose references are not at hand."""
    for name in _missing(change, resolve):
        yield Unverified(change.address, name, not_at_hand(change.after[name], resolve))


def to_send(change: Change) -> frozenset[str]:
    """The names of the fields that a change sends.

    An update never sends a write-only field, unless it is to be sent again or the write resets what it leaves out.
    """
    desired, kind = change.desired, change.kind
    if desired is None or change.action is Action.ROTATE:
        return frozenset()
    server_has = {name for name in change.after if name in kind.fields}
    written = server_has.intersection(desired.values)
    kept = server_has.intersection(desired.guidance.ignore) if change.before is not None else frozenset()
    if change.action not in (Action.UPDATE, Action.MOVE):
        return frozenset(written | kept)
    always = {name for name in server_has.intersection(kind.always_sent) if not kind.fields[name].marks.secret}
    if kind.replaces:
        return frozenset(written | kept | always)
    changed = {name for name in server_has if any(_is_of(item.field, name) for item in change.fields)}
    resets = {name for name in written | kept if kind.fields[name].marks.resets}
    return frozenset(changed | resets | always)


def _is_of(changed: str, name: str) -> bool:
    return changed == name or changed.startswith(f"{name}.")


def unusable_values(desired: Desired, resolve: Resolver) -> Iterator[Problem]:
    """Values that are at hand and that no server could be sent: wrong now, not only when they are sent.

    No secret is fetched from elsewhere only to be judged.
    """
    for name, value in desired.values.items():
        if (
            isinstance(value, Deferred)
            and not value.is_costly
            and (why := unusable(desired.kind.fields[name], value, resolve))
        ):
            place = desired.places.get(name, desired.place)
            yield Problem(f"`{name}`: {why}", place, address=str(desired.address))


def _missing(change: Change, resolve: Resolver) -> Iterator[str]:
    """The fields to be sent whose value is not known."""
    for name in sorted(to_send(change)):
        value = change.after[name]
        deferred = isinstance(value, Deferred) and not is_kept(change, name)
        if deferred and known_value(change.kind.fields[name], value, resolve) is None:
            yield name


def is_kept(change: Change, name: str) -> bool:
    """Whether the live value of a field is to stay."""
    return (
        change.desired is not None
        and name in change.desired.guidance.ignore
        and change.before is not None
        and name in change.before.values
    )


def _problem(change: Change, name: str, resolve: Resolver) -> Problem:
    place = change.desired.places.get(name) if change.desired is not None else None
    reason = not_at_hand(change.after[name], resolve)
    return Problem(f"`{name}` is to be sent, and {reason}", place or change.source, address=str(change.address))


def _ready(change: Change, resolve: Resolver) -> Ready:
    if change.desired is None:
        return Ready(change, None)
    send = to_send(change)
    before = change.before.values if change.before is not None else {}
    extras = change.before.extras if change.before is not None else {}
    values: dict[str, object] = dict(change.after)
    secrets: set[str] = set()
    for name in send:
        value = before[name] if is_kept(change, name) else change.after[name]
        if isinstance(value, Deferred | Secret) or change.kind.fields[name].marks.secret:
            known = known_value(change.kind.fields[name], value, resolve)
            secrets.update(_texts(known), _parts(value, resolve))
            value = Secret(known) if isinstance(known, str) else known
        elif change.kind.fields[name].marks.hidden and name not in change.desired.guidance.show:
            secrets.update(filter(None, _texts(value)))
        values[name] = value
    write = Write(change.action, change.address.path, change.params, values, send, before, extras)
    return Ready(change, write, frozenset(secrets))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _texts(item)


def _parts(value: object, resolve: Resolver) -> Iterator[str]:
    """The references alone: a server may echo a password out of the middle of a URL."""
    if isinstance(value, Deferred):
        yield from (text for text in map(resolve, value.references) if isinstance(text, str) and text)
