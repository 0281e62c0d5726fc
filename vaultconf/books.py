"""The ledger of a run: read before the plan, written before the first change and after the last."""

from __future__ import annotations

import datetime
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from vaultconf import commit, environment, ledger_store, lock, neighbours, remembering
from vaultconf.contact import Contact
from vaultconf.errors import Problem, Refused, ServerRefused, VaultconfError
from vaultconf.ledger import (
    HEAD,
    KEY,
    NO_LEDGER,
    SHARD,
    SHARDS,
    Head,
    Ledger,
    entries_of,
    head_from_json,
    head_to_json,
    shards_of,
)
from vaultconf.ledger_store import Store, Stored
from vaultconf.model import Outcome, Plan
from vaultconf.project import Project
from vaultconf.remembering import NOT_STAMPED, Stamp
from vaultconf.sealed import Secret
from vaultconf.sending import Ready
from vaultconf.settings import Settings
from vaultconf.yaml_text import shown

_KEY_BYTES = 32
#: The run that carries out what a commit says; others, such as a rotation of passwords, do not.
APPLY = "apply"


def recall(contact: Contact, settings: Settings) -> Ledger:
    """The ledger for a run that only reads: closed, with the reason, where it cannot be read.

    Raises InputError where the setting names no KV v2 engine, Refused where it is another project's.
    """
    if not settings.ledger:
        return NO_LEDGER
    try:
        return Books(ledger_store.find(contact, settings.ledger), settings).read(with_key=False)
    except ServerRefused as error:
        found = error.problems[0]
        return Ledger(mount=settings.ledger, closed=f"{found.message}{f' ({found.hint})' if found.hint else ''}")


def refuse_another(store: Store, settings: Settings) -> None:
    """Raise Refused where a ledger is another project's, as far as that can be read."""
    with suppress(ServerRefused, ValueError):
        _refuse_another(head_from_json(store.read(HEAD).data), settings)


def _refuse_another(head: Head, settings: Settings) -> None:
    if settings.named and head.project and head.project != settings.project:
        hint = "correct `project` or `ledger` in vaultconf.yaml: two projects never share one"
        raise Refused(
            Problem(f"the ledger {settings.ledger} is that of the project `{shown(head.project)}`", hint=hint)
        )


@contextmanager
def opened(
    contact: Contact,
    loaded: Project,
    *,
    what: str,
    patience: float,
    tell: Callable[[Problem], None],
) -> Iterator[Books | None]:
    """The ledger of a run that writes, under its lock from before the plan to the end; None without one.

    `what` the run does is told to those who wait, and only `APPLY` makes the commit the one that was applied last.
    `tell` hears for whom it waits itself, for `patience` seconds at most. Raises as `recall` does, and ServerRefused
    where the ledger cannot be read.
    """
    if not loaded.settings.ledger:
        yield None
        return
    store = ledger_store.find(contact, loaded.settings.ledger)
    moment = datetime.datetime.now(tz=datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    stamp = Stamp(
        commit.checked_out(loaded.root),
        moment,
        contact.caller.title,
        loaded.settings.project if loaded.settings.named else "",
        applies=what == APPLY,
    )
    reason = f"{what} of commit {stamp.commit[:12]}" if stamp.commit else what
    holder = lock.Holder(environment.whoami(environment.process()), reason, moment)
    with lock.held(store, holder, patience, tell):
        found = Books(store, loaded.settings, stamp)
        found.read()
        yield found


class Books:
    """The ledger that a run may write. Not a value: `ledger` is as it was read or last written."""

    def __init__(self, store: Store, settings: Settings, stamp: Stamp = NOT_STAMPED) -> None:
        self.store = store
        self.settings = settings
        self.stamp = stamp
        self.ledger = Ledger(store.mount)
        self.kept: dict[str, Stored] = {}
        self.problems: list[Problem] = []

    def read(self, *, with_key: bool = True) -> Ledger:
        """Read everything. Raises ServerRefused where something cannot be read, Refused for another project's.

        The key may be kept from those who only look: without `with_key` it may be missing.
        """
        self.kept = self.store.read_all([HEAD, *map(SHARD.format, SHARDS)])
        try:
            head = head_from_json(self.kept[HEAD].data)
            entries = entries_of(self._objects(name) for name in SHARDS)
        except (ValueError, AttributeError, TypeError) as error:
            raise VaultconfError(f"the ledger {self.settings.ledger} {error}", "was it written by hand?") from None
        _refuse_another(head, self.settings)
        self.ledger = Ledger(self.store.mount, head=head, entries=entries)
        with suppress(*(() if with_key else (ServerRefused,))):
            key = self._read_key()
            lost = key is None and any(entry.fingerprints for entry in entries.values())
            self.ledger = replace(self.ledger, key=key, key_lost=lost)
        return self.ledger

    def _objects(self, shard: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = (self.kept[SHARD.format(shard)].data or {}).get("objects", {})
        return found

    def _read_key(self) -> Secret | None:
        self.kept[KEY] = self.store.read(KEY)
        text = (self.kept[KEY].data or {}).get("key")
        return Secret(text) if isinstance(text, str) and len(text) == 2 * _KEY_BYTES else None

    def intend(self, made: Plan, ready: Iterable[Ready]) -> None:
        """Write down what will be made and sent, before it is. Raises ServerRefused or Refused.

        Two projects that begin at once have seen nothing of each other: now one of them does, or both.
        """
        ready = tuple(ready)
        if not ready:
            return
        if self.ledger.key is None and remembering.sends_hidden(ready, made.server):
            self._make_key()
        if (head := remembering.claimed(self.ledger, self.stamp)) != self.ledger.head or not self.kept[HEAD].version:
            self._write(HEAD, head_to_json(head))
        before = replace(self.ledger, head=head)
        self._turn(replace(remembering.intended(made, ready, self.stamp), key=self.ledger.key, head=head))
        if claimed := neighbours.claims(made, self.store.contact, self.settings)[0]:
            self._turn(before)
            raise Refused(claimed)

    def confirm(self, made: Plan, ready: Iterable[Ready], outcomes: Iterable[Outcome]) -> None:
        """Write down what came of it; where that fails it is kept as a problem, and stays as intended."""
        ready = tuple(ready)
        during = self.ledger if ready else made.ledger
        try:
            after = remembering.confirmed(made, during, ready, outcomes, self.stamp)
            self._turn(after)
            self._write(HEAD, head_to_json(after.head))
        except VaultconfError as error:
            hint = "apply again: it finds what is there, and completes the ledger"
            self.problems += [replace(problem, hint=hint) for problem in error.problems]

    def keep(self, ledger: Ledger) -> None:
        """Write another ledger in the place of the one that was read. Raises ServerRefused or Refused."""
        head = remembering.claimed(ledger, self.stamp)
        if head != self.ledger.head or not self.kept[HEAD].version:
            self._write(HEAD, head_to_json(head))
        self._turn(replace(ledger, head=head))

    def _turn(self, ledger: Ledger) -> None:
        """Write the shards that differ."""
        for shard, objects in shards_of(ledger.entries).items():
            if objects != self._objects(shard):
                self._write(SHARD.format(shard), {"objects": objects})
        self.ledger = ledger

    def _make_key(self) -> None:
        self._write(KEY, {"key": secrets.token_hex(_KEY_BYTES)})
        self.ledger = replace(self.ledger, key=Secret(str((self.kept[KEY].data or {})["key"])))

    def _write(self, name: str, data: Mapping[str, Any]) -> None:
        version = self.store.write(name, data, self.kept[name].version)
        if version is None:
            message = f"the ledger was written by others meanwhile: {self.store.path_of(name)}"
            raise Refused(Problem(message, hint="let no two applies share a ledger without its lock; then run again"))
        self.kept[name] = Stored(data, version)
