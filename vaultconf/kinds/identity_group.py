"""Identity groups and their alias. Source: Vault API, `/identity/group`; OpenBao 2.7.2, Vault 2.1 and 1.19."""

from __future__ import annotations

from typing import Annotated

from vaultconf import identity_groups
from vaultconf.fields import PolicyNames, Text, WordMap, WordSet, one_of
from vaultconf.identity_fields import NOT_CONFIGURATION
from vaultconf.kind import Kind, Names, Spec, setting


class GroupAlias(Spec):
    """What an external group is called where its members log in."""

    mount: Text = setting("", "The auth method, by its path.", names="auth_method")
    name: Text = setting("", "The group's name there.")


class IdentityGroup(Spec):
    """A group of entities and groups; the members of an external one are known to an auth method alone."""

    type: Annotated[str, one_of("internal", "external")] = setting("internal", "Kind of group.", immutable=True)
    policies: PolicyNames = setting((), "Policies that the members get.", names="acl_policy")
    metadata: WordMap = setting({}, "Words for templated policies, and for people.")
    member_entities: WordSet = setting((), "Entities in it, by name.", names="identity_entity")
    member_groups: WordSet = setting((), "Groups in it, by name.", names="identity_group")
    alias: GroupAlias = GroupAlias()


KIND = Kind(
    name="identity_group",
    title="Identity group",
    model=IdentityGroup,
    yaml="identity.groups.{name}",
    path="identity/group/name/{name}",
    names=Names(r".+", one_case=True, automatic=r"group_[0-9a-f]{8}(\..+)?"),
    always_sent=("type",),
    directories=("identity/entity/id", "identity/group/id"),
    lookups=identity_groups.lookups,
    extras=("id", "alias"),
    ignored=NOT_CONFIGURATION | {"member_entity_ids", "member_group_ids", "parent_group_ids", "modify_index"},
    loses="its id and its place in other groups",
    claims=identity_groups.claims,
    check=identity_groups.check,
    from_wire=identity_groups.from_wire,
    write=identity_groups.write,
    beside=identity_groups.beside,
)
