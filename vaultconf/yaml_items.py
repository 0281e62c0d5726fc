"""The items of lists, and what stands between brackets: taken out and added one by one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from vaultconf import yaml_writer
from vaultconf.yaml_cuts import Cuts, Wish
from vaultconf.yaml_nodes import Node

_BEFORE_COMMA = re.compile(r"(?:\s+(?:#[^\n]*)?)*")


def exchange(cuts: Cuts, value: Node, wish: Wish) -> bool:
    """Make a list hold what is wished; what it holds already stays as it is written.

    False where it must be written anew.
    """
    old, new = value.items or [], wish.value
    assert isinstance(new, list)  # noqa: S101 - the caller's promise
    have = [item.value() for item in old]
    kept = [index for index, item in enumerate(have) if item in new and item not in have[:index]]
    added = [item for item in new if item not in have]
    order = [*(have[index] for index in kept), *added]
    if not kept or not (order == new or wish.accepts(order)):
        return False
    if value.flow:
        spans, gone = [(item.start, item.end) for item in old], [i for i in range(len(old)) if i not in kept]
        if not in_lines(cuts, value, spans, gone, list(map(yaml_writer.flow, added))):
            drop_spans(cuts, spans, gone, value.end - 1)
            if added:
                _add_between_brackets(cuts, old[kept[-1]], added)
        return True
    return _lines(cuts, value, kept, added)


def _add_between_brackets(cuts: Cuts, last: Node, added: Sequence[object]) -> None:
    alone = not cuts.text[cuts.line_start(last.start) : last.start].strip()
    gap = f",\n{' ' * (last.at[1] - 1)}" if alone else ", "
    cuts.put(last.end, last.end, "".join(f"{gap}{yaml_writer.flow(item)}" for item in added))


def _lines(cuts: Cuts, value: Node, kept: Sequence[int], added: Sequence[object]) -> bool:
    """The same for a list with a line for each item."""
    old = value.items or []
    starts = [cuts.text.rfind("-", 0, item.start) for item in old]
    indent = value.at[1] - 1
    heads = [cuts.text[cuts.line_start(start) : start] for start in starts]
    if any(head != " " * indent for head in heads):
        return False
    for index, item in enumerate(old):
        if index not in kept:
            cuts.put(cuts.line_start(starts[index]), cuts.line_end(item.end), "")
    if added:
        cuts.after_line(old[-1].end, [line for item in added for line in _item(cuts, item, indent)], indent)
    return True


def _item(cuts: Cuts, item: object, indent: int) -> list[str]:
    """The lines of one item; those of a map stand side by side."""
    if isinstance(item, Mapping) and item:
        first, *rest = cuts.dumped(item, indent + 2)
        return [f"{' ' * indent}- {first[indent + 2 :]}", *rest]
    head, body = cuts.rendered(item, indent)
    return [f"{' ' * indent}- {head}", *body]


def in_lines(
    cuts: Cuts, node: Node, spans: Sequence[tuple[int, int]], dropped: Sequence[int], added: Sequence[str]
) -> bool:
    """Change what stands between brackets where each item has lines of its own, which its comment shares.

    False, with nothing done, where they have not.
    """
    stop = node.end - 1
    commas = [_comma(cuts, end, stop) for _, end in spans]
    ends = [cuts.line_end(max(end, comma + 1)) for (_, end), comma in zip(spans, commas, strict=True)]
    edges = [cuts.line_end(node.start), *ends[:-1]]
    is_own = all(edge <= cuts.line_start(start) for edge, (start, _) in zip(edges, spans, strict=True))
    if not spans or not is_own or ends[-1] > cuts.line_start(stop):
        return False
    kept = [index for index in range(len(spans)) if index not in dropped]
    for index in dropped:
        cuts.put(cuts.line_start(spans[index][0]), ends[index], "")
    last = kept[-1] if kept else -1
    if added:
        if kept and commas[last] < 0:
            cuts.put(spans[last][1], spans[last][1], ",")
        head = cuts.text[cuts.line_start(spans[0][0]) : spans[0][0]]
        tail = "," if commas[-1] >= 0 else ""
        at = ends[last] if kept else edges[0]
        cuts.put(at, at, f",\n{head}".join((head + added[0], *added[1:])) + f"{tail}\n")
    elif kept and commas[last] >= 0 > commas[-1]:
        cuts.put(commas[last], commas[last] + 1, "")
    return True


def _comma(cuts: Cuts, start: int, stop: int) -> int:
    """Where the comma behind an item is, which comments may precede; -1 where there is none."""
    found = _BEFORE_COMMA.match(cuts.text, start, stop)
    end = found.end() if found else start
    return end if end < stop and cuts.text[end] == "," else -1


def drop_spans(cuts: Cuts, spans: Sequence[tuple[int, int]], dropped: Sequence[int], stop: int) -> None:
    """Take out what stands between brackets, of which the last is at `stop`, with the comma that belongs to it."""
    gone = set(dropped)
    kept = [index for index in range(len(spans)) if index not in gone]
    last = kept[-1] if kept else -1
    for index in sorted(gone):
        if index < last:
            start, end = spans[index][0], spans[index + 1][0]
            if "#" in cuts.text[spans[index][1] : end]:
                end = _comma(cuts, spans[index][1], stop) + 1
            cuts.put(start, end, "")
    if gone and max(gone) > last:
        start, end = spans[last][1] if kept else spans[0][0], spans[max(gone)][1]
        cuts.put(start, end, "") if "#" not in cuts.text[start:end] else _one_by_one(cuts, spans, last, stop)


def _one_by_one(cuts: Cuts, spans: Sequence[tuple[int, int]], last: int, stop: int) -> None:
    """The same at the end of a list with comments, which stay; so do the commas, which may stand before the bracket."""
    for index in range(last + 1, len(spans)):
        start, end = spans[index]
        comma = _comma(cuts, end, stop)
        cuts.put(start, comma + 1 if comma >= 0 else end, "")
