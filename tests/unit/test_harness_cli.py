"""The helper that runs the command line in process, with another program in the command line's place."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import typer
from rich.console import Console

from tests.support import cli


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[list[str]], int]], None]:
    def put(main: Callable[[list[str]], int]) -> None:
        module = ModuleType("vaultconf.cli")
        module.main = main  # type: ignore[attr-defined]  # a module made for this test
        monkeypatch.setitem(sys.modules, "vaultconf.cli", module)

    return put


def test_output_of_print_typer_and_rich_is_kept_apart_by_stream(program: Callable[..., None], tmp_path: Path) -> None:
    def main(argv: list[str]) -> int:
        sys.stdout.write(f"plain {' '.join(argv)}\n")
        typer.echo("typer")
        Console().print("rich é")
        Console(stderr=True).print("warning")
        typer.echo("error", err=True)
        return 3

    program(main)

    result = cli.run("plan", "--x", cwd=tmp_path)

    assert result == cli.Result(3, "plain plan --x\ntyper\nrich é\n", "warning\nerror\n")


def test_a_command_sees_its_folder_its_input_and_no_other_environment(
    program: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_TOKEN", "of-the-developer")
    seen: dict[str, object] = {}

    def main(argv: list[str]) -> int:
        seen.update(env=dict(os.environ), cwd=Path.cwd(), input=sys.stdin.read(), tty=sys.stdin.isatty())
        return 0

    program(main)
    before, folder = dict(os.environ), Path.cwd()

    cli.run(cwd=tmp_path, env={"VAULT_ADDR": "here"}, input="yes\n")

    environment = seen.pop("env")
    assert isinstance(environment, dict)
    assert environment.keys() == {"PATH", "HOME", "VAULT_ADDR"}
    assert seen == {"cwd": tmp_path.resolve(), "input": "yes\n", "tty": False}
    assert (dict(os.environ), Path.cwd()) == (before, folder)


def test_the_streams_come_back_when_a_command_raises(program: Callable[..., None], tmp_path: Path) -> None:
    def main(argv: list[str]) -> int:
        raise LookupError("a bug")

    program(main)
    streams = (sys.stdin, sys.stdout, sys.stderr)

    with pytest.raises(LookupError, match="a bug"):
        cli.run(cwd=tmp_path)

    assert (sys.stdin, sys.stdout, sys.stderr) == streams


def test_a_process_that_a_command_starts_can_be_given_its_streams(program: Callable[..., None], tmp_path: Path) -> None:
    def main(argv: list[str]) -> int:
        return subprocess.run(["sh", "-c", "echo child"], stdout=sys.stdout, check=False).returncode

    program(main)

    result = cli.run(cwd=tmp_path)

    assert result.stdout == "child\n"


def test_output_that_is_not_json_is_shown_when_a_plan_was_expected() -> None:
    result = cli.Result(1, "oh no", "no server")

    with pytest.raises(ValueError, match=r"(?s)not JSON.*oh no.*no server"):
        _ = result.plan
