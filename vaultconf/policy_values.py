"""Durations, times and templates as the servers read them in a policy."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from vaultconf.hcl_values import Value

_UNITS: Final = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION_PART: Final = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)")
_DURATION: Final = re.compile(rf"[+-]?(?:0|(?:{_DURATION_PART.pattern})++)")
_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,19}")
_MOST_SECONDS: Final = 2**63 / 1e9
_TIME: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:[.,]([0-9]+))?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_ACTION: Final = re.compile(r"\{\{((?:[^{}]|\{(?!\{)|\}(?!\}))*+)\}\}")


def duration(value: Value) -> float | None:
    """Return seconds for `60`, `"60"`, `"1m30s"`, `"2d"`, `1.5` (whole seconds count) or "", None for what is none.

    Vault 2.1, 1.19 and OpenBao 2.7.2 agree.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    if not isinstance(value, str):
        return float(int(value))
    if not value or _WHOLE.fullmatch(value):
        return float(value or 0)
    if value.endswith("d"):
        return float(value[:-1]) * 86400 if _WHOLE.fullmatch(value[:-1]) else None
    return _go_duration(value)


def _go_duration(value: str) -> float | None:
    if not _DURATION.fullmatch(value):
        return None
    seconds = sum(float(number) * _UNITS[unit] for number, unit in _DURATION_PART.findall(value))
    if seconds > _MOST_SECONDS:
        return None
    return -seconds if value.startswith("-") else seconds


def moment(text: str) -> datetime | None:
    """Return the time that an RFC 3339 text or seconds since 1970 name, None for anything else (OpenBao 2.7.2)."""
    if found := _TIME.fullmatch(text):
        base, fraction, zone = found.groups()
        try:
            return datetime.fromisoformat(f"{base}.{(fraction or '0'):0<6.6}{zone}")
        except ValueError:
            return None
    if not _WHOLE.fullmatch(text):
        return None
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(text))
    except OverflowError:
        return (datetime.min if text.startswith("-") else datetime.max).replace(tzinfo=UTC)


def is_balanced(path: str) -> bool:
    """Say whether every `{{` of a path has its `}}`; the servers refuse a policy where one has not."""
    head, *rest = path.split("{{")
    return "}}" not in head and all(part.count("}}") == 1 for part in rest)


def depends_on_key(template: str) -> bool:
    """Say whether a response filter is a template that uses `.key`; OpenBao 2.7.2 refuses any other.

    The actions themselves are not compiled: what only the server can tell is left to it.
    """
    rest = _ACTION.sub("", template)
    return "{{" not in rest and any(".key" in action for action in _ACTION.findall(template))
