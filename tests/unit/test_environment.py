"""Vault's own variables, read as its command line reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from vaultconf import environment
from vaultconf.environment import connection, seconds, token
from vaultconf.errors import InputError
from vaultconf.http import Connection
from vaultconf.sealed import Secret


def problems(environ: dict[str, str]) -> list[str]:
    with pytest.raises(InputError) as caught:
        connection(environ)
    return [str(problem) for problem in caught.value.problems]


def test_an_empty_environment_means_the_defaults() -> None:
    assert connection({}) == connection({"VAULT_ADDR": "", "VAULT_NAMESPACE": ""}) == Connection()
    assert Connection().address == "https://127.0.0.1:8200"
    assert Connection().timeout == 60.0


def test_every_variable_finds_its_field(tmp_path: Path) -> None:
    file = tmp_path / "a.pem"
    file.write_text("pem")
    environ = {
        "VAULT_ADDR": "https://vault.example.com:8200/v1/",
        "VAULT_NAMESPACE": "/admin/team/",
        "VAULT_CACERT": str(file),
        "VAULT_CAPATH": str(tmp_path),
        "VAULT_CLIENT_CERT": str(file),
        "VAULT_CLIENT_KEY": str(file),
        "VAULT_TLS_SERVER_NAME": "vault.internal",
        "VAULT_SKIP_VERIFY": "1",
        "VAULT_CLIENT_TIMEOUT": "1m30s",
        "VAULT_MAX_RETRIES": "0",
        "VAULT_RATE_LIMIT": "10.5:20",
        "VAULT_PROXY_ADDR": "http://me:pw@proxy:3128",
        "VAULT_HTTP_PROXY": "http://other:1",
    }

    assert connection(environ) == Connection(
        address="https://vault.example.com:8200",
        namespace="admin/team",
        ca_cert=str(file),
        ca_path=str(tmp_path),
        client_cert=str(file),
        client_key=str(file),
        tls_server_name="vault.internal",
        skip_verify=True,
        timeout=90.0,
        max_retries=0,
        rate_limit=(10.5, 20),
        proxy="http://me:pw@proxy:3128",
    )


def test_the_bao_form_wins_and_an_empty_one_does_not() -> None:
    found = connection(
        {
            "VAULT_ADDR": "http://vault:1",
            "BAO_ADDR": "http://bao:2",
            "VAULT_NAMESPACE": "v",
            "BAO_NAMESPACE": "",
            "BAO_MAX_RETRIES": "3",
        }
    )

    assert (found.address, found.namespace, found.max_retries) == ("http://bao:2", "v", 3)


def test_all_problems_are_told_at_once() -> None:
    found = problems(
        {
            "VAULT_ADDR": "vault:8200",
            "VAULT_CACERT": "/no/such/file",
            "VAULT_CAPATH": "/no/such/folder",
            "BAO_SKIP_VERIFY": "maybe",
            "VAULT_CLIENT_TIMEOUT": "abc",
            "VAULT_MAX_RETRIES": "-1",
            "VAULT_RATE_LIMIT": "0",
            "VAULT_TLS_SERVER_NAME": "a b",
            "VAULT_NAMESPACE": "a//b",
            "VAULT_PROXY_ADDR": "http://proxy/with a path",
        }
    )

    assert [problem.split()[0] for problem in found] == [
        "VAULT_ADDR",
        "VAULT_NAMESPACE",
        "VAULT_CACERT",
        "VAULT_CAPATH",
        "VAULT_TLS_SERVER_NAME",
        "BAO_SKIP_VERIFY",
        "VAULT_CLIENT_TIMEOUT",
        "VAULT_MAX_RETRIES",
        "VAULT_RATE_LIMIT",
        "VAULT_PROXY_ADDR",
    ]
    assert "'abc', which is no duration: write it as 90s" in found[6]


def test_credentials_in_an_address_are_refused_and_not_quoted() -> None:
    (problem,) = problems({"VAULT_ADDR": "https://me:pass-word@vault:8200"})

    assert problem.startswith("VAULT_ADDR holds credentials")
    assert "pass-word" not in problem


def test_half_a_client_certificate_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.pem"
    file.write_text("pem")

    assert "VAULT_CLIENT_KEY is not" in problems({"BAO_CLIENT_CERT": str(file)})[0]
    assert "VAULT_CLIENT_CERT is not" in problems({"VAULT_CLIENT_KEY": str(file)})[0]


@pytest.mark.parametrize("name", ["VAULT_CACERT", "VAULT_CLIENT_CERT"])
def test_a_folder_is_no_certificate(tmp_path: Path, name: str) -> None:
    assert "is no file here" in problems({name: str(tmp_path)})[0]


def test_a_file_that_this_user_may_not_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.pem"
    file.write_text("pem")
    monkeypatch.setattr(environment.os, "access", lambda *_: False)

    assert "which this user may not read" in problems({"VAULT_CACERT": str(file)})[0]


def test_a_file_in_a_closed_folder_is_no_file_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(_: Path) -> bool:
        raise PermissionError

    monkeypatch.setattr(Path, "is_file", closed)

    assert "is no file here" in problems({"VAULT_CACERT": "/closed/a.pem"})[0]


@pytest.mark.parametrize(("text", "value"), [("true", True), ("T", True), ("0", False), ("False", False)])
def test_flags_are_read_as_go_reads_them(text: str, value: bool) -> None:
    assert connection({"VAULT_SKIP_VERIFY": text}).skip_verify is value


@pytest.mark.parametrize(
    ("text", "value"), [("60", 60.0), ("1.5", 1.5), ("500ms", 0.5), ("1h", 3600.0), ("1m30s", 90.0), ("2d", 172800.0)]
)
def test_durations_are_go_durations_or_seconds(text: str, value: float) -> None:
    assert seconds(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["0", "-1", "s", "1 m", "1x", "1m30", "1e3", "9999999999", "٣s"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is '"):
        seconds(text)


@pytest.mark.parametrize(("text", "value"), [("100", (100.0, 100)), ("0.5", (0.5, 1)), ("2.5:7", (2.5, 7))])
def test_a_rate_limit_is_a_rate_and_a_burst(text: str, value: tuple[float, int]) -> None:
    assert connection({"VAULT_RATE_LIMIT": text}).rate_limit == value


def test_the_root_namespace_is_none() -> None:
    assert connection({"VAULT_NAMESPACE": "root/"}).namespace == ""


def test_a_token_comes_from_the_environment_before_the_file(tmp_path: Path) -> None:
    (tmp_path / ".vault-token").write_text("from-file\n")

    assert token({"VAULT_TOKEN": " a ", "BAO_TOKEN": "b"}, tmp_path) == Secret("b")
    assert token({"VAULT_TOKEN": " a "}, tmp_path) == Secret("a")
    assert token({"VAULT_TOKEN": ""}, tmp_path) == Secret("from-file")


def test_without_variable_and_file_there_is_no_token(tmp_path: Path) -> None:
    assert token({}, tmp_path) is None
    (tmp_path / ".vault-token").write_text("\n")
    assert token({"VAULT_TOKEN": "  "}, tmp_path) is None


def test_a_broken_token_is_refused_without_being_quoted(tmp_path: Path) -> None:
    (tmp_path / ".vault-token").write_text("one-half\nother-half\n")

    with pytest.raises(InputError) as caught:
        token({}, tmp_path)

    assert ".vault-token holds no token" in str(caught.value)
    assert "half" not in str(caught.value)


def test_a_token_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / ".vault-token").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="it is not text"):
        token({}, tmp_path)

    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".vault-token").mkdir()
    with pytest.raises(InputError, match="cannot be read"):
        token({}, tmp_path / "home")


def test_the_process_environment_is_read_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULTCONF_TEST_ONE", "1")
    monkeypatch.delenv("VAULTCONF_TEST_TWO", raising=False)

    assert environment.variable("VAULTCONF_TEST_ONE") == environment.process()["VAULTCONF_TEST_ONE"] == "1"
    assert environment.variable("VAULTCONF_TEST_TWO") is None
