"""A CI job against an OpenID provider: vaultconf configures the method by the provider's URL, and then logs in with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.support import issuer as providers
from tests.support.cli import Project
from tests.support.jwt import Signer
from tests.support.logins import POLICY, assert_one_token_that_is_gone, logs_in, tokens
from tests.support.proxy import Proxy, in_front_of
from tests.support.servers import Server
from tests.support.stub import Stub

AUDIENCE = "https://vault.example.com"
BRANCH = "repo:acme/vault-config:ref:refs/heads/main"


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    with in_front_of(server) as running:
        yield running


@pytest.fixture
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return Signer.new(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def provider(signer: Signer) -> Iterator[Stub]:
    with providers.running(signer) as running:
        yield running


def configure(project: Project, mount: str, provider: Stub, **role: Any) -> None:
    """Apply a method that trusts the provider, and a role for the branch `main`."""
    bound = {"bound_audiences": [AUDIENCE], "bound_claims": {"sub": BRANCH}, "user_claim": "repository"}
    method = {
        "type": "jwt",
        "config": {"oidc_discovery_url": provider.address, "bound_issuer": provider.address},
        "roles": {"ci": {"role_type": "jwt", "token_policies": [mount], **bound, **role}},
    }
    project.write(
        "desired-state/ci.yaml", yaml.safe_dump({"policies": {mount: {"policy": POLICY}}, "auth": {mount: method}})
    )
    project.apply()


def job(system: str, signer: Signer, provider: Stub) -> dict[str, str]:
    """The environment of a job of GitHub Actions or GitLab."""
    if system == "gitlab":
        return {"VAULT_ID_TOKEN": providers.id_token(signer, provider.address, AUDIENCE)}
    return {
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{provider.address}/idtoken?api-version=2.0",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": providers.JOB,
    }


@pytest.mark.parametrize("system", ["github", "gitlab"])
def test_a_job_logs_in_with_the_id_token_of_a_provider_that_the_server_asks_for_its_keys(
    project: Project, server: Server, proxy: Proxy, signer: Signer, provider: Stub, unique: str, system: str
) -> None:
    configure(project, unique, provider)
    audience = {"audience": AUDIENCE} if system == "github" else {}
    logs_in(project, method="jwt", mount=unique, role="ci", oidc_from=system, **audience)

    result = project.run(
        "plan",
        "--only",
        f"auth/{unique}*",
        "--detailed-exitcode",
        env={**proxy.access, **job(system, signer, provider)},
    )

    assert result.exit_code == 0, result
    assert "/keys" in provider.targets
    assert_one_token_that_is_gone(proxy, server)


@pytest.mark.parametrize("system", ["github", "gitlab"])
@pytest.mark.parametrize(
    ("role", "reason"),
    [
        ({"bound_audiences": ["https://other.example.com"]}, "invalid audience (aud) claim"),
        ({"bound_claims": {"sub": "repo:acme/vault-config:ref:refs/heads/other"}}, "does not match any associated"),
    ],
)
def test_a_job_of_another_audience_or_branch_is_refused_with_the_servers_reason(
    project: Project,
    proxy: Proxy,
    signer: Signer,
    provider: Stub,
    unique: str,
    system: str,
    role: dict[str, Any],
    reason: str,
) -> None:
    configure(project, unique, provider, **role)
    audience = {"audience": AUDIENCE} if system == "github" else {}
    logs_in(project, method="jwt", mount=unique, role="ci", oidc_from=system, **audience)

    result = project.run("plan", env={**proxy.access, **job(system, signer, provider)})

    assert (result.exit_code, reason in result.stderr) == (1, True), result
    assert tokens(proxy) == set()
