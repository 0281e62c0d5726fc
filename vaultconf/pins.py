"""What a saved plan remembers of an object: what a write sends, and digests of what it starts from and leads to.

A digest covers what a plan may show and nothing else: with a secret in it, whoever has the file could try out
passwords until one fits.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict

from vaultconf.model import Change, Desired, Live, Server, Values
from vaultconf.references import Deferred
from vaultconf.report.data import Json, plain
from vaultconf.report.lines import is_plain
from vaultconf.sending import is_kept, to_send
from vaultconf.spec import Field


def digest(value: object) -> str:
    """The SHA-256 of a JSON value, the same however its maps are ordered."""
    return f"sha256:{hashlib.sha256(canonical(value).encode()).hexdigest()}"


def canonical(value: object) -> str:
    """A JSON value as text in which `1` and `true` differ, as they do not in Python."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def of_desired(desired: Desired, server: Server) -> str:
    """What is declared of one object: values with this server's defaults, references by name, how to treat it."""
    after = desired.kind.completed(server, desired.params, desired.values)
    return digest({"kind": desired.kind.name, "guidance": plain(asdict(desired.guidance)), **_written(desired, after)})


def of_all(objects: Iterable[Desired], server: Server) -> str:
    """What is declared of many objects."""
    return digest({str(desired.address): of_desired(desired, server) for desired in objects})


def of_live(change: Change, server: Server) -> str | None:
    """What a change starts from, as far as it is compared; None where it starts from nothing."""
    if change.before is None:
        return None
    names = [name for name in change.after if _is_compared(change, name, server)]
    return _of_values(change.kind.fields, change.before.values, names)


def of_removed(fields: Mapping[str, Field], live: Live) -> str:
    """What a delete removes."""
    return _of_values(fields, live.values, live.values)


def sent(change: Change) -> Json:
    """What a change sends: plain values, the references of fields that have any, and the names of other secrets."""
    if change.desired is None:
        return {"values": {}, "references": {}, "secrets": []}
    names = [name for name in to_send(change) if not is_kept(change, name)]
    return _written(change.desired, {name: change.after[name] for name in names})


def _of_values(fields: Mapping[str, Field], values: Values, names: Iterable[str]) -> str:
    shown = {name: values[name] for name in names if name in values and _may_show(fields[name], values[name])}
    return digest(plain(shown))


def _is_compared(change: Change, name: str, server: Server) -> bool:
    ignored = change.desired is not None and name in change.desired.guidance.ignore
    spec = change.kind.fields[name]
    seen = spec.exists_on(server) and spec.read_back_on(server)
    return seen and not ignored and not isinstance(change.after[name], Deferred)


def _may_show(spec: Field, value: object) -> bool:
    marks = spec.marks
    kept_back = marks.secret or marks.write_only or marks.hidden
    return not kept_back and is_plain(value) and not spec.codec.hides(value)


def _written(desired: Desired, values: Values) -> Json:
    shown: dict[str, object] = {}
    references: dict[str, list[str]] = {}
    secrets: list[str] = []
    for name, value in sorted(values.items()):
        spec = desired.kind.fields[name]
        if isinstance(value, Deferred):
            references[name] = list(map(str, value.references))
        elif _may_show(spec, value) or (spec.marks.hidden and name in desired.guidance.show and is_plain(value)):
            shown[name] = plain(value)
        else:
            secrets.append(name)
    return {"values": shown, "references": references, "secrets": secrets}
