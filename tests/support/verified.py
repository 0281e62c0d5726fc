"""Records which kinds were proven on which server: `pytest --record-verified docs/verified.json`.

A kind is proven in a run where its ladder, its mutations and its defaults all passed.
"""

from __future__ import annotations

import datetime
import hashlib
import json
from pathlib import Path

import pytest

from vaultconf import kinds

OPTION = "--record-verified"
#: What a kind's tests note about themselves: the kind, and the server's product and version.
KIND, SERVER = "kind", "server"
#: The modules whose tests are the proof.
PROOFS = frozenset({"test_ladders", "test_mutations", "test_defaults"})


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(OPTION, type=Path, metavar="PATH", help="note in this file which kinds passed on which server")


def pytest_configure(config: pytest.Config) -> None:
    path: Path | None = config.getoption(OPTION)
    if path is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Recorder(path))


class Recorder:
    """Takes note of the reports of all processes that run tests; one of those writes nothing itself."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seen: dict[tuple[str, str], list[tuple[str, bool]]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        noted = dict(report.user_properties)
        if KIND in noted and SERVER in noted and (report.when == "call" or report.failed):
            key = (str(noted[KIND]), str(noted[SERVER]))
            self.seen.setdefault(key, []).append((Path(report.location[0]).stem, report.passed))

    def pytest_sessionfinish(self) -> None:
        proven = [key for key, seen in self.seen.items() if is_proof(seen)]
        record = json.loads(self.path.read_text(encoding="utf-8")) if self.path.exists() else {}
        for kind, server in proven:
            record[kind] = with_entry(record.get(kind, []), kind, *server.split())
        self.path.write_text(json.dumps(dict(sorted(record.items())), indent=2) + "\n", encoding="utf-8")


def is_proof(seen: list[tuple[str, bool]]) -> bool:
    """Whether all that was tested passed, and nothing of the proof is missing; `seen`: module, passed."""
    return all(passed for _, passed in seen) and {module for module, _ in seen} >= PROOFS


def with_entry(entries: list[dict[str, str]], kind: str, server: str, version: str) -> list[dict[str, str]]:
    """The entries of a kind with today's for this server and version in place of an older one."""
    today = datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    entry = {"server": server, "version": version, "date": today, "digest": digest(kind)}
    others = [old for old in entries if (old["server"], old["version"]) != (server, version)]
    return sorted([*others, entry], key=lambda item: (item["server"], item["version"]))


def digest(kind: str) -> str:
    """The SHA-256 of the kind's file, in hexadecimal digits."""
    return hashlib.sha256((Path(kinds.__path__[0]) / f"{kind}.py").read_bytes()).hexdigest()
