"""Which commit is checked out, as git itself says it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from vaultconf.commit import checked_out


def git(folder: Path, *argv: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main"]
    return subprocess.run(["git", *who, *argv], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    (folder / "project").mkdir(parents=True)
    git(folder, "init", "-q")
    git(folder, "commit", "-q", "--allow-empty", "-m", "one")
    git(folder, "commit", "-q", "--allow-empty", "-m", "two")
    return folder


def test_the_commit_of_a_branch_is_found_from_a_folder_within(repository: Path) -> None:
    assert checked_out(repository / "project") == git(repository, "rev-parse", "HEAD")


def test_packed_and_detached_commits_are_found(repository: Path) -> None:
    git(repository, "pack-refs", "--all")
    packed = checked_out(repository)
    git(repository, "checkout", "-q", "HEAD~1")

    assert packed == git(repository, "rev-parse", "main")
    assert checked_out(repository) == git(repository, "rev-parse", "main~1")


def test_the_commit_of_a_worktree_is_its_own(repository: Path, tmp_path: Path) -> None:
    git(repository, "worktree", "add", "-q", "-b", "other", str(tmp_path / "tree"), "HEAD~1")
    git(repository, "pack-refs", "--all")

    assert checked_out(tmp_path / "tree") == git(repository, "rev-parse", "main~1")


def test_a_shallow_clone_knows_its_commit(repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{repository}", "shallow")

    assert checked_out(tmp_path / "shallow") == git(repository, "rev-parse", "HEAD")


@pytest.mark.parametrize("head", ["", "ref: ../../../etc/passwd\n", "ref: refs/heads/none\n", "nonsense\n"])
def test_where_there_is_no_commit_none_is_told(tmp_path: Path, head: str) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text(head)

    assert checked_out(tmp_path) == ""
