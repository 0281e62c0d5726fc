"""A saved plan: the public JSON of a plan, and beside it what it holds on to.

The file is not trusted. Nothing in it is ever sent: it only selects changes of a plan that is made anew, and says
what they have to be equal to.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vaultconf import __version__, pins, rotating
from vaultconf.address import Pattern
from vaultconf.errors import InputError
from vaultconf.model import Action, Address, Change, Plan, Server
from vaultconf.report import data
from vaultconf.report.data import Json

FORMAT = "vaultconf.saved-plan/1"
#: Larger than any plan that somebody has reviewed.
MAX_BYTES = 128 * 1024 * 1024

_LONGEST_NUMBER = 40
_SENT = ("values", "references", "secrets")
_AGAIN = "save a plan with `vaultconf plan --out FILE`"


@dataclass(frozen=True, slots=True)
class Rotations:
    """What a plan of rotations was asked for: patterns of addresses, and an age ("" for any), as they were given."""

    patterns: tuple[Pattern, ...]
    older_than: str = ""


@dataclass(frozen=True, slots=True)
class Frame:
    """For what a plan was made: by which vaultconf, for which server, namespace and target, with which options.

    `rotations` is None for a plan that makes the server equal to the files.
    """

    tool: str
    product: str
    cluster: str
    namespace: str
    target: str
    resend: tuple[str, ...] = ()
    rotations: Rotations | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """One change of a saved plan: what it does, and the digests of what it starts from and leads to.

    `fields` and `sent` are JSON in its canonical form, the fields by name. `rotated` is when the password of a rotation
    had been rotated before, "" where nobody knew.
    """

    address: str
    kind: str
    action: Action
    fields: Mapping[str, str]
    live: str | None
    desired: str | None
    sent: str
    rotated: str = ""


@dataclass(frozen=True, slots=True)
class Saved:
    """A saved plan as read; nothing in it is to be believed."""

    frame: Frame
    only: tuple[Pattern, ...]
    desired: str
    changes: tuple[Planned, ...]


def frame(server: Server, namespace: str, target: str, resend: tuple[Pattern, ...]) -> Frame:
    """What a plan of this run is made for. A server without a cluster id is told by its address."""
    texts = tuple(sorted(pattern.text for pattern in resend))
    return Frame(__version__, server.product, server.cluster_id or server.address, namespace, target, texts)


def as_json(made: Plan, made_for: Frame, only: tuple[Pattern, ...], removed: Mapping[Address, str | None]) -> Json:
    """The document that is saved; `removed` are digests of what deletes start from, None where it cannot be read."""
    return {
        **data.plan(made),
        "saved": {
            "format": FORMAT,
            "tool": made_for.tool,
            "target": made_for.target,
            "cluster": made_for.cluster,
            "namespace": made_for.namespace,
            "only": [pattern.text for pattern in only],
            "resend": list(made_for.resend),
            **({} if (wish := made_for.rotations) is None else {"rotations": _rotations_to_json(wish)}),
            "desired": pins.of_all(made.declared, made.server),
            "changes": {str(change.address): pinned(change, made, removed) for change in made.changes},
        },
    }


def _rotations_to_json(wish: Rotations) -> Json:
    return {"patterns": [pattern.text for pattern in wish.patterns], "older_than": wish.older_than}


def pinned(change: Change, made: Plan, removed: Mapping[Address, str | None]) -> Json:
    """What a saved plan holds on to of one change."""
    deleted, rotates = change.action is Action.DELETE, change.action is Action.ROTATE
    return {
        "live": removed.get(change.address) if deleted else pins.of_live(change, made.server),
        "desired": pins.of_desired(change.desired, made.server) if change.desired is not None else None,
        **({"rotated": rotating.trace(change, made.ledger)} if rotates else {}),
        **pins.sent(change),
    }


def is_plan(text: bytes) -> bool:
    """Whether a file holds the JSON of a plan, saved or not, and so may be overwritten by another."""
    try:
        return bool(_parsed(text).get("format") == data.PLAN)
    except ValueError:
        return False


def read(text: bytes, name: str) -> Saved:
    """Read a saved plan strictly. Raises InputError, which quotes nothing of the file."""
    try:
        document = _parsed(text)
    except ValueError as error:
        raise InputError(f"`{name}` is not a saved plan: {error}", _AGAIN) from None
    if document.get("format") == data.PLAN and "saved" not in document:
        raise InputError(f"`{name}` is the JSON of a plan, which holds too little to be applied", _AGAIN)
    try:
        return _saved(document)
    except RecursionError:
        raise InputError(f"`{name}` is not a saved plan: it is nested too deeply", _AGAIN) from None
    except ValueError as error:
        raise InputError(f"`{name}` is not a saved plan of this version: {error}", _AGAIN) from None


def _parsed(text: bytes) -> dict[str, Any]:
    """The JSON object of a file; raises ValueError, in words that quote nothing."""
    try:
        found = json.loads(
            text.decode(),
            object_pairs_hook=_unique,
            parse_int=_whole,
            parse_float=_real,
            parse_constant=_real,
        )
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    except json.JSONDecodeError as error:
        message = f"it is not JSON (line {error.lineno}, column {error.colno})"
        raise ValueError(message) from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(found, dict):
        raise ValueError("it is not a JSON object")
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _whole(text: str) -> int:
    if len(text) > _LONGEST_NUMBER:
        raise ValueError("it holds a number that is too long")
    return int(text)


def _real(text: str) -> float:
    found = float(text)
    if not math.isfinite(found):
        raise ValueError("it holds a number that JSON does not have")
    return found


def _saved(document: Mapping[str, Any]) -> Saved:
    if document.get("format") != data.PLAN or document.get("complete") is not True:
        raise ValueError("`format` or `complete` is not that of a plan that can be applied")
    kept = _typed(document, "saved", dict)
    if kept.get("format") != FORMAT:
        raise ValueError("`saved.format` is unknown")
    made_for = Frame(
        tool=_typed(kept, "tool", str),
        product=_typed(_typed(document, "server", dict), "product", str),
        cluster=_typed(kept, "cluster", str),
        namespace=_typed(kept, "namespace", str),
        target=_typed(kept, "target", str),
        resend=tuple(_texts(kept, "resend")),
        rotations=_rotations(_typed(kept, "rotations", dict)) if "rotations" in kept else None,
    )
    only = tuple(map(Pattern.parse, _texts(kept, "only")))
    return Saved(made_for, only, _typed(kept, "desired", str), _changes(document, kept))


def _rotations(found: Mapping[str, Any]) -> Rotations:
    return Rotations(tuple(map(Pattern.parse, _texts(found, "patterns"))), _typed(found, "older_than", str))


def _changes(document: Mapping[str, Any], kept: Mapping[str, Any]) -> tuple[Planned, ...]:
    changes, pinned_of = _typed(document, "changes", list), _typed(kept, "changes", dict)
    found = tuple(_planned(change, pinned_of) for change in changes)
    addresses = {planned.address for planned in found}
    if len(addresses) != len(found) or addresses != pinned_of.keys():
        raise ValueError("`changes` and `saved.changes` do not have the same addresses, each once")
    return found


def _planned(change: object, pinned_of: Mapping[str, Any]) -> Planned:
    if not isinstance(change, dict):
        raise ValueError("an entry of `changes` is no object")
    address, action = _typed(change, "address", str), _typed(change, "action", str)
    pin = _typed(pinned_of, address, dict, "an address in `saved.changes`")
    if action not in set(Action):
        raise ValueError("an `action` is unknown")
    return Planned(
        address=address,
        kind=_typed(change, "kind", str),
        action=Action(action),
        fields={_typed(item, "field", str): pins.canonical(item) for item in _objects(change, "fields")},
        live=_maybe_text(pin, "live"),
        desired=_maybe_text(pin, "desired"),
        sent=pins.canonical({name: pin.get(name) for name in _SENT}),
        rotated=_typed(pin, "rotated", str) if action == Action.ROTATE.value else "",
    )


def _objects(found: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    items = _typed(found, name, list)
    if not all(isinstance(item, dict) for item in items):
        message = f"`{name}` holds something that is no object"
        raise ValueError(message)
    return list(items)


def _typed(found: Mapping[str, Any], name: str, kind: type[Any], shown: str = "") -> Any:
    value = found.get(name)
    if not isinstance(value, kind):
        message = f"{shown or f'`{name}`'} is missing, or of a wrong type"
        raise ValueError(message)
    return value


def _maybe_text(found: Mapping[str, Any], name: str) -> str | None:
    return None if name in found and found[name] is None else str(_typed(found, name, str))


def _texts(found: Mapping[str, Any], name: str) -> list[str]:
    texts = _typed(found, name, list)
    if not all(isinstance(text, str) for text in texts):
        message = f"`{name}` holds something that is no text"
        raise ValueError(message)
    return list(texts)
