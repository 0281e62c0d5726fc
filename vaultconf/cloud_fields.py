"""What the configurations of auth methods share that log in to another system with credentials of their own.

Source: Vault API, "rotation" and "plugin workload identity"; seen on Vault 2.1, which answers 400 to a rotation on the
community edition. Vault 1.19 takes the fields without a word and returns none of them.
"""

from __future__ import annotations

from vaultconf.fields import Duration, Flag, Text
from vaultconf.kind import Spec, setting


class RotationFields(Spec):
    """When the server rotates its own credentials."""

    rotation_period: Duration = setting(0, "Rotate the credentials this often. Vault Enterprise.", only="vault")
    rotation_schedule: Text = setting("", "The same as a cron line. Vault Enterprise.", only="vault")
    rotation_window: Duration = setting(0, "How long after the schedule. Vault Enterprise.", only="vault")
    rotation_policy: Text = setting("", "What happens when a rotation fails. Vault Enterprise.", only="vault")
    disable_automated_rotation: Flag = setting(False, "Suspends rotation. Vault Enterprise.", only="vault")


class CloudFields(RotationFields):
    """The same, and how the server logs in without credentials."""

    identity_token_audience: Text = setting(
        "", "Audience of the server's own identity tokens. Vault Enterprise.", only="vault"
    )
    identity_token_ttl: Duration = setting(0, "Lifetime of these tokens. Vault Enterprise.", only="vault")
