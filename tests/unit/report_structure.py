"""Reads Markdown as a forge does, to see whether data got out of its code spans and fences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token

# Everything of HTML that the view writes, and every word that it writes outside of code.
_HTML = re.compile(r"<details><summary>[A-Za-z0-9 ,]+</summary>|</details>")
_OURS = re.compile(r"[A-Za-z0-9 .,:;·+~±→↻_-]*")
_LIVE = {"link_open", "image", "html_inline", "hr", "blockquote_open", "code_block"}


def tokens(text: str) -> list[Token]:
    return MarkdownIt("commonmark", {"html": True}).enable("table").parse(text)


def headings(text: str) -> list[str]:
    """The titles, all of which are of the same level."""
    found = tokens(text)
    assert {token.tag for token in found if token.type == "heading_open"} <= {"h3"}
    return [after.content for token, after in pairwise(found) if token.type == "heading_open"]


def structure_problems(text: str, parts: int = 1) -> list[str]:
    """Everything that would let data be more than data; empty for a good comment with so many headings."""
    found = tokens(text)
    titles = [] if len(headings(text)) == parts else [f"{len(headings(text))} headings"]
    open_fences = [token.content for token in found if token.type == "fence" and not _closed(token, text)]
    unbalanced = [] if text.count("\n</details>\n") == text.count("\n<details>") else ["details left open"]
    return [*titles, *_live(found), *open_fences, *unbalanced, *_command_lines(text)]


def _closed(token: Token, text: str) -> bool:
    assert token.map is not None
    return text.split("\n")[token.map[1] - 1].strip() == token.markup


def _live(found: list[Token]) -> Iterator[str]:
    for index, token in enumerate(found):
        if token.type == "html_block" and not _HTML.fullmatch(token.content.strip()):
            yield f"html: {token.content!r}"
        if token.type in _LIVE and index > 0:
            yield f"{token.type}: {token.content!r}"
        for child in token.children or ():
            if child.type in _LIVE or (child.type == "text" and not _OURS.fullmatch(child.content)):
                yield f"{child.type}: {child.content!r}"


def _command_lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.lstrip().startswith("::") or "##[" in line or "##vso[" in line]
