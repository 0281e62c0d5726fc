"""Which passwords `rotate` has the server change: a plan with that action alone."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from vaultconf import catalogue, rotating, sharing
from vaultconf.address import Pattern, covered
from vaultconf.contact import Contact
from vaultconf.errors import InputError, Problem, Refused
from vaultconf.kind import Kind
from vaultconf.ledger import Ledger
from vaultconf.live import Reading
from vaultconf.logins import Alike
from vaultconf.model import Action, Change, Desired, Live, Plan
from vaultconf.saved import Saved
from vaultconf.scope import Scope
from vaultconf.settings import Settings
from vaultconf.sharing import Logins
from vaultconf.survey import Survey, look
from vaultconf.tables import Table, TableKey, mount_types


@dataclass(frozen=True, slots=True)
class Wish:
    """Whose passwords are to be changed: of declared objects that match, and were changed before `before`."""

    patterns: tuple[Pattern, ...]
    before: datetime.datetime | None = None


def related(kinds: Collection[Kind]) -> list[Kind]:
    """The kinds whose objects may log in as the same users as objects of these do: those of the same engines."""
    engines = {(kind.section, *kind.mount_types) for kind in kinds if kind.rotation is not None}
    every = catalogue.all_kinds().values()
    return [kind for kind in every if kind.rotation is not None and (kind.section, *kind.mount_types) in engines]


def neighbours(tables: Mapping[TableKey, Table], kinds: Collection[Kind]) -> Iterator[Pattern]:
    """Where on the server other objects may log in as the same user as objects of these kinds."""
    near = related(kinds)
    for (namespace, section, mount), mount_type in mount_types(tables).items():
        for kind in near:
            if kind.section == section and mount_type in kind.mount_types:
                params = {"mount": mount}
                path = f"{kind.collection_of(params)}/*" if kind.named else kind.path_of(params)
                yield Pattern.parse(f"{namespace}/{path}" if namespace else path)


def narrowing(wish: Wish, contact: Contact) -> Callable[[Plan, Reading, Scope], Plan]:
    """What `pipeline.plan` keeps of a plan: see `narrowed`."""

    def narrow(made: Plan, reading: Reading, _: Scope) -> Plan:
        kinds = [item.kind for item in made.present if covered(wish.patterns, item.address)]
        return narrowed(wish, made, reading, _around(contact, reading, kinds))

    return narrow


def repeating(kept: Saved, contact: Contact) -> Callable[[Plan, Reading], Plan]:
    """What `pipeline.plan_saved` compares a saved plan with: a plan of rotations, where it is one, made anew."""

    def again(made: Plan, reading: Reading) -> Plan:
        if kept.frame.rotations is None:
            return made
        addresses = {planned.address for planned in kept.changes}
        kinds = [item.kind for item in made.present if str(item.address) in addresses]
        return repeated(addresses, made, reading, _around(contact, reading, kinds))

    return again


def _around(contact: Contact, reading: Reading, kinds: Collection[Kind]) -> Survey:
    patterns = tuple(neighbours(reading.tables, kinds))
    # Without a pattern all there is would be looked at.
    return look(contact, Scope(Settings(), patterns)) if patterns else Survey((), (), (), {}, {})


def narrowed(wish: Wish, made: Plan, reading: Reading, around: Survey) -> Plan:
    """The plan with the rotations that are wished for, instead of its changes.

    Raises InputError where a pattern matches nothing that can be rotated, Refused where others use the same login.
    """
    wanted = [item for item in made.present if item.kind.rotation is not None and covered(wish.patterns, item.address)]
    for pattern in wish.patterns:
        if not any(pattern.matches(str(item.address)) for item in wanted):
            hint = "name what is declared and there: database connections, static roles, `config` of LDAP"
            raise InputError(f"`{pattern.text}` matches nothing whose password the server can rotate", hint)
    told, old = [], []
    for item in wanted:
        is_old, why = _age(wish, item, reading.objects[item.address], made.ledger)
        told += [f"{item.address}: {why}"] if why else []
        old += [item] if is_old else []
    found = _rotations(old, made, reading, around)
    return replace(found, blocked=(), held=(), notices=(*found.notices, *told))


def repeated(addresses: Collection[str], made: Plan, reading: Reading, around: Survey) -> Plan:
    """The plan with the rotations of these addresses, as far as they are declared and there, instead of its changes.

    Raises Refused where others use the same login.
    """
    wanted = [item for item in made.present if item.kind.rotation is not None and str(item.address) in addresses]
    return _rotations(wanted, made, reading, around)


def _rotations(wanted: Iterable[Desired], made: Plan, reading: Reading, around: Survey) -> Plan:
    told = [
        f"{item.address} {item.reason}: whether others share a user is not known"
        for item in around.blocked
        if item.kind.rotation is not None
    ]
    changes = [_change(item, made, reading) for item in sorted(wanted, key=lambda one: str(one.address))]
    if wrong := [problem for change in changes for problem in _unfit(change, made)]:
        raise InputError(wrong)
    logins = Logins.of((item, live.values) for item, live in around.objects)
    if shared := list(_shared(changes, logins)):
        raise Refused(shared)
    alone = replace(made, changes=tuple(map(logins.risky, changes)), unmanaged=(), unverified=())
    return replace(alone, notices=(*made.notices, *told))


def _unfit(change: Change, made: Plan) -> Iterator[Problem]:
    """Why a password may not be rotated: this server cannot, or the next plan would put the old one back."""
    yield from rotating.unable(change, made.server)
    kept = made.ledger.mount or (change.desired is not None and rotating.is_wished(change.desired))
    if (names := rotating.returned_fields(change.kind)) and not kept:
        listed = ", ".join(f"`{name}`" for name in names)
        message = f"a rotation changes {listed}, and without a ledger the next plan would put back the one in the files"
        hint = "keep a ledger, or say `vaultconf: {rotate_root: on_create}` there"
        yield Problem(message, change.source, hint, str(change.address))


def forgotten(made: Plan) -> Iterator[str]:
    """Notices of what nobody remembers: whether a plan of rotations, once it is saved, has been carried out."""
    for change in made.changes:
        if not made.ledger.mount and not rotating.trace(change, made.ledger) and not _dated(change.kind):
            unknown = "without a ledger nobody knows whether it was rotated"
            yield f"{change.address}: {unknown}, so that each apply of the file does it"


def _dated(kind: Kind) -> bool:
    return kind.rotation is not None and bool(kind.rotation.since)


def _change(item: Desired, made: Plan, reading: Reading) -> Change:
    found = reading.objects[item.address]
    after = item.kind.completed(made.server, item.params, item.values)
    before = found if isinstance(found, Live) else None
    return replace(Change.of(Action.ROTATE, item, (), after, before), rotate=True)


def _age(wish: Wish, item: Desired, found: object, ledger: Ledger) -> tuple[bool, str]:
    """Whether a password is old enough, and what there is to say about that."""
    if wish.before is None:
        return True, ""
    moment = rotating.moment(rotating.last(item, found, ledger))
    if moment is None:
        return True, "nobody knows when it was rotated last, so that it counts as old"
    if moment < wish.before:
        return True, ""
    return False, f"was rotated at {moment:%Y-%m-%d %H:%M} UTC, and is left alone"


def _shared(changes: Iterable[Change], logins: Logins) -> Iterator[Problem]:
    """What would no longer log in, because it does so as a user whose password is to change."""
    for change in changes:
        for other in logins.others(change.address, Alike.YES):
            message = f"{other} logs in as the same user, and could no longer"
            yield Problem(message, change.source, sharing.HINT, str(change.address))
