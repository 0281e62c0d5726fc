"""What is in the mounts that a plan removes, counted by LIST: no data is ever read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from vaultconf.address import join
from vaultconf.contact import Contact
from vaultconf.model import Change, Plan, RiskReason, Unreadable
from vaultconf.nouns import REMOVES
from vaultconf.tables import Table, TableKey, read_names

#: After so many requests for one mount nobody needs the exact number.
MOST_REQUESTS: Final = 1000

#: A token with the least rights does its work without them, so that this is no failure.
_MAY_NOT: Final = "this token may not list them"
_FORBIDDEN: Final = 403

#: What an engine keeps, as collection and what a member is called; folders have members of their own.
_KEPT: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "kv": (("", "key"),),
    "kv 2": (("metadata", "key"),),
    "database": (("config", "connection"), ("static-roles", "static role"), ("roles", "role")),
    "pki": (("issuers", "issuer"), ("roles", "role")),
    "ssh": (("roles", "role"),),
    "transit": (("keys", "key"),),
    "totp": (("keys", "key"),),
}


@dataclass(frozen=True, slots=True)
class Tally:
    """How many members a collection has; `more` where these are not all, `unknown` says why."""

    noun: str
    count: int = 0
    more: bool = False
    unknown: str = ""

    def __str__(self) -> str:
        things = f"{self.noun}s" if self.count != 1 else self.noun
        if self.unknown and not self.count:
            return f"{things} unknown ({self.unknown})"
        return f"{'at least ' if self.more or self.unknown else ''}{self.count:,} {things}"


def with_contents(plan: Plan, contact: Contact, tables: Mapping[TableKey, Table]) -> Plan:
    """The plan with the number of what every removed mount holds in the detail of its risk."""
    if not any(map(_is_asked, plan.changes)):
        return plan
    return replace(plan, changes=tuple(_counted(change, contact, tables) for change in plan.changes))


def _is_asked(change: Change) -> bool:
    is_gone = change.kind.is_mount and change.action in REMOVES
    return is_gone and change.risk is not None and change.risk.reason is RiskReason.DESTROYS_DATA


def _counted(change: Change, contact: Contact, tables: Mapping[TableKey, Table]) -> Change:
    risk = change.risk
    if risk is None or not _is_asked(change):
        return change
    table = tables.get((change.address.namespace, change.kind.name))
    entry = table.get(change.params["mount"]) if isinstance(table, Mapping) else None
    kept = _KEPT.get(_type_of(entry or {}), ())
    if not kept:
        return change
    found = [_tally(contact, change, path, noun) for path, noun in kept]
    shown = [item for item in found if item.count or item.unknown] or found[:1]
    detail = f"deleting it loses {change.kind.loses}: {', '.join(map(str, shown))}"
    return replace(change, risk=replace(risk, detail=detail))


def _type_of(entry: Mapping[str, Any]) -> str:
    """The type of a mount; two engines of key and value keep their names in different places."""
    version = (entry.get("options") or {}).get("version")
    return f"{entry.get('type')} 2" if version == "2" else str(entry.get("type"))


def _tally(contact: Contact, change: Change, collection: str, noun: str) -> Tally:
    """Count one collection, folder by folder, those of one depth side by side."""
    folders, count, asked, unknown = [join(change.params["mount"], collection)], 0, 0, ""
    while folders and asked < MOST_REQUESTS:
        now, folders = folders[: MOST_REQUESTS - asked], folders[MOST_REQUESTS - asked :]
        asked += len(now)
        found = contact.transport.run(read_names(contact, path, change.address.namespace) for path in now)
        for path, names in zip(now, found, strict=True):
            if isinstance(names, Unreadable):
                unknown = unknown or (_MAY_NOT if names.status == _FORBIDDEN else names.reason)
                continue
            inner = [name for name in names if name.endswith("/")]
            count += len(names) - len(inner)
            folders += (f"{path}/{name[:-1]}" for name in inner)
    return Tally(noun, count, bool(folders), unknown)
