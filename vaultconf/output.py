"""Files that are written: new ones only, and never outside their folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from vaultconf.errors import InputError, Problem
from vaultconf.project import path_inside


def write(root: Path, files: Mapping[str, str]) -> None:
    """Write new files below a folder, which is made if need be.

    Raises InputError, before anything is written, where one of them is there already or would lie elsewhere; and
    where the folder cannot be written.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        root = root.resolve()
        problems = [problem for name in files if (problem := _obstacle(root, name)) is not None]
        if problems:
            raise InputError(problems)
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
    except OSError as error:
        place = error.filename or root
        raise InputError(f"`{place}` cannot be written: {error.strerror}", "choose another folder") from None


def _obstacle(root: Path, name: str) -> Problem | None:
    try:
        path_inside(root, name)
    except ValueError as error:
        return Problem(str(error), hint="choose another folder")
    if os.path.lexists(root / name):
        return Problem(f"`{name}` is there already, and nothing is overwritten", hint="choose another folder")
    return None
