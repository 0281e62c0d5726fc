"""The transport against real servers: TLS, odd names, and hvac on top of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hvac
import pytest

from tests.support import servers
from tests.support.process import free_port
from tests.support.servers import Server
from vaultconf.errors import ConnectionFailed
from vaultconf.http import Cause, Connection, Request
from vaultconf.hvac_adapter import CurlAdapter, client
from vaultconf.sealed import Secret
from vaultconf.transport import ReadOnlyViolation, Task, Transport

Make = Callable[..., Transport]


@pytest.fixture
def make() -> Iterator[Make]:
    made: list[Transport] = []

    def build(address: str, token: str = "", *, read_only: bool = False, **fields: Any) -> Transport:
        secret = Secret(token) if token else None
        connection = Connection(address=address, **fields)
        made.append(Transport(connection, token=secret, read_only=read_only, user_agent="vaultconf/test"))
        return made[-1]

    yield build
    for transport in made:
        transport.close()


@pytest.fixture
def root(server: Server, make: Make) -> Transport:
    return make(server.address, server.token)


@pytest.fixture(scope="module")
def tls_server(server: Server) -> Iterator[Server]:
    running = servers.start_dev(tls=True)
    yield running
    running.stop()


HEALTH = Request("GET", "sys/health")


# --- what the server understands


@pytest.mark.parametrize("name", ["a b", "a?b", "a#b", "a%41", "é", "a+b&c=d", "a:b@c", "a;b,c'd", "*", '"q"'])
def test_a_name_arrives_as_it_was_written(root: Transport, unique: str, name: str) -> None:
    path = f"secret/data/{unique}/{name}"

    written = root.send(Request("POST", path, {"data": {"name": name}}))
    read = root.send(Request("GET", path))
    listed = root.send(Request("LIST", f"secret/metadata/{unique}"))

    assert (written.status, read.status, listed.status) == (200, 200, 200)
    assert (read.data or {})["data"] == {"name": name}
    assert (listed.data or {})["keys"] == [name]


def test_thousands_of_reads_come_back_in_order(root: Transport, unique: str) -> None:
    def write(number: int) -> Task[int]:
        answer = yield Request("POST", f"secret/data/{unique}/{number}", {"data": {"n": number}})
        return answer.status

    def read(number: int) -> Task[int]:
        answer = yield Request("GET", f"secret/data/{unique}/{number % 50}")
        return int((answer.data or {})["data"]["n"])

    assert root.run(write(number) for number in range(50)) == [200] * 50
    assert root.run(read(number) for number in range(3000)) == [number % 50 for number in range(3000)]


def test_the_server_does_not_get_what_a_reading_run_must_not_send(server: Server, make: Make, unique: str) -> None:
    reading = make(server.address, server.token, read_only=True)

    with pytest.raises(ReadOnlyViolation):
        reading.send(Request("PUT", f"sys/policies/acl/{unique}", {"policy": ""}))

    assert server.raw().read(f"sys/policies/acl/{unique}") is None
    paths = Request("POST", "sys/capabilities-self", {"paths": ["sys/mounts"]})
    assert (reading.send(paths).data or {})["sys/mounts"] == ["root"]


# --- hvac


def test_hvac_reads_writes_and_lists_over_the_transport(root: Transport, unique: str) -> None:
    vault = client(root)

    vault.write_data(f"secret/data/{unique}/a b", data={"data": {"x": "1"}})
    vault.sys.create_or_update_policy(unique, 'path "secret/x" { capabilities = ["read"] }')

    assert vault.read(f"secret/data/{unique}/a b")["data"]["data"] == {"x": "1"}
    assert vault.list(f"secret/metadata/{unique}")["data"]["keys"] == ["a b"]
    assert vault.secrets.kv.v2.read_secret_metadata(f"{unique}/a b")["data"]["current_version"] == 1
    assert "secret/x" in vault.sys.read_policy(unique)["data"]["rules"]
    assert vault.sys.delete_policy(unique).status_code == 204
    assert vault.read(f"secret/data/{unique}/none") is None


def test_hvac_logs_in_and_the_transport_carries_the_token(root: Transport, unique: str) -> None:
    vault = client(root)
    vault.sys.enable_auth_method("userpass", path=unique)
    vault.auth.userpass.create_or_update_user("bob", password="pw", mount_point=unique)
    before = root.token

    login = vault.auth.userpass.login("bob", "pw", mount_point=unique)

    assert root.token == Secret(login["auth"]["client_token"]) != before
    assert vault.auth.token.lookup_self()["data"]["display_name"] == f"{unique}-bob"
    assert vault.is_authenticated()
    with pytest.raises(hvac.exceptions.Forbidden) as caught:
        vault.sys.list_auth_methods()
    assert "permission denied" in caught.value.errors[0]


def test_hvac_gets_errors_without_raising_where_it_asks_for_that(root: Transport) -> None:
    adapter = CurlAdapter(root)

    response = adapter.request("get", "/v1/sys/policies/acl/none", raise_exception=False)

    assert (response.status_code, response.ok, response.json()) == (404, False, {"errors": []})


def test_hvac_is_told_what_the_adapter_does_not_do(root: Transport) -> None:
    with pytest.raises(TypeError, match="wrap_ttl"):
        client(root).read("sys/mounts", wrap_ttl="60s")


def test_hvac_learns_that_nobody_answers(make: Make) -> None:
    transport = make(f"http://127.0.0.1:{free_port()}", max_retries=0)

    with pytest.raises(ConnectionFailed, match="no connection"):
        client(transport).sys.read_health_status()


def test_hvac_looks_for_no_token_of_its_own(server: Server, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_TOKEN", server.token)

    vault = client(make(server.address))

    assert vault.token is None
    assert not vault.is_authenticated()
    vault.adapter.close()


# --- TLS


def test_a_ca_file_or_a_folder_of_them_is_trusted(tls_server: Server, make: Make, tmp_path: Path) -> None:
    assert tls_server.ca_file is not None
    shutil.copy(tls_server.ca_file, tmp_path / "any-name.pem")

    by_file = make(tls_server.address, ca_cert=str(tls_server.ca_file)).send(HEALTH)
    by_folder = make(tls_server.address, ca_path=str(tmp_path)).send(HEALTH)

    assert (by_file.status, by_folder.status) == (200, 200)


def test_an_unknown_authority_is_final_and_says_what_to_set(tls_server: Server, make: Make) -> None:
    transport = make(tls_server.address)

    answer = transport.send(HEALTH)

    assert "signed by unknown authority: set VAULT_CACERT" in answer.fault
    assert (answer.cause, transport.requests_sent) == (Cause.FINAL, 1)


def test_verification_can_be_skipped(tls_server: Server, make: Make) -> None:
    assert make(tls_server.address, skip_verify=True).send(HEALTH).status == 200


def test_the_server_name_is_what_is_verified(tls_server: Server, make: Make) -> None:
    ca = str(tls_server.ca_file)

    right = make(tls_server.address, ca_cert=ca, tls_server_name="localhost").send(HEALTH)
    wrong = make(tls_server.address, ca_cert=ca, tls_server_name="vault.example.com")

    assert right.status == 200
    assert "VAULT_TLS_SERVER_NAME" in wrong.send(HEALTH).fault
    assert wrong.requests_sent == 1


def test_plain_http_on_the_tls_port_says_what_to_do(tls_server: Server, make: Make) -> None:
    address = tls_server.address.replace("https://", "http://")
    transport = make(address)

    answer = transport.send(HEALTH)

    assert answer.fault == f"{address}: the server speaks HTTPS: use {tls_server.address}"
    assert transport.requests_sent == 1


def test_tls_on_the_plain_port_says_what_to_do(server: Server, make: Make) -> None:
    answer = make(server.address.replace("http://", "https://")).send(HEALTH)

    assert f"the server speaks plain HTTP: use {server.address}" in answer.fault


@pytest.fixture
def strict_address(tls_server: Server) -> Iterator[str]:
    """A listener that wants a client certificate of the TLS server's CA."""
    port = free_port()
    listener = f"""
listener "tcp" {{
  address                            = "127.0.0.1:{port}"
  tls_cert_file                      = "{tls_server.folder}/vault-cert.pem"
  tls_key_file                       = "{tls_server.folder}/vault-key.pem"
  tls_client_ca_file                 = "{tls_server.folder}/vault-ca.pem"
  tls_require_and_verify_client_cert = true
}}
"""
    running = servers.start_configured(listener)
    yield f"https://127.0.0.1:{port}"
    running.stop()


def test_a_client_certificate_is_shown_and_its_lack_is_told(
    tls_server: Server, strict_address: str, make: Make
) -> None:
    folder = tls_server.folder
    ca = str(tls_server.ca_file)

    shown = make(
        strict_address,
        ca_cert=ca,
        client_cert=str(folder / "vault-cert.pem"),
        client_key=str(folder / "vault-key.pem"),
    ).send(HEALTH)
    lacking = make(strict_address, ca_cert=ca)

    assert shown.status == 200
    assert "set VAULT_CLIENT_CERT and VAULT_CLIENT_KEY" in lacking.send(HEALTH).fault
    assert lacking.requests_sent == 1


def test_a_broken_client_certificate_is_named(tls_server: Server, make: Make, tmp_path: Path) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("no pem")

    answer = make(tls_server.address, client_cert=str(broken), client_key=str(broken)).send(HEALTH)

    assert "the client certificate cannot be used: see VAULT_CLIENT_CERT" in answer.fault
