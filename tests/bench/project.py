"""A large project: half of it policies, a file each; the other half AppRole roles."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

ROLES_A_FILE = 250


def write(root: Path, objects: int) -> Path:
    """Write a project that declares `objects` policies and roles, and the one mount of the roles; return its folder."""
    policies, state = root / "policies", root / "desired-state"
    policies.mkdir(parents=True)
    state.mkdir()
    (root / "vaultconf.yaml").write_text("version: 1\nproject: bench\n")
    (state / "auth.yaml").write_text("auth:\n  approle:\n    type: approle\n")
    for number in range(half(objects)):
        (policies / f"{policy(number)}.hcl").write_text(rules(number))
    for first in range(0, half(objects), ROLES_A_FILE):
        numbers = range(first, min(first + ROLES_A_FILE, half(objects)))
        text = "auth:\n  approle:\n    roles:\n" + "".join(map(_role, numbers))
        (state / f"roles-{first:05}.yaml").write_text(text)
    return root


def half(objects: int) -> int:
    return objects // 2


def policy(number: int) -> str:
    return f"team-{number:05}-read"


def role(number: int) -> str:
    return f"team-{number:05}"


def paths(objects: int) -> Iterator[str]:
    """The API paths of all objects, policies and roles in turn."""
    for number in range(half(objects)):
        yield f"sys/policies/acl/{policy(number)}"
        yield f"auth/approle/role/{role(number)}"


def rules(number: int) -> str:
    return f"""# What the service of team {number} may read.
path "secret/data/team-{number:05}/*" {{
  capabilities = ["read"]
}}

path "secret/metadata/team-{number:05}/*" {{
  capabilities = ["read", "list"]
}}

path "database/creds/team-{number:05}" {{
  capabilities = ["read"]
}}
"""


def _role(number: int) -> str:
    return f"""      {role(number)}:
        token_policies: [{policy(number)}]
        token_ttl: 20m
        token_max_ttl: 1h
        secret_id_ttl: 24h
        secret_id_num_uses: 40
"""
