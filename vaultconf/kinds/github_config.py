"""GitHub auth, its configuration. Source: Vault API, `/auth/github/config`; Vault 2.1 and 1.19.

A write with another organization and without its ID keeps the old ID, which is what a login is checked against.
"""

from __future__ import annotations

from typing import Annotated

from vaultconf.fields import Codec, Count, Text
from vaultconf.kind import REQUIRED, Kind, setting
from vaultconf.token_fields import OLD_NAMES, TokenFields, token_problems


def _with_slash(value: object) -> str:
    """A URL as servers store it; an empty one becomes a slash, and means GitHub's own."""
    if not isinstance(value, str):
        raise ValueError("must be text; put it in quotes")
    return f"{value.rstrip('/')}/" if value.strip("/") else ""


class GithubConfig(TokenFields):
    """The organization whose members may log in."""

    organization: Text = setting(REQUIRED, "Name of the organization.")
    organization_id: Count = setting(REQUIRED, "Its ID, `id` in `https://api.github.com/orgs/<name>`.")
    base_url: Annotated[str, Codec(_with_slash, _with_slash, {"type": "string"})] = setting(
        "", "API of a GitHub Enterprise Server; none is GitHub's own."
    )


KIND = Kind(
    name="github_config",
    title="GitHub configuration",
    model=GithubConfig,
    yaml="auth.{mount}.config",
    path="auth/{mount}/config",
    mount_types=frozenset({"github"}),
    always_sent=("organization", "organization_id"),
    old_names=OLD_NAMES,
    check=token_problems,
)
