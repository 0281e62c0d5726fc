"""Which commit comes before which, as far as the history that is there tells."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from vaultconf import history


def git(folder: Path, *argv: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main", "-c", "commit.gpgsign=false"]
    command = ["git", "-C", str(folder), *who, *argv]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def commits(folder: Path, count: int) -> list[str]:
    git(folder, "init", "--quiet")
    found = []
    for number in range(count):
        git(folder, "commit", "--quiet", "--allow-empty", "-m", str(number))
        found.append(git(folder, "rev-parse", "HEAD"))
    return found


def test_which_commit_comes_before_which_is_known(tmp_path: Path) -> None:
    first, second = commits(tmp_path, 2)

    assert history.is_strict_ancestor(tmp_path, first, second) is True
    assert history.is_strict_ancestor(tmp_path, second, first) is False
    assert history.is_strict_ancestor(tmp_path, second, second) is False


def test_where_the_history_does_not_reach_nothing_is_said(tmp_path: Path) -> None:
    whole, shallow = tmp_path / "whole", tmp_path / "shallow"
    whole.mkdir()
    first, second, third = commits(whole, 3)
    git(tmp_path, "clone", "--quiet", "--depth", "2", f"file://{whole}", str(shallow))

    assert history.is_strict_ancestor(shallow, second, third) is True
    assert history.is_strict_ancestor(shallow, first, third) is None
    assert history.is_strict_ancestor(shallow, third, second) is None
    assert history.is_strict_ancestor(tmp_path, first, second) is None


@pytest.mark.parametrize("strange", ["", "HEAD", "--output=x", "a" * 39, "g" * 40])
def test_what_is_no_commit_is_not_handed_to_git(tmp_path: Path, strange: str) -> None:
    (commit,) = commits(tmp_path, 1)

    assert history.is_strict_ancestor(tmp_path, strange, commit) is None
    assert history.is_strict_ancestor(tmp_path, commit, strange) is None


def test_a_git_that_the_checkout_brings_along_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = commits(tmp_path, 2)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    (tmp_path / "bin" / "git").chmod(0o755)
    usual = os.environ["PATH"]

    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{usual}")
    beside = history.is_strict_ancestor(tmp_path, first, second)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin")
    alone = history.is_strict_ancestor(tmp_path, first, second)

    assert (beside, alone) == (True, None)
    assert not (tmp_path / "ran").exists()


def test_a_folder_of_the_checkout_that_looks_like_a_repository_is_none(tmp_path: Path) -> None:
    first, second = commits(tmp_path, 2)
    git(tmp_path, "clone", "--quiet", "--bare", str(tmp_path / ".git"), str(tmp_path / "hostile"))
    (tmp_path / ".git").rename(tmp_path.parent / f"{tmp_path.name}-git")

    assert history.is_strict_ancestor(tmp_path / "hostile", first, second) is None


def test_a_checkout_without_a_commit_applied_before_is_not_older(tmp_path: Path) -> None:
    first, second = commits(tmp_path, 2)
    git(tmp_path, "checkout", "--quiet", first)

    assert history.is_older(tmp_path, "") is False
    assert history.is_older(tmp_path, first) is False
    assert history.is_older(tmp_path, second) is True
