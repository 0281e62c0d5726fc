"""When the holder of a lock may write, and when another may take it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from tests.support import stub
from tests.support.stub import Reply, Stub
from vaultconf import lock
from vaultconf.contact import Contact
from vaultconf.errors import Problem, Refused
from vaultconf.http import Connection, Request
from vaultconf.ledger_store import Store
from vaultconf.lock import Holder, held
from vaultconf.model import Server
from vaultconf.transport import Transport

WRITE = Request("POST", "sys/policies/acl/x", {})
WHO = Holder("me@here", "apply", "2026-06-01T00:00:00Z")
OTHER = {"id": "theirs", "owner": "eve@there", "reason": "apply", "since": "2026-01-01T00:00:00Z"}


@pytest.fixture
def served() -> Iterator[Stub]:
    with stub.running() as running:
        yield running


@pytest.fixture
def store(served: Stub) -> Iterator[Store]:
    with Transport(Connection(address=served.address), token=None, read_only=False, user_agent="test") as transport:
        yield Store(Contact(transport, Server("openbao"), ""), "secret", "vaultconf")


class Engine:
    """A KV v2 engine with one entry, whose age a test decides."""

    def __init__(self, served: Stub, data: dict[str, str], created: str = "", date: str = "") -> None:
        self.data, self.created, self.date, self.version = data, created, date, 1
        served.reply = self.reply

    def reply(self, asked: stub.Asked) -> Reply:
        if asked.method == "POST" and asked.target.endswith("/lock"):
            body = json.loads(asked.body)
            if body["options"]["cas"] != self.version:
                return Reply(400, b'{"errors": ["check-and-set parameter did not match the current version"]}')
            self.data, self.version = body["data"], self.version + 1
            return Reply(200, json.dumps({"data": {"version": self.version}}).encode())
        metadata = {"version": self.version, "created_time": self.created}
        return Reply(200, json.dumps({"data": {"data": self.data, "metadata": metadata}}).encode(), {"Date": self.date})


def take(store: Store, patience: float = 0.0) -> list[str]:
    """Take the lock and write; return what was told."""
    told: list[str] = []

    def tell(problem: Problem) -> None:
        told.append(problem.message)

    with held(store, WHO, patience, tell):
        assert store.contact.transport.send(WRITE).ok
    return told


def test_a_free_lock_is_taken_and_freed(store: Store, served: Stub) -> None:
    engine = Engine(served, {})

    assert take(store) == []
    assert engine.data == {}
    assert engine.version == 3


def test_a_lock_that_others_hold_is_not_taken(store: Store, served: Stub) -> None:
    engine = Engine(served, OTHER, "2026-01-01T00:00:00.000000001Z", "Thu, 01 Jan 2026 00:00:59 GMT")

    with pytest.raises(Refused, match="locked by eve@there \\(apply\\), since 2026-01-01T00:00:00Z"):
        take(store)

    assert engine.data == OTHER


def test_a_lock_that_ended_by_the_servers_clock_is_taken(store: Store, served: Stub) -> None:
    Engine(served, OTHER, "2026-01-01T00:00:00Z", "Thu, 01 Jan 2026 00:01:00 GMT")

    assert take(store) == []


def test_a_lock_of_unknown_age_is_taken_when_nobody_renewed_it_for_long_enough(
    store: Store, served: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "TIMES", lock.Times(expiry=0.3, look=0.05))
    Engine(served, OTHER, "nonsense")

    told = take(store, patience=30)

    assert told == [f"waiting for the lock of the ledger, held by {Holder(*list(OTHER.values())[1:])}"]


@pytest.mark.parametrize("stopped", ["monotonic", "time"])
def test_whoever_did_not_renew_for_long_may_read_and_write_nothing(
    store: Store, served: Stub, monkeypatch: pytest.MonkeyPatch, stopped: str
) -> None:
    Engine(served, {})
    clock = getattr(time, stopped)
    with held(store, WHO, 0, lambda _: None):
        before = store.contact.transport.send(WRITE)
        monkeypatch.setattr(time, stopped, lambda: clock() + 41)
        after = store.contact.transport.send(WRITE)
        read = store.contact.transport.send(Request("GET", "sys/mounts"))
        monkeypatch.undo()

    assert before.ok
    assert (after.status, after.fault) == (
        0,
        "not sent: the lock could not be renewed for 40 s, and another apply may have begun",
    )
    assert read.ok
    assert store.contact.transport.send(WRITE).ok
