"""What the files say, as far as it decides which requests a run may send; and such a request, as a value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from vaultconf import catalogue
from vaultconf.address import covered
from vaultconf.desired import DesiredState
from vaultconf.kind import Kind
from vaultconf.model import Desired
from vaultconf.scope import Scope

#: The namespace, the section, the path and the type of a mount in which objects are looked for.
Opened = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Need:
    """A request that a run may send; in `path`, ANY and REST stand for what only the server knows."""

    method: str
    path: str
    namespace: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the files say, as far as it decides about requests; `product` is "" where nobody says which."""

    objects: tuple[Desired, ...]
    opened: tuple[Opened, ...]
    scope: Scope
    product: str = ""

    @classmethod
    def of(cls, states: Iterable[DesiredState], foreign: Iterable[Opened], scope: Scope, product: str) -> Wanted:
        """All that any of the readings of the files declares; `foreign` are other people's mounts."""
        settings = scope.settings
        forever = [hold.pattern for hold in settings.ignore if hold.until is None]
        found = {item.address: item for state in states for item in state.objects}
        looked_at = [item for item in found.values() if not covered(forever, item.address)]
        spaces = sorted({"", *(item.address.namespace for item in found.values()), *(one[0] for one in foreign)})
        opened = dict.fromkeys((*built_in(spaces), *_typed(found.values()), *foreign))
        return cls(tuple(looked_at), tuple(opened), scope, product)

    @property
    def namespaces(self) -> list[str]:
        """The namespaces that are looked into, the base first."""
        return sorted({"", *(one[0] for one in self.opened), *(item.address.namespace for item in self.objects)})


def built_in(namespaces: Iterable[str]) -> Iterator[Opened]:
    """The mounts that every server has, whose type is their name."""
    for kind in catalogue.all_kinds().values():
        if kind.is_mount:
            yield from ((space, kind.section, name, name) for space in namespaces for name in sorted(kind.builtin))


def _typed(objects: Iterable[Desired]) -> Iterator[Opened]:
    for item in objects:
        if item.kind.is_mount and "type" in item.values:
            yield item.address.namespace, item.kind.section, item.params["mount"], str(item.values["type"])


def group(kind: Kind, params: Mapping[str, str]) -> str:
    """What a rule is for: objects of a kind, or the contents of a mount."""
    if not kind.in_mount or "mount" not in params:
        return kind.title
    return f"In {'auth/' if kind.section == 'auth' else ''}{params['mount']}"
