"""Roles of a database engine. Source: Vault API, `/database/roles`; OpenBao 2.7.2, Vault 2.1 and 1.19."""

from __future__ import annotations

from typing import Annotated

from vaultconf import credentials
from vaultconf.fields import Duration, Statements, Text, one_of
from vaultconf.kind import REQUIRED, Kind, Spec, setting
from vaultconf.model import Values


class DatabaseRole(Spec):
    """Users that the engine makes in the database on request."""

    db_name: Text = setting(REQUIRED, "The connection.", names="database_connection", within=True)
    creation_statements: Statements = setting((), "Statements that make a user.")
    revocation_statements: Statements = setting((), "Statements that remove it.")
    rollback_statements: Statements = setting((), "Statements that undo a failed creation.")
    renew_statements: Statements = setting((), "Statements that prolong it.")
    default_ttl: Duration = setting(0, "Lifetime of a user; 0 is the mount's default.")
    max_ttl: Duration = setting(0, "Longest lifetime; 0 is the mount's maximum.")
    credential_type: Annotated[str, one_of("password", "rsa_private_key", "client_certificate")] = setting(
        "password", "What a user gets."
    )
    credential_config: credentials.CredentialConfig = credentials.CredentialConfig()


def _check(values: Values) -> list[str]:
    problems = list(credentials.check(values))
    default, longest = values.get("default_ttl", 0), values.get("max_ttl", 0)
    if isinstance(default, int) and isinstance(longest, int) and 0 < longest < default:
        problems.append("`default_ttl` is longer than `max_ttl`")
    return problems


KIND = Kind(
    name="database_role",
    title="Database role",
    model=DatabaseRole,
    yaml="secrets.{mount}.roles.{name}",
    path="{mount}/roles/{name}",
    mount_types=frozenset({"database"}),
    check=_check,
    from_wire=credentials.from_wire,
    write=credentials.write,
)
