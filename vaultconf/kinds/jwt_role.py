"""Roles of jwt and oidc auth methods. Source: Vault API, `/auth/jwt`; OpenBao 2.7.2, Vault 2.1 and 1.19."""

from __future__ import annotations

from typing import Annotated

from vaultconf.claims import Claims, Leeway
from vaultconf.fields import Duration, Flag, Text, WordMap, WordSet, one_of
from vaultconf.kind import REQUIRED, Kind, Names, setting
from vaultconf.model import Values
from vaultconf.token_fields import OLD_NAMES, TokenFields, token_problems


class JwtRole(TokenFields):
    """Who may log in with a JWT or through an OIDC provider, and with which token."""

    role_type: Annotated[str, one_of("oidc", "jwt")] = setting("oidc", "Login with a JWT, or in a browser by OIDC.")
    user_claim: Text = setting(REQUIRED, "Claim that names the user.")
    user_claim_json_pointer: Flag = setting(False, "`user_claim` is a JSON pointer.")
    groups_claim: Text = setting("", "Claim that holds the user's groups.")
    bound_audiences: WordSet = setting((), "Values of `aud`, of which one must match.")
    bound_subject: Text = setting("", "The value that `sub` must have.")
    bound_claims: Claims = setting({}, "Claims and the values that they must have; of a list, one.")
    bound_claims_type: Annotated[str, one_of("string", "glob")] = setting(
        "string", "Whether `bound_claims` are patterns with `*`.", resets=True
    )
    claim_mappings: WordMap = setting({}, "Claims that become metadata of the alias.")
    allowed_redirect_uris: WordSet = setting((), "oidc: where a browser may be sent back to.")
    oidc_scopes: WordSet = setting((), "oidc: scopes to ask for beside `openid`.")
    max_age: Duration = setting(0, "oidc: longest time since the user proved who it is; 0 is any.")
    clock_skew_leeway: Leeway = setting(0, "jwt: leeway for all times; 0 is 60 s, -1 none.")
    expiration_leeway: Leeway = setting(0, "jwt: leeway for `exp`; 0 is 150 s, -1 none.")
    not_before_leeway: Leeway = setting(0, "jwt: leeway for `nbf`; 0 is 150 s, -1 none.")
    verbose_oidc_logging: Flag = setting(False, "Logs claims in clear; for debugging only.")
    callback_mode: Annotated[str, one_of("client", "direct", "device")] = setting(
        "client", "oidc: who receives the answer. OpenBao only.", only="openbao", resets=True
    )
    poll_interval: Duration = setting(
        0, "oidc: how often a login asks; 0 is the server's. OpenBao only.", only="openbao"
    )
    oauth2_metadata: WordSet = setting(
        (), "oidc: tokens of the provider that become metadata. OpenBao only.", only="openbao"
    )
    oidc_disable_confirmation: Flag = setting(
        False, "oidc: the browser shows no page to confirm. OpenBao only.", only="openbao"
    )
    token_policies_template_claims: Flag = setting(
        False, "`token_policies` may hold claims as `{{claim}}`. OpenBao only.", only="openbao"
    )


_BOUND = ("bound_audiences", "bound_subject", "bound_claims", "token_bound_cidrs")


def _check(values: Values) -> list[str]:
    problems = token_problems(values)
    if values.get("role_type") == "jwt" and not any(values.get(name) for name in _BOUND):
        problems.append(f"a role of type `jwt` needs one of {', '.join(f'`{name}`' for name in _BOUND)}")
    if values.get("role_type", "oidc") == "oidc" and not values.get("allowed_redirect_uris"):
        problems.append("a role of type `oidc` (the default) needs `allowed_redirect_uris`")
    claims = values.get("bound_claims")
    if values.get("bound_claims_type") == "glob" and isinstance(claims, dict):
        items = [one for item in claims.values() for one in (item if isinstance(item, tuple) else (item,))]
        if not all(isinstance(item, str) for item in items):
            problems.append("`bound_claims` can only be texts where they are patterns")
    return problems


KIND = Kind(
    name="jwt_role",
    title="JWT/OIDC role",
    model=JwtRole,
    yaml="auth.{mount}.roles.{name}",
    path="auth/{mount}/role/{name}",
    mount_types=frozenset({"jwt", "oidc"}),
    names=Names(folds=True),
    always_sent=("role_type", "user_claim"),
    old_names=OLD_NAMES,
    check=_check,
)
