"""In which order changes happen."""

from __future__ import annotations

from tests.support.plans import change, desired, live
from vaultconf.model import Action, Change
from vaultconf.order import prerequisites


def needs(*changes: Change) -> dict[str, set[str]]:
    return {str(address): {str(need) for need in wanted} for address, wanted in prerequisites(changes).items()}


def create(kind: str, values: dict[str, object] | None = None, **params: str) -> Change:
    return change(Action.CREATE, desired(kind, values, **params))


def test_what_is_referred_to_comes_first() -> None:
    found = needs(
        create("approle_role", {"token_policies": ("p", "elsewhere")}, mount="m", name="r"),
        create("auth_method", {"type": "approle"}, mount="m"),
        create("acl_policy", {"policy": "x"}, name="p"),
        create("database_role", {"db_name": "c"}, mount="db", name="r"),
        create("database_connection", {"plugin_name": "x"}, mount="db", name="c"),
        create("database_connection", {"plugin_name": "x"}, mount="other", name="c"),
    )

    assert found["auth/m/role/r"] == {"sys/auth/m", "sys/policies/acl/p"}
    assert found["db/roles/r"] == {"db/config/c"}
    assert found["sys/auth/m"] == found["sys/policies/acl/p"] == set()


def test_a_policy_goes_after_the_role_that_named_it() -> None:
    wanted = desired("approle_role", {"token_policies": ()}, mount="m", name="r")
    update = change(Action.UPDATE, wanted, live(wanted, token_policies=("p",)))
    gone = change(Action.DELETE, desired("acl_policy", name="p"))

    assert needs(update, gone) == {"auth/m/role/r": set(), "sys/policies/acl/p": {"auth/m/role/r"}}


def test_a_child_goes_before_its_mount_and_a_role_before_its_connection() -> None:
    found = needs(
        change(Action.DELETE, desired("database_connection", mount="db", name="c")),
        change(Action.DELETE, desired("database_role", mount="db", name="r")),
        change(Action.DELETE, desired("database_role", mount="other", name="r")),
    )

    assert found["db/config/c"] == {"db/roles/r"}
    assert found["db/roles/r"] == found["other/roles/r"] == set()


def test_a_mount_waits_for_those_in_its_way_to_go() -> None:
    found = needs(
        create("secrets_engine", {"type": "kv"}, mount="a"),
        create("secrets_engine", {"type": "kv"}, mount="b/c"),
        change(Action.DELETE, desired("secrets_engine", mount="a/b")),
        change(Action.DELETE, desired("secrets_engine", mount="b")),
        change(Action.DELETE, desired("auth_method", mount="a")),
        change(Action.DELETE, desired("secrets_engine", mount="ab")),
    )

    assert found["sys/mounts/a"] == {"sys/mounts/a/b"}
    assert found["sys/mounts/b/c"] == {"sys/mounts/b"}


def test_objects_of_other_namespaces_are_no_prerequisites() -> None:
    role = change(
        Action.CREATE, desired("approle_role", {"token_policies": ("p",)}, namespace="n", mount="m", name="r")
    )

    assert needs(role, create("acl_policy", {"policy": "x"}, name="p"))["n/auth/m/role/r"] == set()


def test_nothing_waits_for_itself_or_in_a_circle() -> None:
    changes = [
        create("auth_method", {"type": "approle"}, mount="m"),
        *(create("approle_role", {"token_policies": (f"p{n}",)}, mount="m", name=f"r{n}") for n in range(20)),
        *(create("acl_policy", {"policy": "x"}, name=f"p{n}") for n in range(20)),
    ]

    wanted = prerequisites(changes)

    done: set[object] = set()
    while ready := [address for address, first in wanted.items() if address not in done and first <= done]:
        done.update(ready)
    assert done == set(wanted)


def test_a_namespace_comes_before_what_lives_in_it() -> None:
    found = needs(
        create("child_namespace", name="a"),
        change(Action.CREATE, desired("child_namespace", name="b", namespace="a")),
        change(Action.CREATE, desired("acl_policy", {"policy": "x"}, name="p", namespace="a/b")),
    )

    assert found["a/sys/namespaces/b"] == {"sys/namespaces/a"}
    assert found["a/b/sys/policies/acl/p"] == {"a/sys/namespaces/b"}


def test_a_quota_waits_for_what_its_path_may_mean_and_for_one_that_may_have_the_same() -> None:
    found = needs(
        create("rate_limit_quota", {"path": "a/kv/team/data", "rate": 1.0}, name="new"),
        create("child_namespace", name="a"),
        change(Action.CREATE, desired("secrets_engine", {"type": "kv"}, mount="kv/team", namespace="a")),
        create("secrets_engine", {"type": "kv"}, mount="kv"),
        change(Action.DELETE, desired("rate_limit_quota", name="old")),
    )

    assert found["sys/quotas/rate-limit/new"] == {
        "sys/namespaces/a",
        "a/sys/mounts/kv/team",
        "sys/quotas/rate-limit/old",
    }


def test_an_entity_waits_for_the_mount_of_its_alias_and_a_group_for_its_members() -> None:
    found = needs(
        create("identity_group", {"member_groups": ("inner",), "member_entities": ("e",)}, name="outer"),
        create("identity_group", {"type": "external", "alias.mount": "m"}, name="inner"),
        create("identity_entity", {"aliases": {"m": {"name": "e", "custom_metadata": {}}}}, name="e"),
        create("auth_method", {"type": "userpass"}, mount="m"),
    )

    assert found["identity/group/name/outer"] == {"identity/group/name/inner", "identity/entity/name/e"}
    assert found["identity/group/name/inner"] == found["identity/entity/name/e"] == {"sys/auth/m"}
