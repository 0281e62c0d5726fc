"""The transport against a loopback server that misbehaves on demand."""

from __future__ import annotations

import base64
import copy
import json
import pickle
import signal
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.support.stub import Asked, Reply, Stub, as_json, free_address, running
from vaultconf import curl
from vaultconf.http import Answer, Cause, Connection, HeaderLines, Request, changes_nothing, clean_address
from vaultconf.pace import Bucket, Window
from vaultconf.retry import Limits
from vaultconf.sealed import Secret
from vaultconf.transport import ReadOnlyViolation, Task, Transport

TOKEN = "hvs.very-secret"
READ = Request("GET", "sys/mounts")
WRITE = Request("POST", "sys/policies/acl/p", {"policy": ""})
ONCE = replace(WRITE, repeatable=False)
SEALED = Reply(503, as_json({"errors": ["Vault is sealed"]}))


@pytest.fixture
def stub() -> Iterator[Stub]:
    with running() as server:
        yield server


@pytest.fixture
def make(stub: Stub) -> Iterator[Callable[..., Transport]]:
    made: list[Transport] = []

    def build(*, read_only: bool = False, concurrency: int | None = None, **fields: object) -> Transport:
        connection = Connection(**{"address": stub.address, "timeout": 20.0, **fields})
        made.append(
            Transport(
                connection,
                token=Secret(TOKEN),
                read_only=read_only,
                concurrency=concurrency,
                user_agent="vaultconf/9 project",
            )
        )
        return made[-1]

    yield build
    for transport in made:
        transport.close()


@pytest.fixture
def transport(make: Callable[..., Transport]) -> Transport:
    return make()


def once(request: Request) -> Task[Answer]:
    return (yield request)


def asking(*requests: Request) -> Task[list[int]]:
    statuses: list[int] = []
    for request in requests:
        answer = yield request
        statuses.append(answer.status)
    return statuses


# --- what is sent


def test_a_request_carries_token_agent_and_request_header(stub: Stub, transport: Transport) -> None:
    transport.send(replace(READ, namespace="team/a"))

    headers = stub.asked[0].headers
    assert headers["x-vault-token"] == TOKEN
    assert headers["x-vault-request"] == "true"
    assert headers["x-vault-namespace"] == "team/a"
    assert headers["user-agent"] == "vaultconf/9 project"


def test_without_token_and_namespace_their_headers_are_absent(stub: Stub, transport: Transport) -> None:
    transport.authenticate(None)

    transport.send(READ)

    assert not {"x-vault-token", "x-vault-namespace", "cookie"} & stub.asked[0].headers.keys()


def test_a_token_of_a_login_is_carried_from_then_on(stub: Stub, transport: Transport) -> None:
    transport.send(READ)
    transport.authenticate(Secret("second"))
    transport.send(READ)

    assert [asked.headers["x-vault-token"] for asked in stub.asked] == [TOKEN, "second"]


def test_a_token_with_a_line_break_is_refused_without_being_quoted(transport: Transport) -> None:
    with pytest.raises(ValueError) as caught:
        transport.authenticate(Secret("abc\r\nX-Evil: 1"))

    assert "abc" not in str(caught.value)


def test_one_handle_sends_every_method_in_turn_as_it_should(stub: Stub, make: Callable[..., Transport]) -> None:
    body = {"a": 1}
    requests = [
        READ,
        Request("POST", "p", body),
        Request("LIST", "l"),
        Request("PATCH", "m", body),
        Request("DELETE", "d"),
        Request("PUT", "u"),
        READ,
    ]

    make(concurrency=1).run([asking(*requests)])

    seen = [(asked.method, asked.body, asked.headers.get("content-type")) for asked in stub.asked]
    assert seen == [
        ("GET", b"", None),
        ("POST", b'{"a": 1}', "application/json"),
        ("LIST", b"", None),
        ("PATCH", b'{"a": 1}', "application/merge-patch+json"),
        ("DELETE", b"", "application/json"),
        ("PUT", b"", "application/json"),
        ("GET", b"", None),
    ]
    assert stub.connections == 1


def test_a_secret_in_a_body_is_revealed_on_the_wire_only(stub: Stub, transport: Transport) -> None:
    request = Request("POST", "database/config/db", {"password": Secret("pw-1"), "deep": [{"x": Secret("pw-2")}]})

    transport.send(request)

    assert json.loads(stub.asked[0].body) == {"password": "pw-1", "deep": [{"x": "pw-2"}]}
    assert "pw-" not in repr(request) + str(request)


def test_a_body_without_a_json_form_is_refused_before_sending(stub: Stub, transport: Transport) -> None:
    with pytest.raises(TypeError, match="set has no JSON form"):
        transport.send(Request("POST", "p", {"a": {1}}))

    assert stub.asked == []


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("sys/policies/acl/team-a.b_c~d", "/v1/sys/policies/acl/team-a.b_c~d"),
        ("a/b c", "/v1/a/b%20c"),
        ("a/b?list=true", "/v1/a/b%3Flist%3Dtrue"),
        ("a/b#c", "/v1/a/b%23c"),
        ("a/%2e", "/v1/a/%252e"),
        ("a/é+:@", "/v1/a/%C3%A9%2B%3A%40"),
        ("a/.hidden", "/v1/a/.hidden"),
    ],
)
def test_a_path_is_encoded_segment_by_segment(stub: Stub, transport: Transport, path: str, target: str) -> None:
    transport.send(Request("GET", path))

    assert stub.targets == [target]


def test_a_query_is_encoded(stub: Stub, transport: Transport) -> None:
    transport.send(Request("GET", "a", query=(("after", "x&y=z"), ("limit", "1"))))

    assert stub.targets == ["/v1/a?after=x%26y%3Dz&limit=1"]


@pytest.mark.parametrize(
    "path", ["", "/", "/a", "a/", "a//b", "a/../b", "..", ".", "a/./b", "a..b", "a/\n", "a\x7f", "\ud800"]
)
def test_a_path_that_vault_would_take_for_another_is_never_sent(stub: Stub, transport: Transport, path: str) -> None:
    with pytest.raises(ValueError):
        transport.send(Request("GET", path))

    assert stub.asked == []


def test_a_number_that_json_lacks_is_never_sent(stub: Stub, transport: Transport) -> None:
    with pytest.raises(ValueError):
        transport.send(Request("POST", "p", {"a": float("nan")}))

    assert stub.asked == []


def test_an_unknown_method_is_never_sent(stub: Stub, transport: Transport) -> None:
    with pytest.raises(ValueError, match="TRACE"):
        transport.send(Request("TRACE", "a"))

    assert stub.asked == []


def test_a_namespace_cannot_smuggle_a_header(stub: Stub, transport: Transport) -> None:
    with pytest.raises(ValueError, match="namespace"):
        transport.send(replace(READ, namespace="a\r\nX-Evil: 1"))

    assert stub.asked == []


# --- read only

ALLOWED = [
    ("GET", "sys/mounts"),
    ("LIST", "sys/policies/acl"),
    ("POST", "auth/approle/login"),
    ("POST", "auth/cert/login"),
    ("PUT", "auth/team/userpass/login/bob"),
    ("POST", "auth/token/renew-self"),
    ("POST", "auth/token/revoke-self"),
    ("POST", "sys/capabilities-self"),
    ("POST", "sys/capabilities"),
]
FORBIDDEN = [
    ("POST", "sys/policies/acl/p"),
    ("PUT", "sys/mounts/kv"),
    ("PATCH", "auth/token/renew-self"),
    ("DELETE", "auth/approle/login"),
    ("POST", "auth/userpass/users/login"),
    ("POST", "auth/userpass/users/login/password"),
    ("POST", "auth/cert/certs/login"),
    ("POST", "auth/approle/role/login/secret-id"),
    ("POST", "auth/token/revoke"),
    ("POST", "secret/auth/x/login"),
    ("POST", "auth/login"),
]


@pytest.mark.parametrize(("method", "path"), ALLOWED)
def test_a_reading_run_may_read_log_in_and_care_for_its_token(
    stub: Stub, make: Callable[..., Transport], method: str, path: str
) -> None:
    make(read_only=True).send(Request(method, path))

    assert [asked.method for asked in stub.asked] == [method]


@pytest.mark.parametrize(("method", "path"), FORBIDDEN)
def test_a_reading_run_cannot_send_a_write(stub: Stub, make: Callable[..., Transport], method: str, path: str) -> None:
    with pytest.raises(ReadOnlyViolation):
        make(read_only=True).send(Request(method, path))

    assert stub.asked == []
    assert not changes_nothing(Request(method, path))


# --- retries


@pytest.mark.parametrize("status", [412, 429, 502, 503, 504])
def test_a_passing_refusal_is_retried_for_reads_and_writes(stub: Stub, transport: Transport, status: int) -> None:
    stub.answers(Reply(status, b"", {"Retry-After": "0"}), Reply(status, b""), Reply())

    first, second = transport.send(WRITE), transport.send(READ)

    assert (first.status, second.status) == (200, 200)
    assert [asked.method for asked in stub.asked] == ["POST", "POST", "POST", "GET"]


@pytest.mark.parametrize("ending", ["cut", "reset", "close"])
def test_a_lost_answer_is_asked_for_again(stub: Stub, transport: Transport, ending: str) -> None:
    stub.answers(Reply(ending=ending), Reply())

    answer = transport.send(WRITE)

    assert answer.ok
    assert len(stub.asked) == 2


@pytest.mark.parametrize(
    "reply", [Reply(502), Reply(503), Reply(500), Reply(ending="cut"), Reply(ending="reset"), Reply(ending="close")]
)
def test_what_is_not_repeatable_is_sent_once(stub: Stub, transport: Transport, reply: Reply) -> None:
    stub.answers(reply)

    answer = transport.send(ONCE)

    assert not answer.ok
    assert len(stub.asked) == 1


def test_a_write_that_failed_after_an_answer_got_lost_is_in_doubt(stub: Stub, transport: Transport) -> None:
    refused = Reply(400, b'{"errors": ["already in use"]}')
    stub.answers(Reply(ending="close"), refused, refused)

    doubtful, plain = transport.send(WRITE), transport.send(WRITE)

    assert [(answer.status, answer.in_doubt) for answer in (doubtful, plain)] == [(400, True), (400, False)]


def test_nothing_overtakes_what_a_limit_on_the_rate_has_refused(stub: Stub, transport: Transport) -> None:
    at_once = 12
    stub.reply = lambda asked: Reply(429 if asked.nth <= at_once else 200)

    answers = transport.run(map(once, (Request("GET", f"sys/policies/acl/{number}") for number in range(60))))

    assert {answer.status for answer in answers} == {200}
    assert set(stub.targets[at_once : at_once + 6]) <= set(stub.targets[:at_once])
    assert len(stub.asked) == 60 + at_once


def test_what_is_not_repeatable_is_sent_once_even_where_a_kept_connection_dies(
    stub: Stub, transport: Transport
) -> None:
    stub.answers(Reply(), Reply(ending="close"))
    transport.send(READ)

    answer = transport.send(ONCE)

    assert answer.status == 0
    assert [asked.method for asked in stub.asked] == ["GET", "POST"]


def test_a_refused_connection_is_tried_again_even_for_what_is_not_repeatable(
    make: Callable[..., Transport],
) -> None:
    transport = make(address=free_address(), max_retries=1)

    answer = transport.send(ONCE)

    assert (answer.status, answer.cause, transport.requests_sent) == (0, Cause.NOT_SENT, 2)
    assert "no connection" in answer.fault


def test_max_retries_bounds_the_retries(stub: Stub, make: Callable[..., Transport]) -> None:
    stub.answers(Reply(503, b""))

    answer = make(max_retries=2).send(READ)

    assert answer.status == 503
    assert len(stub.asked) == 3


def test_a_sealed_server_is_final_at_first_contact_and_retried_later(stub: Stub, transport: Transport) -> None:
    stub.answers(SEALED, Reply(), SEALED, Reply())

    statuses = [transport.send(READ).status for _ in range(3)]

    assert statuses == [503, 200, 200]
    assert len(stub.asked) == 4


def test_a_web_page_at_first_contact_is_handed_over_as_it_is(stub: Stub, transport: Transport) -> None:
    stub.answers(Reply(200, b"<html>hello</html>"))

    answer = transport.send(READ)

    assert (answer.json, answer.data, len(stub.asked)) == ({}, None, 1)


def test_a_server_that_stops_serving_ends_a_large_run_soon(stub: Stub, transport: Transport) -> None:
    transport._wire.limits = Limits(budget=0.3, first_budget=0.3)
    stub.answers(*[Reply()] * 5, Reply(503, b""))

    results = transport.run(asking(READ) for _ in range(20_000))

    assert results.count([200]) == 5
    assert len(results) == 20_000
    assert len(stub.asked) < 10_000


def test_one_request_that_hangs_does_not_end_the_run(stub: Stub, make: Callable[..., Transport]) -> None:
    transport = make(timeout=0.5, max_retries=0)
    transport._wire.limits = Limits(retries=0, budget=0.1)
    stub.reply = lambda asked: Reply(ending="close" if asked.target == "/v1/slow" and time.sleep(0.3) is None else "")

    results = transport.run([asking(Request("GET", "slow"), READ), *(asking(READ) for _ in range(200))])

    assert results == [[0, 200], *[[200]] * 200]


def test_an_answer_after_trouble_starts_the_budget_anew(stub: Stub, transport: Transport) -> None:
    transport._wire.limits = Limits(budget=1.0)
    stub.reply = lambda asked: Reply(503, b"") if asked.nth % 3 else Reply()

    results = transport.run([asking(*[READ] * 6)])

    assert results == [[200] * 6]
    assert len(stub.asked) == 18


# --- faults


def test_https_on_a_plain_port_says_what_to_do(stub: Stub, make: Callable[..., Transport]) -> None:
    address = stub.address.replace("http://", "https://")
    transport = make(address=address)

    answer = transport.send(READ)

    assert answer.fault == f"{address}: the server speaks plain HTTP: use {stub.address}"
    assert (answer.status, answer.cause, transport.requests_sent) == (0, Cause.FINAL, 1)


def test_plain_http_on_a_tls_port_says_what_to_do(stub: Stub, transport: Transport) -> None:
    stub.answers(Reply(400, b"Client sent an HTTP request to an HTTPS server.\n"))

    answer = transport.send(READ)

    assert answer.status == 0
    assert f"use {stub.address.replace('http:', 'https:')}" in answer.fault


def test_any_other_400_is_an_answer(stub: Stub, transport: Transport) -> None:
    stub.answers(Reply(400, as_json({"errors": ["no such mount"]})))

    answer = transport.send(READ)

    assert (answer.status, answer.errors, answer.fault, len(stub.asked)) == (400, ("no such mount",), "", 1)


def test_an_unknown_host_is_retried_and_named(make: Callable[..., Transport]) -> None:
    transport = make(address="http://no-such-host.invalid:8200", max_retries=1)

    answer = transport.send(READ)

    assert "http://no-such-host.invalid:8200: unknown host" in answer.fault
    assert transport.requests_sent == 2


def test_an_answer_that_is_too_large_is_refused(
    stub: Stub, make: Callable[..., Transport], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(curl, "LARGEST_BODY", 1000)
    stub.answers(Reply(200, b" " * 1001))

    answer = make().send(READ)

    assert "the answer is larger than" in answer.fault
    assert (answer.status, answer.body, len(stub.asked)) == (0, b"", 1)


def test_a_slow_answer_is_a_fault_after_the_timeout(stub: Stub, make: Callable[..., Transport]) -> None:
    gate = threading.Event()
    stub.reply = lambda _: Reply() if gate.wait(30) else Reply(500)

    answer = make(timeout=0.2, max_retries=0).send(READ)
    gate.set()

    assert (answer.status, answer.cause) == (0, Cause.LOST)
    assert "no answer in time" in answer.fault


def test_the_token_is_in_no_text(make: Callable[..., Transport]) -> None:
    transport = make(address=free_address(), max_retries=0)

    answer = transport.send(ONCE)

    parcel = transport._wire.parcel(WRITE)
    texts = [
        repr(parcel),
        repr(answer),
        answer.fault,
        repr(transport),
        repr(transport.token),
        str(vars(transport._wire)["_token"]),
    ]
    assert TOKEN not in " ".join(texts)


# --- redirects


def test_a_standby_redirect_is_followed_with_token_and_body(stub: Stub, transport: Transport) -> None:
    with running() as leader:
        stub.reply = lambda asked: Reply(307, b"", {"Location": leader.address + asked.target})

        answer = transport.send(Request("POST", "a/b c", {"x": 1}))

        asked = leader.asked[0]
        assert answer.ok
        assert (asked.method, asked.target, asked.body) == ("POST", "/v1/a/b%20c", b'{"x": 1}')
        assert asked.headers["x-vault-token"] == TOKEN


@pytest.mark.parametrize(
    ("status", "location", "reason"),
    [
        (307, "https://other:8200/v1/sys/mounts", "does not follow from http to https"),
        (307, "ftp://other/v1/sys/mounts", "does not follow from http to ftp"),
        (308, "http://127.0.0.1:1/v1/sys/auth", "another object's path"),
        (302, "http://127.0.0.1:1/v1/sys/mounts", "only 307 and 308 are followed"),
        (307, "/v1/sys/mounts", "no absolute address"),
        (307, "", "no absolute address"),
        (307, "http://[bad/v1/sys/mounts", "no absolute address"),
        (307, "http://user:pw@127.0.0.1:1/v1/sys/mounts", "no absolute address"),
    ],
)
def test_a_redirect_that_the_token_must_not_follow_is_a_fault(
    stub: Stub, transport: Transport, status: int, location: str, reason: str
) -> None:
    stub.answers(Reply(status, b"", {"Location": location}))

    answer = transport.send(READ)

    assert reason in answer.fault
    assert "pw" not in answer.fault
    assert (answer.status, answer.cause, len(stub.asked)) == (0, Cause.FINAL, 1)


def test_a_retry_after_a_redirect_starts_at_the_given_address(stub: Stub, make: Callable[..., Transport]) -> None:
    gone = free_address()
    stub.answers(Reply(307, b"", {"Location": f"{gone}/v1/sys/mounts"}), Reply())

    transport = make(max_retries=1)
    answer = transport.send(READ)

    assert answer.ok
    assert (len(stub.asked), transport.requests_sent) == (2, 3)


def test_redirects_in_a_circle_end(stub: Stub, transport: Transport) -> None:
    stub.reply = lambda asked: Reply(307, b"", {"Location": stub.address + asked.target})

    answer = transport.send(READ)

    assert "more than 3 redirects" in answer.fault
    assert len(stub.asked) == 4


# --- clusters


def index(cluster: str, value: int) -> dict[str, str]:
    return {"X-Vault-Index": base64.b64encode(as_json({"cluster": cluster, "value": str(value)})).decode()}


def sent_index(asked: Asked) -> dict[str, str] | None:
    text = asked.headers.get("x-vault-index")
    return None if text is None else json.loads(base64.b64decode(text))


def test_once_an_index_came_every_request_goes_to_the_active_node(stub: Stub, transport: Transport) -> None:
    stub.answers(Reply(headers=index("c1", 7)))

    transport.run([asking(READ, READ, Request("LIST", "a"), WRITE)])

    first, second, third, write = stub.asked
    assert sent_index(first) is None
    assert [sent_index(asked) for asked in (second, third, write)] == [{"cluster": "c1", "value": str(10**15)}] * 3
    assert {asked.headers["x-vault-inconsistent"] for asked in (second, third, write)} == {"forward-active-node"}


def test_a_server_without_an_index_never_sees_one(stub: Stub, transport: Transport) -> None:
    transport.run([asking(READ, READ)])

    assert all("x-vault-inconsistent" not in asked.headers for asked in stub.asked)


@pytest.mark.parametrize("value", ["%%%", base64.b64encode(b"[]").decode(), base64.b64encode(b"{}").decode(), "é"])
def test_an_index_that_cannot_be_read_is_not_sent_back(stub: Stub, transport: Transport, value: str) -> None:
    stub.answers(Reply(headers={"X-Vault-Index": value}))

    transport.run([asking(READ, READ)])

    assert sent_index(stub.asked[1]) is None


# --- many tasks


def test_results_come_in_the_order_of_the_tasks(stub: Stub, make: Callable[..., Transport]) -> None:
    stub.reply = lambda asked: Reply(200, as_json({"data": {"target": asked.target}}))

    def task(number: int) -> Task[tuple[int, str]]:
        answer = yield Request("GET", f"a/{number}")
        assert answer.data is not None
        return number, answer.data["target"]

    results = make().run(task(number) for number in range(200))

    assert results == [(number, f"/v1/a/{number}") for number in range(200)]


def test_tasks_that_ask_nothing_are_finished_too(stub: Stub, transport: Transport) -> None:
    results = transport.run([asking(), asking(READ), asking()])

    assert results == [[], [200], []]
    assert transport.run([]) == []


def test_no_more_requests_are_under_way_than_allowed(stub: Stub, make: Callable[..., Transport]) -> None:
    under_way = [0, 0]

    def reply(_: Asked) -> Reply:
        with stub.lock:
            under_way[0] += 1
            under_way[1] = max(under_way)
        time.sleep(0.005)
        with stub.lock:
            under_way[0] -= 1
        return Reply()

    stub.reply = reply

    make(concurrency=3).run(asking(READ) for _ in range(60))

    assert 1 < under_way[1] <= 3


def test_tasks_are_started_only_when_there_is_room(stub: Stub, make: Callable[..., Transport]) -> None:
    started = []

    def tasks() -> Iterator[Task[list[int]]]:
        for number in range(50):
            started.append((number, len(stub.asked)))
            yield asking(READ)

    make(concurrency=2).run(tasks())

    assert all(number - asked <= 2 for number, asked in started)


def test_done_hands_over_the_tasks_that_became_possible(stub: Stub, transport: Transport) -> None:
    after = {"mount": ["config", "role"], "config": ["login"], "role": [], "login": []}
    ended: list[str] = []

    def task(name: str) -> tuple[str, Task[list[int]]]:
        return name, asking(Request("POST", name, {}))

    def done(name: str, result: list[int]) -> list[tuple[str, Task[list[int]]]]:
        assert result == [200]
        ended.append(name)
        return [task(following) for following in after[name]]

    transport.drive([task("mount")], done)

    assert sorted(ended) == sorted(after)
    assert ended.index("mount") == 0
    assert ended.index("config") < ended.index("login")


def test_after_stop_started_tasks_end_and_no_other_begins(stub: Stub, make: Callable[..., Transport]) -> None:
    transport = make(concurrency=2)
    ended: dict[int, list[int]] = {}

    def done(key: int, result: list[int]) -> list[tuple[int, Task[list[int]]]]:
        ended[key] = result
        transport.stop()
        return [(key + 100, asking(READ))]

    transport.drive(((key, asking(READ, READ, READ)) for key in range(20)), done)

    assert 0 < len(ended) <= 3
    assert all(result == [200, 200, 200] for result in ended.values())
    assert transport.send(READ).ok


def test_an_exception_of_a_task_ends_the_run_and_closes_the_others(stub: Stub, transport: Transport) -> None:
    closed = []

    def patient(name: str) -> Task[None]:
        try:
            while True:
                yield READ
        finally:
            closed.append(name)

    def broken() -> Task[None]:
        yield READ
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        transport.run([patient("a"), patient("b"), broken()])

    assert sorted(closed) == ["a", "b"]
    assert transport.send(READ).ok


def test_a_task_may_deal_with_a_refused_request_itself(stub: Stub, transport: Transport) -> None:
    def careful() -> Task[int]:
        try:
            yield Request("GET", "a/../b")
        except ValueError:
            answer = yield READ
            return answer.status
        return 0

    assert transport.run([careful()]) == [200]


def test_a_task_may_send_on_its_own(stub: Stub, transport: Transport) -> None:
    def nested() -> Task[tuple[int, int]]:
        outer = yield READ
        return outer.status, transport.send(READ).status

    assert transport.run([nested(), nested()]) == [(200, 200)] * 2


def test_another_thread_may_send_while_tasks_are_driven(stub: Stub, transport: Transport) -> None:
    others: list[int] = []
    thread = threading.Thread(target=lambda: others.extend(transport.send(READ).status for _ in range(50)))

    thread.start()
    results = transport.run(asking(READ, READ) for _ in range(50))
    thread.join()

    assert others == [200] * 50
    assert results == [[200, 200]] * 50


def test_ctrl_c_leaves_a_transport_that_can_be_used(stub: Stub, transport: Transport) -> None:
    gate = threading.Event()
    stub.reply = lambda asked: Reply() if asked.nth > 12 or gate.wait(30) else Reply(500)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with pytest.raises(KeyboardInterrupt):
            transport.run(asking(READ) for _ in range(100))
    finally:
        signal.signal(signal.SIGALRM, before)
        gate.set()

    assert transport.send(READ).ok
    transport.close()


def test_a_signal_handler_that_returns_does_not_disturb(stub: Stub, transport: Transport) -> None:
    stub.reply = lambda _: time.sleep(0.3) or Reply()
    before = signal.signal(signal.SIGALRM, lambda *_: transport.stop())
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        results = transport.run([asking(READ), asking(READ)])
    finally:
        signal.signal(signal.SIGALRM, before)

    assert results == [[200], [200]]


def test_a_closed_transport_opens_new_connections(stub: Stub, transport: Transport) -> None:
    with transport:
        transport.send(READ)
    transport.send(READ)

    assert stub.connections == 2


# --- how it reaches the server


def test_a_proxy_is_asked_where_one_is_given(stub: Stub, make: Callable[..., Transport]) -> None:
    transport = make(address="http://vault.invalid:8200", proxy=stub.address.replace("http://", "http://me:pw@"))

    answer = transport.send(READ)

    assert answer.ok
    assert stub.targets == ["http://vault.invalid:8200/v1/sys/mounts"]


def test_a_proxy_that_refuses_the_tunnel_is_named(stub: Stub, make: Callable[..., Transport]) -> None:
    stub.reply = lambda _: Reply(407, b"")
    transport = make(address="https://vault.invalid:8200", proxy=stub.address.replace("http://", "http://me:pw@"))

    answer = transport.send(READ)

    assert "the proxy refuses the connection: see VAULT_PROXY_ADDR" in answer.fault
    assert "pw" not in answer.fault + repr(Connection(proxy="http://me:pw@proxy"))
    assert (answer.cause, transport.requests_sent) == (Cause.FINAL, 1)


def test_the_proxy_variables_do_not_concern_the_loopback(
    stub: Stub, make: Callable[..., Transport], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, free_address())

    assert make(max_retries=0).send(READ).ok


def test_the_proxy_variables_concern_other_hosts(
    stub: Stub, make: Callable[..., Transport], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", stub.address)

    assert make(address="http://vault.invalid").send(READ).ok
    assert stub.targets == ["http://vault.invalid/v1/sys/mounts"]


def test_a_prefix_of_the_address_is_kept(stub: Stub, make: Callable[..., Transport]) -> None:
    make(address=f"{stub.address}/vault").send(READ)

    assert stub.targets == ["/vault/v1/sys/mounts"]


def test_a_server_name_takes_the_place_of_the_host_and_leads_to_it() -> None:
    found = curl.site("https://10.0.0.1:8200/vault", "vault.internal")

    assert found.base == b"https://vault.internal:8200/vault"
    assert found.connect_to == b"vault.internal:8200:10.0.0.1:8200"
    assert found.host == b"Host: 10.0.0.1:8200"
    assert found.origin == "https://10.0.0.1:8200"
    assert curl.site("https://[::1]", "v").connect_to == b"v:443:[::1]:443"
    assert curl.site("http://10.0.0.1", "vault.internal").base == b"http://10.0.0.1"


def test_the_systems_store_is_the_first_that_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = tmp_path / "store.pem"
    store.write_text("")
    nowhere = ssl.DefaultVerifyPaths(None, None, "", "", "", "")
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: nowhere)

    assert curl.system_store([str(tmp_path / "none.pem"), str(store)]) == str(store)


def test_without_a_store_a_bundle_that_happens_to_be_there_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = ssl.DefaultVerifyPaths(None, None, "", "", "", "")
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: nowhere)
    monkeypatch.setitem(sys.modules, "certifi", SimpleNamespace(where=lambda: "/bundle.pem", __spec__=object()))
    assert curl.system_store([]) == "/bundle.pem"

    monkeypatch.setattr(curl, "find_spec", lambda _: None)
    assert curl.system_store([]) == ""


# --- pace


def test_the_rate_limit_holds_over_all_requests(stub: Stub, make: Callable[..., Transport]) -> None:
    began = time.monotonic()

    make(rate_limit=(20.0, 2)).run(asking(READ) for _ in range(6))

    assert len(stub.asked) == 6
    assert time.monotonic() - began > 0.19


def test_a_bucket_gives_its_burst_at_once_and_then_its_rate() -> None:
    bucket = Bucket(10.0, 3)

    burst = [bucket.wait(100.0) for _ in range(4)]

    assert burst[:3] == [0.0, 0.0, 0.0]
    assert burst[3] == pytest.approx(0.1)
    assert bucket.wait(100.11) == 0.0


def test_a_window_opens_while_latency_holds() -> None:
    window = Window()

    for _ in range(100):
        window.answered(0.020)

    assert window.size == 64


def test_a_window_stays_narrow_when_requests_queue() -> None:
    window = Window()

    for _ in range(1000):
        window.answered(window.size * 0.0002)

    assert 12 <= window.size < 48


def test_a_window_halves_once_a_round_trip_when_the_server_is_overrun() -> None:
    window = Window()

    sizes = []
    for now in (1.0, 1.001, 2.0, 3.0, 4.0, 5.0):
        window.overrun(now)
        sizes.append(window.size)

    assert sizes == [6, 6, 3, 1, 1, 1]
    for _ in range(200):
        window.answered(0.01)
    assert window.size > 12


def test_a_window_is_never_wider_than_the_user_says() -> None:
    window = Window(2)

    for _ in range(100):
        window.answered(0.001)

    assert window.size == 2


# --- values


def test_an_answer_tells_data_errors_warnings_and_id() -> None:
    body = as_json({"data": {"a": 1}, "errors": ["e"], "warnings": ["w"], "request_id": "r"})

    answer = Answer(200, body, {"x": "y"})

    assert (answer.data, answer.errors, answer.warnings, answer.request_id) == ({"a": 1}, ("e",), ("w",), "r")
    assert repr(answer) == "Answer(200)"


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"{bad", b"\xff", b"[" * 100_000, b'{"data": null, "errors": null}']
)
def test_an_answer_without_an_object_has_no_data(body: bytes) -> None:
    answer = Answer(200, body)

    assert (answer.data, answer.errors, answer.warnings, answer.request_id) == (None, (), (), "")


def test_header_lines_are_read_without_case_and_without_a_proxys() -> None:
    lines = b"HTTP/1.1 200 Connection established\r\nRetry-After: 9\r\n\r\nHTTP/1.1 429 x\r\nX-Vault-INDEX: a=\r\n\r\n"

    headers = HeaderLines(lines)

    assert dict(headers) == {"x-vault-index": "a="}
    assert (len(headers), headers.raw_value(b"X-Vault-Index"), headers.raw_value(b"none")) == (1, b"a=", b"")


@pytest.mark.parametrize(
    ("given", "clean"),
    [
        ("https://vault.example.com:8200", "https://vault.example.com:8200"),
        (" http://vault/ ", "http://vault"),
        ("HTTPS://[::1]:8200/v1/", "https://[::1]:8200"),
        ("https://proxy/vault/v1", "https://proxy/vault"),
    ],
)
def test_an_address_is_cleaned(given: str, clean: str) -> None:
    assert clean_address(given) == clean


@pytest.mark.parametrize(
    "given",
    [
        "",
        "vault:8200",
        "ftp://vault",
        "unix:///run/vault",
        "https://me:pw@vault",
        "https://vault:port",
        "https://v?x=1",
        "https://v w",
    ],
)
def test_an_address_that_is_none_is_refused_without_being_quoted(given: str) -> None:
    with pytest.raises(ValueError) as caught:
        clean_address(given)

    assert "pw" not in str(caught.value)


def test_a_secret_has_no_text_form() -> None:
    secret = Secret("hidden-text")

    assert {str(secret), repr(secret), f"{secret}", f"{secret!r}"} == {"***"}
    assert f"{secret:>5}" == "  ***"
    assert secret.reveal() == "hidden-text"


def test_a_secret_can_be_neither_saved_nor_changed() -> None:
    secret = Secret("hidden-text")

    for attempt in (
        lambda: pickle.dumps(secret),
        lambda: json.dumps(secret),
        secret.__getstate__,
        lambda: setattr(secret, "_text", "x"),
        lambda: delattr(secret, "_text"),
    ):
        with pytest.raises((TypeError, AttributeError)) as caught:
            attempt()
        assert "hidden" not in str(caught.value)


def test_secrets_are_equal_by_value() -> None:
    assert Secret("a") == Secret("a") == copy.deepcopy(copy.copy(Secret("a")))
    assert Secret("a") not in {Secret("b"), "a"}
    assert not Secret("")


# --- a run that is interrupted in another thread ---------------------------------------------------------------


def test_a_thread_that_waits_for_an_answer_leaves_when_the_run_is_halted(
    make: Callable[..., Transport], stub: Stub
) -> None:
    asked, halted, released = threading.Event(), threading.Event(), threading.Event()

    def hang(_: Asked) -> Reply:
        asked.set()
        released.wait(60)
        return Reply()

    stub.reply = hang
    transport = make()
    transport.heed(halted.is_set)
    ended: list[object] = []
    thread = threading.Thread(target=lambda: ended.append(sent(transport, READ)))
    thread.start()
    asked.wait(60)
    halted.set()
    thread.join(30)
    released.set()

    assert ended == ["interrupted"]


def test_the_answer_to_a_login_is_waited_for_and_nothing_is_asked_after_it(
    make: Callable[..., Transport], stub: Stub
) -> None:
    halted = threading.Event()

    def slow(_: Asked) -> Reply:
        halted.set()
        time.sleep(0.2)
        return Reply(200, as_json({"auth": {"client_token": "t"}}))

    stub.reply = slow
    transport = make(read_only=True)
    transport.heed(halted.is_set)

    login = sent(transport, Request("POST", "auth/approle/login", {}))

    assert isinstance(login, Answer)
    assert login.json["auth"] == {"client_token": "t"}
    assert sent(transport, READ) == "interrupted"
    assert stub.targets == ["/v1/auth/approle/login"]


def sent(transport: Transport, request: Request) -> object:
    try:
        return transport.send(request)
    except KeyboardInterrupt:
        return "interrupted"
