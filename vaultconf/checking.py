"""Files as read → what Git wants: for the target of a run, or, where nobody runs anything, checked for every target."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from vaultconf import contact as contacts
from vaultconf import desired, documents, templates
from vaultconf.desired import DesiredState
from vaultconf.errors import InputError, Problem
from vaultconf.project import Project
from vaultconf.settings import Settings, Target
from vaultconf.words import Words

Checked = tuple[Project, DesiredState]


def check(loaded: Project, target: str | None) -> Checked:
    """Put the variables of a target into the files, and read them; None checks them for every target.

    Of several targets the first one's objects are returned. Raises InputError with every problem, UsageError for a
    target that there is not.
    """
    chosen = _every(loaded.settings) if target is None else [contacts.target_of(loaded.settings, target)]
    read = [(item, _read(loaded, item)) for item in chosen]
    problems = _problems([(item, _folded(checked[1].problems)) for item, checked in read])
    if problems:
        raise InputError(problems)
    return read[0][1]


def _every(settings: Settings) -> list[Target | None]:
    """One target for each set of variables: those that say the same read the same."""
    found: dict[str, Target | None] = {}
    for target in settings.targets.values():
        values = {name: word.value for name, word in sorted(target.vars.items())}
        found.setdefault(repr(values), target)
    return [*found.values()] or [None]


def _read(loaded: Project, target: Target | None) -> Checked:
    words = Words(target.vars, target=target.name) if target is not None else Words()
    expanded = templates.expand(loaded, words)
    return expanded, desired.build(documents.declare(expanded, {}), expanded.settings)


def _folded(problems: Iterable[Problem]) -> list[Problem]:
    """What is wrong in a template is wrong in all its uses: said once, for the first, with the number of the others."""
    found: dict[object, list[Problem]] = {}
    for problem in problems:
        in_use = problem.place is not None and problem.place.use
        key = (problem.place.written, problem.message, problem.hint) if in_use and problem.place else problem
        found.setdefault(key, []).append(problem)
    return [same[0] if len(same) == 1 else _with_note(same[0], _others(len(same) - 1)) for same in found.values()]


def _others(count: int) -> str:
    return "and in 1 other use" if count == 1 else f"and in {count:,} other uses"


def _with_note(problem: Problem, note: str) -> Problem:
    return replace(problem, hint="; ".join(filter(None, (problem.hint, note))))


def _problems(found: list[tuple[Target | None, list[Problem]]]) -> Iterable[Problem]:
    """Each problem once; what is not wrong for every target says for which ones it is."""
    targets: dict[Problem, list[str]] = {}
    for target, problems in found:
        for problem in problems:
            targets.setdefault(problem, []).append(target.name if target is not None else "")
    return [problem if len(names) == len(found) else _of_targets(problem, names) for problem, names in targets.items()]


def _of_targets(problem: Problem, names: list[str]) -> Problem:
    word = "target" if len(names) == 1 else "targets"
    whose = f"for the {word} {', '.join(f'`{name}`' for name in names)}"
    if all(f"`{name}`" in problem.message for name in names):
        return problem
    return _with_note(problem, whose)
