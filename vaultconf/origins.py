"""Where `renamed_from` may take a mount from: what is somebody else's stays where it is. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from vaultconf.address import covered
from vaultconf.declarations import RESERVED, Declaration, MountKey
from vaultconf.errors import Place, Problem
from vaultconf.model import Address
from vaultconf.settings import Settings
from vaultconf.yaml_text import shown


def problems(
    declaration: Declaration, old: str, settings: Settings, foreign: Mapping[MountKey, Place]
) -> Iterator[Problem]:
    """What is wrong with taking the mount `old` ("" for none): it is outside `owns`, `external`, or has no `type`."""
    if not old or declaration.guidance is None:
        return
    kind, namespace = declaration.kind, declaration.namespace
    before = str(Address(kind.path_of({"mount": old}), namespace))
    place = declaration.places[RESERVED].beside(declaration.guidance.places["renamed_from"])
    if not settings.owned(before):
        hint = f"see {settings.places['owns']}: only what the project owns can be moved"
        yield Problem(f"`{shown(before)}` is outside `owns`", place, hint)
    if covered(settings.external, before):
        yield Problem(f"`{shown(before)}` is `external`, so somebody else's", place, "it is not this project's to move")
    opened = foreign.get((namespace, kind.section, old))
    if opened is not None:
        hint = f"see {opened}: without a `type` it is not this project's to move"
        yield Problem(f"`{shown(before)}` is somebody else's mount", place, hint)
