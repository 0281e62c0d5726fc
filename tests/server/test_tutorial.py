"""The tutorial and the README's plan, run as they are written: every file, every command, every output.

With VAULTCONF_DOCS=update the outputs on the pages are replaced by those of this run, to be read in the diff.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import servers
from tests.support.cli import Result, run
from tests.support.markdown import ROOT, Block, Command, blocks, commands, replace_blocks
from tests.support.servers import Server

TUTORIAL = ROOT / "docs/tutorial.md"
README = ROOT / "README.md"
UPDATE = os.environ.get("VAULTCONF_DOCS") == "update"

#: What the pages say for what differs from run to run.
PAGE_ADDRESS, PAGE_TOKEN, PAGE_SERVER = "http://127.0.0.1:8200", "root", "openbao 2.7.2"


@dataclass(frozen=True, slots=True)
class Tour:
    """One walk through the tutorial: its commands as shown and as they went, and a drift check at the end."""

    shown: list[Command]
    printed: list[Command]
    drift: Result


@pytest.fixture(scope="module")
def tour(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Tour:
    steps = [block for block in blocks(TUTORIAL) if block.file or block.language == "console"]
    folder = tmp_path_factory.mktemp("tutorial")
    running = start(pytestconfig)
    try:
        shown, printed = walk(steps, running, folder)
        drift = run("drift", cwd=folder / "acme", env=access(running))
    finally:
        running.stop()
    if UPDATE:
        replace_outputs(TUTORIAL, steps, printed)
    return Tour(shown, printed, drift)


@pytest.fixture
def fresh(pytestconfig: pytest.Config) -> Iterator[Server]:
    """A dev server that nobody else uses: plans list everything that is there."""
    running = start(pytestconfig)
    yield running
    running.stop()


def start(config: pytest.Config) -> Server:
    try:
        return servers.start_dev()
    except servers.NoServer as missing:
        if config.getoption("--require-server"):
            pytest.fail(str(missing), pytrace=False)
        pytest.skip(str(missing))


def test_every_command_of_the_tutorial_prints_what_the_tutorial_shows(tour: Tour) -> None:
    assert tour.printed == tour.shown


def test_the_tutorial_ends_with_a_server_equal_to_its_files(tour: Tour) -> None:
    assert tour.drift.exit_code == 0, tour.drift


def test_the_plan_in_the_readme_is_what_the_example_project_prints(fresh: Server, tmp_path: Path) -> None:
    if fresh.product != "openbao":
        pytest.skip("the README shows a plan of OpenBao, which returns less of a database connection than Vault")
    block = next(block for block in blocks(README) if block.language == "console" and "vaultconf plan" in block.text)
    project = applied_example(tmp_path, fresh)
    a_pull_request(project)

    printed = run("plan", cwd=project, env=access(fresh))

    text = as_on_the_page(f"$ vaultconf plan\n{printed.stdout}", fresh)
    if UPDATE:
        replace_blocks(README, {block: text})
    assert text == block.text


def walk(steps: list[Block], server: Server, folder: Path) -> tuple[list[Command], list[Command]]:
    """Do what the blocks say in one shell; return the commands as shown, and with the output they had."""
    shown = [command for block in steps if block.language == "console" for command in commands(block)]
    outputs = shell(script(steps), server, folder)
    assert len(outputs) == len(shown), outputs
    printed = [Command(command.line, output) for command, output in zip(shown, outputs, strict=True)]
    return shown, printed


MARK = "=-=-= end of the output =-=-="


def script(steps: list[Block]) -> str:
    """The blocks as a shell script: files by here-documents, a mark after each command, `$?` kept."""
    lines: list[str] = []
    for block in steps:
        if block.file:
            lines += [f"cat > {block.file} <<'END_OF_FILE'", block.text.rstrip("\n"), "END_OF_FILE"]
            continue
        for command in commands(block):
            lines += ["(exit ${status:-0})", command.line, f"status=$?; echo; echo '{MARK}'"]
    return "\n".join(lines) + "\n"


def shell(text: str, server: Server, folder: Path) -> list[str]:
    """Run the script; return what each command printed, with what differs from run to run as on the page."""
    here = text.replace(PAGE_ADDRESS, server.address).replace(
        f"VAULT_TOKEN={PAGE_TOKEN}", f"VAULT_TOKEN={server.token}"
    )
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-c", here],
        cwd=folder,
        env={"PATH": path, "HOME": str(folder), "BAO_ADDR": server.address, "BAO_TOKEN": server.token},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=120,
        check=False,
    )
    printed = as_on_the_page(done.stdout.decode(), server).split(f"\n{MARK}\n")
    return [output.removeprefix("\n").rstrip("\n") for output in printed[:-1]]


def as_on_the_page(text: str, server: Server) -> str:
    """The output without what differs from run to run, and without white space at the ends of lines."""
    text = text.replace(server.address, PAGE_ADDRESS).replace(f"{server.product} {server.version}", PAGE_SERVER)
    return re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE)


def access(server: Server) -> Mapping[str, str]:
    secrets = {"ORDERS_DB_PASSWORD": "invented-1", "REPORTS_DB_PASSWORD": "invented-2", "ONCALL_PASSWORD": "invented-3"}
    return {"VAULT_ADDR": server.address, "VAULT_TOKEN": server.token, **secrets}


def applied_example(folder: Path, server: Server) -> Path:
    """A copy of this repository's own example, applied to the server."""
    for name in ("desired-state", "policies"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "vaultconf.yaml", folder)
    applied = run("apply", "--yes", cwd=folder, env=access(server))
    assert applied.exit_code == 0, applied
    return folder


def a_pull_request(project: Path) -> None:
    """Change the example as the README tells: a longer token, a narrower policy, one role and its policy less."""
    payments = project / "desired-state/payments.yaml"
    text = payments.read_text().replace("token_ttl: 20m", "token_ttl: 30m")
    kept, _, _ = text.partition("      payments-deploy:\n")
    payments.write_text(kept)
    (project / "policies/payments-deploy.hcl").unlink()
    policy = project / "policies/payments-read.hcl"
    policy.write_text(policy.read_text().replace("payments/kv/data/*", "payments/kv/data/runtime/*"))


def replace_outputs(page: Path, steps: list[Block], printed: list[Command]) -> None:
    """Put the outputs of this run onto the page."""
    outputs = iter(printed)
    texts: dict[Block, str] = {}
    for block in steps:
        if block.language == "console":
            done = [next(outputs) for _ in commands(block)]
            texts[block] = "".join(f"$ {one.line}\n" + (f"{one.output}\n" if one.output else "") for one in done)
    replace_blocks(page, texts)
