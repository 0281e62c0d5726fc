"""The items of lists, and what stands between brackets: taken out and added one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vaultconf import yaml_writer
from vaultconf.yaml_cuts import Cuts, Wish
from vaultconf.yaml_nodes import Node


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
        drop_spans(cuts, [(item.start, item.end) for item in old], [i for i in range(len(old)) if i not in kept])
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


def drop_spans(cuts: Cuts, spans: Sequence[tuple[int, int]], dropped: Sequence[int]) -> None:
    """Take out what stands between brackets, with the comma that belongs to it."""
    gone = set(dropped)
    kept = [index for index in range(len(spans)) if index not in gone]
    last = kept[-1] if kept else -1
    for index in sorted(gone):
        if index < last:
            start, end = spans[index][0], spans[index + 1][0]
            if "#" in cuts.text[spans[index][1] : end]:
                end = cuts.text.index(",", spans[index][1]) + 1
            cuts.put(start, end, "")
    if gone and max(gone) > last:
        start, end = spans[last][1] if kept else spans[0][0], spans[max(gone)][1]
        cuts.put(start, end, "") if "#" not in cuts.text[start:end] else _one_by_one(cuts, spans, last)


def _one_by_one(cuts: Cuts, spans: Sequence[tuple[int, int]], last: int) -> None:
    """The same at the end of a list with comments, which stay; so do the commas, which may stand before the bracket."""
    for index in range(last + 1, len(spans)):
        start, end = spans[index]
        comma = cuts.text.find(",", end, spans[index + 1][0]) if index + 1 < len(spans) else -1
        cuts.put(start, comma + 1 if comma >= 0 else end, "")
