"""What an object kind is: a declaration that everything else follows from.

A kind names its model (fields, defaults, marks), where it stands in the YAML, which API path writes it, how its
collection is read, what absence looks like, and what a write resets. Schema, validation, diff, order, docs and
tests are derived; none of them knows a kind by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from vaultconf import answer_values
from vaultconf.http import Answer, Request
from vaultconf.nouns import ANY_FOLDED_NAME, ANY_NAME, PLAIN_NAME, Action, Live, Names, RiskReason, Server, Values
from vaultconf.rotations import Rotation
from vaultconf.spec import (
    REQUIRED,
    Computed,
    Field,
    Marks,
    Open,
    Required,
    Spec,
    computed_fields,
    default_of,
    defaults_of,
    fields_of,
    setting,
)

# A kind's file needs nothing but this module and the field types.
__all__ = [
    "ANY_FOLDED_NAME",
    "ANY_NAME",
    "REQUIRED",
    "Computed",
    "Field",
    "Kind",
    "Lookups",
    "Marks",
    "Names",
    "Obstacle",
    "Open",
    "Required",
    "Rotation",
    "Spec",
    "Steps",
    "Write",
    "body_of",
    "default_of",
    "fields_of",
    "post",
    "setting",
]

_HOLE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Write:
    """What a kind needs to turn a change into requests. `values` are complete, secrets already resolved."""

    action: Action
    path: str
    params: Mapping[str, str]
    values: Values = field(repr=False)
    send: frozenset[str] = frozenset()
    before: Values = field(default_factory=dict, repr=False)
    extras: Mapping[str, object] = field(default_factory=dict)


Steps = Generator[Request, Answer, None]

#: Asks for the data of one path after the other (None: not there), and returns an object's data, completed by them.
Lookups = Generator[str, Mapping[str, Any] | None, Mapping[str, Any]]


def body_of(kind: Kind, write: Write) -> dict[str, object]:
    """The JSON body of a write: the fields to send, nested as the dotted names say, in the server's own types."""
    body: dict[str, object] = {}
    for name in sorted(write.send):
        target = body
        *parents, leaf = name.split(".")
        for parent in parents:
            target = target.setdefault(parent, {})  # type: ignore[assignment]  # a nested dict by construction
        target[leaf] = kind.fields[name].codec.to_wire(write.values[name])
    return body


def post(kind: Kind, write: Write) -> Steps:
    """Write an object with one POST to its own path, as most kinds are."""
    yield Request("POST", write.path, kind.to_wire(body_of(kind, write)), repeatable=kind.repeatable)


def _same(data: Mapping[str, Any]) -> Mapping[str, Any]:
    return data


def _same_body(body: dict[str, object]) -> dict[str, object]:
    return body


def _always(_: Values) -> bool:
    return True


def _never(_before: Values, _after: Values) -> bool:
    return False


def _no_problems(_: Values) -> Iterable[str]:
    return ()


def _unlike(_: Values) -> bool:
    return False


def _nothing_more(_values: dict[str, object], _server: Server) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What a kind may look at to say that this server cannot take a change; `probe` is None where unreadable."""

    action: Action
    server: Server
    params: Mapping[str, str]
    values: Values = field(repr=False)
    probe: Mapping[str, Any] | None = field(default=None, repr=False)


def _no_obstacle(_: Obstacle) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Kind:
    """The declaration of one kind of object.

    Where it is: `yaml` and `path` are templates with the same holes, in the files and in the API; `mount_types`
    and `applies` say in which mounts. How it is read: `table` is a path whose one answer holds the whole
    collection, `bulk` likewise by LIST where the server has it, `listing` (default: the path above) names the
    collection; `base_only`: there is none in child namespaces. `absent`: (status, text of the error) of an absent
    object, "" being an empty list of errors. `always`: it exists with its mount. `slashed`: a list of names has a
    slash at the end of each. `lookups`: asks for what the answer names by id, all of it in the LISTs of
    `directories`.

    How it is written: `replaces`: a write resets what it leaves out; `always_sent`: fields that every write needs;
    `repeatable`: a write may be sent twice; `alone`: nothing else is written
    meanwhile; `alterable`: it can be updated in place, `must_replace` adds
    conditions; `extras`: facts of the answer that a write needs; `needs`: further objects, as namespace below the
    object's own and path, that must be there first; `claims`: what only one object of the kind can hold; `beside`:
    what `write` sends to other paths than the object's own, as method and path (`ANY` for an id).

    What is special: `builtin` objects are never deleted nor reported (`standard`: whether one is as servers make it,
    and so not exported), `untouchable` ones refused, `partial` names
    those that can only be tuned, and the prefix of the fields that are compared. `ignored`: what a server returns
    beside the configuration; `old_names`: deprecated names of fields, returned beside the new ones. `destroys` and
    `loses`: why deleting is dangerous (`only_last`: when no other remains); not `prunable`: no pattern of `prune`
    reaches it. `probe`: a path whose answer tells
    `obstacle` whether this server can take a change. `check` finds what is wrong with written values; `complete`
    adds defaults that depend on other values. `rotation`: how the server changes the password that it holds.
    """

    name: str
    title: str
    model: type[Spec]
    yaml: str
    path: str
    mount_types: frozenset[str] = frozenset()
    applies: Callable[[Values], bool] = _always
    names: Names = PLAIN_NAME
    listing: str = ""
    table: str = ""
    bulk: str = ""
    base_only: bool = False
    always: bool = False
    replaces: bool = False
    always_sent: tuple[str, ...] = ()
    repeatable: bool = True
    alone: bool = False
    absent: tuple[tuple[int, str], ...] = ((404, ""),)
    slashed: bool = False
    directories: tuple[str, ...] = ()
    lookups: Callable[[Mapping[str, Any]], Lookups] | None = None
    needs: Callable[[Values], Iterable[tuple[str, str]]] = lambda _: ()
    claims: Callable[[Values], Iterable[str]] = _no_problems
    beside: Callable[[str, Values], Iterable[tuple[str, str]]] = lambda _path, _values: ()
    builtin: frozenset[str] = frozenset()
    untouchable: frozenset[str] = frozenset()
    standard: Callable[[Values], bool] = _unlike
    ignored: frozenset[str] = frozenset()
    old_names: Mapping[str, str] = field(default_factory=dict)
    extras: tuple[str, ...] = ()
    destroys: RiskReason | None = None
    only_last: bool = False
    prunable: bool = True
    loses: str = ""
    alterable: bool = True
    partial: Mapping[str, str] = field(default_factory=dict)
    probe: str = ""
    obstacle: Callable[[Obstacle], str] = _no_obstacle
    check: Callable[[Values], Iterable[str]] = _no_problems
    complete: Callable[[dict[str, object], Server], None] = _nothing_more
    rotation: Rotation | None = None
    must_replace: Callable[[Values, Values], bool] = _never
    from_wire: Callable[[Mapping[str, Any]], Mapping[str, Any]] = _same
    to_wire: Callable[[dict[str, object]], dict[str, object]] = _same_body
    write: Callable[[Kind, Write], Steps] = post

    @property
    def fields(self) -> Mapping[str, Field]:
        """The fields by dotted name."""
        return fields_of(self.model)

    @property
    def holes(self) -> tuple[str, ...]:
        """The names of the template's holes, in order; the last one is the object's own name."""
        return _holes(self.yaml)

    @property
    def section(self) -> str:
        """The top-level key under which the kind stands."""
        return self.yaml.split(".", 1)[0]

    @property
    def is_mount(self) -> bool:
        """Whether other objects live below it."""
        return self.yaml in ("secrets.{mount}", "auth.{mount}")

    @property
    def is_namespace(self) -> bool:
        """Whether objects of other documents live in it."""
        return self.yaml == "namespaces.{name}"

    @property
    def in_mount(self) -> bool:
        """Whether it lives in a mount."""
        return "mount" in self.holes and not self.is_mount

    @property
    def is_power(self) -> bool:
        """Whether it gives or watches access: a mount, an auth method, a policy, an audit device."""
        return self.is_mount or self.section in ("policies", "password_policies", "audit")

    @property
    def named(self) -> bool:
        """Whether it is one of many (its path ends in a hole) and not a configuration."""
        return self.path.endswith("}")

    @property
    def is_open(self) -> bool:
        """Whether nobody knows its fields: only what is written is compared."""
        return issubclass(self.model, Open)

    @property
    def anywhere(self) -> bool:
        """Whether its name is its whole path, so that nothing tells where its like are."""
        return self.path == f"{{{self.holes[-1]}}}"

    def path_of(self, params: Mapping[str, str]) -> str:
        """The API path of one object."""
        return self.path.format_map(params)

    def collection_of(self, params: Mapping[str, str]) -> str:
        """The API path that lists the siblings of an object."""
        return (self.listing or self.path.rsplit("/", 1)[0]).format_map(params)

    def completed(self, server: Server, params: Mapping[str, str], written: Values) -> dict[str, object]:
        """Complete what was written with this server's defaults; what only the server picks stays out."""
        prefix = self.partial.get(params[self.holes[-1]], "") if self.partial else ""
        constant, computed = defaults_of(self.model, server, prefix)
        values = {**constant, **written}
        for spec in computed:
            if spec.name not in values:
                values[spec.name] = default_of(spec, server, values)
        self.complete(values, server)
        return values

    def live(self, data: Mapping[str, Any], server: Server) -> Live:
        """Read Vault's answer. Raises ValueError, which quotes no value, where the answer has another shape."""
        if self.is_open:
            return Live(self.from_wire(data))
        values, unknown = answer_values.read(self.model, self.from_wire(data))
        for name in computed_fields(self.model):
            if values[name] is None:
                values[name] = default_of(self.fields[name], server, values)
        extras = {name: data[name] for name in self.extras if name in data} if self.extras else {}
        return Live(values, unknown - self.ignored - self.old_names.keys() if unknown else unknown, extras)


@cache
def _holes(template: str) -> tuple[str, ...]:
    return tuple(_HOLE.findall(template))
