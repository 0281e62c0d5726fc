"""ACL policies as files hold them: what a server would refuse, with its place."""

from __future__ import annotations

from vaultconf import policy
from vaultconf.errors import Place, Problem
from vaultconf.model import Server


def problems(text: str, text_place: Place | None, field_place: Place, server: Server | None) -> list[Problem]:
    """Check a policy's text; `text_place` is where a file begins, None for text inside a YAML document.

    With no server the products' union is accepted.
    """
    dialect = policy.dialect_for(server.product, server.version) if server is not None and server.version else None
    try:
        policy.parse(text, dialect)
    except policy.PolicyError as error:
        return [_problem(found, text_place, field_place) for found in error.problems]
    return []


def _problem(found: policy.PolicyProblem, text_place: Place | None, field_place: Place) -> Problem:
    if text_place is None:
        return Problem(f"policy, line {found.line}: {found.message}", field_place, found.hint)
    return Problem(found.message, Place(text_place.file, found.line, found.column), found.hint)
