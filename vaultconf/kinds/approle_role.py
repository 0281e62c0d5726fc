"""AppRole roles. Source: Vault API, `/auth/approle`; OpenBao 2.7.2, Vault 2.1 and 1.19."""

from __future__ import annotations

from vaultconf.fields import Count, Duration, Flag, Networks, Text
from vaultconf.kind import Kind, Names, setting
from vaultconf.model import Values
from vaultconf.token_fields import OLD_NAMES, TokenFields, token_problems


class AppRoleRole(TokenFields):
    """A machine identity: role ID and secret ID are exchanged for a token."""

    bind_secret_id: Flag = setting(True, "A login needs a secret ID.")
    secret_id_bound_cidrs: Networks = setting((), "Networks from which a login may come.")
    secret_id_num_uses: Count = setting(0, "How many logins a secret ID is good for; 0 is any number.")
    secret_id_ttl: Duration = setting(0, "Lifetime of a secret ID; 0 is for ever.")
    local_secret_ids: Flag = setting(
        False,
        "Secret IDs are not replicated; only a new role can have another value.",
        immutable=True,
    )
    role_id: Text = setting(
        None,
        "A role ID of your own; the server makes one where it is left out.",
        chosen=True,
        read_from="auth/{mount}/role/{name}/role-id",
    )


def _check(values: Values) -> list[str]:
    problems = token_problems(values)
    if values.get("bind_secret_id") is False and not (
        values.get("secret_id_bound_cidrs") or values.get("token_bound_cidrs")
    ):
        problems.append("without `bind_secret_id` a role needs `secret_id_bound_cidrs` or `token_bound_cidrs`")
    return problems


KIND = Kind(
    name="approle_role",
    title="AppRole role",
    model=AppRoleRole,
    yaml="auth.{mount}.roles.{name}",
    path="auth/{mount}/role/{name}",
    mount_types=frozenset({"approle"}),
    names=Names(folds=True),
    old_names={**OLD_NAMES, "bound_cidr_list": "secret_id_bound_cidrs"},
    loses="its role ID and all its secret IDs",
    check=_check,
)
