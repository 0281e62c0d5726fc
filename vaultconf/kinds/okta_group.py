"""Okta auth, groups. Source: Vault API, `/auth/okta/groups`; Vault 2.1 and 1.19."""

from __future__ import annotations

from vaultconf.fields import PolicyNames
from vaultconf.kind import ANY_FOLDED_NAME, Kind, Spec, setting


class OktaGroup(Spec):
    """What the members of a group of Okta may do."""

    policies: PolicyNames = setting((), "Policies that its members' tokens carry.", names="acl_policy")


KIND = Kind(
    name="okta_group",
    title="Okta group",
    model=OktaGroup,
    yaml="auth.{mount}.groups.{name}",
    path="auth/{mount}/groups/{name}",
    mount_types=frozenset({"okta"}),
    names=ANY_FOLDED_NAME,
    replaces=True,
)
