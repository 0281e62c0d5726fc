"""When a request is sent again: decisions without a network."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vaultconf.http import Answer, Cause, Request
from vaultconf.retry import History, Limits, may_be_done, pause, transient

READ = Request("GET", "sys/mounts")
WRITE = Request("POST", "sys/mounts/kv", {})
ONCE = replace(WRITE, repeatable=False)
FIRST = History(ever_answered=False, at_first_contact=True)
LOST = Answer(0, fault="lost", cause=Cause.LOST)
REFUSED = Answer(0, fault="refused", cause=Cause.NOT_SENT)
SEALED = b'{"errors":["Vault is sealed"]}'
LEADERLESS = b'{"errors":["local node not active but active cluster node not found"]}\n'
LOCKED = b'{"errors":["API access to this namespace has been locked by an administrator"]}'


def decide(
    request: Request = READ,
    answer: Answer = LOST,
    history: History = History(),  # noqa: B008 - a frozen value
    limits: Limits = Limits(),  # noqa: B008 - a frozen value
    chance: float = 0.5,
) -> float | None:
    return pause(request, answer, history, limits, chance)


@pytest.mark.parametrize("request_", [READ, WRITE])
@pytest.mark.parametrize("answer", [*map(Answer, (412, 429, 502, 503, 504)), LOST, REFUSED])
def test_what_passes_by_itself_is_tried_again(request_: Request, answer: Answer) -> None:
    wait = decide(request_, answer)

    assert wait is not None
    assert 0 < wait <= 3
    assert transient(answer)


@pytest.mark.parametrize("status", [200, 204, 400, 403, 404, 405, 413, 422, 472, 473, 501])
def test_an_answer_about_the_request_itself_is_final(status: int) -> None:
    assert decide(READ, Answer(status)) is None
    assert not transient(Answer(status))


@pytest.mark.parametrize("request_", [READ, WRITE, ONCE])
def test_an_election_is_waited_for_whatever_was_asked(request_: Request) -> None:
    answer = Answer(500, LEADERLESS)

    assert decide(request_, answer, History(attempt=9)) is not None
    assert transient(answer)
    assert not transient(Answer(500))


def test_a_fault_that_asking_again_cannot_mend_is_final() -> None:
    assert decide(READ, Answer(0, fault="certificate", cause=Cause.FINAL)) is None


@pytest.mark.parametrize(("attempt", "again"), [(1, True), (2, True), (3, False)])
def test_a_500_is_tried_again_twice_for_reads_and_never_for_writes(attempt: int, *, again: bool) -> None:
    history = History(attempt=attempt)

    assert (decide(READ, Answer(500), history) is not None) is again
    assert (decide(Request("LIST", "a"), Answer(500), history) is not None) is again
    assert decide(WRITE, Answer(500), history) is None


@pytest.mark.parametrize("answer", [Answer(500), Answer(502), Answer(503), LOST])
def test_what_is_not_repeatable_is_final_once_it_may_have_arrived(answer: Answer) -> None:
    assert decide(ONCE, answer) is None


@pytest.mark.parametrize("answer", [REFUSED, Answer(412), Answer(429), Answer(500, LEADERLESS)])
def test_what_is_not_repeatable_is_tried_again_when_nothing_was_begun(answer: Answer) -> None:
    assert decide(ONCE, answer) is not None


def test_a_limit_on_the_rate_is_waited_for_as_long_as_the_server_serves_anything() -> None:
    refused = Answer(429)

    assert decide(WRITE, refused, History(attempt=500, elapsed=4000, slowdowns=1)) == pytest.approx(0.075)
    assert decide(WRITE, refused, History(unserved=299.0, slowdowns=60)) == pytest.approx(1.0)
    assert decide(WRITE, refused, History(unserved=300.0)) is None
    assert decide(WRITE, refused, History(attempt=3), Limits(retries=2)) is None


def test_a_limit_at_first_contact_has_the_patience_of_any_fault() -> None:
    assert decide(READ, Answer(429), History(elapsed=30.0, at_first_contact=True)) is None


@pytest.mark.parametrize("answer", [LOST, Answer(503, SEALED), *map(Answer, (500, 502, 503, 504))])
def test_a_write_may_have_been_carried_out_though_no_success_was_heard_of(answer: Answer) -> None:
    assert may_be_done(WRITE, answer)
    assert not may_be_done(READ, answer)


@pytest.mark.parametrize("answer", [REFUSED, *map(Answer, (400, 403, 412, 429)), Answer(500, LEADERLESS)])
def test_what_was_refused_before_it_began_was_not_carried_out(answer: Answer) -> None:
    assert not may_be_done(WRITE, answer)


@pytest.mark.parametrize("body", [SEALED, b'{"initialized":true, "sealed": true}'])
def test_sealed_is_final_at_first_contact_only(body: bytes) -> None:
    assert decide(READ, Answer(503, body), FIRST) is None
    assert decide(READ, Answer(503, body), History()) is not None
    assert decide(READ, Answer(503, b""), FIRST) is not None


@pytest.mark.parametrize("request_", [READ, WRITE])
def test_a_locked_namespace_is_final_and_says_nothing_about_the_rest_of_the_server(request_: Request) -> None:
    answer = Answer(503, LOCKED)

    assert decide(request_, answer) is None
    assert not transient(answer)
    assert not may_be_done(request_, answer)


@pytest.mark.parametrize("status", [429, 503])
def test_the_status_of_sys_health_is_its_answer(status: int) -> None:
    health = Request("GET", "sys/health")

    assert decide(health, Answer(status, b'{"initialized": true, "standby": true}')) is None
    assert decide(health, Answer(status, b"")) is not None


@pytest.mark.parametrize(
    ("answered", "elapsed", "again"),
    [(True, 29.9, True), (True, 30.0, False), (False, 9.9, True), (False, 10.0, False)],
)
def test_the_budget_is_shorter_while_nobody_has_answered(answered: bool, elapsed: float, again: bool) -> None:
    history = History(elapsed=elapsed, ever_answered=answered)

    assert (decide(history=history) is not None) is again


@pytest.mark.parametrize(
    ("retries", "attempt", "again"), [(0, 1, False), (2, 2, True), (2, 3, False), (None, 99, True)]
)
def test_the_user_bounds_the_number_of_retries(retries: int | None, attempt: int, again: bool) -> None:
    wait = decide(history=History(attempt=attempt), limits=Limits(retries=retries))

    assert (wait is not None) is again


def test_pauses_grow_from_a_tenth_of_a_second_to_three_seconds() -> None:
    pauses = [decide(history=History(attempt=attempt), chance=1.0) for attempt in (1, 2, 3, 6, 50, 5000)]

    assert pauses == pytest.approx([0.1, 0.2, 0.4, 3.0, 3.0, 3.0])


def test_pauses_of_many_clients_are_spread() -> None:
    assert decide(chance=0.0) == pytest.approx(0.05)
    assert decide(chance=0.999) == pytest.approx(0.1, rel=0.01)


@pytest.mark.parametrize(
    ("header", "wait"),
    [("7", 7.0), ("0", 0.075), ("", 0.075), ("soon", 0.075), ("-1", 0.075), ("²", 0.075), ("900", 300.0)],
)
def test_retry_after_is_honoured_within_the_budget_and_0_is_none(header: str, wait: float) -> None:
    answer = Answer(429, headers={"retry-after": header})

    assert decide(READ, answer) == pytest.approx(wait)


def test_the_last_pause_ends_with_the_budget() -> None:
    assert decide(history=History(attempt=9, elapsed=29.5)) == pytest.approx(0.5)
