"""A project with an object of nearly every sort, each of whose writes can be cut short; and what must hold after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.support.cli import Project, Result
from tests.support.raw import Raw

#: What the project's references need, and the guards' permission for the mount that changes its type.
ENVIRONMENT = {"PW": "a-password-of-the-estate"}
_COLLECTIONS = ("sys/policies/acl", "sys/policies/password", "identity/group/name", "identity/entity/name")


@dataclass(frozen=True, slots=True)
class Estate:
    """The objects under one prefix, in one project, on one server."""

    project: Project
    prefix: str

    @property
    def raw(self) -> Raw:
        return self.project.server.raw()

    @property
    def arguments(self) -> list[str]:
        """The command line of its apply."""
        return ["apply", "--yes", "--format", "json", "--allow", f"sys/auth/{self.prefix}-re"]

    def apply(self, **environment: str) -> Result:
        return self.project.run(*self.arguments, env={**ENVIRONMENT, **environment})

    def lay_out(self) -> None:
        """Write the files, and put on the server what an apply finds: to be changed, replaced and deleted."""
        name, raw = self.prefix, self.raw
        raw.write(f"sys/policies/acl/{name}-a", {"policy": "# before"})
        raw.write(f"sys/policies/acl/{name}-stray", {"policy": "# nobody's"})
        raw.write(f"sys/mounts/{name}-old", {"type": "kv", "options": {"version": "1"}})
        raw.write(f"{name}-old/precious", {"value": "gold"})
        raw.write(f"sys/auth/{name}-re", {"type": "userpass"})
        self.project.write("vaultconf.yaml", f"version: 1\nprune: [sys/policies/acl/{name}-stray]\n")
        self.project.write("desired-state/a.yaml", _DOCUMENT.replace("NAME", name))

    def widen(self, many: int) -> None:
        """Add so many policies."""
        lines = "".join(f"  {self.prefix}-p{number}: {{policy: '# {number}'}}\n" for number in range(many))
        self.project.write("desired-state/b.yaml", f"policies:\n{lines}")

    def faults(self) -> list[str]:
        """What is lost, doubled or not as declared; nothing after an apply that ended well."""
        return [*self._differs(), *self._lost(), *self._doubled()]

    def _differs(self) -> list[str]:
        plan = self.project.run("plan", "--format", "json", env=ENVIRONMENT).plan
        return [f"{item['address']} differs" for item in (*plan["changes"], *plan["blocked"], *plan["errors"])]

    def _lost(self) -> list[str]:
        kept = (self.raw.read(f"{self.prefix}-old/data/precious") or {}).get("data")
        return [] if kept == {"value": "gold"} else [f"the data of {self.prefix}-old: {kept}"]

    def _doubled(self) -> list[str]:
        found = {
            **{table: self._mounts(table) for table in ("sys/mounts", "sys/auth")},
            **{path: self._named(path) for path in _COLLECTIONS[2:]},
            "identity/entity-alias/id": self._aliases("entity"),
            "identity/group-alias/id": self._aliases("group"),
        }
        wanted = {path: sorted(name.replace("NAME", self.prefix) for name in names) for path, names in _WANTED.items()}
        return [f"{path}: {names} instead of {wanted[path]}" for path, names in found.items() if names != wanted[path]]

    def _mounts(self, table: str) -> list[str]:
        return sorted(name for name in self.raw.read(table) or {} if name.startswith(f"{self.prefix}-"))

    def _named(self, collection: str) -> list[str]:
        return sorted(name for name in self.raw.list(collection) if name.startswith(f"{self.prefix}-"))

    def _aliases(self, sort: str) -> list[str]:
        answer = self.raw.request("LIST", f"identity/{sort}-alias/id")[1] or {}
        entries: dict[str, Any] = (answer.get("data") or {}).get("key_info") or {}
        return sorted(item["name"] for item in entries.values() if item["name"].startswith(f"{self.prefix}-"))

    def clear(self) -> None:
        """Take everything away: what stays makes the plans of others longer."""
        for table in ("sys/auth", "sys/mounts"):
            for name in self._mounts(table):
                self.raw.request("DELETE", f"{table}/{name.rstrip('/')}")
        for collection in _COLLECTIONS:
            for name in self._named(collection):
                self.raw.request("DELETE", f"{collection}/{name}")
        self.raw.request("DELETE", f"sys/quotas/rate-limit/{self.prefix}-q")
        self.raw.request("DELETE", f"auth/token/roles/{self.prefix}-t")


_DOCUMENT = """
policies:
  NAME-a: {policy: "# after"}
  NAME-b: {policy: "# b"}
  NAME-c: {policy: "# c"}
password_policies:
  NAME-pw: {policy: 'length = 20  rule "charset" { charset = "abcdefghij" }'}
secrets:
  NAME-kv: {type: kv, options: {version: "2"}, tune: {max_lease_ttl: 24h}, config: {max_versions: 3}}
  NAME-old: {type: kv, options: {version: "2"}, config: {max_versions: 4}}
  NAME-db:
    type: database
    connections:
      c:
        plugin_name: postgresql-database-plugin
        connection_url: postgresql://{{username}}:{{password}}@127.0.0.1:1/none
        username: vault
        password: ${env:PW}
        verify_connection: false
        allowed_roles: [r]
        password_policy: NAME-pw
    roles:
      r: {db_name: c, creation_statements: ["SELECT 1"], default_ttl: 1h, max_ttl: 2h}
auth:
  NAME-ar:
    type: approle
    tune: {default_lease_ttl: 1h, user_lockout_config: {lockout_threshold: 7}}
    roles:
      one: {token_policies: [NAME-a], token_ttl: 5m}
      two: {token_policies: [NAME-b, NAME-c]}
  NAME-re:
    type: approle
    roles: {again: {token_policies: [NAME-a]}}
  NAME-up:
    type: userpass
    users:
      u1: {password: "${env:PW}", token_policies: [NAME-a]}
      u2: {password: "${env:PW}"}
  token:
    roles: {NAME-t: {allowed_policies: [NAME-a]}}
identity:
  entities:
    NAME-e1: {policies: [NAME-a], aliases: [{mount: NAME-up, name: NAME-u1}, {mount: NAME-ar, name: NAME-r1}]}
    NAME-e2: {aliases: [{mount: NAME-up, name: NAME-u2}]}
  groups:
    NAME-in: {policies: [NAME-b], member_entities: [NAME-e1, NAME-e2]}
    NAME-ex: {type: external, policies: [NAME-c], alias: {mount: NAME-up, name: NAME-team}}
quotas:
  rate_limit: {NAME-q: {rate: 100000, path: NAME-kv/}}
"""

_WANTED = {
    "sys/mounts": ["NAME-db/", "NAME-kv/", "NAME-old/"],
    "sys/auth": ["NAME-ar/", "NAME-re/", "NAME-up/"],
    "identity/group/name": ["NAME-ex", "NAME-in"],
    "identity/entity/name": ["NAME-e1", "NAME-e2"],
    "identity/entity-alias/id": ["NAME-r1", "NAME-u1", "NAME-u2"],
    "identity/group-alias/id": ["NAME-team"],
}
