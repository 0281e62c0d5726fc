"""Which fields a change sends, and with which values."""

from __future__ import annotations

import pytest

from tests.support.plans import BAO, change, desired, live, reference, resolver
from vaultconf.diff import compare
from vaultconf.errors import InputError
from vaultconf.kind import body_of
from vaultconf.model import Action, Change, Desired, FieldChange, Guidance, Live, Plan
from vaultconf.references import Deferred, Reference, Template
from vaultconf.sealed import Secret
from vaultconf.sending import prepare, to_send, unusable_values


def update(wanted: Desired, **changed: object) -> Change:
    from dataclasses import replace

    before = live(wanted, **changed)
    fields = compare(wanted, before, BAO, resolver()).fields
    return replace(change(Action.UPDATE, wanted, before), fields=fields)


def user(**values: object) -> Desired:
    return desired("userpass_user", values, mount="m", name="u")


def test_a_new_object_is_sent_with_all_that_is_written_and_nothing_else() -> None:
    made = change(Action.CREATE, user(password=reference("PW"), token_ttl=5))

    assert to_send(made) == {"password", "token_ttl"}


def test_an_update_sends_what_differs_defaults_included_and_no_write_only_field() -> None:
    wanted = user(password=reference("PW"), token_ttl=5)

    assert to_send(update(wanted, password=None, token_num_uses=3)) == {"token_num_uses"}


def test_an_update_sends_what_every_write_needs_or_resets() -> None:
    values = {"plugin_name": "p", "verify_connection": False, "password": reference("PW"), "username": "u"}
    wanted = desired("database_connection", values, mount="db", name="c")

    assert to_send(update(wanted, username="old")) == {"plugin_name", "verify_connection", "username"}


def test_a_map_that_differs_in_one_entry_is_sent_whole() -> None:
    wanted = desired("secrets_engine", {"type": "kv", "options": {"version": "2"}}, mount="m")

    assert to_send(update(wanted, options={"version": "1"})) == {"options"}


def test_a_write_that_replaces_sends_all_that_is_written_and_the_live_value_of_what_is_ignored() -> None:
    guidance = Guidance(ignore=("allow_slashes_in_identity_templates",))
    wanted = desired("acl_policy", {"policy": "new"}, name="p", guidance=guidance)
    made = update(wanted, policy="old", allow_slashes_in_identity_templates=True)

    (ready,) = prepare(Plan(BAO, (made,)), resolver())

    assert ready.write is not None
    assert body_of(made.kind, ready.write) == {"policy": "new\n", "allow_slashes_in_identity_templates": True}


def test_a_write_that_replaces_sends_too_what_the_server_would_keep() -> None:
    wanted = desired("jwt_config", {"jwks_url": "u"}, mount="m")

    assert to_send(update(wanted, namespace_in_state=False)) == {"jwks_url", "namespace_in_state"}


def test_a_deleted_object_sends_nothing() -> None:
    (ready,) = prepare(Plan(BAO, (change(Action.DELETE, user()),)), resolver())

    assert ready.write is None
    assert to_send(ready.change) == frozenset()


def test_references_are_resolved_into_secrets_and_their_parts_are_masked_too() -> None:
    made = change(Action.CREATE, user(password=reference("PW")))

    (ready,) = prepare(Plan(BAO, (made,)), resolver(PW="canary"))

    assert ready.write is not None
    assert ready.write.values["password"] == Secret("canary")
    assert ready.secrets == {"canary"}
    assert "canary" not in repr(ready)


def test_all_references_that_are_not_at_hand_are_named_with_their_places() -> None:
    changes = [
        change(Action.CREATE, desired("userpass_user", {"password": reference(name)}, mount="m", name=name.lower()))
        for name in ("A", "B")
    ]

    with pytest.raises(InputError) as raised:
        prepare(Plan(BAO, tuple(changes)), resolver())

    assert [problem.message for problem in raised.value.problems] == [
        "`password` is to be sent, and ${env:A} is not at hand",
        "`password` is to be sent, and ${env:B} is not at hand",
    ]
    assert {str(problem.place) for problem in raised.value.problems} == {"a.yaml:2:3"}


def test_a_reference_that_is_not_sent_is_not_asked_for() -> None:
    wanted = user(password=reference("PW"), token_ttl=5)

    (ready,) = prepare(Plan(BAO, (update(wanted, password=None, token_ttl=6),)), resolver())

    assert ready.write is not None
    assert ready.write.send == {"token_ttl"}
    assert ready.secrets == frozenset()


def test_a_secret_that_is_to_be_sent_again_is_sent() -> None:
    wanted = user(password=reference("PW"))
    before = Live({**live(wanted).values, "password": None})
    made = Change(
        Action.UPDATE,
        wanted.kind,
        wanted.address,
        wanted.params,
        (FieldChange("password", secret=True),),
        desired=wanted,
        before=before,
        after=wanted.kind.completed(BAO, wanted.params, wanted.values),
    )

    assert to_send(made) == {"password"}


def test_a_reference_at_hand_whose_value_no_server_takes_is_wrong_at_once() -> None:
    wanted = desired(
        "database_connection",
        {"plugin_name": "p", "max_open_connections": Deferred(Template((Reference("env", "MOST"),)))},
        mount="d",
        name="c",
    )

    known = list(unusable_values(wanted, {Reference("env", "MOST"): "canary"}.get))
    absent = list(unusable_values(wanted, lambda _: None))

    assert [problem.message for problem in known] == ["`max_open_connections`: ${env:MOST} must be a whole number"]
    assert absent == []


def test_a_connection_string_that_comes_from_a_reference_may_hold_the_password() -> None:
    wanted = desired(
        "database_connection",
        {"plugin_name": "p", "connection_url": Deferred(Template((Reference("env", "WHOLE"),)))},
        mount="d",
        name="c",
    )

    assert list(unusable_values(wanted, {Reference("env", "WHOLE"): "postgresql://u:canary@h/x"}.get)) == []
