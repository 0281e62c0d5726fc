"""Objects that may be anywhere: how they are compared, planned and put in order, without a server."""

from __future__ import annotations

import dataclasses

import pytest

from tests.support.plans import FORBIDDEN, change, desired, plan, resolver, tables
from vaultconf.kind import Open, fields_of
from vaultconf.model import Action, Desired, Guidance, Live
from vaultconf.order import prerequisites
from vaultconf.references import Deferred, Reference, Template
from vaultconf.sending import prepare

PKI = {"type": "pki"}


def free(path: str, *show: str, **values: object) -> Desired:
    return dataclasses.replace(desired("generic_object", values, path=path), guidance=Guidance(show=show))


def test_an_open_model_has_every_field_and_none_to_go_through() -> None:
    fields = fields_of(Open)

    assert "anything" in fields
    assert 5 not in fields
    assert fields.get("a.b") == fields["a.b"]
    assert (list(fields), len(fields)) == ([], 0)


def test_a_hidden_policy_is_never_said_to_mean_the_same() -> None:
    item = free("sys/policies/egp/x", policy="main = rule { true }")

    made = plan([item], {item.address: Live({"policy": "main = rule { false }"})})

    assert [(found.secret, found.before, found.after) for found in made.changes[0].fields] == [(True, None, None)]
    assert not made.changes[0].same_meaning


@pytest.mark.parametrize(("show", "shown"), [((), None), (("ttl",), "2h")])
def test_what_is_shown_is_what_is_written_and_never_what_is_live(show: tuple[str, ...], shown: object) -> None:
    item = free("m/x", *show, ttl="2h")

    made = plan([item], {item.address: Live({"ttl": 3600})}, tables=tables(secrets={"m": PKI}))

    field = made.changes[0].fields[0]
    assert (field.before, field.after, field.secret, field.withheld) == (None, shown, not show, bool(show))


def test_parts_that_are_not_returned_are_named_one_by_one() -> None:
    item = free("m/x", a={"b": 1, "c": {"d": 2}}, e="5", f="")

    made = plan([item], {item.address: Live({"a": {"b": "1", "c": {}}, "e": 5})}, tables=tables(secrets={"m": PKI}))
    vague = plan([item], {item.address: Live({"a": {"b": "1", "x": 1}})}, tables=tables(secrets={"m": PKI}))

    assert [found.field for found in made.changes[0].fields] == ["a"]
    assert vague.changes == ()
    assert [found.field for found in vague.unverified] == ["a.c", "e"]


def test_a_reference_inside_a_map_is_compared_where_it_is_at_hand_and_kept_out_of_errors() -> None:
    item = free("m/x", a=Deferred({"b": [Template((Reference("env", "KEY"),))]}), c="clear text")
    there = {item.address: Live({"a": {"b": ["old"]}, "c": "clear text"})}
    known = resolver(KEY="new")

    made = plan([item], there, tables=tables(secrets={"m": PKI}), resolve=known)
    same = plan([item], there, tables=tables(secrets={"m": PKI}), resolve=resolver(KEY="old"))
    ready = prepare(made, known)[0]

    assert [(found.field, found.secret) for found in made.changes[0].fields] == [("a", True)]
    assert same.changes == ()
    assert ready.secrets == {"new", "clear text"}


def test_without_its_mount_or_a_sight_of_the_mounts_it_is_not_made() -> None:
    item = free("m/x", a=1)

    missing = plan([item], {item.address: None})
    unseen = plan([item], {item.address: None}, tables=tables(secrets=FORBIDDEN))
    coming = plan([item, desired("secrets_engine", PKI, mount="m")], {item.address: None})

    assert [found.reason for found in missing.blocked] == ["its mount is not there, and this run does not make it"]
    assert [str(found.address) for found in unseen.blocked] == ["m/x"]
    assert {str(found.address) for found in coming.changes} == {"m/x", "sys/mounts/m"}


def test_a_mount_a_policy_a_path_above_and_the_settings_beside_come_first() -> None:
    items = [
        free("m/n/config/urls", a=1),
        free("m/n/roles/x", policy=["p"], deep={"also": "strong"}),
        free("m/n/roles/x/more", a=1),
        free("auth/login/things/x", a=1),
        desired("secrets_engine", PKI, mount="m/n"),
        desired("auth_method", {"type": "oidc"}, mount="login"),
        desired("secrets_engine", PKI, mount="login"),
        desired("acl_policy", {"policy": "#"}, name="p"),
        desired("password_policy", {"policy": "#"}, name="strong"),
    ]

    found = prerequisites(change(Action.CREATE, item) for item in items)
    needs = {str(address): {str(need) for need in wanted} for address, wanted in found.items()}

    assert needs["m/n/config/urls"] == {"sys/mounts/m/n"}
    assert needs["m/n/roles/x"] == {
        "sys/mounts/m/n",
        "m/n/config/urls",
        "sys/policies/acl/p",
        "sys/policies/password/strong",
    }
    assert needs["m/n/roles/x/more"] == {"sys/mounts/m/n", "m/n/config/urls", "m/n/roles/x"}
    assert needs["auth/login/things/x"] == {"sys/auth/login"}


def test_an_update_sends_all_that_is_written() -> None:
    item = free("m/x", a=1, b="same")
    update = plan([item], {item.address: Live({"a": 2, "b": "same"})}, tables=tables(secrets={"m": PKI}))

    ready = prepare(update, resolver())[0]

    assert ready.write is not None
    assert ready.write.send == {"a", "b"}
