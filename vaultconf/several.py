"""Several targets in one run: which ones, what is refused before any connection, and all of them side by side."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace

from vaultconf import checking
from vaultconf import contact as contacts
from vaultconf.checking import Checked
from vaultconf.errors import InputError, Problem, UsageError, VaultconfError
from vaultconf.http import Connection
from vaultconf.model import Plan
from vaultconf.project import Project
from vaultconf.settings import Settings

#: So many targets at a time.
MOST = 8
#: Seconds. The main thread wakes up so often, because a signal that another thread got (macOS) does not wake it.
_NAP = 0.2

Warn = Callable[[Problem], None]
Halted = Callable[[], bool]
#: Makes the plan of one target; told whom to warn, and what turns true when the run is interrupted.
Job = Callable[[Warn, Halted], Plan]


def asked_for(target: str, *, every: bool) -> bool:
    """Whether a command line asks for several targets, be it that they turn out to be one.

    Raises UsageError where it says two things at once.
    """
    if target and every:
        raise UsageError("--target and --all-targets exclude each other", "leave one of them out")
    return every or "," in target


def names(loaded: Project, target: str) -> list[str]:
    """The targets of `a,b`, in that order and each once; all of the project, in the order of the file, for "".

    Raises UsageError for one that there is not, InputError where the settings themselves are wrong.
    """
    try:
        return _names(loaded.settings, target)
    except UsageError:
        if loaded.problems:  # what is not there may be what could not be read
            raise InputError(loaded.problems) from None
        raise


def _names(settings: Settings, target: str) -> list[str]:
    if not target:
        if not settings.targets:
            raise UsageError("no targets in vaultconf.yaml", "leave --all-targets out: VAULT_ADDR says where")
        return list(settings.targets)
    found = [name.strip() for name in target.split(",")]
    if "" in found:
        raise UsageError(f"--target {target}: a name is empty", "write it as --target stage,prod")
    for name in found:
        contacts.target_of(settings, name)
    return list(dict.fromkeys(found))


def connections(settings: Settings, chosen: Iterable[str], environ: Mapping[str, str]) -> dict[str, Connection]:
    """Where each target is. Raises InputError with every one that the environment disagrees with."""
    found: dict[str, Connection] = {}
    problems: list[Problem] = []
    for name in chosen:
        try:
            found[name] = contacts.connection_for(settings, name, environ)
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(dict.fromkeys(problems))
    return found


def token_of_many(settings: Settings, at: Mapping[str, Connection]) -> Problem | None:
    """What to say where the one token of the environment is shown to more than one server."""
    without = [name for name in at if settings.targets[name].login is None]
    if len({at[name].address for name in without}) < 2:
        return None
    message = f"the token of the environment is shown to the servers of {', '.join(f'`{name}`' for name in without)}"
    return Problem(message, hint="give each target a login of its own (`auth`)")


def checked(loaded: Project, chosen: Iterable[str]) -> dict[str, Checked]:
    """What the files say for each target. Raises InputError with every problem and the targets that have it."""
    chosen = list(chosen)
    return dict(zip(chosen, checking.check_each(loaded, chosen), strict=True))


def side_by_side(jobs: Mapping[str, Job], warn: Warn) -> dict[str, Plan | Exception]:
    """Run the jobs, at most `MOST` at a time; return what each made or why it failed, in the order of `jobs`.

    `warn` is called in this thread alone and hears of failures as they happen; what it hears names the target. After
    Ctrl-C no further job begins, and KeyboardInterrupt is raised when those under way have taken leave of their
    servers; as with a single target, the third one in a row waits for nothing.
    """
    run = _Run(jobs, warn)
    try:
        for _ in range(min(MOST, len(jobs))):
            threading.Thread(target=run.work, daemon=True).start()
        run.listen()
    except BaseException:
        run.halt()
        with suppress(KeyboardInterrupt):
            run.listen()
        run.listen()
        raise
    return {name: ended for name in jobs if isinstance(ended := run.ended[name], Plan | Exception)}


class _Run:
    """The threads of a run put into a queue what they have to say; the main one takes it out."""

    def __init__(self, jobs: Mapping[str, Job], warn: Warn) -> None:
        self.ended: dict[str, Plan | BaseException] = {}
        self._warn = warn
        self._left = len(jobs)
        self._halted = threading.Event()
        self._said: queue.SimpleQueue[tuple[str, Problem | Plan | BaseException]] = queue.SimpleQueue()
        self._todo: queue.SimpleQueue[tuple[str, Job]] = queue.SimpleQueue()
        for job in jobs.items():
            self._todo.put(job)

    def work(self) -> None:
        """Do one job after the other."""
        with suppress(queue.Empty):
            while True:
                name, job = self._todo.get_nowait()
                self._said.put((name, self._done(name, job)))

    def _done(self, name: str, job: Job) -> Plan | BaseException:
        try:
            return job(lambda problem: self._said.put((name, problem)), self._halted.is_set)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is told to the main thread
            return error

    def halt(self) -> None:
        """Interrupt what is under way, and begin nothing more."""
        self._halted.set()
        with suppress(queue.Empty):
            while True:
                self._todo.get_nowait()
                self._left -= 1

    def listen(self) -> None:
        """Take what the threads say until all jobs that were begun have ended."""
        while self._left:
            try:
                name, said = self._said.get(timeout=_NAP)
            except queue.Empty:
                continue
            if not isinstance(said, Problem):
                self._left -= 1
                self.ended[name] = said
            for problem in _problems(said):
                self._warn(replace(problem, message=f"target `{name}`: {problem.message}"))


def _problems(said: Problem | Plan | BaseException) -> Iterable[Problem]:
    if isinstance(said, Problem):
        return (said,)
    return said.problems if isinstance(said, VaultconfError) else ()
