"""How groups are read and written: members by name, which servers know by id; then the alias.

Source: Vault API, `/identity/group`; OpenBao 2.7.2, Vault 2.1 and 1.19.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vaultconf.http import Request
from vaultconf.identity_fields import accessor_of, id_of, ids_of, mount_of, no_root
from vaultconf.kind import Kind, Lookups, Steps, Write, body_of
from vaultconf.nouns import ANY, Values

_MEMBERS = {
    "member_entities": ("member_entity_ids", "identity/entity"),
    "member_groups": ("member_group_ids", "identity/group"),
}


def lookups(data: Mapping[str, Any]) -> Lookups:
    """The names of the members; one that has gone meanwhile keeps its id."""
    found = dict(data)
    for name, (ids, path) in _MEMBERS.items():
        found[name] = []
        for member in data.get(ids) or ():
            entry = yield f"{path}/id/{member}"
            found[name].append((entry or {}).get("name", member))
    return found


def from_wire(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The alias by its mount's path; that of an auth method that is gone is none."""
    alias = data.get("alias") or {}
    there = {"mount": mount_of(alias), "name": alias["name"]} if alias.get("mount_path") else {}
    return {**data, "alias": there}


def check(values: Values) -> Iterator[str]:
    """What every server refuses about a group, or what would never have a member."""
    yield from no_root(values)
    external, alias = values.get("type") == "external", (values.get("alias.mount"), values.get("alias.name"))
    if external and bool(alias[0]) != bool(alias[1]):
        yield f"`alias.{'mount' if alias[0] else 'name'}` goes with `alias.{'name' if alias[0] else 'mount'}`"
    if not external and any(alias):
        yield (
            "`alias.mount` goes with `type: external` alone"
            if alias[0]
            else "`alias.name` goes with `type: external` alone"
        )
    for name in _MEMBERS:
        if external and values.get(name):
            yield f"`{name}` is not for external groups: their auth method knows the members"


def claims(values: Values) -> Iterator[str]:
    """Its alias is no other group's."""
    if values.get("alias.mount"):
        yield f"the alias `{values.get('alias.name')}` of `{values['alias.mount']}`"


def beside(_path: str, values: Values) -> Iterator[tuple[str, str]]:
    """Members are written by their ids, and the alias is an object of its own."""
    for name, (_, path) in _MEMBERS.items():
        members = values.get(name)
        yield from (("GET", f"{path}/name/{member}") for member in (members if isinstance(members, tuple) else ()))
    if values.get("alias.mount"):
        yield "GET", "sys/auth"
        yield from (("POST", "identity/group-alias"), ("POST", f"identity/group-alias/id/{ANY}"))


def write(kind: Kind, write: Write) -> Steps:
    """Group and members first, then its alias, which names the group by its id."""
    body = body_of(kind, write)
    aliased = body.pop("alias", None) is not None
    for name, (ids, path) in _MEMBERS.items():
        members = body.pop(name, None)
        if isinstance(members, list):
            body[ids] = yield from ids_of(path, members)
    yield Request("POST", write.path, body)
    if not aliased:
        return
    there, mount = write.extras.get("alias"), str(write.values["alias.mount"])
    path = f"identity/group-alias/id/{there['id']}" if isinstance(there, Mapping) and there else ""
    if not mount:
        yield Request("DELETE", path)
        return
    owner = write.extras.get("id") or (yield from id_of(write.path))
    accessor = yield from accessor_of(mount)
    alias = {"name": write.values["alias.name"], "mount_accessor": accessor, "canonical_id": owner}
    yield Request("POST", path or "identity/group-alias", alias)
