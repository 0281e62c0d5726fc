"""Several projects on one server: each keeps to its own, and one does not take what another one has made."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.support.cli import Project
from tests.support.least import policy_for, token_with
from tests.support.raw import Raw
from tests.support.servers import Server


@pytest.fixture
def shared(raw: Raw, unique: str) -> str:
    """An AppRole mount that belongs to neither of two projects, and an engine for their ledgers; the mount's path."""
    raw.write(f"sys/mounts/{unique}-books", {"type": "kv", "options": {"version": "2"}})
    raw.write(f"sys/auth/{unique}", {"type": "approle"})
    return unique


@pytest.fixture
def first(tmp_path: Path, server: Server, shared: str) -> Project:
    return new(tmp_path / "first", server, shared, "first")


@pytest.fixture
def second(tmp_path: Path, server: Server, shared: str) -> Project:
    return new(tmp_path / "second", server, shared, "second")


def new(root: Path, server: Server, mount: str, name: str, more: str = "") -> Project:
    root.mkdir()
    made = Project.new(root, server)
    settings(made, mount, name, more)
    return made


def settings(project: Project, mount: str, name: str, more: str = "") -> None:
    project.write("vaultconf.yaml", f"version: 1\nproject: {name}\nledger: {mount}-books/teams/{name}\n{more}")


def roles(project: Project, mount: str, names: Iterable[str], ttl: int = 5) -> None:
    listed = ", ".join(f"{name}: {{token_ttl: {ttl}m}}" for name in names)
    project.write("desired-state/a.yaml", f"auth: {{{mount}: {{roles: {{{listed}}}}}}}")


def test_what_another_project_has_made_is_refused_naming_both(
    first: Project, second: Project, raw: Raw, shared: str
) -> None:
    roles(first, shared, ["a", "b"])
    first.apply()
    roles(second, shared, ["b", "c"], ttl=9)

    planned = second.plan()
    refused = second.run("apply", "--yes", "--allow", "*")

    said = (
        f"`auth/{shared}/role/b` belongs to the project `first` (ledger `{shared}-books/teams/first`),"
        f" and `second` (ledger `{shared}-books/teams/second`) declares it"
    )
    assert [notice for notice in planned["notices"] if said in notice]
    assert refused.exit_code == 3
    assert said in refused.stderr.replace("\n", " ")
    assert "desired-state/a.yaml:1" in refused.stderr
    assert f"vaultconf ledger forget auth/{shared}/role/b" in refused.stderr
    assert raw.read(f"auth/{shared}/role/c") is None
    assert (raw.read(f"auth/{shared}/role/b") or {})["token_ttl"] == 300


def test_what_another_project_has_made_is_not_adopted(first: Project, second: Project, shared: str) -> None:
    roles(first, shared, ["a"])
    first.apply()
    roles(second, shared, ["a"])

    refused = second.run("ledger", "adopt", f"auth/{shared}/role/*")

    assert refused.exit_code == 3
    assert "belongs to the project `first`" in refused.stderr


def test_what_the_other_project_gives_up_is_free(first: Project, second: Project, raw: Raw, shared: str) -> None:
    roles(first, shared, ["a", "b"])
    first.apply()
    roles(second, shared, ["b"], ttl=9)

    forgot = first.run("ledger", "forget", f"auth/{shared}/role/b", "--yes")
    second.apply()

    assert forgot.exit_code == 0, forgot
    assert (raw.read(f"auth/{shared}/role/b") or {})["token_ttl"] == 540


def test_what_another_project_has_made_is_not_pruned(first: Project, second: Project, raw: Raw, shared: str) -> None:
    roles(first, shared, ["a"])
    first.apply()
    settings(second, shared, "second", f"prune: [auth/{shared}/role/*]\n")
    roles(second, shared, ["b"])

    refused = second.run("apply", "--yes")

    assert refused.exit_code == 3
    assert "`first`" in refused.stderr
    assert "would delete it" in refused.stderr
    assert "leave it out of `prune` or `owns` here, or run `vaultconf ledger forget" in refused.stderr
    assert raw.list(f"auth/{shared}/role") == ["a"]


def test_a_mount_is_not_removed_nor_moved_with_what_others_have_in_it(
    first: Project, second: Project, raw: Raw, shared: str
) -> None:
    second.write("desired-state/a.yaml", f"auth: {{{shared}-x: {{type: approle}}}}")
    second.apply()
    roles(first, f"{shared}-x", ["a"])
    first.apply()

    second.write("desired-state/a.yaml", "{}")
    removing = second.run("apply", "--yes", "--allow", "*")
    moved = f"{{type: approle, vaultconf: {{renamed_from: {shared}-x}}}}"
    second.write("desired-state/a.yaml", f"auth: {{{shared}-y: {moved}}}")
    moving = second.run("apply", "--yes", "--allow", "*")

    for refused, what in ((removing, "would delete"), (moving, "would move")):
        assert refused.exit_code == 3, refused
        assert f"auth/{shared}-x/role/a" in refused.stderr
        assert what in refused.stderr
    assert raw.list(f"auth/{shared}-x/role") == ["a"]


def test_with_the_rights_that_permissions_prints_the_neighbours_are_seen_and_without_them_nothing_is_said(
    first: Project, second: Project, raw: Raw, shared: str
) -> None:
    roles(first, shared, ["b"])
    first.apply()
    roles(second, shared, ["b"], ttl=9)
    printed = policy_for(second, "apply")
    rules = [rule for rule in printed["rules"] if not {"metadata", "+"} & set(rule["path"].split("/")[1:4])]
    text = "\n".join(f'path "{one["path"]}" {{ capabilities = {one["capabilities"]} }}' for one in rules)

    seeing = second.run("apply", "--yes", env=token_with(raw, printed["policy"]))
    planned = second.run("plan", "--format", "json", env=token_with(raw, text.replace("'", '"')))
    blind = second.run("apply", "--yes", env=token_with(raw, text.replace("'", '"')))

    assert len(rules) < len(printed["rules"])
    assert seeing.exit_code == 3, seeing
    assert "`first`" in seeing.stderr
    assert not [notice for notice in planned.plan["notices"] if "ledger" in notice]
    assert blind.exit_code == 0, blind


def test_what_is_beside_a_ledger_and_is_none_is_no_neighbour(
    first: Project, second: Project, raw: Raw, shared: str
) -> None:
    base = f"{shared}-books/data/teams"
    raw.write(f"{base}/app/head", {"data": {"format": "other", "project": "app"}})
    raw.write(f"{base}/empty/x", {"data": {"a": "b"}})
    raw.write(f"{base}/head", {"data": {"a": "b"}})
    roles(first, shared, ["a"])
    settings(second, shared, "first")
    second.write("vaultconf.yaml", f"version: 1\nproject: first\nledger: {shared}-books/teams/moved\n")
    first.apply()
    roles(second, shared, ["a"], ttl=9)

    # The same project with another ledger is no other project.
    assert second.apply()["summary"]["done"] == 1


def test_a_ledger_at_the_top_of_an_engine_has_neighbours_too(first: Project, second: Project, shared: str) -> None:
    for project, name in ((first, "first"), (second, "second")):
        project.write("vaultconf.yaml", f"version: 1\nproject: {name}\nledger: {shared}-books/{name}\n")
        roles(project, shared, ["a"])
    first.apply()

    assert second.run("apply", "--yes").exit_code == 3


def started(project: Project, *argv: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "vaultconf", *argv],
        cwd=project.root,
        env={"PATH": os.environ["PATH"], "HOME": str(project.root), **project.access},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def together(*projects: Project) -> list[tuple[int, str]]:
    """Apply all at once; exit codes and what was said."""
    running = [started(project, "apply", "--yes") for project in projects]
    said = [process.communicate(timeout=120)[0].decode() for process in running]
    return [(process.returncode, text) for process, text in zip(running, said, strict=True)]


#: The roles of two projects in each round, and how long their tokens live.
ROUNDS = (
    (("one", "two"), ("one",), 5),
    (("one", "three"), ("one", "two", "three"), 5),
    (("one", "three"), ("two",), 7),
    ((), ("two", "four"), 8),
    (("five",), (), 9),
)


@pytest.mark.timeout(180)
def test_two_projects_in_one_mount_never_touch_what_is_the_others(
    first: Project, second: Project, raw: Raw, shared: str
) -> None:
    for project, name in ((first, "first"), (second, "second")):
        scope = f"[auth/{shared}/role/{name}-*]"
        settings(project, shared, name, f"owns: {scope}\nprune: {scope}\n")
    raw.write(f"auth/{shared}/role/theirs", {})

    for one, other, ttl in ROUNDS:
        wanted = [f"first-{name}" for name in one], [f"second-{name}" for name in other]
        for project, names in zip((first, second), wanted, strict=True):
            roles(project, shared, names, ttl)
        results = together(first, second)
        assert [code for code, _ in results] == [0, 0], results
        assert sorted(raw.list(f"auth/{shared}/role")) == sorted([*wanted[0], *wanted[1], "theirs"])
        found = [(raw.read(f"auth/{shared}/role/{name}") or {})["token_ttl"] for names in wanted for name in names]
        assert set(found) <= {ttl * 60}
        assert [project.plan()["summary"]["unmanaged"] for project in (first, second)] == [0, 0]


@pytest.mark.timeout(180)
def test_of_two_projects_that_want_the_same_at_once_one_gets_it_at_most(
    first: Project, second: Project, raw: Raw, shared: str
) -> None:
    for number in range(3):
        for project, ttl in ((first, 5), (second, 9)):
            roles(project, shared, [f"r{number}"], ttl)
        results = together(first, second)
        codes = sorted(code for code, _ in results)
        live = (raw.read(f"auth/{shared}/role/r{number}") or {}).get("token_ttl")
        assert codes in ([0, 3], [3, 3]), results
        assert live == (None if codes == [3, 3] else {0: 300, 1: 540}[[code for code, _ in results].index(0)])
        for project in (first, second):
            project.run("ledger", "forget", f"auth/{shared}/role/r{number}", "--yes")
