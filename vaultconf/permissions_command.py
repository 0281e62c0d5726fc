"""The command that prints the smallest policy for a command, without a server."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from vaultconf import console, environment, guesses, pipeline
from vaultconf import contact as contacts
from vaultconf import permissions as granting
from vaultconf.command import Format, Style, TargetOption, failing
from vaultconf.permissions import Permissions, Run
from vaultconf.scope import Scope
from vaultconf.wanted import Wanted


def permissions(
    context: typer.Context,
    command: Annotated[Run, typer.Argument(help="The command that is to be permitted; `plan` permits `drift` too.")],
    target: TargetOption = "",
    format: Annotated[Style, typer.Option("--format")] = Style.TEXT,  # noqa: A002
) -> None:
    """Print the smallest policy that this project needs, without a server."""
    with failing(Format(format), "vaultconf.permissions/1"):
        made = _permissions(context.obj, command, target)
        console.show_permissions(made, as_json=format is Style.JSON)


def _permissions(root: Path, run: Run, target: str) -> Permissions:
    """The smallest policy for a command. Raises InputError with every problem of the files."""
    loaded, state = pipeline.validate(root, target)
    settings = loaded.settings
    namespace = contacts.connection_for(settings, target, environment.process()).namespace
    states, foreign = guesses.readings(loaded, state)
    wanted = Wanted.of(states, foreign, Scope(settings), settings.product)
    made = granting.make(run, wanted, contacts.target_of(settings, target), namespace)
    return replace(made, notices=(*state.notices, *made.notices))
