"""Auth methods whose server changes its own credentials: LDAP on a real directory, AWS on a stand-in of IAM."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support import directory as directories
from tests.support.cli import Project, Result
from tests.support.cloud import Cloud
from tests.support.directory import BASE, Directory
from tests.support.least import policy_for, token_with
from tests.support.plugins import ServerWith
from tests.support.raw import Raw
from tests.support.servers import Server

ROTATE = {"rotate_root": "on_create"}
PLAN = "rotations.json"


def run(project: Project, *argv: str, **env: str) -> Result:
    return project.run(*argv, "--format", "json", env=env)


def done(project: Project, *argv: str, **env: str) -> list[tuple[str, str]]:
    """Run what writes; return action and last word of each address."""
    result = run(project, *argv, "--yes", **env)
    assert result.exit_code == 0, result
    return [(item["action"], item["address"].rpartition("/")[2]) for item in result.plan["outcomes"]]


@pytest.fixture
def ledger(project: Project, raw: Raw, unique: str) -> Iterator[None]:
    raw.write(f"sys/mounts/{unique}-books", {"type": "kv", "options": {"version": "2"}})
    project.write("vaultconf.yaml", f"version: 1\nproject: p-{unique}\nledger: {unique}-books/ledger\n")
    yield
    raw.delete(f"sys/mounts/{unique}-books")


@pytest.fixture
def raw(method_server: Server) -> Raw:
    return method_server.raw()


@pytest.fixture
def project(method_server: Server, tmp_path: Path, unique: str) -> Iterator[Project]:
    yield Project.new(tmp_path, method_server)
    method_server.raw().delete(f"sys/auth/{unique}")


@pytest.fixture
def method_server(request: pytest.FixtureRequest, server_with: ServerWith) -> Server:
    """A server with the method that a test is about."""
    method = next(name for name in ("ldap", "aws") if name in request.node.name)
    server = server_with(method)
    if server.product == "openbao" and "openbao" not in request.node.name:
        pytest.skip(f"OpenBao {server.version} rotates nothing of {method}")
    return server


# --- LDAP ----------------------------------------------------------------------------------------------------


@pytest.fixture
def own_directory(directory: Directory) -> Iterator[Directory]:
    """A directory of the test's own, whose `bob` binds for the server: his password does not survive the test."""
    assert directory.address
    running = directories.start(directories.find_slapd())
    yield running
    running.stop()


def ldap(project: Project, mount: str, at: Directory, guidance: Any = ROTATE, **more: object) -> dict[str, str]:
    """Declare the method; return the environment with the password."""
    people = f"ou=people,{BASE}"
    config = {"url": at.address, "binddn": f"uid=bob,{people}", "bindpass": "${env:BIND}", "userdn": people}
    method = {"type": "ldap", "config": {**config, "userattr": "uid", **more, "vaultconf": guidance}}
    project.write("desired-state/ldap.yaml", yaml.safe_dump({"auth": {mount: method}}))
    return {"BIND": at.password_of("bob")}


def logs_in(raw: Raw, mount: str, at: Directory, uid: str = "alice") -> bool:
    return raw.request("POST", f"auth/{mount}/login/{uid}", {"password": at.password_of(uid)})[0] == 200


def test_the_bind_password_of_ldap_is_rotated_as_soon_as_it_is_configured(
    project: Project, raw: Raw, own_directory: Directory, unique: str
) -> None:
    env = ldap(project, unique, own_directory)

    notices = run(project, "plan", **env).plan["notices"]
    made = done(project, "apply", **env)
    after = run(project, "plan", "--detailed-exitcode", **env)
    ldap(project, unique, own_directory, token_ttl="10m")
    changed = done(project, "apply", **env)

    assert any("its password is rotated as soon as it is written" in notice for notice in notices)
    assert ("update", "config") in made
    assert not logs_in(raw, unique, own_directory, "bob")
    assert logs_in(raw, unique, own_directory)
    assert after.exit_code == 0, after
    assert changed == [("update", "config")]
    assert logs_in(raw, unique, own_directory)


@pytest.mark.usefixtures("ledger")
def test_the_bind_password_of_ldap_is_rotated_on_demand_by_a_saved_plan_and_once(
    project: Project, raw: Raw, own_directory: Directory, unique: str
) -> None:
    env = ldap(project, unique, own_directory, guidance={})
    done(project, "apply", **env)
    served = logs_in(raw, unique, own_directory, "bob")
    saved = run(project, "rotate", f"auth/{unique}/config", "--out", PLAN)
    token = token_with(raw, policy_for(project, "rotate")["policy"])

    first = run(project, "apply", PLAN, "--yes", **token)
    second = run(project, "apply", PLAN, "--yes")
    other = run(project, "plan", "--detailed-exitcode", BIND="another")

    assert (served, saved.exit_code) == (True, 0), saved
    assert first.exit_code == 0, first
    assert not logs_in(raw, unique, own_directory, "bob")
    assert logs_in(raw, unique, own_directory)
    assert [item["reason"] for item in second.plan["outcomes"]] == ["already as planned"]
    assert other.exit_code == 0, other
    assert other.plan["unverified"][0]["reason"].startswith("rotated by the server (20")


def test_the_bind_password_of_ldap_is_sent_again_where_a_person_says_so(
    project: Project, raw: Raw, own_directory: Directory, unique: str
) -> None:
    env = ldap(project, unique, own_directory)
    done(project, "apply", **env)

    done(project, "apply", "--resend", f"auth/{unique}/config", BIND=own_directory.password_of("alice"))

    assert not logs_in(raw, unique, own_directory)


def test_a_user_of_ldap_that_another_method_binds_as_is_not_rotated(
    project: Project, raw: Raw, own_directory: Directory, unique: str
) -> None:
    env = ldap(project, unique, own_directory, guidance={})
    done(project, "apply", **env)
    raw.write(f"sys/auth/{unique}-other", {"type": "ldap"})
    theirs = {"url": own_directory.address, "binddn": f"UID=Bob,ou=people,{BASE}", "bindpass": env["BIND"]}
    raw.write(f"auth/{unique}-other/config", theirs)

    refused = run(project, "rotate", f"auth/{unique}/config", "--yes")
    raw.delete(f"sys/auth/{unique}-other")

    assert refused.exit_code == 3, refused
    assert f"auth/{unique}-other/config logs in as the same user" in refused.plan["errors"][0]["message"]
    assert logs_in(raw, unique, own_directory, "bob")


def test_a_bind_password_that_the_ldap_directory_does_not_change_is_a_failure_that_says_so(
    project: Project, raw: Raw, own_directory: Directory, unique: str
) -> None:
    ldap(project, unique, own_directory)

    result = run(project, "apply", "--yes", BIND="not-the-password")

    failed = next(item for item in result.plan["outcomes"] if item["status"] == "failed")
    assert result.exit_code == 4, result
    assert failed["address"] == f"auth/{unique}/config"
    assert "its password was not rotated" in failed["reason"]
    assert "not-the-password" not in str(result)


def test_openbao_says_at_plan_time_that_it_rotates_nothing_of_ldap(
    project: Project, method_server: Server, own_directory: Directory, unique: str
) -> None:
    env = ldap(project, unique, own_directory)

    planned = run(project, "plan", **env)
    applied = run(project, "apply", "--yes", **env)

    told = "its password is to be rotated, and openbao has no `auth/{mount}/config/rotate-root`"
    expected = [told] if method_server.product == "openbao" else []
    assert [item["message"] for item in planned.plan["errors"]] == expected
    assert applied.exit_code == (1 if expected else 0), applied


def test_the_bind_password_of_ldap_is_sent_when_the_method_is_made_also_on_openbao(
    project: Project, raw: Raw, directory: Directory, unique: str
) -> None:
    env = ldap(project, unique, directory, guidance={})

    done(project, "apply", **env)
    wrong = raw.request("POST", f"auth/{unique}/config", {"bindpass": "wrong"})[0]

    assert wrong == 204
    assert not logs_in(raw, unique, directory)


# --- AWS -----------------------------------------------------------------------------------------------------


@pytest.fixture
def cloud(method_server: Server, request: pytest.FixtureRequest) -> Cloud:
    """The stand-in, which starts only where there is a server that asks it."""
    assert method_server.address
    started: Cloud = request.getfixturevalue("stand_in_of_aws")
    return started


def aws(project: Project, mount: str, at: Cloud, guidance: Any = ROTATE, key: str = "", **more: object) -> str:
    """Declare the method with a key of its own; return the key's id."""
    if not key:
        at.user(mount)
        key, secret = at.key_of(mount)
        project.write("aws.secret", secret)
    client = {"access_key": key, "secret_key": "${file:../aws.secret}", "sts_region": "us-east-1", **more}
    where = {"iam_endpoint": at.address, "sts_endpoint": at.address}
    method = {"type": "aws", "config": {"client": {**client, **where, "vaultconf": guidance}}}
    project.write("desired-state/aws.yaml", yaml.safe_dump({"auth": {mount: method}}))
    return key


def key_at(raw: Raw, mount: str) -> str:
    return str((raw.read(f"auth/{mount}/config/client") or {})["access_key"])


def test_the_key_of_aws_is_rotated_on_creation_and_never_overwritten_without_a_ledger(
    project: Project, raw: Raw, cloud: Cloud, unique: str
) -> None:
    first = aws(project, unique, cloud)

    done(project, "apply")
    rotated = key_at(raw, unique)
    after = run(project, "plan", "--detailed-exitcode")
    aws(project, unique, cloud, key=first, iam_server_id_header_value="vault.internal")
    changed = done(project, "apply")

    assert rotated != first
    assert cloud.keys_of(unique) == [rotated]
    assert after.exit_code == 0, after
    assert {item["field"] for item in after.plan["unverified"]} == {"access_key", "secret_key"}
    assert changed == [("update", "client")]
    assert key_at(raw, unique) == rotated


@pytest.mark.usefixtures("ledger")
def test_the_key_of_aws_is_rotated_by_a_saved_plan_and_once(
    project: Project, raw: Raw, cloud: Cloud, unique: str
) -> None:
    first = aws(project, unique, cloud, guidance={})
    done(project, "apply")
    run(project, "rotate", f"auth/{unique}/*", "--out", PLAN)
    pin = json.loads((project.root / PLAN).read_text())["saved"]["changes"][f"auth/{unique}/config/client"]

    done(project, "apply", PLAN)
    rotated = key_at(raw, unique)
    again = run(project, "apply", PLAN, "--yes")
    after = run(project, "plan", "--detailed-exitcode")

    assert pin["rotated"] == first
    assert rotated != first
    assert cloud.keys_of(unique) == [rotated]
    assert [item["reason"] for item in again.plan["outcomes"]] == ["already as planned"]
    assert key_at(raw, unique) == rotated
    assert after.exit_code == 0, after


def test_the_key_of_aws_is_put_back_only_where_a_person_says_so(
    project: Project, raw: Raw, cloud: Cloud, unique: str
) -> None:
    aws(project, unique, cloud)
    done(project, "apply")
    key, secret = cloud.key_of(unique)
    project.write("aws.secret", secret)
    aws(project, unique, cloud, key=key)

    silent = run(project, "plan", "--detailed-exitcode")
    done(project, "apply", "--resend", f"auth/{unique}/config/client")

    assert silent.exit_code == 0, silent
    assert key_at(raw, unique) == key


def test_the_key_of_aws_is_not_rotated_where_the_next_plan_would_put_the_old_one_back(
    project: Project, raw: Raw, cloud: Cloud, unique: str
) -> None:
    first = aws(project, unique, cloud, guidance={})
    done(project, "apply")

    refused = run(project, "rotate", f"auth/{unique}/config/client", "--yes")

    assert refused.exit_code == 1, refused
    assert "the next plan would put back the one in the files" in refused.plan["errors"][0]["message"]
    assert key_at(raw, unique) == first
