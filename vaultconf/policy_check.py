"""Policies as files hold them: what a server would refuse, with its place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from vaultconf.declarations import Declaration
from vaultconf.errors import Place, Problem
from vaultconf.model import Server
from vaultconf.policy_findings import PolicyProblem


def problems(
    declaration: Declaration, name: str, server: Server | None, sources: Mapping[str, bytes]
) -> Iterable[Problem]:
    """Check the policy in the field `name`; with no server, what any product takes is accepted.

    `sources` are the YAML files: of a `|` block its lines are those of the file.
    """
    grammar = declaration.kind.fields[name].marks.grammar
    for problem in grammar(str(declaration.fields[name]), server) if grammar is not None else ():
        yield _placed(problem, declaration, name, sources)


def _placed(found: PolicyProblem, declaration: Declaration, name: str, sources: Mapping[str, bytes]) -> Problem:
    value = declaration.place_of(name)
    if name in declaration.files:
        place = Place(declaration.files[name], found.line, found.column, value.use)
        return Problem(found.message, place, found.hint)
    within = in_block(sources.get(value.file, b""), value, str(declaration.fields[name]), found)
    if within is not None:
        return Problem(found.message, within, found.hint)
    return Problem(f"policy, line {found.line}: {found.message}", value, found.hint)


def in_block(source: bytes, value: Place, text: str, found: PolicyProblem) -> Place | None:
    """Where in a YAML file a place of a `|` block is; None for text that is written in another way."""
    lines = source.decode(errors="replace").split("\n")
    if not lines[value.line - 1][value.column - 1 :].startswith("|"):
        return None
    line = value.line + found.line
    written = text.split("\n")[found.line - 1].rstrip("\r") if found.line <= text.count("\n") + 1 else ""
    if line > len(lines) or not lines[line - 1].rstrip("\r").endswith(written):
        return None
    indent = len(lines[line - 1].rstrip("\r")) - len(written)
    return value.beside((line, indent + found.column))
