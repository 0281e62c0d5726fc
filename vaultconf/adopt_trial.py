"""Files that are to be changed, tried out: read back as a project, and compared with the server."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from vaultconf import checking, desired, documents, project
from vaultconf.declarations import MountKey
from vaultconf.desired import DesiredState
from vaultconf.diff import compare
from vaultconf.errors import InputError, Problem
from vaultconf.model import Address, Desired, Live, Server
from vaultconf.project import DESIRED_STATE, MAX_FILE, POLICIES, Project
from vaultconf.references import Resolver
from vaultconf.yaml_text import shown

#: What a project may name, beside all that is in its own folders.
_TEXTS = (".yaml", ".yml", ".hcl", ".json")
_HINT = "nothing was written; change the files by hand"


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
        with tempfile.TemporaryDirectory(prefix="vaultconf-adopt-") as folder:
            root = Path(folder)
            _copy(self.loaded.root, root)
            for name, data in files.items():
                path = root / name
                path = path.resolve() if path.is_symlink() else path
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
            try:
                if len(self.loaded.settings.targets) > 1:
                    checking.check(project.load(root), None)
                found, _ = checking.check(project.load(root), self.target)
                state = desired.build(documents.declare(found, self.types), found.settings)
            except InputError as error:
                raise InputError(map(_as_written, error.problems)) from None
        if problems := [*map(_as_written, state.problems), *self.faults(state)]:
            raise InputError(problems)
        return state

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
                yield _problem(address, f"would change too: {_changed(old[address], item)}")
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


def _as_written(problem: Problem) -> Problem:
    """What is wrong with files that are not there yet."""
    return replace(problem, message=f"as it would be written: {problem.message}")


def _said(item: Desired) -> object:
    return item.kind.name, dict(item.params), dict(item.values), item.owner, item.guidance


def _changed(old: Desired, new: Desired) -> str:
    names = {*old.values, *new.values}
    listed = [f"`{shown(name)}`" for name in sorted(names) if old.values.get(name) != new.values.get(name)]
    return ", ".join(listed) or "how it is treated"


def _copy(root: Path, into: Path) -> None:
    """Copy what a project may consist of: not what is hidden. Symbolic links inside it stay such links."""
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        here = Path(folder)
        there = into / here.relative_to(root)
        there.mkdir(exist_ok=True)
        own = here.relative_to(root).parts[:1] in ((DESIRED_STATE,), (POLICIES,))
        for name in (*folders, *files):
            path = here / name
            if path.is_symlink():
                _link(root, path, there / name)
            elif name in files and (own or name.endswith(_TEXTS)) and _is_small(path):
                shutil.copyfile(path, there / name)
        folders[:] = [name for name in folders if not (here / name).is_symlink()]


def _link(root: Path, path: Path, there: Path) -> None:
    real = os.path.realpath(path)
    if Path(real).is_relative_to(root):
        there.symlink_to(os.path.relpath(real, path.parent))


def _is_small(path: Path) -> bool:
    return path.is_file() and path.stat().st_size <= MAX_FILE
