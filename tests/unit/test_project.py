from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from tests.unit.loading import A_POLICY, by_address, load, write
from vaultconf import project
from vaultconf.errors import InputError
from vaultconf.references import Reference
from vaultconf.resolving import Sources


def problems(root: Path) -> list[str]:
    return [str(problem) for problem in project.load(root).problems]


def test_a_folder_without_a_project_is_an_error_that_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"neither `vaultconf.yaml` nor `desired-state/` nor `policies/`.*-C DIR"):
        project.load(tmp_path)


@pytest.mark.parametrize("name", ["gone", "file", "loop"])
def test_what_is_no_folder_is_an_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "loop").symlink_to("loop")

    with pytest.raises(InputError, match=name):
        project.load(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("vaultconf.yml", "vaultconf.yaml"),
        ("Vaultconf.yaml", "vaultconf.yaml"),
        ("desired_state", "desired-state"),
        ("desired-states", "desired-state"),
        ("DesiredState", "desired-state"),
    ],
)
def test_what_is_named_nearly_as_the_projects_files_is_refused_since_nobody_would_read_it(
    tmp_path: Path, name: str, meant: str
) -> None:
    write(tmp_path, {"desired-state/a.yaml": ""})
    (tmp_path / name).mkdir()

    assert problems(tmp_path) == [f"{name}:1:1: is not read (name it `{meant}`)"]


def test_documents_of_all_folders_and_both_endings_are_read(tmp_path: Path) -> None:
    files = {
        "desired-state/b/c.yml": 'policies: {a: {policy: "#"}}\n',
        "desired-state/a.yaml": '---\npolicies: {b: {policy: "#"}}\n---\n---\npolicies: {c: {policy: "#"}}\n',
        "desired-state/.hidden.yaml": "nonsense",
        "desired-state/.git/x.yaml": "nonsense",
        "desired-state/notes.md": "nonsense",
        "desired-state/empty.yaml": "",
    }

    state = load(tmp_path, files)

    assert (state.problems, sorted(by_address(state))) == (
        (),
        ["sys/policies/acl/a", "sys/policies/acl/b", "sys/policies/acl/c"],
    )


def test_a_circle_of_folders_ends_with_its_place(tmp_path: Path) -> None:
    write(tmp_path, {"desired-state/a/b.yaml": ""})
    (tmp_path / "desired-state" / "a" / "up").symlink_to("..")

    assert problems(tmp_path) == [
        "desired-state/a/up:1:1: leads back to a folder that holds it (remove the symbolic link)"
    ]


def test_a_folder_outside_the_project_is_not_entered(tmp_path: Path) -> None:
    write(tmp_path / "out", {"x.yaml": "nonsense: 1\n"})
    write(tmp_path / "in", {"desired-state/a.yaml": ""})
    (tmp_path / "in" / "desired-state" / "link").symlink_to(tmp_path / "out")

    assert problems(tmp_path / "in") == [
        "desired-state/link:1:1: `desired-state/link` leads out of the project (remove the symbolic link)"
    ]


@pytest.mark.parametrize(
    ("name", "target", "reason"),
    [
        ("desired-state/x.yaml", "../../out.txt", "leads out of the project"),
        ("policies/x.hcl", "../../out.txt", "leads out of the project"),
        ("vaultconf.yaml", "../out.txt", "leads out of the project"),
        ("policies/x.hcl", "../.git/config", "leads into `.git`"),
        ("desired-state/x.yaml", "x.yaml", "cannot be read"),
        ("policies/x.hcl", "nowhere", "cannot be read"),
        ("vaultconf.yaml", "nowhere", "cannot be read"),
    ],
)
def test_a_link_that_leads_astray_is_an_error_that_quotes_nothing(
    tmp_path: Path, name: str, target: str, reason: str
) -> None:
    (tmp_path / "out.txt").write_text("canary: 4711\n")
    root = write(tmp_path / "in", {"policies/a.hcl": A_POLICY, ".git/config": "canary", "desired-state/a.yaml": ""})
    (root / name).unlink(missing_ok=True)
    (root / name).symlink_to(target)

    found = problems(root)

    assert len(found) == 1
    assert found[0].startswith(f"{name}:1:1: `{name}` {reason}")
    assert "canary" not in found[0]


def test_a_link_inside_the_project_is_followed(tmp_path: Path) -> None:
    root = write(tmp_path, {"shared/a.hcl": A_POLICY, "policies/b.hcl": A_POLICY})
    (root / "policies" / "a.hcl").symlink_to("../shared/a.hcl")

    assert [file.name for file in project.load(root).policies] == ["policies/a.hcl", "policies/b.hcl"]


@pytest.mark.parametrize(
    "name", ["desired-state/x.yaml", "policies/x.hcl", "policies/password/x.hcl", "vaultconf.yaml"]
)
@pytest.mark.parametrize("kind", ["folder", "pipe", "socket"])
def test_what_is_no_file_is_an_error_and_is_not_waited_for(
    tmp_path: Path, name: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write(tmp_path, {"policies/password/a.hcl": 'length = 9\nrule "charset" { charset = "a" }'})
    (root / name).unlink(missing_ok=True)
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir((root / name).parent)
    if kind == "folder":
        (root / name).mkdir()
    elif kind == "pipe":
        os.mkfifo(root / name)
    else:
        socket.socket(socket.AF_UNIX).bind((root / name).name)

    assert problems(root) == [f"{name}:1:1: `{name}` is {'a folder' if kind == 'folder' else 'not a file'}"]


@pytest.mark.parametrize("name", ["desired-state/x.yaml", "policies/x.hcl"])
def test_a_huge_file_is_an_error_before_it_is_read(tmp_path: Path, name: str) -> None:
    root = write(tmp_path, {name: ""})
    os.truncate(root / name, 100_000_000)

    assert problems(root) == [f"{name}:1:1: `{name}` is larger than 16 MiB"]


def test_a_file_that_is_not_utf8_is_an_error_with_its_place(tmp_path: Path) -> None:
    root = write(tmp_path, {"desired-state/x.yaml": b"a: 1\nb: \xff\n", "policies/x.hcl": b"# \xff"})

    assert problems(root) == [
        "desired-state/x.yaml:2:4: the file is not UTF-8 (save it as UTF-8)",
        "policies/x.hcl:1:1: `policies/x.hcl` is not UTF-8 (byte 3)",
    ]


@pytest.mark.parametrize("name", ["desired-state", "policies"])
def test_a_file_in_the_place_of_a_folder_is_an_error(tmp_path: Path, name: str) -> None:
    assert problems(write(tmp_path, {name: "x"})) == [f"{name}:1:1: must be a folder"]


@pytest.mark.parametrize("name", ["desired-state", "desired-state/x"])
def test_a_link_to_nowhere_is_an_error(tmp_path: Path, name: str) -> None:
    root = write(tmp_path, {} if name == "desired-state" else {"desired-state/a.yaml": ""})
    (root / name).symlink_to("nowhere")

    assert problems(root) == [f"{name}:1:1: leads nowhere (remove the symbolic link)"]


def test_the_name_of_a_file_that_is_no_text_is_an_error_that_can_be_printed(tmp_path: Path) -> None:
    root = write(tmp_path, {})
    (root / "policies").mkdir()
    Path(os.fsdecode(os.fsencode(root / "policies") + b"/\xff.hcl")).write_text(A_POLICY)

    state = load(root, {})

    assert [problem.message.encode() for problem in state.problems] == [
        b"the name `\\udcff` has bytes that are no UTF-8"
    ]


def test_a_reference_is_resolved_without_the_last_line_break(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write(tmp_path, {"pw": "one\ntwo\r\n"})
    monkeypatch.setenv("PW", "three")
    resolve = Sources(root, None)

    assert (resolve(Reference("file", "pw")), resolve(Reference("env", "PW"))) == ("one\ntwo", "three")


def test_a_reference_that_is_not_at_hand_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write(tmp_path / "in", {".git/x": "x"})
    (tmp_path / "out").write_text("x")
    (root / "link").symlink_to("../out")
    monkeypatch.setenv("EMPTY", "")
    monkeypatch.delenv("GONE", raising=False)
    resolve = Sources(root, None)

    found = [resolve(Reference("env", name)) for name in ("EMPTY", "GONE")]
    found += [resolve(Reference("file", name)) for name in ("gone", ".", "link", ".git/x")]

    assert found == [None] * 6
