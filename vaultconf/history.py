"""What Git knows about the project's folder. Git is asked only for commits: it runs no hook, and writes nothing."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from vaultconf import commit, environment
from vaultconf.sops import search_path

_SECONDS = 20.0
_CUT = "the history that is checked out here does not reach so far"
# An id as Git writes it; anything else could be taken for an option.
_ID = frozenset("0123456789abcdef")


def is_strict_ancestor(folder: Path, older: str, newer: str) -> bool | None:
    """Whether one commit comes before another one; None where the history that is there does not reach."""
    if not (_is_id(older) and _is_id(newer)):
        return None
    if older == newer:
        return False
    code, _ = _git(folder, "merge-base", "--is-ancestor", older, newer)
    if code == 0:
        return True
    # In a shallow clone the way from one to the other may be cut off.
    whole = code == 1 and _git(folder, "rev-parse", "--is-shallow-repository") == (0, "false")
    return False if whole else None


def is_older(folder: Path, last: str) -> bool | None:
    """Whether what is checked out comes before a commit ("" for none); None where the history does not reach."""
    return is_strict_ancestor(folder, commit.checked_out(folder), last) if last else False


def _is_id(text: str) -> bool:
    return len(text) in (40, 64) and _ID.issuperset(text)


def _git(folder: Path, *arguments: str) -> tuple[int, str]:
    """Git's exit code and what it printed; 128, as Git itself fails, where it cannot be run."""
    known = environment.process()
    # Nothing of ours reaches it; a folder of the checkout that looks like a repository is none.
    path = search_path(folder, known)
    program = shutil.which("git", path=path) if path else None
    if program is None:
        return 128, ""
    home = {"HOME": known["HOME"]} if "HOME" in known else {}
    command = [program, "-c", "safe.bareRepository=explicit", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command, and ids
            command,
            env={**home, "PATH": path, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return 128, ""
    return done.returncode, done.stdout.decode(errors="replace").strip()


def place_in_queue(root: Path, last: str) -> list[str]:
    """Notices where this checkout comes before the commit that was applied last, or nobody can tell."""
    older = is_older(root, last)
    if older is None:
        return [f"whether this checkout is older than {last[:12]}, which was applied last, is not known: {_CUT}"]
    return [f"this checkout is older than {last[:12]}, which was applied last: apply refuses it"] if older else []
