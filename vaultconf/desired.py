"""Declarations → desired objects: values read by the kinds' models, names and references checked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from vaultconf import address as addresses
from vaultconf import catalogue, grants, guidance, off_limits, origins, policy_check
from vaultconf.declarations import WHOLE, Declaration, Declarations, MountKey
from vaultconf.errors import Place, Problem
from vaultconf.kind import Field
from vaultconf.kind_facts import from_file, must_be_plain, required
from vaultconf.model import Address, Desired, Guidance, Server
from vaultconf.naming import Names, circles, targets
from vaultconf.references import Deferred
from vaultconf.sealed import Secret
from vaultconf.settings import Settings
from vaultconf.yaml_text import shown

__all__ = ["DesiredState", "build", "targets", "unknown_to"]

_NOWHERE = Place("", 0, 0)
_MOST_NAMED = 3
_FIRST_FIELD = re.compile(r"`([a-z][\w.]*)`")


@dataclass(frozen=True, slots=True)
class DesiredState:
    """What Git wants, and what is wrong with it. `foreign`: mounts that are somebody else's."""

    objects: tuple[Desired, ...]
    foreign: Mapping[MountKey, Place]
    problems: tuple[Problem, ...]
    notices: tuple[str, ...]


def build(found: Declarations, settings: Settings) -> DesiredState:
    """Read every declaration and check them against each other; all problems at once."""
    builder = _Builder(found, settings)
    objects = [builder.desired(declaration) for declaration in found.objects.values()]
    if found.whole:
        builder.names(objects)
    builder.problems += grants.problems(zip(objects, found.objects.values(), strict=True), settings)
    builder.doubles(objects)
    builder.problems += off_limits.problems(objects, off_limits.written_types(objects, found.foreign), guess=True)
    builder.problems += circles(objects)
    implied = [*builder.implied(objects)]
    objects += implied
    notices = tuple(
        f"{place}: the type of this mount is known to the server only: checked for form" for place in found.unchecked
    )
    notices = (*notices, *_unseen(implied, settings))
    if not objects and not found.foreign:
        notices = (*notices, "no file declares anything: is this the project's folder?")
    return DesiredState(tuple(objects), found.foreign, _sorted(builder.problems), notices)


def _unseen(implied: Iterable[Desired], settings: Settings) -> Iterator[str]:
    """What comes with a declared mount and is outside `owns` all the same, so that nobody looks at it."""
    outside = [shown(str(item.address)) for item in implied if not settings.owned(str(item.address))]
    if outside:
        listed = ", ".join(f"`{address}`" for address in outside[:_MOST_NAMED])
        more = f" and {len(outside) - _MOST_NAMED} more" if len(outside) > _MOST_NAMED else ""
        yield f"{listed}{more}: outside `owns`, so not compared with the defaults of the mount; add it to `owns`"


def _sorted(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Each problem once (an alias repeats what it stands for), in the order of the files."""
    return tuple(sorted(dict.fromkeys(problems), key=lambda item: (item.place is None, item.place or _NOWHERE)))


class _Builder:
    """Turns declarations into desired objects and gathers problems."""

    def __init__(self, found: Declarations, settings: Settings) -> None:
        self.found = found
        self.settings = settings
        self.problems = list(found.problems)
        self.server = Server(settings.product, settings.product_version) if settings.product else None
        written = settings.places.get("owns")
        self.outside = f"see {written}: declare it in the project that owns it, or add it to `owns`" if written else ""

    def complain(self, message: str, place: Place, hint: str = "") -> None:
        self.problems.append(Problem(message, place, hint))

    def desired(self, declaration: Declaration) -> Desired:
        """One object; what is wrong with it is noted, and what could be read of it is returned."""
        self.name(declaration)
        treat, problems = guidance.read(declaration)
        self.problems += problems
        self.problems += origins.problems(declaration, treat.renamed_from, self.settings, self.found.foreign)
        values = self.values(declaration)
        self.required(declaration)
        self.secrets(declaration, values, treat)
        self.check(declaration, values)
        address = Address(declaration.path, declaration.namespace)
        if not self.settings.owned(str(address)):
            self.complain(f"`{shown(str(address))}` is outside `owns`", declaration.place, self.outside)
        return Desired(
            kind=declaration.kind,
            address=address,
            params=declaration.params,
            values=values,
            place=declaration.place,
            places=declaration.places,
            owner=declaration.owner,
            guidance=treat,
        )

    def name(self, declaration: Declaration) -> None:
        """A name that the server would not keep as it is, or that would reach another object."""
        kind, params = declaration.kind, declaration.params
        for part in params.values():
            if (reason := addresses.unsafe_segment(part)) is not None:
                good = part.strip("/")
                hint = f"write `{shown(good)}`" if good and addresses.unsafe_segment(good) is None else ""
                self.complain(f"the name `{shown(part)}` {reason}", declaration.place, hint)
                return
        name = params[kind.holes[-1]] if kind.named else ""
        if name in kind.untouchable:
            self.complain(f"`{name}` is built in and cannot be declared", declaration.place)
        elif name and (reason := kind.names.problem(name)) is not None:
            inner = kind.is_namespace and "/" in name
            hint = "the inner one stands in a document with `namespace:`, the path of the outer one" if inner else ""
            self.complain(f"the name `{shown(name)}`: {reason}", declaration.place, hint)

    def values(self, declaration: Declaration) -> dict[str, object]:
        """Read the fields; one that cannot be read is a problem and left out."""
        found: dict[str, object] = {}
        specs = declaration.kind.fields
        for name, raw in declaration.fields.items():
            if name in declaration.spoiled:
                continue
            spec = specs[name]
            try:
                value = _read(spec, raw)
            except ValueError as error:
                self.complain(f"`{name}` {error}", declaration.place_of(name))
                declaration.spoiled.add(name)
                continue
            found[name] = value
            if self.server is not None and not spec.exists_on(self.server):
                self.complain(f"`{name}` does not exist on {self.settings.product}", declaration.places[name])
            if spec.marks.from_file:
                self.policy(declaration, name, value)
        return found

    def policy(self, declaration: Declaration, name: str, text: object) -> None:
        """A policy that the server would not take."""
        if isinstance(text, Deferred):
            hint = "write `$${` for a literal `${`"
            self.complain("policy text cannot hold a reference", declaration.place_of(name), hint)
        else:
            self.problems += policy_check.problems(declaration, name, self.server, self.found.sources)

    def required(self, declaration: Declaration) -> None:
        kind = declaration.kind
        is_partial = kind.named and declaration.params[kind.holes[-1]] in kind.partial
        if is_partial or WHOLE in declaration.spoiled:
            return
        for name in required(kind):
            if name not in declaration.fields:
                hint = f"or `file`, the path of one with the {name}" if name == from_file(kind) else ""
                place = declaration.overlaid or declaration.place
                self.complain(f"`{shown(declaration.path)}` needs `{name}`", place, hint)

    def secrets(self, declaration: Declaration, values: dict[str, object], treat: Guidance) -> None:
        """A plaintext where a secret belongs is refused, or at least has no text form from here on."""
        for name, value in values.items():
            if not declaration.kind.fields[name].marks.secret or isinstance(value, Deferred) or value == "":
                continue
            if not treat.allow_plaintext:
                hint = "write a reference such as `${env:NAME}` or `${file:path}`"
                message = f"`{name}` is a secret and must not stand here in clear"
                self.complain(message, declaration.place_of(name), hint)
            values[name] = Secret(str(value))

    def check(self, declaration: Declaration, values: Mapping[str, object]) -> None:
        """What the kind itself knows to be wrong; each message is placed at the field that it names first."""
        if declaration.spoiled:
            return
        for message in declaration.kind.check(values):
            named = _FIRST_FIELD.match(message)
            is_field = named is not None and named[1] in declaration.places
            self.complain(message, declaration.place_of(named[1]) if named and is_field else declaration.place)

    def implied(self, objects: Iterable[Desired]) -> Iterator[Desired]:
        """Configurations that exist with a declared mount, where no document mentions them."""
        present = {desired.address: desired for desired in objects}
        for mount in [
            item for item in objects if "type" in item.values and item.kind.is_mount and not self.is_spoiled(item)
        ]:
            for kind in catalogue.implied(mount.kind.section, str(mount.values.get("type", ""))):
                address = Address(kind.path_of(mount.params), mount.address.namespace)
                applies, written = kind.applies(mount.values), present.get(address)
                if applies and written is None:
                    yield replace(mount, kind=kind, address=address, values={}, places={}, guidance=Guidance())
                elif not applies and written is not None:
                    message = f"`{shown(str(address))}` does not exist on this mount"
                    self.complain(message, written.place, "see the mount's `options`")

    def is_spoiled(self, desired: Desired) -> bool:
        """Whether a field of it could not be read, so that nothing follows from the others."""
        return bool(self.found.objects[desired.address.namespace, desired.address.path].spoiled)

    def doubles(self, objects: Iterable[Desired]) -> None:
        """Two objects that are one to the server, or both want what only one of a kind can have."""
        first: dict[tuple[str, str, str], Desired] = {}
        for item in objects:
            kind = item.kind
            wanted = [*kind.claims(item.values)]
            if kind.names.one_case:
                wanted.append(f"the name `{kind.names.key(item.params[kind.holes[-1]])}`, whatever its case")
            for claim in wanted:
                other = first.setdefault((kind.name, item.address.namespace, claim), item)
                if other is not item:
                    message = f"`{shown(str(item.address))}`: only one {kind.title} can have {shown(claim)}"
                    self.complain(message, item.place, f"see {other.place}")

    def names(self, objects: Iterable[Desired]) -> None:
        """What a field names must be declared, built in, or external."""
        objects = tuple(objects)
        names = Names(objects, self.settings.external, self.found.foreign, self.found.removed)
        declarations = self.found.objects.values()
        for desired, declaration in zip(objects, declarations, strict=True):
            self.problems += names.undeclared(desired, declaration)


def _read(spec: Field, raw: object) -> object:
    """Read one value; raises ValueError, which quotes no value."""
    value = spec.read(raw)
    if isinstance(value, Deferred) and must_be_plain(spec):
        raise ValueError("cannot hold a reference: what an object is, and what it names, must be seen in review")
    return value


def unknown_to(server: Server, objects: Iterable[Desired]) -> Iterator[Problem]:
    """Fields that were written and that this server does not have."""
    for desired in objects:
        for name in desired.values:
            if not desired.kind.fields[name].exists_on(server):
                message = f"`{name}` does not exist on {server.product}"
                yield Problem(message, desired.places[name], address=str(desired.address))
