"""What differs between a desired object and the live one; knows no kind.

Equality first: only where something differs is it looked at closely.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from vaultconf.kind import Field, Spec, default_of, fields_of
from vaultconf.model import Desired, FieldChange, Live, Server, Unverified, Values
from vaultconf.references import Deferred, Resolver, absent
from vaultconf.sealed import Secret

#: Why a written field of an open kind is not compared.
NOT_RETURNED = "the server does not return it"


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
    unseen = _unseen(desired, server)
    changes: list[FieldChange] = []
    changed: set[str] = set()
    unverified = [Unverified(desired.address, name, reason) for name, reason in unseen.items() if reason]
    for name, value in after.items():
        if live.values.get(name) == value or name in unseen:
            continue
        spec = desired.kind.fields[name]
        before = live.values.get(name, default_of(spec, server, live.values))
        for item in _field(desired, spec, before, value, resolve):
            if isinstance(item, Unverified):
                unverified.append(item)
            else:
                changes.append(item)
                changed.add(name)
    return Difference(tuple(changes), frozenset(changed), tuple(unverified), after)


def with_write_only(desired: Desired, found: Difference) -> Difference:
    """The same difference with every written write-only secret, and what no answer holds, to be sent again."""
    names = {name for name in desired.values if (marks := desired.kind.fields[name].marks).secret and marks.write_only}
    names |= {item.field for item in found.unverified if item.reason == NOT_RETURNED and item.field in desired.values}
    return Difference(
        fields=(*found.fields, *(_secret(name, desired.values[name]) for name in sorted(names))),
        changed=found.changed | names,
        unverified=tuple(item for item in found.unverified if item.field not in names),
        after=found.after,
    )


@cache
def _blind(model: type[Spec], server: Server) -> tuple[str, ...]:
    """The fields of a kind that this server does not have, or takes and does not return; in the model's order."""
    return tuple(
        name for name, spec in fields_of(model).items() if not spec.exists_on(server) or not spec.read_back_on(server)
    )


def _unseen(desired: Desired, server: Server) -> dict[str, str]:
    """The fields of an object that are not compared: why, or "" where there is nothing to say."""
    blind = _blind(desired.kind.model, server)
    unseen = {name: _why(desired, desired.kind.fields[name], server) for name in blind}
    unseen.update(dict.fromkeys(desired.guidance.ignore, "ignored here"))
    return unseen


def _why(desired: Desired, spec: Field, server: Server) -> str:
    if spec.name not in desired.values or not spec.exists_on(server):
        return ""
    return "write-only; no ledger" if spec.marks.secret else f"{server.product} does not return it"


def _field(
    desired: Desired, spec: Field, before: object, value: object, resolve: Resolver
) -> Iterator[FieldChange | Unverified]:
    """Compare one field that is not plainly equal."""
    known = known_value(spec, value, resolve)
    if known is None:
        yield Unverified(desired.address, spec.name, not_at_hand(value, resolve))
    elif spec.codec.same(before, known):
        for part in spec.codec.unreturned(before, known):
            yield Unverified(desired.address, f"{spec.name}.{part}" if part else spec.name, NOT_RETURNED)
    elif spec.marks.hidden:
        yield _hidden(desired, spec.name, value, update=True)
    elif spec.marks.secret or isinstance(value, Deferred | Secret) or spec.codec.hides(before):
        yield _secret(spec.name, value)
    elif isinstance(before, Mapping) and isinstance(known, Mapping):
        yield from _entries(spec.name, before, known)
    else:
        yield FieldChange(spec.name, before, known)


def _hidden(desired: Desired, name: str, value: object, *, update: bool) -> FieldChange:
    """A field that is shown only where the object says so, and then as it is written, never as it is live."""
    if name not in desired.guidance.show or isinstance(value, Deferred | Secret):
        return _secret(name, value)
    return FieldChange(name, None, value, withheld=update)


def _secret(name: str, value: object) -> FieldChange:
    """A change that shows no value, but where it comes from: a reviewer must see which secret goes where."""
    references = map(str, value.references) if isinstance(value, Deferred) else ()
    return FieldChange(name, secret=True, references=tuple(references))


def known_value(spec: Field, value: object, resolve: Resolver) -> object | None:
    """The canonical value behind a secret or a reference; None where it is not at hand or no such value."""
    if isinstance(value, Secret):
        return spec.read(value.reveal())
    if not isinstance(value, Deferred):
        return value
    raw = value.resolve(resolve)
    try:
        return None if raw is None else spec.read_resolved(_as_typed(raw, spec))
    except ValueError:
        return None


def unusable(spec: Field, value: object, resolve: Resolver) -> str:
    """Why a value whose references are all at hand can never be sent, in words that quote no value; "" if it can."""
    raw = value.resolve(resolve) if isinstance(value, Deferred) else None
    if raw is None:
        return ""
    try:
        spec.read_resolved(_as_typed(raw, spec))
    except ValueError as error:
        return f"{', '.join(map(str, value.references))} {error}" if isinstance(value, Deferred) else str(error)
    return ""


def not_at_hand(value: object, resolve: Resolver) -> str:
    """Why `known_value` knows none, in words that quote no value."""
    if not isinstance(value, Deferred):
        return "is not of the field's type"
    if missing := absent(value.references, resolve):
        return f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not at hand"
    return f"{', '.join(map(str, value.references))}: not of the field's type"


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

    # Without the threshold, maps that have little in common would differ as a whole, and in no entry.
    found = DeepDiff(dict(before), dict(after), max_diffs=10_000, threshold_to_diff_deeper=0)
    for key in sorted(map(str, found.affected_root_keys)):
        yield FieldChange(f"{name}.{key}", before.get(key), after.get(key))


def written_fields(desired: Desired, server: Server) -> Iterator[FieldChange]:
    """The fields of an object that is to be made."""
    for name, value in desired.values.items():
        spec = desired.kind.fields[name]
        if spec.exists_on(server):
            if spec.marks.hidden:
                yield _hidden(desired, name, value, update=False)
                continue
            secret = spec.marks.secret or isinstance(value, Deferred | Secret)
            yield _secret(name, value) if secret else FieldChange(name, None, value)
