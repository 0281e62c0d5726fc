"""Whether what a saved plan deletes, of which only the text of its address is known, is gone by now."""

from __future__ import annotations

import re
from collections.abc import Collection

from vaultconf import catalogue
from vaultconf.address import join, unsafe_segment
from vaultconf.kind import Kind
from vaultconf.live import Reading
from vaultconf.model import Action, Address
from vaultconf.saved import Planned, Saved
from vaultconf.scope import Scope, may_match

_HOLE = re.compile(r"\{\w+\}")


class Departed:
    """Knows where all objects of a kind were listed; `there` are the addresses of what is declared or to change.

    A namespace that the same plan deletes, and that is gone, has nothing in it any more.
    """

    def __init__(self, saved: Saved, reading: Reading, scope: Scope, there: Collection[str]) -> None:
        self.scope = scope
        self.strangers = {str(stranger.address) for stranger in reading.strangers}
        self.unlisted = [str(place) for _, place, _ in reading.unlisted]
        self.namespaces = {"", *(namespace for namespace, _ in reading.tables)}
        kind = catalogue.namespace_kind()
        if kind is not None:
            deletes = [one for one in saved.changes if one.action is Action.DELETE and one.kind == kind.name]
            # The outer before the inner.
            for planned in sorted(deletes, key=lambda one: one.address.count("/")):
                if planned.address not in there and not self.why_not(planned):
                    found = self.places(kind, planned.address)
                    self.namespaces |= {join(parent, name) for parent, name in found if "/" not in name}

    def why_not(self, planned: Planned) -> str:
        """Why an object that no new plan deletes does not count as gone; "" where it does."""
        if planned.address in self.strangers:
            return "is to be deleted, and nothing here says so (`prune`)"
        if not self.scope.covers(Address(planned.address)) or not self.is_of_a_collection(planned):
            return "is to be deleted, and is nothing that this run looks at"
        return "cannot be looked for" if any(may_match(place, planned.address) for place in self.unlisted) else ""

    def is_of_a_collection(self, planned: Planned) -> bool:
        """Whether all objects of the kind were listed where the address, which is only text, would be."""
        kind = catalogue.all_kinds().get(planned.kind)
        if kind is None or kind.always or kind.anywhere or unsafe_segment(planned.address):
            return False
        return any(not (kind.named and name in kind.builtin) for _, name in self.places(kind, planned.address))

    def places(self, kind: Kind, address: str) -> list[tuple[str, str]]:
        """What an address can stand for as one of a kind: namespaces, and names there."""
        path = "(.+)".join(map(re.escape, _HOLE.split(kind.path)))
        shapes = {name: re.compile(join(re.escape(name), path), re.DOTALL) for name in self.namespaces}
        found = {name: match for name, shape in shapes.items() if (match := shape.fullmatch(address))}
        return [(name, match[match.re.groups]) for name, match in found.items()]
