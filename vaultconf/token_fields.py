"""The `token_*` fields that roles and users of most auth methods share.

Source: Vault's API pages of the auth methods, "token fields"; seen on OpenBao 2.7.2, Vault 2.1 and 1.19.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from vaultconf.fields import Cidrs, Count, Duration, Flag, PolicyNames, WordMap, one_of
from vaultconf.kind import Spec, setting

#: Old names of the same fields, which servers return beside the new ones once they were written.
OLD_NAMES = {
    "policies": "token_policies",
    "ttl": "token_ttl",
    "max_ttl": "token_max_ttl",
    "explicit_max_ttl": "token_explicit_max_ttl",
    "period": "token_period",
    "num_uses": "token_num_uses",
    "bound_cidrs": "token_bound_cidrs",
}


class TokenFields(Spec):
    """What the tokens get that a login gives out."""

    token_policies: PolicyNames = setting((), "Policies that the token carries.", names="acl_policy")
    token_ttl: Duration = setting(0, "Lifetime of the token; 0 is the mount's default.")
    token_max_ttl: Duration = setting(0, "Longest lifetime over all renewals; 0 is the mount's maximum.")
    token_explicit_max_ttl: Duration = setting(0, "Hard end of the token's life, renewed or not; 0 is none.")
    token_period: Duration = setting(0, "Makes the token periodic: renewable for ever, each time by this long.")
    token_num_uses: Count = setting(0, "How many requests the token is good for; 0 is any number.")
    token_no_default_policy: Flag = setting(False, "Leaves the policy `default` off the token.")
    token_bound_cidrs: Cidrs = setting((), "Networks from which the token may be used.")
    token_type: Annotated[str, one_of("default", "service", "batch")] = setting(
        "default", "Kind of token; `default` is what the mount is tuned to."
    )
    token_strictly_bind_ip: Flag = setting(
        False,
        "Binds the token to the address that logged in. OpenBao only.",
        only="openbao",
    )
    alias_metadata: WordMap = setting(
        {}, "Metadata for the entity's alias. Vault 2.0 and later.", only="vault", resets=True
    )


def token_problems(values: Mapping[str, object]) -> list[str]:
    """What every server refuses about token fields (seen on 2.7.2, 2.1, 1.19)."""
    problems = []
    ttl, max_ttl = values.get("token_ttl", 0), values.get("token_max_ttl", 0)
    if isinstance(ttl, int) and isinstance(max_ttl, int) and 0 < max_ttl < ttl:
        problems.append("`token_ttl` is longer than `token_max_ttl`")
    if values.get("token_type") == "batch" and (values.get("token_period") or values.get("token_num_uses")):
        problems.append("a batch token has neither `token_period` nor `token_num_uses`")
    if values.get("token_strictly_bind_ip") is True and values.get("token_bound_cidrs"):
        problems.append("`token_strictly_bind_ip` and `token_bound_cidrs` exclude each other")
    return problems
