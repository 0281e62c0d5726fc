"""A whole export: look at the server, write down what is there, and try out what was written before it is kept."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from vaultconf import catalogue, desired, documents, export_files, output, project
from vaultconf.address import Pattern
from vaultconf.contact import Contact
from vaultconf.desired import DesiredState
from vaultconf.diff import compare
from vaultconf.errors import InputError, Place, Problem
from vaultconf.export import Export, LeftOut, not_there, provided, untold, written
from vaultconf.model import Address, Desired, Live, Server
from vaultconf.scope import Scope
from vaultconf.survey import Survey, look
from vaultconf.yaml_text import shown


def export(contact: Contact, scope: Scope, declared: frozenset[Address]) -> Export:
    """Everything that the server has and that is not `declared`, as the files of a project.

    What no file can declare is left out, and named. Raises InputError where nothing that was written can be read.
    """
    survey = look(contact, scope)
    found = [(item, live) for item, live in survey.objects if item.address not in declared]
    objects = written(found, contact.server)
    trial = _Trial(survey, contact.server)
    left_out: dict[Address, LeftOut] = {}
    while bad := trial.faults(objects):
        left_out.update((item.address, LeftOut(item.kind, item.address, reason)) for item, reason in bad)
        objects = [item for item in objects if item.address not in left_out]
    return Export(
        server=contact.server,
        files=export_files.files(objects),
        objects=tuple(objects),
        provide=tuple(provided(objects)),
        left_out=tuple(left_out[address] for address in sorted(left_out, key=str)),
        blocked=tuple(sorted(survey.blocked, key=lambda item: str(item.address))),
        held=survey.held,
        external=tuple(sorted(not_there(objects) - set(map(str, declared)))),
        notices=(*_notices(survey, contact.server, found, objects, left_out), *_beyond(survey, scope)),
    )


def _notices(
    survey: Survey,
    server: Server,
    found: Iterable[tuple[Desired, Live]],
    objects: Iterable[Desired],
    left_out: Mapping[Address, LeftOut],
) -> Iterator[str]:
    """What is there and is not in the files, beside what was left out."""
    for name, fields in sorted(survey.unknown_fields.items()):
        yield f"{name}: this version does not know, and does not export, {', '.join(f'`{x}`' for x in sorted(fields))}"
    for kind in sorted({item.kind.name: item.kind for item in objects}.values(), key=lambda kind: kind.name):
        if blind := sorted(untold(kind, server)):
            listed = ", ".join(f"`{name}`" for name in blind)
            yield f"{kind.name}: the server tells nothing of {listed}; add what is set there"
    there = {item.address for item in objects} | left_out.keys()
    automatic = Counter(
        item.kind.title
        for item, _ in found
        if item.address not in there and item.kind.names.is_automatic(item.params[item.kind.holes[-1]])
    )
    for title, count in sorted(automatic.items()):
        yield f"{title}: {count:,} that logins made, and nobody changed, are not exported"


def _beyond(survey: Survey, scope: Scope) -> Iterator[str]:
    """What stands in mounts of which no kind is known, and patterns that match nothing."""
    closed: dict[str, list[str]] = {}
    for (namespace, section, mount), mount_type in survey.types.items():
        mounts = catalogue.mount_kind(section)
        if mounts is None or mount in mounts.builtin or mount_type in catalogue.known_types(section):
            continue
        address = Address(mounts.path_of({"mount": mount}), namespace)
        if scope.covers(address):
            closed.setdefault(f"{section} of type `{shown(mount_type)}`", []).append(shown(str(address)))
    for title, addresses in sorted(closed.items()):
        listed = ", ".join(sorted(addresses))
        yield f"{title}: only the mount is exported, what stands in it is not in this version: {listed}"
    there = [str(item.address) for item, _ in survey.objects] + [str(item.address) for item in survey.blocked]
    for pattern in scope.only:
        if not any(map(pattern.matches, there)):
            yield f"`--only {pattern.text}` matches nothing that is there"


_NO_NAME = "no file can declare this name"


@dataclass(frozen=True, slots=True)
class _Trial:
    """Reads back what was written, and compares it with the server."""

    survey: Survey
    server: Server

    def faults(self, objects: list[Desired]) -> list[tuple[Desired, str]]:
        """The objects that no file can declare, each with the reason. Raises InputError for what is no object's."""
        if bad := list(_unnameable(objects)):
            return bad
        state = self.read_back(objects)
        by_address = {item.address: item for item in objects}
        read = {item.address: item for item in state.objects}
        if missing := by_address.keys() - read.keys():
            return [(by_address[address], _NO_NAME) for address in missing]
        reasons: dict[Address, str] = {}
        for address, live in self.live.items():
            if reason := self.difference(read.get(address), live):
                reasons[address] = reason
        reasons |= _owners(state, objects)
        found = [(by_address[address], reason) for address, reason in reasons.items() if address in by_address]
        if state.problems and not found:
            raise InputError(state.problems)
        return found

    @property
    def live(self) -> dict[Address, Live]:
        """What the server has, by address."""
        return {item.address: live for item, live in self.survey.objects}

    def read_back(self, objects: Iterable[Desired]) -> DesiredState:
        """The files of the objects, written and loaded as those of any project."""
        objects = tuple(objects)
        with tempfile.TemporaryDirectory(prefix="vaultconf-export-") as folder:
            root = Path(folder)
            settings = export_files.settings_file(not_there(objects), self.server.product)
            output.write(root, {**settings, **export_files.files(objects)})
            loaded = project.load(root)
            return desired.build(documents.declare(loaded, self.survey.types), loaded.settings)

    def difference(self, item: Desired | None, live: Live) -> str:
        """Why an object, as read back, would not leave the server as it is; "" where it would."""
        if item is None:
            return ""
        found = compare(item, live, self.server, lambda _: None)
        fields = ", ".join(f"`{change.field}`" for change in found.fields)
        return f"{fields} cannot be written as the server has it" if fields else ""


def _unnameable(objects: Iterable[Desired]) -> Iterator[tuple[Desired, str]]:
    """Objects that name what is not there by a name that no pattern can spell."""
    objects = tuple(objects)
    missing = not_there(objects)
    bad = {address for address in missing if not _is_pattern(address)}
    for item in objects if bad else ():
        if named := sorted(bad & not_there([item])):
            yield (
                item,
                f"it names `{shown(named[0])}`, which is not in this export and cannot be written under `external`",
            )


def _is_pattern(text: str) -> bool:
    try:
        Pattern.parse(text)
    except ValueError:
        return False
    return True


def _owners(state: DesiredState, objects: Iterable[Desired]) -> dict[Address, str]:
    """The object in which each problem lies: the last one that begins before it."""
    exported = {item.address for item in objects}
    begun = sorted((item.place, item.address) for item in state.objects if item.address in exported and item.place.file)
    found: dict[Address, str] = {}
    for problem in state.problems:
        place = problem.place or Place("", 0, 0)
        before = [address for start, address in begun if start.file == place.file and start <= place]
        if before:
            found.setdefault(before[-1], _in_words(problem))
    return found


def _in_words(problem: Problem) -> str:
    return f"{problem.message} ({problem.hint})" if problem.hint else problem.message
