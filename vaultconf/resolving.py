"""Where references lead: the environment and the project's files. Used at the edge only."""

from __future__ import annotations

from pathlib import Path

from vaultconf import environment
from vaultconf.project import read_text
from vaultconf.references import Reference, Resolver


def resolver(root: Path) -> Resolver:
    """A resolver for the project at `root`; what is not at hand yields None.

    An empty variable counts as not at hand: CI systems hand one over for a secret that does not exist.
    """

    def resolve(reference: Reference) -> str | None:
        if reference.scheme == "env":
            return environment.variable(reference.target) or None
        try:
            return read_text(root, reference.target).removesuffix("\n").removesuffix("\r")
        except ValueError:
            return None

    return resolve
