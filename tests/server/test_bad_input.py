"""Everything that a user can get wrong, through the command line: a clear error, the exit code, complete JSON."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import servers, stub
from tests.support.cli import Project, Result, run
from tests.support.raw import Raw
from tests.support.servers import Server
from tests.support.stub import Reply, Stub, as_json

pytestmark = pytest.mark.timeout(20)  # what the answers to bad input may take

HEALTHY = {"initialized": True, "sealed": False, "version": "1.19.0", "cluster_id": "c"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with one policy."""
    (tmp_path / "vaultconf.yaml").write_text("version: 1\n")
    (tmp_path / "desired-state").mkdir()
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "one.hcl").write_text("# one\n")
    return tmp_path


@pytest.fixture
def http() -> Iterator[Stub]:
    with stub.running() as running:
        yield running


@pytest.fixture(scope="module")
def tls_server() -> Iterator[Server]:
    running = servers.start_dev(tls=True)
    yield running
    running.stop()


def refused(result: Result, exit_code: int = 1) -> str:
    """Check that a command said the same to people and to machines; return its first message and hint."""
    document = result.plan
    assert result.exit_code == exit_code, result
    assert document.get("complete", False) is False
    assert document["errors"], result
    assert document["errors"][0]["message"].split(": ")[-1][:40] in result.stderr
    assert "Traceback" not in result.stderr
    assert "defect" not in result.stderr
    first = document["errors"][0]
    return f"{first['file']}:{first['line']}:{first['column']}: {first['message']} ({first['hint']})"


def json(root: Path, *argv: str, **env: str) -> Result:
    return run(*argv, "--format", "json", cwd=root, env=env)


# --- files ---------------------------------------------------------------------------------------------------


def _write(text: str | bytes, name: str = "desired-state/a.yaml") -> Callable[[Path], object]:
    data = text if isinstance(text, bytes) else text.encode()
    return lambda root: (root / name).write_bytes(data)


def _huge(root: Path) -> None:
    (root / "policies" / "huge.hcl").touch()
    os.truncate(root / "policies" / "huge.hcl", 100_000_000)


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + number)}: &{chr(98 + number)} [{', '.join(['*' + chr(97 + number)] * 10)}]\n" for number in range(12)
)

FILES = {
    "unknown key": (_write("polices: {}\n"), "desired-state/a.yaml:1:1: unknown key `polices`"),
    "YAML bomb": (_write(BOMB), "desired-state/a.yaml:6:36: aliases repeat too much"),
    "deep lists": (_write("a: " + "[" * 100_000), "desired-state/a.yaml:1:53: nested deeper than 50 levels"),
    "deep policy": (
        _write("a = " + "[" * 100_000, "policies/deep.hcl"),
        "policies/deep.hcl:1:115: nested deeper than 110 levels",
    ),
    "not UTF-8": (_write(b"a: \xff\n"), "desired-state/a.yaml:1:4: the file is not UTF-8"),
    "UTF-16": (_write("a: 1".encode("utf-16")), "desired-state/a.yaml:1:1: the file is UTF-16"),
    "NUL": (_write(b"a: \x00\n"), "desired-state/a.yaml:1:4: a control character (U+0000)"),
    "policy not UTF-8": (_write(b"\xff", "policies/x.hcl"), "policies/x.hcl:1:1: `policies/x.hcl` is not UTF-8"),
    "policy syntax": (_write('path "x" {\n', "policies/x.hcl"), "policies/x.hcl:1:10: the block is not closed"),
    "policy word": (
        _write('path "x" {\n capabilities = ["raed"] }\n', "policies/x.hcl"),
        "policies/x.hcl:2:18: unknown capability `raed` (did you mean `read`?)",
    ),
    "huge policy": (_huge, "policies/huge.hcl:1:1: `policies/huge.hcl` is larger than 16 MiB"),
    "folder loop": (
        lambda root: (root / "desired-state" / "up").symlink_to("."),
        "desired-state/up:1:1: leads back to a folder that holds it",
    ),
    "link out": (
        lambda root: (root / "desired-state" / "x.yaml").symlink_to("/etc/passwd"),
        "desired-state/x.yaml:1:1: `desired-state/x.yaml` leads out of the project",
    ),
    "folder as file": (
        lambda root: (root / "desired-state" / "x.yaml").mkdir(),
        "desired-state/x.yaml:1:1: `desired-state/x.yaml` is a folder",
    ),
    "pipe": (
        lambda root: os.mkfifo(root / "desired-state" / "x.yaml"),
        "desired-state/x.yaml:1:1: `desired-state/x.yaml` is not a file",
    ),
    "empty settings with a bad key": (_write("verion: 1\n", "vaultconf.yaml"), "vaultconf.yaml:1:1: unknown key"),
}


@pytest.mark.parametrize("case", FILES)
@pytest.mark.parametrize("command", [["validate"], ["plan"], ["drift"], ["apply", "--yes"]])
def test_files_that_cannot_be_meant_are_refused_before_any_connection(
    root: Path, http: Stub, case: str, command: list[str]
) -> None:
    spoil, expected = FILES[case]
    spoil(root)

    result = json(root, *command, VAULT_ADDR=http.address, VAULT_TOKEN="t")

    assert refused(result).startswith(expected)
    assert http.connections == 0


def test_a_folder_without_a_project_is_said_so(tmp_path: Path) -> None:
    result = run("-C", str(tmp_path), "validate", "--format", "json", cwd=Path("/"))

    assert "neither `vaultconf.yaml` nor" in refused(result)


def test_many_errors_are_all_in_the_json_and_as_many_as_can_be_read_on_the_terminal(root: Path) -> None:
    lines = "".join(f"  p{number}: {{plicy: x, policy: '#'}}\n" for number in range(10_000))
    (root / "desired-state" / "a.yaml").write_text(f"policies:\n{lines}")

    result = json(root, "validate")

    assert len(result.plan["errors"]) == 10_000
    assert len(result.stderr.splitlines()) < 2_100
    assert "9,000 more problems" in result.stderr


def test_a_control_character_of_a_file_does_not_reach_the_terminal(root: Path) -> None:
    (root / "desired-state" / "a.yaml").write_text('"\\e[31m::error::x": 1\n')

    result = run("validate", cwd=root)

    assert "\x1b" not in result.stderr


# --- command line --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("argv", [["nope"], ["plan", "--nope"], ["plan", "--format", "xml"], ["plan", "x"]])
def test_a_wrong_command_line_exits_64(root: Path, argv: list[str]) -> None:
    result = run(*argv, cwd=root)

    assert (result.exit_code, result.stdout) == (64, "")
    assert "Traceback" not in result.stderr


def test_no_command_at_all_exits_64(root: Path) -> None:
    assert run(cwd=root).exit_code == 64


@pytest.mark.parametrize("option", ["--only", "--resend"])
def test_a_pattern_that_is_none_exits_64(root: Path, option: str) -> None:
    result = json(root, "plan", option, "a/*/b")

    assert "`*` may only stand at the end" in refused(result, 64)


def test_apply_without_yes_exits_64_before_files_are_read_or_a_connection_is_made(root: Path, http: Stub) -> None:
    (root / "desired-state" / "a.yaml").write_text("nonsense: [\n")

    result = json(root, "apply", VAULT_ADDR=http.address, VAULT_TOKEN="t")

    assert "use --yes" in refused(result, 64)
    assert http.connections == 0


def test_several_targets_and_none_named_exits_64(root: Path, http: Stub) -> None:
    (root / "vaultconf.yaml").write_text("targets: {a: {}, b: {}}\n")

    result = json(root, "plan", VAULT_ADDR=http.address, VAULT_TOKEN="t")

    assert "several targets and none named (choose one with --target: a, b)" in refused(result, 64)
    assert http.connections == 0


def test_an_address_that_disagrees_with_the_target_is_refused_before_any_connection(root: Path, http: Stub) -> None:
    (root / "vaultconf.yaml").write_text(f"targets: {{a: {{address: '{http.address}'}}}}\n")

    result = json(root, "plan", VAULT_ADDR="http://127.0.0.1:1", VAULT_TOKEN="t")

    assert "VAULT_ADDR name different servers" in refused(result)
    assert http.connections == 0


def test_variables_that_cannot_be_meant_are_all_named(root: Path) -> None:
    result = json(root, "plan", VAULT_ADDR="localhost:8200", VAULT_SKIP_VERIFY="maybe", VAULT_CLIENT_TIMEOUT="soon")

    refused(result)
    assert [error["message"].split()[0] for error in result.plan["errors"]] == [
        "VAULT_ADDR",
        "VAULT_SKIP_VERIFY",
        "VAULT_CLIENT_TIMEOUT",
    ]


# --- what answers --------------------------------------------------------------------------------------------


def test_no_server(root: Path) -> None:
    result = json(root, "plan", VAULT_ADDR=stub.free_address(), VAULT_TOKEN="t")

    assert "cannot reach http://127.0.0.1:" in refused(result)


def test_a_server_that_takes_the_connection_and_never_answers(root: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(16)
        result = json(root, "plan", VAULT_ADDR=f"http://127.0.0.1:{silent.getsockname()[1]}", VAULT_TOKEN="t")

    assert "no answer in time" in refused(result)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply(200, b"<html>hello</html>"), "is not a Vault or OpenBao (status 200)"),
        (Reply(200, b'{"status": "ok"}'), "is not a Vault or OpenBao (status 200)"),
        (Reply(200, b"[1, 2]"), "is not a Vault or OpenBao (status 200)"),
        (Reply(404, b"not found"), "is not a Vault or OpenBao (status 404)"),
        (Reply(401, b""), "is not a Vault or OpenBao (status 401)"),
        (Reply(302, b"", {"Location": "/login"}), "redirects (302)"),
        (Reply(307, b"", {"Location": "{address}/v1/sys/health"}), "more than 3 redirects in a row"),
        (Reply(501, as_json({"initialized": False, "sealed": True})), "is not initialized"),
        (Reply(503, as_json({"initialized": True, "sealed": True})), "is sealed"),
    ],
)
def test_what_answers_is_no_vault_that_could_be_used_and_never_sees_the_token(
    root: Path, http: Stub, reply: Reply, expected: str
) -> None:
    headers = {name: value.replace("{address}", http.address) for name, value in reply.headers.items()}
    http.answers(Reply(reply.status, reply.body, headers))

    result = json(root, "plan", VAULT_ADDR=http.address, VAULT_TOKEN="canary-token")

    assert expected in refused(result)
    assert not [asked for asked in http.asked if "x-vault-token" in asked.headers]
    assert "canary" not in result.stdout + result.stderr


def test_https_on_an_http_port(root: Path, server: Server) -> None:
    address = server.address.replace("http:", "https:")

    assert "the server speaks plain HTTP: use http://" in refused(json(root, "plan", VAULT_ADDR=address))


def test_http_on_an_https_port(root: Path, tls_server: Server) -> None:
    address = tls_server.address.replace("https:", "http:")

    assert "https://" in refused(json(root, "plan", VAULT_ADDR=address))


def test_a_certificate_that_nobody_vouches_for(root: Path, tls_server: Server) -> None:
    assert "set VAULT_CACERT" in refused(json(root, "plan", VAULT_ADDR=tls_server.address))


def test_a_certificate_that_is_not_checked_is_said_so_loudly_in_every_run(root: Path, tls_server: Server) -> None:
    env = {"VAULT_ADDR": tls_server.address, "VAULT_TOKEN": tls_server.token}

    loud = [run(*argv, cwd=root, env={**env, "VAULT_SKIP_VERIFY": "1"}) for argv in (("plan",), ("apply", "--yes"))]
    quiet = run("plan", cwd=root, env={**env, "VAULT_CACERT": str(tls_server.ca_file)})

    assert [result.exit_code for result in (*loud, quiet)] == [0, 0, 0], (loud, quiet)
    assert all("THE SERVER'S CERTIFICATE IS NOT CHECKED" in result.stderr for result in loud)
    assert "CERTIFICATE" not in quiet.stderr


def test_a_connection_without_encryption_to_another_machine_is_said_so_loudly(root: Path, http: Stub) -> None:
    far = run("plan", cwd=root, env={"VAULT_ADDR": "http://vault.invalid:8200", "VAULT_TOKEN": "t"})
    near = run("plan", cwd=root, env={"VAULT_ADDR": http.address, "VAULT_TOKEN": "t"})

    assert "THE CONNECTION IS NOT ENCRYPTED" in far.stderr
    assert "NOT ENCRYPTED" not in near.stderr


def test_a_sealed_server(root: Path) -> None:
    sealed = servers.start_configured()
    try:
        sealed.raw().write("sys/seal")
        result = json(root, "plan", VAULT_ADDR=sealed.address, VAULT_TOKEN=sealed.token)
    finally:
        sealed.stop()

    assert "is sealed (unseal it, then run again)" in refused(result)


# --- tokens and permissions ----------------------------------------------------------------------------------


def test_no_token(root: Path, server: Server) -> None:
    assert "no token (set VAULT_TOKEN" in refused(json(root, "plan", VAULT_ADDR=server.address))


def test_a_token_that_nobody_knows(root: Path, server: Server) -> None:
    result = json(root, "plan", VAULT_ADDR=server.address, VAULT_TOKEN="hvs.canary")

    assert "the token is not valid, or has expired" in refused(result)
    assert "canary" not in result.stdout + result.stderr


def test_a_token_that_was_revoked(project: Project, raw: Raw) -> None:
    project.policy("one", "# one\n")
    token = raw.write("auth/token/create", {"ttl": "1h"})["auth"]["client_token"]
    raw.write("auth/token/revoke", {"token": token})

    result = project.run("plan", "--format", "json", env={"VAULT_TOKEN": token})

    assert "the token is not valid, or has expired" in refused(result)


def test_a_token_that_cannot_be_one(root: Path, server: Server) -> None:
    result = json(root, "plan", VAULT_ADDR=server.address, VAULT_TOKEN="can\nary")

    assert "VAULT_TOKEN holds no token" in refused(result)


def test_objects_that_may_not_be_read_are_blocked_and_the_others_shown(project: Project, raw: Raw, unique: str) -> None:
    may = f'path "sys/policies/acl/{unique}-a" {{ capabilities = ["read"] }}\n'
    raw.write(f"sys/policies/acl/{unique}", {"policy": may})
    token = raw.write("auth/token/create", {"policies": [unique]})["auth"]["client_token"]
    project.policy(f"{unique}-a", "# a\n")
    project.policy(f"{unique}-b", "# b\n")

    result = project.run("plan", "--format", "json", env={"VAULT_TOKEN": token})

    assert (result.exit_code, result.plan["complete"]) == (1, False)
    assert [change["address"] for change in result.plan["changes"]] == [f"sys/policies/acl/{unique}-a"]
    assert [(item["address"], item["status"]) for item in result.plan["blocked"]] == [
        (f"sys/policies/acl/{unique}-b", 403)
    ]


# --- namespaces ----------------------------------------------------------------------------------------------


def _community_vault(http: Stub) -> None:
    http.reply = lambda asked: Reply(
        200, as_json({**HEALTHY, "enterprise": False}) if "health" in asked.target else b'{"data": {}}'
    )


def test_a_namespace_on_a_community_vault_is_refused_before_anything_is_sent_with_it(root: Path, http: Stub) -> None:
    _community_vault(http)

    result = json(root, "plan", VAULT_ADDR=http.address, VAULT_TOKEN="t", VAULT_NAMESPACE="team")

    assert "has no namespaces, and would act on the root" in refused(result)
    assert http.targets == ["/v1/sys/health?standbyok=true&perfstandbyok=true"]
    assert not [asked for asked in http.asked if "x-vault-namespace" in asked.headers]


def test_a_documents_namespace_on_a_community_vault_is_refused_before_anything_is_sent_with_it(
    root: Path, http: Stub
) -> None:
    _community_vault(http)
    (root / "desired-state" / "a.yaml").write_text("namespace: team\npolicies: {a: {policy: '#'}}\n")

    result = json(root, "apply", "--yes", VAULT_ADDR=http.address, VAULT_TOKEN="t")

    assert "has no namespaces, and would act on the root" in refused(result)
    assert not [asked for asked in http.asked if "x-vault-namespace" in asked.headers or asked.method == "POST"]


def test_a_namespace_that_is_not_there(root: Path, server: Server) -> None:
    result = json(root, "plan", VAULT_ADDR=server.address, VAULT_TOKEN=server.token, VAULT_NAMESPACE="not-there")

    has_namespaces = server.product == "openbao" or server.enterprise
    expected = "there is no namespace `not-there`" if has_namespaces else "has no namespaces"
    assert expected in refused(result)


def test_a_documents_namespace_that_is_not_there_is_never_taken_for_an_empty_one(
    root: Path, server: Server, unique: str
) -> None:
    (root / "policies" / "one.hcl").rename(root / "policies" / f"{unique}.hcl")
    (root / "desired-state" / "a.yaml").write_text("namespace: not-there\npolicies: {a: {policy: '#'}}\n")

    result = json(root, "plan", VAULT_ADDR=server.address, VAULT_TOKEN=server.token)

    assert (result.exit_code, result.plan["complete"]) == (1, False)
    if server.product == "openbao" or server.enterprise:
        assert [item["address"] for item in result.plan["blocked"]] == ["not-there/sys/policies/acl/a"]
        assert [change["address"] for change in result.plan["changes"]] == [f"sys/policies/acl/{unique}"]


# --- other people's mounts -----------------------------------------------------------------------------------


def test_a_mount_without_a_type_must_be_there(project: Project, unique: str) -> None:
    project.write("desired-state/a.yaml", f"auth: {{{unique}: {{roles: {{x: {{token_ttl: 1h}}}}}}}}\n")

    result = project.run("plan", "--format", "json")

    expected = f"desired-state/a.yaml:1:8: there is no mount `auth.{unique}` on the server"
    assert result.exit_code == 1
    assert expected in str([f"{e['file']}:{e['line']}:{e['column']}: {e['message']}" for e in result.plan["errors"]])


def test_the_server_tells_what_stands_in_a_mount_without_a_type(project: Project, raw: Raw, unique: str) -> None:
    raw.write(f"sys/auth/{unique}", {"type": "approle"})
    project.write("desired-state/a.yaml", f"auth: {{{unique}: {{roles: {{x: {{token_tl: 1h}}}}}}}}\n")

    offline = project.run("validate", "--format", "json")
    result = project.run("plan", "--format", "json")

    assert (offline.exit_code, len(offline.plan["notices"])) == (0, 1)
    assert refused(result).endswith("unknown field `token_tl` (did you mean `token_ttl`?)")
