"""Live → what a person would have written: defaults left out, references where no value may stand. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from vaultconf import catalogue
from vaultconf.errors import Problem
from vaultconf.kind import Field, Kind
from vaultconf.kind_facts import naming
from vaultconf.model import Address, Blocked, Desired, Held, Live, Server
from vaultconf.naming import targets
from vaultconf.references import Deferred, Reference, Template
from vaultconf.spec import defaults_of

_ALWAYS = "*"
_NO_VALUE = object()


@dataclass(frozen=True, slots=True)
class Provide:
    """A value that no server tells, and the environment variable that must hold it."""

    address: Address
    field: str
    variable: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An object that no file can declare, and why."""

    kind: Kind
    address: Address
    reason: str


@dataclass(frozen=True, slots=True)
class Export:
    """What an export found and wrote. `files` is text by path; `external` what is named there and not in it."""

    server: Server
    files: Mapping[str, str] = field(default_factory=dict, repr=False)
    objects: tuple[Desired, ...] = field(default=(), repr=False)
    provide: tuple[Provide, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    blocked: tuple[Blocked, ...] = ()
    held: tuple[Held, ...] = ()
    external: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    errors: tuple[Problem, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether everything that is there could be read."""
        return not self.blocked and not self.errors


def written(found: Iterable[tuple[Desired, Live]], server: Server) -> list[Desired]:
    """What a person would write of each object, sorted by address; what says nothing is not written at all.

    What a server made by itself, such as the entity of a login, is left out unless something was added to it, or
    another object names it.
    """
    names = Variables()
    ordered = sorted(found, key=lambda pair: str(pair[0].address))
    own = [(item, live) for item, live in ordered if not _is_standard(item, live)]
    objects = [replace(item, values=_values(item, live, server, names)) for item, live in own]
    objects = [item for item in objects if item.values or not _says_nothing(item)]
    named = {address for item in objects for address in _named(item)}
    return [item for item in objects if not _made_by_server(item) or item.address in named]


def provided(objects: Iterable[Desired]) -> Iterator[Provide]:
    """The values that somebody has to provide."""
    for item in objects:
        for name, value in item.values.items():
            if isinstance(value, Deferred):
                yield Provide(item.address, name, value.references[0].target)


def not_there(objects: Iterable[Desired]) -> set[str]:
    """The addresses that must be listed under `external`: what the objects name and what is not among them."""
    objects = tuple(objects)
    here = {item.address for item in objects}
    return {str(address) for item in objects for address in _named(item) if address not in here}


def untold(kind: Kind, server: Server) -> Iterator[str]:
    """The fields of which this server neither returns the value nor tells whether there is one."""
    for name, spec in kind.fields.items():
        if spec.exists_on(server) and not spec.read_back_on(server) and not spec.marks.told_by:
            yield name


def _named(item: Desired) -> Iterator[Address]:
    """What an object names that must be declared, built in or external."""
    for spec in naming(item.kind):
        builtin = catalogue.all_kinds()[spec.marks.names].builtin
        for name, address in targets(spec, item.values, item.params, item.address.namespace):
            if name not in builtin:
                yield address


def _says_nothing(item: Desired) -> bool:
    """Whether an object without a field written need not be declared: it is there anyway."""
    return item.kind.always or item.params.get(item.kind.holes[-1]) in item.kind.partial


def _is_standard(item: Desired, live: Live) -> bool:
    """Whether a built-in object is as the server made it."""
    return item.params.get(item.kind.holes[-1]) in item.kind.builtin and item.kind.standard(live.values)


def _made_by_server(item: Desired) -> bool:
    names = item.kind.names
    return names.is_automatic(item.params.get(item.kind.holes[-1], "")) and item.values.keys() <= names.filled


class Variables:
    """Names of environment variables, each given once."""

    def __init__(self) -> None:
        self.taken: set[str] = set()

    def name(self, item: Desired, spec: str) -> str:
        """One that tells what it is for: `DATABASE_PAYMENTS_DB_PASSWORD`."""
        words = "_".join((item.address.namespace, *item.params.values(), spec))
        plain = re.sub(r"[^A-Z0-9]+", "_", words.upper()).strip("_")
        plain = plain if plain[:1].isalpha() else f"VAULT_{plain}"
        name, number = plain, 2
        while name in self.taken:
            name, number = f"{plain}_{number}", number + 1
        self.taken.add(name)
        return name

    def reference(self, item: Desired, spec: str) -> Deferred:
        """A reference to a variable of its own."""
        return Deferred(Template((Reference("env", self.name(item, spec)),)))


def _values(item: Desired, live: Live, server: Server, names: Variables) -> dict[str, object]:
    """The fields that must be written so that nothing differs from the server, in the model's order."""
    kind = item.kind
    constant, _ = defaults_of(kind.model, server, "")
    prefix = kind.partial.get(item.params[kind.holes[-1]], "")
    told: dict[str, object] = {}
    for name, spec in kind.fields.items():
        value = live.values.get(name)
        if not name.startswith(prefix) or not spec.exists_on(server):
            continue
        if spec.marks.write_only:
            if _is_set(spec, live):
                told[name] = names.reference(item, name)
        elif value is not None and not spec.marks.chosen and constant.get(name, _NO_VALUE) != value:
            is_hidden = value != "" and (spec.marks.secret or spec.codec.hides(value))
            told[name] = names.reference(item, name) if is_hidden else value
    return _without_defaults(item, live, server, told)


def _is_set(spec: Field, live: Live) -> bool:
    """Whether a write-only field can be taken for set."""
    by = spec.marks.told_by
    return by == _ALWAYS or bool(by and live.values.get(by))


def _without_defaults(item: Desired, live: Live, server: Server, told: Mapping[str, object]) -> dict[str, object]:
    """Leave out what follows from the other fields; what they would make different is written after all."""
    kind, kept = item.kind, dict(told)
    computed = [name for name in told if not kind.fields[name].required and not isinstance(told[name], Deferred)]
    for name in computed:
        without = {key: value for key, value in kept.items() if key != name}
        made = kind.completed(server, item.params, without).get(name, _NO_VALUE)
        if made == told[name] or isinstance(made, Deferred):
            kept = without
    for name, value in kind.completed(server, item.params, kept).items():
        there = live.values.get(name)
        if name not in kept and there is not None and value != there and not isinstance(value, Deferred):
            kept[name] = there
    return {name: kept[name] for name in kind.fields if name in kept}
