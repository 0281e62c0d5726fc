"""Database connections. Source: Vault API, `/database/config`; OpenBao 2.7.2, Vault 2.1 and 1.19.

What belongs to the plugin is read back inside `connection_details`, in the type in which it was sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from vaultconf.fields import Count, Duration, Flag, Statements, Text, WordSet, one_of
from vaultconf.kind import REQUIRED, Kind, Obstacle, Rotation, Spec, setting
from vaultconf.model import Action
from vaultconf.rotations import SERVER, log_in
from vaultconf.urls import ConnectionUrl
from vaultconf.versions import PluginVersion


class DatabaseConnection(Spec):
    """How the engine reaches one database."""

    plugin_name: Text = setting(REQUIRED, "Plugin, such as `postgresql-database-plugin`.")
    plugin_version: PluginVersion = setting("", "Version of the plugin; none is the newest or built-in one.")
    allowed_roles: WordSet = setting((), "Roles that may use the connection; `*` for all.")
    root_rotation_statements: Statements = setting((), "Statements that change the connection's own password.")
    password_policy: Text = setting(
        "", "Password policy for generated passwords.", names="password_policy", must_exist=False
    )
    verify_connection: Flag = setting(
        True,
        "Connect before storing. OpenBao does not return it.",
        returned="vault",
        resets=True,
    )
    connection_url: ConnectionUrl = setting("", "URL with `{{username}}` and `{{password}}`.")
    username: Text = setting("", "The user that the engine logs in as.")
    password: Text = setting(
        None, "Its password; sent when the connection is created.", write_only=True, told_by="username", secret=True
    )
    username_template: Text = setting("", "Template for the names of generated users.")
    max_open_connections: Count = setting(0, "Most open connections; 0 is the plugin's default.")
    max_idle_connections: Count = setting(0, "Most idle connections; 0 is as many as may be open.")
    max_connection_lifetime: Duration = setting(0, "Longest life of a connection; 0 is for ever.")
    disable_escaping: Flag = setting(False, "Do not escape special characters in name and password.")
    password_authentication: Annotated[str, one_of("", "password", "scram-sha-256")] = setting(
        "", "PostgreSQL: how passwords are sent to the server."
    )
    auth_type: Text = setting("", "Cloud IAM login, such as `gcp_iam`. Vault only.", only="vault")
    service_account_json: Text = setting(
        None, "Credentials for it. Vault only.", write_only=True, secret=True, only="vault"
    )
    self_managed: Flag = setting(
        False, "PostgreSQL: static roles change their own passwords. Vault Enterprise.", only="vault"
    )
    tls_ca: Text = setting("", "CA that signed the server's certificate (PEM).")
    tls_certificate: Text = setting("", "PostgreSQL: client certificate (PEM).")
    private_key: Text = setting(
        None, "PostgreSQL: key of the client certificate.", write_only=True, told_by="tls_certificate", secret=True
    )
    tls_certificate_key: Text = setting(
        "", "MySQL: client certificate and key (PEM); the server returns it.", secret=True
    )
    tls_server_name: Text = setting("", "MySQL: name in the server's certificate.")
    tls_skip_verify: Flag = setting(False, "MySQL: do not check the certificate.")
    host: Text = setting("", "Redis, Valkey, InfluxDB: the host.")
    hosts: Text = setting("", "Cassandra: hosts, separated by commas.")
    port: Count = setting(0, "Port; 0 is the plugin's default.")
    protocol_version: Count = setting(0, "Cassandra: version of its protocol.")
    connect_timeout: Duration = setting(0, "Timeout of a connection; 0 is the plugin's default.")
    tls: Flag = setting(False, "Use TLS.")
    insecure_tls: Flag = setting(False, "Do not check the certificate.")
    ca_cert: Text = setting("", "Redis, Valkey: CA certificate (PEM).")
    pem_bundle: Text = setting("", "Certificate, key and CA (PEM); the server returns it.", secret=True)
    write_concern: Text = setting("", "MongoDB: write concern as JSON.")
    rotation_period: Duration = setting(0, "Rotate the root credential this often. Vault Enterprise.", only="vault")
    rotation_schedule: Text = setting("", "The same as a cron line. Vault Enterprise.", only="vault")
    rotation_window: Duration = setting(0, "How long after the schedule. Vault Enterprise.", only="vault")
    rotation_policy: Text = setting("", "What happens when a rotation fails. Vault Enterprise.", only="vault")
    disable_automated_rotation: Flag = setting(False, "Suspends rotation. Vault Enterprise.", only="vault")
    skip_static_role_import_rotation: Flag = setting(
        False,
        "Static roles keep their password when made. Vault Enterprise.",
        only="vault",
    )


def _from_wire(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Lift the plugin's own fields; the rotation statements are read under another name."""
    plain = {name: value for name, value in data.items() if name != "connection_details"}
    plain["root_rotation_statements"] = plain.pop("root_credentials_rotate_statements", ())
    return {**(data.get("connection_details") or {}), **plain}


def _with_key(body: dict[str, object]) -> dict[str, object]:
    """A client certificate goes away together with its key: Vault 1.19 takes neither without the other."""
    return {**body, "private_key": ""} if body.get("tls_certificate") == "" else body


def _obstacle(ask: Obstacle) -> str:
    known = (ask.probe or {}).get("database")
    wanted = ask.values.get("plugin_name")
    if ask.action is Action.CREATE and isinstance(known, list) and wanted not in known:
        return f"this server has no database plugin `{wanted}`; see `sys/plugins/catalog` for what there is"
    return ""


KIND = Kind(
    name="database_connection",
    title="Database connection",
    model=DatabaseConnection,
    yaml="secrets.{mount}.connections.{name}",
    path="{mount}/config/{name}",
    mount_types=frozenset({"database"}),
    always_sent=("plugin_name",),
    probe="sys/plugins/catalog",
    obstacle=_obstacle,
    old_names={"root_credentials_rotate_statements": "root_rotation_statements"},
    rotation=Rotation("{mount}/rotate-root/{name}", frozenset({"password"}), log_in, server=SERVER),
    from_wire=_from_wire,
    to_wire=_with_key,
)
