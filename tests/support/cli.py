"""Run the command line as a user does, in this process or in one of its own; and a project to run it in."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from tests.support.servers import Server

PROCESS_SECONDS = 120
CHECKOUT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Result:
    """What a command left behind."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def plan(self) -> dict[str, Any]:
        """The JSON of stdout; raises ValueError, with all of the output, where it is none."""
        try:
            document: dict[str, Any] = json.loads(self.stdout)
        except ValueError as error:
            raise ValueError(f"stdout is not JSON: {error}\n{self}") from None
        return document

    def __str__(self) -> str:
        return f"exit {self.exit_code}\n--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}"


def run(
    *argv: str,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    input: str = "",  # noqa: A002 - the name that subprocess.run gives it
) -> Result:
    """Run a command in this process; its environment is PATH, an empty HOME, and `env`, nothing else.

    stdin, stdout and stderr are files, not terminals. What the command raises is the test's failure.
    """
    from vaultconf.cli import main

    with (
        tempfile.TemporaryDirectory(prefix="vaultconf-home-") as home,
        mock.patch.dict(os.environ, _environment(Path(home), env), clear=True),
        contextlib.chdir(cwd),
        _streams(input) as (stdout, stderr),
    ):
        exit_code = main(list(argv))
        return Result(int(exit_code), _written(stdout), _written(stderr))


def run_process(
    *argv: str,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    input: str = "",  # noqa: A002 - the name that subprocess.run gives it
) -> Result:
    """Run `python -m vaultconf` with the same environment as `run`; it may take 120 s."""
    with tempfile.TemporaryDirectory(prefix="vaultconf-home-") as home:
        done = subprocess.run(
            [sys.executable, "-m", "vaultconf", *argv],
            cwd=cwd,
            env=_environment(Path(home), env),
            input=input.encode(),
            capture_output=True,
            timeout=PROCESS_SECONDS,
            check=False,
        )
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


@dataclass(frozen=True, slots=True)
class Project:
    """A project folder, and the server that its commands talk to."""

    root: Path
    server: Server

    @classmethod
    def new(cls, root: Path, server: Server) -> Project:
        """Make `root` a project with the least settings."""
        project = cls(root, server)
        project.write("vaultconf.yaml", "version: 1\n")
        return project

    def write(self, path: str, text: str) -> Path:
        """Write a file below the root, its text dedented; return where it is."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text), encoding="utf-8")
        return file

    def policy(self, name: str, text: str) -> Path:
        """Write the ACL policy `name`."""
        return self.write(f"policies/{name}.hcl", text)

    def run(
        self,
        *argv: str,
        env: Mapping[str, str] | None = None,
        input: str = "",  # noqa: A002 - the name that subprocess.run gives it
    ) -> Result:
        """Run a command here as root of the server; `env` is added to that and wins."""
        return run(*argv, cwd=self.root, env={**self.access, **(env or {})}, input=input)

    def start(
        self, *argv: str, env: Mapping[str, str] | None = None, program: Sequence[str] = ("-m", "vaultconf")
    ) -> subprocess.Popen[bytes]:
        """Start a command here as a process of its own, as `run` would; `program` is what Python is to run."""
        return subprocess.Popen(
            [sys.executable, *program, *argv],
            cwd=self.root,
            env=_environment(self.root, {"PYTHONPATH": str(CHECKOUT), **self.access, **(env or {})}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def plan(self, *argv: str) -> dict[str, Any]:
        """Plan, and return the plan's JSON; a plan that does not exit 0 fails the test."""
        return self._done("plan", "--format", "json", *argv)

    def apply(self, *argv: str) -> dict[str, Any]:
        """Apply without asking, and return the outcome's JSON; anything but exit 0 fails the test."""
        return self._done("apply", "--yes", "--format", "json", *argv)

    @property
    def access(self) -> dict[str, str]:
        """The environment that leads to the server as root."""
        trust = {"VAULT_CACERT": str(self.server.ca_file)} if self.server.ca_file else {}
        return {"VAULT_ADDR": self.server.address, "VAULT_TOKEN": self.server.token, **trust}

    def _done(self, *argv: str) -> dict[str, Any]:
        result = self.run(*argv)
        assert result.exit_code == 0, f"{' '.join(argv)}: {result}"
        return result.plan


def ended(process: subprocess.Popen[bytes], seconds: float = 90) -> tuple[int, str, str]:
    """The exit code, stdout and stderr of a command that was started, which may take so long from now on."""
    out, err = process.communicate(timeout=seconds)
    return process.returncode, out.decode(), err.decode()


def _environment(home: Path, env: Mapping[str, str] | None) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(home), **(env or {})}


@contextlib.contextmanager
def _streams(text: str) -> Iterator[tuple[io.TextIOWrapper, io.TextIOWrapper]]:
    """Put real files, so that `fileno` and `buffer` work, in the place of the three standard streams."""
    with contextlib.ExitStack() as stack:
        stdin, stdout, stderr = (
            stack.enter_context(io.TextIOWrapper(stack.enter_context(tempfile.TemporaryFile()), encoding="utf-8"))
            for _ in range(3)
        )
        stdin.write(text)
        stdin.seek(0)
        for name, stream in (("stdin", stdin), ("stdout", stdout), ("stderr", stderr)):
            stack.enter_context(mock.patch.object(sys, name, stream))
        yield stdout, stderr


def _written(stream: io.TextIOWrapper) -> str:
    stream.flush()
    stream.seek(0)
    return stream.read()


def git(project: Project, *argv: str) -> str:
    """Run Git in the project's folder, and return what it prints."""
    who = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    command = ["git", "-C", str(project.root), *who, *argv]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
