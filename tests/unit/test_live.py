"""What is asked of a server, and what is made of its answers."""

from __future__ import annotations

from typing import Any

from tests.support.memory import Memory, Store, answer, contact
from tests.support.plans import BAO, FORBIDDEN, VAULT, desired, scope, tables
from vaultconf import live
from vaultconf.model import Desired, Live, Server, Unreadable
from vaultconf.tables import mount_types, read_tables

APPROLE = {"type": "approle", "config": {}}


def reading(
    objects: list[Desired], answers: Store, *, server: Server = BAO, within: Any = None, **found: Any
) -> tuple[Memory, live.Reading]:
    memory = Memory(answers)
    return memory, live.read(contact(memory, server), objects, tables(**found), within or scope())


def policies(count: int) -> list[Desired]:
    return [desired("acl_policy", {"policy": "x"}, name=f"p{number}") for number in range(count)]


def test_many_policies_of_an_openbao_are_read_with_one_request() -> None:
    entries = {f"p{number}": {"policy": "x"} for number in range(59)} | {"stray": {"policy": "y"}, "root": {}}
    bulk = {("LIST", "sys/policies/detailed/acl"): answer({"key_info": entries})}

    memory, found = reading(policies(60), bulk)
    other, _ = reading(policies(60), bulk, server=VAULT)

    assert [path for method, path in memory.asked if method == "GET"] == ["sys/policies/acl/p59"]
    assert isinstance(found.objects[policies(1)[0].address], Live)
    assert found.objects[policies(60)[59].address] is None
    assert [str(stranger.address) for stranger in found.strangers] == ["sys/policies/acl/stray"]
    assert len([path for method, path in other.asked if method == "GET"]) == 60


def test_a_policy_that_the_one_answer_leaves_out_may_be_there_all_the_same() -> None:
    entries = {f"p{number}": {"policy": "x"} for number in range(59)}
    bulk = {("LIST", "sys/policies/detailed/acl"): answer({"key_info": entries})}
    denied = {("GET", "sys/policies/acl/p59"): answer(status=403, errors=["1 error occurred: permission denied"])}

    _, found = reading(policies(60), {**bulk, **denied})

    assert isinstance(found.objects[policies(60)[59].address], Unreadable)


def test_where_the_one_answer_is_refused_they_are_read_one_by_one() -> None:
    memory, found = reading(policies(60), {("LIST", "sys/policies/detailed/acl"): answer(status=403)})

    assert len([path for method, path in memory.asked if method == "GET"]) == 60
    assert set(found.objects.values()) == {None}


def test_what_lives_in_a_mount_that_is_not_there_is_absent_and_not_asked_for() -> None:
    role = desired("approle_role", mount="m", name="r")

    memory, found = reading([role], {})
    other, _ = reading([role], {}, auth={"m": {"type": "userpass"}})

    assert found.objects == {role.address: None}
    assert not [path for _, path in (*memory.asked, *other.asked) if path == "auth/m/role/r"]


def test_what_lives_in_a_mount_that_cannot_be_read_is_asked_for_and_its_collection_listed() -> None:
    mount = desired("auth_method", {"type": "approle"}, mount="m")
    role = desired("approle_role", mount="m", name="r")

    memory, found = reading([mount, role], {}, auth=FORBIDDEN)

    assert ("GET", "auth/m/role/r") in memory.asked
    assert ("LIST", "auth/m/role") in memory.asked
    assert found.objects == {mount.address: FORBIDDEN, role.address: None}
    assert {str(place) for _, place, _ in found.unlisted} >= {"sys/auth/+", "auth/+/role/+", "auth/+/users/+"}


def test_only_what_the_run_looks_at_is_read_and_listed() -> None:
    role, policy = desired("approle_role", mount="m", name="r"), policies(1)[0]

    memory, found = reading([role, policy], {}, auth={"m": APPROLE}, within=scope(only=["auth/m/role/*"]))

    assert memory.asked == [("GET", "auth/m/role/r"), ("LIST", "auth/m/role")]
    assert list(found.objects) == [role.address]


def test_strangers_are_listed_in_every_mount_whose_children_are_known() -> None:
    listed = {("LIST", "auth/m/role"): answer({"keys": ["a", "b"]}), ("LIST", "auth/x/role"): answer(status=403)}
    ours = desired("approle_role", mount="m", name="a")

    _, found = reading([ours], listed, auth={"m": APPROLE, "x": APPROLE, "y": {"type": "strange"}})

    assert {str(stranger.address) for stranger in found.strangers} == {
        "auth/m/role/b",
        "sys/auth/m",
        "sys/auth/x",
        "sys/auth/y",
    }
    assert [(str(place), why.status) for _, place, why in found.unlisted] == [("auth/x/role/+", 403)]


def test_a_field_with_a_path_of_its_own_is_read_from_there_where_it_is_written() -> None:
    role, plain = (
        desired("approle_role", {"role_id": "x"}, mount="m", name="r"),
        desired("approle_role", mount="m", name="q"),
    )
    answers = {("GET", f"auth/m/role/{name}"): answer({}) for name in "rq"}
    answers[("GET", "auth/m/role/r/role-id")] = answer({"role_id": "theirs"})

    memory, found = reading([role, plain], answers, auth={"m": APPROLE})
    _, refused = reading([role], {**answers, ("GET", "auth/m/role/r/role-id"): answer(status=403)}, auth={"m": APPROLE})

    there = found.objects[role.address]
    assert isinstance(there, Live)
    assert there.values["role_id"] == "theirs"
    assert ("GET", "auth/m/role/q/role-id") not in memory.asked
    assert isinstance(refused.objects[role.address], Unreadable)


def test_tables_hold_what_one_answer_says_and_why_there_is_none() -> None:
    memory = Memory(
        {
            ("GET", "sys/mounts"): answer({"kv/": {"type": "kv"}}),
            ("GET", "sys/auth"): answer(status=403),
            ("GET", "team/sys/mounts"): answer(status=404, errors=["namespace not found"]),
        }
    )

    found = read_tables(contact(memory, BAO), ["team"])

    assert found["", "secrets_engine"] == {"kv": {"type": "kv"}}
    assert found["", "auth_method"] == FORBIDDEN
    assert found["team", "secrets_engine"] == Unreadable(404, "there is no such namespace")
    assert ("team", "audit_device") not in found
    assert mount_types(found) == {("", "secrets", "kv"): "kv"}


def test_fields_that_are_not_known_are_gathered_by_kind() -> None:
    roles = [desired("approle_role", mount="m", name=name) for name in "ab"]
    answers = {("GET", "auth/m/role/a"): answer({"new": 1}), ("GET", "auth/m/role/b"): answer({"newer": 1})}

    _, found = reading(roles, answers, auth={"m": APPROLE})

    assert found.unknown_fields == {"approle_role": frozenset({"new", "newer"})}


def test_what_only_the_base_namespace_has_is_neither_read_nor_listed_in_a_child() -> None:
    wanted = desired("rate_limit_quota", {"rate": 1.0}, name="q", namespace="team")

    memory, found = reading([wanted], {})

    assert found.objects[wanted.address] == Unreadable(0, "exists in the base namespace only")
    assert [path for _, path in memory.asked if path.startswith("team/sys/quotas")] == []


def test_in_a_namespace_that_is_to_be_made_nothing_is_read_and_all_is_absent() -> None:
    missing = Unreadable(404, "there is no such namespace")
    outer = desired("child_namespace", name="a")
    inside = desired("userpass_user", mount="up", name="u", namespace="a")
    token = desired("auth_method", {"tune.max_lease_ttl": 60}, mount="token", namespace="a")
    lost = desired("acl_policy", {"policy": "x"}, name="p", namespace="b/c")
    found_tables = {(space, name): missing for space in ("a", "b/c") for name in ("secrets_engine", "auth_method")}

    memory = Memory({("GET", "b/c/sys/policies/acl/p"): answer(status=404, errors=["namespace not found"])})
    found = live.read(contact(memory, BAO), [outer, inside, token, lost], tables() | found_tables, scope())

    assert found.new == frozenset({"a"})
    assert found.objects[inside.address] is None
    assert isinstance(found.objects[token.address], Live)
    assert found.objects[lost.address] == missing
    assert [path for _, path in memory.asked if path.startswith("a/")] == []


def test_members_are_named_by_what_is_there_and_a_failed_read_leaves_the_group_unknown() -> None:
    group = desired("identity_group", name="g")
    data = {"name": "g", "type": "internal", "member_entity_ids": ["1", "2"]}
    known = {
        ("GET", "identity/group/name/g"): answer(data),
        ("GET", "identity/entity/id/1"): answer({"name": "alice"}),
    }

    _, found = reading([group], known)
    _, refused = reading([group], known | {("GET", "identity/entity/id/2"): answer(status=403, errors=["denied"])})

    named, unknown = found.objects[group.address], refused.objects[group.address]
    assert isinstance(named, Live)
    assert named.values["member_entities"] == ("2", "alice")
    assert isinstance(unknown, Unreadable)


def test_the_members_of_many_groups_are_named_by_one_list_each() -> None:
    groups = [desired("identity_group", name=f"g{number}") for number in range(50)]
    data = {"type": "internal", "member_entity_ids": ["1"]}
    answers = {("GET", item.address.path): answer(data) for item in groups}
    answers["LIST", "identity/entity/id"] = answer({"key_info": {"1": {"name": "alice"}}})

    memory, found = reading(groups, answers)

    first = found.objects[groups[0].address]
    assert isinstance(first, Live)
    assert first.values["member_entities"] == ("alice",)
    assert [path for _, path in memory.asked if path.startswith("identity/entity/id/")] == []
