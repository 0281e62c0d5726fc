"""What differs between a desired object and a live one."""

from __future__ import annotations

import pytest

from tests.support.plans import BAO, VAULT, desired, live, reference, resolver
from vaultconf.diff import compare, known_value, not_at_hand, with_write_only, written_fields
from vaultconf.model import Desired, FieldChange, Guidance, Live
from vaultconf.sealed import Secret

NOBODY = resolver()


def role(**values: object) -> Desired:
    return desired("approle_role", values, mount="m", name="r")


def test_an_object_that_is_as_desired_differs_in_nothing() -> None:
    wanted = role(token_ttl=60, token_policies=("a",))

    found = compare(wanted, live(wanted), BAO, NOBODY)

    assert (found.fields, found.changed, found.unverified) == ((), frozenset(), ())
    assert found.after["token_max_ttl"] == 0


def test_a_field_that_is_not_written_is_compared_with_its_default() -> None:
    wanted = role()

    found = compare(wanted, live(wanted, token_no_default_policy=True), BAO, NOBODY)

    assert found.fields == (FieldChange("token_no_default_policy", before=True, after=False),)


def test_what_the_server_picks_by_itself_is_compared_only_where_it_is_written() -> None:
    unwritten, written = role(), role(role_id="mine")
    theirs = {"role_id": "theirs"}

    ignored = compare(unwritten, live(unwritten, **theirs), BAO, NOBODY)
    seen = compare(written, live(written, **theirs), BAO, NOBODY)

    assert ignored.fields == ()
    assert seen.fields == (FieldChange("role_id", "theirs", "mine"),)


def test_a_field_of_the_other_product_is_not_compared() -> None:
    wanted = role()

    found = compare(wanted, live(wanted, alias_metadata={"a": "b"}), BAO, NOBODY)

    assert found.fields == ()
    assert compare(wanted, live(wanted, VAULT, alias_metadata={"a": "b"}), VAULT, NOBODY).changed == {"alias_metadata"}


def test_a_map_is_compared_entry_by_entry() -> None:
    wanted = desired("secrets_engine", {"type": "kv", "options": {"version": "2", "x.y": "1"}}, mount="m")

    found = compare(wanted, live(wanted, options={"version": "2", "old": "z"}), BAO, NOBODY)

    assert found.fields == (FieldChange("options.old", "z", None), FieldChange("options.x.y", None, "1"))
    assert found.changed == {"options"}


def test_maps_that_have_nothing_in_common_differ_in_all_their_entries() -> None:
    wanted = desired("auth_method", {"type": "jwt", "options": {"a": "1", "b": "2"}}, mount="m")

    found = compare(wanted, live(wanted, options={"c": "3", "d": "4"}), BAO, NOBODY)

    assert [item.field for item in found.fields] == ["options.a", "options.b", "options.c", "options.d"]


def test_a_write_only_field_is_unverified_where_it_is_written_and_silent_where_not() -> None:
    user = desired("userpass_user", {"password": reference("PW")}, mount="m", name="u")

    found = compare(user, Live({**live(user).values, "password": None}), BAO, NOBODY)

    assert [(item.field, item.reason) for item in found.unverified] == [("password", "write-only; no ledger")]


@pytest.mark.parametrize(("value", "live_value"), [(True, True), (False, True)])
def test_a_written_field_that_this_server_does_not_return_is_unverified_whatever_its_value(
    value: bool, live_value: bool
) -> None:
    wanted = desired("database_connection", {"plugin_name": "p", "verify_connection": value}, mount="db", name="c")

    found = compare(wanted, live(wanted, verify_connection=live_value), BAO, NOBODY)

    assert [item.reason for item in found.unverified] == ["openbao does not return it"]
    assert found.fields == ()


def test_an_ignored_field_is_listed_and_not_compared() -> None:
    wanted = desired("approle_role", {}, mount="m", name="r", guidance=Guidance(ignore=("token_ttl",)))

    found = compare(wanted, live(wanted, token_ttl=5, token_period=6), BAO, NOBODY)

    assert found.changed == {"token_period"}
    assert [(item.field, item.reason) for item in found.unverified] == [("token_ttl", "ignored here")]


def test_a_reference_is_compared_by_value_and_never_shown() -> None:
    wanted = role(secret_id_bound_cidrs=reference("NET"))
    there = live(wanted, secret_id_bound_cidrs=("10.0.0.0/8",))

    same = compare(wanted, there, BAO, resolver(NET="10.0.0.0/8"))
    other = compare(wanted, there, BAO, resolver(NET="10.0.0.0/9"))
    absent = compare(wanted, there, BAO, NOBODY)

    assert same.fields == ()
    assert other.fields == (FieldChange("secret_id_bound_cidrs", secret=True, references=("${env:NET}",)),)
    assert [item.reason for item in absent.unverified] == ["${env:NET} is not at hand"]


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("token_num_uses", "5", 5),
        ("bind_secret_id", "true", True),
        ("token_ttl", "1h", 3600),
        ("token_num_uses", "x", None),
    ],
)
def test_a_reference_is_read_as_the_field_takes_it(field: str, text: str, value: object) -> None:
    spec = role().kind.fields[field]

    assert known_value(spec, reference("X"), resolver(X=text)) == value


def test_a_reference_that_holds_no_such_value_is_told_apart_from_one_that_is_not_at_hand() -> None:
    there, gone = resolver(X="canary"), NOBODY

    assert not_at_hand(reference("X"), there) == "${env:X}: not of the field's type"
    assert not_at_hand(reference("X"), gone) == "${env:X} is not at hand"
    assert not_at_hand(Secret("canary"), gone) == "is not of the field's type"


def test_resend_adds_the_write_only_secrets_and_takes_them_off_the_unverified() -> None:
    user = desired("userpass_user", {"password": reference("PW"), "token_ttl": 5}, mount="m", name="u")

    found = with_write_only(user, compare(user, live(user, password=None), BAO, NOBODY))

    assert found.fields == (FieldChange("password", secret=True, references=("${env:PW}",)),)
    assert found.changed == {"password"}
    assert found.unverified == ()


def test_the_fields_of_a_new_object_are_those_that_are_written_and_that_the_server_has() -> None:
    wanted = role(token_ttl=5, role_id=reference("ID"), alias_metadata={"a": "b"})

    assert list(written_fields(wanted, BAO)) == [
        FieldChange("token_ttl", None, 5),
        FieldChange("role_id", secret=True, references=("${env:ID}",)),
    ]
