"""Configuration of a jwt or oidc auth method. Source: Vault API, `/auth/jwt`; OpenBao 2.7.2, Vault 2.1 and 1.19.

A write replaces all but `namespace_in_state`; the server asks the provider's URL before it stores it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from vaultconf.claims import JwksPairs, TypedMap
from vaultconf.fields import Flag, Text, WordSet, one_of
from vaultconf.kind import Kind, Obstacle, Spec, setting
from vaultconf.model import Action, Values


class JwtConfig(Spec):
    """Whose tokens are accepted, and with which keys they are checked."""

    oidc_discovery_url: Text = setting("", "URL of the provider, without `/.well-known/…`.")
    oidc_discovery_ca_pem: Text = setting("", "CA that signed the provider's certificate (PEM).")
    oidc_client_id: Text = setting("", "Client ID of this server at the provider; for logins in a browser.")
    oidc_client_secret: Text = setting(
        None, "Its secret; sent with every change.", write_only=True, told_by="oidc_client_id", secret=True
    )
    oidc_response_mode: Annotated[str, one_of("", "query", "form_post")] = setting("", "How the provider answers.")
    oidc_response_types: WordSet = setting((), "What it answers: `code`, `id_token`.")
    jwks_url: Text = setting("", "URL of the keys, in place of a provider.")
    jwks_ca_pem: Text = setting("", "CA that signed that server's certificate (PEM).")
    jwks_pairs: JwksPairs = setting((), "Several URLs of keys, each with its CA. Vault only.", only="vault")
    jwt_validation_pubkeys: WordSet = setting((), "The keys themselves (PEM).")
    bound_issuer: Text = setting("", "The value that `iss` must have.")
    jwt_supported_algs: WordSet = setting((), "Algorithms of signatures; none is the provider's, or RS256.")
    default_role: Text = setting("", "Role of a login that names none.")
    provider_config: TypedMap = setting({}, "Settings for certain providers, such as `provider: azure`.")
    namespace_in_state: Flag = setting(True, "The namespace travels in `state` instead of the redirect URI.")
    unsupported_critical_cert_extensions: WordSet = setting(
        (), "Critical extensions of certificates that are let through. Vault only.", only="vault"
    )
    override_allowed_server_names: WordSet = setting(
        (), "Names that the provider's certificate may have. OpenBao only.", only="openbao"
    )
    skip_jwks_validation: Flag = setting(
        False, "Stores a URL that does not answer; not returned. OpenBao only.", only="openbao", write_only=True
    )


_KEYS = ("oidc_discovery_url", "jwks_url", "jwks_pairs", "jwt_validation_pubkeys")


def _check(values: Values) -> Iterator[str]:
    given = [name for name in _KEYS if values.get(name)]
    if len(given) > 1 or not (given or values.get("provider_config")):
        yield f"exactly one of {', '.join(f'`{name}`' for name in _KEYS)} must be there"
    if bool(values.get("oidc_client_id")) != bool(values.get("oidc_client_secret")):
        yield "`oidc_client_id` and `oidc_client_secret` go together"
    role = values.get("default_role")
    if isinstance(role, str) and role != role.lower():
        yield f"`default_role`: the server would store it as `{role.lower()}`; write it that way"


def _obstacle(ask: Obstacle) -> str:
    return "no server can delete it; declare it, or delete the auth method" if ask.action is Action.DELETE else ""


KIND = Kind(
    name="jwt_config",
    title="JWT/OIDC configuration",
    model=JwtConfig,
    yaml="auth.{mount}.config",
    path="auth/{mount}/config",
    mount_types=frozenset({"jwt", "oidc"}),
    replaces=True,
    always_sent=("namespace_in_state",),
    ignored=frozenset({"status"}),
    check=_check,
    obstacle=_obstacle,
)
