"""The reserved key `vaultconf:` of an object: how to treat it, not what it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vaultconf import catalogue
from vaultconf.address import unsafe_segment
from vaultconf.declarations import RESERVED, Declaration
from vaultconf.errors import Place, Problem, nearest
from vaultconf.kind import Kind
from vaultconf.model import Guidance
from vaultconf.references import templates_in
from vaultconf.strict_yaml import YamlList
from vaultconf.yaml_text import shown

_KNOWN: Mapping[str, type] = {
    "protect": bool,
    "create_only": bool,
    "ignore": list,
    "allow_plaintext": bool,
    "show": list,
    "renamed_from": str,
    "rotate_root": str,
}
_MEANT: Mapping[type, str] = {bool: "true or false", list: "a list of fields", str: "the path of a mount"}


def read(declaration: Declaration) -> tuple[Guidance, list[Problem]]:
    """Read the key of one object, with what is wrong with it."""
    given = declaration.guidance
    if given is None:
        return Guidance(), []
    here = declaration.places[RESERVED]
    accepted: dict[str, Any] = {}
    problems: list[Problem] = []
    for key, value in given.items():
        problem = _problem(
            declaration.kind, key, value, here.beside(given.key_places[key]), here.beside(given.places[key])
        )
        if problem is not None:
            problems.append(problem)
        elif isinstance(value, YamlList):
            judge = _not_showable if key == "show" else _not_ignorable
            wrong = list(judge(declaration, value, here))
            problems += wrong
            accepted[key] = () if wrong else tuple(value)
        else:
            accepted[key] = value
    return Guidance(**accepted), problems


def _problem(kind: Kind, key: str, value: object, key_place: Place, place: Place) -> Problem | None:
    if key not in _KNOWN:
        return Problem(f"unknown key `{shown(key)}` in `{RESERVED}`", key_place, nearest(key, _KNOWN))
    if key == "show" and not kind.is_open:
        hint = "the plan shows the fields of this object, except for secrets"
        return Problem(f"`{RESERVED}.show` is for objects whose fields are hidden", key_place, hint)
    if key == "rotate_root":
        return _bad_rotation(kind, value, key_place, place)
    if not isinstance(value, _KNOWN[key]):
        return Problem(f"`{RESERVED}.{key}` must be {_MEANT[_KNOWN[key]]}", place)
    return _bad_origin(kind, value, key_place, place) if key == "renamed_from" else None


def _bad_rotation(kind: Kind, value: object, key_place: Place, place: Place) -> Problem | None:
    """What is wrong with the wish that the server changes its own password."""
    if kind.rotation is None or not kind.rotation.fields:
        able = sorted(kind.title for kind in catalogue.all_kinds().values() if kind.rotation and kind.rotation.fields)
        hint = f"in this version: {', '.join(able)}"
        return Problem(f"`{RESERVED}.rotate_root` is for objects whose password the server can change", key_place, hint)
    if value != "on_create":
        hint = "it is rotated once, as soon as the object is made"
        return Problem(f"`{RESERVED}.rotate_root` must be `on_create`", place, hint)
    return None


def _bad_origin(kind: Kind, value: object, key_place: Place, place: Place) -> Problem | None:
    """What is wrong with the path from which a mount is to be moved."""
    if not kind.is_mount:
        return Problem(f"`{RESERVED}.renamed_from` is for secrets engines and auth methods", key_place)
    if "${" in str(value):
        return Problem(f"`{RESERVED}.renamed_from` cannot hold a reference", place)
    if (why := unsafe_segment(str(value))) is not None:
        return Problem(f"`{RESERVED}.renamed_from` {why}", place)
    if str(value) in kind.builtin:
        return Problem(f"`{RESERVED}.renamed_from`: {shown(str(value))} is part of every server and stays", place)
    return None


def _not_ignorable(declaration: Declaration, names: YamlList, here: Place) -> Iterator[Problem]:
    kind = declaration.kind
    known = declaration.fields if kind.is_open else kind.fields
    for name, at in zip(names, names.places, strict=True):
        place = here.beside(at)
        if not isinstance(name, str) or name not in known:
            hint = nearest(name, known) if isinstance(name, str) else ""
            yield Problem(f"`{RESERVED}.ignore` names no field of this object", place, hint)
        elif kind.fields[name].required:
            yield Problem(f"`{name}` is needed to make the object and cannot be ignored", place)


def _not_showable(declaration: Declaration, names: YamlList, here: Place) -> Iterator[Problem]:
    for name, at in zip(names, names.places, strict=True):
        if not isinstance(name, str) or name not in declaration.fields:
            hint = nearest(name, declaration.fields) if isinstance(name, str) else ""
            yield Problem(f"`{RESERVED}.show` names no field that is written here", here.beside(at), hint)
        elif next(templates_in(declaration.fields[name]), None) is not None:
            yield Problem(f"`{shown(name)}` holds a reference, which is never shown", here.beside(at))
