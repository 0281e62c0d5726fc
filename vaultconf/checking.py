"""Files as read → what Git wants: for the target of a run, or, where nobody runs anything, checked for every target."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from vaultconf import contact as contacts
from vaultconf import desired, documents, overlay_files, overlays, templates, twins
from vaultconf.desired import DesiredState
from vaultconf.errors import InputError, Place, Problem
from vaultconf.project import Project
from vaultconf.settings import Settings, Target
from vaultconf.words import Words
from vaultconf.yaml_text import shown
from vaultconf.yaml_values import YamlDocument, YamlMap

Checked = tuple[Project, DesiredState]
#: Targets that read the same.
Alike = list[Target | None]
_MOST_NAMED = 3


def check(loaded: Project, target: str | None) -> Checked:
    """Put the variables of a target into the files, and read them; None checks them for every target.

    Of several targets the first one's objects are returned. Raises InputError with every problem, UsageError for a
    target that there is not.
    """
    alike = _every(loaded.settings) if target is None else [[contacts.target_of(loaded.settings, target)]]
    return _checked(loaded, alike)[0]


def check_every(loaded: Project) -> dict[str, DesiredState]:
    """Read the files for every target, by name; for "" where there are none. Raises InputError with every problem."""
    alike = _every(loaded.settings)
    read = zip(alike, _checked(loaded, alike), strict=True)
    found = {item.name if item is not None else "": checked[1] for group, checked in read for item in group}
    return {name: found[name] for name in loaded.settings.targets or found}


def check_each(loaded: Project, targets: Iterable[str]) -> list[Checked]:
    """Read the files for each of the targets. Raises what `check` raises."""
    return _checked(loaded, [[contacts.target_of(loaded.settings, target)] for target in targets])


def _checked(loaded: Project, alike: Iterable[Alike]) -> list[Checked]:
    reader = overlay_files.Reader(loaded)
    read = [(group, _read(reader.laid_over(group[0]), group[0])) for group in alike]
    problems = _problems([(group, _folded(checked[1].problems)) for group, checked in read])
    if problems:
        raise InputError(problems)
    return [checked for _, checked in read]


def _every(settings: Settings) -> list[Alike]:
    """All targets, those with the same variables and overlays together."""
    found: dict[object, Alike] = {}
    for target in settings.targets.values():
        found.setdefault(twins.variant(target), []).append(target)
    return [*found.values()] or [[None]]


def _read(loaded: Project, target: Target | None) -> Checked:
    words = Words(target.vars, target=target.name) if target is not None else Words()
    expanded = templates.expand(loaded, words)
    state = desired.build(documents.declare(expanded, {}), expanded.settings)
    return expanded, replace(state, notices=(*state.notices, *_unused(loaded)))


def _unused(loaded: Project) -> Iterator[str]:
    """Notices of templates that nobody uses: what is in them depends on parameters, so it is not checked."""
    every = (*loaded.documents, *(document for overlay in loaded.overlays for document in overlay))
    used = {name for document in every for name, _ in _named(document, overlays.USE)}
    for document in loaded.documents:
        for name, place in _named(document, overlays.TEMPLATES):
            if name not in used:
                yield f"{place}: the template `{shown(name)}` has no use, so what is in it was not checked"


def _named(document: YamlDocument, key: str) -> Iterator[tuple[str, Place]]:
    found = document.root.get(key) if document.root is not None else None
    if isinstance(found, YamlMap):
        yield from ((name, Place(document.file, *found.key_places[name])) for name in found)


def _folded(problems: Iterable[Problem]) -> list[Problem]:
    """What is wrong in a template is wrong in all its uses: said once, for the first, with the number of the others."""
    found: dict[object, list[Problem]] = {}
    for problem in problems:
        in_use = problem.place is not None and problem.place.use
        key = (problem.place.written, problem.message, problem.hint) if in_use and problem.place else problem
        found.setdefault(key, []).append(problem)
    return [same[0] if len(same) == 1 else _with_note(same[0], _others(same[1:])) for same in found.values()]


def _others(same: list[Problem]) -> str:
    """How many more uses have it, and where the first of them are."""
    places = [str(problem.place.use) for problem in same[:_MOST_NAMED] if problem.place is not None]
    more = f" and {len(same) - _MOST_NAMED:,} more" if len(same) > _MOST_NAMED else ""
    return f"and in {len(same):,} other use{'s' if len(same) > 1 else ''}: {', '.join(places)}{more}"


def _with_note(problem: Problem, note: str) -> Problem:
    return replace(problem, hint="; ".join(filter(None, (problem.hint, note))))


def _problems(found: list[tuple[Alike, list[Problem]]]) -> Iterable[Problem]:
    """Each problem once; what is not wrong for every target says for which ones it is."""
    targets: dict[Problem, list[str]] = {}
    for alike, problems in found:
        for problem in problems:
            targets.setdefault(problem, []).extend(target.name if target is not None else "" for target in alike)
    every = sum(len(alike) for alike, _ in found)
    return [problem if len(names) == every else _of_targets(problem, names) for problem, names in targets.items()]


def _of_targets(problem: Problem, names: list[str]) -> Problem:
    word = "target" if len(names) == 1 else "targets"
    whose = f"for the {word} {', '.join(f'`{name}`' for name in names)}"
    if all(f"`{name}`" in problem.message for name in names):
        return problem
    return _with_note(problem, whose)
