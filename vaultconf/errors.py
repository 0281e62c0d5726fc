"""Everything that can go wrong, and the exit code it leads to.

VaultconfError
├── InputError          the files say something that cannot be meant (1)
├── ConnectionFailed    no server, or not a Vault, behind the address (1)
├── ServerRefused       the server answered, and the answer ends the run (1)
├── Refused             a guard says no, before the first write (3)
└── UsageError          a wrong command line (64)
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple


class ExitCode(IntEnum):
    """What the process says to CI; the one table of exit codes."""

    DONE = 0
    FAILED = 1
    DIFFERENT = 2
    REFUSED = 3
    PARTIAL = 4
    USAGE = 64
    INTERRUPTED = 130


class Place(NamedTuple):  # a dataclass takes four times as long to make, and every key and value has one
    """A position in a file of the project; line and column count from 1. In a template, `use` is where it is used."""

    file: str
    line: int
    column: int
    use: Place | tuple[()] = ()  # not None: places are sorted

    def __str__(self) -> str:
        written = f"{self.file}:{self.line}:{self.column}"
        return f"{written}, used at {self.use}" if self.use else written

    @property
    def written(self) -> Place:
        """The same position, whoever uses it."""
        return Place(self.file, self.line, self.column) if self.use else self

    def beside(self, at: tuple[int, int]) -> Place:
        """Another (line, column) of the same file, in the same use."""
        return Place(self.file, at[0], at[1], self.use)


Use = Place | tuple[()]
NO_USE: Use = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """One complaint: what is wrong, where, and what to do about it.

    `address` is the API path of the object concerned, "" where there is none.
    """

    message: str
    place: Place | None = None
    hint: str = ""
    address: str = ""

    def __str__(self) -> str:
        where = f"{self.place.written}: " if self.place else f"{self.address}: " if self.address else ""
        used = f"used at {self.place.use}" if self.place and self.place.use else ""
        notes = "; ".join(filter(None, (used, self.hint)))
        return f"{where}{self.message}{f' ({notes})' if notes else ''}"


class VaultconfError(Exception):
    """A failure that a user can cause; carries every problem of the run, never one at a time."""

    exit_code = ExitCode.FAILED

    def __init__(self, problems: Problem | str | Iterable[Problem], hint: str = "") -> None:
        if isinstance(problems, str):
            problems = Problem(problems, hint=hint)
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class InputError(VaultconfError):
    """The project's files say something that cannot be meant."""


class ConnectionFailed(VaultconfError):  # noqa: N818 - reads as a sentence where it is caught
    """No server answered, or what answered is not a Vault."""


class ServerRefused(VaultconfError):  # noqa: N818
    """The server answered, and the answer ends the run (sealed, expired token)."""


class Refused(VaultconfError):  # noqa: N818
    """A guard says no; nothing was written."""

    exit_code = ExitCode.REFUSED


class UsageError(VaultconfError):
    """A wrong command line."""

    exit_code = ExitCode.USAGE


def nearest(word: str, choices: Iterable[str]) -> str:
    """Return "did you mean `x`?" for the most similar of `choices`, "" where none is similar."""
    found = difflib.get_close_matches(str(word), sorted(choices), n=1, cutoff=0.6)
    return f"did you mean `{found[0]}`?" if found else ""
