"""Configurations that can be absent: looked for in every mount whose documents do not declare them."""

from __future__ import annotations

from tests.support.memory import Memory, Store, answer, contact
from tests.support.plans import BAO, desired, scope, tables
from vaultconf import live
from vaultconf.model import Desired

JWT = {"type": "jwt", "config": {}}


def reading(objects: list[Desired], answers: Store, *mounts: str) -> tuple[Memory, live.Reading]:
    memory = Memory(answers)
    return memory, live.read(contact(memory, BAO), objects, tables(auth=dict.fromkeys(mounts, JWT)), scope())


def test_one_that_is_there_is_a_stranger_and_one_that_is_absent_is_none() -> None:
    there = {("GET", "auth/m/config"): answer({"jwks_url": "u"})}

    _, found = reading([], there, "m", "x")

    assert "auth/m/config" in {str(stranger.address) for stranger in found.strangers}
    assert "auth/x/config" not in {str(stranger.address) for stranger in found.strangers}


def test_one_that_is_declared_is_asked_for_once_and_is_no_stranger() -> None:
    ours = desired("jwt_config", {"jwks_url": "u"}, mount="m")

    memory, found = reading([ours], {("GET", "auth/m/config"): answer({"jwks_url": "u"})}, "m")

    assert memory.asked.count(("GET", "auth/m/config")) == 1
    assert "auth/m/config" not in {str(stranger.address) for stranger in found.strangers}


def test_one_that_cannot_be_read_is_unknown_and_not_absent() -> None:
    _, found = reading([], {("GET", "auth/m/config"): answer(status=403)}, "m")

    assert [(str(place), why.status) for _, place, why in found.unlisted] == [("auth/m/config", 403)]
    assert "auth/m/config" not in {str(stranger.address) for stranger in found.strangers}
