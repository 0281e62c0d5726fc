"""YAML as a person would write it: short lists on one line, long texts as blocks, nothing quoted without need."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from vaultconf.yaml_scalars import resolve
from vaultconf.yaml_text import needs_escapes

_WIDTH = 100
_SHORT, _FEW = 60, 3
_FLOW = re.compile(r"[\[\]{},\n]|: ")


def dump(tree: Mapping[str, object], *, indent: int = 2, flush: bool = False) -> str:
    """Write a tree of maps, lists, texts, numbers and flags; the keys keep their order.

    `flush`: the items of a list begin below the first letter of its key, and not further in.
    """
    return yaml.dump(
        _Document(tree),
        Dumper=_FlushWriter if flush else _Writer,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=False,
        width=2**20,
        indent=indent,
    )


def flow(value: object) -> str:
    """Write a value in one line, fit to stand between brackets."""
    found: str = yaml.dump(
        _Line([value]), Dumper=_Writer, sort_keys=False, allow_unicode=True, default_flow_style=True, width=2**20
    )
    return found.strip()[1:-1]


class _Document(dict[str, object]):
    """The root of a tree, which is never written on one line."""


class _Line(list[object]):
    """A list of which all is written on one line."""


class _Writer(yaml.SafeDumper):
    """PyYAML's dumper with a person's habits; it knows no aliases."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: FBT001, FBT002, ARG002 - PyYAML's
        """Indent the items of a list below its key."""
        super().increase_indent(flow, indentless=False)


class _FlushWriter(_Writer):
    """The same for files whose lists are not indented."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: FBT001, FBT002 - PyYAML's
        """As PyYAML does by itself."""
        yaml.SafeDumper.increase_indent(self, flow, indentless)


def _text(writer: _Writer, text: str) -> yaml.ScalarNode:
    """Multi-line texts as blocks; in quotes what our own reader would take for something else."""
    escaped = needs_escapes(text)
    if "\n" in text.rstrip("\n") and not escaped:
        return writer.represent_scalar("tag:yaml.org,2002:str", text, style="|")
    # A comment behind a `${` that is never closed would be taken for a part of it.
    is_open = text.rfind("${") > text.rfind("}")
    plain = not escaped and resolve(text) == text and "\n" not in text and not is_open
    return writer.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain else '"')


def _list(writer: _Writer, items: list[object]) -> yaml.SequenceNode:
    flow = _fits(items, _WIDTH)
    return writer.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=flow)


def _line(writer: _Writer, items: _Line) -> yaml.SequenceNode:
    return writer.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=True)


def _document(writer: _Writer, entries: _Document) -> yaml.MappingNode:
    return writer.represent_mapping("tag:yaml.org,2002:map", entries, flow_style=False)


def _map(writer: _Writer, entries: Mapping[str, object]) -> yaml.MappingNode:
    """Maps of a few words, such as `options: {version: "2"}`, on one line."""
    flow = len(entries) <= _FEW and _fits([*entries, *entries.values()], _SHORT)
    return writer.represent_mapping("tag:yaml.org,2002:map", entries, flow_style=flow)


def _fits(items: Iterable[object], width: int) -> bool:
    """Whether items may share a line: short ones, and none that would need quotes because of its neighbours."""
    found = [item for item in items if isinstance(item, str | int | float) and not _FLOW.search(str(item))]
    return found == [*items] and sum(len(str(item)) + 2 for item in found) <= width


_Writer.add_representer(str, _text)
_Writer.add_representer(list, _list)
_Writer.add_representer(dict, _map)
_Writer.add_representer(_Document, _document)
_Writer.add_representer(_Line, _line)
_FlushWriter.yaml_representers = _Writer.yaml_representers
