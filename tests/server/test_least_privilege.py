"""What `permissions` prints is enough, and no line of it is too much."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import Project, Result
from tests.support.least import hcl, policy_for, refusals, token_with
from tests.support.raw import Raw
from tests.support.servers import Server

Rule = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Estate:
    """A project of several kinds that was applied, and that others change behind its back."""

    project: Project
    raw: Raw
    unique: str

    def declare(self) -> None:
        u, folder = self.unique, self.project.server.folder
        self.project.write(
            "vaultconf.yaml", f"version: 1\nprune: [sys/policies/acl/{u}-old-*, auth/{u}-approle/role/old-*]\n"
        )
        self.project.policy(f"{u}-read", f'path "{u}-kv/data/*" {{ capabilities = ["read"] }}')
        self.project.write(
            "desired-state/all.yaml",
            f"""
            auth:
              {u}-approle:
                type: approle
                roles: {{app: {{token_policies: [{u}-read], role_id: {u}-app}}}}
              {u}-users: {{type: userpass}}
            secrets:
              {u}-kv: {{type: kv, options: {{version: 2}}, config: {{max_versions: 7}}}}
            audit: {{{u}: {{type: file, options: {{file_path: {folder}/{u}.log}}}}}}
            identity:
              entities: {{{u}-eve: {{aliases: [{{mount: {u}-users, name: eve}}]}}}}
              groups:
                {u}-all: {{member_entities: [{u}-eve], member_groups: [{u}-few]}}
                {u}-few: {{policies: [{u}-read]}}
                {u}-far: {{type: external, alias: {{mount: {u}-users, name: far}}}}
                {u}-near: {{type: external, alias: {{mount: {u}-users, name: near}}}}
            quotas: {{rate_limit: {{{u}: {{rate: 1000, path: {u}-kv}}}}}}
            """,
        )

    def disturb(self) -> None:
        """Change or take away what an apply then has to put right, by every path that it has."""
        u, raw = self.unique, self.raw
        raw.write(f"sys/policies/acl/{u}-old-one", {"policy": "# nobody's"})
        raw.write(f"auth/{u}-approle/role/old-one", {"token_ttl": 60})
        for mount in (f"sys/auth/{u}-approle", f"sys/auth/{u}-users", f"sys/mounts/{u}-kv"):
            raw.write(f"{mount}/tune", {"description": "by hand"})
        raw.delete(f"sys/audit/{u}")
        entity = raw.read(f"identity/entity/name/{u}-eve") or {}
        accessors = raw.read("sys/auth") or {}
        for alias in entity["aliases"]:
            raw.delete(f"identity/entity-alias/id/{alias['id']}")
        other = {"name": "else", "mount_accessor": accessors[f"{u}-approle/"]["accessor"]}
        raw.write("identity/entity-alias", {**other, "canonical_id": entity["id"]})
        self.disturb_groups()

    def disturb_groups(self) -> None:
        """One alias goes, another gets another name."""
        far, near = ((self.raw.read(f"identity/group/name/{self.unique}-{name}") or {}) for name in ("far", "near"))
        if far["alias"]:
            self.raw.delete(f"identity/group-alias/id/{far['alias']['id']}")
        changed = {"name": "else", "mount_accessor": near["alias"]["mount_accessor"], "canonical_id": near["id"]}
        self.raw.write(f"identity/group-alias/id/{near['alias']['id']}", changed)

    def run(self, command: str, rules: list[Rule]) -> Result:
        more = ("--yes",) if command == "apply" else ()
        return self.project.run(command, "--format", "json", *more, env=token_with(self.raw, hcl(rules)))


@pytest.fixture
def estate(tmp_path: Any, audit_server: Server, unique: str) -> Iterator[Estate]:
    made = Estate(Project.new(tmp_path, audit_server), audit_server.raw(), unique)
    made.declare()
    made.project.apply()
    yield made
    made.raw.delete(f"sys/audit/{unique}")


def without_ids(result: Result) -> Any:
    """What a run says, but for what is another every time."""
    found = json.loads(result.stdout)
    for outcome in found.get("outcomes", ()):
        outcome["request_id"] = ""
    found["unmanaged"] = [item for item in found.get("unmanaged", ()) if "/least-" not in item["address"]]
    return {**found, "summary": None, "exit": result.exit_code}


def rules_of(estate: Estate, command: str) -> list[Rule]:
    """The rules for a command, but for what only a guard misses: who is running it."""
    rules: list[Rule] = policy_for(estate.project, command)["rules"]
    return [rule for rule in rules if rule["path"] != "auth/token/lookup-self"]


def test_each_line_for_plan_is_missed_when_it_is_not_there(estate: Estate) -> None:
    estate.disturb()
    rules = rules_of(estate, "plan")
    whole = estate.run("plan", rules)

    missed = {rule["path"]: estate.run("plan", [other for other in rules if other is not rule]) for rule in rules}

    assert whole.exit_code == 0, whole
    assert refusals(whole) == []
    assert len(rules) > 20
    assert [path for path, result in missed.items() if without_ids(result) == without_ids(whole)] == []


def test_each_line_for_apply_is_missed_when_it_is_not_there(estate: Estate) -> None:
    for_plan = {(rule["path"], *rule["capabilities"]) for rule in rules_of(estate, "plan")}
    rules = rules_of(estate, "apply")
    more = [rule for rule in rules if (rule["path"], *rule["capabilities"]) not in for_plan]
    estate.disturb()
    whole = estate.run("apply", rules)
    felt = {}

    for rule in more:
        estate.disturb()
        felt[rule["path"]] = estate.run("apply", [other for other in rules if other is not rule])

    assert whole.exit_code == 0, whole
    assert refusals(whole) == []
    assert len(more) > 10
    assert [path for path, result in felt.items() if result.exit_code == 0 and not refusals(result)] == []


def test_after_an_apply_with_the_printed_policy_a_plan_with_its_own_is_empty(estate: Estate) -> None:
    estate.disturb()
    applied = estate.run("apply", policy_for(estate.project, "apply")["rules"])

    planned = estate.run("plan", policy_for(estate.project, "plan")["rules"])

    assert applied.exit_code == 0, applied
    assert planned.plan["changes"] == []
    assert refusals(planned) == []


def test_a_plan_reads_with_no_right_to_write(estate: Estate) -> None:
    rules = policy_for(estate.project, "plan")["rules"]

    writes = [rule["path"] for rule in rules if {"create", "update", "delete", "patch"} & {*rule["capabilities"]}]

    assert writes == []


def test_prune_reaches_into_mounts_that_no_file_opens(estate: Estate) -> None:
    u = estate.unique
    estate.project.write("vaultconf.yaml", f"version: 1\nprune: [auth/+/role/{u}-*]\n")
    estate.raw.write(f"sys/auth/{u}-other", {"type": "approle"})
    estate.raw.write(f"auth/{u}-other/role/{u}-old", {"token_ttl": 60})

    applied = estate.run("apply", policy_for(estate.project, "apply")["rules"])

    assert applied.exit_code == 0, applied
    assert [item["address"] for item in applied.plan["outcomes"]] == [f"auth/{u}-other/role/{u}-old"]
    assert estate.raw.read(f"auth/{u}-other/role/{u}-old") is None


def test_an_export_with_the_printed_policy_is_whole(estate: Estate, tmp_path: Path) -> None:
    estate.raw.write(f"sys/auth/{estate.unique}-other", {"type": "approle"})
    estate.raw.write(f"auth/{estate.unique}-other/role/theirs", {"token_ttl": 60})
    token = token_with(estate.raw, policy_for(estate.project, "export")["policy"])

    whole = estate.project.run("export", "--format", "json", "--output", str(tmp_path / "as-root"))
    limited = estate.project.run("export", "--format", "json", "--output", str(tmp_path / "limited"), env=token)

    assert limited.plan["blocked"] == whole.plan["blocked"] == []
    assert limited.exit_code == 0, limited
    assert limited.plan["objects"] >= whole.plan["objects"] > 10
