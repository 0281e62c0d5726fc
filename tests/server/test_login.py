"""Logging in on a real server: the methods that need nobody else, renewal, and the end of the token."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import servers, stub
from tests.support.cli import Project
from tests.support.jwt import AUDIENCE, Signer, client_certificate
from tests.support.logins import POLICY, alive, assert_one_token_that_is_gone, logs_in, tokens
from tests.support.proxy import Proxy, in_front_of
from tests.support.raw import Raw
from tests.support.servers import Server
from tests.support.stub import Asked, Reply, Stub, as_json

SECRET = "canary-7f3a9c"


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    with in_front_of(server) as running:
        yield running


@pytest.fixture
def http() -> Iterator[Stub]:
    with stub.running() as running:
        yield running


@pytest.fixture
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return Signer.new(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def mount(raw: Raw, unique: str) -> Iterator[Callable[..., str]]:
    """Mount a method under a name of the test's own, with a policy that may do everything."""
    raw.write(f"sys/policies/acl/{unique}", {"policy": POLICY})

    def enable(method: str) -> str:
        raw.write(f"sys/auth/{unique}", {"type": method})
        return unique

    yield enable
    raw.delete(f"sys/auth/{unique}")
    raw.delete(f"sys/policies/acl/{unique}")


def approle(raw: Raw, mount: str, **role: object) -> dict[str, str]:
    """Make an AppRole role; return the environment with its credentials."""
    raw.write(f"auth/{mount}/role/ci", {"token_policies": [mount], **role})
    role_id = (raw.read(f"auth/{mount}/role/ci/role-id") or {})["role_id"]
    secret_id = raw.write(f"auth/{mount}/role/ci/secret-id")["data"]["secret_id"]
    return {"ROLE_ID": role_id, "SECRET_ID": secret_id}


def by_approle(project: Project, mount: str) -> None:
    logs_in(project, method="approle", mount=mount, role_id="${env:ROLE_ID}", secret_id="${env:SECRET_ID}")


# --- the methods -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [["plan"], ["drift"], ["apply", "--yes"]])
def test_approle_logs_in_over_the_token_of_the_environment_and_leaves_nothing(
    project: Project, raw: Raw, server: Server, proxy: Proxy, mount: Callable[..., str], command: list[str]
) -> None:
    path = mount("approle")
    secrets = approle(raw, path)
    by_approle(project, path)

    result = project.run(*command, env={**proxy.access, **secrets})

    assert result.exit_code == 0, result
    assert_one_token_that_is_gone(proxy, server)


def test_userpass_logs_in(project: Project, raw: Raw, server: Server, proxy: Proxy, mount: Callable[..., str]) -> None:
    path = mount("userpass")
    raw.write(f"auth/{path}/users/ci", {"password": SECRET, "token_policies": [path]})
    logs_in(project, method="userpass", mount=path, username="ci", password="${file:password}")
    project.write("password", SECRET + "\n")

    result = project.run("plan", env=proxy.access)

    assert result.exit_code == 0, result
    assert_one_token_that_is_gone(proxy, server)


def jwt_role(raw: Raw, path: str, signer: Signer) -> None:
    raw.write(f"auth/{path}/config", {"jwt_validation_pubkeys": [signer.public]})
    raw.write(
        f"auth/{path}/role/ci",
        {"role_type": "jwt", "user_claim": "sub", "bound_audiences": [AUDIENCE], "token_policies": [path]},
    )


@pytest.mark.parametrize("source", ["jwt", "jwt_file", "gitlab"])
def test_a_jwt_logs_in(
    project: Project, raw: Raw, server: Server, proxy: Proxy, mount: Callable[..., str], signer: Signer, source: str
) -> None:
    path = mount("jwt")
    jwt_role(raw, path, signer)
    token = signer.token("me")
    file = signer.key.parent / "token"
    file.write_text(token + "\n")
    said = {"jwt": {"jwt": "${env:CI_JWT}"}, "jwt_file": {"jwt_file": str(file)}, "gitlab": {"oidc_from": "gitlab"}}
    logs_in(project, method="jwt", mount=path, role="ci", **said[source])

    result = project.run("plan", env={**proxy.access, "CI_JWT": token, "VAULT_ID_TOKEN": token})

    assert result.exit_code == 0, result
    assert_one_token_that_is_gone(proxy, server)


def test_the_id_token_of_github_actions_logs_in(
    project: Project,
    raw: Raw,
    server: Server,
    proxy: Proxy,
    mount: Callable[..., str],
    signer: Signer,
    http: Stub,
) -> None:
    path = mount("jwt")
    jwt_role(raw, path, signer)
    http.answers(Reply(503, b""), Reply(200, as_json({"value": signer.token("repo:acme/vault")})))
    logs_in(project, method="jwt", mount=path, role="ci", oidc_from="github", audience=AUDIENCE)
    github = {
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{http.address}/idtoken?api-version=2.0",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "job",
    }

    result = project.run("plan", env={**proxy.access, **github})

    assert result.exit_code == 0, result
    assert [asked.target for asked in http.asked] == ["/idtoken?api-version=2.0&audience=vault"] * 2
    assert {asked.headers["authorization"] for asked in http.asked} == {"Bearer job"}
    assert_one_token_that_is_gone(proxy, server)


def test_a_client_certificate_logs_in_at_the_usual_mount(tmp_path: Path) -> None:
    with_tls = servers.start_dev(tls=True)
    raw, project = with_tls.raw(), Project.new(tmp_path, with_tls)
    cert, key = client_certificate(tmp_path, "ci")
    raw.write("sys/policies/acl/all", {"policy": POLICY})
    raw.write("sys/auth/cert", {"type": "cert"})
    raw.write("auth/cert/certs/ci", {"certificate": cert.read_text(), "token_policies": ["all"]})
    logs_in(project, method="cert", role="ci")

    planned = project.run("plan", env={"VAULT_CLIENT_CERT": str(cert), "VAULT_CLIENT_KEY": str(key)})
    left = raw.list("auth/token/accessors")
    without = project.run("plan")
    with_tls.stop()

    assert planned.exit_code == 0, planned
    assert len(left) == 1
    assert without.exit_code == 1
    assert "needs a client certificate\n    set VAULT_CLIENT_CERT and VAULT_CLIENT_KEY" in without.stderr


def test_a_role_that_asks_for_no_secret_id_needs_none(
    project: Project, raw: Raw, server: Server, proxy: Proxy, mount: Callable[..., str]
) -> None:
    path = mount("approle")
    raw.write(f"auth/{path}/role/ci", {"token_policies": [path], "bind_secret_id": False, "token_bound_cidrs": "::/0"})
    raw.write(f"auth/{path}/role/ci", {"secret_id_bound_cidrs": ["127.0.0.0/8"], "token_bound_cidrs": []})
    role_id = (raw.read(f"auth/{path}/role/ci/role-id") or {})["role_id"]
    logs_in(project, method="approle", mount=path, role_id=role_id)

    result = project.run("plan", env=proxy.access)

    assert result.exit_code == 0, result
    assert_one_token_that_is_gone(proxy, server)


# --- what goes wrong -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_login_that_is_refused_says_why_and_nothing_of_the_secret(
    project: Project, raw: Raw, proxy: Proxy, mount: Callable[..., str], form: str
) -> None:
    path = mount("userpass")
    raw.write(f"auth/{path}/users/ci", {"password": "another", "token_policies": [path]})
    logs_in(project, method="userpass", mount=path, username="ci", password="${env:PASSWORD}")

    result = project.run("plan", "--format", form, env={**proxy.access, "PASSWORD": SECRET})

    assert result.exit_code == 1
    assert f"the login at auth/{path}/login was refused: invalid username or password" in result.stderr
    assert SECRET not in str(result)
    assert tokens(proxy) == set()


def test_an_error_that_echoes_the_secret_is_masked(project: Project, proxy: Proxy) -> None:
    logs_in(project, method="userpass", username="ci", password="${env:PASSWORD}")
    echo = Reply(400, as_json({"errors": [f"cannot parse {SECRET}"]}))
    proxy.fault = lambda asked: echo if "/login/" in asked.target else None

    result = project.run("plan", env={**proxy.access, "PASSWORD": SECRET})

    assert (result.exit_code, SECRET in str(result)) == (1, False)
    assert "was refused: cannot parse ***" in result.stderr


def test_a_method_that_is_not_mounted_is_said_so(project: Project, unique: str) -> None:
    logs_in(project, method="userpass", mount=unique, username="ci", password="${env:PASSWORD}")

    result = project.run("plan", env={"PASSWORD": SECRET})

    assert (result.exit_code, f"the login at auth/{unique}/login was refused" in result.stderr) == (1, True)


def test_nothing_is_sent_where_a_secret_is_not_at_hand(project: Project, proxy: Proxy) -> None:
    by_approle(project, "approle")

    result = project.run("plan", env=proxy.access)

    assert result.exit_code == 1
    assert "`role_id` of the login is not at hand: ${env:ROLE_ID}" in result.stderr
    assert "`secret_id` of the login is not at hand: ${env:SECRET_ID}" in result.stderr
    assert proxy.asked == []


@pytest.mark.parametrize(
    ("auth", "why"),
    [
        ({"client_token": "", "mfa_requirement": {"mfa_request_id": "x"}}, "it wants a second factor"),
        (None, "its answer holds no token"),
    ],
)
def test_an_answer_without_a_token_is_no_login(project: Project, proxy: Proxy, auth: Any, why: str) -> None:
    logs_in(project, method="userpass", username="ci", password="${env:PASSWORD}")
    proxy.fault = lambda asked: Reply(200, as_json({"auth": auth})) if "/login/" in asked.target else None

    result = project.run("plan", env={**proxy.access, "PASSWORD": SECRET})

    assert (result.exit_code, why in result.stderr) == (1, True)


def test_a_server_that_goes_away_during_the_login_is_not_reached(project: Project, proxy: Proxy) -> None:
    logs_in(project, method="userpass", username="ci", password="${env:PASSWORD}")
    proxy.fault = lambda asked: Reply(ending="close") if "/login/" in asked.target else None

    result = project.run("plan", env={**proxy.access, "PASSWORD": SECRET})

    assert (result.exit_code, "cannot reach http://127.0.0.1" in result.stderr) == (1, True)


# --- the life and the end of the token -------------------------------------------------------------------------


def test_a_token_that_was_brought_is_neither_renewed_nor_revoked(project: Project, raw: Raw, proxy: Proxy) -> None:
    brought = raw.write("auth/token/create", {"policies": ["root"], "ttl": "1h"})["auth"]["client_token"]
    project.write("vaultconf.yaml", "version: 1\ntargets: {here: {auth: {method: token}}}\n")

    result = project.run("plan", env={**proxy.access, "VAULT_TOKEN": brought})

    assert result.exit_code == 0, result
    assert alive(proxy.server, brought)
    assert proxy.writes == []


@pytest.mark.parametrize(("limit", "asleep", "code"), [(1, "auth/token/lookup-self", 1), (0, "", 3)])
def test_the_token_is_revoked_where_the_command_fails(
    project: Project,
    raw: Raw,
    server: Server,
    proxy: Proxy,
    mount: Callable[..., str],
    limit: int,
    asleep: str,
    code: int,
) -> None:
    path = mount("approle")
    secrets = approle(raw, path)
    auth = {"method": "approle", "mount": path, "role_id": "${env:ROLE_ID}", "secret_id": "${env:SECRET_ID}"}
    whole = {"version": 1, "limits": {"changes": limit}, "targets": {"here": {"auth": auth}}}
    project.write("vaultconf.yaml", json.dumps(whole))
    project.policy(path + "-new", "# x")
    proxy.refuse(503, asleep)

    result = project.run("apply", "--yes", env={**proxy.access, **secrets})

    assert result.exit_code == code, result
    assert_one_token_that_is_gone(proxy, server)


def test_a_token_that_cannot_be_revoked_is_a_warning(
    project: Project, raw: Raw, proxy: Proxy, mount: Callable[..., str]
) -> None:
    path = mount("approle")
    secrets = approle(raw, path, token_ttl="5m")
    by_approle(project, path)
    proxy.refuse(403, "auth/token/revoke-self", errors=("permission denied",))

    result = project.run("plan", env={**proxy.access, **secrets})

    assert result.exit_code == 0
    assert "the token of the login could not be revoked: 403: permission denied" in result.stderr
    assert "it ends by itself in" in result.stderr


def test_a_batch_token_is_left_to_its_end(project: Project, raw: Raw, proxy: Proxy, mount: Callable[..., str]) -> None:
    path = mount("approle")
    secrets = approle(raw, path, token_type="batch", token_ttl="5m")
    by_approle(project, path)

    result = project.run("plan", env={**proxy.access, **secrets})

    assert (result.exit_code, result.stderr) == (0, "")
    assert [path for _, path in proxy.writes] == [f"auth/{path}/login"]


def many_policies(project: Project, unique: str) -> None:
    lines = "".join(f"  {unique}-{number}: {{policy: '# {number}'}}\n" for number in range(60))
    project.write("desired-state/a.yaml", f"policies:\n{lines}")


def slowly(asked: Asked) -> Reply | None:
    """Let 60 policies, four at a time, take longer than a token of two seconds lives."""
    if asked.method == "POST" and "/policies/" in asked.target:
        time.sleep(0.25)
    return None


def test_a_long_apply_renews_its_token(
    project: Project, raw: Raw, server: Server, proxy: Proxy, mount: Callable[..., str], unique: str
) -> None:
    path = mount("approle")
    secrets = approle(raw, path, token_ttl="2s", token_max_ttl="1h")
    by_approle(project, path)
    many_policies(project, unique)
    proxy.fault = slowly

    result = project.run("apply", "--yes", "--concurrency", "4", env={**proxy.access, **secrets})

    assert result.exit_code == 0, result
    assert ("POST", "auth/token/renew-self") in proxy.writes
    assert_one_token_that_is_gone(proxy, server)


@pytest.mark.parametrize("role", [{"token_type": "batch"}, {"token_max_ttl": "2s"}])
def test_a_token_that_ends_during_an_apply_is_said_with_what_was_not_done(
    project: Project, raw: Raw, proxy: Proxy, mount: Callable[..., str], unique: str, role: dict[str, str]
) -> None:
    path = mount("approle")
    secrets = approle(raw, path, **{"token_ttl": "2s", **role})
    by_approle(project, path)
    many_policies(project, unique)
    proxy.fault = slowly

    result = project.run("apply", "--yes", "--format", "json", "--concurrency", "4", env={**proxy.access, **secrets})

    failed = [item["reason"] for item in result.plan["outcomes"] if item["status"] == "failed"]
    assert result.exit_code == 4, result
    assert failed
    assert [reason for reason in failed if "the token of the login has expired" not in reason] == []
    assert "could not be revoked" not in result.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("command", ["plan", "apply"])
def test_an_interrupt_leaves_no_token(
    project: Project,
    raw: Raw,
    server: Server,
    proxy: Proxy,
    mount: Callable[..., str],
    unique: str,
    command: str,
    number: signal.Signals,
) -> None:
    path = mount("approle")
    secrets = approle(raw, path)
    by_approle(project, path)
    many_policies(project, unique)
    reached, released = threading.Event(), threading.Event()

    def hang(asked: Asked) -> Reply | None:
        last = "/policies/" in asked.target and asked.method == "POST"
        if last if command == "apply" else asked.target.startswith("/v1/sys/mounts"):
            reached.set()
            released.wait(1 if command == "apply" else 60)
        return None

    proxy.fault = hang
    process = project.start(command, *(["--yes"] if command == "apply" else []), env={**proxy.access, **secrets})
    reached.wait(60)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    released.set()

    assert process.returncode == 130, err.decode()
    assert_one_token_that_is_gone(proxy, server)


def test_a_login_lives_in_a_namespace_of_its_own_where_the_target_says_so(
    project: Project, raw: Raw, server: Server, proxy: Proxy, mount: Callable[..., str], unique: str
) -> None:
    if server.product == "vault" and not server.enterprise:
        pytest.skip("a community Vault has no namespaces")
    path = mount("approle")
    secrets = approle(raw, path)
    raw.write(f"sys/namespaces/{unique}")
    auth = {"method": "approle", "mount": path, "role_id": "${env:ROLE_ID}", "secret_id": "${env:SECRET_ID}"}
    target = {"namespace": unique, "auth": {**auth, "namespace": "root"}}
    project.write("vaultconf.yaml", json.dumps({"version": 1, "targets": {"here": target}}))

    result = project.run("plan", env={**proxy.access, **secrets})
    raw.delete(f"sys/namespaces/{unique}")

    assert "was refused" not in result.stderr
    assert_one_token_that_is_gone(proxy, server)
    in_namespaces = [asked.headers.get("x-vault-namespace") for asked in proxy.served.asked if "login" in asked.target]
    assert in_namespaces == [None]
