"""Entities and groups: names for ids, and the aliases that servers move, orphan and leave behind."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.cli import Project
from tests.support.raw import Raw


@pytest.fixture
def mount(raw: Raw, unique: str) -> str:
    """An auth method that the tests' documents open as somebody else's."""
    raw.write(f"sys/auth/{unique}", {"type": "userpass"})
    return unique


def accessor(raw: Raw, mount: str) -> str:
    found = raw.read("sys/auth")
    assert found is not None
    return str(found[f"{mount}/"]["accessor"])


def entity(raw: Raw, name: str) -> dict[str, Any]:
    found = raw.read(f"identity/entity/name/{name}")
    assert found is not None
    return found


def aliases(raw: Raw, name: str) -> list[str]:
    return [alias["name"] for alias in entity(raw, name)["aliases"]]


def declare(project: Project, mount: str, identity: str) -> None:
    project.write("desired-state/a.yaml", f"auth: {{{mount}: {{users: {{}}}}}}\nidentity: {identity}\n")


def test_mounts_entities_and_nested_groups_are_made_in_order_in_one_apply(project: Project, unique: str) -> None:
    project.write(
        "desired-state/a.yaml",
        f"""
        identity:
          groups:
            {unique}-a: {{member_groups: [{unique}-b]}}
            {unique}-b: {{member_groups: [{unique}-c]}}
            {unique}-c: {{member_entities: [{unique}-e]}}
            {unique}-x: {{type: external, alias: {{mount: {unique}, name: acme/x}}}}
          entities: {{{unique}-e: {{aliases: [{{mount: {unique}, name: e}}]}}}}
        auth: {{{unique}: {{type: userpass}}}}
        """,
    )

    outcome = project.apply()
    plan = project.plan()

    assert [item["status"] for item in outcome["outcomes"]] == ["done"] * 6
    assert plan["changes"] == []


def test_the_alias_of_a_login_is_taken_over_by_the_entity_that_declares_it(
    project: Project, raw: Raw, mount: str
) -> None:
    raw.write("identity/entity-alias", {"name": f"{mount}-bob", "mount_accessor": accessor(raw, mount)})
    before = project.plan()
    declare(project, mount, f"{{entities: {{{mount}-e: {{aliases: [{{mount: {mount}, name: {mount}-bob}}]}}}}}}")

    project.apply()
    plan = project.plan()

    assert aliases(raw, f"{mount}-e") == [f"{mount}-bob"]
    assert plan["changes"] == []
    counted = [item for item in before["unmanaged"] if item["address"] == "identity/entity/name/+"]
    assert len(counted) == 1
    assert not [item for item in plan["unmanaged"] if "/entity_" in item["address"]]


def test_an_alias_moves_from_one_declared_entity_to_another(project: Project, raw: Raw, mount: str) -> None:
    alias = f"{{aliases: [{{mount: {mount}, name: m}}]}}"
    declare(project, mount, f"{{entities: {{{mount}-a: {alias}, {mount}-b: {{}}}}}}")
    project.apply()
    declare(project, mount, f"{{entities: {{{mount}-a: {{}}, {mount}-b: {alias}}}}}")

    project.apply()
    plan = project.plan()

    assert (aliases(raw, f"{mount}-a"), aliases(raw, f"{mount}-b")) == ([], ["m"])
    assert plan["changes"] == []


def test_an_alias_whose_auth_method_is_gone_is_no_difference_and_goes_with_the_next_change(
    project: Project, raw: Raw, mount: str
) -> None:
    declare(project, mount, f"{{entities: {{{mount}-e: {{aliases: [{{mount: {mount}, name: m}}]}}}}}}")
    project.apply()
    raw.delete(f"sys/auth/{mount}")
    project.write("desired-state/a.yaml", f"identity: {{entities: {{{mount}-e: {{}}}}}}\n")

    plan = project.plan()
    raw.write(f"sys/auth/{mount}", {"type": "userpass"})
    declare(project, mount, f"{{entities: {{{mount}-e: {{aliases: [{{mount: {mount}, name: other}}]}}}}}}")
    project.apply()

    assert plan["changes"] == []
    assert [alias["name"] for alias in entity(raw, f"{mount}-e")["aliases"]] == ["other"]


def test_an_external_group_may_be_without_an_alias(project: Project, raw: Raw, unique: str) -> None:
    project.write("desired-state/a.yaml", f"identity: {{groups: {{{unique}: {{type: external}}}}}}\n")

    project.apply()
    plan = project.plan()

    assert (raw.read(f"identity/group/name/{unique}") or {})["type"] == "external"
    assert plan["changes"] == []


def test_a_name_in_another_case_is_the_same_entity_and_no_stranger(project: Project, raw: Raw, unique: str) -> None:
    raw.write(f"identity/entity/name/{unique}-ALICE", {"policies": []})
    project.write("vaultconf.yaml", "version: 1\nprune: [identity/entity/name/*]\n")
    project.write("desired-state/a.yaml", f"identity: {{entities: {{{unique}-alice: {{}}}}}}\n")

    plan = project.plan("--only", f"identity/entity/name/{unique}*")

    assert plan["changes"] == []
    assert plan["unmanaged"] == []


def test_many_groups_are_read_with_their_members_from_whole_collections(project: Project, unique: str) -> None:
    groups = ", ".join(f"{unique}-{number}: {{member_entities: [{unique}-e]}}" for number in range(50))
    project.write("desired-state/a.yaml", f"identity: {{entities: {{{unique}-e: {{}}}}, groups: {{{groups}}}}}\n")
    project.apply()

    plan = project.plan()

    assert plan["changes"] == []
    assert plan["summary"]["unchanged"] == 51


@pytest.mark.parametrize(
    ("identity", "complaint"),
    [
        ("{groups: {a: {member_groups: [b]}, b: {member_groups: [a]}}}", "in itself"),
        ("{groups: {a: {member_entities: [nobody]}}}", "names the Identity entity `nobody`"),
        ("{groups: {a: {type: external, alias: {mount: m}}}}", "`alias.mount` goes with `alias.name`"),
        ("{groups: {a: {alias: {mount: m, name: x}}}}", "goes with `type: external`"),
        ("{entities: {Bob: {}, bob: {}}}", "only one Identity entity can have the name `bob`"),
        ("{entities: {a: {aliases: [{mount: m, name: x}]}, b: {aliases: [{mount: m, name: x}]}}}", "only one"),
        ("{entities: {a: {aliases: [{mount: m, name: x}, {mount: m, name: z}]}}}", "two aliases of one mount"),
        ("{entities: {a: {aliases: [{mount: gone, name: x}]}}}", "names the Auth method `gone`"),
        ("{entities: {a: {aliases: [{mount: m}]}}}", "must be a list of maps"),
        ("{entities: {a: {policies: [root]}}}", "no identity gets it"),
    ],
)
def test_what_no_server_could_make_is_refused_before_one_is_asked(
    project: Project, identity: str, complaint: str
) -> None:
    declare(project, "m", identity)

    result = project.run("validate")

    assert result.exit_code == 1
    assert complaint in result.stderr
