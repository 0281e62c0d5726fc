"""Roles of kubernetes auth methods. Source: Vault API, `/auth/kubernetes`; OpenBao 2.7.2, Vault 2.1 and 1.19."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from vaultconf.fields import Text, WordSet, one_of
from vaultconf.kind import REQUIRED, Kind, Names, setting
from vaultconf.model import Values
from vaultconf.token_fields import OLD_NAMES, TokenFields, token_problems


class KubernetesRole(TokenFields):
    """Which service accounts may log in, and with which token."""

    bound_service_account_names: WordSet = setting(REQUIRED, "Service accounts that may log in; `*` for all.")
    bound_service_account_namespaces: WordSet = setting((), "Their namespaces; `*` for all.")
    bound_service_account_namespace_selector: Text = setting(
        "", "A label selector (JSON or YAML) for namespaces, beside or in place of their names.", resets=True
    )
    audience: Text = setting("", "Audience that the service account's token must have.")
    alias_name_source: Annotated[str, one_of("serviceaccount_uid", "serviceaccount_name")] = setting(
        "serviceaccount_uid", "What names the alias of the entity."
    )


def _check(values: Values) -> Iterator[str]:
    yield from token_problems(values)
    names, namespaces = values.get("bound_service_account_names"), values.get("bound_service_account_namespaces")
    if names == ():
        yield "`bound_service_account_names` must not be empty"
    if not namespaces and not values.get("bound_service_account_namespace_selector"):
        yield "a role needs `bound_service_account_namespaces` or `bound_service_account_namespace_selector`"
    for name in ("bound_service_account_names", "bound_service_account_namespaces"):
        found = values.get(name)
        if isinstance(found, tuple) and "*" in found and len(found) > 1:
            yield f"`{name}`: `*` cannot stand beside others"


KIND = Kind(
    name="kubernetes_role",
    title="Kubernetes role",
    model=KubernetesRole,
    yaml="auth.{mount}.roles.{name}",
    path="auth/{mount}/role/{name}",
    mount_types=frozenset({"kubernetes"}),
    names=Names(folds=True),
    old_names=OLD_NAMES,
    check=_check,
)
