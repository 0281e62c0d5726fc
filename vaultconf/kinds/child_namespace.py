"""Namespaces. Source: Vault API, `/sys/namespaces`; OpenBao 2.7.2. Vault has them in its Enterprise edition."""

from __future__ import annotations

from vaultconf.address import RESERVED_NAMESPACES
from vaultconf.fields import WordMap
from vaultconf.kind import Kind, Names, Obstacle, Spec, setting
from vaultconf.model import RiskReason


class ChildNamespace(Spec):
    """A Vault within the Vault: mounts, policies and identities of its own."""

    custom_metadata: WordMap = setting({}, "Words for people and programs.")


def _obstacle(ask: Obstacle) -> str:
    if ask.server.namespaces:
        return ""
    return "community Vault has no namespaces; take it out, or use Vault Enterprise or OpenBao"


KIND = Kind(
    name="child_namespace",
    title="Namespace",
    model=ChildNamespace,
    yaml="namespaces.{name}",
    path="sys/namespaces/{name}",
    names=Names(r"[^\s/+*]+"),
    slashed=True,
    replaces=True,
    absent=((404, ""), (404, "enterprise-only feature")),
    untouchable=RESERVED_NAMESPACES,
    ignored=frozenset({"id", "uuid", "path", "locked", "tainted"}),
    destroys=RiskReason.DESTROYS_DATA,
    loses="everything in it",
    prunable=False,
    obstacle=_obstacle,
)
