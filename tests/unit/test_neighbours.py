"""The ledgers beside one's own: what is asked for, what counts as one, and what cannot be read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from tests.support import stub
from tests.support.stub import Asked, Reply, Stub
from vaultconf import catalogue, guard
from vaultconf.contact import Contact
from vaultconf.errors import Place, Problem
from vaultconf.http import Connection
from vaultconf.ledger import FORMAT, Ledger, shard_of
from vaultconf.model import Address, Desired, Held, Plan, Server
from vaultconf.neighbours import with_claims
from vaultconf.settings import Settings
from vaultconf.transport import Transport

KIND = catalogue.all_kinds()["approle_role"]
ROLE = Address("auth/a/role/x")
OURS = Settings(project="ours", named=True, ledger="kv/teams/ours")
FORBIDDEN = Reply(403, b'{"errors": ["permission denied"]}')
ABSENT = Reply(404, b'{"errors": []}')
ENTRY = {"kind": "approle_role", "params": {"mount": "a", "name": "x"}, "owned": True}


@pytest.fixture
def served() -> Iterator[Stub]:
    with stub.running() as running:
        yield running


@pytest.fixture
def contact(served: Stub) -> Iterator[Contact]:
    connection = Connection(address=served.address, max_retries=0)
    with Transport(connection, token=None, read_only=True, user_agent="test") as transport:
        yield Contact(transport, Server("openbao"), "")


def planned(**more: Any) -> Plan:
    desired = Desired(KIND, ROLE, {"mount": "a", "name": "x"}, {}, Place("f.yaml", 3, 5), {})
    return Plan(Server("openbao"), declared=(desired,), ledger=Ledger("kv"), **more)


def kept(data: Mapping[str, Any]) -> Reply:
    return Reply(200, json.dumps({"data": {"data": data, "metadata": {"version": 1, "created_time": ""}}}).encode())


def head(project: str) -> Reply:
    return kept({"format": FORMAT, "project": project})


def answering(names: list[str], replies: Mapping[str, Reply]) -> Callable[[Asked], Reply]:
    """A folder with these names; any entry that has no reply of its own is absent."""
    folder = Reply(200, json.dumps({"data": {"keys": names}}).encode())

    def reply(asked: Asked) -> Reply:
        path = asked.target.partition("?")[0]
        return folder if path == "/v1/kv/metadata/teams" else replies.get(path.removeprefix("/v1/kv/data/"), ABSENT)

    return reply


SHARD = f"owned/{shard_of(ROLE)}"
THEIRS = {"teams/b/head": head("theirs"), f"teams/b/{SHARD}": kept({"objects": {str(ROLE): ENTRY}})}


def test_an_address_that_another_ledger_has_is_claimed_with_both_projects_and_the_place(
    contact: Contact, served: Stub
) -> None:
    served.reply = answering(["b/", "ours/"], THEIRS)

    made = with_claims(planned(), contact, OURS)

    assert [str(problem) for problem in made.claimed] == [
        (
            "f.yaml:3:5: `auth/a/role/x` belongs to the project `theirs` (ledger `kv/teams/b`), and `ours` (ledger"
            " `kv/teams/ours`) declares it (one gives it up: leave it out of the files here, or run `vaultconf ledger"
            " forget auth/a/role/x` there)"
        )
    ]
    assert guard.refusals(made, (), OURS)[0] == made.claimed[0]


def test_without_neighbours_one_request_is_all(contact: Contact, served: Stub) -> None:
    served.reply = answering(["head", "ours/"], {})

    assert with_claims(planned(), contact, OURS) == planned()
    assert len(served.asked) == 1


@pytest.mark.parametrize(
    "settings",
    [Settings(project="ours", ledger="kv/teams/ours"), Settings(project="theirs", named=True, ledger="kv/teams/ours")],
)
def test_a_project_without_a_name_or_of_the_same_is_not_compared(
    contact: Contact, served: Stub, settings: Settings
) -> None:
    served.reply = answering(["b/"], THEIRS)

    assert with_claims(planned(), contact, settings).claimed == ()


def test_a_closed_ledger_has_no_neighbours(contact: Contact, served: Stub) -> None:
    closed = Plan(Server("openbao"), ledger=Ledger("kv/teams/ours", closed="403"))

    assert with_claims(closed, contact, OURS) == closed
    assert served.asked == []


def test_what_is_held_is_left_to_others(contact: Contact, served: Stub) -> None:
    served.reply = answering(["b/"], THEIRS)

    assert with_claims(planned(held=(Held(ROLE),)), contact, OURS).claimed == ()


def test_what_others_know_of_but_have_not_made_is_not_theirs(contact: Contact, served: Stub) -> None:
    known = kept({"objects": {str(ROLE): {**ENTRY, "owned": False, "fingerprints": {"a": "b"}}}})
    served.reply = answering(["b/"], {**THEIRS, f"teams/b/{SHARD}": known})

    assert with_claims(planned(), contact, OURS).claimed == ()


@pytest.mark.parametrize(
    "replies",
    [
        {"teams/b/head": FORBIDDEN},
        {"teams/b/head": kept({"password": "x"})},
        {"teams/b/head": kept({"format": "vaultconf.ledger/9", "project": "b"})},
        {"teams/b/head": head("")},
    ],
)
def test_what_cannot_be_read_or_is_no_ledger_claims_nothing_and_is_not_mentioned(
    contact: Contact, served: Stub, replies: Mapping[str, Reply]
) -> None:
    served.reply = answering(["b/"], replies)

    assert with_claims(planned(), contact, OURS) == planned()
    assert len(served.asked) == 2


def test_a_folder_that_may_not_be_listed_is_not_mentioned(contact: Contact, served: Stub) -> None:
    served.reply = lambda _: FORBIDDEN

    assert with_claims(planned(), contact, OURS) == planned()


@pytest.mark.parametrize("shard", [FORBIDDEN, kept({"objects": [1]}), kept({"objects": {"x": {"params": 3}}})])
def test_claims_that_cannot_be_read_are_said_once(contact: Contact, served: Stub, shard: Reply) -> None:
    served.reply = answering(["b/"], {**THEIRS, f"teams/b/{SHARD}": shard})

    made = with_claims(planned(), contact, OURS)

    assert made.claimed == ()
    assert made.notices == ("what these ledgers of other projects claim could not be read: `kv/teams/b`",)


def test_a_folder_full_of_other_things_is_looked_at_in_part_and_that_is_said(contact: Contact, served: Stub) -> None:
    served.reply = answering([f"s{number}/" for number in range(600)], {})

    made = with_claims(planned(), contact, OURS)

    assert made.notices == ("kv/teams has 600 folders: ledgers of neighbours were looked for in 500",)
    assert len(served.asked) == 501


def test_a_name_with_control_characters_cannot_forge_a_line(contact: Contact, served: Stub) -> None:
    served.reply = answering(["b/"], {**THEIRS, "teams/b/head": head("x\n::error::y")})

    made = with_claims(planned(), contact, OURS)

    assert "\n" not in made.claimed[0].message


def test_a_plan_names_the_first_claims_and_counts_the_rest() -> None:
    problem = Problem("`x` belongs to others", hint="give it up")
    made = Plan(Server("openbao"), claimed=(problem,) * 25)

    said = guard.notices(made, Settings())

    assert said == ["`x` belongs to others: apply refuses it; give it up"] * 20 + [
        "5 more addresses belong to other projects"
    ]
