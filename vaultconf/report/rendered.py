"""The composed desired state: every object with its fields, and where each of them is written. No secret is in it.

The YAML is a desired state itself. It says in comments where its lines come from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field

from vaultconf.declarations import RESERVED
from vaultconf.desired import DesiredState
from vaultconf.errors import Place, Problem
from vaultconf.kind_facts import keys_of
from vaultconf.model import Desired, Guidance
from vaultconf.references import Deferred, Template, literals
from vaultconf.report import data
from vaultconf.report.lines import guarded, is_plain, visible
from vaultconf.report.yaml_lines import entry, flow

FORMAT = "vaultconf.render/1"
_HIDDEN = "(secret)"
_BLANK = Guidance()


@dataclass(slots=True)
class _Node:
    """A map of the YAML under construction, or a value of it (`text`), with its origin."""

    origin: Place | None = None
    value: object = None
    secret: bool = False
    below: dict[str, _Node] = field(default_factory=dict)

    def at(self, keys: Iterable[str]) -> _Node:
        """The node below, made where it is not there."""
        node = self
        for key in keys:
            node = node.below.setdefault(key, _Node())
        return node


def as_json(state: DesiredState, target: str) -> data.Json:
    """All objects that files declare, by address."""
    return {
        "format": FORMAT,
        "target": target or None,
        "objects": [_object(item) for item in sorted(declared(state), key=lambda item: str(item.address))],
        "notices": list(state.notices),
        "errors": [],
    }


def failure(problems: Iterable[Problem]) -> data.Json:
    """The same object for files that cannot be meant."""
    return {**as_json(DesiredState((), {}, (), ()), ""), "errors": [data.problem(item) for item in problems]}


def as_yaml(state: DesiredState) -> str:
    """The same as documents, one for each namespace and owner."""
    documents: dict[tuple[str, str], _Node] = {}
    for item in sorted(declared(state), key=_order):
        root = documents.setdefault((item.address.namespace, item.owner), _Node())
        _add(root, item)
    lines = (line for (namespace, owner), root in documents.items() for line in _document(namespace, owner, root))
    return "\n".join(map(guarded, lines)) + "\n" if documents else "{}\n"


def declared(state: DesiredState) -> Iterator[Desired]:
    """Without the configurations that come with a mount, and of which no file says anything."""
    for item in state.objects:
        if item.values or item.guidance != _BLANK or not item.kind.always:
            yield item


def _order(item: Desired) -> tuple[str, str, str, bool, bool, str, list[str]]:
    """Of a section the mounts first, then configurations, then collections by name."""
    kind, address = item.kind, item.address
    names = list(item.params.values())
    return address.namespace, item.owner, kind.section, not kind.is_mount, kind.named, kind.yaml, names


def _object(item: Desired) -> data.Json:
    found: data.Json = {
        "address": str(item.address),
        "kind": item.kind.name,
        "namespace": item.address.namespace or None,
        "owner": item.owner or None,
        "source": data.place(item.place),
        "fields": [_field(item, name) for name in sorted(item.values)],
    }
    return {**found, RESERVED: guidance_of(item)} if item.guidance != _BLANK else found


def _field(item: Desired, name: str) -> data.Json:
    value = item.values[name]
    where = data.place(item.places.get(name, item.place))
    if not is_secret(item, name):
        return {"field": name, "value": data.plain(value), "source": where}
    references = [str(found) for found in value.references] if isinstance(value, Deferred) else []
    return {"field": name, "value": None, "source": where, "secret": True, "references": references}


def guidance_of(item: Desired) -> dict[str, object]:
    """What is said under the reserved key."""
    said = asdict(item.guidance)
    return {key: data.plain(value) for key, value in said.items() if value != getattr(_BLANK, key)}


def is_secret(item: Desired, name: str) -> bool:
    """Whether the value of a field is not to be shown."""
    spec, value = item.kind.fields[name], item.values[name]
    hidden = spec.marks.hidden and name not in item.guidance.show
    return hidden or spec.marks.secret or not is_plain(value) or bool(spec.codec.hides(value))


def _add(root: _Node, item: Desired) -> None:
    kind = item.kind
    node = root.at(keys_of(kind, item.params))
    node.origin = item.place
    for name in [known for known in kind.fields if known in item.values] if not kind.is_open else sorted(item.values):
        leaf = node.at(name.split(".") if not kind.is_open else [name])
        leaf.origin = item.places.get(name, item.place)
        leaf.secret = is_secret(item, name)
        leaf.value = (
            _written(item.values[name]) if leaf.secret else literals(kind.fields[name].codec.to_yaml(item.values[name]))
        )
    if item.guidance != _BLANK:
        leaf = node.at([RESERVED])
        leaf.value, leaf.origin = guidance_of(item), item.places.get(RESERVED, item.place)


def _written(value: object) -> str:
    """A secret: its references, if it has any. What stands beside them in a text may be secret as well."""
    if not isinstance(value, Deferred):
        return _HIDDEN
    alone = isinstance(value.raw, Template) and len(value.raw.parts) == 1
    return " ".join(map(str, value.references)) if alone else f"… {' … '.join(map(str, value.references))} …"


def _document(namespace: str, owner: str, root: _Node) -> Iterator[str]:
    yield "---"
    for key, text in (("namespace", namespace), ("owner", owner)):
        if text:
            yield f"{key}: {flow(text)}"
    yield from _lines(root, 0)


def _lines(node: _Node, depth: int) -> Iterator[str]:
    for key, below in node.below.items():
        note = visible(str(below.origin)) if below.origin is not None else ""
        note = f"secret; {note}" if below.secret else note
        if below.below:
            # A mount is where its fields are; the place of a map of fields is that of its object.
            yield from entry(key, None, note, depth)
            yield from _lines(below, depth + 1)
        else:
            yield from entry(key, {} if below.value is None else below.value, note, depth)
