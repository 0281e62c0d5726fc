"""Fixtures for every test: real servers, one a session, and a project folder of each test's own."""

from __future__ import annotations

import secrets
import signal
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import hypothesis
import pytest

from tests.support import cloud as cloud_support
from tests.support import directory as directory_support
from tests.support import mariadb as mariadb_support
from tests.support import postgres as postgres_support
from tests.support import servers
from tests.support.cli import Project
from tests.support.process import NotInstalled
from tests.support.raw import Raw
from tests.support.servers import Server

pytest_plugins = ("tests.support.verified", "tests.support.plugins", "tests.support.climbing")

# How long a machine takes is no property of the code.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")

REQUIRE = "--require-server"
REQUIRE_PACKAGES = "--require-packages"
OBJECTS = "--objects"
COLLECTIONS = ("sys/policies/acl", "sys/policies/password", "identity/group/name", "identity/entity/name")
SERVER_TESTS = Path("tests/server")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        REQUIRE,
        action="store_true",
        help="fail where there is no server (or no PostgreSQL) to test against, instead of skipping",
    )
    parser.addoption(
        REQUIRE_PACKAGES,
        action="store_true",
        help="fail where a program of the system's packages (OpenLDAP, MariaDB) is not there, instead of skipping",
    )
    parser.addoption(
        OBJECTS,
        type=int,
        default=240,
        metavar="N",
        help="how many objects are applied to a cluster whose leaders go; `make soak` takes 2000",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Undo what a shell does to a job in the background: there SIGINT is ignored, by every child too."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if config.getoption(REQUIRE) and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_ServerTests())


@pytest.fixture(scope="session")
def server(pytestconfig: pytest.Config) -> Iterator[Server]:
    """The session's dev server: shared, so tests keep apart by the names that `unique` gives them."""
    _require_server(pytestconfig)
    running = servers.start_dev()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def older_server(pytestconfig: pytest.Config) -> Iterator[Server]:
    """An OpenBao 2.6, for what 2.7 no longer bundles; use `server_with` to get it where it is needed only."""
    try:
        older = servers.find_older()
    except servers.NoServer as missing:
        _absent(pytestconfig, str(missing))
    running = servers.start_dev(source=older)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def audit_server(pytestconfig: pytest.Config) -> Iterator[Server]:
    """A server where audit devices can be made over the API."""
    _require_server(pytestconfig)
    running = servers.start_with_audit()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def postgres(pytestconfig: pytest.Config) -> Iterator[postgres_support.Postgres]:
    """A PostgreSQL on a loopback port, for the database engine."""
    try:
        binaries = postgres_support.find_binaries()
    except postgres_support.NoPostgres as missing:
        _absent(pytestconfig, f"no PostgreSQL: {missing}")
    running = postgres_support.start(binaries)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def directory(pytestconfig: pytest.Config) -> Iterator[directory_support.Directory]:
    """An OpenLDAP on a loopback port."""
    try:
        slapd = directory_support.find_slapd()
    except NotInstalled as missing:
        _absent(pytestconfig, str(missing), REQUIRE_PACKAGES)
    running = directory_support.start(slapd)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def mariadb(pytestconfig: pytest.Config) -> Iterator[mariadb_support.MariaDB]:
    """A MariaDB on a loopback port, for the database engine."""
    try:
        programs = mariadb_support.find_programs()
    except NotInstalled as missing:
        _absent(pytestconfig, str(missing), REQUIRE_PACKAGES)
    running = mariadb_support.start(programs)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def stand_in_of_aws() -> Iterator[cloud_support.Cloud]:
    """A stand-in of AWS on a loopback port."""
    running = cloud_support.start()
    yield running
    running.stop()


@pytest.fixture
def raw(server: Server) -> Raw:
    """A client of the session's server with the root token."""
    return server.raw()


@pytest.fixture
def unique() -> str:
    """A prefix for names on the shared server, another one in every test."""
    return f"t{secrets.token_hex(4)}"


@pytest.fixture(autouse=True)
def _swept(request: pytest.FixtureRequest) -> Iterator[None]:
    """Take away what a test made on the session's server under its own prefix: every plan looks at all there is."""
    if not {"unique", "server"} <= set(request.fixturenames):
        yield
        return
    raw, prefix = request.getfixturevalue("server").raw(), request.getfixturevalue("unique")
    yield
    for table in ("sys/auth", "sys/mounts"):
        for name in raw.read(table) or {}:
            if name.startswith(prefix):
                raw.request("DELETE", f"{table}/{name.rstrip('/')}", None)
    for collection in COLLECTIONS:
        for name in raw.list(collection):
            if name.startswith(prefix):
                raw.request("DELETE", f"{collection}/{quote(name)}", None)


@pytest.fixture
def project(server: Server, tmp_path: Path) -> Project:
    """An empty project that talks to the session's server as root."""
    return Project.new(tmp_path, server)


class _ServerTests:
    """With --require-server, a run that tested nothing on a server has failed, however it came about.

    Reports of all processes that run tests come by here; one of those judges nothing itself.
    """

    def __init__(self) -> None:
        self.ran = False

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.ran |= report.when == "call" and not report.skipped and SERVER_TESTS in Path(report.location[0]).parents

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.ran or session.config.getoption("collectonly"):
            return
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        if reporter:
            reporter.write_line(f"\n{REQUIRE}: no test of tests/server ran", red=True)


def _require_server(config: pytest.Config) -> None:
    try:
        servers.find_server()
    except servers.NoServer as missing:
        _absent(config, str(missing))


def _absent(config: pytest.Config, reason: str, required: str = REQUIRE) -> None:
    if config.getoption(required):
        pytest.fail(f"{required}: {reason}", pytrace=False)
    pytest.skip(reason)
