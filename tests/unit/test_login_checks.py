"""What the kinds of jwt, kubernetes and cert auth methods refuse before a server is asked."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from vaultconf.catalogue import all_kinds
from vaultconf.kind import Obstacle
from vaultconf.model import Action, Server

JWT = {"role_type": "jwt", "user_claim": "sub", "bound_subject": "x"}
NAMES = {"bound_service_account_names": ("a",), "bound_service_account_namespaces": ("b",)}


@pytest.mark.parametrize(
    ("kind", "values", "word"),
    [
        ("jwt_role", {"role_type": "jwt", "user_claim": "sub"}, "needs one of"),
        ("jwt_role", {"user_claim": "sub"}, "allowed_redirect_uris"),
        ("jwt_role", {**JWT, "bound_claims_type": "glob", "bound_claims": {"a": ("x", 5)}}, "only be texts"),
        ("jwt_role", {**JWT, "bound_claims_type": "glob", "bound_claims": {"a": True}}, "only be texts"),
        ("jwt_config", {}, "exactly one of"),
        ("jwt_config", {"jwks_url": "u", "oidc_discovery_url": "u"}, "exactly one of"),
        ("jwt_config", {"oidc_discovery_url": "u", "oidc_client_id": "me"}, "go together"),
        ("jwt_config", {"jwks_url": "u", "default_role": "CI"}, "`ci`"),
        ("kubernetes_role", {**NAMES, "bound_service_account_names": ()}, "not be empty"),
        ("kubernetes_role", {"bound_service_account_names": ("a",)}, "needs"),
        ("kubernetes_role", {**NAMES, "bound_service_account_namespaces": ("*", "a")}, "beside others"),
        ("kubernetes_config", {"kubernetes_host": "h", "token_reviewer_jwt_set": True}, "what the server says"),
        ("cert_config", {"ocsp_cache_size": 1}, "from 2"),
    ],
)
def test_values_that_no_server_takes_are_refused(kind: str, values: Mapping[str, object], word: str) -> None:
    problems = list(all_kinds()[kind].check(values))

    assert len(problems) == 1
    assert word in problems[0]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("jwt_role", {**JWT, "bound_claims_type": "glob", "bound_claims": {"a": ("x", "y*"), "b": "z"}}),
        ("jwt_role", {"user_claim": "sub", "allowed_redirect_uris": ("http://a",)}),
        ("jwt_config", {"provider_config": {"provider": "x"}}),
        ("kubernetes_role", {"bound_service_account_names": ("*",), "bound_service_account_namespace_selector": "s"}),
        ("cert_config", {"ocsp_cache_size": 2}),
    ],
)
def test_values_that_servers_take_are_let_through(kind: str, values: Mapping[str, object]) -> None:
    assert list(all_kinds()[kind].check(values)) == []


@pytest.mark.parametrize("value", [0, -2, True, "5"])
def test_a_cache_has_a_size_or_is_none(value: object) -> None:
    with pytest.raises(ValueError, match="-1 for no cache"):
        all_kinds()["cert_config"].fields["role_cache_size"].read(value)


@pytest.mark.parametrize(
    ("product", "values", "says"),
    [
        ("openbao", {"disable_local_ca_jwt": True}, True),
        ("vault", {"disable_local_ca_jwt": True}, False),
        ("openbao", {"disable_local_ca_jwt": True, "kubernetes_ca_cert": "c"}, False),
        ("openbao", {}, False),
    ],
)
def test_openbao_needs_the_certificate_of_the_api_where_the_pods_own_is_not_used(
    product: str, values: Mapping[str, object], says: bool
) -> None:
    ask = Obstacle(Action.CREATE, Server(product), {"mount": "m"}, values)

    assert bool(all_kinds()["kubernetes_config"].obstacle(ask)) is says


@pytest.mark.parametrize("kind", ["jwt_config", "kubernetes_config"])
def test_a_configuration_that_no_server_deletes_is_an_obstacle(kind: str) -> None:
    ask = Obstacle(Action.DELETE, Server("vault"), {"mount": "m"}, {})

    assert "no server can delete it" in all_kinds()[kind].obstacle(ask)
