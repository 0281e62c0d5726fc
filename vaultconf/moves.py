"""Mounts that move to a new path with all that is in them, instead of being made anew: `renamed_from`.

Until the move is done, what is declared at the new path is read at the old one. Source: Vault API, `/sys/remount`;
OpenBao 2.7.2, Vault 2.1 and 1.19, where the tokens that an auth method gave out end with its move.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Final

from vaultconf.contact import Contact
from vaultconf.errors import Problem
from vaultconf.http import Request
from vaultconf.kind import Kind, Steps
from vaultconf.ledger import Entry, goes_with
from vaultconf.live import Reading
from vaultconf.model import Action, Address, Change, Desired, FieldChange, Live, Plan, Risk, RiskReason
from vaultconf.scope import Scope
from vaultconf.tables import Table, TableKey

#: How often the server is asked whether a move is done, and the pause in between: seconds.
_TRIES: Final = 1200
_NAP: Final = 0.25

#: A namespace, and the beginning of a path there: the new one and the old one.
Prefixes = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Moves:
    """The mounts that are to move, by their new address; and what is wrong, or worth saying, about the others.

    `waiting` has those that stay where they are, because this run leaves their new address out, by the old one.
    """

    due: Mapping[Address, Desired] = field(default_factory=dict)
    waiting: Mapping[Address, Desired] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    notices: tuple[str, ...] = ()

    def renamed(self, tables: Mapping[TableKey, Table]) -> dict[TableKey, Table]:
        """The tables as they will be."""
        found = dict(tables)
        for item in self.due.values():
            key = (item.address.namespace, item.kind.name)
            table = found[key]
            if isinstance(table, Mapping):
                names = {item.guidance.renamed_from: item.params["mount"]}
                found[key] = {names.get(name, name): entry for name, entry in table.items()}
        return found

    def looking(self, contact: Contact) -> Contact:
        """A contact that reads what is declared at a new path where it still is."""
        pairs = moved_prefixes(self.due.values())
        if not pairs:
            return contact
        return _Elsewhere(**{item.name: getattr(contact, item.name) for item in fields(contact)}, prefixes=pairs)

    def remembered(self, scope: Scope) -> Scope:
        """The scope with a ledger that has what is in the mounts under its new address.

        Fingerprints were made for the old one, which stays with them: nothing but a new secret is sent for a move.
        """
        pairs = [(where, old, new) for where, new, old in moved_prefixes(self.due.values())]
        entries: dict[Address, Entry] = {}
        for address, entry in scope.ledger.entries.items():
            path = old_path(pairs, address.path, address.namespace)
            entries[Address(path, address.namespace)] = entry if path == address.path else self._renamed(entry, address)
        return replace(scope, ledger=replace(scope.ledger, entries=entries)) if pairs else scope

    def _renamed(self, entry: Entry, address: Address) -> Entry:
        names = {
            item.guidance.renamed_from: item.params["mount"]
            for item in self.due.values()
            if item.address.namespace == address.namespace
        }
        mount = entry.params.get("mount", "")
        hashed_as = entry.hashed_as or (str(address) if entry.fingerprints else "")
        return replace(entry, params={**entry.params, "mount": names.get(mount, mount)}, hashed_as=hashed_as)


@dataclass(frozen=True, slots=True)
class _Elsewhere(Contact):
    """A contact for which some mounts are at their new path already."""

    prefixes: tuple[Prefixes, ...] = ()

    def within(self, request: Request, namespace: str = "") -> Request:
        path = old_path(self.prefixes, request.path, namespace)
        return Contact.within(self, replace(request, path=path) if path != request.path else request, namespace)


def moved_prefixes(objects: Iterable[Desired]) -> tuple[Prefixes, ...]:
    """The beginnings of the paths that change with every mount that moves."""
    return tuple(pair for item in objects if item.guidance.renamed_from for pair in _prefixes(item))


def old_path(prefixes: Iterable[Prefixes], path: str, namespace: str) -> str:
    """Where a path is as long as no mount has moved."""
    for where, new, old in prefixes:
        if where == namespace and f"{path}/".startswith(f"{new}/"):
            return f"{old}{path.removeprefix(new)}"
    return path


def _inside(kind: Kind, mount: str) -> str:
    """The prefix of the paths in a mount."""
    return kind.path_of({"mount": mount}).removeprefix("sys/mounts/").removeprefix("sys/")


def _prefixes(item: Desired) -> Iterator[Prefixes]:
    kind, where, old = item.kind, item.address.namespace, item.guidance.renamed_from
    yield where, item.address.path, kind.path_of({"mount": old})
    yield where, _inside(kind, item.params["mount"]), _inside(kind, old)


def find(objects: Iterable[Desired], tables: Mapping[TableKey, Table], scope: Scope) -> Moves:
    """Say which mounts are to move: the old path is there, and the new one is not."""
    objects = tuple(objects)
    declared = {item.address for item in objects}
    due: dict[Address, Desired] = {}
    waiting: dict[Address, Desired] = {}
    problems: list[Problem] = []
    notices: list[str] = []
    for item in (one for one in objects if one.guidance.renamed_from):
        old, table = item.guidance.renamed_from, tables.get((item.address.namespace, item.kind.name))
        before = Address(item.kind.path_of({"mount": old}), item.address.namespace)
        if not isinstance(table, Mapping) or not scope.covers(item.address) or scope.held(item.address):
            waiting[before] = item
            continue
        if item.guidance.create_only:
            problems.append(_problem(item, "`renamed_from` and `create_only` exclude each other"))
        elif scope.ledger.holds(before):
            problems.append(_problem(item, "the ledger lives there, and its engine is never touched"))
        elif before in declared:
            problems.append(_problem(item, f"`renamed_from` names {before}, which is declared too"))
        elif old in table and (stays := _stays(item, before, scope)):
            hint = "write it for the new path as well, or leave the mount where it is"
            problems.append(_problem(item, f"{before} is not moved: {stays}", hint))
        elif old in table and item.params["mount"] in table:
            hint = "delete one of them, or take `renamed_from` out"
            problems.append(_problem(item, f"both {before} and {item.address} are there: nothing can be moved", hint))
        elif old in table:
            due[item.address] = item
        elif item.params["mount"] not in table:
            notices.append(f"{item.address} is made anew: {before}, from which it would be moved, is not there")
    return Moves(due, waiting, tuple(problems), tuple(notices))


def _stays(item: Desired, before: Address, scope: Scope) -> str:
    """Why a mount stays where it is: what `ignore` and `break_glass` say of it and what is in it; "" if it may go."""
    paths = (item.guidance.renamed_from, item.params["mount"])
    old, new = (Address(_inside(item.kind, path), item.address.namespace) for path in paths)
    if held := str(before) if scope.held(before) is not None else scope.held_at(old, new):
        return f"{held} is to be left alone (`ignore`)"
    needed = scope.needed_at(old, new)
    return f"{needed} must be able to log in after it (`break_glass`)" if needed else ""


def _problem(item: Desired, message: str, hint: str = "") -> Problem:
    return Problem(message, item.place, hint, str(item.address))


def with_moves(plan: Plan, moves: Moves, reading: Reading, contact: Contact) -> Plan:
    """The plan with the moves, before the changes of what is in the mounts."""
    plan = replace(plan, errors=(*plan.errors, *moves.problems), notices=(*plan.notices, *moves.notices))
    plan = _without_waiting(plan, moves)
    made = {change.address: change for change in plan.changes}
    for address, item in moves.due.items():
        found, change = reading.objects.get(address), made.get(address)
        if not isinstance(found, Live):
            continue
        if change is not None and change.action is not Action.UPDATE:
            message = "it is to be moved, and needs a replacement"
            plan = replace(plan, errors=(*plan.errors, _problem(item, message, "do one after the other")))
            continue
        made[address] = _move(item, found, change, contact)
        plan = replace(plan, unchanged=plan.unchanged - (change is None))
    return replace(plan, changes=tuple(sorted(made.values(), key=lambda change: str(change.address))))


def _without_waiting(plan: Plan, moves: Moves) -> Plan:
    """The plan without deletes of what some later run is to move, with all that is in it."""
    spared: dict[Address, str] = {}
    for change in plan.changes:
        for before, item in moves.waiting.items():
            if change.action is Action.DELETE and (change.address == before or goes_with(change.address, before)):
                why = f"is to be moved to {item.address}, which this run leaves out"
                spared[change.address] = f"{change.address} stays: {before} {why}"
    changes = tuple(change for change in plan.changes if change.address not in spared)
    return replace(plan, changes=changes, notices=(*plan.notices, *spared.values()))


def _move(item: Desired, found: Live, change: Change | None, contact: Contact) -> Change:
    path = FieldChange("path", item.guidance.renamed_from, item.params["mount"])
    after = item.kind.completed(contact.server, item.params, item.values)
    return Change(
        action=Action.MOVE,
        kind=item.kind,
        address=item.address,
        params=item.params,
        fields=(path, *(change.fields if change is not None else ())),
        owner=item.owner,
        source=item.place,
        risk=_risk(item, contact),
        desired=item,
        before=found,
        after=change.after if change is not None else after,
    )


def _risk(item: Desired, contact: Contact) -> Risk | None:
    """Logins stay where they were: whoever uses an auth method must follow it."""
    if item.kind.destroys is not RiskReason.REMOVES_ACCESS:
        return None
    before = Address(item.kind.path_of({"mount": item.guidance.renamed_from}), item.address.namespace)
    detail = f"every token that {before} gave out ends, and logins must go to the new path"
    reason = RiskReason.REMOVES_ACCESS
    if contact.caller.mount == _inside(item.kind, item.guidance.renamed_from):
        reason, detail = RiskReason.LOCKS_OUT, f"{detail}; the token of this run is one of them"
    return Risk(reason, detail, str(item.address))


def steps(change: Change) -> Steps:
    """Move a mount, and wait until the server has done it. Raises ValueError where that fails."""
    desired = change.desired
    if desired is None:
        return
    paths = (desired.guidance.renamed_from, change.params["mount"])
    old, new = (_inside(change.kind, path) for path in paths)
    answer = yield Request("POST", "sys/remount", {"from": old, "to": new}, repeatable=False)
    status = f"sys/remount/status/{(answer.data or {}).get('migration_id')}"
    for _ in range(_TRIES):
        info = ((yield Request("GET", status)).data or {}).get("migration_info")
        state = info.get("status") if isinstance(info, Mapping) else None
        if state == "success":
            return
        if state != "in-progress":
            break
        # All tasks wait with this one: nothing in the mount can be reached meanwhile.
        time.sleep(_NAP)
    message = f"the server could not move it: {state or 'it says nothing about the move'}; its log may tell why"
    raise ValueError(message)
