"""How the ledger changes: when all was looked at, before the first write, and after the last. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from vaultconf.errors import Problem
from vaultconf.fingerprints import fingerprint, hidden
from vaultconf.ledger import DUE, Entry, Head, Ledger, goes_with
from vaultconf.model import Action, Address, Change, Desired, Outcome, Plan, Server, Status
from vaultconf.nouns import MAKES
from vaultconf.sealed import Secret
from vaultconf.sending import Ready


@dataclass(frozen=True, slots=True)
class Stamp:
    """Which run this is: its commit ("" without Git), its moment (UTC, RFC 3339), who carries it out, for whom.

    applies: whether it carries out what the commit says. One that only rotates passwords does not.
    """

    commit: str = ""
    moment: str = ""
    caller: str = ""
    project: str = ""
    applies: bool = True


#: Of a run that writes nothing.
NOT_STAMPED = Stamp()


def settled(ledger: Ledger, present: Iterable[Desired], forgotten: Collection[Address]) -> Ledger:
    """The ledger after a look at the server: without what is gone, and with what is declared as it is declared."""
    if not ledger.mount or ledger.closed:
        return ledger
    entries = {address: entry for address, entry in ledger.entries.items() if address not in forgotten}
    for desired in present:
        entry = entries.get(desired.address)
        if entry is None and not desired.guidance.protect:
            continue
        entry = entry or Entry(desired.kind.name, desired.params)
        _keep(entries, desired.address, replace(entry, pending=False, protect=desired.guidance.protect))
    return replace(ledger, entries=entries)


def intended(made: Plan, ready: Iterable[Ready], stamp: Stamp) -> Ledger:
    """The ledger to be written before the first change: what will be made is ours, what will be sent is in doubt."""
    entries = dict(made.ledger.entries)
    for item in ready:
        change = item.change
        if change.action is Action.DELETE or change.desired is None:
            continue
        doubts = dict.fromkeys(_sent(item, made.server), "")
        before = entries.get(change.address, Entry(change.kind.name, change.params))
        entry = replace(before, fingerprints={**before.fingerprints, **doubts})
        if change.action in MAKES:
            protect = change.desired.guidance.protect
            entry = Entry(
                kind=change.kind.name,
                params=change.params,
                owned=True,
                pending=True,
                protect=protect,
                commit=stamp.commit,
                since=stamp.moment,
                fingerprints=entry.fingerprints,
                hashed_as=entry.hashed_as,
            )
        if _is_remembered(change):
            known = entry.rotated if change.action is Action.ROTATE else ""
            entry = replace(entry, rotated=known or DUE)
        _keep(entries, change.address, entry)
    return replace(made.ledger, entries=entries)


def confirmed(made: Plan, during: Ledger, ready: Iterable[Ready], outcomes: Iterable[Outcome], stamp: Stamp) -> Ledger:
    """The ledger after the last change; `during` is what was intended.

    What never began is as before. What failed stays pending: part of it may be there.
    """
    entries = dict(during.entries)
    items = {item.change.address: item for item in ready}
    for outcome in outcomes:
        address = outcome.change.address
        if outcome.status is Status.SKIPPED:
            _restore(entries, made.ledger.entries, address)
        elif outcome.status is Status.DONE and outcome.change.action is Action.DELETE:
            entries.pop(address, None)
            for inside in [other for other in entries if goes_with(other, address)]:
                del entries[inside]
        elif outcome.status is Status.DONE and address in entries:
            entries[address] = _proven(entries[address], items[address], made.server, during.key, stamp)
    head = claimed(during, stamp)
    if stamp.applies:
        head = Head(head.project, stamp.commit, stamp.moment, stamp.caller)
    return replace(during, entries=entries, head=head)


def claimed(ledger: Ledger, stamp: Stamp) -> Head:
    """The head with the project's name in it, of a ledger that nobody has applied with yet too."""
    return replace(ledger.head, project=stamp.project or ledger.head.project)


def adopted(ledger: Ledger, objects: Iterable[Desired], stamp: Stamp) -> Ledger:
    """The ledger with objects that were there before as ours."""
    entries = dict(ledger.entries)
    for desired in objects:
        entry = entries.get(desired.address, Entry(desired.kind.name, desired.params))
        if not (entry.owned or desired.kind.always or desired.params[desired.kind.holes[-1]] in desired.kind.builtin):
            protect = desired.guidance.protect
            entries[desired.address] = replace(
                entry, owned=True, protect=protect, commit=stamp.commit, since=stamp.moment
            )
    return replace(ledger, entries=entries)


def notices(ledger: Ledger) -> list[str]:
    """What a plan says where the ledger could not be read."""
    unknown = "what left the files, and whether write-only secrets changed, is not known"
    if ledger.closed:
        return [f"{ledger.closed}: {unknown}"]
    lost = "the key of the ledger's fingerprints is gone, and whether write-only secrets changed is not known"
    hint = "apply with `--resend PATTERN` sends them and makes a new key; then those not sent yet look changed, once"
    return [f"{lost}: {hint}"] if ledger.key_lost else []


def own_home(change: Change, ledger: Ledger) -> Iterator[Problem]:
    """A problem with a change of the engine that the ledger lives in, which no run touches."""
    if ledger.holds(change.address):
        message = f"{change.action}: the ledger lives there, and its engine is never touched"
        hint = "change it by hand, or let the files say what is there"
        yield Problem(message, change.source, hint, str(change.address))


def sends_hidden(ready: Iterable[Ready], server: Server) -> bool:
    """Whether anything will be sent that no server returns."""
    return any(_sent(item, server) for item in ready)


def _sent(item: Ready, server: Server) -> list[str]:
    if item.write is None or item.change.desired is None:
        return []
    return sorted(
        hidden(item.change.kind, server)
        & item.write.send
        & item.change.desired.values.keys() - set(item.change.desired.guidance.ignore)
    )


def _is_remembered(change: Change) -> bool:
    """Whether the server changes a password that stands in the files; of others it says itself when it did."""
    return change.rotate and change.kind.rotation is not None and bool(change.kind.rotation.fields)


def _proven(entry: Entry, item: Ready, server: Server, key: Secret | None, stamp: Stamp) -> Entry:
    """An entry after its object was written, and read back."""
    macs: dict[str, str] = {}
    gone = item.change.kind.rotation.fields if item.change.kind.rotation is not None else frozenset[str]()
    if _is_remembered(item.change):
        left = {name: mac for name, mac in entry.fingerprints.items() if name not in gone}
        entry = replace(entry, rotated=stamp.moment, fingerprints=left)
    elif gone.intersection(_sent(item, server)):
        entry = replace(entry, rotated="")
    if item.write is not None and key is not None:
        for name in _sent(item, server):
            if name in gone and _is_remembered(item.change):
                continue
            macs[name] = fingerprint(key, entry.hashed_as or item.change.address, name, item.write.values[name])
    return replace(entry, pending=False, fingerprints={**entry.fingerprints, **macs})


def _restore(entries: dict[Address, Entry], before: Mapping[Address, Entry], address: Address) -> None:
    entries.pop(address, None)
    if address in before:
        entries[address] = before[address]


def _keep(entries: dict[Address, Entry], address: Address, entry: Entry) -> None:
    if entry.tells_nothing:
        entries.pop(address, None)
    else:
        entries[address] = entry
