"""The command that writes what the server has into the files, so that a change made by hand is kept."""

from __future__ import annotations

from typing import Annotated

import typer

from vaultconf import adoption, books, console, output, pipeline
from vaultconf.command import ConcurrencyOption, Format, Style, TargetOption, failing, patterns
from vaultconf.live import Reading
from vaultconf.model import Plan
from vaultconf.pipeline import Options
from vaultconf.scope import Scope


def adopt(
    context: typer.Context,
    addresses: Annotated[list[str], typer.Argument(metavar="PATTERN…", help="Which addresses.")],
    target: TargetOption = "",
    format: Annotated[Style, typer.Option("--format", help="How the result is shown.")] = Style.TEXT,  # noqa: A002
    concurrency: ConcurrencyOption = None,
) -> None:
    """Write what the server has into the files, for what differs and for what no file declares; changes no server."""
    with failing(Format(format), "vaultconf.adopted/1"):
        options = Options(target, patterns(addresses), (), concurrency)
        loaded, state = pipeline.validate(context.obj, target)
        read: list[tuple[Reading, Scope]] = []

        def keep(made: Plan, reading: Reading, scope: Scope) -> Plan:
            read.append((reading, scope))
            return made

        with pipeline.connect(loaded, options, read_only=True, warn=console.warn) as contact:
            ledger = books.recall(contact, loaded.settings)
            made = pipeline.plan(loaded, state, contact, options, ledger, keep)
            found = adoption.find(loaded, target, contact, made, *read[0])
        output.exchange(loaded.root, found.files, found.before)
        console.show_adoption(found, as_json=format is Style.JSON)
