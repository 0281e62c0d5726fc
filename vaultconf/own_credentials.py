"""What the run itself logs in with: no field of an object may hold it, or an apply would publish it.

Sources: the variables that GitHub Actions, GitLab CI, Azure Pipelines, Bitbucket, CircleCI and Buildkite set in a job.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from vaultconf.login_settings import GITLAB_VARIABLE
from vaultconf.references import BadReference, Reference, Template, inside
from vaultconf.settings import Target

_VARIABLES = frozenset(
    {
        *("VAULT_TOKEN", "BAO_TOKEN", GITLAB_VARIABLE),
        *("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_RUNTIME_TOKEN"),
        *("GITHUB_TOKEN", "GH_TOKEN"),
        *("CI_JOB_TOKEN", "CI_JOB_JWT", "CI_JOB_JWT_V1", "CI_JOB_JWT_V2", "CI_BUILD_TOKEN", "CI_REPOSITORY_URL"),
        *("CI_DEPLOY_PASSWORD", "CI_REGISTRY_PASSWORD", "CI_DEPENDENCY_PROXY_PASSWORD"),
        *("SYSTEM_ACCESSTOKEN", "BITBUCKET_STEP_OIDC_TOKEN", "CIRCLE_OIDC_TOKEN", "CIRCLE_OIDC_TOKEN_V2"),
        *("BUILDKITE_AGENT_ACCESS_TOKEN", "SOPS_AGE_KEY"),
    }
)


def of_logins(targets: Mapping[str, Target]) -> frozenset[Reference]:
    """What the logins of all targets are made of."""
    logins = [target.login for target in targets.values() if target.login is not None]
    return frozenset(found for login in logins for name, value in login.fields.items() for found in _in(name, value))


def _in(name: str, value: str | Template) -> Iterator[Reference]:
    if isinstance(value, Template):
        yield from value.references
    elif name == "oidc_variable":
        yield Reference("env", value)
    elif name == "jwt_file":
        try:
            yield Reference("file", inside(value, PurePosixPath()))
        except BadReference:  # outside the project, where no field can reach it
            return


def is_own(reference: Reference) -> bool:
    """Whether a reference leads to what a CI system, or whoever starts the run, gives it to log in with."""
    return reference.scheme == "env" and reference.target.upper() in _VARIABLES
