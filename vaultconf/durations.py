"""Durations: seconds, whichever way they are written."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache

_UNITS = {
    "d": Decimal(86400), "h": Decimal(3600), "m": Decimal(60), "s": Decimal(1),
    "ms": Decimal("1e-3"), "us": Decimal("1e-6"), "µs": Decimal("1e-6"), "ns": Decimal("1e-9"),
}  # fmt: skip
_SEGMENT = re.compile(r"([0-9]+(?:\.[0-9]+)?|\.[0-9]+)(ms|us|µs|ns|[dhms])")
_DURATION = re.compile(rf"(?:{_SEGMENT.pattern})+\Z")
_EXPECTED = "must be a duration such as `30s`, `24h`, `1h30m`, `7d` or a number of seconds"
#: Servers count nanoseconds in 64 bits, some 292 years; beyond that they refuse or wrap around.
_LONGEST = (2**63 - 1) // 10**9


@lru_cache  # thousands of objects share a few
def seconds(text: str) -> int:
    """Read a duration as Vault does: `1h30m`, `1d`, `3600`, "" (0). Raises ValueError."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return int(text[:1000])
    if text and not _DURATION.match(text):
        raise ValueError(_EXPECTED)
    return int(sum(Decimal(number) * _UNITS[unit] for number, unit in _SEGMENT.findall(text)))


def exact(text: str) -> Decimal | None:
    """The seconds of a duration with units, not rounded; None for any other text."""
    if not _DURATION.match(text):
        return None
    return sum((Decimal(number) * _UNITS[unit] for number, unit in _SEGMENT.findall(text)), Decimal(0))


def from_yaml(value: object) -> int:
    """Read what people write. Raises ValueError, which quotes no value."""
    if isinstance(value, bool) or not isinstance(value, int | str) or value == "":
        raise ValueError(_EXPECTED)
    found = seconds(value) if isinstance(value, str) else value
    if found < 0:
        raise ValueError("must not be negative")
    if found > _LONGEST:
        raise ValueError("is longer than the 292 years that a server can count")
    return found


def to_yaml(value: int) -> str | int:
    """Write seconds as people do: `24h`, `1h30m`, 0."""
    if value <= 0:
        return value
    hours, rest = divmod(value, 3600)
    parts = zip((hours, *divmod(rest, 60)), "hms", strict=True)
    return "".join(f"{number}{unit}" for number, unit in parts if number)


def from_wire(value: object) -> int:
    """Read what a server answers. Raises ValueError."""
    if type(value) is int:
        return value
    return seconds(value) if isinstance(value, str) else int(str(value))
