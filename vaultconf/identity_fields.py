"""What entities and groups share: names for ids and accessors, and ids and accessors for names.

Source: Vault API, `/identity`; OpenBao 2.7.2, Vault 2.1 and 1.19.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping
from typing import Annotated, Any

from vaultconf.fields import Codec
from vaultconf.http import Answer, Request
from vaultconf.nouns import ANY, Values

#: What a server returns about entities and groups beside their configuration.
NOT_CONFIGURATION = frozenset({"id", "name", "namespace_id", "creation_time", "last_update_time"})

Asking = Generator[Request, Answer, str]

_KEYS = frozenset({"mount", "name", "custom_metadata"})


def mount_of(alias: Mapping[str, Any]) -> str:
    """The mount of an alias as the server reads it; its accessor where the mount is gone."""
    path = str(alias.get("mount_path") or "")
    return path.removeprefix("auth/").rstrip("/") or str(alias.get("mount_accessor", ""))


def accessor_of(mount: str) -> Asking:
    """Ask for the accessor of an auth method. Raises ValueError where it is not there."""
    answer = yield Request("GET", "sys/auth")
    entry = (answer.data or {}).get(f"{mount}/")
    if not isinstance(entry, Mapping):
        raise ValueError(f"there is no auth method `{mount}` for the alias")
    return str(entry["accessor"])


def id_of(path: str) -> Asking:
    """Ask for the id of an entity or a group by its path. Raises ValueError where the answer does not say it."""
    answer = yield Request("GET", path)
    found = (answer.data or {}).get("id")
    if not found:
        raise ValueError(f"the server did not say the id of `{path}`")
    return str(found)


def ids_of(path: str, names: Iterable[str]) -> Generator[Request, Answer, list[str]]:
    """Ask for the ids of several."""
    found: dict[str, str] = {}
    for name in names:
        found[name] = yield from id_of(f"{path}/name/{name}")
    return list(found.values())


def _entry(item: object) -> tuple[str, dict[str, object]]:
    if not isinstance(item, Mapping) or not {"mount", "name"} <= item.keys() <= _KEYS:
        raise ValueError("must be a list of maps with `mount`, `name` and, if need be, `custom_metadata`")
    words = item.get("custom_metadata", {})
    texts = (item["mount"], item["name"], *(words.values() if isinstance(words, Mapping) else (None,)))
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("must have texts as `mount` and `name`, and a map of texts as `custom_metadata`")
    return str(item["mount"]).strip("/"), {"name": item["name"], "custom_metadata": dict(words)}


def _from_yaml(value: object) -> dict[str, dict[str, object]]:
    if not isinstance(value, list | tuple):
        raise ValueError("must be a list of maps with `mount` and `name`")
    found = dict(map(_entry, value))
    if len(found) < len(value):
        raise ValueError("has two aliases of one mount; an entity has one in each")
    return found


def _from_wire(value: object) -> dict[str, dict[str, object]]:
    """An alias of an auth method that is gone is nobody's way in; it goes with the next change of the others."""
    items = value if isinstance(value, list) else []
    return {
        mount_of(item): {"name": item["name"], "custom_metadata": dict(item.get("custom_metadata") or {})}
        for item in items
        if item.get("mount_path")
    }


_SCHEMA = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["mount", "name"],
        "additionalProperties": False,
        "properties": {
            "mount": {"type": "string", "description": "The auth method, by its path."},
            "name": {"type": "string", "description": "The name that a login has there."},
            "custom_metadata": {"type": "object", "additionalProperties": {"type": "string"}},
        },
    },
}


def _to_yaml(value: Mapping[str, Mapping[str, object]]) -> list[dict[str, object]]:
    return [
        {"mount": mount, **{key: item for key, item in alias.items() if item}} for mount, alias in sorted(value.items())
    ]


#: The aliases of an entity, by mount.
Aliases = Annotated[Mapping[str, Mapping[str, object]], Codec(_from_yaml, _from_wire, _SCHEMA, to_yaml=_to_yaml)]


def beside(_path: str, values: Values) -> Iterator[tuple[str, str]]:
    """What becomes of aliases: those that nobody declares are taken away."""
    yield from (("GET", f"identity/entity-alias/id/{ANY}"), ("DELETE", f"identity/entity-alias/id/{ANY}"))
    if values.get("aliases"):
        yield "GET", "sys/auth"
        yield from (("POST", "identity/entity-alias"), ("POST", f"identity/entity-alias/id/{ANY}"))


def claims(values: Values) -> Iterator[str]:
    """Each alias is one entity's."""
    aliases = values.get("aliases")
    for mount, alias in aliases.items() if isinstance(aliases, Mapping) else ():
        yield f"the alias `{alias['name']}` of `{mount}`"


def no_root(values: Values) -> Iterator[str]:
    """What every server refuses about policies of identities."""
    policies = values.get("policies", ())
    if isinstance(policies, tuple) and "root" in policies:
        yield "`policies` cannot have `root`: no identity gets it"
