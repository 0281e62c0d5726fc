"""Token roles. Source: Vault API, `/auth/token/roles`; OpenBao 2.7.2, Vault 2.1 and 1.19."""

from __future__ import annotations

from typing import Annotated

from vaultconf.fields import Cidrs, Count, Duration, Flag, FoldedSet, PolicyNames, Text, one_of
from vaultconf.kind import Kind, Spec, setting
from vaultconf.token_fields import OLD_NAMES


class TokenRole(Spec):
    """What a token may be that is created against this role."""

    allowed_policies: PolicyNames = setting((), "Policies that a token may be given.", names="acl_policy")
    allowed_policies_glob: FoldedSet = setting((), "The same, with `*`.")
    disallowed_policies: FoldedSet = setting((), "Policies that no token is given.")
    disallowed_policies_glob: FoldedSet = setting((), "The same, with `*`.")
    allowed_entity_aliases: FoldedSet = setting((), "Entity aliases that a token may be bound to.")
    orphan: Flag = setting(False, "Tokens have no parent.")
    renewable: Flag = setting(True, "Tokens can be renewed.")
    path_suffix: Text = setting("", "Appended to the path under which tokens are made.")
    token_type: Annotated[str, one_of("default-service", "default-batch", "service", "batch")] = setting(
        "default-service", "Kind of token."
    )
    token_explicit_max_ttl: Duration = setting(0, "Hard end of a token's life; 0 is none.")
    token_period: Duration = setting(0, "Makes tokens periodic.")
    token_num_uses: Count = setting(0, "How many requests a token is good for; 0 is any number.")
    token_no_default_policy: Flag = setting(False, "Leaves the policy `default` off.")
    token_bound_cidrs: Cidrs = setting((), "Networks from which a token may be used.")
    token_strictly_bind_ip: Flag = setting(
        False,
        "Binds a token to the address that asked for it; not returned by the server.",
        only="openbao",
        write_only=True,
    )


KIND = Kind(
    name="token_role",
    title="Token role",
    model=TokenRole,
    yaml="auth.{mount}.roles.{name}",
    path="auth/{mount}/roles/{name}",
    mount_types=frozenset({"token", "ns_token"}),
    old_names=OLD_NAMES,
    ignored=frozenset({"name"}),
)
