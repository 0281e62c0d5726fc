"""What answers name by id: asked for one by one, or, where it is much, known from whole collections."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from vaultconf.answers import is_absent, unreadable
from vaultconf.contact import Contact
from vaultconf.http import Request
from vaultconf.model import Desired, Unreadable
from vaultconf.transport import Task

#: From this many declared objects on, whole collections are asked for.
_MANY = 50


class Directory:
    """The data of paths that are known already, by namespace and path."""

    def __init__(self, contact: Contact) -> None:
        self.contact = contact
        self.known: dict[tuple[str, str], Mapping[str, Any]] = {}

    def fill(self, objects: Iterable[Desired]) -> None:
        """Ask for the collections that tell at once what many of the objects name by id."""
        many = Counter((item.address.namespace, item.kind.directories) for item in objects if item.kind.directories)
        wanted = {(namespace, path) for (namespace, paths), n in many.items() if n >= _MANY for path in paths}
        if wanted:
            self.contact.transport.run(self.collection(*place) for place in sorted(wanted))

    def collection(self, namespace: str, path: str) -> Task[None]:
        """Note what a collection tells of its members; without an answer each is asked for when it is named."""
        answer = yield self.contact.within(Request("LIST", path), namespace)
        entries = (answer.data or {}).get("key_info") if answer.ok else None
        if isinstance(entries, Mapping):
            self.known.update(((namespace, f"{path}/{name}"), entry) for name, entry in entries.items())

    def completed(self, data: Mapping[str, Any], desired: Desired) -> Task[Mapping[str, Any] | Unreadable]:
        """The data of an object with what it names by id looked up, as its kind wants it."""
        kind, namespace = desired.kind, desired.address.namespace
        if kind.lookups is None:
            return data
        steps = kind.lookups(data)
        try:
            path = next(steps)
            while True:
                entry = self.known.get((namespace, path))
                if entry is None:
                    answer = yield self.contact.within(Request("GET", path), namespace)
                    entry = answer.data if answer.ok else None
                    if entry is None and not is_absent(kind, answer):
                        return unreadable(answer)
                path = steps.send(entry)
        except StopIteration as end:
            found: Mapping[str, Any] = end.value
            return found
