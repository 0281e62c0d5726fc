"""Runs with just the rights that `permissions` prints."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from tests.support.cli import Project, Result
from tests.support.ladders import Climber, Step, Tree
from tests.support.raw import Raw

#: What a refusal is called, whoever tells of it.
REFUSED = "permission denied"
#: What a run says of mounts that are none of its business: the server is shared.
ELSEWHERE = "no file opens"
#: What a plan says of a mount that has another type than it shall have: what is in it is not this project's.
OLD_TYPE = "strangers there are unknown"
NOTHING = "no file declares anything"


def policy_for(project: Project, command: str, env: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The JSON of `permissions`."""
    result = project.run("permissions", command, "--format", "json", env=env)
    assert result.exit_code == 0, result
    return result.plan


@cache
def token_with(raw: Raw, policy: str) -> dict[str, str]:
    """A token that has one policy and no other, as environment."""
    name = f"least-{secrets.token_hex(6)}"
    raw.write(f"sys/policies/acl/{name}", {"policy": policy})
    made = raw.write("auth/token/create", {"policies": [name], "no_default_policy": True})
    return {"VAULT_TOKEN": made["auth"]["client_token"]}


def hcl(rules: Iterable[Mapping[str, Any]]) -> str:
    """A policy of some of the rules that `permissions` prints."""
    lines = (f'path "{rule["path"]}" {{ capabilities = {rule["capabilities"]} }}' for rule in rules)
    return "\n".join(lines).replace("'", '"')


def refusals(result: Result) -> list[str]:
    """The lines that tell of something refused, but for what is not this project's."""
    lines = f"{result.stdout}\n{result.stderr}".splitlines()
    return [line for line in lines if REFUSED in line and ELSEWHERE not in line]


class LeastClimber(Climber):
    """Climbs with a new token for every command: it may do what `permissions` prints for the files of the moment.

    And exports what it has made.
    """

    def climb(self, wanted: Tree, *, allow: bool = False) -> Step:
        """Climb as anybody, then export."""
        return replace(Climber.climb(self, wanted, allow=allow), exported=self.exported())

    def _run(self, *argv: str) -> Result:
        printed = policy_for(self.project, argv[0], self.ladder.env)
        assert [notice for notice in printed["notices"] if NOTHING not in notice] == []
        token = token_with(self.raw, printed["policy"])
        result = self.project.run(*argv, env={**self.ladder.env, **token})
        found = [line for line in refusals(result) if not (self.ladder.kind.is_mount and OLD_TYPE in line)]
        assert found == [], f"{result}\n{printed['policy']}"
        return result
