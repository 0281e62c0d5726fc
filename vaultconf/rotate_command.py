"""The command that has the server change passwords that it holds."""

from __future__ import annotations

import datetime
from typing import Annotated

import typer

from vaultconf import books, console, durations, pipeline
from vaultconf.carrying import Carrying
from vaultconf.command import (
    LOCK_TIMEOUT,
    Format,
    FormatOption,
    LockTimeoutOption,
    TargetOption,
    failing,
    patience,
    patterns,
    refuse_to_ask,
)
from vaultconf.errors import UsageError
from vaultconf.ledger import NO_LEDGER
from vaultconf.pipeline import Options
from vaultconf.rotation_plan import Wish, narrowing


def rotate(
    context: typer.Context,
    addresses: Annotated[list[str], typer.Argument(metavar="PATTERN…", help="Which addresses.")],
    older_than: Annotated[
        str, typer.Option("--older-than", help="Only what was rotated longer ago than that.", metavar="DURATION")
    ] = "",
    target: TargetOption = "",
    format: FormatOption = Format.TEXT,  # noqa: A002
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    lock_timeout: LockTimeoutOption = LOCK_TIMEOUT,
) -> None:
    """Have the server change the passwords of database connections and static roles, so that it alone knows them."""
    with failing(format, "vaultconf.outcome/1"):
        refuse_to_ask(format, yes=yes)
        wish, options, wait = Wish(patterns(addresses), _before(older_than)), Options(target), patience(lock_timeout)
        loaded, state = pipeline.validate(context.obj, target)
        with (
            pipeline.connect(loaded, options, read_only=False, warn=console.warn) as contact,
            books.opened(contact, loaded, what="rotate", patience=wait, tell=console.warn) as ledger,
        ):
            known = ledger.ledger if ledger is not None else NO_LEDGER
            made = pipeline.plan(loaded, state, contact, options, known, narrowing(wish, contact))
            code = Carrying(loaded, contact, ledger, (), None, format, yes).out(made)
    raise typer.Exit(code)


def _before(older_than: str) -> datetime.datetime | None:
    """The moment before which a password must have been rotated to be old. Raises UsageError."""
    if not older_than:
        return None
    try:
        age = datetime.timedelta(seconds=durations.from_yaml(older_than))
        return datetime.datetime.now(tz=datetime.UTC) - age
    except (ValueError, OverflowError):
        raise UsageError("--older-than must be a duration such as `30d`") from None
