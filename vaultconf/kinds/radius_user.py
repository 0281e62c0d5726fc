"""RADIUS auth, users. Source: Vault API, `/auth/radius/users`; OpenBao 2.6.2, Vault 2.1 and 1.19.

Vault 1.19 reads names in lower case but stores, lists and deletes them as written.
"""

from __future__ import annotations

from vaultconf.fields import PolicyNames
from vaultconf.kind import ANY_FOLDED_NAME, Kind, Spec, setting


class RadiusUser(Spec):
    """What a user whom the RADIUS server knows may do."""

    policies: PolicyNames = setting((), "Policies that their tokens carry.", names="acl_policy")


KIND = Kind(
    name="radius_user",
    title="RADIUS user",
    model=RadiusUser,
    yaml="auth.{mount}.users.{name}",
    path="auth/{mount}/users/{name}",
    mount_types=frozenset({"radius"}),
    names=ANY_FOLDED_NAME,
    replaces=True,
)
