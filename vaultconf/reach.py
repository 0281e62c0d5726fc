"""Where a pattern of the settings and the place of a kind's objects meet, and all objects that one may reach."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from vaultconf import catalogue
from vaultconf.kind import Kind
from vaultconf.nouns import ANY, REST
from vaultconf.scope import may_match
from vaultconf.wanted import Need, Wanted, group


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


@dataclass(frozen=True, slots=True)
class Place:
    """Objects of a kind that a pattern reaches."""

    kind: Kind
    params: Mapping[str, str]
    path: str
    namespace: str

    def need(self, method: str, path: str = "") -> Need:
        """A request for such an object, or for another path that belongs to it."""
        return Need(method, path or self.path, self.namespace, group(self.kind, self.params))

    def listed(self) -> Iterator[Need]:
        """What finds out which there are; what is in no collection is found by reading it."""
        if not self.kind.table:
            named = self.kind.named
            yield self.need("LIST", self.kind.collection_of(self.params)) if named else self.need("GET")


def reached(wanted: Wanted, pattern: str) -> Iterator[Place]:
    """Everything that a pattern of `prune` or `owns` may reach: in opened mounts, and in any with a short path."""
    for kind in (one for one in catalogue.all_kinds().values() if not one.anywhere):
        for space in wanted.namespaces:
            mounts: Iterable[str] = ("",)
            if kind.in_mount:
                here = (one for one in wanted.opened if one[:2] == (space, kind.section))
                mounts = (*(mount for _, _, mount, of in here if of in kind.mount_types), ANY)
            for mount in mounts:
                if not (space and kind.base_only) and (place := _place(kind, space, mount, pattern)) is not None:
                    yield place


def _place(kind: Kind, space: str, mount: str, pattern: str) -> Place | None:
    hole = kind.holes[-1]
    params = {hole: ANY} if kind.named else {}
    if kind.named and kind.names.problem("a/b") is None:
        params[hole] = REST
    if kind.in_mount:
        params["mount"] = mount
    inside = pattern.removeprefix(f"{space}/") if space and pattern.startswith(f"{space}/") else pattern
    inside = inside.removeprefix("+/") if space and inside is pattern and pattern.startswith("+/") else inside
    if space and inside is pattern:
        return None
    path = meet(inside, kind.path_of(params))
    if path is None:
        return None
    if mount == ANY:
        params["mount"] = path.split("/")[kind.path.split("/").index("{mount}")]
    if kind.named:
        params[hole] = path.split("/", kind.path.count("/"))[-1]
    return Place(kind, params, path, space)


def is_vague(kind: Kind, pattern: str) -> bool:
    """Whether a pattern reaches objects of a kind in mounts whose paths begin with some letters."""
    if not kind.in_mount:
        return False
    place = kind.path_of(dict.fromkeys(kind.holes, "+"))
    return may_match(pattern, place) and meet(pattern, kind.path_of(dict.fromkeys(kind.holes, ANY))) is None
