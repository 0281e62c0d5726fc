"""What an overlay says of a field that a document says as well: a map is one with the other, the rest replaces.

`vaultconf.overlays` has taken away from the documents what an overlay replaces or removes. What is left to do are the
maps that are values of fields, and a policy's text, which has two spellings.
"""

from __future__ import annotations

from collections.abc import Mapping

from vaultconf.declarations import RESERVED, Declaration
from vaultconf.errors import NO_USE, Place
from vaultconf.words import landed
from vaultconf.yaml_values import YamlMap


def said(declaration: Declaration, name: str, layer: int, place: Place) -> None:
    """Note where a field is said, and by which overlay."""
    declaration.places[name] = place
    if layer:
        declaration.layers[name] = layer


def lies_over(declaration: Declaration, name: str, layer: int, place: Place) -> bool:
    """Whether what is said again is an overlay's, and lies over what a document says; policy files are no documents.

    What an overlay adds to a template lies over what the same use makes of the template otherwise.
    """
    first = declaration.places[name]
    is_later = layer > declaration.layers.get(name, 0) and place.use in (NO_USE, first.use)
    return is_later and declaration.files.get(name) != first.file


def lay_over(declaration: Declaration, name: str, value: object, layer: int, place: Place) -> None:
    """Say a field once more, from an overlay."""
    before = declaration.fields[name]
    if not isinstance(before, Mapping) or not isinstance(value, Mapping):
        declaration.spoiled.discard(name)
    declaration.fields[name] = _together(before, value)
    declaration.files.pop(name, None)
    declaration.value_places.pop(name, None)
    said(declaration, name, layer, place)


def guide(declaration: Declaration, item: YamlMap, layer: int, place: Place) -> None:
    """Say the reserved key, or say it once more, from an overlay."""
    before = declaration.guidance
    declaration.guidance = item if before is None else _all_here(before, item, (place.line, place.column))
    said(declaration, RESERVED, layer, place)


def _together(below: object, above: object) -> object:
    if not isinstance(below, Mapping) or not isinstance(above, Mapping):
        return above
    return {**below, **{key: _together(below.get(key), item) for key, item in above.items()}}


def _all_here(below: YamlMap, above: YamlMap, at: tuple[int, int]) -> YamlMap:
    """Two maps as one; what is of another file stands where the key of the upper map does."""
    found = YamlMap(above.place)
    found.update({**{key: landed(item, at) for key, item in below.items()}, **above})
    found.key_places = {**dict.fromkeys(below, at), **above.key_places}
    found.places = {**dict.fromkeys(below, at), **above.places}
    return found
