"""Reads ACL policies as Vault and OpenBao do: what they refuse is refused here, what they take is taken.

Decisions were compared with Vault 2.1.0-beta1, Vault 1.19.0-beta1 and OpenBao 2.7.2. One leniency of Vault 1.19 is not
shared: it forgets an attribute, or a list, that a `}` cuts short.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Final

from vaultconf.hcl import parse as parse_hcl
from vaultconf.hcl_nodes import Document, HclError, Item, Lines, text_of
from vaultconf.hcl_values import group, merged_text
from vaultconf.nouns import Server
from vaultconf.policy_findings import Dialect, Findings, PolicyProblem, shortened
from vaultconf.policy_plain import is_plain
from vaultconf.policy_rules import PathRule, read_rule

__all__ = [
    "Dialect",
    "PathRule",
    "Policy",
    "PolicyError",
    "PolicyProblem",
    "decoded",
    "dialect_for",
    "parse",
    "problems",
    "same_meaning",
]

_BASE64: Final = re.compile(r"(?:[A-Za-z0-9+/]{4})*+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_VERSION: Final = re.compile(r"v?([0-9]{1,6})\.([0-9]{1,6})")
_MOST_BYTES: Final = 1_048_576
_TOP_KEYS: Final = dict.fromkeys(("name", "path"), frozenset(Dialect))


class PolicyError(ValueError):
    """A server would refuse the text; carries every problem found, places within the text."""

    def __init__(self, problems: Iterable[PolicyProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{p.line}:{p.column}: {p.message}" for p in self.problems[:10]))


@dataclass(frozen=True, slots=True)
class Policy:
    """What a policy text says. `name` is the attribute of that name, which the servers take and ignore."""

    rules: tuple[PathRule, ...]
    name: str = ""


def dialect_for(product: str, version: str) -> Dialect:
    """Return who reads policies on a `vault` or `openbao` of a version such as `1.19.3+ent`.

    Vault refuses attributes given twice since 1.21; a version that cannot be read counts as newest.
    Raises `ValueError` for another product.
    """
    if product == "openbao":
        return Dialect.OPENBAO
    if product != "vault":
        message = f"no product has the name {shortened(product)!r}: vault, openbao"
        raise ValueError(message)
    found = _VERSION.match(version)
    old = found is not None and (int(found[1]), int(found[2])) < (1, 21)
    return Dialect.VAULT_1 if old else Dialect.VAULT_2


def parse(text: str, dialect: Dialect | None = None, *, now: datetime | None = None) -> Policy:
    """Read a policy; base64 is decoded first, as the servers do without a word.

    With no dialect, the keys and capabilities of every product are known and attributes may be repeated.
    What stands in a block that had expired by `now` (aware; default: the present) is hardly checked, as on OpenBao.
    Raises `PolicyError` with all problems, or with the one at which the text cannot be read on.
    """
    plain = decoded(text)
    findings = Findings(Lines(plain), dialect, now or datetime.now(UTC))
    if not text:
        findings.add("the policy is empty", 0, "a comment will do")
    if dialect is Dialect.VAULT_2 and len(text.encode(errors="replace")) > _MOST_BYTES:
        findings.add("Vault takes at most 1 MiB", 0)
    try:
        policy = _policy(parse_hcl(plain), findings)
    except HclError as error:
        findings.add(error.message, error.offset)
    if findings.problems:
        raise PolicyError(sorted(findings.problems, key=lambda problem: (problem.line, problem.column)))
    return policy


def decoded(text: str) -> str:
    """Return what base64 hides, bytes that are no UTF-8 as surrogates; any other text as it is."""
    packed = text.replace("\r", "").replace("\n", "")
    if not packed.isascii() or not _BASE64.fullmatch(packed):
        return text
    return base64.b64decode(packed).decode(errors="surrogateescape")


def _policy(document: Document, findings: Findings) -> Policy:
    if findings.dialect is Dialect.VAULT_2:
        for again in document.repeated:
            findings.add(
                f"`{shortened(text_of(again))}` was already set in this block", again.offset, "Vault takes it once"
            )
    paths: list[Item] = []
    for item in document.items:
        key = text_of(item.keys[0])
        if key not in _TOP_KEYS:
            findings.unknown("unknown key", key, item.offset, _TOP_KEYS)
        elif key == "path":
            paths.append(item._replace(keys=item.keys[1:]))
    names = group(item for item in document.items if text_of(item.keys[0]) == "name")
    rules = (read_rule(item, findings) for item in paths)
    return Policy(tuple(rule for rule in rules if rule), findings.read("name", merged_text, names.get("name", ())))


def problems(text: str, server: Server | None) -> tuple[PolicyProblem, ...]:
    """Return what a server would refuse in a text; with no server, what no product takes."""
    if is_plain(text):
        return ()
    try:
        parse(text, dialect_for(server.product, server.version) if server is not None else None)
    except PolicyError as error:
        return error.problems
    return ()


def same_meaning(a: str, b: str) -> bool:
    """Say whether two texts grant the same, whatever their format and the order of their blocks.

    False where one of them is no policy for any product.
    """
    try:
        return _meaning(parse(a)) == _meaning(parse(b))
    except PolicyError:
        return False


def _meaning(policy: Policy) -> list[str]:
    # As text, because True == 1 in Python but not on the servers.
    return sorted(_rule_meaning(rule) for rule in policy.rules)


def _rule_meaning(rule: PathRule) -> str:
    rest = [getattr(rule, f.name) for f in fields(rule) if f.name not in {"path", "line", "column", "capabilities"}]
    return repr((rule.path.removeprefix("/"), sorted(rule.capabilities), *rest))
