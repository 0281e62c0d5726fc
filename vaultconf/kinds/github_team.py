"""GitHub auth, teams. Source: Vault API, `/auth/github/map/teams`; Vault 2.1 and 1.19."""

from __future__ import annotations

from vaultconf import github_map
from vaultconf.fields import PolicyLine
from vaultconf.kind import Kind, Spec, setting


class GithubTeam(Spec):
    """What the members of a team of the organization may do; named by its slug."""

    value: PolicyLine = setting((), "Policies that the token carries.", names="acl_policy")


KIND = Kind(
    name="github_team",
    title="GitHub team",
    model=GithubTeam,
    yaml="auth.{mount}.teams.{name}",
    path="auth/{mount}/map/teams/{name}",
    mount_types=frozenset({"github"}),
    names=github_map.NAMES,
    replaces=True,
    absent=github_map.ABSENT,
    ignored=github_map.NOT_CONFIGURATION,
)
