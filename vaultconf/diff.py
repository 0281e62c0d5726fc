"""What differs between a desired object and the live one; knows no kind.

Equality first: only where something differs is it looked at closely.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from vaultconf.kind import Field, default_of
from vaultconf.model import Desired, FieldChange, Live, Server, Unverified, Values
from vaultconf.references import Deferred, Resolver
from vaultconf.sealed import Secret


@dataclass(frozen=True, slots=True)
class Difference:
    """The fields that differ, what could not be compared, and the complete desired values."""

    fields: tuple[FieldChange, ...]
    changed: frozenset[str]
    unverified: tuple[Unverified, ...]
    after: Values


def compare(desired: Desired, live: Live, server: Server, resolve: Resolver) -> Difference:
    """Compare every field that this server returns with what is desired, defaults included."""
    after = desired.kind.completed(server, desired.params, desired.values)
    changes: list[FieldChange] = []
    changed: set[str] = set()
    unverified: list[Unverified] = []
    for name, value in after.items():
        if live.values.get(name) == value:
            continue
        spec = desired.kind.fields[name]
        reason = _incomparable(desired, spec, server)
        if reason is not None:
            if reason:
                unverified.append(Unverified(desired.address, name, reason))
            continue
        found = list(_field(desired, spec, value, live, server, resolve))
        unverified += (item for item in found if isinstance(item, Unverified))
        differing = [item for item in found if isinstance(item, FieldChange)]
        changes += differing
        changed.update({name} if differing else ())
    return Difference(tuple(changes), frozenset(changed), tuple(unverified), after)


def with_write_only(desired: Desired, found: Difference) -> Difference:
    """The same difference with every written write-only secret to be sent again."""
    names = {name for name in desired.values if (marks := desired.kind.fields[name].marks).secret and marks.write_only}
    return Difference(
        fields=(*found.fields, *(FieldChange(name, secret=True) for name in sorted(names))),
        changed=found.changed | names,
        unverified=tuple(item for item in found.unverified if item.field not in names),
        after=found.after,
    )


def _incomparable(desired: Desired, spec: Field, server: Server) -> str | None:
    """Why a field is not compared: a reason to report, "" for silence, None where it is compared."""
    written = spec.name in desired.values
    if not spec.exists_on(server):
        return ""
    if spec.name in desired.guidance.ignore:
        return "ignored here"
    if spec.read_back_on(server):
        return None
    if not written:
        return ""
    return "write-only; no ledger" if spec.marks.secret else f"{server.product} does not return it"


def _field(
    desired: Desired, spec: Field, value: object, live: Live, server: Server, resolve: Resolver
) -> Iterator[FieldChange | Unverified]:
    """Compare one field that is not plainly equal."""
    hidden = spec.marks.secret or isinstance(value, Deferred | Secret)
    before = live.values.get(spec.name, default_of(spec, server, live.values))
    known = known_value(spec, value, resolve)
    if known is None:
        references = ", ".join(map(str, value.references)) if isinstance(value, Deferred) else ""
        yield Unverified(desired.address, spec.name, f"{references} is not at hand")
    elif before == known:
        return
    elif hidden:
        yield FieldChange(spec.name, secret=True)
    elif isinstance(before, Mapping) and isinstance(known, Mapping):
        yield from _entries(spec.name, before, known)
    else:
        yield FieldChange(spec.name, before, known)


def known_value(spec: Field, value: object, resolve: Resolver) -> object | None:
    """The canonical value behind a secret or a reference; None where it is not at hand or no such value."""
    if isinstance(value, Secret):
        return spec.read(value.reveal())
    if not isinstance(value, Deferred):
        return value
    raw = value.resolve(resolve)
    try:
        return None if raw is None else spec.read(_as_typed(raw, spec))
    except ValueError:
        return None


def _as_typed(raw: object, spec: Field) -> object:
    """A reference yields text; numbers and flags are read from it as from Vault."""
    if isinstance(raw, str) and spec.codec.schema.get("type") in ("boolean", "integer"):
        if spec.codec.schema["type"] == "boolean" and raw in ("true", "false"):
            return raw == "true"
        return int(raw) if raw.isascii() and raw.isdigit() else raw
    return raw


def _entries(name: str, before: Mapping[str, object], after: Mapping[str, object]) -> Iterator[FieldChange]:
    """The entries of a map that differ, each under its own dotted name."""
    from deepdiff import DeepDiff  # noqa: PLC0415 - slow to import, and most runs find nothing that differs

    for key in sorted(map(str, DeepDiff(dict(before), dict(after), max_diffs=10_000).affected_root_keys)):
        yield FieldChange(f"{name}.{key}", before.get(key), after.get(key))


def written_fields(desired: Desired, server: Server) -> Iterator[FieldChange]:
    """The fields of an object that is to be made."""
    for name, value in desired.values.items():
        spec = desired.kind.fields[name]
        if spec.exists_on(server):
            hidden = spec.marks.secret or isinstance(value, Deferred | Secret)
            yield FieldChange(name, secret=True) if hidden else FieldChange(name, None, value)
