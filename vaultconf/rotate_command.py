"""The command that has the server change passwords that it holds."""

from __future__ import annotations

import datetime
from dataclasses import replace
from typing import Annotated

import typer

from vaultconf import books, console, durations, pipeline, saving
from vaultconf.carrying import Carrying
from vaultconf.command import (
    LOCK_TIMEOUT,
    AllowOption,
    Format,
    FormatOption,
    LockTimeoutOption,
    TargetOption,
    failing,
    patience,
    patterns,
    refuse_to_ask,
)
from vaultconf.errors import ExitCode, UsageError, VaultconfError
from vaultconf.ledger import NO_LEDGER
from vaultconf.model import Plan
from vaultconf.pipeline import Options
from vaultconf.rotation_plan import Wish, forgotten, narrowing
from vaultconf.saved import Rotations


def rotate(
    context: typer.Context,
    addresses: Annotated[list[str], typer.Argument(metavar="PATTERN…", help="Which addresses.")],
    older_than: Annotated[
        str, typer.Option("--older-than", help="Only what was rotated longer ago than that.", metavar="DURATION")
    ] = "",
    out: Annotated[
        str, typer.Option("--out", help="Save the plan for `apply FILE`, and rotate nothing.", metavar="FILE")
    ] = "",
    target: TargetOption = "",
    format: FormatOption = Format.TEXT,  # noqa: A002
    allow: AllowOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    lock_timeout: LockTimeoutOption = LOCK_TIMEOUT,
) -> None:
    """Have the server change passwords and keys that it holds, so that it alone knows them."""
    with failing(format, "vaultconf.plan/1" if out else "vaultconf.outcome/1"):
        permitted, wish = patterns(allow), Wish(patterns(addresses), _before(older_than))
        options = Options(target, rotations=Rotations(wish.patterns, older_than))
        if out and allow:
            raise UsageError("a saved plan permits nothing", "give --allow to `vaultconf apply FILE`")
        if out:
            made = _save(context, wish, options, out)
            console.show_plan(made, format.value)
            raise typer.Exit(ExitCode.DONE if made.complete else ExitCode.FAILED)
        refuse_to_ask(format, yes=yes)
        wait = patience(lock_timeout)
        loaded, state = pipeline.validate(context.obj, target)
        with (
            pipeline.connect(loaded, options, read_only=False, warn=console.warn) as contact,
            books.opened(contact, loaded, what="rotate", patience=wait, tell=console.warn) as ledger,
        ):
            known = ledger.ledger if ledger is not None else NO_LEDGER
            made = pipeline.plan(loaded, state, contact, options, known, narrowing(wish, contact))
            code = Carrying(loaded, contact, ledger, permitted, None, format, yes).out(made)
    raise typer.Exit(code)


def _save(context: typer.Context, wish: Wish, options: Options, out: str) -> Plan:
    """Save the plan, over a connection that cannot write. Raises VaultconfError where nothing can be saved."""
    path = saving.destination(context.obj, out)
    loaded, state = pipeline.validate(context.obj, options.target)
    with pipeline.connect(loaded, options, read_only=True, warn=console.warn) as contact:
        known = books.recall(contact, loaded.settings)
        if known.closed:
            hint = "give this token the right to read it: it says when a password was rotated last"
            raise VaultconfError(f"the plan was not saved: {known.closed}", hint)
        made = pipeline.plan(loaded, state, contact, options, known, narrowing(wish, contact))
        made = replace(made, notices=(*made.notices, *forgotten(made)))
        return pipeline.save(made, loaded, contact, options, path)


def _before(older_than: str) -> datetime.datetime | None:
    """The moment before which a password must have been rotated to be old. Raises UsageError."""
    if not older_than:
        return None
    try:
        age = datetime.timedelta(seconds=durations.from_yaml(older_than))
        return datetime.datetime.now(tz=datetime.UTC) - age
    except (ValueError, OverflowError):
        raise UsageError("--older-than must be a duration such as `30d`") from None
