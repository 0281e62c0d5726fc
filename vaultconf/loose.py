"""Values of any shape, compared by what they mean: for endpoints whose fields no kind declares.

Nobody says here which field is a duration, a list or a number, so that spellings a server may turn into each other
count as one: `1h`, `3600` and `"3600"`; `a,b` and `[a, b]`; `10`, `"10"` and `10.0`; `true` and `"true"`; an item and a
list of it; a list in any order; JSON text in any layout; and nothing, as null, "", 0, false or an empty list or map.
Of a map only the written keys are compared, at every depth.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

from pydantic_core import from_json

from vaultconf import durations


class Missing:
    """What stands for a field that an answer does not have; null is something else."""

    def __repr__(self) -> str:
        return "missing"


MISSING: Final = Missing()

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
_NOTHING = frozenset({"", "0", "false", "null", "[]", "{}"})
_NANO = Decimal(10**9)


def read(value: object) -> object:
    """Read the YAML: plain maps, lists, words, numbers, flags. Raises ValueError, which quotes no value."""
    if value is None:
        raise ValueError("has an entry without a value: leave it out")
    if isinstance(value, Mapping):
        return {str(key): read(item) for key, item in value.items()}
    return [read(item) for item in value] if isinstance(value, list | tuple) else value


def same(live: object, wanted: object) -> bool:
    """Whether what the server answers is what is written; true where it does not answer it, see `unreturned`."""
    if live is MISSING:
        return True
    live, wanted = _opened(live, wanted), _opened(wanted, live)
    if isinstance(live, Mapping) and isinstance(wanted, Mapping) and live and wanted:
        return all(same(live.get(key, MISSING), item) for key, item in wanted.items())
    if is_nothing(live) or is_nothing(wanted):
        return is_nothing(live) and is_nothing(wanted)
    if _is_deep(live) or _is_deep(wanted):
        return _same_items(live, wanted)
    return _same_words(live, wanted)


def unreturned(live: object, wanted: object) -> Iterator[str]:
    """The dotted names of what is written, is something, and is not in the answer; "" for the value itself."""
    if live is MISSING:
        if not is_nothing(wanted):
            yield ""
        return
    live, wanted = _opened(live, wanted), _opened(wanted, live)
    if isinstance(live, Mapping) and isinstance(wanted, Mapping):
        for key, item in wanted.items():
            yield from (f"{key}.{name}" if name else key for name in unreturned(live.get(key, MISSING), item))
    elif isinstance(live, list) and isinstance(wanted, list):
        for item in wanted:
            yield from min((list(unreturned(one, item)) for one in live if same(one, item)), key=len, default=())


def is_nothing(value: object) -> bool:
    """Whether a value is what a server takes for unset, in any spelling."""
    if isinstance(value, Mapping):
        return all(map(is_nothing, value.values()))
    if isinstance(value, list):
        return all(item is None or item in ("", [], {}) for item in value)
    return value is None or value is MISSING or _word(value) in _NOTHING


def _opened(value: object, other: object) -> object:
    """The map or list that a JSON text holds, where it is compared with one."""
    if isinstance(value, str) and isinstance(other, Mapping | list) and value.lstrip()[:1] in ("{", "["):
        return _parsed(value) or value
    return value


def _parsed(text: str) -> object:
    try:
        found = from_json(text)
    except ValueError:
        return None
    return found if isinstance(found, dict | list) else None


def _is_deep(value: object) -> bool:
    return isinstance(value, Mapping) or (
        isinstance(value, list) and any(isinstance(item, Mapping | list) for item in value)
    )


def _same_items(live: object, wanted: object) -> bool:
    """Whether each item of either side is in the other; an item is as good as a list of it."""
    if not isinstance(live, list) and not isinstance(wanted, list):
        return False
    ours, theirs = (side if isinstance(side, list) else [side] for side in (wanted, live))
    matched = all(any(same(one, item) for one in theirs) for item in ours)
    return matched and all(any(same(one, item) for item in ours) for one in theirs)


def _same_words(live: object, wanted: object) -> bool:
    """Compare words, and lists of words: servers sort some, and drop what is there twice."""
    if isinstance(live, list) and isinstance(wanted, list):
        return _words(live) == _words(wanted)
    for one, other in ((live, wanted), (wanted, live)):
        if isinstance(one, list):
            return _words(one) in ({_word(other)}, _words(str(other).split(",")))
        if _is_nanoseconds(one, other):
            return True
    return _word(live) == _word(wanted) or _same_parts(live, wanted)


def _same_parts(live: object, wanted: object) -> bool:
    """Whether texts with commas differ in the white space around these alone."""
    if not (isinstance(live, str) and isinstance(wanted, str) and "," in live and "," in wanted):
        return False
    return [item.strip() for item in live.split(",")] == [item.strip() for item in wanted.split(",")]


def _words(items: Sequence[object]) -> set[str]:
    return {word for item in items if (word := _word(item))}


def _is_nanoseconds(one: object, other: object) -> bool:
    """Whether a duration with its unit is what some servers return in nanoseconds (azure, OpenBao 2.7.2)."""
    if isinstance(one, bool) or not isinstance(one, int) or not isinstance(other, str):
        return False
    span = durations.exact(other)
    return span is not None and span * _NANO == one


def _word(value: object) -> str:
    """One spelling for what means the same."""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = value.replace("\r\n", "\n").strip() if isinstance(value, str) else str(value)
    if isinstance(value, float) and "e" in text:
        text = f"{Decimal(text):f}"
    if text[:1] in ("{", "[") and (found := _parsed(text)) is not None:
        return json.dumps(found, sort_keys=True)
    if (span := durations.exact(text)) is not None:
        text = f"{span:f}"
    if _NUMBER.fullmatch(text) and "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
