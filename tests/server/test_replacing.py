"""Configurations that every write replaces whole: their secrets are sent again, or nothing is written at all."""

from __future__ import annotations

import base64
import json
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.cli import Project
from tests.support.raw import Raw
from tests.support.stub import Stub

SECRET = {"SECRET": "a-client-secret"}
CALLBACK = "http://localhost/callback"
CA = """\
-----BEGIN CERTIFICATE-----
MIIBcTCCARegAwIBAgIUCd669sJVjDZzhPNV8w5TuC4Z6TcwCgYIKoZIzj0EAwIw
DTELMAkGA1UEAwwCY2EwIBcNMjYxMTIyMDYxODE5WhgPMjEyNjEwMjkwNjE4MTla
MA0xCzAJBgNVBAMMAmNhMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE5VXTjxK3
tQQaY36byz+CgyMMPKqPDHWmz5w+d2/YgBSIqJ8HE45zpSZvm0RYmE8JqEI5tjwO
gyfGgpmgHrgmEqNTMFEwHQYDVR0OBBYEFKUnpUc/jJscaUUABDcpicFElRXKMB8G
A1UdIwQYMBaAFKUnpUc/jJscaUUABDcpicFElRXKMA8GA1UdEwEB/wQFMAMBAf8w
CgYIKoZIzj0EAwIDSAAwRQIhAJ/MolWrfCJlw5EKoatCkGLrKgUXUVwhsEmfd+ya
VK72AiAtMfe6Imh7KbnHjLIDJ/PeDK5iHY+wIINT+FOMZ/EAtg==
-----END CERTIFICATE-----
"""


def test_a_change_of_another_field_leaves_a_client_its_secret(
    project: Project, raw: Raw, issuer: Stub, unique: str
) -> None:
    _declare_provider(project, unique, issuer)
    project.run("apply", "--yes", env=SECRET)
    _declare_provider(project, unique, issuer, bound_issuer="changed")

    applied = project.run("apply", "--yes", env=SECRET)
    _log_in(raw, unique)

    assert applied.exit_code == 0, applied
    assert (raw.read(f"auth/{unique}/config") or {})["bound_issuer"] == "changed"
    assert f"me:{SECRET['SECRET']}" in _shown(issuer)


@pytest.mark.parametrize(
    ("mount_type", "field", "body"),
    [
        ("oidc", "oidc_client_secret", {"oidc_discovery_url": "<issuer>", "oidc_client_id": "me"}),
        ("kubernetes", "token_reviewer_jwt", {"kubernetes_host": "https://k", "kubernetes_ca_cert": CA}),
    ],
)
def test_a_change_whose_secret_is_not_at_hand_is_planned_with_a_note_and_never_begun(
    project: Project, raw: Raw, issuer: Stub, unique: str, mount_type: str, field: str, body: dict[str, str]
) -> None:
    body = {name: value.replace("<issuer>", issuer.address) for name, value in body.items()}
    raw.write(f"sys/auth/{unique}", {"type": mount_type})
    raw.write(f"auth/{unique}/config", {**body, field: "theirs"})
    config = {**body, field: "${env:SECRET}", _other(mount_type): "changed"}
    _declare(project, {unique: {"type": mount_type, "config": config}}, {unique: {"policy": "# new"}})
    before = raw.read(f"auth/{unique}/config")

    planned = project.run("plan", "--format", "json")
    applied = project.run("apply", "--yes")

    note = {"address": f"auth/{unique}/config", "field": field, "reason": "${env:SECRET} is not at hand"}
    assert planned.exit_code == 0, planned
    assert note in planned.plan["unverified"]
    assert applied.exit_code == 1, applied
    assert f"`{field}` is to be sent, and ${{env:SECRET}} is not at hand" in applied.stderr
    assert raw.read(f"auth/{unique}/config") == before
    assert raw.read(f"sys/policies/acl/{unique}") is None


def test_a_token_of_the_reviewer_that_nobody_declares_is_a_difference(project: Project, raw: Raw, unique: str) -> None:
    config = {"kubernetes_host": "https://k", "kubernetes_ca_cert": CA}
    raw.write(f"sys/auth/{unique}", {"type": "kubernetes"})
    raw.write(f"auth/{unique}/config", {**config, "token_reviewer_jwt": "a.b.c"})
    _declare(project, {unique: {"type": "kubernetes", "config": config}})

    found = project.plan()["changes"]
    project.apply()

    assert [item["field"] for change in found for item in change["fields"]] == ["token_reviewer_jwt_set"]
    assert (raw.read(f"auth/{unique}/config") or {})["token_reviewer_jwt_set"] is False


def test_a_configuration_that_can_be_absent_is_unmanaged_where_nobody_declares_it(
    project: Project, raw: Raw, issuer: Stub, unique: str
) -> None:
    raw.write(f"sys/auth/{unique}", {"type": "jwt"})
    _declare(project, {unique: {"type": "jwt"}})
    absent = project.plan()["unmanaged"]
    raw.write(f"auth/{unique}/config", {"jwks_url": issuer.address})

    there = project.plan()["unmanaged"]

    wanted = {"address": f"auth/{unique}/config", "kind": "jwt_config"}
    assert wanted not in [{name: item[name] for name in wanted} for item in absent]
    assert wanted in [{name: item[name] for name in wanted} for item in there]


def test_a_configuration_that_no_server_can_delete_is_not_pruned_in_vain(
    project: Project, raw: Raw, issuer: Stub, unique: str
) -> None:
    raw.write(f"sys/auth/{unique}", {"type": "jwt"})
    raw.write(f"auth/{unique}/config", {"jwks_url": issuer.address})
    _declare(project, {unique: {"type": "jwt"}})
    project.write("vaultconf.yaml", f"version: 1\nprune: [auth/{unique}/config]\n")

    result = project.run("apply", "--yes")

    assert result.exit_code == 1, result
    assert f"auth/{unique}/config: no server can delete it" in result.stderr
    assert raw.read(f"auth/{unique}/config") is not None


def _other(mount_type: str) -> str:
    return {"oidc": "bound_issuer", "kubernetes": "issuer"}[mount_type]


def _declare(project: Project, auth: object, policies: object = None) -> None:
    project.write("desired-state/a.yaml", json.dumps({"auth": auth, "policies": policies or {}}))


def _declare_provider(project: Project, mount: str, issuer: Stub, **more: str) -> None:
    config = {
        "oidc_discovery_url": issuer.address,
        "oidc_client_id": "me",
        "oidc_client_secret": "${env:SECRET}",
        **more,
    }
    roles = {"people": {"user_claim": "sub", "allowed_redirect_uris": [CALLBACK]}}
    _declare(project, {mount: {"type": "oidc", "config": config, "roles": roles}})


def _log_in(raw: Raw, mount: str) -> None:
    """Come back from the provider with a code, which the server takes to the provider with its secret."""
    asked = {"role": "people", "redirect_uri": CALLBACK}
    url = raw.write(f"auth/{mount}/oidc/auth_url", asked)["data"]["auth_url"]
    state = parse_qs(urlsplit(url).query)["state"][0]
    raw.request("GET", f"auth/{mount}/oidc/callback?state={state}&code=x")


def _shown(issuer: Stub) -> list[str]:
    """The clients that came to the provider, with their secrets."""
    headers = [asked.headers.get("authorization", "") for asked in issuer.asked if asked.target == "/token"]
    return [base64.b64decode(header.removeprefix("Basic ")).decode() for header in headers]
