"""Where an export puts its objects: one file for a mount, none outside the project, no two alike."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vaultconf import catalogue, references
from vaultconf.errors import Place
from vaultconf.export_files import files
from vaultconf.model import Address, Desired


def an(kind_name: str, values: dict[str, object] | None = None, namespace: str = "", **params: str) -> Desired:
    kind = catalogue.all_kinds()[kind_name]
    return Desired(kind, Address(kind.path_of(params), namespace), params, values or {}, Place("", 0, 0), {})


def test_each_mount_has_a_file_and_each_policy_its_own() -> None:
    found = files(
        [
            an("acl_policy", {"policy": "# a"}, name="a"),
            an("auth_method", {"type": "approle"}, mount="team/approle"),
            an("approle_role", {"token_ttl": 5400}, mount="team/approle", name="app"),
            an("child_namespace", name="team"),
            an("acl_policy", {"policy": "# b"}, namespace="team", name="b"),
        ]
    )

    assert found == {
        "policies/a.hcl": "# a\n",
        "policies/namespaces/team/acl/b.hcl": "# b\n",
        "desired-state/auth/team/approle.yaml": (
            "auth:\n  team/approle:\n    type: approle\n    roles:\n      app: {token_ttl: 1h30m}\n"
        ),
        "desired-state/namespaces.yaml": "namespaces:\n  team: {}\n",
        "desired-state/namespaces/team/policies.yaml": (
            "namespace: team\npolicies:\n  b: {file: ../../../policies/namespaces/team/acl/b.hcl}\n"
        ),
    }


def test_a_rate_is_written_as_a_person_would() -> None:
    found = files(
        [
            an("rate_limit_quota", {"rate": 7.0}, name="whole"),
            an("rate_limit_quota", {"rate": 0.5}, name="half"),
        ]
    )

    assert "rate: 7}" in found["desired-state/quotas.yaml"]
    assert "rate: 0.5}" in found["desired-state/quotas.yaml"]


def test_names_that_differ_in_case_alone_do_not_share_a_file() -> None:
    found = files([an("secrets_engine", {"type": "kv"}, mount=name) for name in ("KV", "kv", "k v", "k-v")])

    assert len({path.casefold() for path in found}) == 4
    assert sorted(text.split("\n")[1].split(":")[0].strip() for text in found.values()) == ["KV", "k v", "k-v", "kv"]


@given(st.lists(st.text(min_size=1, max_size=30), min_size=1, max_size=5, unique=True))
def test_no_name_leads_out_of_the_folder_or_to_a_hidden_file(names: list[str]) -> None:
    found = files(
        [an("secrets_engine", {"type": "kv"}, mount=name) for name in names]
        + [an("password_policy", {"policy": "x"}, name=name) for name in names]
        + [an("password_policy", {"policy": "x"}, namespace=name, name="p") for name in names]
    )

    segments = [segment for path in found for segment in path.split("/")]
    assert all(segment and not segment.startswith(".") and segment.isascii() for segment in segments)


@given(st.text(alphabet="${}env:fil abc", max_size=30))
def test_plain_text_is_read_as_it_was_however_much_it_looks_like_a_reference(text: str) -> None:
    from pathlib import PurePosixPath

    assert references.parse(references.literal(text), PurePosixPath()) == text
    assert references.in_file(references.literal_in_file(text)) == (text, [])
