"""Where two path patterns meet: a pattern of the settings, and the place where a kind's objects are."""

from __future__ import annotations

from vaultconf.nouns import ANY, REST


def meet(pattern: str, place: str) -> str | None:
    """The paths that both cover, as a path with ANY and REST; None where there are none.

    `pattern` is one of the settings (`+` and a final `*`), `place` a path in which ANY stands for a segment and a
    final REST for any rest. Also None where a policy cannot say it: mounts whose path begins with some letters.
    """
    ours, theirs = pattern.split("/"), place.split("/")
    found: list[str] = []
    for index, other in enumerate(theirs):
        if index == len(ours):
            return None
        mine, last = ours[index], index == len(theirs) - 1
        if index == len(ours) - 1 and mine.endswith("*"):
            rest = _begins(mine[:-1], other, last=last)
            return None if rest is None else "/".join((*found, rest, *theirs[index + 1 :]))
        if other == REST:
            return "/".join((*found, *(_plain(one) for one in ours[index:])))
        if mine != "+" and other not in (ANY, mine):
            return None
        found.append(other if mine == "+" else mine)
    return "/".join(found) if len(ours) == len(theirs) else None


def _begins(prefix: str, segment: str, *, last: bool) -> str | None:
    """The segment, as far as it begins with a prefix."""
    if segment in (ANY, REST):
        if not prefix:
            return segment
        return prefix + REST if last else None
    return segment if segment.startswith(prefix) else None


def _plain(segment: str) -> str:
    """A segment of a pattern, as paths here say it."""
    if segment == "+":
        return ANY
    return segment[:-1] + REST if segment.endswith("*") else segment
