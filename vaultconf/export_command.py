"""The command that writes what the server has as desired-state files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from vaultconf import console, export_files, exporting, pipeline, settings
from vaultconf import output as outputs
from vaultconf.command import ConcurrencyOption, Format, OnlyOption, Style, TargetOption, failing, patterns
from vaultconf.contact import Contact
from vaultconf.desired import DesiredState
from vaultconf.errors import ExitCode
from vaultconf.export import Export
from vaultconf.pipeline import Options
from vaultconf.project import Project


def export(
    context: typer.Context,
    target: TargetOption = "",
    format: Annotated[Style, typer.Option("--format", help="How the result is shown.")] = Style.TEXT,  # noqa: A002
    only: OnlyOption = None,
    output: Annotated[
        Path,
        typer.Option(
            "--output", help="The folder to write to; default: the project's.", metavar="DIR", show_default=False
        ),
    ] = Path(),
    concurrency: ConcurrencyOption = None,
) -> None:
    """Write what the server has as desired-state files; never overwrites one."""
    with failing(Format(format), "vaultconf.export/1"):
        options = Options(target, patterns(only), (), concurrency)
        loaded, state = pipeline.validate(context.obj, target, may_be_empty=True)
        folder = context.obj / output
        with pipeline.connect(loaded, options, read_only=True, warn=console.warn) as contact:
            made, files = _export(loaded, state, contact, options, folder)
        console.show_export(made, str(folder), files, as_json=format is Style.JSON)
    raise typer.Exit(ExitCode.DONE if made.complete else ExitCode.FAILED)


def _export(
    loaded: Project, state: DesiredState, contact: Contact, options: Options, folder: Path
) -> tuple[Export, tuple[str, ...]]:
    """Write what the server has into new files of a folder; return what was found, and the paths of the files.

    In the project's own folder only what it does not declare yet. Raises InputError where a file is there already.
    """
    is_own = folder.resolve() == loaded.root
    declared = frozenset(item.address for item in state.objects) if is_own else frozenset()
    made = exporting.export(contact, pipeline.scope_of(loaded, contact, options), declared)
    files = dict(made.files)
    if files and not (folder / settings.FILE).exists():
        files = {**export_files.settings_file(made.external), **files}
    elif made.external:
        listed = ", ".join(made.external)
        made = replace(made, notices=(*made.notices, f"list under `external` in {settings.FILE}: {listed}"))
    outputs.write(folder, files)
    return made, tuple(files)
