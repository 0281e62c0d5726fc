"""Something on the server that no file declares, and whose mounts it may be in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vaultconf import catalogue
from vaultconf.desired import DesiredState
from vaultconf.kind import Kind
from vaultconf.model import Action, Address, Change
from vaultconf.tables import mount_address


@dataclass(frozen=True, slots=True)
class Stranger:
    """Something on the server that no file declares."""

    kind: Kind
    address: Address
    params: Mapping[str, str]

    def deletion(self, *, protected: bool = False) -> Change:
        """The change that takes it away."""
        return Change(Action.DELETE, self.kind, self.address, self.params, protected=protected)

    @property
    def mount(self) -> Address | None:
        """The address of the mount in which it lives."""
        return mount_address(self.kind, self.params, self.address.namespace)

    @property
    def crowd(self) -> Address | None:
        """The place of all that the server makes by itself, where it is one of these; "+" stands for its name."""
        hole = self.kind.holes[-1]
        if not self.kind.names.is_automatic(self.params[hole]):
            return None
        return Address(self.kind.path_of({**self.params, hole: "+"}), self.address.namespace)


def mount_at(namespace: str, section: str, mount: str) -> Address:
    """The address of a mount, by the key under which it stands and its path."""
    kind = catalogue.mount_kind(section)
    return Address(kind.path_of({"mount": mount}) if kind is not None else mount, namespace)


def foreign_mounts(state: DesiredState) -> set[Address]:
    """The mounts that are somebody else's, and that some document opens."""
    return {mount_at(*key) for key in state.foreign}


def opened_mounts(state: DesiredState) -> set[Address]:
    """The mounts that some document opens, whoever they belong to, and those that every server has."""
    mounts = {item.address for item in state.objects if item.kind.is_mount}
    spaces = {"", *(item.address.namespace for item in state.objects)}
    kinds = [kind for kind in catalogue.all_kinds().values() if kind.is_mount]
    built_in = {mount_at(space, kind.section, name) for space in spaces for kind in kinds for name in kind.builtin}
    return foreign_mounts(state) | mounts | built_in
