"""Where the ledger is kept: what is absent, what is unknown, and what became of a write."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.support import stub
from tests.support.stub import Reply, Stub
from vaultconf.contact import Contact
from vaultconf.errors import InputError, ServerRefused
from vaultconf.http import Connection
from vaultconf.ledger_store import Store, Stored, find
from vaultconf.model import Server
from vaultconf.transport import Transport

MISMATCH = Reply(400, b'{"errors": ["check-and-set parameter did not match the current version"]}')


@pytest.fixture
def served() -> Iterator[Stub]:
    with stub.running() as running:
        yield running


@pytest.fixture
def contact(served: Stub) -> Iterator[Contact]:
    connection = Connection(address=served.address, max_retries=0)
    with Transport(connection, token=None, read_only=False, user_agent="test") as transport:
        yield Contact(transport, Server("openbao"), "")


def entry(version: int, data: object) -> bytes:
    return json.dumps({"data": {"data": data, "metadata": {"version": version, "created_time": ""}}}).encode()


def test_what_was_never_written_and_what_was_deleted_is_absent(contact: Contact, served: Stub) -> None:
    served.answers(Reply(404, b'{"errors": []}'), Reply(404, entry(3, None)))
    store = Store(contact, "secret", "vaultconf")

    assert store.read("head") == Stored(None, 0)
    assert store.read("head") == Stored(None, 3)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(403, b'{"errors": ["permission denied"]}'),
        Reply(404, b"<html>no way</html>"),
        Reply(404, b'{"errors": ["no handler for route"]}'),
        Reply(200, b'{"data": {"a": 1}}'),
        Reply(ending="close"),
    ],
)
def test_what_cannot_be_read_is_unknown_and_not_absent(contact: Contact, served: Stub, reply: Reply) -> None:
    served.answers(reply)

    with pytest.raises(ServerRefused, match="the ledger cannot be read: secret/data/vaultconf/head"):
        Store(contact, "secret", "vaultconf").read("head")


def test_a_write_over_what_others_wrote_is_not_made(contact: Contact, served: Stub) -> None:
    served.answers(MISMATCH, Reply(200, entry(9, {"a": "theirs"})))

    assert Store(contact, "secret", "vaultconf").write("head", {"a": "ours"}, 1) is None


def test_a_write_whose_first_answer_was_lost_is_known_by_what_stands_there(contact: Contact, served: Stub) -> None:
    served.answers(MISMATCH, Reply(200, entry(2, {"a": "ours"})))

    assert Store(contact, "secret", "vaultconf").write("head", {"a": "ours"}, 1) == 2


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ({"type": "kv", "path": "secret/", "options": {"version": "1"}}, "is not a KV version 2"),
        ({"type": "kv", "path": "secret/", "options": None}, "is not a KV version 2"),
        ({"type": "pki", "path": "secret/"}, "is not a KV version 2"),
        ({"type": "kv", "path": "secret/vaultconf/", "options": {"version": "2"}}, "is a whole engine"),
    ],
)
def test_another_engine_is_refused(contact: Contact, served: Stub, data: object, complaint: str) -> None:
    served.answers(Reply(200, json.dumps({"data": data}).encode()))

    with pytest.raises(InputError, match=complaint):
        find(contact, "secret/vaultconf")


@pytest.mark.parametrize("api", ["data", "metadata"])
def test_a_path_of_the_api_is_refused_with_the_right_spelling(contact: Contact, served: Stub, api: str) -> None:
    served.answers(Reply(200, b'{"data": {"type": "kv", "path": "kv/team/", "options": {"version": "2"}}}'))

    with pytest.raises(InputError, match=f"`{api}` is a part of the API's paths.*write `ledger: kv/team/a/b`"):
        find(contact, f"kv/team/{api}/a/b")


def test_an_engine_whose_path_has_several_segments_is_found(contact: Contact, served: Stub) -> None:
    data = {"type": "kv", "path": "kv/team/", "options": {"version": "2"}}
    served.answers(Reply(200, json.dumps({"data": data}).encode()))

    store = find(contact, "kv/team/vault/conf")

    assert (store.mount, store.path) == ("kv/team", "vault/conf")
    assert store.path_of("lock") == "kv/team/data/vault/conf/lock"
