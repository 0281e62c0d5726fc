"""First contact: what a run finds out before it reads, and what it shows to whom."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import stub
from tests.support.raw import Raw
from tests.support.servers import Server
from tests.support.stub import Asked, Reply, Stub, as_json
from vaultconf.contact import Contact, connection_for, open_contact, token_for
from vaultconf.errors import ConnectionFailed, Problem, ServerRefused
from vaultconf.http import Connection, Request
from vaultconf.sealed import Secret
from vaultconf.settings import Settings

HEALTH = {"initialized": True, "sealed": False, "version": "1.19.0", "cluster_id": "c"}


@pytest.fixture
def http() -> Iterator[Stub]:
    with stub.running() as running:
        yield running


def meet(
    address: str,
    token: str = "t",
    project: str = "p",
    namespace: str = "",
    warn: Callable[[Problem], None] = lambda _: None,
) -> Contact:
    connection = Connection(address=address, namespace=namespace)
    return open_contact(connection, Secret(token), project=project, read_only=True, warn=warn)


def test_the_server_is_known_after_first_contact(server: Server) -> None:
    with meet(server.address, server.token) as contact:
        found = contact.server

    assert (found.product, found.version, found.enterprise) == (server.product, server.version, server.enterprise)
    assert (found.address, found.cluster_id != "") == (server.address, True)


def test_a_request_is_sent_in_the_namespace_below_the_base(http: Stub) -> None:
    http.answers(Reply(200, as_json({**HEALTH, "enterprise": True})))

    with meet(http.address, namespace="team") as contact:
        asked = [contact.within(Request("GET", "x"), namespace).namespace for namespace in ("", "sub/more")]

    assert asked == ["team", "team/sub/more"]


def test_the_token_is_shown_only_after_the_server_has_proved_to_be_one(http: Stub) -> None:
    http.reply = lambda asked: Reply(200, as_json({**HEALTH, "enterprise": True} if "health" in asked.target else {}))

    meet(http.address).transport.close()

    assert [("x-vault-token" in asked.headers, asked.target.partition("?")[0]) for asked in http.asked] == [
        (False, "/v1/sys/health"),
        (True, "/v1/auth/token/lookup-self"),
    ]


@pytest.mark.parametrize(
    ("seal_status", "product"),
    [({"build_date": "2026-01-01", "sealed": False}, "vault"), ({"sealed": False}, "openbao")],
)
def test_an_older_vault_is_told_from_openbao_by_its_seal_status(
    http: Stub, seal_status: dict[str, object], product: str
) -> None:
    http.reply = lambda asked: Reply(200, as_json(seal_status if "seal-status" in asked.target else HEALTH))

    with meet(http.address) as contact:
        assert contact.server.product == product


@pytest.mark.parametrize(("version", "enterprise"), [("1.16.3+ent", True), ("1.16.3+ent.hsm", True), ("1.16.3", False)])
def test_the_edition_is_read_from_the_version_where_the_server_does_not_say_it(
    http: Stub, version: str, *, enterprise: bool
) -> None:
    http.answers(Reply(200, as_json({**HEALTH, "version": version, "build_date": "x"})))

    with meet(http.address) as contact:
        assert contact.server.enterprise is enterprise


def test_the_project_is_named_in_the_user_agent(http: Stub) -> None:
    http.answers(Reply(200, as_json({**HEALTH, "enterprise": True})))

    meet(http.address, project="payments").transport.close()

    assert {asked.headers["user-agent"].partition(" ")[2] for asked in http.asked} == {"(payments)"}


def test_a_project_name_that_no_header_can_hold_is_left_out(http: Stub) -> None:
    http.answers(Reply(200, as_json({**HEALTH, "enterprise": True})))

    meet(http.address, project="a\r\nX-Evil: b").transport.close()

    assert {asked.headers["user-agent"] for asked in http.asked} == {"vaultconf"}


@pytest.mark.parametrize("status", [429, 473])
def test_a_standby_is_good_enough(http: Stub, status: int) -> None:
    http.reply = lambda asked: Reply(
        status if "health" in asked.target else 200, as_json({**HEALTH, "enterprise": True})
    )

    with meet(http.address) as contact:
        assert contact.server.version == "1.19.0"


def test_a_secondary_for_disaster_recovery_is_told_apart_and_shown_no_token(http: Stub) -> None:
    http.answers(Reply(472, as_json({**HEALTH, "enterprise": True, "replication_dr_mode": "secondary"})))

    with pytest.raises(ServerRefused, match=r"for disaster recovery.*address of the primary"):
        meet(http.address)

    assert [asked.target.partition("?")[0] for asked in http.asked] == ["/v1/sys/health"]
    assert "x-vault-token" not in http.asked[0].headers


@pytest.mark.parametrize(("in_a_cluster", "heard"), [(True, 1), (False, 0)])
def test_a_cluster_that_shows_no_index_is_said_to_answer_stale_reads(
    http: Stub, *, in_a_cluster: bool, heard: int
) -> None:
    def reply(asked: Asked) -> Reply:
        if "sys/leader" in asked.target:
            return Reply(200, as_json({"ha_enabled": in_a_cluster}))
        return Reply(200, as_json({**HEALTH, "version": "2.6.2"} if "health" in asked.target else {"data": {}}))

    http.reply = reply
    warnings: list[Problem] = []

    with meet(http.address, warn=warnings.append) as contact:
        assert contact.server.product == "openbao"

    assert len(warnings) == heard
    assert all("reads may be stale" in problem.message for problem in warnings)


def test_a_server_without_health_is_told_from_what_is_no_vault(http: Stub) -> None:
    http.answers(Reply(500, b'{"errors": ["internal"]}'))

    with pytest.raises(ConnectionFailed, match=r"answers 500 to sys/health"):
        meet(http.address)


def test_a_token_that_may_not_look_itself_up_is_let_through(server: Server, raw: Raw, unique: str) -> None:
    raw.write(f"sys/policies/acl/{unique}", {"policy": 'path "auth/token/lookup-self" { capabilities = ["deny"] }'})
    token = raw.write("auth/token/create", {"policies": [unique]})["auth"]["client_token"]

    with meet(server.address, token) as contact:
        assert contact.server.product == server.product


def test_an_expired_token_is_refused(server: Server) -> None:
    with pytest.raises(ServerRefused, match="not valid, or has expired"):
        meet(server.address, "hvs.CAESIJ-canary")


def test_a_server_that_seals_itself_meanwhile_is_said_so(http: Stub) -> None:
    sealed = Reply(503, b'{"errors": ["Vault is sealed"]}')
    http.reply = lambda asked: (
        Reply(200, as_json({**HEALTH, "enterprise": True})) if "health" in asked.target else sealed
    )

    with pytest.raises(ServerRefused, match="is sealed or unavailable"):
        open_contact(Connection(http.address, max_retries=0), Secret("t"), project="p", read_only=True)


def test_a_run_that_writes_can_write_and_one_that_reads_cannot(server: Server, unique: str) -> None:
    connection = Connection(address=server.address)
    write = Request("POST", f"sys/policies/acl/{unique}", {"policy": "# x"})

    with open_contact(connection, Secret(server.token), project="p", read_only=False) as contact:
        answer = contact.transport.send(write)
    with meet(server.address, server.token) as reader, pytest.raises(RuntimeError, match="only reads"):
        reader.transport.send(write)

    assert answer.status == 204


# --- where the address and the token come from ---------------------------------------------------------------


def test_the_token_file_serves_where_no_variable_is_set(tmp_path: Path, server: Server) -> None:
    (tmp_path / ".vault-token").write_text(f"{server.token}\n")
    token = token_for({"HOME": str(tmp_path)})
    assert token is not None

    with open_contact(Connection(server.address), token, project="p", read_only=True) as contact:
        answer = contact.transport.send(Request("GET", "auth/token/lookup-self"))

    assert answer.status == 200


def test_the_variable_wins_over_the_token_file(tmp_path: Path) -> None:
    (tmp_path / ".vault-token").write_text("from-file")

    found = [
        token_for({"HOME": str(tmp_path), **environ})
        for environ in ({"VAULT_TOKEN": "a"}, {"VAULT_TOKEN": "a", "BAO_TOKEN": "b"}, {"VAULT_TOKEN": ""})
    ]

    assert [token.reveal() if token else "" for token in found] == ["a", "b", "from-file"]


def test_without_a_home_there_is_no_token_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".vault-token").write_text("from-the-current-folder")
    monkeypatch.chdir(tmp_path)

    assert token_for({}) is None


def test_without_targets_the_environment_decides() -> None:
    found = connection_for(Settings(), "", {"VAULT_ADDR": "http://h:1/", "VAULT_NAMESPACE": "a/b/"})

    assert (found.address, found.namespace) == ("http://h:1", "a/b")
