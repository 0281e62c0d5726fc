"""RADIUS auth, its configuration. Source: Vault API, `/auth/radius/config`; OpenBao 2.6.2, Vault 2.1 and 1.19."""

from __future__ import annotations

from vaultconf.fields import Count, Duration, Flag, PolicyLine, Text
from vaultconf.kind import REQUIRED, Kind, setting
from vaultconf.token_fields import OLD_NAMES, TokenFields, token_problems


class RadiusConfig(TokenFields):
    """The RADIUS server that checks passwords."""

    host: Text = setting(REQUIRED, "The server.")
    port: Count = setting(1812, "Its port.")
    secret: Text = setting(
        None, "Secret shared with it; sent when it is created.", write_only=True, told_by="*", secret=True
    )
    unregistered_user_policies: PolicyLine = setting(
        (), "Policies for whom it knows and who is not declared; with none they cannot log in.", names="acl_policy"
    )
    dial_timeout: Duration = setting(10, "Timeout of a connection.")
    read_timeout: Duration = setting(10, "Timeout of an answer.")
    nas_port: Count = setting(10, "NAS-Port of a request.")
    nas_identifier: Text = setting("", "NAS-Identifier of a request.")
    case_insensitive_names: Flag = setting(
        False, "Fold names of users to lower case. Vault 2.0 and later.", only="vault"
    )


KIND = Kind(
    name="radius_config",
    title="RADIUS configuration",
    model=RadiusConfig,
    yaml="auth.{mount}.config",
    path="auth/{mount}/config",
    mount_types=frozenset({"radius"}),
    always_sent=("host",),
    old_names=OLD_NAMES,
    check=token_problems,
)
