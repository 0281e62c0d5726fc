"""A plan and outcomes with one of everything, for the tests of the views."""

from __future__ import annotations

from vaultconf.catalogue import all_kinds
from vaultconf.errors import Place, Problem
from vaultconf.model import (
    Action,
    Address,
    Blocked,
    Change,
    FieldChange,
    Held,
    Outcome,
    Plan,
    Risk,
    RiskReason,
    Server,
    Status,
    Unmanaged,
    Unverified,
)

OLD_POLICY = """# Payments may read.
path "kv/data/payments/*" {
  capabilities = ["read"]
}

path "kv/metadata/payments/*" {
  capabilities = ["list"]
}"""
NEW_POLICY = OLD_POLICY.replace('["read"]', '["read", "list"]')
URL = "postgresql://{{username}}:{{password}}@payments-db.internal.example.com:5432/payments?sslmode=verify-full"


def change(kind: str, path: str, action: Action = Action.UPDATE, *fields: FieldChange, **more: object) -> Change:
    """A change with as little as it needs."""
    return Change(action, all_kinds()[kind], Address(path), {}, fields, **more)  # type: ignore[arg-type]  # a shorthand


def policy_change(before: str | None, after: str | None, **more: object) -> Change:
    """An update of the policy of one ACL policy."""
    return change("acl_policy", "sys/policies/acl/x", Action.UPDATE, FieldChange("policy", before, after), **more)


def plan_of(*changes: Change, **more: object) -> Plan:
    """A plan of these changes for a server without a name."""
    return Plan(Server("openbao"), changes, **more)  # type: ignore[arg-type]  # a shorthand


ROLE = change(
    "approle_role",
    "auth/approle/role/payments",
    Action.UPDATE,
    FieldChange("token_ttl", 1200, 5400),
    FieldChange("token_policies", ("payments-read",), ("payments-read", "payments-write")),
    FieldChange("secret_id_num_uses", 0, 10),
    owner="payments",
    source=Place("desired-state/auth.yaml", 31, 7),
)
POLICY = change(
    "acl_policy",
    "sys/policies/acl/payments-read",
    Action.UPDATE,
    FieldChange("policy", OLD_POLICY, NEW_POLICY),
    owner="payments",
    source=Place("policies/payments-read.hcl", 1, 1),
)
COMMENT = change(
    "acl_policy",
    "sys/policies/acl/ledger-read",
    Action.UPDATE,
    FieldChange("policy", OLD_POLICY, OLD_POLICY.replace("may read", "is allowed to read")),
    same_meaning=True,
)
CREATED = change(
    "database_connection",
    "database/config/payments-db",
    Action.CREATE,
    FieldChange("plugin_name", None, "postgresql-database-plugin"),
    FieldChange("connection_url", None, URL),
    FieldChange("allowed_roles", None, ("payments-ro",)),
    FieldChange("password", secret=True),
    owner="payments",
    source=Place("desired-state/database.yaml", 4, 5),
)
CREATED_ROLE = change(
    "database_role",
    "database/roles/payments-ro",
    Action.CREATE,
    FieldChange("db_name", None, "payments-db"),
    FieldChange(
        "creation_statements",
        None,
        (
            "CREATE ROLE \"{{name}}\" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'",
            'GRANT SELECT ON ALL TABLES IN SCHEMA public TO "{{name}}"',
        ),
    ),
    FieldChange("default_ttl", None, 3600),
)
REPLACED = change(
    "secrets_engine",
    "sys/mounts/kv",
    Action.REPLACE,
    FieldChange("options", {"version": "2"}, {"version": "1"}),
    source=Place("desired-state/secrets.yaml", 2, 3),
    risk=Risk(RiskReason.DESTROYS_DATA, "41 keys", "sys/mounts/kv"),
)
DELETED = change("approle_role", "auth/approle/role/old", Action.DELETE)
PROBLEM = Problem(
    "unknown field `tokn_ttl`", Place("desired-state/auth.yaml", 12, 9), "did you mean `token_ttl`?", "auth/approle/x"
)

FULL = Plan(
    Server("openbao", "2.7.2", address="https://vault.example.com:8200", cluster_id="c0ffee"),
    (ROLE, POLICY, COMMENT, CREATED, CREATED_ROLE, REPLACED, DELETED),
    unmanaged=(
        Unmanaged(all_kinds()["approle_role"], Address("auth/approle/role/a")),
        Unmanaged(all_kinds()["approle_role"], Address("auth/approle/role/b")),
        Unmanaged(all_kinds()["acl_policy"], Address("sys/policies/acl/team/x", "team-a")),
        Unmanaged(all_kinds()["secrets_engine"], Address("sys/mounts/legacy"), 12),
    ),
    unverified=(Unverified(Address("database/config/ledger-db"), "password", "write-only; no ledger"),),
    blocked=(Blocked(all_kinds()["approle_role"], Address("auth/approle/role/x"), 403, "permission denied"),),
    held=(Held(Address("auth/userpass/users/breakglass"), "INC-4711", "2026-12-01"),),
    notices=("approle_role: the server returns a field that this version does not know: `alias_metadata`",),
    errors=(PROBLEM,),
    unchanged=41,
)

OUTCOMES = (
    Outcome(ROLE, Status.DONE, request_id="5d1f-1"),
    Outcome(POLICY, Status.FAILED, "1 error occurred:\n\t* permission denied\n\n", "5d1f-2"),
    Outcome(CREATED_ROLE, Status.SKIPPED, "database/config/payments-db failed"),
    Outcome(DELETED, Status.UNKNOWN, "no answer within 60 s"),
)
