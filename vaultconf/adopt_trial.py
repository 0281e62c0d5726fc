"""Files that are to be changed, tried out: read back as a project, and compared with the server."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from vaultconf import checking, desired, documents, project
from vaultconf.declarations import MountKey
from vaultconf.desired import DesiredState
from vaultconf.diff import compare
from vaultconf.errors import InputError, Place, Problem
from vaultconf.model import Address, Desired, Live, Server
from vaultconf.project import DESIRED_STATE, MAX_FILE, POLICIES, YAML_ENDINGS, Project
from vaultconf.references import Resolver
from vaultconf.yaml_nodes import keys_at
from vaultconf.yaml_text import shown

#: What a project may name, beside all that is in its own folders.
_TEXTS = (".yaml", ".yml", ".hcl", ".json")
_HINT = "nothing was written; change the files by hand"


class Wanted(Protocol):
    """Whether a copy needs what lies at a path below the project's folder."""

    def __call__(self, path: Path, *, folder: bool) -> bool:
        """Answer for a folder or a file."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What the files must say afterwards: `expected` as the server has it, all else as `before`."""

    loaded: Project
    target: str
    before: DesiredState
    types: Mapping[MountKey, str]
    expected: Mapping[Address, Live]
    must_be: frozenset[Address]
    server: Server
    resolve: Resolver

    def read(self, files: Mapping[str, bytes]) -> DesiredState:
        """The desired state with the new files. Raises InputError with every problem of them."""
        try:
            state = self.state(files, _is_usual)
        except InputError:
            # A policy may be a file of any name in any folder; too much to be copied each time.
            state = self.state(files, _is_any)
        if problems := [*_as_written(state.problems, files), *self.faults(state)]:
            raise InputError(problems)
        return state

    def state(self, files: Mapping[str, bytes], wanted: Wanted) -> DesiredState:
        """The desired state of a copy with the new files. Raises InputError."""
        try:
            with tempfile.TemporaryDirectory(prefix="vaultconf-adopt-") as folder:
                root = Path(folder).resolve()
                _copy(self.loaded.root, root, wanted)
                for name, data in files.items():
                    path = (root / name).resolve()
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(data)
                return self.checked(root)
        except InputError as error:
            raise InputError(_as_written(error.problems, files)) from None
        except OSError as error:
            message = f"the new files cannot be tried out in a copy: {error.strerror}"
            raise InputError(message, "nothing was written; see that the folder for temporary files has room") from None

    def checked(self, root: Path) -> DesiredState:
        """What a copy declares, for every target. Raises InputError."""
        if len(self.loaded.settings.targets) > 1:
            checking.check(project.load(root), None)
        found, _ = checking.check(project.load(root), self.target)
        return desired.build(documents.declare(found, self.types), found.settings)

    def faults(self, state: DesiredState) -> Iterator[Problem]:
        """What would not be as it should."""
        found = {item.address: item for item in state.objects}
        old = {item.address: item for item in self.before.objects}
        for address in sorted(self.must_be - found.keys(), key=str):
            yield _problem(address, "could not be read back: no file can declare this name")
        for address, item in found.items():
            if address in self.expected:
                yield from self.difference(item)
            elif address not in old:
                yield _problem(address, "would be declared too, and was not asked for")
            elif _said(old[address]) != _said(item):
                yield replace(
                    _problem(address, f"would change too: {_changed(old[address], item)}"), place=old[address].place
                )
        for address in sorted(old.keys() - found.keys(), key=str):
            yield _problem(address, "would no longer be declared")

    def difference(self, item: Desired) -> Iterator[Problem]:
        """What would still differ from the server."""
        found = compare(item, self.expected[item.address], self.server, self.resolve)
        if found.fields:
            listed = ", ".join(f"`{shown(change.field)}`" for change in found.fields)
            yield _problem(item.address, f"would still differ in {listed}")


def _problem(address: Address, message: str) -> Problem:
    return Problem(f"`{shown(str(address))}` {message}", None, _HINT, str(address))


def _as_written(problems: Iterable[Problem], files: Mapping[str, bytes]) -> Iterator[Problem]:
    """What is wrong with files that are not there yet: no line of them can be looked up."""
    for problem in problems:
        place = problem.place
        data = files.get(place.file) if place is not None else None
        if place is None or data is None:
            yield problem
            continue
        where = f"`{place.file}`{_keys(place, data)}"
        yield replace(problem, message=f"{where}, as it would be written: {problem.message}", place=None)


def _keys(place: Place, data: bytes) -> str:
    """The keys that lead to a place of a new file, if it has any."""
    is_yaml = place.file.endswith(YAML_ENDINGS)
    found = keys_at(data.decode("utf-8").removeprefix("\ufeff"), (place.line, place.column)) if is_yaml else ()
    return f" at `{shown('.'.join(found))}`" if found else ""


def _said(item: Desired) -> object:
    return item.kind.name, dict(item.params), dict(item.values), item.owner, item.guidance


def _changed(old: Desired, new: Desired) -> str:
    names = {*old.values, *new.values}
    listed = [f"`{shown(name)}`" for name in sorted(names) if old.values.get(name) != new.values.get(name)]
    return ", ".join(listed) or "how it is treated"


def _copy(root: Path, into: Path, wanted: Wanted) -> None:
    """Copy what a project may consist of. Symbolic links inside it stay such links."""
    for folder, folders, files in os.walk(root):
        here = Path(folder)
        folders[:] = [name for name in folders if wanted(here.relative_to(root) / name, folder=True)]
        there = into / here.relative_to(root)
        there.mkdir(exist_ok=True)
        for name in (*folders, *files):
            path = here / name
            if path.is_symlink():
                _link(root, path, there / name)
            elif name in files and wanted(path.relative_to(root), folder=False) and _is_small(path):
                # What cannot be read, or has gone meanwhile, is no part of what was read before.
                with contextlib.suppress(PermissionError, FileNotFoundError):
                    shutil.copyfile(path, there / name)
        folders[:] = [name for name in folders if not (here / name).is_symlink()]


def _is_usual(path: Path, *, folder: bool) -> bool:
    """Whether a project is likely to consist of it: not of what is hidden."""
    if folder:
        return not path.name.startswith(".")
    return path.parts[:1] in ((DESIRED_STATE,), (POLICIES,)) or path.name.endswith(_TEXTS)


def _is_any(path: Path, *, folder: bool) -> bool:
    """Whether a project can name it at all."""
    return not folder or path.name.casefold() != ".git"


def _link(root: Path, path: Path, there: Path) -> None:
    real = os.path.realpath(path)
    if Path(real).is_relative_to(root):
        there.symlink_to(os.path.relpath(real, path.parent))


def _is_small(path: Path) -> bool:
    return path.is_file() and path.stat().st_size <= MAX_FILE
