"""Declarations → desired objects: values read by the kinds' models, names and references checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from vaultconf import address as addresses
from vaultconf import catalogue, policy_check
from vaultconf.documents import Declaration, Declarations, MountKey, shown
from vaultconf.errors import Place, Problem, nearest
from vaultconf.kind import Field, Kind
from vaultconf.model import Address, Desired, Guidance, Server, Values
from vaultconf.references import Deferred
from vaultconf.sealed import Secret
from vaultconf.settings import Settings
from vaultconf.strict_yaml import YamlMap

_GUIDANCE = {"protect": bool, "create_only": bool, "ignore": list, "allow_plaintext": bool}
_GUIDANCE_NOT_YET = frozenset({"renamed_from", "rotate_root", "show"})


@dataclass(frozen=True, slots=True)
class DesiredState:
    """What Git wants, and what is wrong with it. `foreign`: mounts that are somebody else's."""

    objects: tuple[Desired, ...]
    foreign: Mapping[MountKey, Place]
    problems: tuple[Problem, ...]
    notices: tuple[str, ...]


def build(found: Declarations, settings: Settings) -> DesiredState:
    """Read every declaration and check them against each other; all problems at once."""
    builder = _Builder(settings, list(found.problems))
    objects = [builder.desired(declaration) for declaration in found.objects.values()]
    objects += builder.implied(objects)
    builder.references(objects)
    problems = tuple(sorted(builder.problems, key=lambda problem: (problem.place is None, problem.place or _NOWHERE)))
    notices = tuple(
        f"{place}: the type of this mount is known to the server only: checked for form" for place in found.unchecked
    )
    return DesiredState(tuple(objects), found.foreign, problems, notices)


_NOWHERE = Place("", 0, 0)


class _Builder:
    """Turns declarations into desired objects and gathers problems."""

    def __init__(self, settings: Settings, problems: list[Problem]) -> None:
        self.settings = settings
        self.problems = problems
        self.server = Server(settings.product, settings.product_version) if settings.product else None

    def complain(self, message: str, place: Place, hint: str = "") -> None:
        self.problems.append(Problem(message, place, hint))

    def desired(self, declaration: Declaration) -> Desired:
        self.name(declaration)
        guidance = self.guidance(declaration)
        values = self.values(declaration)
        self.required(declaration)
        self.secrets(declaration, values, guidance)
        for message in declaration.kind.check(values):
            self.complain(message, declaration.place)
        address = Address(declaration.path, declaration.namespace)
        if not self.settings.owned(str(address)):
            self.complain(f"`{shown(address)}` is outside `owns`", declaration.place)
        return Desired(
            kind=declaration.kind,
            address=address,
            params=declaration.params,
            values=values,
            place=declaration.place,
            places=declaration.places,
            owner=declaration.owner,
            guidance=guidance,
        )

    def name(self, declaration: Declaration) -> None:
        """A name that the server would not keep as it is, or that would reach another object."""
        kind, params = declaration.kind, declaration.params
        for part in (*params.values(), *([declaration.namespace] if declaration.namespace else [])):
            if (reason := addresses.unsafe_segment(part)) is not None:
                hint = f"write `{shown(part.strip('/'))}`" if "empty segment" in reason and part.strip("/") else ""
                self.complain(f"the name `{shown(part)}` {reason}", declaration.place, hint)
                return
        name = params[kind.holes[-1]] if kind.named else ""
        if name in kind.untouchable:
            self.complain(f"`{name}` is built in and cannot be declared", declaration.place)
        elif name and (reason := kind.names.problem(name)) is not None:
            self.complain(f"the name `{shown(name)}`: {reason}", declaration.place)

    def guidance(self, declaration: Declaration) -> Guidance:
        given: Mapping[str, object] = declaration.guidance if declaration.guidance is not None else {}
        place = declaration.places.get("vaultconf", declaration.place)
        accepted: dict[str, Any] = {}
        for key, value in given.items():
            at = Place(place.file, *given.key_places[key]) if isinstance(given, YamlMap) else place
            if key in _GUIDANCE_NOT_YET:
                self.complain(f"`vaultconf.{key}` is not in this version", at)
            elif key not in _GUIDANCE:
                self.complain(f"unknown key `{shown(key)}`", at, nearest(key, _GUIDANCE))
            elif not isinstance(value, _GUIDANCE[key]):
                self.complain(f"`vaultconf.{key}` must be {'a list' if key == 'ignore' else 'true or false'}", at)
            elif isinstance(value, list):
                accepted[key] = tuple(name for name in value if self.ignorable(declaration.kind, name, at))
            else:
                accepted[key] = value
        return Guidance(**accepted)

    def ignorable(self, kind: Kind, name: object, place: Place) -> bool:
        if isinstance(name, str) and name in kind.fields and not kind.fields[name].required:
            return True
        self.complain("`vaultconf.ignore` names no field that could be ignored", place, nearest(str(name), kind.fields))
        return False

    def values(self, declaration: Declaration) -> dict[str, object]:
        """Read the fields; one that cannot be read is a problem and left out."""
        found: dict[str, object] = {}
        for name, raw in declaration.fields.items():
            spec = declaration.kind.fields[name]
            try:
                found[name] = spec.read(raw)
            except ValueError as error:
                self.complain(f"`{name}` {error}", declaration.places[name])
                continue
            if self.server is not None and not spec.exists_on(self.server):
                self.complain(f"`{name}` does not exist on {self.settings.product}", declaration.places[name])
            if spec.marks.from_file and declaration.kind.name == "acl_policy":
                self.policy(declaration, name, found[name])
        return found

    def policy(self, declaration: Declaration, name: str, text: object) -> None:
        """A policy that the server would not take."""
        if isinstance(text, Deferred):
            self.complain("policy text cannot hold a reference", declaration.places[name])
            return
        written = str(declaration.fields[name])
        at = declaration.places.get(f"{name}@text")
        found = policy_check.problems(written, at, declaration.places[name], self.server)
        self.problems += found

    def required(self, declaration: Declaration) -> None:
        kind = declaration.kind
        if kind.named and declaration.params[kind.holes[-1]] in kind.partial:
            return
        for name, spec in kind.fields.items():
            if spec.required and name not in declaration.fields:
                self.complain(f"`{shown(declaration.path)}` needs `{name}`", declaration.place)

    def secrets(self, declaration: Declaration, values: dict[str, object], guidance: Guidance) -> None:
        """A plaintext where a secret belongs is refused, or at least has no text form from here on."""
        for name, value in values.items():
            if not declaration.kind.fields[name].marks.secret or isinstance(value, Deferred):
                continue
            if not guidance.allow_plaintext:
                hint = "write a reference such as `${env:NAME}` or `${file:path}`"
                self.complain(f"`{name}` is a secret and must not stand here in clear", declaration.places[name], hint)
            values[name] = Secret(str(value))

    def implied(self, objects: Iterable[Desired]) -> Iterator[Desired]:
        """Configurations that exist with a declared mount, where no document mentions them."""
        present = {desired.address for desired in objects}
        for mount in [desired for desired in objects if desired.kind.is_mount]:
            for kind in catalogue.implied(mount.kind.section, str(mount.values.get("type", ""))):
                address = Address(kind.path_of(mount.params), mount.address.namespace)
                if kind.applies(mount.values) and address not in present:
                    yield replace(mount, kind=kind, address=address, values={}, places={}, guidance=Guidance())
                elif not kind.applies(mount.values) and address in present:
                    self.complain(f"`{shown(address)}` does not exist on this mount: see its `options`", mount.place)

    def references(self, objects: Iterable[Desired]) -> None:
        """What a field names must be declared, built in, or external."""
        declared = {desired.address for desired in objects}
        for desired in objects:
            for name, spec in desired.kind.fields.items():
                if spec.marks.names and spec.marks.must_exist and name in desired.values:
                    self.named(desired, spec, declared)

    def named(self, desired: Desired, spec: Field, declared: set[Address]) -> None:
        kind = catalogue.all_kinds()[spec.marks.names]
        for name, address in targets(spec, desired.values, desired.params, desired.address.namespace):
            known = address in declared or name in kind.builtin
            if not known and not any(pattern.matches(str(address)) for pattern in self.settings.external):
                siblings = [
                    _last(other.path) for other in declared if other.path.rpartition("/")[0] == _parent(address)
                ]
                hint = nearest(name, [*siblings, *kind.builtin]) or f"declare it, or list `{address}` under `external`"
                self.complain(f"`{spec.name}` names the {kind.title} `{shown(name)}`, which is not declared",
                              desired.places[spec.name], hint)  # fmt: skip


def targets(spec: Field, values: Values, params: Mapping[str, str], namespace: str) -> Iterator[tuple[str, Address]]:
    """The names that a field holds, with the addresses they stand for; `params` are those of the object."""
    value = values.get(spec.name)
    names = value if isinstance(value, tuple) else (value,) if isinstance(value, str) and value else ()
    kind = catalogue.all_kinds()[spec.marks.names]
    for name in names:
        path = kind.path_of({**(params if spec.marks.within else {}), kind.holes[-1]: name})
        yield name, Address(path, namespace)


def _last(path: str) -> str:
    return path.rpartition("/")[2]


def _parent(address: Address) -> str:
    return address.path.rpartition("/")[0]


def unknown_to(server: Server, objects: Iterable[Desired]) -> Iterator[Problem]:
    """Fields that were written and that this server does not have."""
    for desired in objects:
        for name in desired.values:
            if not desired.kind.fields[name].exists_on(server):
                message = f"`{name}` does not exist on {server.product}"
                yield Problem(message, desired.places[name], address=str(desired.address))
