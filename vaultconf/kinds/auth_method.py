"""Auth methods. Source: Vault API, `/sys/auth`; OpenBao 2.7.2, Vault 2.1 and 1.19."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vaultconf import mounts
from vaultconf.kind import ANY_NAME, Kind
from vaultconf.model import RiskReason, Values

_WITH_LOCKOUT = frozenset({"userpass", "ldap", "approle"})
_TOKEN_TYPES = frozenset({"token", "ns_token"})


class AuthMethod(mounts.Mount):
    """An auth method at its path; `token` is there already and can be tuned."""

    tune: mounts.AuthTune = mounts.AuthTune()


def _from_wire(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The token mount's own `token_type` cannot be tuned; in a namespace of OpenBao it reads otherwise."""
    plain = dict(mounts.from_wire(data))
    if plain.get("type") in _TOKEN_TYPES:
        plain["tune"] = {name: value for name, value in plain["tune"].items() if name != "token_type"}
    return plain


def _check(values: Values) -> list[str]:
    problems = mounts.check(values)
    if values.get("type") not in _WITH_LOCKOUT and any("user_lockout_config" in name for name in values):
        problems.append("only userpass, ldap and approle have `tune.user_lockout_config`")
    return problems


KIND = Kind(
    name="auth_method",
    title="Auth method",
    model=AuthMethod,
    yaml="auth.{mount}",
    path="sys/auth/{mount}",
    names=ANY_NAME,
    table="sys/auth",
    absent=((400, "No auth engine at"),),
    builtin=frozenset({"token"}),
    partial={"token": "tune."},
    # Auth methods return it as false and take no other value.
    ignored=mounts.NOT_CONFIGURATION | {"tune.force_no_cache"},
    destroys=RiskReason.REMOVES_ACCESS,
    loses="its roles and users, and every token it gave out",
    probe="sys/plugins/catalog",
    obstacle=lambda ask: mounts.missing_plugin(ask, "auth"),
    check=_check,
    from_wire=_from_wire,
    write=mounts.write,
    beside=mounts.beside,
)
