"""Which commit is checked out: read from `.git`, without running git (a repository can make it run programs)."""

from __future__ import annotations

import re
from pathlib import Path

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_LARGEST = 16 * 1024 * 1024


def checked_out(folder: Path) -> str:
    """The commit of the working tree in which a folder lies, in hexadecimal; "" where there is none."""
    try:
        return _commit(folder)
    except (OSError, ValueError):
        return ""


def _commit(folder: Path) -> str:
    git = next((at / ".git" for at in (folder, *folder.parents) if (at / ".git").exists()), None)
    if git is None:
        return ""
    if git.is_file():  # a worktree, a submodule
        git = (git.parent / _text(git).removeprefix("gitdir:").strip()).resolve()
    head = _text(git / "HEAD").strip()
    if not head.startswith("ref:"):
        return head if _COMMIT.fullmatch(head) else ""
    name = head.removeprefix("ref:").strip()
    if ".." in name or not name.startswith("refs/"):
        return ""
    common = git / _text(git / "commondir").strip() if (git / "commondir").is_file() else git
    return next((found for place in (git, common) if (found := _loose(place / name))), "") or _packed(common, name)


def _loose(path: Path) -> str:
    text = _text(path).strip() if path.is_file() else ""
    return text if _COMMIT.fullmatch(text) else ""


def _packed(git: Path, name: str) -> str:
    path = git / "packed-refs"
    for line in _text(path).splitlines() if path.is_file() else ():
        commit, _, ref = line.partition(" ")
        if ref == name and _COMMIT.fullmatch(commit):
            return commit
    return ""


def _text(path: Path) -> str:
    if path.stat().st_size > _LARGEST:
        raise ValueError("too large")
    return path.read_text(encoding="utf-8")
