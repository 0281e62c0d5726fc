"""What the page about sharing a server says that Vault itself enforces: its policy, on a real server."""

from __future__ import annotations

import pytest

from tests.support.cli import Project
from tests.support.least import hcl, policy_for, token_with
from tests.support.markdown import ROOT, blocks
from tests.support.raw import Raw, RawError

PAGE = ROOT / "docs" / "how-to" / "share-a-server.md"


@pytest.fixture
def limited(project: Project, raw: Raw, unique: str) -> dict[str, str]:
    """A token that has the policy of the page for a mount of this test, beside what its plan needs elsewhere."""
    raw.write(f"sys/auth/{unique}", {"type": "approle"})
    project.write("vaultconf.yaml", "version: 1\nexternal: [sys/policies/acl/*]\n")
    declare(project, unique, "[]")
    shown = next(block.text for block in blocks(PAGE) if "limits-policies" in block.words)
    rules = [rule for rule in policy_for(project, "plan")["rules"] if not rule["path"].endswith("role/payments")]
    return token_with(raw, f"{shown.replace('auth/approle/', f'auth/{unique}/')}\n{hcl(rules)}")


def declare(project: Project, mount: str, policies: str, ttl: int = 5) -> None:
    role = f"{{token_policies: {policies}, token_ttl: {ttl}m}}"
    project.write("desired-state/a.yaml", f"auth: {{{mount}: {{roles: {{payments: {role}}}}}}}")


@pytest.mark.parametrize("policies", [["base-metrics", "payments-read"], ["payments-read"], []])
def test_the_lists_that_the_policy_names_can_be_applied(
    project: Project, raw: Raw, unique: str, limited: dict[str, str], policies: list[str]
) -> None:
    role = f"auth/{unique}/role/payments"
    for ttl in (5, 7):
        declare(project, unique, f"[{', '.join(reversed(policies))}]", ttl)
        result = project.run("apply", "--yes", env=limited)
        assert result.exit_code == 0, result

    live = raw.read(role) or {}
    Raw(project.server.address, limited["VAULT_TOKEN"]).delete(role)

    assert (live["token_policies"] or [], live["token_ttl"]) == (policies, 420)
    assert raw.read(role) is None


@pytest.mark.parametrize(
    "body",
    [
        {"token_policies": ["admin"]},
        {"token_policies": ["payments-read", "admin"]},
        {"token_policies": "payments-read,admin"},
        {"token_policies": "admin"},
        {"policies": ["admin"]},
        {"policies": "admin"},
    ],
)
def test_whatever_else_gives_a_policy_is_refused_by_the_server(
    project: Project, unique: str, limited: dict[str, str], body: dict[str, object]
) -> None:
    bound = Raw(project.server.address, limited["VAULT_TOKEN"])

    with pytest.raises(RawError) as refused:
        bound.write(f"auth/{unique}/role/payments", body)

    assert refused.value.status == 403


def test_a_token_role_that_only_forbids_permits_all_the_rest(raw: Raw, unique: str) -> None:
    raw.write(f"auth/token/roles/{unique}", {"disallowed_policies": [f"{unique}-x"]})
    raw.write(
        f"sys/policies/acl/{unique}", {"policy": f'path "auth/token/create/{unique}" {{ capabilities = ["update"] }}'}
    )
    weak = raw.write("auth/token/create", {"policies": [unique], "no_default_policy": True})["auth"]["client_token"]

    made = Raw(raw.address, weak).write(f"auth/token/create/{unique}", {"policies": [f"{unique}-admin"]})

    assert f"{unique}-admin" in made["auth"]["policies"]
    raw.delete(f"auth/token/roles/{unique}")
