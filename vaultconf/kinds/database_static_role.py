"""Static roles of a database engine. Source: Vault API, `/database/static-roles`; OpenBao 2.7.2, Vault 2.1 and 1.19.

Creating one changes the user's password at once; deleting one leaves the user with a password nobody knows.
"""

from __future__ import annotations

from typing import Annotated

from vaultconf import credentials, rotation
from vaultconf.fields import Duration, Flag, Statements, Text, one_of
from vaultconf.kind import REQUIRED, Kind, Rotation, Spec, setting
from vaultconf.model import Values


class DatabaseStaticRole(Spec):
    """An existing database user whose password the engine rotates."""

    db_name: Text = setting(REQUIRED, "The connection.", names="database_connection", within=True)
    username: Text = setting(REQUIRED, "The user in the database.", immutable=True)
    rotation_period: Duration = setting(0, "How often the password changes; at least 5 s.")
    rotation_schedule: Text = setting("", "The same as a cron line. Vault only.", only="vault")
    rotation_window: Duration = setting(0, "How long after the schedule it may happen. Vault only.", only="vault")
    rotation_statements: Statements = setting((), "Statements that change the password.")
    credential_type: Annotated[str, one_of("password", "rsa_private_key")] = setting(
        "password", "What the user logs in with; a new type counts from the next rotation on."
    )
    credential_config: credentials.CredentialConfig = credentials.CredentialConfig()
    skip_import_rotation: Flag = setting(
        False,
        "Keep the password when the role is made. Vault Enterprise.",
        only="vault",
        immutable=True,
    )


def _check(values: Values) -> list[str]:
    return [*credentials.check(values), *rotation.check(values)]


def _warning(values: Values) -> str:
    if values.get("skip_import_rotation"):
        return ""
    name = values["username"]
    user = f"`{name}`" if isinstance(name, str) else "its user"
    return f"changes the password of {user} in the database at once: whoever logs in with the old one no longer can"


KIND = Kind(
    name="database_static_role",
    title="Database static role",
    model=DatabaseStaticRole,
    yaml="secrets.{mount}.static_roles.{name}",
    path="{mount}/static-roles/{name}",
    mount_types=frozenset({"database"}),
    always_sent=("username", "db_name"),
    ignored=frozenset({"last_vault_rotation", "name"}),
    extras=("last_vault_rotation",),
    rotation=Rotation("{mount}/rotate-role/{name}", since="last_vault_rotation", warning=_warning, through="db_name"),
    check=_check,
    from_wire=credentials.from_wire,
    to_wire=rotation.one_rhythm,
    write=rotation.write,
)
