"""Something on the server that no file declares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vaultconf.kind import Kind
from vaultconf.model import Address
from vaultconf.tables import mount_address


@dataclass(frozen=True, slots=True)
class Stranger:
    """Something on the server that no file declares."""

    kind: Kind
    address: Address
    params: Mapping[str, str]

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
