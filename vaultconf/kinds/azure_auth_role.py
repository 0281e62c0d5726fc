"""Azure auth roles. Source: Vault API, `/auth/azure/role`; Vault 2.1 and 1.19."""

from __future__ import annotations

from collections.abc import Iterator

from vaultconf.fields import WordSet
from vaultconf.kind import Kind, Names, setting
from vaultconf.model import Values
from vaultconf.token_fields import OLD_NAMES, TokenFields, token_problems


class AzureAuthRole(TokenFields):
    """Which machines and principals of Azure may log in; all that is bound must hold."""

    bound_service_principal_ids: WordSet = setting((), "IDs of service principals; `*` is any.")
    bound_group_ids: WordSet = setting((), "IDs of groups.")
    bound_locations: WordSet = setting((), "Locations of machines.")
    bound_subscription_ids: WordSet = setting((), "IDs of subscriptions.")
    bound_resource_groups: WordSet = setting((), "Resource groups.")
    bound_scale_sets: WordSet = setting((), "Scale sets.")


def _check(values: Values) -> Iterator[str]:
    yield from token_problems(values)
    if not any(value for name, value in values.items() if name.startswith("bound_")):
        yield "a role needs at least one `bound_…` field"


KIND = Kind(
    name="azure_auth_role",
    title="Azure auth role",
    model=AzureAuthRole,
    yaml="auth.{mount}.roles.{name}",
    path="auth/{mount}/role/{name}",
    mount_types=frozenset({"azure"}),
    names=Names(folds=True),
    old_names=OLD_NAMES,
    check=_check,
)
