"""The code blocks of Markdown pages, for the tests that run or check what the documentation shows.

A block's first line says what it is: three backquotes, a language, and words. `file=PATH` names the file that the
block is; the other words are the tests' own (tests/unit/test_docs.py says which).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_BLOCK = re.compile(r"^```(?P<info>[^\n`]+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block: its language, the words after it, its text, and the line of the page where it begins."""

    page: str
    line: int
    language: str
    words: tuple[str, ...]
    text: str

    @property
    def file(self) -> str:
        """The file that the block is, "" for none."""
        return next((word.removeprefix("file=") for word in self.words if word.startswith("file=")), "")

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


@dataclass(frozen=True, slots=True)
class Command:
    """One `$` line of a console block and the output below it."""

    line: str
    output: str


def pages() -> list[Path]:
    """Every page of the documentation."""
    return [
        *(ROOT / name for name in ("README.md", "CHANGELOG.md", "SECURITY.md")),
        *sorted((ROOT / "docs").rglob("*.md")),
    ]


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    for found in _BLOCK.finditer(text):
        language, *words = found["info"].split()
        line = text.count("\n", 0, found.start()) + 1
        yield Block(str(page.relative_to(ROOT)), line, language, tuple(words), found["text"])


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return _BLOCK.sub("", page.read_text(encoding="utf-8"))


def commands(block: Block) -> Iterator[Command]:
    """The commands of a console block; a line that ends in a backslash goes on in the next."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        lines = part.split("\n")
        length = next(number for number, line in enumerate(lines, 1) if not line.endswith("\\"))
        yield Command("\n".join(lines[:length]), "\n".join(lines[length:]).rstrip("\n"))


def replace_blocks(page: Path, texts: Mapping[Block, str]) -> None:
    """Write a page with other texts in some of its blocks; the last comes first, so that lines stay true."""
    lines = page.read_text(encoding="utf-8").split("\n")
    for block, text in sorted(texts.items(), key=lambda item: -item[0].line):
        lines[block.line : block.line + block.text.count("\n")] = text.removesuffix("\n").split("\n")
    page.write_text("\n".join(lines), encoding="utf-8")
