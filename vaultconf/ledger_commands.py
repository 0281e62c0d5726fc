"""The commands that look at the ledger and mend it by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import typer

from vaultconf import books, console, ledger_store, lock, pipeline, remembering
from vaultconf.address import Pattern, covered
from vaultconf.books import Books
from vaultconf.command import (
    LOCK_TIMEOUT,
    Format,
    LockTimeoutOption,
    Style,
    TargetOption,
    failing,
    patience,
    patterns,
    refuse_to_ask,
)
from vaultconf.contact import Contact
from vaultconf.errors import InputError, Refused, VaultconfError
from vaultconf.ledger_store import Store
from vaultconf.model import Plan
from vaultconf.pipeline import Options
from vaultconf.project import Project
from vaultconf.report.ledger import FORMAT

app = typer.Typer(help="Look at the ledger, and mend it by hand.")

PatternArguments = Annotated[list[str], typer.Argument(metavar="PATTERN…", help="Which addresses.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@app.command()
def show(
    context: typer.Context,
    target: TargetOption = "",
    format: Annotated[Style, typer.Option("--format")] = Style.TEXT,  # noqa: A002
) -> None:
    """Show what was made here, when and by which commit, and who holds the lock."""
    with failing(Format(format), FORMAT):
        loaded = pipeline.settled(context.obj)
        with pipeline.connect(loaded, Options(target), read_only=True, warn=console.warn) as contact:
            store = _store(loaded, contact)
            found = Books(store, loaded.settings).read(with_key=False)
            console.show_ledger(found, loaded.settings.ledger, lock.holder(store), as_json=format is Style.JSON)


@app.command()
def forget(
    context: typer.Context,
    addresses: PatternArguments,
    target: TargetOption = "",
    yes: YesOption = False,
    lock_timeout: LockTimeoutOption = LOCK_TIMEOUT,
) -> None:
    """Forget objects: what leaves Git then stays on the server. Deletes nothing."""
    with failing(Format.TEXT, FORMAT):
        refuse_to_ask(Format.TEXT, yes=yes)
        wanted, wait = patterns(addresses), patience(lock_timeout)
        loaded = pipeline.settled(context.obj)
        with pipeline.connect(loaded, Options(target), read_only=False, warn=console.warn) as contact:
            _store(loaded, contact)
            with books.opened(contact, loaded, what="ledger forget", patience=wait, tell=console.warn) as ledger:
                if ledger is not None:
                    _forget(ledger, wanted, yes=yes)


def _forget(ledger: Books, wanted: Sequence[Pattern], *, yes: bool) -> None:
    entries = ledger.ledger.entries
    found = [address for address in entries if covered(wanted, address)]
    _refuse_nothing(found, "nothing in the ledger matches", "`vaultconf ledger show` lists what is in it")
    console.listed("To be forgotten:", map(str, found))
    if not yes and not console.agreed("Forget them?"):
        raise VaultconfError("nothing was forgotten: the answer was not `yes`")
    left = {address: entry for address, entry in entries.items() if address not in set(found)}
    ledger.keep(replace(ledger.ledger, entries=left))


@app.command()
def adopt(
    context: typer.Context,
    addresses: PatternArguments,
    target: TargetOption = "",
    lock_timeout: LockTimeoutOption = LOCK_TIMEOUT,
) -> None:
    """Take declared objects that were there before for our own: they go when they leave Git. Changes nothing else."""
    with failing(Format.TEXT, FORMAT):
        wanted, wait = patterns(addresses), patience(lock_timeout)
        loaded, state = pipeline.validate(context.obj, target)
        options = Options(target)
        with pipeline.connect(loaded, options, read_only=False, warn=console.warn) as contact:
            _store(loaded, contact)
            with books.opened(contact, loaded, what="ledger adopt", patience=wait, tell=console.warn) as ledger:
                if ledger is None:
                    return
                made = pipeline.plan(loaded, state, contact, options, ledger.ledger)
                found = [item for item in made.present if covered(wanted, item.address)]
                hint = "what is declared and not there yet becomes ours when an apply makes it"
                _refuse_nothing(found, "nothing that is declared and there matches", hint)
                _refuse_others(made, {str(item.address) for item in found})
                ledger.keep(remembering.adopted(made.ledger, found, ledger.stamp))
                console.listed("Adopted:", (str(item.address) for item in found))


def unlock(
    context: typer.Context,
    target: TargetOption = "",
    yes: YesOption = False,
) -> None:
    """Free the lock of the ledger, whoever holds it: for a run that is dead and could not do so itself."""
    with failing(Format.TEXT, FORMAT):
        refuse_to_ask(Format.TEXT, yes=yes)
        loaded = pipeline.settled(context.obj)
        with pipeline.connect(loaded, Options(target), read_only=False, warn=console.warn) as contact:
            store = _store(loaded, contact)
            books.refuse_another(store, loaded.settings)
            holder = lock.holder(store)
            if holder is None:
                console.listed("The lock is free.", ())
                return
            if not yes and not console.agreed(f"Free the lock of {holder}?"):
                raise VaultconfError("nothing was freed: the answer was not `yes`")
            lock.force(store)
            console.listed("Freed the lock of", [str(holder)])


def _store(loaded: Project, contact: Contact) -> Store:
    """Where the ledger is. Raises InputError where there is none."""
    if not loaded.settings.ledger:
        raise InputError(
            "this project keeps no ledger", "name a path for it in vaultconf.yaml: `ledger: secret/vaultconf`"
        )
    return ledger_store.find(contact, loaded.settings.ledger)


def _refuse_others(made: Plan, wanted: set[str]) -> None:
    """Raise Refused for what another project has in its ledger."""
    if taken := [problem for problem in made.claimed if problem.address in wanted]:
        raise Refused(taken)


def _refuse_nothing(found: Sequence[object], message: str, hint: str) -> None:
    if not found:
        raise InputError(message, hint)
