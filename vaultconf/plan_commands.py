"""The commands that compare and write nothing: `plan`, and `drift`, which is the same read the other way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, NoReturn

import typer

from vaultconf import books, console, environment, pipeline, project, saving, several
from vaultconf.command import (
    ConcurrencyOption,
    Format,
    FormatOption,
    OnlyOption,
    ResendOption,
    UnmanagedOption,
    failing,
    patterns,
)
from vaultconf.desired import DesiredState
from vaultconf.errors import ExitCode, Problem, UsageError, VaultconfError
from vaultconf.http import Connection
from vaultconf.model import Plan, Server, TargetPlan
from vaultconf.pipeline import Options
from vaultconf.project import Project
from vaultconf.report.data import PLAN, PLANS

TargetsOption = Annotated[
    str,
    typer.Option(
        "--target", help="Which target of vaultconf.yaml; several with commas between.", metavar="NAME[,NAME…]"
    ),
]
AllTargetsOption = Annotated[bool, typer.Option("--all-targets", help="Every target of vaultconf.yaml.")]


@dataclass(frozen=True, slots=True)
class Look:
    """How a comparison is shown, and whether a difference is exit code 2."""

    format: Format
    unmanaged: bool
    tells: bool
    drift: bool = False
    strict: bool = False


def plan(
    context: typer.Context,
    target: TargetsOption = "",
    all_targets: AllTargetsOption = False,
    format: FormatOption = Format.TEXT,  # noqa: A002
    only: OnlyOption = None,
    resend: ResendOption = None,
    concurrency: ConcurrencyOption = None,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit with 2 where there are changes.")
    ] = False,
    unmanaged: UnmanagedOption = False,
    out: Annotated[str, typer.Option("--out", help="Save the plan for `apply FILE`.", metavar="FILE")] = "",
) -> None:
    """Show what `apply` would change; writes nothing."""
    with failing(format, _document(target, all_targets=all_targets)):
        options = Options(target, patterns(only), patterns(resend), concurrency)
        look = Look(format, unmanaged, detailed_exitcode)
        if not several.asked_for(target, every=all_targets):
            _show_one(_plan(context, options, out), look)
        if out:
            raise UsageError("a saved plan is for one target", "save a plan for each: `--target NAME --out FILE`")
        _show_all(_plans(context, options), look)


def drift(
    context: typer.Context,
    target: TargetsOption = "",
    all_targets: AllTargetsOption = False,
    format: FormatOption = Format.TEXT,  # noqa: A002
    only: OnlyOption = None,
    concurrency: ConcurrencyOption = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Undeclared mounts, policies and audit devices are drift too.")
    ] = False,
    unmanaged: UnmanagedOption = False,
) -> None:
    """Show what differs from Git; exits with 2 where anything does."""
    with failing(format, _document(target, all_targets=all_targets)):
        options = Options(target, patterns(only), (), concurrency)
        look = Look(format, unmanaged or strict, tells=True, drift=True, strict=strict)
        if not several.asked_for(target, every=all_targets):
            _show_one(_plan(context, options), look)
        _show_all(_plans(context, options), look)


def _document(target: str, *, all_targets: bool) -> str:
    """The format of what is printed, which a pipeline knows from the command line alone."""
    return PLANS if all_targets or "," in target else PLAN


def _show_one(made: Plan, look: Look) -> NoReturn:
    made = replace(made, strict=look.strict)
    console.show_plan(made, look.format.value, list_unmanaged=look.unmanaged, drift=look.drift)
    _leave([made], look)


def _show_all(found: Sequence[TargetPlan], look: Look) -> NoReturn:
    found = [replace(item, plan=replace(item.plan, strict=look.strict)) for item in found]
    console.show_plans(found, look.format.value, list_unmanaged=look.unmanaged, drift=look.drift)
    _leave([item.plan for item in found], look)


def _leave(found: Sequence[Plan], look: Look) -> NoReturn:
    """Incomplete wins over different."""
    if not all(made.complete for made in found):
        raise typer.Exit(ExitCode.FAILED)
    different = look.tells and any(made.differs for made in found)
    raise typer.Exit(ExitCode.DIFFERENT if different else ExitCode.DONE)


def _plan(context: typer.Context, options: Options, out: str = "") -> Plan:
    path = saving.destination(context.obj, out) if out else None
    loaded, state = pipeline.validate(context.obj, options.target)
    with pipeline.connect(loaded, options, read_only=True, warn=console.warn) as contact:
        made = pipeline.plan(loaded, state, contact, options, books.recall(contact, loaded.settings))
        if path is None:
            return made
        if not made.complete:
            console.warn(Problem("the plan is not complete, so it was not saved", hint="see what is missing in it"))
        return pipeline.save(made, loaded, contact, options, path)


def _plans(context: typer.Context, options: Options) -> list[TargetPlan]:
    """Plan for every target that is asked for. Raises VaultconfError for what is wrong before the first connection."""
    loaded = project.load(context.obj)
    chosen = several.names(loaded, options.target)
    at = several.connections(loaded.settings, chosen, environment.process())
    checked = several.checked(loaded, chosen)
    if shared := several.token_of_many(loaded.settings, at):
        console.warn(shared)
    jobs = {name: partial(_planned, *checked[name], replace(options, target=name)) for name in chosen}
    ended = several.side_by_side(jobs, console.warn)
    return [TargetPlan(name, _ended(ended[name], at[name])) for name in chosen]


def _planned(
    loaded: Project,
    state: DesiredState,
    options: Options,
    warn: several.Warn,
    halted: several.Halted,
) -> Plan:
    with pipeline.connect(loaded, options, read_only=True, warn=warn, halted=halted) as contact:
        return pipeline.plan(loaded, state, contact, options, books.recall(contact, loaded.settings))


def _ended(found: Plan | Exception, at: Connection) -> Plan:
    """The plan of a target; that of one that failed has no server behind its address, and says why."""
    if isinstance(found, Plan):
        return found
    problems = found.problems if isinstance(found, VaultconfError) else (Problem(console.defect_text(found)),)
    return Plan(Server("", address=at.address), errors=problems)
