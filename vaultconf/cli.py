"""The command line: parse, call one pipeline function, show, exit code. No logic of its own."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import TyperException

from vaultconf import (
    __version__,
    adopt_command,
    books,
    console,
    export_command,
    ledger_commands,
    permissions_command,
    pipeline,
    plan_commands,
    render_command,
    rotate_command,
    saving,
)
from vaultconf.carrying import Carrying
from vaultconf.command import (
    LOCK_TIMEOUT,
    AllowOption,
    ConcurrencyOption,
    Format,
    FormatOption,
    LockTimeoutOption,
    OnlyOption,
    ResendOption,
    Style,
    TargetOption,
    failing,
    patience,
    patterns,
    refuse_to_ask,
)
from vaultconf.errors import ExitCode, Problem, UsageError
from vaultconf.ledger import NO_LEDGER
from vaultconf.pipeline import Options
from vaultconf.saved import Saved

app = typer.Typer(
    add_completion=False,
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    help="Keep a live HashiCorp Vault or OpenBao equal to what Git says.",
)


_LATER = frozenset({"init", "lint", "fmt", "import", "can", "access"})


@app.callback(invoke_without_command=True)
def entry(
    context: typer.Context,
    directory: Annotated[Path, typer.Option("-C", help="Run in this project folder.", metavar="DIR")] = Path(),
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
) -> None:
    """Keep a live HashiCorp Vault or OpenBao equal to what Git says."""
    if version:
        sys.stdout.write(f"vaultconf {__version__}\n")
        raise typer.Exit(ExitCode.DONE)
    if context.invoked_subcommand is None:
        sys.stderr.write(context.get_help() + "\n")
        raise typer.Exit(ExitCode.USAGE)
    context.obj = directory


@app.command()
def validate(
    context: typer.Context,
    format: Annotated[Style, typer.Option("--format")] = Style.TEXT,  # noqa: A002
) -> None:
    """Check the files for every target, without a server."""
    with failing(Format(format), "vaultconf.validation/1"):
        console.validated(pipeline.validate_every(context.obj), as_json=format is Style.JSON)


app.command()(plan_commands.plan)
app.command()(plan_commands.drift)


@app.command()
def apply(
    context: typer.Context,
    file: Annotated[str, typer.Argument(help="Carry out just this saved plan.", metavar="[FILE]")] = "",
    target: TargetOption = "",
    format: FormatOption = Format.TEXT,  # noqa: A002
    only: OnlyOption = None,
    allow: AllowOption = None,
    resend: ResendOption = None,
    max_deletes: Annotated[
        int | None, typer.Option("--max-deletes", min=0, help="Most deletes in this run.", metavar="N")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    lock_timeout: LockTimeoutOption = LOCK_TIMEOUT,
    concurrency: ConcurrencyOption = None,
) -> None:
    """Make the server equal to what the files say."""
    with failing(format, "vaultconf.outcome/1"):
        refuse_to_ask(format, yes=yes)
        options, permitted = Options(target, patterns(only), patterns(resend), concurrency), patterns(allow)
        kept, wait = _saved(context, file, options), patience(lock_timeout)
        what = books.APPLY if kept is None or kept.frame.rotations is None else "rotate"
        loaded, state = pipeline.validate(context.obj, target)
        with (
            pipeline.connect(loaded, options, read_only=False, warn=console.warn) as contact,
            books.opened(contact, loaded, what=what, patience=wait, tell=console.warn) as ledger,
        ):
            known = ledger.ledger if ledger is not None else NO_LEDGER
            made, done = pipeline.plan_saved(loaded, state, contact, options, kept, known)
            run = Carrying(loaded, contact, ledger, permitted, max_deletes, format, yes)
            code = run.out(made, done)
    raise typer.Exit(code)


def _saved(context: typer.Context, file: str, options: Options) -> Saved | None:
    """The plan of a file, which says itself what it looks at; None without one."""
    if not file:
        return None
    if options.only:
        raise UsageError("a saved plan holds its own --only", "leave the option out, or the file")
    return saving.open_saved(context.obj, file)


app.command()(export_command.export)
app.command()(adopt_command.adopt)
app.command()(permissions_command.permissions)
app.command()(render_command.render)
app.command()(rotate_command.rotate)
app.add_typer(ledger_commands.app, name="ledger")
app.command()(ledger_commands.unlock)


@app.command()
def schema() -> None:
    """Print the JSON Schema of desired-state documents, for editors."""
    from vaultconf import schema as schemas  # noqa: PLC0415 - only this command needs it

    sys.stdout.write(schemas.text())


@app.command()
def demo(context: typer.Context) -> None:
    """Apply this project to a throw-away server, change it by hand, and watch it being repaired."""
    from vaultconf import demo as story  # noqa: PLC0415 - only this command needs it

    with failing(Format.TEXT, ""):
        story.run(context.obj)


def _later(message: str) -> str:
    """Tell a command that is still to come from one that nobody has heard of."""
    word = message.removeprefix("No such command '").partition("'")[0]
    # The library that reads options puts words of its own before what is wrong.
    return f"`{word}` is not in this version" if word in _LATER else message.replace(": Value error, ", ": ")


def _refuse_second_target(arguments: list[str]) -> None:
    """Of an option that is given twice the last one would win, and nobody would hear of the other server."""
    if sum(word.partition("=")[0] == "--target" for word in arguments) > 1:
        raise TyperException("--target is given twice; `plan` and `drift` take several as `--target a,b`")


def main(arguments: list[str]) -> int:
    """Run one command line and return its exit code; nothing a user can cause raises."""
    console.prepare()
    try:
        _refuse_second_target(arguments)
        return int(app(args=arguments, prog_name="vaultconf", standalone_mode=False) or 0)
    except TyperException as error:
        console.problems([Problem(_later(error.format_message()), hint="see `vaultconf --help`")])
        return ExitCode.USAGE
    except (KeyboardInterrupt, typer.Abort):
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # Whoever read stdout has seen enough; nothing more can be said there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.FAILED
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        console.problems([Problem("the result cannot be written: no space is left where stdout leads")])
        return ExitCode.FAILED
    except Exception as error:  # noqa: BLE001 - the edge: a defect of ours must not print values
        console.defect(error)
        return ExitCode.FAILED
