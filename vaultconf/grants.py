"""What `may_grant` limits: the ACL policies that the files give to logins, tokens, users and groups.

Source: Vault API, `/auth/token/roles` (globs; a role that only disallows permits all the rest, seen on OpenBao 2.7.2
and Vault 2.1) and `/auth/jwt/role` (`{{claim}}` in names of policies, OpenBao).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from vaultconf import catalogue
from vaultconf.address import Pattern, covered
from vaultconf.declarations import RESERVED, Declaration
from vaultconf.errors import Place, Problem, nearest
from vaultconf.kind import Kind
from vaultconf.model import Desired
from vaultconf.references import Deferred, templates_in
from vaultconf.settings import Settings
from vaultconf.yaml_text import shown
from vaultconf.yaml_values import YamlList

#: Every token has it anyway.
_ALWAYS = "default"
_GLOB, _PERMITS = "_glob", "allowed_"
#: Fields by which endpoints that no kind covers give policies: of logins and identities any of these names; elsewhere
#: `policies` may be those of Consul or Nomad.
_GRANTING = re.compile(r"(?!disallowed_)(?:.*_)?policies(?:_glob)?", re.IGNORECASE)
_GRANTING_ANYWHERE = re.compile(r"(?:token|identity)_policies", re.IGNORECASE)
_MAP = re.compile(r"auth/.+/map/.+")
_MOST_HINTS = 20
_ALL = Pattern("*")


@dataclass(frozen=True, slots=True)
class Grant:
    """A field that gives policies, and their names; in globs `*` stands for anything. None where they are not plain."""

    field: str
    names: tuple[str, ...] | None
    globs: bool = False


def problems(found: Iterable[tuple[Desired, Declaration]], settings: Settings) -> Iterator[Problem]:
    """A problem for every policy that the files give and that lies outside `may_grant`."""
    if settings.may_grant is None:
        return
    found = tuple(found)
    known = {
        item.params[item.kind.holes[-1]]
        for item, _ in found
        if item.kind.section == "policies" and covered(settings.may_grant, item.params[item.kind.holes[-1]])
    }
    judge = _Judge(settings.may_grant, settings.places.get("may_grant"), frozenset(known | {_ALWAYS}))
    for desired, declaration in found:
        yield from judge.problems(desired, declaration)


def grants(desired: Desired) -> Iterator[Grant]:
    """The fields by which an object gives policies."""
    if desired.kind.is_open:
        yield from _free_grants(desired)
        return
    for name in _granting(desired.kind):
        for field in (name, f"{name}{_GLOB}"):
            if field in desired.values:
                yield Grant(field, _words(desired.values[field]), field != name)


def _granting(kind: Kind) -> Iterator[str]:
    """The fields of a kind that name ACL policies."""
    for spec in kind.fields.values():
        if spec.marks.names and catalogue.all_kinds()[spec.marks.names].section == "policies":
            yield spec.name


def _free_grants(desired: Desired) -> Iterator[Grant]:
    """Those of an endpoint whose fields nobody knows, at any depth."""
    path = desired.address.path
    names = _GRANTING if path.startswith(("auth/", "identity/", "sys/")) else _GRANTING_ANYWHERE
    for field, value in desired.values.items():
        inside = value.raw if isinstance(value, Deferred) else value
        for key, item in _keys(field, inside):
            if names.fullmatch(key) or (key == "value" and _MAP.fullmatch(path)):
                is_plain = next(templates_in(item), None) is None
                yield Grant(field, _words(item) if is_plain else None, key.lower().endswith(_GLOB))


def _keys(key: str, value: object) -> Iterator[tuple[str, object]]:
    """Every key in a value, with what stands under it."""
    yield key, value
    if isinstance(value, Mapping):
        for inner, item in value.items():
            yield from _keys(str(inner), item)
    for item in value if isinstance(value, list) else ():
        if isinstance(item, Mapping):
            yield from (pair for inner, one in item.items() for pair in _keys(str(inner), one))


def _words(value: object) -> tuple[str, ...] | None:
    """The names of policies in a value, as servers read them; None where it is no plain list of names."""
    if isinstance(value, str):
        return tuple(item.strip().lower() for item in value.split(",") if item.strip())
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        return None
    return tuple(name for item in value for name in (_words(item) or ()))


def lies_inside(patterns: Iterable[Pattern], name: str, *, globs: bool = False) -> bool:
    """Whether patterns cover a name, or all that a glob (`*` anywhere) or a `{{claim}}` in it may stand for."""
    fixed = re.split(r"\*|\{\{" if globs else r"\{\{", name, maxsplit=1)[0]
    if fixed == name:
        return name == _ALWAYS or covered(patterns, name)
    return any(pattern.text.endswith("*") and pattern.matches(fixed) for pattern in patterns)


class _Judge:
    """Judges one object after the other; the nearest name is looked for a few times only, since that is slow."""

    def __init__(self, limit: tuple[Pattern, ...], place: Place | None, known: frozenset[str]) -> None:
        self.limit = limit
        self.place = place
        self.known = known
        self.hints = 0

    def problems(self, desired: Desired, declaration: Declaration) -> Iterator[Problem]:
        """What an object gives that it may not."""
        for grant in grants(desired):
            if grant.names is None:
                message = f"`{grant.field}` must name policies in plain text: `may_grant` limits them"
                yield Problem(message, declaration.place_of(grant.field), self._see())
            for name in grant.names or ():
                if not lies_inside(self.limit, name, globs=grant.globs):
                    what = "gives all policies like" if grant.globs else "names the ACL policy"
                    message = f"`{grant.field}` {what} `{shown(name)}`, which is outside `may_grant`"
                    hint = self._see() if grant.globs else self._hint(name)
                    yield Problem(message, declaration.item_place(grant.field, name), hint)
        yield from self._unbounded(desired, declaration)
        yield from self._ignored(desired, declaration)

    def _unbounded(self, desired: Desired, declaration: Declaration) -> Iterator[Problem]:
        """What forbids some policies and permits no others by name permits all the rest."""
        values = desired.values
        for name in [] if desired.kind.is_open else _granting(desired.kind):
            forbidden = [field for field in (f"dis{name}", f"dis{name}{_GLOB}") if values.get(field)]
            is_bounded = values.get(name) or values.get(f"{name}{_GLOB}") or _ALL in self.limit
            if forbidden and name.startswith(_PERMITS) and not is_bounded:
                message = f"`{forbidden[0]}` without `{name}` permits every other policy, and `may_grant` limits them"
                yield Problem(message, declaration.place_of(forbidden[0]), f"write `{name}` too; {self._see()}")

    def _ignored(self, desired: Desired, declaration: Declaration) -> Iterator[Problem]:
        """What keeps the policies that the server has there gives these, whatever they are."""
        given = declaration.guidance
        ignored = given.get("ignore") if given is not None else None
        if not isinstance(ignored, YamlList) or given is None:
            return
        for name, at in zip(ignored, ignored.places, strict=True):
            if str(name) in _giving(desired):
                message = (
                    f"`{RESERVED}.ignore` keeps whatever `{name}` is there, and `may_grant` limits what may be given"
                )
                hint = f"write `{name}`, or leave the object to others; {self._see()}"
                yield Problem(message, declaration.places[RESERVED].beside(at), hint)

    def _see(self) -> str:
        listed = ", ".join(f"`{shown(pattern.text)}`" for pattern in self.limit) or "nothing"
        where = f" ({self.place})" if self.place else ""
        return f"`may_grant` permits {listed}{where}; name one of these, or widen it in a change of its own"

    def _hint(self, name: str) -> str:
        self.hints += 1
        near = nearest(name, self.known) if self.hints <= _MOST_HINTS else ""
        return "; ".join(filter(None, (near, self._see())))


def _giving(desired: Desired) -> frozenset[str]:
    """The fields that decide which policies an object gives, written or not."""
    if desired.kind.is_open:
        return frozenset(grant.field for grant in _free_grants(desired))
    names = [field for name in _granting(desired.kind) for field in (name, f"dis{name}")]
    return frozenset((*names, *(f"{name}{_GLOB}" for name in names)))
