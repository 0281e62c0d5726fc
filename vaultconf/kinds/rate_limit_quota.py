"""Rate limit quotas. Source: Vault API, `/sys/quotas/rate-limit`; OpenBao 2.7.2, Vault 2.1 and 1.19.

A write resets what it leaves out, but for the role: an existing quota keeps the one it was made with.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from vaultconf import quota_fields
from vaultconf.fields import Duration, Flag, Text, one_of
from vaultconf.kind import REQUIRED, Computed, Kind, Obstacle, Spec, setting
from vaultconf.model import Values
from vaultconf.quota_fields import Place, Rate


class RateLimitQuota(Spec):
    """How many requests each client may send to the server, a namespace, a mount or a path in one."""

    path: Place = setting("", "Namespace, mount or path in a mount to which it applies; none is the whole server.")
    rate: Rate = setting(REQUIRED, "How many requests a client may send in an interval.")
    interval: Duration = setting(1, "The interval.")
    block_interval: Duration = setting(0, "How long a client that sent more is refused altogether.")
    role: Text = setting("", "Logins with this role of an auth method alone; fixed when made.", immutable=True)
    inheritable: Flag = setting(
        Computed(lambda _, values: not values.get("path"), "true without a `path`, else false"),
        "Applies in child namespaces too.",
    )
    group_by: Annotated[str, one_of("ip", "none", "entity_then_ip", "entity_then_none")] = setting(
        "ip", "What counts as one client; others than `ip` are Vault Enterprise's.", only="vault"
    )
    secondary_rate: Rate = setting(0.0, "The rate of those whose entity is not known. Vault Enterprise.", only="vault")


def _check(values: Values) -> Iterator[str]:
    if values.get("role") and not values.get("path"):
        yield "`role` needs the `path` of its auth method"


def _claims(values: Values) -> Iterator[str]:
    yield f"`path: {values.get('path', '')}`, `role: {values.get('role', '')}`"


def _obstacle(ask: Obstacle) -> str:
    if ask.server.enterprise or (ask.values.get("group_by", "ip") == "ip" and not ask.values.get("secondary_rate")):
        return ""
    return "`group_by` and `secondary_rate` are Vault Enterprise's; leave them out"


KIND = Kind(
    name="rate_limit_quota",
    title="Rate limit quota",
    model=RateLimitQuota,
    yaml="quotas.rate_limit.{name}",
    path="sys/quotas/rate-limit/{name}",
    base_only=True,
    replaces=True,
    ignored=frozenset({"name", "type"}),
    needs=quota_fields.needs,
    claims=_claims,
    check=_check,
    obstacle=_obstacle,
)
