"""Static roles of a database engine. Source: Vault API, `/database/static-roles`; OpenBao 2.7.2, Vault 2.1 and 1.19.

Creating one changes the user's password at once; deleting one leaves the user with a password nobody knows.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from vaultconf import credentials
from vaultconf.fields import Duration, Flag, Statements, Text, one_of
from vaultconf.http import Request
from vaultconf.kind import REQUIRED, Kind, Spec, Steps, Write, setting
from vaultconf.model import Action, Values


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


_SHORTEST_PERIOD = 5
_SHORTEST_WINDOW = 3600
_STAND_IN_PERIOD = 86400


def _check(values: Values) -> list[str]:
    problems = list(credentials.check(values))
    period, schedule = values.get("rotation_period"), values.get("rotation_schedule")
    window = values.get("rotation_window")
    if bool(period) == bool(schedule):
        problems.append("give either `rotation_period` or `rotation_schedule`")
    if isinstance(period, int) and 0 < period < _SHORTEST_PERIOD:
        problems.append("`rotation_period` is at least 5 seconds")
    if isinstance(window, int) and 0 < window < _SHORTEST_WINDOW:
        problems.append("`rotation_window` is at least one hour")
    if window and not schedule:
        problems.append("`rotation_window` goes with `rotation_schedule`")
    return problems


def _one_rhythm(body: dict[str, object]) -> dict[str, object]:
    """Servers refuse the rhythm that is not used, even when it is sent to be unset."""
    rhythm = {"rotation_period", "rotation_schedule", "rotation_window"}
    return {name: value for name, value in body.items() if value or name not in rhythm}


def _write(kind: Kind, write: Write) -> Steps:
    """Vault takes a window with its schedule only, and none of 0: a period has to stand in for a moment."""
    window, schedule = "rotation_window", write.values.get("rotation_schedule")
    if schedule and window in write.send:
        if write.action is Action.UPDATE and not write.values[window]:
            needed = {name: write.values[name] for name in kind.always_sent}
            yield Request("POST", write.path, {**needed, "rotation_period": _STAND_IN_PERIOD})
        write = replace(write, send=write.send | {"rotation_schedule"})
    yield from credentials.write(kind, write)


KIND = Kind(
    name="database_static_role",
    title="Database static role",
    model=DatabaseStaticRole,
    yaml="secrets.{mount}.static_roles.{name}",
    path="{mount}/static-roles/{name}",
    mount_types=frozenset({"database"}),
    always_sent=("username", "db_name"),
    ignored=frozenset({"last_vault_rotation", "name"}),
    check=_check,
    from_wire=credentials.from_wire,
    to_wire=_one_rhythm,
    write=_write,
)
