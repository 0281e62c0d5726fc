"""Server processes that cannot outlive the test run."""

from __future__ import annotations

import atexit
import contextlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

START_SECONDS = 30
STOP_SECONDS = 10

# Runs between fork and exec, in a process of its own: `preexec_fn` is not safe beside threads. The kernel
# then ends the server with its parent, even where that was killed and could clean nothing up. Changing the
# user clears this, so the user comes first; the parent may be gone before the call, so it is asked for last.
_LAUNCHER = """
import ctypes, os, sys
parent, death_signal, uid, gid = map(int, sys.argv[1:5])
if uid:
    os.setgroups([]), os.setgid(gid), os.setuid(uid)
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, death_signal)
if os.getppid() != parent:
    sys.exit("the test run is gone")
os.execv(sys.argv[5], sys.argv[5:])
"""


class Running(Protocol):
    """A server that was started: a process of this machine, or a container."""

    def alive(self) -> bool: ...
    def log_tail(self) -> str: ...
    def kill(self) -> None: ...
    def stop(self) -> None: ...


class StartFailed(Exception):  # noqa: N818 - reads as a sentence where it is caught
    """A server did not come up; the message ends with the tail of its own log."""


class NotInstalled(Exception):  # noqa: N818 - reads as a sentence where it is caught
    """A program that a test needs is not on this machine; the message says what to install."""


@dataclass(frozen=True, slots=True)
class User:
    """The system user that a server runs as."""

    uid: int
    gid: int

    @classmethod
    def named(cls, name: str) -> User:
        entry = pwd.getpwnam(name)
        return cls(entry.pw_uid, entry.pw_gid)


@dataclass(frozen=True, slots=True, eq=False)
class Daemon:
    """A child process with a folder of its own, which goes when it stops."""

    process: subprocess.Popen[bytes]
    folder: Path
    stop_signal: signal.Signals

    def alive(self) -> bool:
        return self.process.poll() is None

    def log_tail(self) -> str:
        return "\n".join((self.folder / "log").read_text(errors="replace").splitlines()[-30:])

    def kill(self) -> None:
        """End the process as a crash would; its folder stays, for it to be started in again."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End the process, by force after 10 s, and remove its folder; again is harmless."""
        atexit.unregister(self.stop)
        if self.alive():
            self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def launch(
    command: Sequence[str | Path],
    *,
    folder: Path,
    environment: Mapping[str, str],
    user: User | None = None,
    stop_signal: signal.Signals = signal.SIGTERM,
    death_signal: signal.Signals = signal.SIGKILL,
) -> Daemon:
    """Start `command` with its output in `folder`/log; call from the main thread, whose end ends it.

    `death_signal` is what the kernel sends it (Linux only) when this process is killed.
    """
    who = user or User(0, 0)
    prefix = [sys.executable, "-I", "-S", "-c", _LAUNCHER]
    settings = [str(number) for number in (os.getpid(), int(death_signal), who.uid, who.gid)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*prefix, *settings, *map(str, command)],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for pytest, which then stops its servers in order
        )
    daemon = Daemon(process, folder, stop_signal)
    atexit.register(daemon.stop)
    return daemon


def wait_until(ready: Callable[[], bool], running: Running, what: str) -> None:
    """Return when `ready()`; after 30 s, or when the process ends first, stop it and raise StartFailed."""
    deadline = time.monotonic() + START_SECONDS
    while running.alive() and time.monotonic() < deadline:
        if ready():
            return
        time.sleep(0.05)
    why = f"did not answer within {START_SECONDS} s" if running.alive() else "ended at once"
    message = f"{what} {why}; the end of its log:\n{running.log_tail()}"
    running.stop()
    raise StartFailed(message)


def free_port() -> int:
    """Return a port of the loopback interface that nothing listens on.

    It lies below those that systems hand out by themselves (from 32768 on), so that no other test is given it before
    the program that it is for has started.
    """
    while True:
        port = 10_000 + secrets.randbelow(22_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def find_program(name: str, *, package: str) -> Path:
    """Return a program of the system's; raises NotInstalled, naming Debian's package that has it."""
    places = os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/usr/local/sbin", "/usr/libexec"])
    found = shutil.which(name, path=places)
    if found is None:
        raise NotInstalled(f"no {name} on this machine; it is in Debian's package {package}")
    return Path(found)
