"""Who names an object: each use of a template makes its own, and documents complete one another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from vaultconf.errors import Place
from vaultconf.kind import Kind
from vaultconf.yaml_values import Word, YamlMap


class Maker(NamedTuple):
    """A body of an object: where it stands, the words of the use that makes it, and whether it says any field."""

    place: Place
    params: Mapping[str, Word] | None
    is_empty: bool

    def excludes(self, other: Maker) -> bool:
        """Whether not both can be meant: they are of two uses, or one is written by hand and neither says anything.

        The parts of one use share their words, and no two uses do; an alias can give two the same line.
        """
        if self.params is other.params:
            return False
        is_by_hand = self.params is None or other.params is None
        return not is_by_hand or (self.is_empty and other.is_empty)


def joined(makers: tuple[Maker, ...], maker: Maker) -> tuple[Maker, ...]:
    """The bodies of an object with one more; of those that are alike here, the first."""
    is_known = any(one.params is maker.params and one.is_empty == maker.is_empty for one in makers)
    return makers if is_known else (*makers, maker)


def says_nothing(kind: Kind, value: object) -> bool:
    """Whether a body says nothing that could not be said once more: no field, but for the `type` of a mount."""
    return value is None or (isinstance(value, YamlMap) and value.keys() <= ({"type"} if kind.is_mount else set()))
