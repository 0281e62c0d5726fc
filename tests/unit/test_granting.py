"""The policies that `permissions` prints, from the files alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.cli import run
from vaultconf import policy
from vaultconf.model import Server

WRITES = {"create", "update", "delete"}


def rules(
    root: Path, command: str, *files: str, settings: str = "version: 1\nproject: ours\n", **env: str
) -> dict[str, set[str]]:
    """The capabilities by path of the policy that is printed for documents."""
    (root / "desired-state").mkdir(exist_ok=True)
    (root / "vaultconf.yaml").write_text(settings)
    (root / "desired-state/all.yaml").write_text("\n---\n".join(files))
    result = run("permissions", command, cwd=root, env=env)
    assert result.exit_code == 0, result
    return {rule.path: {*rule.capabilities} for rule in policy.parse(result.stdout).rules}


POLICY = "policies: {one: {policy: '# nothing'}}"


@pytest.mark.parametrize("product", ["openbao", "vault"])
@pytest.mark.parametrize("command", ["plan", "apply", "rotate", "export"])
def test_what_is_printed_is_a_good_policy_for_every_product(tmp_path: Path, command: str, product: str) -> None:
    rules(
        tmp_path,
        command,
        POLICY,
        "identity: {groups: {'g \"1': {}}}",
        settings="version: 1\nprune: ['*']\n",
    )

    text = run("permissions", command, cwd=tmp_path).stdout

    assert policy.problems(text, Server(product, "2.1")) == ()


def test_a_plan_may_read_what_is_declared_and_list_what_is_beside_it(tmp_path: Path) -> None:
    found = rules(tmp_path, "plan", POLICY)

    assert found["sys/policies/acl/one"] == {"read"}
    assert found["sys/policies/acl"] == {"list"}
    assert not [path for path, words in found.items() if words & WRITES]


def test_an_apply_may_write_only_what_is_declared(tmp_path: Path) -> None:
    found = rules(tmp_path, "apply", POLICY)

    assert {path: words for path, words in found.items() if words & WRITES} == {
        "sys/policies/acl/one": {"create", "read", "update"}
    }


def test_what_can_be_replaced_may_be_deleted_unless_it_is_protected(tmp_path: Path) -> None:
    open_ = rules(tmp_path, "apply", "secrets: {kv: {type: kv}, safe: {type: kv, vaultconf: {protect: true}}}")

    assert "delete" in open_["sys/mounts/kv"]
    assert "delete" not in open_["sys/mounts/safe"]


def test_a_field_that_the_product_lacks_replaces_nothing(tmp_path: Path) -> None:
    document = "secrets: {db: {type: database, roles: {}, static_roles: {}}}\nauth: {token: {roles: {a: {}}}}"

    found = rules(tmp_path, "apply", document, settings="version: 1\nserver: {product: openbao}\n")

    assert "delete" not in found["auth/token/roles/a"]


def test_sudo_is_asked_for_where_servers_do(tmp_path: Path) -> None:
    found = rules(tmp_path, "apply", "auth: {jwt: {type: approle}}\nsecrets: {kv: {type: kv}}")

    assert {path for path, words in found.items() if "sudo" in words} == {
        "sys/audit",
        "sys/auth/jwt",
        "sys/auth/jwt/tune",
    }


def test_the_token_mount_is_only_tuned(tmp_path: Path) -> None:
    found = rules(tmp_path, "apply", "auth: {token: {tune: {max_lease_ttl: 1h}}}")

    assert found["sys/auth/token"] == {"read", "sudo"}
    assert found["sys/auth/token/tune"] == {"create", "update", "sudo"}


def test_with_owns_nothing_else_is_looked_at(tmp_path: Path) -> None:
    settings = "version: 1\nowns: [sys/policies/acl/*]\n"

    assert rules(tmp_path, "plan", POLICY, settings=settings) == {
        "auth/token/lookup-self": {"read"},
        "sys/policies/acl": {"list"},
        "sys/policies/acl/one": {"read"},
    }


def test_what_is_held_for_good_is_left_out_and_what_is_held_for_a_time_is_not(tmp_path: Path) -> None:
    held = "version: 1\nignore: [sys/policies/acl/one]\n"
    for_a_time = "version: 1\nignore: [{address: sys/policies/acl/one, until: 2099-01-01}]\n"

    assert "sys/policies/acl/one" not in rules(tmp_path, "apply", POLICY, settings=held)
    assert "sys/policies/acl/one" in rules(tmp_path, "apply", POLICY, settings=for_a_time)


def test_prune_may_delete_by_its_patterns_and_no_further(tmp_path: Path) -> None:
    settings = "version: 1\nprune: [sys/policies/acl/pay-*, auth/+/role/pay-*]\n"

    found = rules(tmp_path, "apply", "auth: {deep/approle: {type: approle}}", settings=settings)

    assert {path: words for path, words in found.items() if "delete" in words and "pay-" in path} == {
        "sys/policies/acl/pay-*": {"read", "delete"},
        "auth/+/role/pay-*": {"read", "delete"},
    }
    assert found["auth/+/role/"] == {"list"}


def test_a_pattern_that_no_policy_can_say_is_named(tmp_path: Path) -> None:
    rules(tmp_path, "apply", POLICY, settings="version: 1\nprune: [auth/pay-*]\n")

    result = run("permissions", "apply", cwd=tmp_path)

    assert "`auth/pay-*` also reaches into mounts that no file opens" in result.stderr
    assert not [path for path in result.stdout.splitlines() if "pay-" in path]


@pytest.mark.parametrize("name", ["all*", "+", "{{identity.entity.id}}", "a{{b", "a}}"])
def test_a_name_that_means_more_in_a_policy_gets_no_line_and_is_named(tmp_path: Path, name: str) -> None:
    found = rules(tmp_path, "apply", f"policies: {{'{name}': {{policy: '# nothing'}}}}")

    result = run("permissions", "apply", cwd=tmp_path)

    assert f"sys/policies/acl/{name}: no policy can name just this path" in result.stderr
    assert not [path for path in found if path.startswith("sys/policies/acl/")]


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a*b", "a+b", "ä ö", "a#b", "a{b", "a/b"])
def test_any_other_name_is_written_so_that_it_is_read_as_it_is(tmp_path: Path, name: str) -> None:
    found = rules(tmp_path, "apply", f"policies: {{{json.dumps(name)}: {{policy: '# nothing'}}}}")

    assert found[f"sys/policies/acl/{name}"] == {"create", "read", "update"}


def test_objects_of_child_namespaces_are_reached_from_the_base(tmp_path: Path) -> None:
    found = rules(tmp_path, "apply", f"namespace: team\n{POLICY}")

    assert found["team/sys/policies/acl/one"] == {"create", "read", "update"}
    assert found["team/sys/policies/acl"] == {"list"}
    assert "team/sys/audit" not in found
    assert "team/sys/quotas/rate-limit" not in found


TARGET = """
version: 1
targets:
  prod: {namespace: admin/eu, auth: {method: approle, role_id: a, secret_id: "${env:S}", namespace: %s}}
"""


@pytest.mark.parametrize(
    ("login", "prefix"), [("admin", "eu/"), ("root", "admin/eu/"), ("admin/eu", ""), ("other", ""), ("adm", "")]
)
def test_paths_begin_where_the_token_is_made(tmp_path: Path, login: str, prefix: str) -> None:
    found = rules(tmp_path, "plan", POLICY, settings=TARGET % login)

    assert found[f"{prefix}sys/policies/acl/one"] == {"read"}
    assert found[f"{prefix}auth/token/lookup-self"] == {"read"}
    assert found["auth/token/renew-self"] == found["auth/token/revoke-self"] == {"update"}


def test_a_mount_of_unknown_type_is_permitted_whatever_it_may_be(tmp_path: Path) -> None:
    found = rules(tmp_path, "plan", "auth: {apps: {roles: {a: {}}}}")

    assert found["auth/apps/role/a"] == found["auth/apps/roles/a"] == {"read"}
    assert found["auth/apps/role"] == {"list"}
    assert "sys/auth/apps" not in found


def test_from_fifty_policies_on_they_are_read_in_one_answer_where_that_can_be(tmp_path: Path) -> None:
    many = "policies: {" + ", ".join(f"p{n}: {{policy: '# nothing'}}" for n in range(50)) + "}"

    assert rules(tmp_path, "plan", many)["sys/policies/detailed/acl"] == {"list"}
    assert "sys/policies/detailed/acl" not in rules(
        tmp_path, "plan", many, settings="version: 1\nserver: {product: vault}\n"
    )
    assert "sys/policies/detailed/acl" not in rules(tmp_path, "plan", POLICY)


def test_an_export_reads_every_kind_on_mounts_of_any_path(tmp_path: Path) -> None:
    found = rules(tmp_path, "export", "")

    assert found["auth/+/role/+"] == {"read"}
    assert found["+/auth/+/role/+"] == {"read"}
    assert found["sys/policies/acl/*"] == {"read"}
    assert not [path for path, words in found.items() if words & WRITES]


def test_an_export_of_what_the_project_owns_reads_no_further(tmp_path: Path) -> None:
    found = rules(tmp_path, "export", "", settings="version: 1\nowns: [auth/approle/role/pay-*]\n")

    assert found == {
        "auth/token/lookup-self": {"read"},
        "auth/approle/role": {"list"},
        "auth/approle/role/pay-*": {"read"},
    }


def test_wrong_files_print_no_policy(tmp_path: Path) -> None:
    (tmp_path / "vaultconf.yaml").write_text("version: 2\n")

    result = run("permissions", "plan", cwd=tmp_path)

    assert result.exit_code == 1
    assert result.stdout == ""


def test_a_policy_longer_than_vault_takes_is_said(tmp_path: Path) -> None:
    many = "policies: {" + ", ".join(f"{'p' * 200}{n}: {{policy: '# nothing'}}" for n in range(4500)) + "}"

    rules(tmp_path, "plan", many)

    assert "more than 1 MiB" in run("permissions", "plan", cwd=tmp_path).stderr


def test_a_generic_object_is_read_and_written_at_its_own_path(tmp_path: Path) -> None:
    settings = "version: 1\nowns: [transform/*]\n"

    found = rules(tmp_path, "apply", "generic: {transform/role/pay: {transformations: [ccn]}}", settings=settings)

    assert found == {
        "auth/token/lookup-self": {"read"},
        "sys/mounts": {"read"},
        "transform/role/pay": {"create", "read", "update"},
    }


@pytest.mark.parametrize("command", ["plan", "apply", "rotate"])
def test_an_engine_of_several_segments_is_known_where_a_file_opens_it_and_else_guessed_aloud(
    tmp_path: Path, command: str
) -> None:
    settings = "version: 1\nproject: ours\nledger: team/kv/vaultconf/x\n"

    opened = rules(tmp_path, command, POLICY, "secrets: {team/kv: {}}", settings=settings)
    guessed = rules(tmp_path, command, POLICY, settings=settings)
    said = run("permissions", command, cwd=tmp_path).stderr

    assert "team/kv/data/vaultconf/x/head" in opened
    assert "team/data/kv/vaultconf/x/head" in guessed
    assert "take its engine to be `team`" in said
    assert "`secrets: {team/kv: {}}`" in said


def test_the_ledgers_beside_it_may_be_read_and_not_their_keys(tmp_path: Path) -> None:
    printed = rules(tmp_path, "plan", POLICY, settings="version: 1\nproject: ours\nledger: secret/teams/ours\n")

    beside = {path: words for path, words in printed.items() if path.startswith("secret/") and "/ours" not in path}
    assert beside == {
        "secret/metadata/teams": {"list"},
        "secret/data/teams/+/head": {"read"},
        "secret/data/teams/+/owned/+": {"read"},
    }


@pytest.mark.parametrize(
    ("owns", "deletes"),
    [("", {"sys/policies/acl/one"}), ("owns: [sys/policies/acl/*]\n", {"sys/policies/acl/*"})],
)
def test_the_ledger_is_kept_and_what_leaves_the_files_deleted(tmp_path: Path, owns: str, deletes: set[str]) -> None:
    text = f"version: 1\nledger: kv/team/ledger\n{owns}"
    reading = rules(tmp_path, "plan", POLICY, settings=text)
    writing = rules(tmp_path, "apply", POLICY, settings=text)

    kept = ["kv/data/team/ledger/" + name for name in ("head", "key", "lock", "owned/+")]
    assert {path for path in reading if "ledger" in path} == {*kept} - {"kv/data/team/ledger/key"}
    assert [writing[path] for path in kept] == [{"create", "read", "update"}] * 4
    assert {path for path, words in writing.items() if "delete" in words} == deletes


def test_an_apply_may_read_the_secrets_that_values_name_and_a_plan_may_not(tmp_path: Path) -> None:
    document = """
    secrets: {team/kv: {type: kv}}
    auth: {u: {type: userpass, users: {a: {password: "${vault:kv/x/y#z}"}, b: {password: "${vault:team/kv/x#z}"}}}}
    """

    planned, applied = (rules(tmp_path, command, document) for command in ("plan", "apply"))

    paths = {"kv/data/x/y", "kv/x/y", "team/kv/data/x", "team/kv/x"}
    assert {path: words for path, words in applied.items() if path in paths} == {path: {"read"} for path in paths}
    assert not paths & set(planned)
