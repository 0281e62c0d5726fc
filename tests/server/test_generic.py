"""Generic objects: endpoints that no kind covers, and what a hostile pull request would like to read with them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.support.cli import Project, Result
from tests.support.proxy import Proxy, in_front_of
from tests.support.raw import Raw
from tests.support.servers import Server

SCHEMA = Draft202012Validator(json.loads((Path(__file__).parents[2] / "docs/schemas/plan.schema.json").read_text()))
LIVE = "canary-live-71d0"
WRITTEN = "canary-written-0f3e"
SHOWN = "shown-2c9a"
REFERRED = "canary-referred-88b1"


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    """Something that sees every request."""
    with in_front_of(server) as found:
        yield found


def declare(project: Project, **sections: Any) -> None:
    project.write("desired-state/a.yaml", json.dumps(sections))


def asked_for(proxy: Proxy, *starts: str) -> list[tuple[str, str]]:
    return [(method, path) for method, path in proxy.asked if path.lower().startswith(tuple(starts))]


# --- what must not be read -----------------------------------------------------------------------------------


def test_no_credential_and_no_data_is_asked_for_whatever_a_pull_request_names(
    project: Project, proxy: Proxy, raw: Raw, unique: str
) -> None:
    raw.write(f"sys/mounts/{unique}/apps", {"type": "kv", "options": {"version": "2"}})
    raw.write(f"{unique}/apps/data/db", {"data": {"password": LIVE}})
    raw.write(f"sys/mounts/{unique}-one", {"type": "kv"})
    raw.write(f"{unique}-one/db", {"password": LIVE})
    raw.write("cubbyhole/db", {"password": LIVE})
    raw.write(f"sys/auth/{unique}-roles", {"type": "approle"})
    raw.write(f"auth/{unique}-roles/role/a", {})
    raw.write(f"sys/mounts/{unique}-keys", {"type": "transit"})
    raw.write(f"{unique}-keys/keys/a", {"exportable": True})
    paths = [
        f"{unique}/apps/db",
        f"{unique}/apps/data/db",
        f"{unique}/apps/subkeys/db",
        f"{unique}-one/db",
        "cubbyhole/db",
        f"auth/{unique}-roles/role/a",
        f"auth/{unique}-roles/role/a/role-id",
        f"auth/{unique}-roles/role/a/secret-id",
        f"{unique}-keys/export/encryption-key/a",
        "auth/token/lookup-self",
        "AUTH/token/lookup-self",
        "sys/policy/default",
        "sys/internal/ui/mounts",
        "sys/raw/core/keyring",
        "identity/entity/id/1",
    ]

    for path in paths:
        declare(project, generic={path: {"password": "guess"}})
        result = project.run("plan", "--format", "json", env=proxy.access)

        assert result.exit_code == 1, (path, result)
        assert len(result.plan["errors"]) == 1, (path, result)
        assert result.plan["errors"][0]["line"] == 1
        assert LIVE not in str(result)
    wanted = {path.lower() for path in paths}
    # Contact asks about its own token, whatever a project says.
    assert {path for _, path in proxy.asked if path.lower() in wanted} <= {"auth/token/lookup-self"}
    assert asked_for(proxy, f"{unique}/", f"{unique}-one/", "cubbyhole", f"auth/{unique}-roles/role", "sys/raw") == []
    assert proxy.writes == []


def test_what_only_the_server_knows_to_be_data_is_refused_at_its_place_before_it_is_read(
    project: Project, proxy: Proxy, raw: Raw, unique: str
) -> None:
    raw.write(f"sys/mounts/{unique}", {"type": "kv"})
    project.write("desired-state/a.yaml", f"generic:\n  {unique}/db/prod: {{password: guess}}\n")

    offline = project.run("validate")
    result = project.run("apply", "--yes", env=proxy.access)

    assert offline.exit_code == 0, offline
    assert result.exit_code == 1, result
    assert f"desired-state/a.yaml:2:3: `{unique}/db/prod` is data" in result.stderr
    assert asked_for(proxy, f"{unique}/") == []


def test_a_type_in_the_files_does_not_make_a_key_value_engine_readable(
    project: Project, proxy: Proxy, raw: Raw, unique: str
) -> None:
    raw.write(f"sys/mounts/{unique}/kv", {"type": "kv"})
    declare(
        project,
        secrets={unique: {"type": "transit"}, f"{unique}/kv": {"type": "transit"}},
        generic={f"{unique}/kv/db": {"password": "guess"}},
    )
    declared_apart = {"secrets": {f"{unique}/kv": {"type": "transit"}}, "generic": {f"{unique}/kv/db": {"a": "b"}}}
    nested = project.run("plan", env=proxy.access)
    declare(project, **declared_apart)

    result = project.run("plan", env=proxy.access)

    assert (nested.exit_code, result.exit_code) == (1, 1), (nested, result)
    assert asked_for(proxy, f"{unique}/kv") == []


def test_where_mounts_cannot_be_seen_nothing_in_them_is_read(project: Project, proxy: Proxy, unique: str) -> None:
    declare(project, generic={f"{unique}/thing/a": {"a": "b"}, "sys/quotas/config": {"rate_limit_exempt_paths": "x"}})
    proxy.refuse(403, "sys/mounts", errors=("permission denied",))

    result = project.run("plan", "--format", "json", env=proxy.access)

    blocked = {item["address"]: item["reason"] for item in result.plan["blocked"]}
    assert result.exit_code == 1, result
    assert "what is mounted there is not known" in blocked[f"{unique}/thing/a"]
    assert asked_for(proxy, f"{unique}/") == []
    assert asked_for(proxy, "sys/quotas/config") != []


def test_a_path_into_a_namespace_is_not_followed(project: Project, proxy: Proxy, raw: Raw, unique: str) -> None:
    if project.server.product == "openbao":
        raw.write(f"sys/namespaces/{unique}", {})
    declare(project, generic={f"{unique}/thing/a": {"a": "b"}})

    result = project.run("plan", "--format", "json", env=proxy.access)

    assert result.exit_code == 1, result
    assert [item["reason"] for item in result.plan["blocked"]] == ["not read: no mount of this namespace holds it"]
    assert asked_for(proxy, f"{unique}/") == []
    raw.request("DELETE", f"sys/namespaces/{unique}", None)


# --- what is shown -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["text", "json", "markdown"])
def test_no_live_value_is_ever_shown_and_a_written_one_only_where_the_object_says_so(
    project: Project, raw: Raw, unique: str, form: str
) -> None:
    path = f"{unique}/roles/web"
    raw.write(f"sys/mounts/{unique}", {"type": "pki"})
    raw.write(path, {"organization": LIVE, "country": LIVE, "locality": LIVE, "province": LIVE})
    fields = {"organization": WRITTEN, "country": [SHOWN], "locality": "${env:SECRET}", "province": [WRITTEN]}
    declare(project, generic={path: {**fields, "vaultconf": {"show": ["country"]}}})
    env = {"SECRET": REFERRED}

    results = [project.run(*argv, "--format", form, env=env) for argv in (("plan",), ("drift",), ("apply", "--yes"))]
    raw.request("DELETE", path, None)
    results += [project.run(*argv, "--format", form, env=env) for argv in (("plan",), ("apply", "--yes"), ("plan",))]

    assert [result.exit_code for result in results] == [0, 2, 0, 0, 0, 0], list(map(str, results))
    assert not [str(result) for result in results if LIVE in str(result)]
    assert not [str(result) for result in results if WRITTEN in str(result) or REFERRED in str(result)]
    assert [SHOWN in result.stdout for result in results[:2]] == [True, True]
    assert (raw.read(path) or {})["country"] == [SHOWN]


def test_the_json_of_a_plan_says_that_values_are_secret_or_withheld(project: Project, raw: Raw, unique: str) -> None:
    path = f"{unique}/roles/web"
    raw.write(f"sys/mounts/{unique}", {"type": "pki"})
    raw.write(path, {"ttl": "1h", "organization": LIVE})
    declare(project, generic={path: {"ttl": "2h", "organization": WRITTEN, "vaultconf": {"show": ["ttl"]}}})

    plan = project.plan()

    assert list(SCHEMA.iter_errors(plan)) == []
    assert plan["changes"][0]["fields"] == [
        {"field": "ttl", "before": None, "after": "2h", "withheld": True},
        {"field": "organization", "before": None, "after": None, "secret": True},
    ]


@pytest.mark.parametrize("form", ["text", "json", "markdown"])
def test_an_error_of_the_server_does_not_echo_what_was_sent(project: Project, unique: str, form: str) -> None:
    declare(
        project,
        secrets={unique: {"type": "pki"}},
        generic={f"{unique}/roles/web": {"ttl": WRITTEN, "max_ttl": WRITTEN}},
    )

    result = project.run("apply", "--yes", "--format", form)

    assert result.exit_code == 4, result
    assert WRITTEN not in str(result)


# --- what cannot be compared ---------------------------------------------------------------------------------


def test_a_field_that_the_server_does_not_return_is_unverified_and_no_lasting_difference(
    project: Project, proxy: Proxy, unique: str
) -> None:
    path = f"{unique}/keys/a"
    body = {"key": "${env:SEED}", "issuer": "acme", "account_name": "ops", "period": "30s"}
    declare(project, secrets={unique: {"type": "totp"}}, generic={path: body})
    env = {**proxy.access, "SEED": "JBSWY3DPEHPK3PXP"}

    applied = project.run("apply", "--yes", env=env)
    again = project.run("plan", "--format", "json", "--detailed-exitcode", env=env)
    resent = project.run("apply", "--yes", "--resend", path, env=env)

    assert (applied.exit_code, again.exit_code, resent.exit_code) == (0, 0, 0), (applied, again, resent)
    unverified = [item for item in again.plan["unverified"] if item["address"] == path]
    assert unverified == [{"address": path, "field": "key", "reason": "the server does not return it"}]
    assert [body["key"] for body in proxy.bodies(path)] == ["JBSWY3DPEHPK3PXP"] * 2


def test_a_path_that_can_only_be_written_is_blocked_and_says_so(project: Project, raw: Raw, unique: str) -> None:
    raw.write(f"sys/mounts/{unique}", {"type": "transit"})
    raw.write(f"{unique}/keys/a", {})
    declare(project, generic={f"{unique}/keys/a/config": {"deletion_allowed": True}})

    result = project.run("plan", "--format", "json")

    assert result.exit_code == 1, result
    assert [(item["status"], item["reason"]) for item in result.plan["blocked"]] == [
        (405, "this path can be written but not read, so nothing there can be compared")
    ]


def test_a_field_that_the_server_does_not_know_fails_the_apply_and_is_no_lasting_difference(
    project: Project, unique: str
) -> None:
    declare(project, secrets={unique: {"type": "pki"}}, generic={f"{unique}/roles/web": {"ttl": "1h", "tttl": "1h"}})

    result = project.run("apply", "--yes")
    again = project.plan()

    assert result.exit_code == 4, result
    assert "the server ignored fields that it does not know" in result.stdout
    assert again["changes"] == []
    assert [item["field"] for item in again["unverified"]] == ["tttl"]


def test_an_ignored_field_keeps_its_live_value_where_a_write_replaces(project: Project, raw: Raw, unique: str) -> None:
    path = f"{unique}/roles/web"
    raw.write(f"sys/mounts/{unique}", {"type": "pki"})
    raw.write(path, {"ttl": "1h", "organization": "theirs"})
    declare(project, generic={path: {"ttl": "2h", "organization": "x", "vaultconf": {"ignore": ["organization"]}}})

    project.apply()

    live = raw.read(path) or {}
    assert (live["ttl"], live["organization"]) == (7200, ["theirs"])


# --- order and place -----------------------------------------------------------------------------------------


def test_mount_policy_and_configuration_come_first_in_one_apply(project: Project, proxy: Proxy, unique: str) -> None:
    declare(
        project,
        policies={f"{unique}-p": {"policy": "# nothing"}},
        secrets={f"{unique}/deep": {"type": "pki"}},
        generic={
            f"{unique}/deep/roles/web": {"ttl": "1h", "organization": [f"{unique}-p"]},
            f"{unique}/deep/config/urls": {"issuing_certificates": "https://ca.example"},
        },
    )

    plan = project.plan()
    applied = project.run("apply", "--yes", env=proxy.access)
    again = project.plan()

    written = [path for _, path in proxy.writes]
    places = [written.index(path) for path in (f"sys/mounts/{unique}/deep", f"{unique}/deep/config/urls")]
    assert {item["action"] for item in plan["changes"]} == {"create"}
    assert applied.exit_code == 0, applied
    assert [*places, written.index(f"{unique}/deep/roles/web")] == sorted([*places, len(written) - 1])
    assert written.index(f"sys/policies/acl/{unique}-p") < written.index(f"{unique}/deep/roles/web")
    assert again["changes"] == []


def test_without_its_mount_an_object_is_blocked(project: Project, unique: str) -> None:
    declare(project, secrets={unique: {"type": "pki"}}, generic={f"{unique}/roles/web": {"ttl": "1h"}})

    result = project.run("plan", "--format", "json", "--only", f"{unique}/roles/*")

    assert result.exit_code == 1, result
    assert [item["reason"] for item in result.plan["blocked"]] == [
        "its mount is not there, and this run does not make it"
    ]


def test_a_mount_that_is_replaced_takes_its_objects_along(project: Project, raw: Raw, unique: str) -> None:
    raw.write(f"sys/mounts/{unique}", {"type": "ssh"})
    raw.write(f"{unique}/roles/web", {"key_type": "otp", "default_user": "ops", "cidr_list": "10.0.0.0/8"})
    declare(project, secrets={unique: {"type": "pki"}}, generic={f"{unique}/roles/web": {"ttl": "1h"}})

    plan = project.plan()
    applied = project.run("apply", "--yes", "--allow", f"sys/mounts/{unique}")

    actions = {item["address"]: item["action"] for item in plan["changes"]}
    assert actions == {f"sys/mounts/{unique}": "replace", f"{unique}/roles/web": "create"}
    assert applied.exit_code == 0, applied


def test_an_object_lives_in_the_namespace_of_its_document(project: Project, raw: Raw, unique: str) -> None:
    if project.server.product != "openbao" and not project.server.enterprise:
        pytest.skip("community Vault has no namespaces")
    project.write(
        "desired-state/a.yaml",
        f"""
        namespaces: {{{unique}: {{}}}}
        ---
        namespace: {unique}
        secrets: {{pki: {{type: pki}}}}
        generic: {{pki/roles/web: {{ttl: 1h}}}}
        """.replace("\n        ", "\n"),
    )

    applied = project.run("apply", "--yes")
    again: Result = project.run("plan", "--detailed-exitcode")

    assert (applied.exit_code, again.exit_code) == (0, 0), (applied, again)
    assert (raw.read(f"{unique}/pki/roles/web") or {})["ttl"] == 3600
    raw.request("DELETE", f"sys/namespaces/{unique}", None)
