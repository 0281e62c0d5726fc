"""LDAP auth, users. Source: Vault API, `/auth/ldap/users`; OpenBao 2.6.2, Vault 2.1 and 1.19."""

from __future__ import annotations

from typing import Annotated

from vaultconf import lists
from vaultconf.fields import Codec, PolicyNames
from vaultconf.kind import ANY_FOLDED_NAME, Kind, Spec, setting


def _groups(value: object) -> tuple[str, ...]:
    """Groups in lower case, as they can be declared. Raises ValueError."""
    found = lists.items(value, split=True)
    if any(name != name.lower() for name in found):
        raise ValueError("names a group in upper case; the server keeps their names in lower case")
    return lists.distinct(found)


Groups = Annotated[
    tuple[str, ...],
    Codec(
        _groups,
        lambda value: lists.distinct(lists.wire_items(value, split=True)),
        {"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "string"}]},
        ",".join,
    ),
]


class LdapUser(Spec):
    """What a user of the directory may do, beside what their groups may."""

    groups: Groups = setting((), "Groups that they are in, whatever the directory says.")
    policies: PolicyNames = setting((), "Policies that their tokens carry.", names="acl_policy")


KIND = Kind(
    name="ldap_user",
    title="LDAP user",
    model=LdapUser,
    yaml="auth.{mount}.users.{name}",
    path="auth/{mount}/users/{name}",
    mount_types=frozenset({"ldap"}),
    names=ANY_FOLDED_NAME,
    replaces=True,
)
