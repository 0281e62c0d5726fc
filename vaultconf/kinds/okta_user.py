"""Okta auth, users. Source: Vault API, `/auth/okta/users`; Vault 2.1 and 1.19."""

from __future__ import annotations

from vaultconf.fields import PolicyNames, WordSet
from vaultconf.kind import ANY_NAME, Kind, Spec, setting


class OktaUser(Spec):
    """What a user of Okta may do, beside what their groups may."""

    groups: WordSet = setting((), "Groups that they are in, whatever Okta says.")
    policies: PolicyNames = setting((), "Policies that their tokens carry.", names="acl_policy")


KIND = Kind(
    name="okta_user",
    title="Okta user",
    model=OktaUser,
    yaml="auth.{mount}.users.{name}",
    path="auth/{mount}/users/{name}",
    mount_types=frozenset({"okta"}),
    names=ANY_NAME,
    replaces=True,
)
