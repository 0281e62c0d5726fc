"""What a removed mount holds is counted, as far as that is worth it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from tests.support.plans import BAO, change, desired, live, tables
from vaultconf.contact import Contact
from vaultconf.contents import MOST_REQUESTS, Tally, with_contents
from vaultconf.guard import with_risks
from vaultconf.http import Answer, Request
from vaultconf.live import Reading
from vaultconf.model import Action, Plan


class Tree:
    """Answers a LIST with what stands in a folder; without an entry, that it may not be listed."""

    def __init__(self, folders: Mapping[str, Iterable[str]]) -> None:
        self.folders = folders
        self.asked: list[Request] = []

    def run(self, tasks: Iterable[Any]) -> list[Any]:
        return [self.drive(task) for task in tasks]

    def drive(self, task: Any) -> Any:
        try:
            request = next(task)
            self.asked.append(request)
            task.send(self.answer(request.path))
        except StopIteration as end:
            return end.value
        raise AssertionError("one request is enough for one folder")

    def answer(self, path: str) -> Answer:
        if path not in self.folders:
            return Answer(403, json.dumps({"errors": ["permission denied"]}).encode())
        return Answer(200, json.dumps({"data": {"keys": list(self.folders[path])}}).encode())


def detail(kind: str, tree: Tree, **options: str) -> str:
    wanted = desired("secrets_engine", {"type": kind}, mount="m")
    there = tables({"m": {"type": kind, "options": options}})
    made = with_risks([change(Action.DELETE, wanted, live(wanted))], Reading({}, there))
    plan = with_contents(Plan(BAO, made), Contact(tree, BAO, ""), there)  # type: ignore[arg-type]  # answers alone
    assert plan.changes[0].risk is not None
    return plan.changes[0].risk.detail.removeprefix("deleting it loses everything stored in it")


@pytest.mark.parametrize(
    ("folders", "expected"),
    [
        ({"m": []}, ": 0 keys"),
        ({"m": ["a", "b/"], "m/b": ["c", "d"]}, ": 3 keys"),
        ({"m": ["a", "b/"]}, ": at least 1 key"),
        ({}, ": keys unknown (this token may not list them)"),
    ],
)
def test_keys_are_counted_through_all_folders(folders: Mapping[str, list[str]], expected: str) -> None:
    tree = Tree(folders)

    assert detail("kv", tree) == expected
    assert {request.method for request in tree.asked} == {"LIST"}


def test_after_very_many_folders_nobody_counts_on() -> None:
    names = [f"{number}/" for number in range(2 * MOST_REQUESTS)]
    tree = Tree({"m/metadata": names, **{f"m/metadata/{name[:-1]}": ["k"] for name in names}})

    assert detail("kv", tree, version="2") == f": at least {MOST_REQUESTS - 1} keys"
    assert len(tree.asked) == MOST_REQUESTS


def test_a_folder_whose_name_cannot_be_sent_leaves_the_number_open() -> None:
    assert str(Tally("key", 3, unknown="an unsafe path")) == "at least 3 keys"


def test_an_engine_of_several_things_names_those_that_it_has() -> None:
    tree = Tree({"m/config": ["db"], "m/static-roles": [], "m/roles": ["a", "b"]})

    assert detail("database", tree) == ": 1 connection, 2 roles"


def test_of_an_engine_that_we_do_not_know_nothing_is_asked() -> None:
    tree = Tree({})

    assert detail("special", tree) == ""
    assert tree.asked == []
