"""Where references lead: the environment, the project's files, sops and the server. Used at the edge only."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from vaultconf import environment, sops
from vaultconf.contact import Contact
from vaultconf.key_values import KeyValues
from vaultconf.project import read_text
from vaultconf.references import Absent, Reference


class Sources:
    """Resolves the references of one run; a secret of the server and a file of sops are read once.

    An empty variable counts as not at hand: CI systems hand one over for a secret that does not exist. Without a
    `contact`, as before a login, nothing is read from a server. It has no text form.
    """

    def __init__(self, root: Path, contact: Contact | None) -> None:
        self.root = root
        self._secrets = KeyValues(contact) if contact is not None else None
        self._decrypted: dict[str, Mapping[str, object] | Absent] = {}

    def __repr__(self) -> str:
        return "Sources()"

    def __call__(self, reference: Reference) -> str | Absent | None:
        """Return the value behind a reference; None or Absent where it is not at hand."""
        if reference.scheme == "env":
            return environment.variable(reference.target) or None
        if reference.scheme == "vault":
            return self._secrets.value(reference.target) if self._secrets is not None else None
        if reference.scheme == "sops":
            return self._encrypted(reference.target)
        try:
            return read_text(self.root, reference.target).removesuffix("\n").removesuffix("\r")
        except ValueError:
            return None

    def _encrypted(self, target: str) -> str | Absent:
        name, _, key = target.partition("#")
        if name not in self._decrypted:
            self._decrypted[name] = sops.decrypt(self.root, name, environment.process())
        found = self._decrypted[name]
        return found if isinstance(found, Absent) else sops.pick(found, key)
