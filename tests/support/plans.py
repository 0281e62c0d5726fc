"""Values for tests of the pure middle: desired objects, live ones, readings, changes."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

from vaultconf import catalogue, planning
from vaultconf.address import Pattern
from vaultconf.desired import DesiredState
from vaultconf.errors import Place
from vaultconf.kind import Kind
from vaultconf.live import Reading
from vaultconf.model import Action, Address, Change, Desired, Guidance, Live, Plan, Server, Unreadable
from vaultconf.references import Deferred, Reference, Template
from vaultconf.scope import Scope
from vaultconf.settings import Settings
from vaultconf.strangers import Stranger
from vaultconf.vanished import NOTHING

BAO = Server("openbao", "2.7.2")
VAULT = Server("vault", "1.19.0")
TODAY = datetime.date(2026, 6, 1)
FORBIDDEN = Unreadable(403, "permission denied")

Table = Mapping[str, Mapping[str, Any]] | Unreadable


def kind(name: str) -> Kind:
    return catalogue.all_kinds()[name]


def reference(name: str) -> Deferred:
    """`${env:NAME}` as a field holds it."""
    return Deferred(Template((Reference("env", name),)))


def resolver(**known: str) -> Any:
    return lambda asked: known.get(asked.target)


def desired(
    kind_name: str,
    values: Mapping[str, object] | None = None,
    *,
    namespace: str = "",
    guidance: Any = None,
    **params: str,
) -> Desired:
    found = kind(kind_name)
    return Desired(
        kind=found,
        address=Address(found.path_of(params), namespace),
        params=params,
        values=values or {},
        place=Place("a.yaml", 1, 1),
        places=dict.fromkeys(values or {}, Place("a.yaml", 2, 3)),
        guidance=guidance or Guidance(),
    )


def live(wanted: Desired, server: Server = BAO, **changed: object) -> Live:
    """The live object as desired, but for the fields named (`__` stands for a dot)."""
    values = wanted.kind.completed(server, wanted.params, wanted.values)
    return Live({**values, **{name.replace("__", "."): value for name, value in changed.items()}})


def change(action: Action, wanted: Desired, before: Live | None = None) -> Change:
    after = wanted.kind.completed(BAO, wanted.params, wanted.values) if action is not Action.DELETE else {}
    return Change(
        action=action,
        kind=wanted.kind,
        address=wanted.address,
        params=wanted.params,
        source=wanted.place,
        desired=wanted if action is not Action.DELETE else None,
        before=before,
        after=after,
    )


def stranger(kind_name: str, namespace: str = "", **params: str) -> Stranger:
    found = kind(kind_name)
    return Stranger(found, Address(found.path_of(params), namespace), params)


def tables(secrets: Table | None = None, auth: Table | None = None, audit: Table | None = None) -> dict[Any, Table]:
    return {
        ("", "secrets_engine"): secrets if secrets is not None else {},
        ("", "auth_method"): auth if auth is not None else {},
        ("", "audit_device"): audit if audit is not None else {},
    }


def scope(
    *,
    prune: Iterable[str] = (),
    owns: Iterable[str] = (),
    only: Iterable[str] = (),
    resend: Iterable[str] = (),
    **more: Any,
) -> Scope:
    def parsed(texts: Iterable[str]) -> tuple[Pattern, ...]:
        return tuple(map(Pattern.parse, texts))

    settings = Settings(prune=parsed(prune), owns=parsed(owns), **more)
    return Scope(settings, parsed(only), parsed(resend), TODAY)


def plan(
    wanted: Iterable[Desired],
    found: Mapping[Address, Any] | None = None,
    *,
    within: Scope | None = None,
    foreign: Any = None,
    resolve: Any = None,
    **reading: Any,
) -> Plan:
    """Plan these objects; what is not `found` is absent."""
    wanted = tuple(wanted)
    objects: dict[Address, Any] = {item.address: None for item in wanted} | dict(found or {})
    state = DesiredState(wanted, foreign or {}, (), ())
    left = reading.pop("vanished", NOTHING)
    seen = Reading(objects, reading.pop("tables", tables()), **reading)
    return planning.make(state, seen, BAO, within or scope(), resolve or resolver(), vanished=left)
