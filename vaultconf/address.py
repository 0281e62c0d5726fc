"""Addresses (the API path that writes an object) and the patterns that select them."""

from __future__ import annotations

import re
from dataclasses import dataclass


def join(*segments: str) -> str:
    """Join path segments, leaving out empty ones."""
    return "/".join(segment for segment in segments if segment)


def unsafe_segment(path: str) -> str | None:
    """Say why `path` must not be sent to a server, or None where it may.

    Servers clean `..` and `//` away before they route (seen on Vault 1.19, 2.1 and OpenBao 2.7), so that a
    name with them would reach another object.
    """
    if any(ord(char) < 32 or ord(char) == 127 for char in path):
        return "has control characters"
    segments = path.split("/")
    if any(segment == "" for segment in segments):
        return "has an empty segment: no `/` at either end, no `//`"
    if any(segment == "." or ".." in segment for segment in segments):
        return "has `.` or `..` in it, which servers resolve to another path"
    return None


@dataclass(frozen=True, slots=True)
class Pattern:
    """A Vault path pattern: `+` is exactly one segment, a final `*` is any rest."""

    text: str

    @classmethod
    def parse(cls, text: str) -> Pattern:
        """Raise ValueError, with a message for people, where `text` is not a pattern."""
        if not text or text.startswith("/") or "//" in text:
            raise ValueError("a pattern is a path like `auth/+/role/payments-*`, with no `/` in front")
        if "*" in text[:-1]:
            raise ValueError("`*` may only stand at the end of a pattern; `+` stands for one segment")
        if any("+" in segment and segment not in ("+", "+*") for segment in text.split("/")):
            raise ValueError("`+` stands for a whole segment")
        if text.endswith("+*"):
            raise ValueError("`+*` is not a pattern; write `*`")
        return cls(text)

    def matches(self, address: str) -> bool:
        """Whether the pattern covers `address`."""
        return _compiled(self.text).fullmatch(address) is not None

    def reaches(self, namespace: str, address: str) -> bool:
        """As `matches`, for prune: into a child namespace only if it is spelled out or begins with `+/`."""
        if namespace and not (self.text.startswith((f"{namespace}/", "+/"))):
            return False
        return self.matches(address)


def _compiled(text: str) -> re.Pattern[str]:
    prefix = text.endswith("*")
    body = text[:-1] if prefix else text
    expression = "/".join("[^/]+" if segment == "+" else re.escape(segment) for segment in body.split("/"))
    return re.compile(expression + (".*" if prefix else ""), re.DOTALL)
