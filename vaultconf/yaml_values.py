"""Plain values out of YAML, each knowing where it was written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import NamedTuple

from vaultconf.errors import NO_USE, Place, Use


class YamlMap(dict[str, object]):
    """A mapping, with the 1-based (line, column) of itself, of each key and of each value."""

    __slots__ = ("key_places", "place", "places")

    def __init__(self, place: tuple[int, int]) -> None:
        super().__init__()
        self.place = place
        self.key_places: dict[str, tuple[int, int]] = {}
        self.places: dict[str, tuple[int, int]] = {}


class YamlList(list[object]):
    """A list, with the 1-based (line, column) of itself and of each item."""

    __slots__ = ("place", "places")

    def __init__(self, place: tuple[int, int]) -> None:
        super().__init__()
        self.place = place
        self.places: list[tuple[int, int]] = []


class Word(NamedTuple):
    """What a variable or a parameter stands for, as YAML gave it, and where that is written."""

    value: object
    place: Place


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """One document of a file; `root` is None where the document is empty, `place` is where it begins.

    Of what a template makes, `file` is the template's, `use` where it is used, `home` the document with the use, and
    `params` are its parameters. What a later `layer` says, an overlay's, is said over what an earlier one does. The
    files that are `dropped` are no policies of its `policies_from`.
    """

    file: str
    root: YamlMap | None
    place: tuple[int, int]
    use: Use = NO_USE
    home: YamlDocument | None = None
    params: Mapping[str, Word] | None = field(default=None, repr=False)
    layer: int = 0
    dropped: frozenset[str] = frozenset()

    @property
    def namespace(self) -> str:
        """The namespace as it is written; of what a template makes, that of the use. `?` for what cannot be one."""
        head = self.root if self.home is None else self.home.root
        found = head.get("namespace", "") if head is not None else ""
        return found if isinstance(found, str) else "?"


def copied(value: YamlMap, without: AbstractSet[str] = frozenset()) -> YamlMap:
    """A map of its own with the same values, but for some keys; the places are only read, and shared."""
    found = YamlMap(value.place)
    found.update((key, item) for key, item in value.items() if key not in without)
    found.key_places, found.places = value.key_places, value.places
    return found


def place_of(document: YamlDocument, path: Sequence[str | int], *, key: bool = False) -> Place:
    """Return where the value at `path` stands (with `key`, its key), or its nearest ancestor that exists.

    What came through an alias stands where the alias is; what lies inside it, where the anchor wrote it.
    """
    here = document.place
    value: object = document.root
    for step in path:
        if isinstance(value, YamlMap) and isinstance(step, str) and step in value:
            here = (value.key_places if key else value.places)[step]
            value = value[step]
        elif isinstance(value, YamlList) and isinstance(step, int) and 0 <= step < len(value):
            here = value.places[step]
            value = value[step]
        else:
            break
    return Place(document.file, *here)
