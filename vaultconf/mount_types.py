"""The types of mounts, wherever in the project they are written."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from vaultconf import mounts
from vaultconf.declarations import MountKey
from vaultconf.errors import Place
from vaultconf.yaml_values import YamlDocument, YamlMap


def written(
    documents: Iterable[YamlDocument], bad: Collection[Place | None]
) -> tuple[dict[MountKey, str], dict[MountKey, Place]]:
    """The types of mounts, "" for one that cannot be meant or stands at a `bad` place, and where they are written."""
    types: dict[MountKey, str] = {}
    places: dict[MountKey, Place] = {}
    for document in documents:
        root: Mapping[str, object] = document.root if document.root is not None else {}
        for section in ("secrets", "auth"):
            for mount, body in _items(root.get(section)):
                key = (document.namespace, section, mount)
                if isinstance(body, YamlMap) and "type" in body:
                    places[key] = Place(document.file, *body.places["type"])
                    types[key] = _meant_type(body["type"]) if places[key] not in bad else ""
                elif (section, mount) == ("auth", "token"):
                    types[key] = "token"
    return types, places


def _meant_type(text: object) -> str:
    if not isinstance(text, str) or "${" in text:
        return ""
    # All old spellings are of kv; what stands in the mount is then not the problem.
    return "kv" if text in mounts.TYPE_ALIASES else text


def _items(value: object) -> Iterable[tuple[str, object]]:
    return value.items() if isinstance(value, Mapping) else ()
