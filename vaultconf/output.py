"""Files that are written: new ones only, and never outside their folder; and plans, which nobody else may read."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Callable, Mapping
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


def exchange(root: Path, files: Mapping[str, bytes], before: Mapping[str, bytes | None]) -> None:
    """Give files of a project new contents, each whole or not at all, with the mode that it has; make what is new.

    All are written beside the old ones before the first of these is replaced.

    Raises InputError, before anything is written, where one of them is no longer as it was `before` (None: not there)
    or would lie outside the project; and where one cannot be written.
    """
    root = root.resolve()
    problems = [problem for name in files if (problem := _moved(root, name, before.get(name))) is not None]
    if problems:
        raise InputError(problems)
    name = ""
    try:
        with contextlib.ExitStack() as stack:
            ready = []
            for name, data in files.items():
                path = path_inside(root, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                ready.append((_beside(path, data, stack), path))
            for scratch, path in ready:
                os.replace(scratch, path)  # noqa: PTH105 - one of them is text
    except OSError as error:
        raise InputError(f"`{name}` cannot be written: {error.strerror}", "make room, or the folder writable") from None


def _moved(root: Path, name: str, before: bytes | None) -> Problem | None:
    """Why a file must not be written."""
    try:
        path = path_inside(root, name)
        now = path.read_bytes() if os.path.lexists(path) else None
    except (ValueError, OSError) as error:
        return Problem(f"`{name}` cannot be written: {getattr(error, 'strerror', None) or error}")
    if now != before:
        return Problem(f"`{name}` has changed since it was read", hint="nothing was written; run it once more")
    return None


def _beside(path: Path, data: bytes, stack: contextlib.ExitStack) -> str:
    """Write what is to take the place of a file beside it; the stack removes what was not used. Raises OSError."""
    handle, scratch = tempfile.mkstemp(prefix=f".{path.name[:100]}.", dir=path.parent)
    stack.callback(Path(scratch).unlink, missing_ok=True)
    with open(handle, "wb") as file:  # noqa: PTH123 - a descriptor has no path
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
        os.fchmod(file.fileno(), stat.S_IMODE(path.stat().st_mode) if path.exists() else _usual_mode())
    return scratch


def _usual_mode() -> int:
    """The mode of a new file."""
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def check_private(root: Path, name: str, may_replace: Callable[[bytes], bool], most: int) -> Path:
    """Return where a file is to be saved, which may replace an earlier one of its like, of at most so many bytes.

    A name below the project's folder stays in there, whatever symbolic links it holds. Raises InputError.
    """
    try:
        path, reason = _private(root, name)
        if not reason and path.exists() and not may_replace(read(path, name, most)):
            reason = "is there already, and is no plan"
    except (OSError, RuntimeError) as error:
        path, reason = root, f"cannot be used: {getattr(error, 'strerror', None) or 'symbolic links in a circle'}"
    if reason:
        raise InputError(f"`{name}` {reason}", "save it elsewhere")
    return path


def _private(root: Path, name: str) -> tuple[Path, str]:
    """Where a file really is to be saved, and why it may not be; raises OSError."""
    path, project = root / name, root.resolve()
    folder = path.parent.resolve()
    written = Path(os.path.normpath(root.absolute() / name))
    if written.is_relative_to(os.path.normpath(root.absolute())) and not folder.is_relative_to(project):
        return path, "leads out of the project"
    if any(part.casefold() == ".git" for part in folder.parts):
        return path, "leads into `.git`"
    if not folder.is_dir():
        return path, "has no folder to be in"
    return folder / path.name, "is a symbolic link, and is not replaced" if path.is_symlink() else ""


def save_private(path: Path, text: str) -> None:
    """Write a file that its owner alone may read (0600), whole or not at all. Raises InputError."""
    try:
        handle, scratch = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # made with mode 0600
        try:
            with open(handle, "w", encoding="utf-8", newline="\n") as file:  # noqa: PTH123 - a descriptor has no path
                file.write(text)
            os.replace(scratch, path)  # noqa: PTH105 - both are text
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(scratch)  # noqa: PTH108 - likewise
            raise
    except OSError as error:
        raise InputError(f"`{path.name}` cannot be written: {error.strerror}", "save it elsewhere") from None


def read(path: Path, name: str, most: int) -> bytes:
    """Read a regular file of at most so many bytes. Raises InputError, which quotes nothing of the file."""
    try:
        # A pipe or a device could hold us for ever.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:  # noqa: PTH123
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise InputError(f"`{name}` is not a file")
            data = file.read(most + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no such name"
        raise InputError(f"`{name}` cannot be read: {reason}") from None
    if len(data) > most:
        raise InputError(f"`{name}` is larger than {most // 1024 // 1024} MiB")
    return data
