"""What a field of a kind is: its type, its default on a server, and what is special about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic import Field as PydanticField

from vaultconf.fields import ANYTHING, Codec
from vaultconf.loose import MISSING
from vaultconf.nouns import Server, Values
from vaultconf.policy_findings import PolicyProblem


class Spec(BaseModel):
    """Base of every kind's model; reads the YAML and Vault's answer into the same frozen values."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        arbitrary_types_allowed=True,
        protected_namespaces=(),
        defer_build=True,  # the codecs read the values; only the JSON Schema needs what pydantic builds
    )


class Open(Spec):
    """Base of a model whose fields nobody knows: any name is one, of any value, and only what is written counts."""


class Required:
    """The default of a field that must be written."""

    def __repr__(self) -> str:
        return "required"


REQUIRED = Required()


@dataclass(frozen=True, slots=True)
class Computed:
    """A default that depends on the server or on other values; `text` says it in the docs."""

    value: Callable[[Server, Values], object]
    text: str


@dataclass(frozen=True, slots=True)
class Marks:
    """What is special about a field.

    secret: must be a reference, and is never shown. hidden: may be written in clear, and is shown only where the
    object says so. write_only: no server returns it; returned: the only
    product that does ("" for all). immutable: a new value means delete and create. resets: every write that
    leaves it out resets it. told_by: the field whose value tells that a write-only one is set, `*` where it always
    is. chosen: the server picks it, so it is compared only when written. read_from: a path
    of its own returns it, asked only when it is written. only: the product that has the field. names: the kind
    whose objects it names (within: of the same mount; must_exist: an unknown name is an error). from_file: the
    text may be given as `file:`. grammar: what a server (None: any) would refuse in a text, places within it.
    """

    default: object = None
    secret: bool = False
    hidden: bool = False
    write_only: bool = False
    returned: str = ""
    immutable: bool = False
    resets: bool = False
    told_by: str = ""
    chosen: bool = False
    read_from: str = ""
    only: str = ""
    names: str = ""
    within: bool = False
    must_exist: bool = True
    from_file: bool = False
    grammar: Callable[[str, Server | None], Iterable[PolicyProblem]] | None = None

    def __call__(self, schema: dict[str, Any]) -> None:
        """Complete the field's JSON Schema; pydantic calls this."""
        if self.write_only:
            schema["writeOnly"] = True
        if isinstance(self.default, bool | int | str):
            schema["default"] = self.default
        elif isinstance(self.default, tuple | Mapping):
            schema["default"] = list(self.default) if isinstance(self.default, tuple) else dict(self.default)


def setting(default: object, description: str, **marks: Any) -> Any:
    """Declare a field: the server's default, one line of documentation, and its marks (see Marks)."""
    shown = None if isinstance(default, Required | Computed) else default
    return PydanticField(default=shown, description=description, json_schema_extra=Marks(default=default, **marks))


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a kind, by its dotted name in the YAML."""

    name: str
    codec: Codec
    description: str
    marks: Marks

    @property
    def required(self) -> bool:
        """Whether it must be written."""
        return self.marks.default is REQUIRED

    def read(self, value: object) -> object:
        """Read a value of the YAML. Raises ValueError, whose message quotes no value."""
        return self.codec.read_yaml(value)

    def read_resolved(self, value: object) -> object:
        """Read a value that came out of references. Raises ValueError, whose message quotes no value."""
        return self.codec.read_resolved(value)

    def exists_on(self, server: Server) -> bool:
        """Whether this server knows the field."""
        return self.marks.only in ("", server.product)

    def read_back_on(self, server: Server) -> bool:
        """Whether this server returns the field, so that it can be compared."""
        return not self.marks.write_only and self.marks.returned in ("", server.product)


class _AnyField(Mapping[str, Field]):
    """The fields of an open model: every name is one, and there are none to go through."""

    def __getitem__(self, name: str) -> Field:
        return Field(name, ANYTHING, "", Marks(default=MISSING, hidden=True))

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


@cache
def fields_of(model: type[Spec], prefix: str = "") -> Mapping[str, Field]:
    """All fields of a model by dotted name, nested models flattened."""
    if issubclass(model, Open):
        return _AnyField()
    found: dict[str, Field] = {}
    for name, info in model.model_fields.items():
        inner = info.annotation
        if isinstance(inner, type) and issubclass(inner, Spec):
            found.update(fields_of(inner, f"{prefix}{name}."))
            continue
        codec = next(item for item in info.metadata if isinstance(item, Codec))
        marks = info.json_schema_extra
        if not isinstance(marks, Marks):
            raise TypeError(f"{model.__name__}.{name} is not declared with setting()")
        found[prefix + name] = Field(prefix + name, codec, info.description or "", marks)
    return found


def default_of(spec: Field, server: Server, values: Values) -> object:
    """The value that this server gives a field that is left out."""
    default = spec.marks.default
    return default.value(server, values) if isinstance(default, Computed) else default


@cache
def defaults_of(model: type[Spec], server: Server, prefix: str) -> tuple[Mapping[str, object], tuple[Field, ...]]:
    """The defaults that are the same for every object of a kind, and the fields whose default is computed."""
    wanted = [
        spec
        for name, spec in fields_of(model).items()
        if name.startswith(prefix) and not spec.required and not spec.marks.chosen and spec.exists_on(server)
    ]
    constant = {spec.name: spec.marks.default for spec in wanted if not isinstance(spec.marks.default, Computed)}
    return constant, tuple(spec for spec in wanted if isinstance(spec.marks.default, Computed))


@cache
def computed_fields(model: type[Spec]) -> tuple[str, ...]:
    """The fields whose default depends on the server or on other values."""
    return tuple(name for name, spec in fields_of(model).items() if isinstance(spec.marks.default, Computed))
