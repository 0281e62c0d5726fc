"""LDAP on a real directory: vaultconf configures the method, and then logs in with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.support.cli import Project
from tests.support.directory import ADMIN, BASE, Directory
from tests.support.logins import POLICY, assert_one_token_that_is_gone, logs_in, tokens
from tests.support.plugins import ServerWith
from tests.support.proxy import Proxy, in_front_of
from tests.support.servers import Server


@pytest.fixture
def ldap_server(server_with: ServerWith) -> Server:
    return server_with("ldap")


@pytest.fixture
def proxy(ldap_server: Server) -> Iterator[Proxy]:
    with in_front_of(ldap_server) as running:
        yield running


@pytest.fixture
def ldap(ldap_server: Server, directory: Directory, tmp_path: Path, unique: str) -> Iterator[Project]:
    """A project that has configured the method: who is in the group `ops` may do everything, bob likewise by name."""
    project = Project.new(tmp_path, ldap_server)
    config = {
        "url": directory.address,
        "binddn": ADMIN,
        "bindpass": "${env:BIND_PASSWORD}",
        "userdn": f"ou=people,{BASE}",
        "userattr": "uid",
        "groupdn": f"ou=groups,{BASE}",
        "groupfilter": "(member={{.UserDN}})",
    }
    method = {
        "type": "ldap",
        "config": config,
        "groups": {"ops": {"policies": [unique]}},
        "users": {"bob": {"policies": [unique]}},
    }
    wanted = {"policies": {unique: {"policy": POLICY}}, "auth": {unique: method}}
    project.write("desired-state/ldap.yaml", yaml.safe_dump(wanted))
    applied = project.run("apply", "--yes", env={"BIND_PASSWORD": directory.password_of("admin")})
    assert applied.exit_code == 0, applied
    yield project
    ldap_server.raw().delete(f"sys/auth/{unique}")
    ldap_server.raw().delete(f"sys/policies/acl/{unique}")


def by_ldap(project: Project, mount: str, username: str) -> None:
    logs_in(project, method="ldap", mount=mount, username=username, password="${env:PASSWORD}")


@pytest.mark.parametrize("username", ["alice", "bob", "Alice"])
def test_who_a_real_directory_knows_logs_in_and_has_the_rights_of_group_or_user(
    ldap: Project, ldap_server: Server, directory: Directory, proxy: Proxy, unique: str, username: str
) -> None:
    by_ldap(ldap, unique, username)
    password = directory.password_of(username.lower())

    result = ldap.run("plan", "--detailed-exitcode", env={**proxy.access, "PASSWORD": password})

    assert result.exit_code == 0, result
    assert_one_token_that_is_gone(proxy, ldap_server)


def test_who_is_in_no_group_any_more_logs_in_and_may_read_nothing(
    ldap: Project, ldap_server: Server, directory: Directory, proxy: Proxy, unique: str
) -> None:
    ldap_server.raw().delete(f"auth/{unique}/groups/ops")
    by_ldap(ldap, unique, "alice")

    result = ldap.run("plan", env={**proxy.access, "PASSWORD": directory.password_of("alice")})

    assert (result.exit_code, "permission denied" in result.stdout) == (1, True), result
    assert_one_token_that_is_gone(proxy, ldap_server)


def test_an_update_without_the_bind_password_leaves_it_in_place(
    ldap: Project, directory: Directory, proxy: Proxy, unique: str
) -> None:
    file = ldap.root / "desired-state/ldap.yaml"
    wanted = yaml.safe_load(file.read_text())
    wanted["auth"][unique]["config"]["token_ttl"] = "10m"
    file.write_text(yaml.safe_dump(wanted))
    updated = [outcome["action"] for outcome in ldap.apply()["outcomes"]]
    by_ldap(ldap, unique, "alice")

    result = ldap.run("plan", "--detailed-exitcode", env={**proxy.access, "PASSWORD": directory.password_of("alice")})

    assert updated == ["update"]
    assert result.exit_code == 0, result


@pytest.mark.parametrize("username", ["alice", "nobody"])
def test_a_login_that_the_directory_refuses_says_so_and_nothing_of_the_password(
    ldap: Project, directory: Directory, proxy: Proxy, unique: str, username: str
) -> None:
    by_ldap(ldap, unique, username)
    wrong = directory.password_of("bob")

    result = ldap.run("plan", env={**proxy.access, "PASSWORD": wrong})

    assert result.exit_code == 1
    reasons = ("ldap operation failed", "invalid credentials")  # OpenBao 2.6, Vault 1.19; Vault 2.1
    refused = f"the login at auth/{unique}/login was refused: "
    assert [reason for reason in reasons if refused + reason in result.stderr]
    assert "check `username` and `password`, `mount`; the server's log may say more" in result.stderr
    assert f"(as `{username}`)" in result.stderr
    assert wrong not in str(result)
    assert tokens(proxy) == set()
