"""A failed read is unknown, never absent: limited tokens, missing namespaces, faults on the way."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.support import stub
from tests.support.cli import Project
from tests.support.proxy import Proxy, in_front_of
from tests.support.raw import Raw
from tests.support.servers import Server
from tests.support.stub import Reply

ALL = '["create", "read", "update", "delete", "list", "sudo"]'
NOTHING = 'path "kv/none" { capabilities = ["read"] }'


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    with in_front_of(server) as running:
        yield running


def limited(raw: Raw, unique: str, *denied: str) -> dict[str, str]:
    """A token that may do everything, except with the paths denied; as environment."""
    rules = "".join(f'path "{path}" {{ capabilities = ["deny"] }}\n' for path in denied)
    raw.write(f"sys/policies/acl/limited-{unique}", {"policy": f'path "*" {{ capabilities = {ALL} }}\n{rules}'})
    made = raw.write("auth/token/create", {"policies": [f"limited-{unique}"], "no_default_policy": False})
    return {"VAULT_TOKEN": made["auth"]["client_token"]}


def blocked(plan: Mapping[str, Any]) -> dict[str, tuple[int, str]]:
    return {item["address"]: (item["status"], item["reason"]) for item in plan["blocked"]}


def changes(plan: Mapping[str, Any]) -> dict[str, str]:
    return {item["address"]: item["action"] for item in plan["changes"]}


def two_policies(project: Project, unique: str) -> None:
    project.policy(f"{unique}-open", NOTHING)
    project.policy(f"{unique}-hidden", NOTHING)


@pytest.mark.parametrize("command", ["plan", "drift"])
def test_an_object_that_may_not_be_read_is_blocked_and_the_rest_is_shown(
    project: Project, raw: Raw, unique: str, command: str
) -> None:
    two_policies(project, unique)
    token = limited(raw, unique, f"sys/policies/acl/{unique}-hidden")

    result = project.run(command, "--format", "json", env=token)

    assert result.exit_code == 1, result
    assert result.plan["complete"] is False
    assert blocked(result.plan)[f"sys/policies/acl/{unique}-hidden"][0] == 403
    assert changes(result.plan) == {f"sys/policies/acl/{unique}-open": "create"}


def test_apply_leaves_a_blocked_object_alone_does_the_others_and_exits_4(
    project: Project, raw: Raw, unique: str
) -> None:
    two_policies(project, unique)
    raw.write(f"sys/policies/acl/{unique}-hidden", {"policy": "# as it was"})
    token = limited(raw, unique, f"sys/policies/acl/{unique}-hidden")

    result = project.run("apply", "--yes", "--format", "json", env=token)

    assert result.exit_code == 4, result
    assert [item["address"] for item in result.plan["errors"]] == [f"sys/policies/acl/{unique}-hidden"]
    assert "was left alone" in result.plan["errors"][0]["message"]
    assert raw.read(f"sys/policies/acl/{unique}-open") is not None
    assert (raw.read(f"sys/policies/acl/{unique}-hidden") or {})["policy"] == "# as it was"


def test_where_mounts_cannot_be_listed_they_are_blocked_and_children_are_read_one_by_one(
    project: Project, raw: Raw, unique: str
) -> None:
    raw.write(f"sys/auth/{unique}", {"type": "approle"})
    raw.write(f"auth/{unique}/role/there", {"token_ttl": 60})
    project.write(
        "desired-state/a.yaml",
        f"""
        auth:
          {unique}: {{type: approle, roles: {{there: {{token_ttl: 2m}}, missing: {{}}}}}}
          {unique}-none: {{type: approle, roles: {{nowhere: {{}}}}}}
        """,
    )
    token = limited(raw, unique, "sys/auth", "sys/auth/*", "sys/mounts", "sys/mounts/*")

    result = project.run("plan", "--format", "json", env=token)

    assert result.exit_code == 1, result
    assert changes(result.plan) == {f"auth/{unique}/role/there": "update", f"auth/{unique}/role/missing": "create"}
    found = blocked(result.plan)
    assert found[f"sys/auth/{unique}"][0] == found[f"sys/auth/{unique}-none"][0] == 403
    assert "no handler for route" in found[f"auth/{unique}-none/role/nowhere"][1]


def test_a_collection_that_cannot_be_listed_is_blocked_inside_prune_and_else_a_notice(
    project: Project, raw: Raw, unique: str
) -> None:
    raw.write(f"sys/auth/{unique}", {"type": "approle"})
    raw.write(f"sys/auth/{unique}-b", {"type": "approle"})
    project.write("vaultconf.yaml", f"version: 1\nprune: [auth/{unique}/role/pay-*]\n")
    project.policy(f"{unique}-p", NOTHING)
    token = limited(raw, unique, f"auth/{unique}/role", f"auth/{unique}-b/role")

    result = project.run("plan", "--format", "json", env=token)

    assert result.exit_code == 1, result
    assert blocked(result.plan) == {f"auth/{unique}/role": (403, blocked(result.plan)[f"auth/{unique}/role"][1])}
    assert "cannot be listed" in blocked(result.plan)[f"auth/{unique}/role"][1]
    assert [
        notice
        for notice in result.plan["notices"]
        if "mounts that no file opens" in notice and f"auth/{unique}-b" in notice
    ]


def test_prune_below_mounts_that_cannot_be_listed_makes_the_plan_incomplete(
    project: Project, raw: Raw, unique: str
) -> None:
    project.write("vaultconf.yaml", "version: 1\nprune: [auth/+/role/*]\n")
    project.policy(f"{unique}-p", NOTHING)

    result = project.run("plan", "--format", "json", env=limited(raw, unique, "sys/auth"))

    assert result.exit_code == 1, result
    assert "auth/+/role" in blocked(result.plan)


def test_a_namespace_that_does_not_exist_blocks_what_is_declared_in_it(project: Project, unique: str) -> None:
    if project.server.product != "openbao":
        pytest.skip("community Vault has no namespaces")
    project.write(
        "desired-state/a.yaml",
        f"""
        namespace: nope-{unique}
        policies: {{{unique}: {{policy: '{NOTHING}'}}}}
        auth: {{{unique}: {{type: approle, roles: {{r: {{}}}}}}}}
        """,
    )

    result = project.run("plan", "--format", "json")

    assert result.exit_code == 1, result
    assert {reason for _, reason in blocked(result.plan).values()} == {"there is no such namespace"}
    assert len(blocked(result.plan)) == 3
    assert result.plan["changes"] == []


def test_a_namespace_on_community_vault_is_refused_before_anything_is_sent_with_it(
    project: Project, unique: str, proxy: Proxy
) -> None:
    if project.server.product == "openbao" or project.server.enterprise:
        pytest.skip("this server has namespaces")
    project.write("desired-state/a.yaml", f"namespace: team\npolicies: {{{unique}: {{policy: '{NOTHING}'}}}}\n")

    result = project.run("apply", "--yes", env=proxy.access)

    assert result.exit_code == 1, result
    assert "has no namespaces" in result.stderr
    assert not [asked for asked in proxy.served.asked if "x-vault-namespace" in asked.headers]
    assert not proxy.writes


def test_somebody_elses_mount_that_is_not_there_is_an_error_and_nothing_is_made_in_it(
    project: Project, unique: str
) -> None:
    project.write("desired-state/a.yaml", f"secrets: {{{unique}-database: {{roles: {{r: {{db_name: c}}}}}}}}\n")
    project.write("vaultconf.yaml", f"version: 1\nexternal: ['{unique}-database/config/c']\n")

    result = project.run("plan", "--format", "json")

    assert result.exit_code == 1, result
    assert f"there is no mount `secrets.{unique}-database`" in result.plan["errors"][0]["message"]
    assert result.plan["errors"][0]["line"] == 1
    assert result.plan["changes"] == []


@pytest.mark.parametrize(("status", "ending"), [(500, ""), (503, ""), (400, ""), (0, "close"), (0, "reset")])
def test_a_read_that_fails_on_the_way_blocks_its_object(
    project: Project, unique: str, proxy: Proxy, status: int, ending: str
) -> None:
    two_policies(project, unique)
    hidden = f"sys/policies/acl/{unique}-hidden"
    reply = Reply(status, stub.as_json({"errors": ["storage is gone"]}), ending=ending)
    proxy.fault = lambda asked: reply if asked.target == f"/v1/{hidden}" else None

    result = project.run("plan", "--format", "json", env=proxy.access)

    assert result.exit_code == 1, result
    assert blocked(result.plan)[hidden][0] == status
    assert changes(result.plan) == {f"sys/policies/acl/{unique}-open": "create"}


def test_a_read_without_an_answer_in_time_blocks_its_object(project: Project, unique: str, proxy: Proxy) -> None:
    two_policies(project, unique)
    hidden = f"sys/policies/acl/{unique}-hidden"
    released = threading.Event()

    def hang(asked: stub.Asked) -> None:
        if asked.target == f"/v1/{hidden}":
            released.wait(30)

    proxy.fault = hang

    result = project.run("plan", "--format", "json", env={**proxy.access, "VAULT_CLIENT_TIMEOUT": "1s"})
    released.set()

    assert result.exit_code == 1, result
    assert blocked(result.plan)[hidden][0] == 0
    assert "no answer in time" in blocked(result.plan)[hidden][1]
    assert changes(result.plan) == {f"sys/policies/acl/{unique}-open": "create"}


@pytest.mark.parametrize("body", [b'{"data": null}', b'{"data": {"policy": {"a": 1}, "keys": 4}}', b"<html>", b""])
def test_an_answer_of_another_shape_is_no_absence(project: Project, unique: str, proxy: Proxy, body: bytes) -> None:
    project.write("desired-state/a.yaml", f"auth: {{{unique}: {{type: approle, roles: {{r: {{}}}}}}}}\n")
    project.apply()
    role = f"/v1/auth/{unique}/role/r"
    broken = body.replace(b'"policy"', b'"token_ttl"')
    proxy.fault = lambda asked: Reply(200, broken) if asked.target == role else None

    result = project.run("plan", "--format", "json", env=proxy.access)

    assert result.exit_code == 1, result
    assert list(blocked(result.plan)) == [f"auth/{unique}/role/r"]
    assert result.plan["changes"] == []


def test_a_field_that_this_version_does_not_know_is_named_once_a_kind(
    project: Project, unique: str, proxy: Proxy
) -> None:
    project.write("desired-state/a.yaml", f"auth: {{{unique}: {{type: approle, roles: {{a: {{}}, b: {{}}}}}}}}\n")
    project.apply()

    def with_more(asked: stub.Asked) -> Reply | None:
        if "/role/" not in asked.target:
            return None
        return Reply(200, proxy.forward(asked).body.replace(b'"token_ttl"', b'"from_the_future":1,"token_ttl"'))

    proxy.fault = with_more

    result = project.run("plan", "--format", "json", env=proxy.access)

    assert result.exit_code == 0, result
    assert [notice for notice in result.plan["notices"] if "from_the_future" in notice] == [
        "approle_role: this version does not know, and does not compare, `from_the_future`"
    ]
