"""Addresses (the API path that writes an object) and the patterns that select them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
#: What no namespace may be called (seen on OpenBao 2.7).
RESERVED_NAMESPACES = frozenset({"root", "sys", "auth", "audit", "cubbyhole", "identity"})


def join(*segments: str) -> str:
    """Join path segments, leaving out empty ones."""
    return "/".join(segment for segment in segments if segment)


def unsafe_segment(path: str) -> str | None:
    """Say why `path` must not be sent to a server, or None where it may.

    Servers clean `..` and `//` away before they route (seen on Vault 1.19, 2.1 and OpenBao 2.7), so that a
    name with them would reach another object.
    """
    if _CONTROL.search(path):
        return "has control characters"
    if not path.isascii() and not _is_unicode(path):
        return "has bytes that are no UTF-8"
    if not path or path[0] == "/" or path[-1] == "/" or "//" in path:
        return "has an empty segment: no `/` at either end, no `//`"
    if ".." in path or (path[0] == "." and "." in path.split("/")) or "/./" in path or path.endswith("/."):
        return "has `.` or `..` in it, which servers resolve to another path"
    return None


def _is_unicode(path: str) -> bool:
    """The name of a file that is no UTF-8 reaches us with surrogates in it."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def bad_namespace(path: str) -> str | None:
    """Say why no namespace can have this path, or None where one may (seen on OpenBao 2.7)."""
    if (reason := unsafe_segment(path)) is not None:
        return reason
    if any(char.isspace() or char in "+*" for char in path):
        return "has white space, `+` or `*` in it, which no namespace may have"
    reserved = next((segment for segment in path.split("/") if segment in RESERVED_NAMESPACES), None)
    return f"has the segment `{reserved}`, which is reserved" if reserved else None


@dataclass(frozen=True, slots=True)
class Pattern:
    """A Vault path pattern: `+` is exactly one segment, a final `*` is any rest."""

    text: str

    @classmethod
    def parse(cls, text: str) -> Pattern:
        """Raise ValueError, with a message for people, where `text` is not a pattern."""
        if not text or text.startswith("/") or "//" in text or text.endswith("/"):
            raise ValueError("a pattern is a path like `auth/+/role/payments-*`, with no `/` at either end")
        if _CONTROL.search(text) or "${" in text:
            raise ValueError("a pattern is plain text: no control characters, no references")
        if "*" in text[:-1]:
            raise ValueError("`*` may only stand at the end of a pattern; `+` stands for one segment")
        if text.endswith("+*"):
            raise ValueError("`+*` is not a pattern; write `*`")
        if any("+" in segment and segment != "+" for segment in text.split("/")):
            raise ValueError("`+` stands for a whole segment")
        return cls(text)

    def matches(self, address: str) -> bool:
        """Whether the pattern covers `address`."""
        return _compiled(self.text).fullmatch(address) is not None

    def reaches(self, namespace: str, address: str) -> bool:
        """As `matches`, for prune: into a child namespace only if it is spelled out or begins with `+/`."""
        if namespace and not (self.text.startswith((f"{namespace}/", "+/"))):
            return False
        return self.matches(address)


def covered(patterns: Iterable[Pattern], address: object) -> bool:
    """Whether any of the patterns covers an address, or the text of one."""
    text = str(address)
    return any(pattern.matches(text) for pattern in patterns)


@cache
def _compiled(text: str) -> re.Pattern[str]:
    prefix = text.endswith("*")
    body = text[:-1] if prefix else text
    expression = "/".join("[^/]+" if segment == "+" else re.escape(segment) for segment in body.split("/"))
    return re.compile(expression + (".*" if prefix else ""), re.DOTALL)
