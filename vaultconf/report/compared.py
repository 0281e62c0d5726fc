"""What differs between the desired states of two targets: by address, both values with their places, and no secret."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from vaultconf.declarations import RESERVED
from vaultconf.desired import DesiredState
from vaultconf.errors import Place, Problem
from vaultconf.model import Desired
from vaultconf.references import Deferred
from vaultconf.report import data
from vaultconf.report.lines import SECRET, guarded, shown, visible
from vaultconf.report.rendered import declared, guidance_of, is_secret
from vaultconf.report.views import block_of, is_duration, place_text, things
from vaultconf.spec import REQUIRED, Computed

FORMAT = "vaultconf.render-diff/1"
_UNSAID = "(not written)"
_NOTHING = object()


@dataclass(frozen=True, slots=True)
class Environment:
    """A target with its desired state."""

    name: str
    state: DesiredState

    @property
    def objects(self) -> dict[str, Desired]:
        """Every object that files declare, by address."""
        return {str(item.address): item for item in declared(self.state)}


@dataclass(frozen=True, slots=True)
class _Field:
    """One field of an object as both targets say it; None where there is no object."""

    name: str
    left: Desired | None
    right: Desired | None

    @property
    def differs(self) -> bool:
        """Whether they mean something else: left out is the default, where that is known without a server."""
        return _meant(self.left, self.name) != _meant(self.right, self.name)

    @property
    def is_secret(self) -> bool:
        return any(_hidden(item, self.name) for item in (self.left, self.right))


@dataclass(frozen=True, slots=True)
class _Pair:
    """An object that differs, as each of two targets wants it; None where it does not."""

    address: str
    left: Desired | None
    right: Desired | None

    @property
    def found_in(self) -> str:
        return "both" if self.left and self.right else "left" if self.left else "right"

    @property
    def fields(self) -> list[_Field]:
        names = {name for item in (self.left, self.right) if item for name in (*item.values, RESERVED)}
        found = [_Field(name, self.left, self.right) for name in sorted(names)]
        return [item for item in found if item.differs]


@dataclass(frozen=True, slots=True)
class _Comparison:
    left: Environment
    right: Environment
    pairs: tuple[_Pair, ...]
    same: int

    def count(self, found_in: str) -> int:
        return sum(pair.found_in == found_in for pair in self.pairs)


def _compare(left: Environment, right: Environment) -> _Comparison:
    ours, theirs = left.objects, right.objects
    pairs = [_Pair(address, ours.get(address), theirs.get(address)) for address in sorted({**ours, **theirs})]
    different = tuple(pair for pair in pairs if pair.found_in != "both" or pair.fields)
    return _Comparison(left, right, different, len(pairs) - len(different))


def _said(item: Desired | None, name: str) -> object:
    if item is None:
        return _NOTHING
    return (guidance_of(item) or _NOTHING) if name == RESERVED else item.values.get(name, _NOTHING)


def _meant(item: Desired | None, name: str) -> object:
    found = _said(item, name)
    if item is None or found is not _NOTHING or name == RESERVED or name not in item.kind.fields:
        return found
    marks = item.kind.fields[name].marks
    is_known = marks.default is not REQUIRED and not isinstance(marks.default, Computed) and not marks.chosen
    return marks.default if is_known else _NOTHING


def _hidden(item: Desired | None, name: str) -> bool:
    return _said(item, name) is not _NOTHING and name != RESERVED and item is not None and is_secret(item, name)


def _place(item: Desired, name: str) -> Place:
    return item.places.get(name, item.place)


# --- JSON -------------------------------------------------------------------------------------------------------


def as_json(left: Environment, right: Environment) -> data.Json:
    """Every object that differs, by address."""
    found = _compare(left, right)
    return {
        "format": FORMAT,
        "left": left.name,
        "right": right.name,
        "objects": [_object(pair) for pair in found.pairs],
        "notices": _notices(left, right),
        "errors": [],
        "summary": {**{where: found.count(where) for where in ("both", "left", "right")}, "same": found.same},
    }


def failure(problems: Iterable[Problem]) -> data.Json:
    """The same object for files that cannot be meant, or targets that there are not."""
    nothing = Environment("", DesiredState((), {}, (), ()))
    errors = [data.problem(item) for item in problems]
    return {**as_json(nothing, nothing), "left": None, "right": None, "errors": errors}


def _object(pair: _Pair) -> data.Json:
    one = next(item for item in (pair.left, pair.right) if item is not None)
    return {
        "address": pair.address,
        "kind": one.kind.name,
        "namespace": one.address.namespace or None,
        "in": pair.found_in,
        "left": data.place(pair.left.place) if pair.left else None,
        "right": data.place(pair.right.place) if pair.right else None,
        "fields": [_field(item) for item in pair.fields],
    }


def _field(item: _Field) -> data.Json:
    sides = {"left": _side(item.left, item), "right": _side(item.right, item)}
    return {"field": item.name, **sides, **({"secret": True} if item.is_secret else {})}


def _side(item: Desired | None, field: _Field) -> data.Json | None:
    """What one target says; null where it says nothing."""
    value = _said(item, field.name)
    if item is None or value is _NOTHING:
        return None
    source = data.place(_place(item, field.name))
    if not field.is_secret:
        return {"value": data.plain(value), "source": source}
    references = [str(found) for found in value.references] if isinstance(value, Deferred) else []
    return {"value": None, "source": source, "references": references}


def _notices(left: Environment, right: Environment) -> list[str]:
    return [*dict.fromkeys((*left.state.notices, *right.state.notices))]


# --- text -------------------------------------------------------------------------------------------------------


def as_text(left: Environment, right: Environment) -> str:
    """The same for people."""
    found = _compare(left, right)
    lines = [line for pair in found.pairs for line in (*_pair(pair, found), "")]
    return "\n".join(map(guarded, (*lines, _summary(found)))) + "\n"


def _pair(pair: _Pair, found: _Comparison) -> Iterator[str]:
    symbol = {"both": "~", "left": "-", "right": "+"}[pair.found_in]
    yield f"{symbol} {visible(pair.address)}"
    if pair.left and pair.right:
        for item in pair.fields:
            yield from _lines(item, pair.left, pair.right, found)
        return
    for environment, one in ((found.left, pair.left), (found.right, pair.right)):
        if one:
            yield f"    only in {visible(environment.name)}: {place_text(one.place)}"


def _lines(field: _Field, left: Desired, right: Desired, found: _Comparison) -> Iterator[str]:
    """A line for each target; long texts, lists and maps as a diff."""
    yield f"    {visible(field.name)}"
    block = _block(field, left, right)
    yield from (f"      {line}" if line else "" for line in block)
    names = [visible(found.left.name), visible(found.right.name)]
    for name, item in zip(names, (left, right), strict=True):
        value = "" if block else _text(item, field)
        where = "" if _said(item, field.name) is _NOTHING else place_text(_place(item, field.name))
        yield "  ".join(filter(None, (f"      {name:{max(map(len, names))}}", value, where)))


def _block(field: _Field, left: Desired, right: Desired) -> tuple[str, ...]:
    before, after = _said(left, field.name), _said(right, field.name)
    if field.is_secret or _NOTHING in (before, after) or field.name == RESERVED:
        return ()
    return block_of(before, after, left.kind.fields[field.name].codec)


def _text(item: Desired, field: _Field) -> str:
    value = _said(item, field.name)
    if value is _NOTHING:
        return _UNSAID
    if field.is_secret:
        references = ", ".join(map(str, value.references)) if isinstance(value, Deferred) else ""
        return f"{SECRET} from {visible(references)}" if references else SECRET
    return shown(value, duration=field.name != RESERVED and is_duration(item.kind.fields[field.name].codec))


def _summary(found: _Comparison) -> str:
    same = f"{things(found.same, 'object')} {'is' if found.same == 1 else 'are'} the same"
    left, right = visible(found.left.name), visible(found.right.name)
    if not found.pairs:
        return f"No differences between {left} and {right}: {same}."
    both = found.count("both")
    differ = f"{things(both, 'object')} {'differs' if both == 1 else 'differ'}" if both else ""
    only = [
        f"{found.count(side):,} only in {name}"
        for side, name in (("left", left), ("right", right))
        if found.count(side)
    ]
    return f"{', '.join(filter(None, (differ, *only)))}; {same}."
