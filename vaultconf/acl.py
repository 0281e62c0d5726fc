"""What the holder of some policies may do: the servers' own decision, without a server.

One path rule decides, the most specific one; the others add nothing. Decisions were compared with Vault 2.1,
Vault 1.19 and OpenBao 2.7.2, which choose the rule of a LIST in three ways.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from vaultconf.acl_grants import BrokenToken, Grant, Source, grants
from vaultconf.acl_identity import Identity
from vaultconf.acl_parameters import CHECKED, refusal, wrapping_refusal
from vaultconf.acl_sudo import wants_sudo
from vaultconf.address import join
from vaultconf.policy import Dialect, Policy, dialect_for

__all__ = ["ROOT", "Acl", "Decision", "Source", "build"]

#: Operations that are decided on the path with a slash at its end.
_OF_FOLDERS: Final = frozenset({"list", "scan"})


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a request is allowed; `rule` is the path rule that decided, "" where none did, `reason` why not."""

    allowed: bool
    rule: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Pattern:
    """A rule with a wildcard, and how it compares with others that match: the greatest `rank` decides."""

    rank: tuple[int, bool, int, int, str]
    segments: tuple[str, ...]
    is_prefix: bool
    grant: Grant

    def matches(self, parts: list[str]) -> bool:
        """Whether it covers a path of these segments."""
        mine = self.segments
        if len(parts) < len(mine) or (len(parts) > len(mine) and not self.is_prefix):
            return False
        *most, last = mine
        if any(ours not in ("+", theirs) for ours, theirs in zip(most, parts, strict=False)):
            return False
        theirs = parts[len(most)]
        return last in ("+", theirs) or (self.is_prefix and theirs.startswith(last))


@dataclass(frozen=True, slots=True)
class Acl:
    """What some policies allow together. `broken` says why the server would refuse its holder everything."""

    dialect: Dialect | None = None
    exact: Mapping[str, Grant] = field(default_factory=dict, repr=False)
    prefixes: Mapping[str, _Pattern] = field(default_factory=dict, repr=False)
    patterns: tuple[_Pattern, ...] = field(default=(), repr=False)
    is_root: bool = False
    broken: str = ""

    def allows(
        self,
        path: str,
        operation: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        namespace: str = "",
        wrapped: float = 0.0,
    ) -> Decision:
        """Decide on a request as the server does.

        `operation` is a capability (`create`, `read`, `update`, `delete`, `list`, `patch`, `scan`, …); where the
        server wants `sudo` for it, that is needed too. `namespace` is where the request goes, below that of the
        policies. `parameters` are the body, or the query of a read; None leaves them out of the question, an empty
        mapping is an empty body. `wrapped` is for how long the answer is to be wrapped: seconds, 0 for not at all.
        """
        if self.is_root or self.broken or self.dialect is None:
            return Decision(self.is_root, "", "" if self.is_root else self.broken or "no policies")
        path = path.lstrip("/")
        grant = self._decisive(join(namespace, path), operation)
        if grant is None:
            return Decision(False, "", "no rule matches")
        if grant.denies:
            return Decision(False, grant.path, "the rule denies")
        needed = [operation, *(["sudo"] if wants_sudo(path.rstrip("/"), operation, self.dialect) else [])]
        missing = [name for name in needed if name not in grant.capabilities]
        if missing:
            return Decision(False, grant.path, f"the rule does not grant {' and '.join(missing)}")
        reason = wrapping_refusal(grant, wrapped)
        if not reason and parameters is not None and operation in CHECKED:
            reason = refusal(grant, parameters, self.dialect)
        return Decision(not reason, grant.path, reason)

    def capabilities(self, path: str) -> frozenset[str]:
        """What `sys/capabilities` answers for a path: `root`, `deny`, or what the decisive rule grants."""
        if self.is_root:
            return frozenset({"root"})
        grant = self._at(path.lstrip("/"))
        return grant.capabilities if grant is not None and grant.capabilities else frozenset({"deny"})

    def _decisive(self, path: str, operation: str) -> Grant | None:
        if operation in _OF_FOLDERS:
            return self._listing(path if path.endswith("/") else f"{path}/")
        return self.exact.get(path) or self._best(self._candidates(path))

    def _at(self, path: str) -> Grant | None:
        return self._listing(path) if path.endswith("/") else self._decisive(path, "")

    def _listing(self, folder: str) -> Grant | None:
        """The rule for a path with a slash at its end, each server in its own way."""
        bare = folder[:-1]
        exact = self.exact.get(folder) or self.exact.get(bare)
        if exact is not None:
            return exact
        if self.dialect is Dialect.VAULT_2:
            return self._pooled([*self._candidates(folder), *self._candidates(bare)])
        first, second = (folder, bare) if self.dialect is Dialect.OPENBAO else (bare, folder)
        return self._best(self._candidates(first)) or self._best(self._candidates(second))

    def _pooled(self, found: list[_Pattern]) -> Grant | None:
        """Among the rules of both spellings: a denial, unless a more specific rule lets list; else that one."""
        denial = max((item for item in found if item.grant.denies), key=_rank, default=None)
        lister = max((item for item in found if "list" in item.grant.capabilities), key=_rank, default=None)
        if denial is not None and (lister is None or denial.rank > lister.rank):
            return denial.grant
        return lister.grant if lister is not None else self._best(found)

    def _best(self, found: Iterable[_Pattern]) -> Grant | None:
        best = max(found, key=_rank, default=None)
        return best.grant if best is not None else None

    def _candidates(self, path: str) -> Iterator[_Pattern]:
        """The longest prefix, and every rule with a wildcard segment."""
        if self.prefixes:
            longest = next((path[:end] for end in range(len(path), -1, -1) if path[:end] in self.prefixes), None)
            if longest is not None:
                yield self.prefixes[longest]
        if self.patterns:
            parts = path.split("/")
            yield from (item for item in self.patterns if item.matches(parts))


#: What the root token may do.
ROOT: Final = Acl(is_root=True)


def build(
    policies: Iterable[Policy | Source],
    product: str,
    version: str,
    *,
    identity: Identity | None = None,
    now: datetime | None = None,
) -> Acl:
    """Put policies together as a `vault` or `openbao` of a version does for the holder of all of them.

    Rules with templates count where `identity` has a value for them. `now` (aware; default: the present) judges what
    expires. Raises ValueError for another product.
    """
    dialect = dialect_for(product, version)
    sources = (item if isinstance(item, Source) else Source(item) for item in policies)
    try:
        found = grants(sources, dialect, identity, now or datetime.now(UTC))
    except BrokenToken as error:
        return Acl(dialect, broken=str(error))
    exact: dict[str, Grant] = {}
    prefixes: dict[str, _Pattern] = {}
    patterns: list[_Pattern] = []
    for path, grant in found.items():
        if _has_segments(path):
            patterns.append(_segmented(path, grant))
        elif path.endswith("*"):
            prefix = path[:-1]
            prefixes[prefix] = _Pattern((len(prefix), False, 0, len(prefix), prefix), (), True, grant)
        else:
            exact[path] = grant
    return Acl(dialect, exact, prefixes, tuple(patterns))


def _has_segments(path: str) -> bool:
    """Whether the servers read `+` in a path as a wildcard, if only where it stands alone in its segment."""
    return path == "+" or "/+" in path or path.startswith("+/")


def _segmented(path: str, grant: Grant) -> _Pattern:
    body = path.removesuffix("*")
    segments = tuple(body.split("/"))
    is_prefix = path.endswith("*")
    # Compared by: first wildcard late, no final `*`, few `+`, length, text.
    rank = (path.index("+"), not is_prefix, -segments.count("+"), len(body), body)
    return _Pattern(rank, segments, is_prefix, grant)


def _rank(item: _Pattern) -> tuple[int, bool, int, int, str]:
    return item.rank
