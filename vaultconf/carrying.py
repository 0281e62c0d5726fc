"""The second half of every command that writes: show the plan, ask, carry it out, show what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vaultconf import console, pipeline
from vaultconf.address import Pattern
from vaultconf.books import Books
from vaultconf.command import Format, stopping
from vaultconf.contact import Contact
from vaultconf.errors import ExitCode, Problem, VaultconfError
from vaultconf.model import Outcome, Plan, Status
from vaultconf.project import Project


@dataclass(frozen=True, slots=True)
class Carrying:
    """What one run writes with, and what the command line permits."""

    loaded: Project
    contact: Contact
    ledger: Books | None
    permitted: tuple[Pattern, ...]
    max_deletes: int | None
    format: Format
    yes: bool

    def out(self, made: Plan, done: Sequence[Outcome] = ()) -> ExitCode:
        """Carry out a plan; `done` is what was found to be as planned. Raises VaultconfError before the first write."""
        if self.format is Format.TEXT:
            console.show_plan(made, self.format.value)
        pipeline.refuse(made, self.loaded, self.permitted, self.max_deletes)
        ready = pipeline.prepare(made, self.contact)
        if ready and not self.yes and not console.confirmed(len(ready)):
            raise VaultconfError("nothing was applied: the answer was not `yes`")
        with stopping(self.contact.transport.stop) as interrupted:
            with console.progress(len(ready)) as listen:
                outcomes = pipeline.apply(made, ready, self.contact, listen, self.ledger)
            left = [*pipeline.left_alone(made), *(self.ledger.problems if self.ledger is not None else ())]
            console.show_outcomes([*done, *outcomes], self.format.value, left)
        return _code(left, outcomes, interrupted=bool(interrupted))


def _code(left: Sequence[Problem], outcomes: Sequence[Outcome], *, interrupted: bool) -> ExitCode:
    if interrupted:
        return ExitCode.INTERRUPTED
    if left or any(outcome.status is not Status.DONE for outcome in outcomes):
        return ExitCode.PARTIAL
    return ExitCode.DONE
