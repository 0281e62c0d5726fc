"""References between objects: what a field names must be declared, built in, or external."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from vaultconf import catalogue
from vaultconf.address import Pattern, covered
from vaultconf.declarations import Declaration, MountKey
from vaultconf.errors import Place, Problem, nearest
from vaultconf.kind import Field
from vaultconf.kind_facts import naming
from vaultconf.model import Address, Desired, Values
from vaultconf.yaml_text import shown

#: Looking for the nearest name is slow where there are thousands: after so many complaints nobody needs it.
_MOST_HINTS = 20


def targets(spec: Field, values: Values, params: Mapping[str, str], namespace: str) -> Iterator[tuple[str, Address]]:
    """The names that a field holds, with the addresses they stand for; `params` are those of the object."""
    value = values.get(spec.name)
    names = value if isinstance(value, tuple | Mapping) else (value,) if isinstance(value, str) and value else ()
    if not names:
        return
    kind = catalogue.all_kinds()[spec.marks.names]
    for name in names:
        path = kind.path_of({**(params if spec.marks.within else {}), kind.holes[-1]: name})
        yield name, Address(path, namespace)


def namespace_address(namespace: str) -> Address | None:
    """The address of the object that makes a child namespace; None where no kind does."""
    kind = catalogue.namespace_kind()
    parent, _, name = namespace.rpartition("/")
    return Address(kind.path_of({kind.holes[-1]: name}), parent) if kind is not None else None


def rank(desired: Desired) -> tuple[bool, bool, int]:
    """In which order objects are compared: namespaces first, the outer before the inner, then mounts."""
    namespace = desired.address.namespace
    depth = namespace.count("/") + 1 if namespace else 0
    return not desired.kind.is_namespace, not desired.kind.is_mount, depth


class Names:
    """What may be named, and who was found to name what is not there."""

    def __init__(
        self,
        objects: Iterable[Desired],
        external: Iterable[Pattern],
        foreign: Iterable[MountKey],
        removed: Mapping[tuple[str, ...], Place],
    ) -> None:
        self.declared = {desired.address for desired in objects}
        for namespace, section, mount in foreign:
            if (kind := catalogue.mount_kind(section)) is not None:
                self.declared.add(Address(kind.path_of({"mount": mount}), namespace))
        self.external = tuple(external)
        self.removed = removed
        self.hints = 0

    def undeclared(self, desired: Desired, declaration: Declaration) -> Iterator[Problem]:
        """A problem for every name in an object that stands for nothing."""
        for spec in naming(desired.kind):
            for name, address in targets(spec, desired.values, desired.params, desired.address.namespace):
                if not self.stands(spec, name, address):
                    title = catalogue.all_kinds()[spec.marks.names].title
                    message = f"`{spec.name}` names the {title} `{shown(name)}`, which is not declared"
                    yield Problem(message, declaration.item_place(spec.name, name), self.hint(spec, name, address))

    def stands(self, spec: Field, name: str, address: Address) -> bool:
        """Whether a name stands for something."""
        if address in self.declared or name in catalogue.all_kinds()[spec.marks.names].builtin:
            return True
        return covered(self.external, address)

    def hint(self, spec: Field, name: str, address: Address) -> str:
        """What to do about a name that stands for nothing."""
        kind = catalogue.all_kinds()[spec.marks.names]
        if (place := self.removed.get((address.namespace, kind.section, name))) is not None:
            return f"an overlay removes it at {place}: take the name out as well"
        self.hints += 1
        parent = address.path.rpartition("/")[0] + "/"
        if self.hints <= _MOST_HINTS:
            siblings = {
                other.path.removeprefix(parent)
                for other in self.declared
                if other.namespace == address.namespace and other.path.startswith(parent)
            }
            found = nearest(name, siblings | kind.builtin)
            if found:
                return found
        return f"declare it, or list `{shown(str(address))}` under `external`"


def circles(objects: Iterable[Desired]) -> Iterator[Problem]:
    """A problem for every object that, by way of others, names itself: no order could make it."""
    named = {item.address: item for item in objects}
    inward: dict[Address, list[Address]] = {}
    for address, item in named.items():
        own = [spec for spec in naming(item.kind) if spec.marks.names == item.kind.name]
        if own:
            found = (targets(spec, item.values, item.params, address.namespace) for spec in own)
            inward[address] = [target for pairs in found for _, target in pairs]
    for address, start in inward.items():
        if address in _reached(inward, start):
            message = f"`{shown(str(address))}` is in itself, by way of what it names"
            yield Problem(message, named[address].place)


def _reached(inward: Mapping[Address, list[Address]], start: Iterable[Address]) -> set[Address]:
    """Whatever is named, and named by that, and so on."""
    found: set[Address] = set()
    waiting = [*start]
    while waiting:
        address = waiting.pop()
        if address not in found:
            found.add(address)
            waiting += inward.get(address, ())
    return found
