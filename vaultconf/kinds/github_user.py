"""GitHub auth, users. Source: Vault API, `/auth/github/map/users`; Vault 2.1 and 1.19."""

from __future__ import annotations

from vaultconf import github_map
from vaultconf.fields import PolicyLine
from vaultconf.kind import Kind, Spec, setting


class GithubUser(Spec):
    """What a member of the organization may do, beside what their teams may."""

    value: PolicyLine = setting((), "Policies that the token carries.", names="acl_policy")


KIND = Kind(
    name="github_user",
    title="GitHub user",
    model=GithubUser,
    yaml="auth.{mount}.users.{name}",
    path="auth/{mount}/map/users/{name}",
    mount_types=frozenset({"github"}),
    names=github_map.NAMES,
    replaces=True,
    absent=github_map.ABSENT,
    ignored=github_map.NOT_CONFIGURATION,
)
