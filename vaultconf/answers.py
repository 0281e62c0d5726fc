"""What an answer says about an object: there, absent, or unknown. Never one taken for the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vaultconf.http import Answer
from vaultconf.kind import Kind
from vaultconf.model import Live, Server, Unreadable

_MISSING = 404
# One of these is in every JSON answer of a Vault or OpenBao.
_OWN = frozenset({"errors", "data", "request_id"})
_NAMES = {
    0: "no answer",
    403: "permission denied",
    429: "too many requests",
    502: "bad gateway",
    503: "sealed or unavailable",
    504: "gateway timeout",
}


def is_absent(kind: Kind, answer: Answer) -> bool:
    """Whether the answer is how this kind says that the object is not there.

    A bare 404 of the server's own is; one with a text is a missing mount, namespace or feature, unless the kind
    knows the text. A success tells of absence only where it says `"data": null`, and no control group holds the
    answer back.
    """
    if answer.ok and (answer.json.get("data", "") is not None or answer.json.get("wrap_info") is not None):
        return False
    text, bare = " ".join(answer.errors), is_bare(answer)
    return any(answer.status == status and (words in text if words else bare) for status, words in kind.absent)


def is_bare(answer: Answer) -> bool:
    """Whether the server itself gives no reason. All of them send `{"errors": []}` then (2.7.2, Vault 2.1, 1.19).

    A balancer that knows no way to the server answers 404 too, and so does a broken proxy, with other bodies.
    """
    return not answer.errors and not _OWN.isdisjoint(answer.json)


def read_object(kind: Kind, answer: Answer, server: Server) -> Live | Unreadable | None:
    """Judge the answer to a read of one object; None is absence."""
    data = answer.data if answer.ok else None
    if data is not None:
        return live_from(kind, data, server)
    if is_absent(kind, answer):
        return None
    return unreadable(answer)


def live_from(kind: Kind, data: Mapping[str, Any], server: Server) -> Live | Unreadable:
    """Read the data of an answer; a shape that is not understood is unknown, like an answer that did not come."""
    try:
        return kind.live(data, server)
    except (ValueError, TypeError, AttributeError):
        return Unreadable(200, "the answer has a shape that this version does not know")


def unreadable(answer: Answer) -> Unreadable:
    """Why an answer tells nothing."""
    if answer.ok:
        wrapped = answer.json.get("wrap_info") is not None
        return Unreadable(answer.status, "a control group holds the answer back" if wrapped else "an empty answer")
    if answer.status == 0:
        return Unreadable(0, answer.fault)
    if is_namespace_missing(answer):
        return Unreadable(answer.status, NO_NAMESPACE)
    if answer.status == _MISSING and _OWN.isdisjoint(answer.json):
        return Unreadable(answer.status, "not the server's own 404: does a balancer or proxy answer in its place?")
    if answer.status == UNSUPPORTED:
        return Unreadable(answer.status, "this path can be written but not read, so nothing there can be compared")
    return Unreadable(answer.status, reason_of(answer))


#: What answers a method that a path does not have.
UNSUPPORTED = 405

#: Why nothing can be read in a namespace that does not exist.
NO_NAMESPACE = "there is no such namespace"


def is_namespace_missing(answer: Answer) -> bool:
    """Whether the namespace itself is not there: a 404 as of a missing object, told apart by its text (2.7.2)."""
    return answer.status == 404 and any("namespace not found" in text for text in answer.errors)


def reason_of(answer: Answer) -> str:
    """The server's reason on one line; its texts may echo what was sent, so mask them where something was."""
    texts = [" ".join(text.replace("1 error occurred:", "").replace("\n\t*", " ").split()) for text in answer.errors]
    return "; ".join(text for text in texts if text) or _NAMES.get(answer.status, f"status {answer.status}")


def listed(answer: Answer) -> list[str] | Unreadable:
    """The names in the answer to a LIST; a bare 404 is an empty collection."""
    data = answer.data if answer.ok else None
    if data is not None:
        keys = data.get("keys")
        if keys is None:
            return []
        return list(map(str, keys)) if isinstance(keys, list) else Unreadable(200, "the answer holds no list of names")
    if answer.status == _MISSING and is_bare(answer):
        return []
    return unreadable(answer)
