"""What somebody must be able to do, to undo a change or to repair, and what changes do to policies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from vaultconf import catalogue, policy
from vaultconf.acl import Acl, Source
from vaultconf.address import join
from vaultconf.kind import Kind
from vaultconf.model import Action, Address, Change, Unreadable, Values

POLICIES: Final = "sys/policies/acl/"
_DEFAULT: Final = frozenset({"default"})

#: The text behind the name of a policy: None where there is none.
Found = Source | Unreadable | None


@dataclass(frozen=True, slots=True)
class Need:
    """An operation at an API path, in a namespace below the run's own."""

    operation: str
    path: str
    namespace: str = ""

    def __str__(self) -> str:
        return f"{self.operation} {join(self.namespace, self.path)}"

    def allowed(self, by: Acl) -> bool:
        """Whether these policies allow it."""
        return by.allows(self.path, self.operation, namespace=self.namespace).allowed


def to_undo(change: Change) -> Iterator[Need]:
    """What it takes to see a change and to take it back."""
    kind, path, namespace = change.kind, change.address.path, change.address.namespace
    yield Need("read", kind.table or path, namespace)
    if change.action is Action.UPDATE:
        yield from to_change(kind, change.address)
        return
    if change.action is not Action.DELETE:
        yield Need("delete", path, namespace)
    if change.action is not Action.CREATE:
        yield Need("update", path, namespace)
        if not path.startswith("sys/"):  # there, making is updating (all three servers)
            yield Need("create", path, namespace)


def to_change(kind: Kind, address: Address) -> Iterator[Need]:
    """What it takes to update an object that is there; mounts are tuned."""
    yield Need("update", f"{address.path}/tune" if kind.is_mount else address.path, address.namespace)


def lost(needs: Iterable[Need], before: Acl, after: Sequence[Acl]) -> list[Need]:
    """What was allowed, and then is not, one way or the other."""
    return [need for need in needs if need.allowed(before) and not all(need.allowed(acl) for acl in after)]


def policies_in(kind: Kind, values: Values) -> frozenset[str]:
    """The ACL policies that an object gives to those who log in by it."""
    found: set[str] = set()
    for name, spec in kind.fields.items():
        named = catalogue.all_kinds().get(spec.marks.names)
        value = values.get(name)
        if named is not None and named.section == "policies" and isinstance(value, tuple):
            found.update(map(str, value))
    return frozenset(found)


def policies_of_login(kind: Kind, values: Values) -> frozenset[str]:
    """The same, with the policy that every token gets unless the role says otherwise."""
    given = policies_in(kind, values)
    return given if values.get("token_no_default_policy") is True else given | _DEFAULT


def policy_name(change: Change) -> str:
    """The name of the ACL policy of the run's namespace that a change is about; "" where it is another object."""
    path = change.address.path
    return path.removeprefix(POLICIES) if path.startswith(POLICIES) and not change.address.namespace else ""


def rewritten(changes: Iterable[Change]) -> Iterator[tuple[str, Source | None]]:
    """The policies that changes make, alter or delete, by name."""
    for change in changes:
        if name := policy_name(change):
            yield name, None if change.action is Action.DELETE else source_of(change.after)


def source_of(values: Mapping[str, object]) -> Source | None:
    """A policy as an object has it; None where its text is none that a server would take."""
    try:
        parsed = policy.parse(str(values.get("policy", "")))
    except policy.PolicyError:
        return None
    slashes, wildcards = (
        values.get(f"allow_{name}_in_identity_templates") is True for name in ("slashes", "wildcards")
    )
    return Source(parsed, slashes, wildcards)


def blamed(suspects: Sequence[Change], losses: Callable[[Sequence[Change]], list[Need]]) -> dict[Address, list[Need]]:
    """What all changes together take away, by the change that does it alone; by all of them where none does."""
    together = losses(suspects)
    if not together:
        return {}
    alone = {change.address: needs for change in suspects if (needs := losses([change]))}
    return alone or dict.fromkeys((change.address for change in suspects), together)
