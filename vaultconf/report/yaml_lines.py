"""YAML line by line, with a comment where a line comes from; what could act on a terminal or a CI log is escaped."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from vaultconf.report.lines import visible
from vaultconf.yaml_scalars import resolve

_WIDTH = 100
_INDENT = "  "
_BARE = re.compile(r"[A-Za-z0-9_/][A-Za-z0-9_/.+-]*(?::[A-Za-z0-9_/.+-]+)*\Z")


def entry(key: str, value: object, note: str, depth: int) -> Iterator[str]:
    """The lines of one key with its value (None: what follows stands below it) and a comment."""
    head, comment = f"{_INDENT * depth}{flow(key)}:", f"  # {note}" if note else ""
    if value is None:
        yield f"{head}{comment}"
    elif isinstance(value, str) and _is_block(value):
        lines = value.split("\n")
        ends = len(value) - len(value.rstrip("\n"))
        yield f"{head} |{'-' if not ends else '' if ends == 1 else '+'}{comment}"
        yield from (f"{_INDENT * (depth + 1)}{line}" if line else "" for line in (lines[:-1] if ends else lines))
    elif isinstance(value, list) and len(flow(value)) > _WIDTH:
        yield f"{head}{comment}"
        yield from (f"{_INDENT * (depth + 1)}- {flow(item)}" for item in value)
    else:
        yield f"{head} {flow(value)}{comment}"


def flow(value: object) -> str:
    """A value on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value if _BARE.match(value) and resolve(value) == value else _quoted(value)
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{flow(str(key))}: {flow(item)}' for key, item in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(flow, value))}]"
    return "null" if value is None else str(value)


def _quoted(text: str) -> str:
    found = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{visible(found)}"'


def _is_block(text: str) -> bool:
    """Whether a text may stand in lines of its own as it is."""
    lines = text.split("\n")
    return (
        len(lines) > 1
        and lines[0] != ""
        and not lines[0].startswith((" ", "\t"))
        and all(visible(line, keep="\t") == line and not line.lstrip().startswith("::") for line in lines)
        and any(lines)
    )
