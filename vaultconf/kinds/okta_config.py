"""Okta auth, its configuration. Source: Vault API, `/auth/okta/config`; Vault 2.1 and 1.19."""

from __future__ import annotations

from vaultconf.fields import Flag, Text
from vaultconf.kind import REQUIRED, Kind, setting
from vaultconf.token_fields import OLD_NAMES, TokenFields, token_problems


class OktaConfig(TokenFields):
    """The organization of Okta that checks passwords."""

    org_name: Text = setting(REQUIRED, "Name of the organization.")
    api_token: Text = setting(
        None,
        "Token with which groups are looked up; sent when it is created.",
        write_only=True,
        told_by="*",
        secret=True,
    )
    base_url: Text = setting("", "Domain of the API; none is okta.com.")
    bypass_okta_mfa: Flag = setting(False, "Do not ask Okta for a second factor.")


KIND = Kind(
    name="okta_config",
    title="Okta configuration",
    model=OktaConfig,
    yaml="auth.{mount}.config",
    path="auth/{mount}/config",
    mount_types=frozenset({"okta"}),
    old_names={**OLD_NAMES, "organization": "org_name", "token": "api_token"},
    check=token_problems,
)
