"""Logins without a server: what is refused before anything is sent, what is sent, how long a token is kept."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from tests.support import stub
from tests.support.stub import Reply, Stub, as_json
from vaultconf import login, oidc_tokens, session
from vaultconf.contact import open_contact
from vaultconf.errors import ConnectionFailed, InputError, Place, ServerRefused
from vaultconf.http import Answer, Connection, Request
from vaultconf.login_settings import Login
from vaultconf.references import Reference, Template
from vaultconf.sealed import Secret
from vaultconf.session import Session
from vaultconf.transport import Transport

PLACE = Place("vaultconf.yaml", 1, 1)
JWT = "aGVhZA.Ym9keQ.c2ln"
CANARY = "canary-91c2"


@pytest.fixture
def http() -> Iterator[Stub]:
    with stub.running() as running:
        yield running


@pytest.fixture
def no_pauses() -> Iterator[list[float]]:
    naps: list[float] = []
    with mock.patch.object(oidc_tokens.time, "sleep", naps.append):
        yield naps


def prepared(
    method: str, root: Path, environ: dict[str, str] | None = None, **fields: str | Template
) -> login.Credentials:
    said = Login(method, method, PLACE, fields)
    return login.prepare(said, root, lambda reference: (environ or {}).get(reference.target), environ or {})


def env(name: str) -> Template:
    return Template((Reference("env", name),))


# --- what will be sent -----------------------------------------------------------------------------------------


def test_references_are_resolved_and_have_no_text_form(tmp_path: Path) -> None:
    found = prepared("userpass", tmp_path, {"P": CANARY}, username="ci", password=env("P"))

    assert (found.text("username"), found.text("password"), found.text("role")) == ("ci", CANARY, None)
    assert CANARY not in repr(found)


def test_all_that_is_not_at_hand_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        prepared("approle", tmp_path, {}, role_id=env("R"), secret_id=env("S"))

    assert [problem.message for problem in caught.value.problems] == [
        "`role_id` of the login is not at hand: ${env:R}",
        "`secret_id` of the login is not at hand: ${env:S}",
    ]


@pytest.mark.parametrize("name", ["a/b", "..", "a\n", "../../sys/seal"])
def test_a_user_name_that_would_lead_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="would lead to another path"):
        prepared("ldap", tmp_path, {"U": name, "P": "p"}, username=env("U"), password=env("P"))


def test_what_is_no_jwt_is_not_sent(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no JWT") as caught:
        prepared("jwt", tmp_path, {"J": CANARY}, jwt=env("J"))

    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("absolute", [True, False])
def test_a_token_file_is_read_from_the_machine_or_the_project(tmp_path: Path, absolute: bool) -> None:
    (tmp_path / "token").write_text(JWT + "\n")

    found = prepared("kubernetes", tmp_path, role="r", jwt_file=str(tmp_path / "token") if absolute else "token")

    assert found.text("jwt") == JWT


def folder(root: Path) -> str:
    return str(root)


def pipe(root: Path) -> str:
    os.mkfifo(root / "pipe")
    return str(root / "pipe")


def large(root: Path) -> str:
    (root / "large").write_text("x" * 300_000)
    return str(root / "large")


def bytes_in(root: Path) -> str:
    (root / "binary").write_bytes(b"\xff\xfe")
    return str(root / "binary")


def outside(root: Path) -> str:
    (root.parent / "outside").write_text(JWT)
    return "../outside"


def missing(root: Path) -> str:
    return str(root / "missing")


@pytest.mark.parametrize("make", [folder, pipe, large, bytes_in, outside, missing])
def test_a_token_file_that_cannot_be_one_is_refused(tmp_path: Path, make: Callable[[Path], str]) -> None:
    (tmp_path / "project").mkdir()
    name = make(tmp_path / "project")

    with pytest.raises(InputError, match=r"`jwt_file` .* cannot be read"):
        prepared("jwt", tmp_path / "project", jwt_file=name)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (pipe, "it is not a file"),
        (bytes_in, "it is not a text file"),
        (lambda _: "absent", "No such file or directory"),
    ],
)
def test_why_a_token_file_cannot_be_read_is_said(tmp_path: Path, make: Callable[[Path], str], reason: str) -> None:
    with pytest.raises(InputError, match=rf"cannot be read: {reason} \("):
        prepared("jwt", tmp_path, jwt_file=make(tmp_path))


def test_without_a_file_kubernetes_has_its_own(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"/var/run/secrets/kubernetes\.io/serviceaccount/token cannot be read"):
        prepared("kubernetes", tmp_path, role="r")


# --- id tokens -------------------------------------------------------------------------------------------------


def test_gitlab_keeps_it_in_a_variable(tmp_path: Path) -> None:
    usual = prepared("jwt", tmp_path, {"VAULT_ID_TOKEN": JWT}, oidc_from="gitlab")
    named = prepared("jwt", tmp_path, {"OTHER": JWT}, oidc_from="gitlab", oidc_variable="OTHER")

    assert (usual.text("jwt"), named.text("jwt")) == (JWT, JWT)


def test_a_gitlab_job_without_it_is_told_what_to_declare(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"OTHER is not set.*id_tokens: \{OTHER:"):
        prepared("jwt", tmp_path, {}, oidc_from="gitlab", oidc_variable="OTHER")


def github(http: Stub, query: str = "?v=2") -> dict[str, str]:
    return {
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{http.address}/t{query}",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": CANARY,
    }


@pytest.mark.parametrize(
    ("query", "audience", "target"),
    [
        ("?v=2", "https://v & co", "/t?v=2&audience=https%3A%2F%2Fv%20%26%20co"),
        ("", "v", "/t?audience=v"),
        ("", "", "/t"),
    ],
)
def test_github_is_asked_for_the_audience(http: Stub, query: str, audience: str, target: str) -> None:
    http.answers(Reply(200, as_json({"value": JWT})))

    found = oidc_tokens.github(github(http, query), audience)

    assert (found.reveal(), http.targets) == (JWT, [target])


def test_github_is_asked_again_where_it_is_busy(http: Stub, no_pauses: list[float]) -> None:
    http.answers(Reply(503, b""), Reply(ending="close"), Reply(200, as_json({"value": JWT})))

    found = oidc_tokens.github(github(http), "")

    assert (found.reveal(), len(http.asked), len(no_pauses)) == (JWT, 3, 2)


@pytest.mark.parametrize(
    ("replies", "asked", "why"),
    [
        ([Reply(403, b"")], 1, "status 403"),
        ([Reply(302, b"", {"Location": "http://127.0.0.1:1/evil"})], 1, "status 302"),
        ([Reply(500, b"")], 3, "status 500"),
        ([Reply(ending="close")], 3, "GitHub gives no id token"),
        ([Reply(200, b"<html>")], 1, "holds no id token"),
        ([Reply(200, b"[]")], 1, "holds no id token"),
        ([Reply(200, b'{"value": 5}')], 1, "holds no id token"),
    ],
)
def test_github_giving_none_is_said_without_the_job_token(
    http: Stub, no_pauses: list[float], replies: list[Reply], asked: int, why: str
) -> None:
    http.answers(*replies)

    with pytest.raises(ConnectionFailed, match=why) as caught:
        oidc_tokens.github(github(http), "")

    assert len(http.asked) == asked
    assert CANARY not in str(caught.value)


def test_github_that_does_not_answer_is_said(no_pauses: list[float]) -> None:
    with pytest.raises(ConnectionFailed, match=r"no id token: .*is the network"):
        oidc_tokens.github(
            {"ACTIONS_ID_TOKEN_REQUEST_URL": stub.free_address(), "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "t"}, ""
        )


@pytest.mark.parametrize(
    ("environ", "why"),
    [
        ({}, "ACTIONS_ID_TOKEN_REQUEST_URL is not set"),
        ({"ACTIONS_ID_TOKEN_REQUEST_URL": "https://x"}, "ACTIONS_ID_TOKEN_REQUEST_TOKEN is not set"),
        ({"ACTIONS_ID_TOKEN_REQUEST_URL": "file:///etc", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "t"}, "cannot be used"),
        ({"ACTIONS_ID_TOKEN_REQUEST_URL": "https://x", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "a\nb"}, "cannot be used"),
    ],
)
def test_a_job_that_may_have_no_id_token_is_told_so(environ: dict[str, str], why: str) -> None:
    with pytest.raises(InputError, match=why):
        oidc_tokens.github(environ, "")


# --- what is sent ----------------------------------------------------------------------------------------------

AUTH = {"client_token": "s.new", "lease_duration": 60, "renewable": True, "token_type": "service"}


@pytest.mark.parametrize(
    ("method", "fields", "target", "body"),
    [
        ("ldap", {"username": "ci@corp", "password": "p"}, "auth/m/login/ci%40corp", {"password": "p"}),
        ("userpass", {"username": "c i", "password": "p"}, "auth/m/login/c%20i", {"password": "p"}),
        ("approle", {"role_id": "r", "secret_id": "s"}, "auth/m/login", {"role_id": "r", "secret_id": "s"}),
        ("jwt", {"role": "r", "jwt": JWT}, "auth/m/login", {"role": "r", "jwt": JWT}),
        ("kubernetes", {"role": "r", "jwt": JWT}, "auth/m/login", {"role": "r", "jwt": JWT}),
        ("cert", {"role": "r"}, "auth/m/login", {"name": "r"}),
        ("cert", {}, "auth/m/login", {}),
    ],
)
def test_each_method_sends_its_own(
    http: Stub, method: str, fields: dict[str, str], target: str, body: dict[str, str]
) -> None:
    http.answers(Reply(200, as_json({"auth": AUTH})))
    credentials = login.Credentials(method, "m", None, {name: Secret(text) for name, text in fields.items()})
    connection = Connection(http.address, namespace="team")
    transport = Transport(connection, token=None, read_only=True, user_agent="t")

    # A certificate that is not there would end the connection; whether one is named is judged before.
    with transport:
        login.log_in(transport, credentials, Connection(http.address, namespace="team", client_cert="c"))

    asked = http.asked[0]
    assert (asked.method, asked.target.removeprefix("/v1/"), json.loads(asked.body)) == ("POST", target, body)
    assert asked.headers["x-vault-namespace"] == "team"
    assert transport.token == Secret("s.new")


def test_a_certificate_that_is_not_there_is_asked_for(http: Stub) -> None:
    connection = Connection(http.address)

    with Transport(connection, token=None, read_only=True, user_agent="t") as transport, pytest.raises(InputError):
        login.log_in(transport, login.Credentials("cert", "cert", None), connection)

    assert http.asked == []


def test_a_namespace_that_is_not_there_is_hinted_at(http: Stub) -> None:
    http.answers(Reply(404, b'{"errors": ["namespace not found"]}'))
    connection = Connection(http.address)
    credentials = login.Credentials("cert", "cert", "gone")

    with (
        Transport(connection, token=None, read_only=True, user_agent="t") as transport,
        pytest.raises(ServerRefused, match="and `namespace`"),
    ):
        login.log_in(transport, credentials, Connection(http.address, client_cert="c"))


def test_a_login_in_a_namespace_is_refused_before_a_server_without_them_sees_it(http: Stub) -> None:
    health = {"initialized": True, "sealed": False, "version": "1.19.0", "enterprise": False}
    http.answers(Reply(200, as_json(health)))
    credentials = login.Credentials("userpass", "userpass", "team", {"password": Secret(CANARY)})

    with pytest.raises(InputError, match="has no namespaces"):
        open_contact(Connection(http.address), credentials, project="p", read_only=True)

    assert [target.partition("?")[0] for target in http.targets] == ["/v1/sys/health"]


# --- how long a token is kept ----------------------------------------------------------------------------------


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def begun(clock: Clock, life: int, *, renewable: bool = True, kind: str = "service") -> Session:
    auth = {"client_token": "s.x", "lease_duration": life, "renewable": renewable, "token_type": kind}
    return Session(auth, "team", clock.now, clock)


def reading(count: int) -> Generator[Request, Answer, list[Answer]]:
    answers: list[Answer] = []
    for number in range(count):
        answer = yield Request("GET", f"x/{number}")
        answers.append(answer)
    return answers


def driven(
    kept: Session, clock: Clock, steps: int, seconds: float, reply: Callable[[Request], Answer]
) -> tuple[list[str], list[Answer]]:
    """Drive a task whose every request takes `seconds`; return the paths asked for, and its answers."""
    task, asked = kept.kept(reading(steps)), []
    request = next(task)
    while True:
        asked.append(request.path)
        clock.now += seconds
        try:
            request = task.send(reply(request))
        except StopIteration as end:
            return asked, end.value


def renewed(life: int, *, renewable: bool = True) -> Answer:
    return Answer(200, as_json({"auth": {"lease_duration": life, "renewable": renewable}}))


OK = Answer(200, b'{"data": {}}')
DENIED = Answer(403, b'{"errors": ["permission denied"]}')


def answering(renewal: Answer, others: Answer = OK) -> Callable[[Request], Answer]:
    return lambda request: renewal if request.path == "auth/token/renew-self" else others


def test_a_token_is_renewed_at_half_of_its_life_where_it_is_used() -> None:
    clock = Clock()

    asked, _ = driven(begun(clock, 10), clock, 6, 2.0, answering(renewed(10)))

    assert asked == ["x/0", "x/1", "x/2", "auth/token/renew-self", "x/3", "x/4", "auth/token/renew-self", "x/5"]


@pytest.mark.parametrize("renewable", [True, False])
def test_what_lives_for_ever_or_cannot_be_renewed_is_not(renewable: bool) -> None:
    clock = Clock()

    asked, _ = driven(begun(clock, 0 if renewable else 10, renewable=renewable), clock, 4, 5.0, answering(OK))

    assert asked == ["x/0", "x/1", "x/2", "x/3"]


def test_a_renewal_that_wins_nothing_is_the_last() -> None:
    clock = Clock()

    asked, _ = driven(begun(clock, 8), clock, 8, 1.0, answering(renewed(3)))

    assert asked.count("auth/token/renew-self") == 1


def test_a_renewal_that_nobody_answers_is_tried_again() -> None:
    clock = Clock()

    asked, _ = driven(begun(clock, 16), clock, 8, 2.0, answering(Answer(503)))

    assert asked.count("auth/token/renew-self") > 1


def test_a_refusal_after_the_end_says_that_it_was_the_end_and_why() -> None:
    clock = Clock()

    _, answers = driven(begun(clock, 4), clock, 4, 1.0, answering(DENIED, DENIED))

    assert answers[0].errors == ("permission denied",)
    assert answers[-1].errors[0] == "permission denied"
    assert "has expired; it could not be renewed: 403: permission denied" in answers[-1].errors[1]


def test_an_answer_after_the_end_that_is_no_refusal_stays_as_it_is() -> None:
    clock = Clock()

    _, answers = driven(begun(clock, 1, renewable=False), clock, 2, 5.0, answering(OK))

    assert answers == [OK, OK]


def test_a_request_that_must_not_be_sent_is_the_task_s_own_affair() -> None:
    seen: list[str] = []

    def task() -> Generator[Request, Answer, str]:
        try:
            yield Request("GET", "a//b")
        except ValueError as error:
            seen.append(str(error))
        answer = yield Request("GET", "ok")
        return str(answer.status)

    kept = begun(Clock(), 60).kept(task())
    next(kept)
    after = kept.throw(ValueError("unsafe"))

    with pytest.raises(StopIteration) as end:
        kept.send(OK)
    assert (seen, after.path, end.value.value) == (["unsafe"], "ok", "200")


def test_a_task_that_is_given_up_is_closed() -> None:
    closed: list[bool] = []

    def task() -> Generator[Request, Answer, None]:
        try:
            yield Request("GET", "x")
        finally:
            closed.append(True)

    kept = begun(Clock(), 60).kept(task())
    next(kept)
    kept.close()

    assert closed == [True]


# --- its end ---------------------------------------------------------------------------------------------------


def test_a_token_is_revoked_where_it_was_given(http: Stub) -> None:
    http.answers(Reply(204, b""))

    why = session.revoke(begun(Clock(), 60), Connection(http.address, namespace="other"), "t")

    asked = http.asked[0]
    assert (why, asked.method, asked.target) == ("", "POST", "/v1/auth/token/revoke-self")
    assert (asked.headers["x-vault-token"], asked.headers["x-vault-namespace"]) == ("s.x", "team")


def test_a_batch_token_is_not_revoked(http: Stub) -> None:
    assert session.revoke(begun(Clock(), 60, kind="batch"), Connection(http.address), "t") == ""
    assert http.asked == []


def test_why_a_token_could_not_be_revoked_is_told() -> None:
    why = session.revoke(begun(Clock(), 60), Connection(stub.free_address()), "t")

    assert "no connection" in why


def test_an_interrupt_does_not_keep_a_token_from_being_revoked() -> None:
    tries: list[Any] = []

    def interrupted(*what: Any) -> str:
        tries.append(what)
        if len(tries) == 1:
            raise KeyboardInterrupt
        return "the second try"

    with mock.patch.object(session, "_revoked", interrupted):
        why = session.revoke(begun(Clock(), 60), Connection(), "t")

    assert (why, len(tries)) == ("the second try", 2)
