"""A free object is refused where a kind has a place, where data is, and where credentials come from."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.loading import complaints, document, hints
from vaultconf import catalogue
from vaultconf.kind import Kind
from vaultconf.off_limits import guessed, malformed, refusal

TYPES = {
    ("secrets", "transit"): "transit",
    ("secrets", "apps/kv"): "kv",
    ("secrets", "apps/pki"): "pki",
    ("secrets", "export"): "transit",
    ("secrets", "db"): "database",
    ("secrets", "ours"): "our-plugin",
    ("secrets", "cloud"): "gcp",
    ("auth", "teams/approle"): "approle",
    ("auth", "kerberos"): "kerberos",
}


@pytest.mark.parametrize(
    "path",
    """sys/config/cors sys/config/ui/headers/X-Frame sys/config/auditing/request-headers/X-Id sys/quotas/config
    sys/rotate/config sys/policies/egp/hours sys/plugins/catalog/secret/x sys/internal/counters/config
    sys/storage/raft/snapshot-auto/config/daily sys/mfa/method/totp/x identity/oidc/key/k identity/oidc/role/r
    identity/mfa/login-enforcement/x transit/keys/Payments transit/keys/x/config
    apps/pki/roles/web apps/pki/config/urls apps/pki/key/k export/keys/x ours/config cloud/config
    cloud/roleset/r auth/kerberos/config auth/kerberos/config/ldap transform/role/payments unknown/thing/x""".split(),  # noqa: SIM905 - a word list
)
def test_an_endpoint_that_no_kind_covers_is_welcome(path: str) -> None:
    assert malformed(path) is None
    assert refusal(path, TYPES) is None


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("sys/policies/acl/x", "policies.x"),
        ("sys/policies/acl", "policies"),
        ("SYS/Policies/ACL/x", "policies.x"),
        ("sys/policy/x", "policies"),
        ("sys/policies/password/x", "password_policies.x"),
        ("sys/mounts/a/b", "secrets.a/b"),
        ("sys/mounts/a/tune", "secrets.a"),
        ("sys/auth/a", "auth.a"),
        ("sys/audit/file", "audit.file"),
        ("sys/namespaces/team", "namespaces.team"),
        ("sys/quotas/rate-limit/x", "quotas.rate_limit.x"),
        ("sys/remount", "secrets"),
        ("identity/entity/name/x", "identity.entities.x"),
        ("identity/entity/id/0a1b", "identity.entities"),
        ("identity/entity-alias/id/0a1b", "identity.entities"),
        ("identity/group/id/0a1b", "identity.groups"),
        ("identity/lookup/entity", "identity"),
        ("db/config/x", "secrets.db.connections.x"),
        ("db/roles/x", "secrets.db.roles.x"),
        ("apps/kv/config", "secrets.apps/kv.config"),
        ("auth/teams/approle/role/x", "auth.teams/approle.roles.x"),
        ("auth/teams/approle/role/x/policies", "auth.teams/approle.roles.x"),
        ("auth/teams/approle/role/x/role-id", "auth.teams/approle.roles.x"),
        ("auth/token/roles/x", "auth.token.roles.x"),
    ],
)
def test_what_a_kind_covers_is_refused_with_its_own_place(path: str, place: str) -> None:
    found = refusal(path, TYPES)

    assert found is not None
    assert found.hint.startswith(f"write it under `{place}")


@pytest.mark.parametrize(
    "path",
    """apps/kv/data/x apps/kv/metadata/x apps/kv/x cubbyhole/x cubbyhole/response ours/data/x unknown/metadata/x
    db/creds/x db/static-creds/x db/creds aws/creds/x aws/sts/x aws/static-creds/x ad/creds/x ldap/static-cred/x
    ldap/library/x/check-out cloud/key/x cloud/token/x cloud/roleset/r/key cloud/roleset/r/token
    cloud/impersonated-account/a/token apps/pki/issue/web apps/pki/sign/web apps/pki/sign-verbatim
    apps/pki/root/generate/exported apps/pki/issuers/generate/root/exported apps/pki/root/rotate/exported
    apps/pki/roles/web/acme/new-eab ssh/creds/x ssh/sign/x ssh/issue/x totp/code/x
    transit/export/encryption-key/x transit/byok-export/a/b transit/backup/x transit/datakey/plaintext/x
    transit/keys/x/rotate transit/decrypt/x kmip/scope/a/role/b/credential/generate kmip/scope/a/role/b/credential
    auth/token/create auth/token/create/x auth/token/create-orphan auth/token/lookup auth/token/lookup-self
    auth/token/lookup-accessor auth/token/accessors auth/token/renew-self auth/kerberos/login auth/kerberos/login/x
    auth/kerberos/role/x/secret-id auth/kerberos/role/x/custom-secret-id auth/kerberos/oidc/auth_url
    identity/oidc/client/c identity/oidc/token/x identity/oidc/provider/x/token identity/mfa/method/totp/generate
    identity/mfa/method/totp/admin-generate sys/mfa/method/totp/x/generate
    sys/raw/x SYS/raw/x sys/wrapping/lookup sys/wrapping/unwrap sys/generate-root/attempt sys/rekey/init sys/unseal
    sys/seal sys/step-down sys/init sys/rotate sys/leases/lookup/x sys/storage/raft/snapshot
    sys/storage/raft/snapshot-force sys/storage/raft/bootstrap/challenge sys/tools/random
    sys/replication/performance/primary/secondary-token sys/monitor sys/pprof/heap sys/internal/ui/mounts
    team-a/auth/token/create team-a/sys/raw/x team-a/kv/data/x team-a/db/creds/x
    Transit/EXPORT/x apps/pki/ISSUE/web""".split(),  # noqa: SIM905 - a word list
)
def test_data_and_what_yields_credentials_or_acts_is_refused(path: str) -> None:
    assert refusal(path, TYPES) is not None


@pytest.mark.parametrize(
    "path",
    ["a", "auth/a", "a/b?list=true", "a/b#c", "a/%2e%2e/sys/raw", "a/b*", "a/+/b", "a b/c", "a/b\\c", "v1/sys/x/y"],
)
def test_a_path_that_a_server_could_read_in_another_way_is_malformed(path: str) -> None:
    assert malformed(path) is not None


@pytest.mark.parametrize("kind", [kind for kind in catalogue.all_kinds().values() if not kind.anywhere])
def test_every_kind_keeps_its_own_paths_to_itself(kind: Kind) -> None:
    mount_types = sorted(kind.mount_types) or [""]
    path = kind.path_of(dict.fromkeys(kind.holes, "some"))

    found = [refusal(path, {(kind.section, "some"): mount_type}) for mount_type in mount_types]

    assert None not in found


def test_where_nobody_gives_a_type_the_name_of_a_mount_is_a_guess() -> None:
    paths = ("secret/x", "kv/x", "database/roles/x", "auth/approle/role/x")

    assert all(refusal(path, guessed(path, {})) for path in paths)
    assert refusal("kv/keys/x", guessed("kv/keys/x", {("secrets", "kv"): "transit"})) is None


@pytest.mark.parametrize(
    ("text", "complaint", "hint"),
    [
        (
            "generic: {sys/policies/acl/x: {policy: a}}\n",
            "1:11 `sys/policies/acl/x` is of a kind that has a place of its own (ACL policy)",
            "write it under `policies.x`",
        ),
        (
            "secrets: {a: {type: kv}}\ngeneric:\n  a/team/db: {password: a}\n",
            "3:3 `a/team/db` is data, which is nobody's configuration",
            "vaultconf never reads or writes it",
        ),
        (
            "namespaces: {team-a: {}}\ngeneric: {team-a/our/thing: {a: 1}}\n",
            "2:11 `team-a/our/thing` lies in the namespace `team-a`",
            "write it in a document with `namespace: team-a`",
        ),
        ("generic: {/our/thing/: {a: 1}}\n", "1:11 the name `/our/thing/` has an empty segment: no `/` at either end, no `//`", "write `our/thing`"),
        ("generic: {our/../sys/raw: {a: 1}}\n", "1:11 the name `our/../sys/raw` has `.` or `..` in it, which servers resolve to another path", ""),
        ("generic: {our/thing: {a: null}}\n", "1:26 `a` has no value: leave the field out to get the server's default", ""),
        ("generic: {our/thing: {a: {b: [null]}}}\n", "1:26 `a` has an entry without a value: leave it out", ""),
        ("generic: {our/thing: {a: 1, vaultconf: {show: [b]}}}\n", "1:48 `vaultconf.show` names no field that is written here", ""),
        ('generic: {our/thing: {a: "${env:A}", vaultconf: {show: [a]}}}\n', "1:57 `a` holds a reference, which is never shown", ""),
        ("generic: {our/thing: {a: 1, vaultconf: {ignore: [b]}}}\n", "1:50 `vaultconf.ignore` names no field of this object", ""),
        (
            "secrets: {a: {type: kv, options: {version: '2'}, config: {max_versions: 1, vaultconf: {show: [max_versions]}}}}\n",
            "1:88 `vaultconf.show` is for objects whose fields are hidden",
            "the plan shows the fields of this object, except for secrets",
        ),
    ],
)  # fmt: skip
def test_a_mistake_is_placed_and_says_what_to_write(tmp_path: Path, text: str, complaint: str, hint: str) -> None:
    state = document(tmp_path, text)

    assert complaints(state) == [complaint]
    assert hints(state) == [hint]


def test_a_path_is_declared_once_whatever_the_section(tmp_path: Path) -> None:
    state = document(tmp_path, "secrets: {kv: {type: kv, config: {}}}\ngeneric: {kv/config: {max_versions: 3}}\n")

    assert "2:11 `kv/config` is declared already, as KV configuration" in complaints(state)


def test_fields_of_any_name_and_shape_are_read_and_a_reference_may_stand_anywhere(tmp_path: Path) -> None:
    text = 'generic: {our/thing: {file: 1, a.b: [x, {z: "${env:Y}"}], deep: {vaultconf: {z: true}}}}\n'

    state = document(tmp_path, text)

    assert complaints(state) == []
    assert sorted(state.objects[0].values) == ["a.b", "deep", "file"]
    assert "Deferred(${env:Y})" in repr(state.objects[0].values["a.b"])
