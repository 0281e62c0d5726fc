"""What an answer says about an object: there, absent, or unknown. Never one taken for the other."""

from __future__ import annotations

from pydantic import ValidationError

from vaultconf.http import Answer
from vaultconf.kind import Kind
from vaultconf.model import Live, Server, Unreadable

_NAMES = {0: "no answer", 403: "permission denied", 429: "too many requests", 503: "sealed or unavailable"}


def is_absent(kind: Kind, answer: Answer) -> bool:
    """Whether the answer is how this kind says that the object is not there.

    A bare 404 is; one with a text is a missing mount, namespace or feature, unless the kind knows the text.
    """
    text = " ".join(answer.errors)
    return any(answer.status == status and (words in text if words else not text) for status, words in kind.absent)


def read_object(kind: Kind, answer: Answer, server: Server) -> Live | Unreadable | None:
    """Judge the answer to a read of one object; None is absence."""
    if answer.ok and answer.data is not None:
        try:
            return kind.live(answer.data, server)
        except ValidationError:
            return Unreadable(answer.status, "the answer has a shape that this version does not know")
    if is_absent(kind, answer):
        return None
    return unreadable(answer)


def unreadable(answer: Answer) -> Unreadable:
    """Why an answer tells nothing."""
    if answer.ok:
        wrapped = "wrap_info" in answer.json and answer.json["wrap_info"] is not None
        return Unreadable(answer.status, "a control group holds the answer back" if wrapped else "an empty answer")
    if answer.status == 0:
        return Unreadable(0, answer.fault)
    return Unreadable(answer.status, reason_of(answer))


def reason_of(answer: Answer) -> str:
    """The server's reason on one line; its texts may echo what was sent, so mask them where something was."""
    texts = [" ".join(text.replace("1 error occurred:", "").replace("\n\t*", " ").split()) for text in answer.errors]
    return "; ".join(text for text in texts if text) or _NAMES.get(answer.status, f"status {answer.status}")


def listed(answer: Answer) -> list[str] | Unreadable:
    """The names in the answer to a LIST; a bare 404 is an empty collection."""
    if answer.ok and answer.data is not None:
        keys = answer.data.get("keys")
        return [str(key) for key in keys] if isinstance(keys, list) else []
    if answer.status == 404 and not answer.errors:
        return []
    return unreadable(answer)
