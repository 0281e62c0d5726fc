"""The smallest policy that a run of this project needs: requests → rules → HCL.

Which paths want `sudo` was seen on OpenBao 2.7.2, Vault 2.1 and 1.19, which agree on these.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from vaultconf import catalogue, policy
from vaultconf.acl_sudo import wants_sudo
from vaultconf.address import join
from vaultconf.needs import guessed, of_apply, of_export, of_ledger, of_plan, of_rotate
from vaultconf.nouns import ANY, REST
from vaultconf.policy import Dialect
from vaultconf.reach import is_vague
from vaultconf.report.lines import visible
from vaultconf.settings import Target
from vaultconf.wanted import Need, Wanted

_CAPABILITIES = {
    "GET": ("read",),
    "LIST": ("list",),
    "POST": ("create", "update"),
    "UPDATE": ("update",),  # where nothing can be created
    "DELETE": ("delete",),
}
_ORDER = ("create", "read", "update", "delete", "list", "sudo")
_PLAIN = re.compile(r"[\w.~@:-]+(?:/[\w.~@:-]+)*", re.ASCII)
_OWN = "This run's own token"
_MOST_BYTES = 1_048_576
_TOO_LONG = "the policy has more than 1 MiB, which Vault does not take: split the project, or the policy"


class Run(StrEnum):
    """Which command is to be permitted; `plan` is `drift` too."""

    PLAN = "plan"
    APPLY = "apply"
    ROTATE = "rotate"
    EXPORT = "export"


@dataclass(frozen=True, slots=True)
class Rule:
    """What may be done at a path, which is written as policies write it; `group` says what for."""

    path: str
    capabilities: tuple[str, ...]
    group: str


@dataclass(frozen=True, slots=True)
class Permissions:
    """A policy for a run, to be written in `namespace` ("" is the root), and what it cannot say."""

    run: Run
    project: str
    namespace: str
    rules: tuple[Rule, ...]
    notices: tuple[str, ...]

    @property
    def text(self) -> str:
        """The policy in HCL, with a comment for each group of rules."""
        where = f", in the namespace {self.namespace}" if self.namespace else ""
        parts = [visible(f"# What `vaultconf {self.run}` needs for the project {self.project}{where}.") + "\n"]
        group = ""
        for rule in self.rules:
            title = f"# {visible(rule.group)}\n" if rule.group != group else ""
            group = rule.group
            words = ", ".join(f'"{word}"' for word in rule.capabilities)
            parts.append(f"{title}path {_quoted(rule.path)} {{\n  capabilities = [{words}]\n}}\n")
        return "\n".join(parts)


def make(run: Run, wanted: Wanted, target: Target | None, namespace: str) -> Permissions:
    """The policy for a run in the base namespace `namespace`, from the files alone."""
    needs = of_export(wanted) if run is Run.EXPORT else of_plan(wanted)
    more = {Run.APPLY: of_apply, Run.ROTATE: of_rotate}.get(run, lambda _: iter(()))(wanted)
    home = _home(target, namespace)
    below = namespace[len(home) :].strip("/")
    found = _Rules()
    found.add(Need("GET", "auth/token/lookup-self", below, _OWN))
    if target is not None and target.login is not None:
        found.add(Need("UPDATE", "auth/token/renew-self", "", _OWN))
        found.add(Need("UPDATE", "auth/token/revoke-self", "", _OWN))
    writes, deletes = run in (Run.APPLY, Run.ROTATE), run is Run.APPLY
    kept = of_ledger(wanted, writes=writes, deletes=deletes) if run is not Run.EXPORT else ()
    for need in (*needs, *more, *kept):
        found.add(replace(need, namespace=join(below, need.namespace)))
    engine = guessed(wanted) if run is not Run.EXPORT else ()
    notices = (*found.notices(), *engine, *_half_said(wanted, run), *_own_way_in(wanted, target, run))
    made = Permissions(run, wanted.scope.settings.project, home, tuple(found.rules()), notices)
    return replace(made, notices=(*notices, _TOO_LONG)) if len(made.text.encode()) > _MOST_BYTES else made


def _own_way_in(wanted: Wanted, target: Target | None, run: Run) -> Iterator[str]:
    """Say where the policy lets a run change what it logs in with, and so its own rights."""
    if run is not Run.APPLY or target is None or target.login is None:
        return
    mount = target.login.mount
    own = [str(item.address) for item in wanted.objects if _is_of(item.address.path, mount)]
    if own:
        listed = ", ".join(visible(address) for address in sorted(own)[:3])
        yield (
            f"with this policy a run may change what it logs in with, and so its own rights ({listed}); declare these"
            " in a project of their own, which people apply"
        )


def _is_of(path: str, mount: str) -> bool:
    return path == f"sys/auth/{mount}" or path.startswith(f"auth/{mount}/")


def _home(target: Target | None, namespace: str) -> str:
    """The namespace of the token, where its policies are: that of the login, where it has one above the base."""
    login = target.login if target is not None else None
    if login is None or login.namespace is None:
        return namespace
    return login.namespace if f"{namespace}/".startswith(f"{login.namespace}/".lstrip("/")) else namespace


def _wants_sudo(need: Need) -> bool:
    """Whether a request needs `sudo` too; of these, servers agree."""
    return any(wants_sudo(need.path, word, Dialect.OPENBAO) for word in _CAPABILITIES[need.method])


class _Rules:
    """Gathers rules: what several requests want at a path is one of them."""

    def __init__(self) -> None:
        self.groups: dict[str, str] = {}
        self.capabilities: dict[str, set[str]] = {}
        self.unsaid: dict[str, None] = {}

    def add(self, need: Need) -> None:
        """Permit a request."""
        path = join(need.namespace, need.path)
        if not _can_be_said(path):
            self.unsaid[path] = None
            return
        if need.method == "LIST" and ANY in path:
            # Servers judge a list by its path with a slash, which the rule for the members would match as well.
            path += "/"
        group = f"{need.group} (namespace {need.namespace})" if need.namespace else need.group
        self.groups.setdefault(path, group)
        self.capabilities.setdefault(path, set()).update(_CAPABILITIES[need.method])
        if need.path.startswith("sys/") and _wants_sudo(need):
            self.capabilities[path].add("sudo")

    def rules(self) -> Iterator[Rule]:
        """The rules, those of a group together."""
        order = {group: index for index, group in enumerate(dict.fromkeys(self.groups.values()))}
        for path in sorted(self.groups, key=lambda path: (order[self.groups[path]], path)):
            words = tuple(word for word in _ORDER if word in self.capabilities[path])
            yield Rule(_written(path), words, _written(self.groups[path]))

    def notices(self) -> Iterator[str]:
        """What no rule can say: it would say more than is meant."""
        for path in self.unsaid:
            yield f"{_written(path)}: no policy can name just this path, so it is left out; another name would help"


def _half_said(wanted: Wanted, run: Run) -> Iterator[str]:
    """Patterns that reach into mounts that no rule can describe."""
    settings = wanted.scope.settings
    for pattern in settings.owns if run is Run.EXPORT else settings.prune:
        if any(is_vague(kind, pattern.text) for kind in catalogue.all_kinds().values()):
            yield (
                f"`{pattern.text}` also reaches into mounts that no file opens, and no policy can say which;"
                " open them in a document, or add rules for them by hand"
            )


def _can_be_said(path: str) -> bool:
    """Whether a rule can name a path and no other: what has a meaning in policies may not stand in it."""
    plain = path.replace(ANY, "x").removesuffix(REST).removesuffix("/")
    if _PLAIN.fullmatch(plain):
        return True
    special = path.endswith("*") or "+" in path.split("/") or "{{" in path or "}}" in path
    if special or (not path.isprintable() and not _only_ours(path)):
        return False
    try:
        read = policy.parse(f'path {_quoted(_written(path))} {{ capabilities = ["read"] }}')
    except policy.PolicyError:
        return False
    return [rule.path for rule in read.rules] == [_written(path)]


def _only_ours(path: str) -> bool:
    return path.replace(ANY, "").replace(REST, "").isprintable()


def _written(path: str) -> str:
    """As policies write it."""
    return path.replace(ANY, "+").replace(REST, "*")


def _quoted(path: str) -> str:
    escaped = path.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
