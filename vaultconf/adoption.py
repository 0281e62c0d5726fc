"""A whole adoption: what of the server belongs into the files, written and tried out before any file is changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from vaultconf import adopting, desired, documents, neighbours
from vaultconf.address import Pattern, covered
from vaultconf.adopt_trial import Trial
from vaultconf.adopt_values import Fields, judged
from vaultconf.adopting import Edited
from vaultconf.contact import Contact
from vaultconf.desired import DesiredState
from vaultconf.errors import InputError, Place, Problem, Refused
from vaultconf.export import Provide, Variables, provided, untold, written
from vaultconf.kind import Kind
from vaultconf.live import Reading
from vaultconf.model import Action, Address, Desired, Held, Live, Plan, Server, Unreadable
from vaultconf.project import Project
from vaultconf.scope import Scope
from vaultconf.strangers import foreign_mounts
from vaultconf.survey import Survey, look
from vaultconf.yaml_text import shown


@dataclass(frozen=True, slots=True)
class Adopted:
    """An object that the files now say as the server has it; `fields` that were written; `new`: nobody declared it."""

    kind: Kind
    address: Address
    new: bool
    fields: tuple[str, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Adoption:
    """What an adoption wrote, or will: `files` and what they were `before` (None: not there)."""

    server: Server
    adopted: tuple[Adopted, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    before: Mapping[str, bytes | None] = field(default_factory=dict, repr=False)
    provide: tuple[Provide, ...] = ()
    notices: tuple[str, ...] = ()
    errors: tuple[Problem, ...] = ()


def find(  # noqa: PLR0913, PLR0917 - the files, the server, and what is known of both
    loaded: Project, target: str, contact: Contact, made: Plan, reading: Reading, scope: Scope
) -> Adoption:
    """Work out what the files must say; writes nothing.

    Raises InputError with everything that stands against it, Refused where another project's ledger has an object.
    """
    survey = look(contact, scope)
    state = desired.build(documents.declare(loaded, survey.types), loaded.settings)
    search = _Search(made, reading, scope, survey, state, contact)
    differing = list(search.differing())
    found = search.strangers()
    objects = written(found, contact.server)
    problems = [*search.problems, *search.unmatched()]
    edited = adopting.edit(loaded, differing, objects)
    if problems or edited.problems:
        raise InputError([*problems, *edited.problems])
    expected = {item.address: live for item, live in found} | {item.desired.address: item.live for item in differing}
    must_be = frozenset([*(item.address for item in objects), *(item.desired.address for item in differing)])
    trial = Trial(loaded, target, state, survey.types, expected, must_be, contact.server, contact.resolve)
    after = trial.read(edited.files) if edited.files else state
    mine = replace(made, changes=(), declared=tuple(item for item in after.objects if item.address in must_be))
    if taken := neighbours.claims(mine, contact, loaded.settings)[0]:
        raise Refused(taken)
    return Adoption(
        contact.server,
        tuple(sorted(_adopted(after, differing, objects), key=lambda item: str(item.address))),
        edited.files,
        edited.before,
        tuple(provided([*(replace(item.desired, values=item.references) for item in differing), *objects])),
        (
            *search.notices,
            *_for_all_targets(loaded, edited),
            *_notices(loaded, scope, contact.server, [item for item, _ in found], objects),
        ),
    )


class _Search:
    """Looks at everything that the patterns match."""

    def __init__(  # noqa: PLR0913, PLR0917 - likewise
        self, made: Plan, reading: Reading, scope: Scope, survey: Survey, state: DesiredState, contact: Contact
    ) -> None:
        self.made, self.reading, self.scope, self.survey = made, reading, scope, survey
        self.state, self.contact = state, contact
        self.problems: list[Problem] = [*made.errors, *self.held(), *self.blocked(), *self.secret()]
        self.notices: list[str] = []
        self.variables = Variables()

    def covers(self, address: Address) -> bool:
        return covered(self.scope.only, address)

    def held(self) -> Iterator[Problem]:
        """What the settings say to leave alone."""
        found: dict[Address, Held] = {item.address: item for item in (*self.made.held, *self.survey.held)}
        for address, item in found.items():
            if self.covers(address):
                why = "".join(
                    (f" until {item.until}" if item.until else "", f" ({item.reason})" if item.reason else "")
                )
                hint = "take it out of `ignore` in vaultconf.yaml first"
                yield Problem(f"`{shown(str(address))}` is held{why}", None, hint, str(address))

    def blocked(self) -> Iterator[Problem]:
        """What could not be read."""
        for item in {item.address: item for item in (*self.survey.blocked, *self.made.blocked)}.values():
            if self.covers(item.address):
                status = f" ({item.status})" if item.status else ""
                message = f"`{shown(str(item.address))}` could not be read: {item.reason}{status}"
                yield Problem(message, None, "adopt what can be read by its own address", str(item.address))

    def secret(self) -> Iterator[Problem]:
        """What the ledger knows to differ, and no answer of the server holds; and mounts that wait to be moved."""
        for change in self.made.changes:
            fields = [
                item.field for item in change.fields if item.secret and change.kind.fields[item.field].marks.write_only
            ]
            if change.action is Action.UPDATE and fields and not change.kind.is_open:
                listed = ", ".join(f"`{shown(name)}`" for name in fields)
                message = f"{listed} of `{shown(str(change.address))}` is a secret that no server tells"
                hint = "`vaultconf apply` sends what the files refer to"
                yield Problem(message, change.source, hint, str(change.address))
            elif change.action is Action.MOVE:
                message = f"`{shown(str(change.address))}` is still to be moved"
                yield Problem(message, change.source, "apply that first", str(change.address))

    # --- what is declared ---

    def differing(self) -> Iterator[Fields]:
        """The declared objects that differ, with the fields to write."""
        same = 0
        unread = {item.address for item in self.made.blocked}
        for item in self.state.objects:
            left = item.address in unread or self.scope.held(item.address) is not None
            if left or not self.covers(item.address):
                continue
            live = self.reading.objects.get(item.address)
            if live is None and not item.kind.always:
                hint = "delete its lines, or make it with `vaultconf apply`"
                message = f"`{shown(str(item.address))}` is not on the server, so that there is nothing to adopt"
                self.problems.append(Problem(message, item.place, hint, str(item.address)))
            if live is None or isinstance(live, Unreadable):
                continue
            found = self.fields(item, live)
            same += found is None
            if found is not None:
                yield found
        if same:
            self.notices.append(f"{same:,} of what matches {'is' if same == 1 else 'are'} as the files say already")

    def fields(self, item: Desired, live: Live) -> Fields | None:
        """What to write of one object; None where nothing is."""
        if item.guidance.create_only:
            self.notices.append(f"{item.address}: create_only, so it is not compared")
            return None
        found, problems = judged(item, live, self.contact.server, self.contact.resolve, self.variables)
        self.problems += problems
        return found if found.wishes else None

    # --- what is not ---

    def strangers(self) -> list[tuple[Desired, Live]]:
        """What no file declares, with the configurations that go with a mount of these."""
        declared = {item.address for item in self.state.objects}
        folded = {
            Address(item.kind.names.key(item.address.path), item.address.namespace) for item in self.state.objects
        }
        foreign = foreign_mounts(self.state)
        found = []
        for item, live in self.survey.objects:
            key = Address(item.kind.names.key(item.address.path), item.address.namespace)
            if item.address in declared or (item.kind.names.one_case and key in folded):
                continue
            if any("${" in name for name in item.params.values()):
                message = f"`{shown(str(item.address))}` has a name that no file can declare: it reads as a reference"
                self.problems.append(Problem(message, None, "adopt the others without it", str(item.address)))
            elif item.address not in foreign:
                found.append((item, live))
            elif any(pattern.text == str(item.address) for pattern in self.scope.only):
                message = f"`{shown(str(item.address))}` is opened without a `type`, as somebody else's mount"
                self.problems.append(Problem(message, None, "write its `type` if it is to be yours", str(item.address)))
        return found

    def unmatched(self) -> Iterator[Problem]:
        """Patterns that match nothing."""
        there = [str(item.address) for item in self.state.objects]
        there += [str(item.address) for item, _ in self.survey.objects]
        there += [str(item.address) for item in (*self.made.blocked, *self.survey.blocked)]
        there += [str(item.address) for item in self.survey.held]
        for pattern in self.scope.only:
            if not any(map(pattern.matches, there)):
                yield Problem(
                    f"`{shown(pattern.text)}` matches nothing that is declared or there", hint=self.hint(pattern)
                )

    def hint(self, pattern: Pattern) -> str:
        """Why a pattern may match nothing."""
        if not self.scope.settings.owned(pattern.text):
            return "it is outside `owns`"
        if unseen := self.survey.blocked:
            return f"and `{shown(str(unseen[0].address))}` could not be listed: {unseen[0].reason}"
        return "`vaultconf plan --unmanaged` lists what no file declares"


def _adopted(after: DesiredState, differing: Iterable[Fields], objects: Iterable[Desired]) -> Iterator[Adopted]:
    """What was written, with the place where it now stands."""
    now = {item.address: item for item in after.objects}
    for fields in differing:
        item = now[fields.desired.address]
        names = tuple(sorted(fields.wishes))
        place = min((item.places[name] for name in names if name in item.places), default=item.place)
        yield Adopted(item.kind, item.address, new=False, fields=names, place=place)
    for new in objects:
        item = now[new.address]
        yield Adopted(item.kind, item.address, new=True, fields=tuple(sorted(new.values)), place=item.place)


def _for_all_targets(loaded: Project, edited: Edited) -> Iterator[str]:
    """Whom else it concerns."""
    if edited.files and len(loaded.settings.targets) > 1:
        listed = ", ".join(loaded.settings.targets)
        yield f"the files are those of all targets ({listed}): what was written holds for each of them"


def _notices(
    loaded: Project, scope: Scope, server: Server, found: Iterable[Desired], objects: list[Desired]
) -> Iterator[str]:
    """What somebody should know beside."""
    there = {item.address for item in objects}
    for item in found:
        if item.address not in there and any(pattern.text == str(item.address) for pattern in scope.only):
            yield f"{item.address}: as the server made it, so there is nothing to write"
    for kind in sorted({item.kind.name: item.kind for item in objects}.values(), key=lambda kind: kind.name):
        if blind := sorted(untold(kind, server)):
            listed = ", ".join(f"`{name}`" for name in blind)
            yield f"{kind.name}: the server tells nothing of {listed}; add what is set there"
    for item in objects if loaded.settings.ledger else ():
        if not scope.ledger.holds(item.address) and item.address not in scope.ledger.entries:
            yield f"{item.address}: to have it deleted when it leaves Git, run `vaultconf ledger adopt {item.address}`"
