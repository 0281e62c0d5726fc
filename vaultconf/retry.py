"""Whether to ask again, and when: pure decisions."""

from __future__ import annotations

import re
from dataclasses import dataclass

from vaultconf.http import READS, Answer, Cause, Request

_TOO_MANY = 429
_AGAIN = frozenset({412, _TOO_MANY, 502, 503, 504})
# Refused before anything was done: a standby that is behind, and a limit on the rate of requests.
_NOT_BEGUN = frozenset({412, _TOO_MANY})
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 3.0
_TRIES_AFTER_500 = 2
_SEALED = re.compile(rb"Vault is sealed|OpenBao is sealed|\"sealed\":\s*true")
# A standby's, seen on OpenBao 2.7.2, Vault 2.1 and 1.19 during an election: it has passed nothing on to anybody.
_LEADERLESS = re.compile(rb"local node not active but active cluster node not found")
_LOCKED = re.compile(rb"API access to this namespace has been locked")


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how often to try; seconds. `retries` None: as often as the time allows.

    `slowed` is how long a limit on the rate of requests may keep the server from serving us at all.
    """

    retries: int | None = None
    budget: float = 30.0
    first_budget: float = 10.0
    slowed: float = 300.0


@dataclass(frozen=True, slots=True)
class History:
    """What has happened to one request so far.

    `attempt` counts the sendings, from 1; `elapsed` is in seconds since the first of them, or since the
    server stopped serving anybody, whichever is longer. `unserved` is in seconds since the server last served any
    request; `slowdowns` counts how often since then a limit on the rate made all requests wait.
    """

    attempt: int = 1
    elapsed: float = 0.0
    ever_answered: bool = True
    at_first_contact: bool = False
    unserved: float = 0.0
    slowdowns: int = 0


def slowed(request: Request, answer: Answer) -> bool:
    """Whether a limit on the rate of requests has refused this one: the server's quota, or a proxy's."""
    return answer.status == _TOO_MANY and not _tells_health(request, answer)


def may_be_done(request: Request, answer: Answer) -> bool:
    """Whether an answer that is no success leaves open that a write was carried out.

    A balancer's 502, 503 or 504 may follow a request that had arrived; so may what a server answers that is being
    sealed, or loses its leadership, just then.
    """
    if request.method in READS or _leaderless(answer) or _locked(answer):
        return False
    return answer.cause is Cause.LOST or answer.status >= 500


def transient(answer: Answer) -> bool:
    """Whether the answer says "not now" rather than anything about what was asked."""
    if _locked(answer):
        return False
    lost = answer.cause is Cause.LOST or answer.cause is Cause.NOT_SENT
    return lost or answer.status in _AGAIN or _leaderless(answer)


def _leaderless(answer: Answer) -> bool:
    """Whether a cluster is electing its active node: a matter of seconds."""
    return answer.status == 500 and _LEADERLESS.search(answer.body) is not None


def _locked(answer: Answer) -> bool:
    """Whether an administrator has locked the namespace: until it is unlocked, and others are served all the same."""
    return answer.status == 503 and _LOCKED.search(answer.body) is not None


def pause(request: Request, answer: Answer, history: History, limits: Limits, chance: float) -> float | None:
    """Return the seconds to wait before `request` is sent again; None where `answer` is final.

    `chance` in [0, 1) spreads the pauses of many clients.
    """
    if limits.retries is not None and history.attempt > limits.retries:
        return None
    if slowed(request, answer) and not history.at_first_contact:
        left, attempt = limits.slowed - history.unserved, history.slowdowns
    else:
        left, attempt = (limits.budget if history.ever_answered else limits.first_budget), history.attempt
        left -= history.elapsed
    if left <= 0 or not _may_help(request, answer, history) or not _is_safe(request, answer):
        return None
    return min(left, _asked(answer) or _own(attempt, chance))


def _may_help(request: Request, answer: Answer, history: History) -> bool:
    if answer.status == 500 and not _leaderless(answer):
        # Often the request's own fault, on every server; a dead storage backend answers so too, for a moment.
        return request.method in READS and history.attempt <= _TRIES_AFTER_500
    if not transient(answer) or _tells_health(request, answer):
        return False
    if answer.status == 503:
        return not (history.at_first_contact and _SEALED.search(answer.body))
    return True


def _tells_health(request: Request, answer: Answer) -> bool:
    """sys/health says "standby", "sealed" and the like by its status: that is the answer itself."""
    return request.path == "sys/health" and "initialized" in answer.json


def _is_safe(request: Request, answer: Answer) -> bool:
    never_begun = answer.cause is Cause.NOT_SENT or answer.status in _NOT_BEGUN or _leaderless(answer)
    return request.repeatable or never_begun


def _asked(answer: Answer) -> float:
    """Retry-After in seconds; 0 is sent by OpenBao 2.7 and Vault 1.19 and would make us spin."""
    text = answer.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() else 0.0


def _own(attempt: int, chance: float) -> float:
    longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(max(attempt, 1) - 1, 10))
    return longest * (0.5 + chance / 2)
