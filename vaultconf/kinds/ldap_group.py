"""LDAP auth, groups. Source: Vault API, `/auth/ldap/groups`; OpenBao 2.6.2, Vault 2.1 and 1.19."""

from __future__ import annotations

from vaultconf.fields import PolicyNames
from vaultconf.kind import ANY_FOLDED_NAME, Kind, Spec, setting


class LdapGroup(Spec):
    """What the members of a group of the directory may do."""

    policies: PolicyNames = setting((), "Policies that its members' tokens carry.", names="acl_policy")


KIND = Kind(
    name="ldap_group",
    title="LDAP group",
    model=LdapGroup,
    yaml="auth.{mount}.groups.{name}",
    path="auth/{mount}/groups/{name}",
    mount_types=frozenset({"ldap"}),
    names=ANY_FOLDED_NAME,
    replaces=True,
)
