"""What the files must say of an object so that it is as the server has it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from vaultconf import references
from vaultconf.diff import compare
from vaultconf.errors import Problem
from vaultconf.export import Variables
from vaultconf.kind import Field
from vaultconf.model import Desired, FieldChange, Live, Server
from vaultconf.references import BadReference, Deferred, Resolver, Template
from vaultconf.yaml_cuts import REMOVED, Wish
from vaultconf.yaml_text import shown

#: How often defaults may follow from what was written a moment ago.
_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of a declared object that are to be written; REMOVED for one that is to go.

    `references` are those of them that somebody has to provide.
    """

    desired: Desired
    live: Live
    wishes: Mapping[str, Wish]
    references: Mapping[str, Deferred] = field(default_factory=dict)


def judged(
    desired: Desired, live: Live, server: Server, resolve: Resolver, variables: Variables
) -> tuple[Fields, list[Problem]]:
    """What to write of a declared object, and why some of it cannot be written."""
    values: dict[str, object] = dict(desired.values)
    changed: dict[str, object] = {}
    for _ in range(_ROUNDS):
        found = compare(replace(desired, values=values), live, server, resolve).fields
        secrets = _secrets(desired, live, found, variables)
        secrets = {name: value for name, value in secrets.items() if name not in changed}
        hidden = [change for change in found if field_name(desired, change.field) not in secrets]
        if not secrets and (problems := list(_hidden(desired, hidden))):
            return Fields(desired, live, {}), problems
        names = {field_name(desired, change.field) for change in found} - changed.keys()
        more = secrets or {name: live.values.get(name) for name in names}
        if not more:
            break
        changed |= more
        values = {name: value for name, value in {**values, **changed}.items() if value is not None}
    changed = _with_a_meaning(desired, changed, server)
    wishes = {name: _wish(desired, name, value, server) for name, value in changed.items()}
    unwritable = [
        _problem(desired, name, "cannot be written as the server has it", "change it on the server, or by hand here")
        for name, wish in wishes.items()
        if wish is None
    ]
    good = {name: wish for name, wish in wishes.items() if wish is not None}
    to_provide = {name: value for name, value in changed.items() if isinstance(value, Deferred)}
    return Fields(desired, live, good, to_provide), unwritable


def _secrets(desired: Desired, live: Live, found: Iterable[FieldChange], variables: Variables) -> dict[str, object]:
    """The secrets that came to be, as references that somebody has to provide; None for those that are no more.

    Of a secret that no server returns another field tells whether there is one.
    """
    names = {field_name(desired, change.field): change for change in found}
    secrets: dict[str, object] = {}
    for name, spec in desired.kind.fields.items():
        told = spec.marks.write_only and spec.marks.told_by in names
        shown_as = names.get(name)
        if not told and (shown_as is None or not shown_as.secret):
            continue
        there = live.values.get(spec.marks.told_by if told else name)
        if there and name not in desired.values:
            secrets[name] = variables.reference(desired, name)
        elif name in desired.values and not there:
            secrets[name] = None
    return secrets


def field_name(desired: Desired, name: str) -> str:
    """The field that a name in a plan belongs to: the entries of a map have names of their own."""
    while name not in desired.kind.fields:
        name = name.rpartition(".")[0]
    return name


def _hidden(desired: Desired, found: Iterable[FieldChange]) -> Iterator[Problem]:
    """The fields whose live value must not be written into a file."""
    for change in found:
        value = desired.values.get(change.field)
        if change.withheld or (change.secret and desired.kind.is_open):
            hint = "write by hand what it shall be"
            yield _problem(desired, change.field, "is of a generic object, whose live values are shown nowhere", hint)
        elif isinstance(value, Deferred) and not desired.kind.fields[change.field].marks.secret:
            listed = ", ".join(map(str, value.references))
            yield _problem(desired, change.field, f"comes from {listed}", "change what that stands for")
        elif change.secret:
            hint = "bring what the file refers to up to date, or undo the change with `vaultconf apply`"
            yield _problem(desired, change.field, "is a secret, and is never written into a file", hint)


def _problem(desired: Desired, name: str, what: str, hint: str) -> Problem:
    place = desired.places.get(name, desired.place)
    return Problem(f"`{shown(name)}` of `{shown(str(desired.address))}` {what}", place, hint, str(desired.address))


def _with_a_meaning(desired: Desired, changed: Mapping[str, object], server: Server) -> dict[str, object]:
    """A default stays written where it was; but it goes where it has no meaning beside the other values any more."""
    kind, values = desired.kind, {**desired.values, **changed}
    present = {name: value for name, value in values.items() if value is not None}
    if not any(kind.check(present)) or any(kind.check(desired.values)):
        return dict(changed)
    without = kind.completed(server, desired.params, {n: v for n, v in present.items() if n not in changed})
    default = {name for name, value in changed.items() if name in desired.values and without.get(name) == value}
    return {name: None if name in default else value for name, value in changed.items()}


def _wish(desired: Desired, name: str, value: object, server: Server) -> Wish | None:
    """How a live value is written; None where no file can say it."""
    spec = desired.kind.fields[name]
    if value is None:
        return Wish(REMOVED)
    if isinstance(value, Deferred):
        return Wish("".join(map(str, value.references)))
    wish = wish_for(spec, value)
    if wish.accepts(wish.value):
        return wish
    without = {key: item for key, item in desired.values.items() if key != name}
    is_default = desired.kind.completed(server, desired.params, without).get(name) == value
    return Wish(REMOVED) if is_default else None


def wish_for(spec: Field, value: object) -> Wish:
    """The YAML of a canonical value, and what our reader takes for the same."""
    written = references.literals(spec.codec.to_yaml(value))
    return Wish(written, lambda other: _means(spec, other, value), value, loose=spec.marks.from_file)


def _means(spec: Field, written: object, value: object) -> bool:
    try:
        return bool(spec.read(_parsed(written)) == value)
    except (ValueError, BadReference):
        return False


def _parsed(written: object) -> object:
    """A value of the YAML with `$${` read; raises BadReference for a reference."""
    if isinstance(written, str):
        found = references.parse(written, PurePosixPath())
        if isinstance(found, Template):
            raise BadReference("a reference")
        return found
    if isinstance(written, Mapping):
        return {key: _parsed(item) for key, item in written.items()}
    return [_parsed(item) for item in written] if isinstance(written, list) else written
