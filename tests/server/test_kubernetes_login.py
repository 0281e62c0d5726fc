"""A pod against the TokenReview API: vaultconf configures the method, and then logs in with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.support import kubernetes
from tests.support.cli import Project
from tests.support.jwt import Signer, client_certificate
from tests.support.kubernetes import AUDIENCE, REVIEWS, Cluster
from tests.support.logins import POLICY, assert_one_token_that_is_gone, logs_in, tokens
from tests.support.proxy import Proxy, in_front_of
from tests.support.raw import Raw
from tests.support.servers import Server


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    with in_front_of(server) as running:
        yield running


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with kubernetes.running(Signer.new(tmp_path_factory.mktemp("keys"))) as running:
        yield running


@pytest.fixture(autouse=True)
def configured(project: Project, cluster: Cluster, unique: str) -> None:
    """Apply a method that asks the cluster, and a role for the service account `deployer` in `ci`."""
    authority = client_certificate(cluster.signer.key.parent, "kubernetes")[0].read_text()
    config = {
        "kubernetes_host": cluster.api.address,
        "kubernetes_ca_cert": authority,
        "token_reviewer_jwt": "${env:REVIEWER_JWT}",
        "disable_local_ca_jwt": True,
    }
    role = {
        "bound_service_account_names": ["deployer"],
        "bound_service_account_namespaces": ["ci"],
        "audience": AUDIENCE,
        "token_policies": [unique],
    }
    method = {"type": "kubernetes", "config": config, "roles": {"ci": role}}
    wanted = {"policies": {unique: {"policy": POLICY}}, "auth": {unique: method}}
    project.write("desired-state/pods.yaml", yaml.safe_dump(wanted))
    applied = project.run("apply", "--yes", env={"REVIEWER_JWT": cluster.reviewer})
    assert applied.exit_code == 0, applied


def by_token_file(project: Project, mount: str, folder: Path, token: str) -> None:
    """Let the project log in as a pod does: with the token in a file outside of the project."""
    file = folder / "token"
    file.write_text(token)
    logs_in(project, method="kubernetes", mount=mount, role="ci", jwt_file=str(file))


def test_a_pod_logs_in_with_the_token_of_its_service_account(
    project: Project,
    server: Server,
    raw: Raw,
    proxy: Proxy,
    cluster: Cluster,
    unique: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    by_token_file(project, unique, tmp_path_factory.mktemp("pod"), cluster.pod("ci", "deployer"))

    result = project.run("plan", "--only", f"auth/{unique}*", "--detailed-exitcode", env=proxy.access)

    assert result.exit_code == 0, result
    assert cluster.api.targets == [REVIEWS]
    assert_one_token_that_is_gone(proxy, server)


@pytest.mark.parametrize(
    ("namespace", "name", "reason"),
    [("ci", "other", "service account name not authorized"), ("dev", "deployer", "namespace not authorized")],
)
def test_a_pod_that_the_role_does_not_name_is_refused_with_the_servers_reason(
    project: Project,
    proxy: Proxy,
    cluster: Cluster,
    unique: str,
    namespace: str,
    name: str,
    reason: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    by_token_file(project, unique, tmp_path_factory.mktemp("pod"), cluster.pod(namespace, name))

    result = project.run("plan", env=proxy.access)

    assert (result.exit_code, reason in result.stderr) == (1, True), result
    assert tokens(proxy) == set()


def test_a_token_that_the_cluster_does_not_know_is_refused(
    project: Project, proxy: Proxy, cluster: Cluster, unique: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    forged = cluster.account("ci", "deployer")
    by_token_file(project, unique, tmp_path_factory.mktemp("pod"), forged)

    result = project.run("plan", env=proxy.access)

    assert (result.exit_code, "was refused" in result.stderr, forged in str(result)) == (1, True, False), result
    assert cluster.api.targets == [REVIEWS]
    assert tokens(proxy) == set()
