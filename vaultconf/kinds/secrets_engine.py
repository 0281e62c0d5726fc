"""Secrets engines. Source: Vault API, `/sys/mounts`; OpenBao 2.7.2, Vault 2.1 and 1.19."""

from __future__ import annotations

from vaultconf import mounts
from vaultconf.kind import ANY_NAME, Kind, Obstacle
from vaultconf.model import RiskReason


class SecretsEngine(mounts.Mount):
    """A secrets engine at its path."""

    tune: mounts.EngineTune = mounts.EngineTune()


def _obstacle(ask: Obstacle) -> str:
    return mounts.missing_plugin(ask, "secret")


KIND = Kind(
    name="secrets_engine",
    title="Secrets engine",
    model=SecretsEngine,
    yaml="secrets.{mount}",
    path="sys/mounts/{mount}",
    names=ANY_NAME,
    table="sys/mounts",
    absent=((400, "No secret engine mount"),),
    builtin=frozenset({"sys", "identity", "cubbyhole", "agent-registry"}),
    untouchable=frozenset({"sys", "identity", "cubbyhole", "agent-registry"}),
    ignored=mounts.NOT_CONFIGURATION,
    destroys=RiskReason.DESTROYS_DATA,
    loses="everything stored in it",
    probe="sys/plugins/catalog",
    obstacle=_obstacle,
    check=mounts.check,
    complete=mounts.complete,
    must_replace=mounts.must_replace,
    from_wire=mounts.from_wire,
    write=mounts.write,
    beside=mounts.beside,
)
