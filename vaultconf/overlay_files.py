"""The overlays of a target: found and read as `desired-state/` is, each once, never outside the project."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from vaultconf import references, settings
from vaultconf.errors import Place, Problem, nearest
from vaultconf.project import DESIRED_STATE, POLICIES, YAML_ENDINGS, Files, Project, path_inside
from vaultconf.settings import Target
from vaultconf.yaml_text import shown
from vaultconf.yaml_values import Word, YamlDocument


@dataclass(frozen=True, slots=True)
class _Overlay:
    """What a folder or a file holds; `found` says whether it holds any YAML file."""

    documents: tuple[YamlDocument, ...]
    files: Files
    found: bool


class Reader:
    """Reads overlays, each once, however many targets name it."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.known: dict[str, _Overlay] = {}

    def laid_over(self, target: Target | None) -> Project:
        """The project with the overlays of a target, and with what is wrong with them."""
        if target is None or not target.overlays:
            return self.project
        problems: list[Problem] = []
        read: list[_Overlay] = []
        for name, place in self.chosen(target, problems):
            overlay = self.read(name)
            if not overlay.found and not overlay.files.problems:
                message = f"the overlay `{shown(name)}` holds no .yaml file"
                problems.append(Problem(message, place, "write one, or take it out of the list"))
            read.append(overlay)
        return replace(
            self.project,
            overlays=tuple(overlay.documents for overlay in read),
            problems=(*self.project.problems, *problems, *(one for item in read for one in item.files.problems)),
            whole=self.project.whole and not problems and all(item.files.whole for item in read),
            sources={
                **self.project.sources,
                **{name: data for item in read for name, data in item.files.sources.items()},
            },
        )

    def chosen(self, target: Target, problems: list[Problem]) -> Iterator[tuple[str, Place]]:
        """The overlays that can be read, in their order; the others are problems."""
        before: list[tuple[Path, Word]] = []
        for word in target.overlays:
            try:
                name, path = self.path(str(word.value))
            except ValueError as error:
                problems.append(Problem(str(error), word.place, getattr(error, "hint", "")))
                continue
            other = next((one for real, one in before if path.is_relative_to(real) or real.is_relative_to(path)), None)
            before.append((path, word))
            if other is None:
                yield name, word.place
                continue
            same = f"the overlay `{shown(name)}` is given already, by `{shown(str(other.value))}`"
            problems.append(Problem(same, word.place, f"first at {other.place}"))

    def path(self, written: str) -> tuple[str, Path]:
        """The name of an overlay in the project, and where it really is. Raises ValueError, with a `hint` or none."""
        root = self.project.root
        name = _inside(written)
        path = path_inside(root, name)
        for folder in (DESIRED_STATE, POLICIES, settings.FILE):
            real = Path(os.path.realpath(root / folder))
            if path.is_relative_to(real) or real.is_relative_to(path):
                what = "is" if path == real else "lies in" if path.is_relative_to(real) else "holds"
                message = f"`{shown(written)}` {what} `{folder}`, which is read already"
                raise references.BadReference(message, "an overlay is a folder of its own, such as `overlays/prod`")
        if not os.path.exists(path):  # noqa: PTH110 - raises nothing
            raise references.BadReference(f"there is no folder or file `{shown(written)}`", _meant(path))
        if not os.path.isdir(path) and not name.endswith(YAML_ENDINGS):  # noqa: PTH112 - raises nothing
            raise references.BadReference(f"`{shown(written)}` is neither a folder nor a .yaml file")
        return name, path

    def read(self, name: str) -> _Overlay:
        """Read a folder with all that is below it, or a file."""
        if name not in self.known:
            files = Files(self.project.root)
            if os.path.isdir(self.project.root / name):  # noqa: PTH112 - raises nothing
                entries = list(files.below(name))
                found = [document for entry, file in entries for document in files.yaml(file, entry)]
                self.known[name] = _Overlay(_filled(found), files, bool(entries))
            else:
                self.known[name] = _Overlay(_filled(files.yaml(name, None)), files, found=True)
        return self.known[name]


def _filled(documents: list[YamlDocument]) -> tuple[YamlDocument, ...]:
    return tuple(document for document in documents if document.root is not None)


def _inside(written: str) -> str:
    try:
        return references.inside(written, PurePosixPath())
    except references.BadReference as error:
        raise references.BadReference(f"`{shown(written)}`: {error}", "such as `overlays/prod`") from None


def _meant(path: Path) -> str:
    """The nearest of what stands beside a path that is not there."""
    try:
        beside = [entry.name for entry in os.scandir(path.parent)]
    except OSError:
        return ""
    return nearest(path.name, beside)
