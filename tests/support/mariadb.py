"""A MariaDB for the database engine; its programs come from the system's packages."""

from __future__ import annotations

import os
import secrets
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.process import Daemon, User, find_program, free_port, launch, wait_until

ADMIN = "vaultadmin"
UNPRIVILEGED = "nobody"
_SMALL = ["--innodb-log-file-size=4M", "--innodb-buffer-pool-size=8M", "--innodb-flush-log-at-trx-commit=0"]


@dataclass(frozen=True, slots=True)
class Programs:
    """What it takes to make a database, to serve it and to ask it."""

    install: Path
    server: Path
    client: Path


@dataclass(frozen=True, slots=True)
class MariaDB:
    """A running MariaDB; ADMIN may do everything."""

    programs: Programs
    process: Daemon
    port: int
    password: str = field(repr=False)

    def connection_url(self) -> str:
        """Return the URL as the database engine takes it, with its own templates for the login."""
        return f"{{{{username}}}}:{{{{password}}}}@tcp(127.0.0.1:{self.port})/"

    def sql(self, text: str, user: str = ADMIN, password: str = "") -> str:
        """Run SQL as ADMIN, or as `user`, and return the rows, a line each, columns split by tabs.

        Raises subprocess.CalledProcessError, with MariaDB's words in `stderr`, where it refuses.
        """
        done = self._client(text, user, password or self.password)
        done.check_returncode()
        return done.stdout.strip()

    def accepts(self, user: str, password: str) -> bool:
        """Say whether these credentials can log in."""
        return self._client("select 1", user, password).returncode == 0

    def stop(self) -> None:
        """End the server; again is harmless."""
        self.process.stop()

    def _client(self, text: str, user: str, password: str) -> subprocess.CompletedProcess[str]:
        where = ["--protocol=TCP", "--host=127.0.0.1", f"--port={self.port}", f"--user={user}"]
        return subprocess.run(
            [self.programs.client, "--no-defaults", "--skip-ssl", *where, "--batch", "-N", "-e", text],
            env={"PATH": os.environ["PATH"], "MYSQL_PWD": password},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )


def find_programs() -> Programs:
    """Return the programs; raises NotInstalled with the package to install."""
    server, client = "mariadb-server-core", "mariadb-client-core"
    return Programs(
        find_program("mariadb-install-db", package=server),
        find_program("mariadbd", package=server),
        find_program("mariadb", package=client),
    )


def start(programs: Programs) -> MariaDB:
    """Start a new, empty MariaDB on a free loopback port; raises StartFailed with its log."""
    folder, port, password = Path(tempfile.mkdtemp(prefix="vaultconf-test-")), free_port(), secrets.token_hex(16)
    user = User.named(UNPRIVILEGED) if os.geteuid() == 0 else None  # MariaDB refuses to run as root
    first = folder / "first.sql"
    first.write_text(
        f"CREATE USER '{ADMIN}'@'127.0.0.1' IDENTIFIED BY '{password}';\n"
        f"GRANT ALL ON *.* TO '{ADMIN}'@'127.0.0.1' WITH GRANT OPTION;\n"
    )
    if user:
        os.chown(folder, user.uid, user.gid)
        os.chown(first, user.uid, user.gid)
    data = [f"--datadir={folder / 'data'}", *_SMALL]
    _make(programs, data, folder, user)
    network = [f"--port={port}", "--bind-address=127.0.0.1", "--skip-name-resolve"]
    files = [f"--socket={folder / 'socket'}", f"--pid-file={folder / 'pid'}", f"--init-file={first}"]
    daemon = launch(
        [programs.server, "--no-defaults", *data, *network, *files],
        folder=folder,
        environment={"PATH": os.environ["PATH"], "HOME": str(folder)},
        user=user,
    )
    database = MariaDB(programs, daemon, port, password)
    wait_until(lambda: database.accepts(ADMIN, password), daemon, "MariaDB")
    first.unlink()
    return database


def _make(programs: Programs, data: list[str], folder: Path, user: User | None) -> None:
    """Make the system's tables; nobody but those of the first file can log in over TCP."""
    subprocess.run(
        [programs.install, "--no-defaults", *data, "--skip-test-db", "--skip-name-resolve"],
        env={"PATH": f"{os.environ['PATH']}:/usr/sbin", "HOME": str(folder)},
        cwd=folder,
        user=user.uid if user else None,
        group=user.gid if user else None,
        extra_groups=[] if user else None,
        capture_output=True,
        check=True,
        timeout=120,
    )
