"""AWS auth where the server asks AWS for the internal ids of principals, as its roles make it do if nothing is said."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.cli import Project
from tests.support.cloud import ACCOUNT, Cloud
from tests.support.plugins import ServerWith
from tests.support.raw import Raw
from tests.support.servers import Server

SECRET = {"AWS_SECRET": "canary-aws-5d1f"}


@pytest.fixture
def aws_server(server_with: ServerWith) -> Server:
    return server_with("aws")


@pytest.fixture
def cloud(aws_server: Server, request: pytest.FixtureRequest) -> Cloud:
    """The stand-in, which starts only where there is a server that asks it."""
    started: Cloud = request.getfixturevalue("stand_in_of_aws")
    return started


@pytest.fixture
def raw(aws_server: Server) -> Raw:
    return aws_server.raw()


@pytest.fixture
def project(aws_server: Server, tmp_path: Path, unique: str) -> Iterator[Project]:
    yield Project.new(tmp_path, aws_server)
    aws_server.raw().delete(f"sys/auth/{unique}")


def arn(principal: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:{principal}"


def declare(project: Project, mount: str, cloud: Cloud, **roles: Any) -> None:
    client = {
        "access_key": "AKIAEXAMPLE",
        "secret_key": "${env:AWS_SECRET}",
        "iam_endpoint": cloud.address,
        "sts_endpoint": cloud.address,
        "sts_region": "us-east-1",
    }
    method = {"type": "aws", "config": {"client": client}, "roles": roles}
    project.write("desired-state/aws.yaml", yaml.safe_dump({"auth": {mount: method}}))


def apply(project: Project) -> list[str]:
    """Apply; return what was done to which object, and the fields."""
    plan = project.run("plan", "--format", "json", env=SECRET).plan
    applied = project.run("apply", "--yes", env=SECRET)
    assert applied.exit_code == 0, applied
    return [f"{change['action']} {change['address'].rpartition('/')[2]}" for change in plan["changes"]]


def differences(project: Project) -> int:
    """The exit code of a plan: 2 if anything differs."""
    return project.run("plan", "--detailed-exitcode", env=SECRET).exit_code


def test_roles_with_resolved_principals_are_made_in_one_apply_and_the_plan_is_empty(
    project: Project, raw: Raw, cloud: Cloud, unique: str
) -> None:
    ids = [cloud.role(f"{unique}-app"), cloud.user(f"{unique}-me")]
    bound = [arn(f"role/{unique}-app"), arn(f"user/{unique}-me")]
    by_instance = {"auth_type": "ec2", "bound_ami_id": ["ami-1"], "bound_account_id": [ACCOUNT]}
    declare(project, unique, cloud, app={"bound_iam_principal_arn": bound}, machine=by_instance)

    apply(project)

    role = raw.read(f"auth/{unique}/role/app") or {}
    assert (role["bound_iam_principal_arn"], role["bound_iam_principal_id"]) == (bound, ids)
    assert differences(project) == 0


def test_the_principal_of_a_role_logs_in_and_nobody_else(project: Project, raw: Raw, cloud: Cloud, unique: str) -> None:
    names = [f"{unique}-me", f"{unique}-other"]
    for name in names:
        cloud.user(name)
    declare(project, unique, cloud, app={"bound_iam_principal_arn": [arn(f"user/{unique}-me")]})
    apply(project)

    ours, other = (
        raw.request("POST", f"auth/{unique}/login", {"role": "app", **cloud.login_of(name)}) for name in names
    )

    assert ours[0] == 200, ours
    assert (other[0], f'{names[1]}" does not belong to the role' in str(other[1])) == (400, True), other


def test_another_field_is_updated_and_the_internal_ids_stay(
    project: Project, raw: Raw, cloud: Cloud, unique: str
) -> None:
    internal = cloud.role(f"{unique}-app")
    bound = {"bound_iam_principal_arn": [arn(f"role/{unique}-app")]}
    declare(project, unique, cloud, app=bound)
    apply(project)
    declare(project, unique, cloud, app={**bound, "token_ttl": "20m"})

    changed = apply(project)

    role = raw.read(f"auth/{unique}/role/app") or {}
    assert changed == ["update app"]
    assert (role["token_ttl"], role["bound_iam_principal_id"]) == (1200, [internal])
    assert differences(project) == 0


def test_a_principal_changed_by_hand_is_repaired_with_its_internal_id(
    project: Project, raw: Raw, cloud: Cloud, unique: str
) -> None:
    ours, _ = cloud.role(f"{unique}-app"), cloud.user(f"{unique}-intruder")
    declare(project, unique, cloud, app={"bound_iam_principal_arn": [arn(f"role/{unique}-app")]})
    apply(project)
    raw.write(f"auth/{unique}/role/app", {"bound_iam_principal_arn": [arn(f"user/{unique}-intruder")]})

    found = differences(project)
    apply(project)

    assert found == 2
    assert (raw.read(f"auth/{unique}/role/app") or {})["bound_iam_principal_id"] == [ours]
    assert differences(project) == 0


def test_principals_that_were_not_resolved_are_once_the_field_says_so(
    project: Project, raw: Raw, cloud: Cloud, unique: str
) -> None:
    internal = cloud.role(f"{unique}-app")
    bound = {"bound_iam_principal_arn": [arn(f"role/{unique}-app")]}
    declare(project, unique, cloud, app={**bound, "resolve_aws_unique_ids": False})
    apply(project)
    before = (raw.read(f"auth/{unique}/role/app") or {})["bound_iam_principal_id"]
    declare(project, unique, cloud, app=bound)

    changed = apply(project)

    assert (before, changed) == ([], ["update app"])
    assert (raw.read(f"auth/{unique}/role/app") or {})["bound_iam_principal_id"] == [internal]
    assert differences(project) == 0


def test_a_principal_that_aws_does_not_know_fails_its_role_alone(
    project: Project, raw: Raw, cloud: Cloud, unique: str
) -> None:
    unknown = {"bound_iam_principal_arn": [arn(f"role/{unique}-nobody")]}
    by_instance = {"auth_type": "ec2", "bound_ami_id": ["ami-1"]}
    declare(project, unique, cloud, app=unknown, machine=by_instance)

    applied = project.run("apply", "--yes", env=SECRET)

    assert applied.exit_code == 4, applied
    assert f'unable to resolve ARN "{arn(f"role/{unique}-nobody")}"' in applied.stdout
    assert SECRET["AWS_SECRET"] not in str(applied)
    assert raw.list(f"auth/{unique}/roles") == ["machine"]
