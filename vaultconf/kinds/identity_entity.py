"""Identity entities and their aliases. Source: Vault API, `/identity/entity`; OpenBao 2.7.2, Vault 2.1 and 1.19.

Writing an alias that another entity has takes it away from that one: logins belong to who is declared.
"""

from __future__ import annotations

from collections.abc import Mapping

from vaultconf import identity_fields
from vaultconf.fields import Flag, PolicyNames, WordMap
from vaultconf.http import Request
from vaultconf.identity_fields import Aliases, accessor_of, id_of, mount_of
from vaultconf.kind import Kind, Names, Spec, Steps, Write, body_of, setting

_MEMBERSHIPS = frozenset({"direct_group_ids", "group_ids", "inherited_group_ids"})


class IdentityEntity(Spec):
    """A person or machine, by whatever ways it logs in."""

    policies: PolicyNames = setting((), "Policies that every login gets besides its own.", names="acl_policy")
    metadata: WordMap = setting({}, "Words for templated policies, and for people.")
    disabled: Flag = setting(False, "Tokens of the entity cannot be used.")
    aliases: Aliases = setting({}, "Whom the entity is known as, one for an auth method.", names="auth_method")


def _write(kind: Kind, write: Write) -> Steps:
    body = body_of(kind, write)
    wanted = body.pop("aliases", None)
    yield Request("POST", write.path, body)
    if not isinstance(wanted, Mapping):
        return
    owner = write.extras.get("id") or (yield from id_of(write.path))
    there = write.extras.get("aliases")
    old = {mount_of(alias): alias for alias in (there if isinstance(there, list) else [])}
    for mount in sorted(old.keys() - wanted.keys()):
        path = f"identity/entity-alias/id/{old[mount]['id']}"
        # Another entity may have taken it meanwhile.
        if ((yield Request("GET", path)).data or {}).get("canonical_id") == owner:
            yield Request("DELETE", path)
    for mount, alias in sorted(wanted.items()):
        accessor = yield from accessor_of(mount)
        path = f"identity/entity-alias/id/{old[mount]['id']}" if mount in old else "identity/entity-alias"
        yield Request("POST", path, {**alias, "mount_accessor": accessor, "canonical_id": owner})


KIND = Kind(
    name="identity_entity",
    title="Identity entity",
    model=IdentityEntity,
    yaml="identity.entities.{name}",
    path="identity/entity/name/{name}",
    names=Names(r".+", one_case=True, automatic=r"entity_[0-9a-f]{8}(\..+)?", filled=frozenset({"aliases"})),
    extras=("id", "aliases"),
    ignored=identity_fields.NOT_CONFIGURATION
    | {"direct_group_ids", "group_ids", "inherited_group_ids", "merged_entity_ids"},
    loses="its id, aliases and group memberships",
    claims=identity_fields.claims,
    check=identity_fields.no_root,
    write=_write,
    beside=identity_fields.beside,
)
