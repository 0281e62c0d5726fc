"""What the walk over the documents leaves behind: declarations under construction, and every problem."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from vaultconf.errors import Place, Problem
from vaultconf.kind import Kind
from vaultconf.makers import Maker
from vaultconf.strict_yaml import YamlList, YamlMap

#: The reserved key of an object, which is ours and not Vault's.
RESERVED = "vaultconf"

#: What is spoiled where an object has no fields that could be read.
WHOLE = ""

MountKey = tuple[str, str, str]  # namespace, section, mount path


@dataclass(slots=True)
class Declaration:
    """One object under construction: what was said of it so far, in any document.

    `places` are those of the fields' names, `value_places` those of their values. Of `spoiled` fields the value has
    a problem of its own: they count as written, and are not judged. `files` says in which policy file a text stands,
    `layers` which overlay says a field, where one does; the last overlay that names the object does so at `overlaid`.
    `makers` are the bodies that it has in documents.
    """

    kind: Kind
    namespace: str
    params: Mapping[str, str]
    place: Place
    path: str
    owner: str = ""
    fields: dict[str, object] = field(default_factory=dict, repr=False)
    places: dict[str, Place] = field(default_factory=dict)
    value_places: dict[str, Place] = field(default_factory=dict)
    spoiled: set[str] = field(default_factory=set)
    files: dict[str, str] = field(default_factory=dict)
    layers: dict[str, int] = field(default_factory=dict)
    overlaid: Place | None = None
    guidance: YamlMap | None = None
    makers: tuple[Maker, ...] = field(default=(), repr=False)

    def place_of(self, name: str) -> Place:
        """Where the value of a field stands, or the nearest to it that is known."""
        return self.value_places.get(name) or self.places.get(name) or self.place

    def item_place(self, name: str, word: str) -> Place:
        """Where a word of a list stands, whatever its case; the list's own place where that is not known."""
        value, place = self.fields.get(name), self.place_of(name)
        if isinstance(value, YamlList):
            for item, at in zip(value, value.places, strict=True):
                if isinstance(item, str) and item.strip().lower() == word.lower():
                    return place.beside(at)
        return place


@dataclass(slots=True)
class Declarations:
    """All declarations of a run, the mounts that were opened without a type, and every problem.

    `unchecked` are children of mounts whose type only the server knows. `whole` is False where a file could not be
    read to its end, so that what nobody declares may only be unread. `sources` are the YAML files as read, and
    `removed` says where an overlay removes something, by namespace and path.
    """

    objects: dict[tuple[str, str], Declaration] = field(default_factory=dict)
    foreign: dict[MountKey, Place] = field(default_factory=dict)
    unchecked: list[Place] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    whole: bool = True
    sources: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    removed: Mapping[tuple[str, ...], Place] = field(default_factory=dict)
