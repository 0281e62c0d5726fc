"""The figures as a table: what was measured, its budget, and whether that holds."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

COLUMNS = ("what", "measured", "budget", "verdict")


@dataclass(frozen=True, slots=True)
class Row:
    """One figure; `limit` is in the unit of `value`, None where there is no budget."""

    what: str
    measured: str
    value: float = 0.0
    limit: float | None = None
    budget: str = ""

    @property
    def verdict(self) -> str:
        if self.limit is None:
            return ""
        return "holds" if self.value <= self.limit else "MISSED"


def spread(values: Sequence[float], unit: str = "", digits: int = 2) -> str:
    """The median, and the least and the most where there are several: what noise there was."""
    middle = f"{statistics.median(values):.{digits}f}{unit}"
    return middle if len(values) < 2 else f"{middle} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def lines(rows: Iterable[Row]) -> list[str]:
    """The table as Markdown, its columns aligned."""
    cells = [COLUMNS, *((row.what, row.measured, row.budget, row.verdict) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    text = ["| " + " | ".join(map(str.ljust, line, widths)) + " |" for line in cells]
    return [text[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *text[1:]]
