"""A text changed line by line, so that what is equal stays as it was written: blanks at line ends, CR and LF."""

from __future__ import annotations

import difflib
from collections.abc import Sequence


def relined(old: str, new: Sequence[str], newline: str, *, loose: bool) -> str:
    """The new lines, with those of `old` where they are equal; `loose`: but for white space at their ends.

    Neither text ends with a line break.
    """
    raw = old.split("\n")
    plain = [line.rstrip() if loose else line.removesuffix("\r") for line in raw]
    ends = [*("\r\n" if line.endswith("\r") else "\n" for line in raw[:-1]), newline]
    found: list[tuple[str, str]] = []
    matcher = difflib.SequenceMatcher(None, plain, [line.rstrip() if loose else line for line in new], autojunk=False)
    for tag, start, end, first, last in matcher.get_opcodes():
        if tag == "equal":
            found += zip((line.removesuffix("\r") for line in raw[start:end]), ends[start:end], strict=True)
        else:
            found += ((line, newline) for line in new[first:last])
    return "".join(f"{line}{end}" for line, end in found[:-1]) + (found[-1][0] if found else "")
