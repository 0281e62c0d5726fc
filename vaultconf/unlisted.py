"""Collections that could not be listed: unknown, which is not empty. Blocked inside `prune`, else a notice."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator
from functools import cache

from vaultconf.answers import NO_NAMESPACE
from vaultconf.kind import Kind
from vaultconf.model import Address, Blocked, Unreadable
from vaultconf.scope import Scope
from vaultconf.tables import mount_address

Unlisted = tuple[Kind, Address, Unreadable]

_FORBIDDEN = 403
_MOST_NAMES = 3


def blocked_by(kind: Kind, place: Address, why: Unreadable) -> Blocked:
    """What is not known because a collection cannot be listed; `place` is that of a member, `+` for its name."""
    return Blocked(kind, _collection(place), why.status, f"cannot be listed: {why.reason}")


def rights(blocked: Iterable[Blocked]) -> list[str]:
    """What to do, said once, where rights are missing."""
    if any(item.status == _FORBIDDEN for item in blocked):
        return ["the token may not read all of this: `vaultconf permissions plan` prints the rights that it needs"]
    return []


def _collection(place: Address) -> Address:
    return Address(place.path.removesuffix("/+"), place.namespace)


def judged(unlisted: Iterable[Unlisted], opened: Container[Address], scope: Scope) -> tuple[list[Blocked], list[str]]:
    """What is blocked, and what is only said; of the mounts that are not `opened`, in one sentence."""
    blocked: list[Blocked] = []
    here: dict[tuple[str, str], list[str]] = {}
    elsewhere: dict[str, dict[str, None]] = {}
    for kind, place, why in unlisted:
        collection = _collection(place)
        if not scope.may_cover(place):
            continue
        mount = _mount_of(kind, place)
        if kind.prunable and scope.may_prune(place):
            blocked.append(blocked_by(kind, place, why))
        elif "+" in collection.path.split("/") or why.reason == NO_NAMESPACE:
            continue
        elif mount is not None and mount not in opened:
            elsewhere.setdefault(why.reason, {})[str(mount)] = None
        else:
            here.setdefault((collection.path, why.reason), []).append(collection.namespace)
    return blocked, [*_here(here), *_elsewhere(elsewhere)]


def _here(collections: dict[tuple[str, str], list[str]]) -> Iterator[str]:
    """Collections that the run looks into, by path and reason; the same may be closed in many namespaces."""
    for (path, reason), namespaces in collections.items():
        many = len(namespaces) > _MOST_NAMES
        names = (
            [f"{path} of {_listed([name or 'the base' for name in namespaces])} namespaces"]
            if many
            else [Address(path, n) for n in namespaces]
        )
        yield from (f"{name} cannot be listed, so strangers there are unknown: {reason}" for name in names)


def _elsewhere(mounts: dict[str, dict[str, None]]) -> Iterator[str]:
    """Mounts that are none of this project's business may be many."""
    for reason, names in mounts.items():
        what = "what is in mounts that no file opens is not counted where it cannot be listed"
        yield f"{what}: {_listed([*names])}: {reason}"


def _listed(names: list[str]) -> str:
    """The first of them, and how many more there are."""
    more = f" and {len(names) - _MOST_NAMES:,} more" if len(names) > _MOST_NAMES else ""
    return f"{', '.join(names[:_MOST_NAMES])}{more}"


def _mount_of(kind: Kind, place: Address) -> Address | None:
    found = _template(kind.path).fullmatch(place.path) if kind.in_mount else None
    return mount_address(kind, {"mount": found["mount"]}, place.namespace) if found is not None else None


@cache
def _template(path: str) -> re.Pattern[str]:
    """Match the paths of a kind, and find the mount in them."""
    pieces = re.split(r"\{(\w+)\}", path)
    found = (f"(?P<{piece}>.+)" if index % 2 else re.escape(piece) for index, piece in enumerate(pieces))
    return re.compile("".join(found), re.DOTALL)
