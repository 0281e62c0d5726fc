"""What the commands have in common: their options, how they fail, how they are interrupted."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from typing import Annotated, NoReturn

import typer

from vaultconf import console, environment
from vaultconf.address import Pattern
from vaultconf.errors import ExitCode, Problem, UsageError, VaultconfError


class Format(StrEnum):
    """How a result is shown."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


class Style(StrEnum):
    """How a result without tables is shown."""

    TEXT = "text"
    JSON = "json"


class Shape(StrEnum):
    """How a desired state is shown."""

    YAML = "yaml"
    JSON = "json"


TargetOption = Annotated[str, typer.Option("--target", help="Which target of vaultconf.yaml.", metavar="NAME")]
FormatOption = Annotated[Format, typer.Option("--format", help="How the result is shown.")]
OnlyOption = Annotated[
    list[str] | None, typer.Option("--only", help="Look at nothing but these addresses.", metavar="PATTERN")
]
ConcurrencyOption = Annotated[
    int | None, typer.Option("--concurrency", min=1, max=256, help="Most requests at a time.", metavar="N")
]
ResendOption = Annotated[
    list[str] | None,
    typer.Option("--resend", help="Send the write-only fields of these addresses again.", metavar="PATTERN"),
]
AllowOption = Annotated[
    list[str] | None,
    typer.Option("--allow", help="Permit what destroys data or a way in, at these addresses.", metavar="PATTERN"),
]
#: How long a run waits for the lock of the ledger.
LOCK_TIMEOUT = "5m"
LockTimeoutOption = Annotated[
    str, typer.Option("--lock-timeout", help="How long to wait for the ledger's lock.", metavar="DURATION")
]
UnmanagedOption = Annotated[bool, typer.Option("--unmanaged", help="List what no file declares.")]


def patience(text: str) -> float:
    """How long to wait for a lock: seconds; 0 is not at all. Raises UsageError."""
    try:
        return 0.0 if text in ("0", "0s") else environment.seconds(text)
    except ValueError as error:
        raise UsageError(f"--lock-timeout {error}") from None


def refuse_to_ask(format: Format, *, yes: bool) -> None:  # noqa: A002
    """Raise UsageError, before anything is read or sent, where nobody could answer the question."""
    if yes:
        return
    if format is not Format.TEXT:
        raise UsageError(f"`--format {format}` is for machines, which cannot be asked", "use --yes")
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("nobody can be asked here", "use --yes")


def patterns(texts: Sequence[str] | None) -> tuple[Pattern, ...]:
    """The patterns of an option. Raises UsageError."""
    try:
        return tuple(map(Pattern.parse, texts or ()))
    except ValueError as error:
        raise UsageError(str(error)) from None


@contextlib.contextmanager
def failing(format: Format, document: str) -> Iterator[None]:  # noqa: A002
    """Show a failure in the chosen format: JSON is complete even when the command fails, or is interrupted."""
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    except VaultconfError as error:
        console.show_failure(error.problems, format.value, document)
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        console.show_failure([Problem("interrupted; nothing was written")], format.value, document)
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


@contextlib.contextmanager
def stopping(stop: Callable[[], None]) -> Iterator[list[int]]:
    """Turn Ctrl-C and SIGTERM into "start nothing more"; a second one ends the process at once."""
    received: list[int] = []

    def handle(number: int, _frame: object) -> None:
        received.append(number)
        if len(received) > 1:
            os._exit(ExitCode.INTERRUPTED)
        stop()

    previous = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
