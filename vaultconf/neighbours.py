"""The ledgers beside this one: what other projects have made is not ours to declare, to move or to delete."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from vaultconf.answers import listed
from vaultconf.contact import Contact
from vaultconf.errors import Place, Problem, ServerRefused
from vaultconf.http import Request
from vaultconf.ledger import HEAD, SHARD, SHARDS, entries_of, goes_with, head_from_json, shard_of
from vaultconf.ledger_store import Store
from vaultconf.model import Action, Address, Change, Plan
from vaultconf.nouns import REMOVES
from vaultconf.settings import Settings
from vaultconf.transport import Task
from vaultconf.yaml_text import shown

#: So many ledgers beside this one are looked for; a folder with more names is one of other things.
_MOST = 500


@dataclass(frozen=True, slots=True)
class Neighbour:
    """The ledger of another project in the same folder."""

    project: str
    store: Store

    @property
    def path(self) -> str:
        """As the other project's settings write it."""
        return f"{self.store.mount}/{self.store.path}"


@dataclass(frozen=True, slots=True)
class Ours:
    """What this project would do with an address, in words, and the place that says so, if any."""

    what: str
    place: Place | None = None


def with_claims(made: Plan, contact: Contact, settings: Settings) -> Plan:
    """The plan with what other projects claim, as far as their ledgers can be read."""
    claimed, notices = claims(made, contact, settings)
    return replace(made, claimed=tuple(claimed), notices=(*made.notices, *notices))


def claims(made: Plan, contact: Contact, settings: Settings) -> tuple[list[Problem], list[str]]:
    """A problem for every address of this plan that another project's ledger has, and what could not be read.

    Without neighbours that takes one request. A folder or a ledger that this token may not read claims nothing.
    """
    own = made.ledger
    if not own.mount or own.closed or not settings.named:
        return [], []
    names = _siblings(contact, own.mount, settings.ledger.removeprefix(f"{own.mount}/"))
    folder = settings.ledger.removeprefix(f"{own.mount}/").rpartition("/")[0]
    stores = [Store(contact, own.mount, "/".join(filter(None, (folder, name)))) for name in names[:_MOST]]
    found = [one for one in contact.transport.run(map(_neighbour, stores)) if one is not None]
    others = [one for one in found if one.project != settings.project]
    notices = []
    if len(names) > _MOST:
        where = f"{own.mount}/{folder}".rstrip("/")
        notices.append(f"{shown(where)} has {len(names)} folders: ledgers of neighbours were looked for in {_MOST}")
    problems, unread = _compared(made, others, contact, settings)
    if unread:
        listed_ones = ", ".join(f"`{shown(path)}`" for path in sorted(unread)[:3])
        notices.append(f"what these ledgers of other projects claim could not be read: {listed_ones}")
    return problems, notices


def _siblings(contact: Contact, mount: str, path: str) -> list[str]:
    """The folders beside the entries of a ledger."""
    folder, _, own = path.rpartition("/")
    where = "/".join(filter(None, (mount, "metadata", folder)))
    names = listed(contact.transport.send(contact.within(Request("LIST", where))))
    if not isinstance(names, list):
        return []
    return [name[:-1] for name in names if name.endswith("/") and name[:-1] not in ("", own)]


def _neighbour(store: Store) -> Task[Neighbour | None]:
    """The ledger in a store, if it is one that this token may read and that names its project."""
    try:
        stored = yield from store.reading(HEAD)
        project = head_from_json(stored.data).project
    except (ServerRefused, ValueError):
        return None
    return Neighbour(project, store) if project else None


def _compared(
    made: Plan, others: Iterable[Neighbour], contact: Contact, settings: Settings
) -> tuple[list[Problem], set[str]]:
    ours = _touched(made)
    taken = [(change, at) for change in made.changes for at in _homes(change)]
    shards = SHARDS if taken else sorted({shard_of(address) for address in ours})
    asked = [(other, shard) for other in others for shard in shards]
    found = contact.transport.run(_owned(other.store, shard) for other, shard in asked)
    problems: list[Problem] = []
    unread: set[str] = set()
    for (other, _), addresses in zip(asked, found, strict=True):
        if addresses is None:
            unread.add(other.path)
        for address in addresses or ():
            mine = ours.get(address) or _goes_along(address, taken)
            if mine is not None:
                problems.append(_problem(address, other, mine, settings))
    return sorted(problems, key=lambda problem: (problem.address, problem.message)), unread


def _touched(made: Plan) -> dict[Address, Ours]:
    """Every address that this project declares and looks at, or would delete or move."""
    held = {item.address for item in made.held}
    ours = {item.address: Ours("declares it", item.place) for item in made.declared if item.address not in held}
    for change in made.changes:
        if change.action is Action.DELETE:
            ours[change.address] = Ours("would delete it")
    return ours


def _homes(change: Change) -> Iterator[Address]:
    """The mount or namespace with which other objects would go, or move."""
    if change.action is Action.MOVE and change.desired is not None:
        before = change.kind.path_of({change.kind.holes[-1]: change.desired.guidance.renamed_from})
        yield Address(before, change.address.namespace)
    elif change.action in REMOVES and (change.kind.is_mount or change.kind.is_namespace):
        yield change.address


def _goes_along(address: Address, taken: Iterable[tuple[Change, Address]]) -> Ours | None:
    """What would become of an object whose home is moved or removed."""
    for change, home in taken:
        if address == home or goes_with(address, home):
            return Ours(f"would {change.action} `{shown(str(home))}`", change.source)
    return None


def _owned(store: Store, shard: str) -> Task[list[Address] | None]:
    """The addresses in a shard whose objects the other project made; None where it cannot be read."""
    try:
        stored = yield from store.reading(SHARD.format(shard))
        objects = (stored.data or {}).get("objects", {})
        return [address for address, entry in entries_of([objects]).items() if entry.owned]
    except (ServerRefused, ValueError, TypeError, AttributeError):
        return None


def _problem(address: Address, other: Neighbour, mine: Ours, settings: Settings) -> Problem:
    theirs, here = f"`{shown(other.project)}` (ledger `{shown(other.path)}`)", f"(ledger `{settings.ledger}`)"
    message = f"`{shown(str(address))}` belongs to the project {theirs}, and `{settings.project}` {here} {mine.what}"
    there = f"run `vaultconf ledger forget {shown(str(address))}` there"
    cure = "leave it out of the files here" if mine.place is not None else "leave it out of `prune` or `owns` here"
    return Problem(message, mine.place, f"one gives it up: {cure}, or {there}", str(address))
