"""What a person must permit, on a real server: data that would be lost, ways in that would close."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.support.cli import Project
from tests.support.proxy import Proxy, in_front_of
from tests.support.raw import Raw
from tests.support.servers import Server


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    with in_front_of(server) as running:
        yield running


def settings(project: Project, *lines: str) -> None:
    project.write("vaultconf.yaml", "version: 1\n" + "".join(f"{line}\n" for line in lines))


def risk_of(plan: Mapping[str, Any], address: str) -> dict[str, Any]:
    """The risk of a change; {} where it has none."""
    return next(item["risk"] or {} for item in plan["changes"] if item["address"] == address)


def removed(project: Project, path: str) -> dict[str, Any]:
    """The risk of a plan that deletes a mount."""
    settings(project, f"prune: [sys/mounts/{path}]")
    project.policy(f"{path}-other", "# something to declare")
    risk = risk_of(project.plan(), f"sys/mounts/{path}")
    assert risk["reason"] == "destroys_data"
    return risk


@pytest.mark.parametrize(("version", "data"), [("1", ""), ("2", "data/")])
def test_a_mount_of_keys_says_how_many_would_be_lost(
    project: Project, raw: Raw, unique: str, version: str, data: str
) -> None:
    raw.write(f"sys/mounts/{unique}", {"type": "kv", "options": {"version": version}})
    if version == "2":
        ready(raw, unique)
    for key in ("a", "b/c", "b/d/e"):
        raw.write(f"{unique}/{data}{key}", {"data": {"x": "y"}, "x": "y"})

    risk = removed(project, unique)

    assert risk["detail"] == "deleting it loses everything stored in it: 3 keys"


def test_an_empty_mount_and_an_engine_of_other_things_say_so(project: Project, raw: Raw, unique: str) -> None:
    raw.write(f"sys/mounts/{unique}", {"type": "transit"})

    empty = removed(project, unique)
    raw.write(f"{unique}/keys/k")
    full = removed(project, unique)

    assert empty["detail"].endswith(": 0 keys")
    assert full["detail"].endswith(": 1 key")


def test_what_may_not_be_listed_is_unknown_and_no_data_is_read(
    project: Project, raw: Raw, unique: str, proxy: Proxy
) -> None:
    raw.write(f"sys/mounts/{unique}", {"type": "kv"})
    raw.write(f"{unique}/secret/deep", {"x": "y"})
    raw.write(f"sys/policies/acl/{unique}", {"policy": 'path "sys/*" { capabilities = ["read", "list", "sudo"] }'})
    token = raw.write("auth/token/create", {"policies": [unique]})["auth"]["client_token"]
    settings(project, f"prune: [sys/mounts/{unique}]")
    project.policy(f"{unique}-other", "# something to declare")

    allowed = project.run("plan", "--format", "json", env=proxy.access)
    inside = {method for method, path in proxy.asked if path == unique or path.startswith(f"{unique}/")}
    forbidden = project.run("plan", "--format", "json", env={**proxy.access, "VAULT_TOKEN": token})

    assert risk_of(allowed.plan, f"sys/mounts/{unique}")["detail"].endswith(": 1 key")
    assert inside == {"LIST"}
    assert "keys unknown (this token may not list them)" in risk_of(forbidden.plan, f"sys/mounts/{unique}")["detail"]


def ready(raw: Raw, mount: str) -> None:
    """Wait until a new engine of version 2 has become one."""
    for _ in range(100):
        status, _answer = raw.request("GET", f"{mount}/config")
        if status == 200:
            return
    raise AssertionError(f"{mount} is not ready")
