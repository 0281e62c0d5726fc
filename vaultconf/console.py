"""stdout for results, stderr for everything else: the one module that writes to either."""

from __future__ import annotations

import contextlib
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from vaultconf import __version__
from vaultconf.desired import DesiredState
from vaultconf.errors import Problem
from vaultconf.export import Export
from vaultconf.ledger import Ledger
from vaultconf.lock import Holder
from vaultconf.model import Outcome, Plan, TargetPlan
from vaultconf.permissions import Permissions
from vaultconf.report import data, exported, ledger
from vaultconf.report.lines import prose, visible
from vaultconf.report.views import things

if TYPE_CHECKING:
    from rich.console import Console

    from vaultconf.adoption import Adoption


_VALIDATION = "vaultconf.validation/1"
_RENDERED = "vaultconf.render/1"
_COMPARED = "vaultconf.render-diff/1"
_ADOPTED = "vaultconf.adopted/1"
_MOST_PROBLEMS = 1_000


def prepare() -> None:
    """Never fail over a character that the terminal cannot show."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _rich(*, stderr: bool = False) -> Console:
    from rich.console import Console  # noqa: PLC0415 - slow to import, and JSON does without

    return Console(stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=True)


def show_plan(made: Plan, form: str, *, list_unmanaged: bool = False, drift: bool = False) -> None:
    """Print a plan to stdout."""
    if form == "json":
        sys.stdout.write(data.dump(data.plan(made)))
    elif form == "markdown":
        from vaultconf.report import markdown  # noqa: PLC0415

        sys.stdout.write(markdown.plan(made, drift=drift))
    else:
        from vaultconf.report import text  # noqa: PLC0415

        text.plan(made, _rich(), list_unmanaged=list_unmanaged, drift=drift)


def show_plans(found: Sequence[TargetPlan], form: str, *, list_unmanaged: bool = False, drift: bool = False) -> None:
    """Print the plans of several targets to stdout, as one document."""
    if form == "json":
        sys.stdout.write(data.dump(data.plans(found)))
    elif form == "markdown":
        from vaultconf.report import targets  # noqa: PLC0415

        sys.stdout.write(targets.comment(found, drift=drift))
    else:
        from vaultconf.report import text  # noqa: PLC0415

        text.plans(found, _rich(), list_unmanaged=list_unmanaged, drift=drift)


def show_outcomes(outcomes: Sequence[Outcome], form: str, left_alone: Sequence[Problem] = ()) -> None:
    """Print how an apply ended to stdout, and what it left alone: in the JSON, and for people on stderr."""
    if form == "json":
        sys.stdout.write(data.dump(data.outcome(outcomes, left_alone)))
    elif form == "markdown":
        from vaultconf.report import markdown  # noqa: PLC0415

        sys.stdout.write(markdown.outcomes(outcomes))
    else:
        from vaultconf.report import text  # noqa: PLC0415

        text.outcomes(outcomes, _rich())
    if left_alone:
        problems(left_alone)


def show_export(made: Export, folder: str, files: Sequence[str], *, as_json: bool) -> None:
    """Print what an export wrote into a folder to stdout."""
    if as_json:
        sys.stdout.write(data.dump(exported.as_json(made, files)))
    else:
        sys.stdout.write(exported.as_text(made, folder, files))


def show_adoption(made: Adoption, *, as_json: bool) -> None:
    """Print what was written into which files to stdout."""
    from vaultconf.report import adopted  # noqa: PLC0415 - only this command needs it

    sys.stdout.write(data.dump(adopted.as_json(made)) if as_json else adopted.as_text(made))


def show_ledger(found: Ledger, path: str, holder: Holder | None, *, as_json: bool) -> None:
    """Print what the ledger at a path holds to stdout."""
    if as_json:
        sys.stdout.write(data.dump(ledger.as_json(found, path, holder)))
    else:
        sys.stdout.write(ledger.as_text(found, path, holder))


def listed(title: str, entries: Iterable[str]) -> None:
    """Print a list to stdout."""
    sys.stdout.write(ledger.listing([title, *(f"  {entry}" for entry in entries)]))


def show_failure(found: Sequence[Problem], form: str, document: str) -> None:
    """Print why a run failed: to stderr for people, and to stdout where JSON (complete) or a comment was asked for."""
    if form == "json":
        sys.stdout.write(data.dump(_failure(found, document)))
    elif form == "markdown":
        from vaultconf.report import markdown  # noqa: PLC0415

        sys.stdout.write(markdown.failure(found))
    problems(found)


def _failure(found: Sequence[Problem], document: str) -> data.Json:
    if document == _VALIDATION:
        return _validation(problems=found)
    if document == exported.FORMAT:
        return exported.failure(found)
    if document == _COMPARED:
        from vaultconf.report import compared  # noqa: PLC0415

        return compared.failure(found)
    if document == _ADOPTED:
        from vaultconf.report import adopted  # noqa: PLC0415

        return adopted.failure(found)
    if document == _RENDERED:
        from vaultconf.report import rendered  # noqa: PLC0415

        return rendered.failure(found)
    return data.failure(document, found)


def problems(found: Sequence[Problem]) -> None:
    """Print problems to stderr, as many as somebody may read."""
    from vaultconf.report import text  # noqa: PLC0415

    text.problems(found[:_MOST_PROBLEMS], _rich(stderr=True))
    if len(found) > _MOST_PROBLEMS:
        sys.stderr.write(f"… and {len(found) - _MOST_PROBLEMS:,} more problems; `--format json` lists them all\n")


def warn(problem: Problem) -> None:
    """Print to stderr what went wrong beside the result."""
    problems([problem])


def validated(states: Mapping[str, DesiredState], *, as_json: bool) -> None:
    """Print that the files are good for each target, and what could not be judged without a server."""
    counts = {name: len(state.objects) for name, state in states.items()}
    notices = [*dict.fromkeys(notice for state in states.values() for notice in state.notices)]
    if as_json:
        sys.stdout.write(data.dump(_validation(counts=counts, notices=notices)))
        return
    for notice in notices:
        sys.stderr.write(f"{notice}\n")
    alike = len(set(counts.values())) == 1
    listed = (f"{things(count, 'object')} for {visible(name)}" for name, count in counts.items())
    sys.stdout.write(f"Valid: {things(max(counts.values()), 'object') if alike else ', '.join(listed)}.\n")


def show_rendered(state: DesiredState, target: str, *, as_json: bool) -> None:
    """Print the composed desired state to stdout, and what could not be judged without a server to stderr."""
    from vaultconf.report import rendered  # noqa: PLC0415 - only this command needs it

    if as_json:
        sys.stdout.write(data.dump(rendered.as_json(state, target)))
        return
    for notice in state.notices:
        sys.stderr.write(f"{prose(notice)}\n")
    sys.stdout.write(rendered.as_yaml(state))


def show_compared(left: tuple[str, DesiredState], right: tuple[str, DesiredState], *, as_json: bool) -> None:
    """Print what differs between two targets to stdout, and what could not be judged without a server to stderr."""
    from vaultconf.report import compared  # noqa: PLC0415 - only this command needs it

    sides = compared.Environment(*left), compared.Environment(*right)
    if as_json:
        sys.stdout.write(data.dump(compared.as_json(*sides)))
        return
    for notice in dict.fromkeys((*left[1].notices, *right[1].notices)):
        sys.stderr.write(f"{prose(notice)}\n")
    sys.stdout.write(compared.as_text(*sides))


def show_permissions(made: Permissions, *, as_json: bool) -> None:
    """Print a policy to stdout, and what it cannot say to stderr; in JSON all of it to stdout."""
    if as_json:
        sys.stdout.write(data.dump(data.permissions(made)))
        return
    for notice in made.notices:
        sys.stderr.write(f"{prose(notice)}\n")
    sys.stdout.write(made.text)


def _validation(
    *, problems: Sequence[Problem] = (), counts: Mapping[str, int] | None = None, notices: Sequence[str] = ()
) -> dict[str, object]:
    """The JSON of `validate`; without numbers of objects where they are not good. `objects` is the largest of them."""
    errors = data.failure(_VALIDATION, problems)["errors"]
    return {
        "format": _VALIDATION,
        "complete": counts is not None,
        "objects": max(counts.values()) if counts else None,
        "targets": {name: count for name, count in (counts or {}).items() if name},
        "notices": [*notices],
        "errors": errors,
    }


def confirmed(count: int) -> bool:
    """Ask on the terminal whether to go on; only `yes` is a yes."""
    return agreed(f"Apply {things(count, 'change')}?")


def agreed(question: str) -> bool:
    """Ask a question on the terminal; only `yes` is a yes."""
    sys.stderr.write(f"{visible(question)} Only `yes` goes on: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip() == "yes"


@contextlib.contextmanager
def progress(total: int) -> Iterator[Callable[[Outcome], None]]:
    """Show on a terminal how far an apply is; elsewhere nothing."""
    if not total or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415

    columns = (
        TextColumn("Applying"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.description}", markup=False),
    )
    with Progress(*columns, console=_rich(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda outcome: bar.update(task, advance=1, description=str(outcome.change.address)[:60])


def defect(error: Exception) -> None:
    """Say on stderr that the fault is ours."""
    sys.stderr.write(f"{defect_text(error)}\n")


def defect_text(error: Exception) -> str:
    """Whose fault it is and where, without the values that an exception's text may hold."""
    stack = traceback.extract_tb(error.__traceback__)
    where = stack[-1] if stack else None
    at = f" at {where.filename.rpartition('/')[2]}:{where.lineno}" if where is not None else ""
    return (
        f"vaultconf {__version__}: unexpected {type(error).__name__}{at}. This is a defect of vaultconf, not of your"
        " files; please report it with this line."
    )
