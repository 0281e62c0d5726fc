"""Policies as files hold them: what a server would refuse, with its place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from vaultconf import password_check, policy
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
    text = str(declaration.fields[name])
    is_acl = declaration.kind.name == "acl_policy"
    for problem in _acl(text, server) if is_acl else password_check.problems(text):
        yield _placed(problem, declaration, name, sources)


def _acl(text: str, server: Server | None) -> tuple[PolicyProblem, ...]:
    dialect = policy.dialect_for(server.product, server.version) if server is not None else None
    try:
        policy.parse(text, dialect)
    except policy.PolicyError as error:
        return error.problems
    return ()


def _placed(found: PolicyProblem, declaration: Declaration, name: str, sources: Mapping[str, bytes]) -> Problem:
    if name in declaration.files:
        return Problem(found.message, Place(declaration.files[name], found.line, found.column), found.hint)
    value = declaration.place_of(name)
    place = in_block(sources.get(value.file, b""), value, str(declaration.fields[name]), found)
    if place is not None:
        return Problem(found.message, place, found.hint)
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
    return Place(value.file, line, indent + found.column)
