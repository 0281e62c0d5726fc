from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.sops import Sops, encrypted
from vaultconf import sops
from vaultconf.references import Absent, Reference
from vaultconf.resolving import Sources


@pytest.fixture
def program(tmp_path: Path) -> Sops:
    return Sops(tmp_path / "bin")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    (root / "ci.enc.json").write_text(encrypted(db={"password": "canary"}, list=["a", 2], on=True, none=None))
    return root.resolve()


def environ(program: Sops, **more: str) -> dict[str, str]:
    return {"PATH": str(program.folder), "SOPS_AGE_KEY": Sops.KEY, **more}


def reason(found: Mapping[str, Any] | Absent) -> str:
    assert isinstance(found, Absent)
    return found.reason


def test_a_file_is_decrypted_by_the_program_with_a_plain_list_of_arguments(root: Path, program: Sops) -> None:
    found = sops.decrypt(root, "ci.enc.json", environ(program))

    assert found == {"db": {"password": "canary"}, "list": ["a", 2], "on": True, "none": None}
    (call,) = program.calls
    assert call["argv"] == ["--decrypt", "--output-type", "json", "./ci.enc.json"]
    assert (call["cwd"], call["stdin"], call["home"]) == (str(root), "", [])


def test_the_program_sees_its_own_keys_and_nothing_of_the_run(root: Path, program: Sops) -> None:
    own = {"SOPS_AGE_KEY": Sops.KEY, "AWS_PROFILE": "p", "GOOGLE_APPLICATION_CREDENTIALS": "g", "AZURE_CLIENT_ID": "a"}
    runs = {"VAULT_TOKEN": "t", "VAULT_ADDR": "a", "BAO_TOKEN": "t", "GITHUB_TOKEN": "t", "CI_JOB_TOKEN": "t"}

    sops.decrypt(root, "ci.enc.json", environ(program, **own, **runs, HOME="/home/ci", SOPS_KEYSERVICE="tcp://x"))

    seen = set(program.calls[0]["env"]) - {"LC_CTYPE"}  # Python's own
    assert seen == {*own, "PATH", "HOME"}
    assert program.calls[0]["env"]["HOME"] != "/home/ci"


def test_a_program_that_the_project_brings_along_is_not_run(root: Path) -> None:
    brought = Sops(root / "bin")
    path = os.pathsep.join(("", ".", "bin", str(root / "bin"), f"{root.parent}/x/../{root.name}/bin"))

    found = sops.decrypt(root, "ci.enc.json", environ(brought) | {"PATH": path})

    assert "no program `sops`" in reason(found)
    assert brought.calls == []


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("gone", "`gone` cannot be read"),
        ("out.json", "leads out of the project"),
        (".git/config", "leads into `.git`"),
        (".", "is a folder"),
    ],
)
def test_a_file_that_is_not_the_projects_is_not_given_to_the_program(
    root: Path, program: Sops, name: str, said: str
) -> None:
    (root.parent / "outside.json").write_text(encrypted(a="b"))
    (root / "out.json").symlink_to("../outside.json")

    found = sops.decrypt(root, name, environ(program))

    assert said in reason(found)
    assert program.calls == []


def test_why_it_cannot_be_decrypted_is_said_without_quoting_the_program(root: Path, program: Sops) -> None:
    (root / "plain.json").write_text("{}")
    (root / "odd.json").write_text("canary")

    no_key = reason(sops.decrypt(root, "ci.enc.json", environ(program, SOPS_AGE_KEY="other")))
    plain = reason(sops.decrypt(root, "plain.json", environ(program)))
    odd = reason(sops.decrypt(root, "odd.json", environ(program)))

    assert no_key == "sops cannot decrypt it (exit 1): none of its keys is at hand"
    assert plain == "sops cannot decrypt it (exit 1): it is not encrypted with sops"
    assert odd == "sops cannot decrypt it (exit 1): run `sops --decrypt` on it to see why"


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("#!/bin/sh\nsleep 60 &\nwait\n", "sops has not answered for 0 s"),
        ("#!/bin/sh\necho canary\n", "what sops answers is not JSON"),
        ("#!/bin/sh\necho '[1]'\n", "the file holds no map"),
        ("#!/nowhere/at/all\n", "sops cannot be run"),
    ],
)
def test_a_program_that_does_not_do_its_work_ends_in_a_reason(
    root: Path, program: Sops, monkeypatch: pytest.MonkeyPatch, script: str, said: str
) -> None:
    (program.folder / "sops").write_text(script)
    monkeypatch.setattr(sops, "SECONDS", 0.4 if "sleep" in script else 30.0)

    found = sops.decrypt(root, "ci.enc.json", environ(program, PATH=f"{program.folder}:/bin:/usr/bin"))

    assert said in reason(found)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("db.password", "canary"),
        ("list.0", "a"),
        ("list.1", "2"),
        ("on", "true"),
        ("none", Absent("the value is no text")),
        ("db", Absent("the value is no text")),
        ("list.2", Absent("the file has no such key")),
        ("list.x", Absent("the file has no such key")),
        ("db.password.x", Absent("the file has no such key")),
        ("gone", Absent("the file has no such key")),
    ],
)
def test_a_dotted_key_picks_one_value(key: str, value: str | Absent) -> None:
    document = {"db": {"password": "canary"}, "list": ["a", 2], "on": True, "none": None}

    assert sops.pick(document, key) == value


def test_a_file_is_decrypted_once_a_run(root: Path, program: Sops, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environ(program).items():
        monkeypatch.setenv(name, value)
    resolve = Sources(root, None)

    found = [resolve(Reference("sops", f"ci.enc.json#{key}")) for key in ("db.password", "list.0")]
    gone = [resolve(Reference("sops", f"gone.json#{key}")) for key in "ab"]

    assert found == ["canary", "a"]
    assert all(isinstance(item, Absent) for item in gone)
    assert len(program.calls) == 1
