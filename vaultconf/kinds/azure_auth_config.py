"""Azure auth, its configuration. Source: Vault API, `/auth/azure/config`; Vault 2.1 and 1.19.

A write keeps most of what it leaves out, but resets the retries and `root_password_ttl`. The delays are read in
nanoseconds and taken in seconds.
"""

from __future__ import annotations

from typing import Annotated, Any

from vaultconf import durations
from vaultconf.cloud_fields import CloudFields
from vaultconf.fields import Codec, Count, Duration, Text
from vaultconf.kind import REQUIRED, Kind, setting

_NANO = 10**9


def _delay_from_wire(value: Any) -> int:
    return int(value) // _NANO


Delay = Annotated[
    int,
    Codec(
        durations.from_yaml,
        _delay_from_wire,
        {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string"}], "examples": ["4s", 60]},
        to_yaml=durations.to_yaml,
    ),
]


class AzureAuthConfig(CloudFields):
    """The tenant whose tokens are good for a login, and how the server asks Azure about them."""

    tenant_id: Text = setting(REQUIRED, "ID of the tenant.")
    resource: Text = setting(REQUIRED, "Audience that a login's token must have, such as `https://vault.example.com`.")
    environment: Text = setting("", "Which cloud, such as `AzureUSGovernmentCloud`; none is the public one.")
    client_id: Text = setting(
        "", "Client that asks about machines; a new one needs its secret sent again (`--resend`)."
    )
    client_secret: Text = setting(
        None, "Its secret; sent when it is created.", write_only=True, told_by="client_id", secret=True
    )
    max_retries: Count = setting(3, "How often a call to Azure is tried again.", resets=True)
    retry_delay: Delay = setting(4, "Delay before the first retry.", resets=True)
    max_retry_delay: Delay = setting(60, "Longest delay before a retry.", resets=True)
    root_password_ttl: Duration = setting(15768000, "Lifetime of a rotated `client_secret`.", resets=True)


KIND = Kind(
    name="azure_auth_config",
    title="Azure auth configuration",
    model=AzureAuthConfig,
    yaml="auth.{mount}.config",
    path="auth/{mount}/config",
    mount_types=frozenset({"azure"}),
    always_sent=("tenant_id", "resource"),
)
