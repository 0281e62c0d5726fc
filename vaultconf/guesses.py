"""What other people's mounts may be, where only the server knows their types: the readings that the files allow."""

from __future__ import annotations

from collections.abc import Iterator

from vaultconf import catalogue, desired, documents
from vaultconf.declarations import MountKey
from vaultconf.desired import DesiredState
from vaultconf.project import Project
from vaultconf.wanted import Opened


def readings(loaded: Project, state: DesiredState) -> tuple[list[DesiredState], list[Opened]]:
    """The files as each possible type lets them be read, and the mounts with these types."""
    states, opened = [state], list[Opened]()
    for key in state.foreign:
        namespace, section, mount = key
        if mount in catalogue.known_types(section):
            opened.append((namespace, section, mount, mount))
            continue
        for mount_type, again in _possible(loaded, key):
            states.append(again)
            opened.append((namespace, section, mount, mount_type))
    return states, opened


def _possible(loaded: Project, key: MountKey) -> Iterator[tuple[str, DesiredState]]:
    for mount_type in sorted(catalogue.known_types(key[1])):
        again = desired.build(documents.declare(loaded, {key: mount_type}), loaded.settings)
        if not again.problems:
            yield mount_type, again
