"""Google Cloud auth roles. Source: Vault API, `/auth/gcp/role`; Vault 2.1 and 1.19.

Unlike others, the server refuses fields that it does not know (422): on 1.19 all of `alias_metadata`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated

from vaultconf.fields import Duration, Flag, WordMap, WordSet, one_of
from vaultconf.kind import REQUIRED, Kind, Names, setting
from vaultconf.model import Values
from vaultconf.token_fields import OLD_NAMES, TokenFields, token_problems

#: The fields that only roles of a type have.
_OF_TYPE = {
    "iam": ("max_jwt_exp", "allow_gce_inference"),
    "gce": ("bound_zones", "bound_regions", "bound_instance_groups", "bound_labels"),
}


class GcpAuthRole(TokenFields):
    """Who of Google Cloud may log in: service accounts, or machines; all that is bound must hold."""

    type: Annotated[str, one_of("iam", "gce")] = setting(REQUIRED, "How a login proves itself.", immutable=True)
    bound_service_accounts: WordSet = setting((), "Service accounts; iam: needed, `*` is any.")
    bound_projects: WordSet = setting((), "Projects.")
    add_group_aliases: Flag = setting(False, "Add aliases for the project, its folders and organization.")
    max_jwt_exp: Duration = setting(900, "iam: longest life of the JWT; at most 1 hour.")
    allow_gce_inference: Flag = setting(True, "iam: machines may log in too.")
    bound_zones: WordSet = setting((), "gce: zones.")
    bound_regions: WordSet = setting((), "gce: regions; not looked at where there are zones.")
    bound_instance_groups: WordSet = setting((), "gce: instance groups; need zones or regions.")
    bound_labels: WordMap = setting({}, "gce: labels.")


def _check(values: Values) -> Iterator[str]:
    yield from token_problems(values)
    for wanted, names in _OF_TYPE.items():
        if values.get("type") != wanted:
            yield from (f"`{name}` needs `type: {wanted}`" for name in names if name in values)
    if values.get("type") == "iam" and not values.get("bound_service_accounts"):
        yield "a role of type iam needs `bound_service_accounts`"
    if values.get("bound_instance_groups") and not (values.get("bound_zones") or values.get("bound_regions")):
        yield "`bound_instance_groups` needs `bound_zones` or `bound_regions`"


def _labels(body: dict[str, object]) -> dict[str, object]:
    """Labels are read as a map, and taken as a list."""
    labels = body.get("bound_labels")
    if not isinstance(labels, Mapping):
        return body
    return {**body, "bound_labels": [f"{key}:{value}" for key, value in sorted(labels.items())]}


KIND = Kind(
    name="gcp_auth_role",
    title="Google Cloud auth role",
    model=GcpAuthRole,
    yaml="auth.{mount}.roles.{name}",
    path="auth/{mount}/role/{name}",
    mount_types=frozenset({"gcp"}),
    names=Names(folds=True),
    always_sent=("type",),
    ignored=frozenset({"role_id"}),
    old_names={**OLD_NAMES, "project_id": "bound_projects"},
    check=_check,
    to_wire=_labels,
)
