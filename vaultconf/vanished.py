"""What the ledger says is ours and no file declares any more: still there, gone, or unknown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from vaultconf import catalogue, off_limits
from vaultconf.address import covered
from vaultconf.answers import NO_NAMESPACE, is_absent, is_namespace_missing, unreadable
from vaultconf.contact import Contact
from vaultconf.desired import DesiredState
from vaultconf.http import Request
from vaultconf.kind import Kind
from vaultconf.ledger import Entry, Ledger
from vaultconf.live import Reading
from vaultconf.model import Address, Blocked, Unreadable
from vaultconf.scope import Scope
from vaultconf.strangers import Stranger
from vaultconf.tables import NOT_THERE, Table, TableKey, fits, mount_types, mount_values, read_tables
from vaultconf.transport import Task


@dataclass(frozen=True, slots=True)
class Vanished:
    """What became of the ledger's addresses that no file declares.

    `there` has those that the server still has, in its spelling; `forgotten` those that are gone or somebody else's
    now; `blocked` those that could not be read.
    """

    there: Mapping[Address, Entry] = field(default_factory=dict)
    forgotten: frozenset[Address] = frozenset()
    blocked: tuple[Blocked, ...] = ()
    notices: tuple[str, ...] = ()


NOTHING = Vanished()


def tables_with(contact: Contact, declared: Iterable[str], ledger: Ledger) -> dict[TableKey, Table]:
    """The tables of the declared namespaces, and of those in which the ledger has something that are there."""
    declared = {"", *declared}
    ours = {address.namespace for address in ledger.entries} if contact.server.namespaces else set()
    tables = read_tables(contact, declared | ours)
    return {
        key: table
        for key, table in tables.items()
        if key[0] in declared or not (isinstance(table, Unreadable) and table.reason == NO_NAMESPACE)
    }


def look(contact: Contact, state: DesiredState, reading: Reading, scope: Scope) -> tuple[Reading, Vanished]:
    """See what became of what is ours and not declared; the reading gets what no list of the server had."""
    if not scope.ledger.entries:
        return reading, NOTHING
    return _Search(contact, state, reading, scope).look()


class _Search:
    """One look; gathers as it goes."""

    def __init__(self, contact: Contact, state: DesiredState, reading: Reading, scope: Scope) -> None:
        self.contact = contact
        self.state = state
        self.reading = reading
        self.scope = scope
        self.strangers = {_key(one.kind, one.address): one for one in reading.strangers}
        self.there: dict[Address, Entry] = {}
        self.forgotten: set[Address] = set()
        self.blocked: list[Blocked] = []
        self.notices: list[str] = []

    def look(self) -> tuple[Reading, Vanished]:
        unseen = list(self.unseen())
        found = self.contact.transport.run(self.read(kind, address) for kind, address, _ in unseen)
        more = []
        for (kind, address, entry), live in zip(unseen, found, strict=True):
            if isinstance(live, Unreadable):
                self.blocked.append(Blocked(kind, address, live.status, f"left the files; {live.reason}"))
            elif not live:
                self.forgotten.add(address)
            else:
                self.there[address] = entry
                more.append(Stranger(kind, address, entry.params))
        reading = replace(self.reading, strangers=(*self.reading.strangers, *more)) if more else self.reading
        return reading, Vanished(self.there, frozenset(self.forgotten), tuple(self.blocked), tuple(self.notices))

    def unseen(self) -> Iterator[tuple[Kind, Address, Entry]]:
        """Deal with what is ours, not declared, and looked at; hand over what no list of the server had."""
        declared = {_key(item.kind, item.address) for item in self.state.objects}
        for address, entry in self.scope.ledger.entries.items():
            kind = catalogue.all_kinds().get(entry.kind)
            if address.namespace and not self.contact.server.namespaces:
                continue  # such a server would answer from its root
            if kind is None or not _fits_path(kind, entry, address):
                self.notices.append(f"{address}: the ledger has it as a kind that this version does not know")
            elif kind.anywhere and self.is_off_limits(address):
                self.notices.append(f"{address}: the ledger has it, and no run reads or deletes such a path")
            elif _key(kind, address) in declared or not self.scope.covers(address) or self.scope.held(address):
                continue
            elif not (entry.owned or entry.protect) or self.is_given_away(kind, address, entry):
                self.forgotten.add(address)
            elif (stranger := self.strangers.get(_key(kind, address))) is not None:
                self.there[stranger.address] = entry
            else:
                yield kind, address, entry

    def is_off_limits(self, address: Address) -> bool:
        """Whether a path may not be touched, whoever wrote it into the ledger."""
        mounts = [kind.name for kind in catalogue.all_kinds().values() if kind.is_mount]
        if any(
            isinstance(self.reading.tables.get((address.namespace, name), NOT_THERE), Unreadable) for name in mounts
        ):
            return True  # it could be in any engine
        types = {key[1:]: name for key, name in mount_types(self.reading.tables).items() if key[0] == address.namespace}
        return (off_limits.malformed(address.path) or off_limits.refusal(address.path, types)) is not None

    def is_given_away(self, kind: Kind, address: Address, entry: Entry) -> bool:
        """Whether somebody else manages it now, or nobody can delete it."""
        opened = kind.is_mount and (address.namespace, kind.section, entry.params["mount"]) in self.state.foreign
        external = covered(self.scope.settings.external, address)
        return opened or external or kind.always or entry.params[kind.holes[-1]] in kind.builtin

    def read(self, kind: Kind, address: Address) -> Task[Unreadable | bool]:
        """See whether something is there that no list had: not listed is not yet absent."""
        params, namespace = self.scope.ledger.entries[address].params, address.namespace
        if namespace in self.reading.new:
            return False
        if kind.table:
            table = self.reading.tables.get((namespace, kind.name))
            return table if isinstance(table, Unreadable) else False
        if kind.in_mount:
            mount = mount_values(self.reading.tables, kind, params, namespace, self.contact.server)
            if mount is None or not (isinstance(mount, Unreadable) or fits(kind, mount)):
                return False
        try:
            answer = yield self.contact.within(Request("GET", address.path), namespace)
        except ValueError as error:
            return Unreadable(0, str(error))
        if is_absent(kind, answer) or is_namespace_missing(answer):
            return False
        return True if answer.ok and answer.data is not None else unreadable(answer)


def _fits_path(kind: Kind, entry: Entry, address: Address) -> bool:
    """Whether an entry can be of this kind: it must not pass for one that is less dangerous to delete."""
    return entry.params.keys() == set(kind.holes) and kind.path_of(entry.params) == address.path


def _key(kind: Kind, address: Address) -> tuple[str, str, str]:
    """What is equal for the spellings that a server takes for one object."""
    return kind.name, address.namespace, kind.names.key(address.path)
