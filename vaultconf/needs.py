"""Which requests a run may send, from the files alone: what `permissions` makes a policy of.

Says in one place what `live`, `tables`, `lookups`, `obstacles`, `sending` and `apply` do one by one; that it says
all of it is proven by walking every ladder with a token that may do nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from vaultconf import catalogue
from vaultconf.desired import DesiredState
from vaultconf.kind import Kind
from vaultconf.live import BULK_FROM
from vaultconf.model import Address, Desired
from vaultconf.moves import moved_prefixes, old_path
from vaultconf.nouns import ANY, REST
from vaultconf.reach import meet
from vaultconf.references import Deferred
from vaultconf.scope import Scope, may_match
from vaultconf.tables import homes

#: The namespace, the section, the path and the type of a mount in which objects are looked for.
Opened = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Need:
    """A request that a run may send; in `path`, ANY and REST stand for what only the server knows."""

    method: str
    path: str
    namespace: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the files say, as far as it decides about requests; `product` is "" where nobody says which."""

    objects: tuple[Desired, ...]
    opened: tuple[Opened, ...]
    scope: Scope
    product: str = ""

    @classmethod
    def of(cls, states: Iterable[DesiredState], foreign: Iterable[Opened], scope: Scope, product: str) -> Wanted:
        """All that any of the readings of the files declares; `foreign` are other people's mounts."""
        settings = scope.settings
        forever = [hold.pattern for hold in settings.ignore if hold.until is None]
        found = {item.address: item for state in states for item in state.objects}
        looked_at = [item for item in found.values() if not any(one.matches(str(item.address)) for one in forever)]
        spaces = sorted({"", *(item.address.namespace for item in found.values()), *(one[0] for one in foreign)})
        opened = dict.fromkeys((*_built_in(spaces), *_typed(found.values()), *foreign))
        return cls(tuple(looked_at), tuple(opened), scope, product)

    @property
    def namespaces(self) -> list[str]:
        """The namespaces that are looked into, the base first."""
        return sorted({"", *(one[0] for one in self.opened), *(item.address.namespace for item in self.objects)})


def _built_in(namespaces: Iterable[str]) -> Iterator[Opened]:
    """The mounts that every server has, whose type is their name."""
    for kind in catalogue.all_kinds().values():
        if kind.is_mount:
            yield from ((space, kind.section, name, name) for space in namespaces for name in sorted(kind.builtin))


def _typed(objects: Iterable[Desired]) -> Iterator[Opened]:
    for item in objects:
        if item.kind.is_mount and "type" in item.values:
            yield item.address.namespace, item.kind.section, item.params["mount"], str(item.values["type"])


def of_plan(wanted: Wanted) -> Iterator[Need]:
    """What `plan` and `drift` send; what is in a mount that has yet to move is read where it was."""
    prefixes = moved_prefixes(wanted.objects)
    for need in _of_plan(wanted):
        yield need
        before = old_path(prefixes, need.path, need.namespace)
        if before != need.path:
            yield replace(need, path=before)


def _of_plan(wanted: Wanted) -> Iterator[Need]:
    yield from _tables(wanted)
    for item in wanted.objects:
        yield from _reads(item)
    yield from _bulk(wanted)
    yield from _strangers(wanted)
    for pattern in wanted.scope.settings.prune:
        for place in reached(wanted, pattern.text):
            if place.kind.prunable:
                yield from place.listed()
                yield from _probe(place.kind)


def of_apply(wanted: Wanted) -> Iterator[Need]:
    """What `apply` sends beside what `plan` does."""
    for item in wanted.objects:
        yield from _writes(item, wanted.product)
        yield from _referenced(item, wanted.opened)
    for pattern in wanted.scope.settings.prune:
        for place in reached(wanted, pattern.text):
            if place.kind.prunable:
                yield from (place.need("GET"), place.need("DELETE"))


def of_ledger(wanted: Wanted, *, writes: bool) -> Iterator[Need]:
    """What keeping the ledger sends, and deleting what left the files: as far as `owns` reaches, or what is declared.

    Which engine it is in only the server knows; where no file opens one, the first segment of the path is taken.
    """
    path = wanted.scope.settings.ledger
    if not path:
        return
    known = [mount for space, section, mount, _ in wanted.opened if (space, section) == ("", "secrets")]
    mount = max((one for one in known if path.startswith(f"{one}/")), key=len, default=path.partition("/")[0])
    base = f"{mount}/data/{path.removeprefix(f'{mount}/')}"
    for method in ("GET", "POST") if writes else ("GET",):
        for name in ("head", "key", "lock", f"owned/{ANY}"):
            yield Need(method, f"{base}/{name}", "", "The ledger")
    if not writes:
        return
    for pattern in wanted.scope.settings.owns:
        for place in reached(wanted, pattern.text):
            yield from (place.need("GET"), place.need("DELETE"))
    for item in wanted.objects if not wanted.scope.settings.owns else ():
        if not (item.kind.always or item.params[item.kind.holes[-1]] in item.kind.builtin):
            yield Need("DELETE", item.address.path, item.address.namespace, _group(item.kind, item.params))


def of_export(wanted: Wanted) -> Iterator[Need]:
    """What `export` sends: lists and reads of every kind, of what the project owns, else of the whole server.

    Of namespaces that no file names, those directly below the base are reached.
    """
    patterns = [pattern.text for pattern in wanted.scope.settings.owns]
    if not patterns:
        wanted = replace(wanted, opened=(*wanted.opened, *_built_in([ANY])))
        patterns = ["*", *(f"{space}/*" for space in wanted.namespaces if space)]
    yield from _tables(wanted)
    for pattern in patterns:
        for place in reached(wanted, pattern):
            kind = place.kind
            if not kind.table:
                yield from place.listed()
                yield place.need("GET")
                yield from (place.need("GET", f"{path}/{ANY}") for path in kind.directories)


def _tables(wanted: Wanted) -> Iterator[Need]:
    """The collections that one answer holds, where anything hangs on them."""
    declared = {(item.address.namespace, item.kind.name) for item in wanted.objects}
    used = {(item.address.namespace, item.kind.section) for item in wanted.objects if item.kind.in_mount}
    used |= {(home.namespace, home.path.split("/")[1]) for item in wanted.objects for home in homes(item)}
    for space in wanted.namespaces:
        for kind in catalogue.all_kinds().values():
            if not kind.table or (space and kind.base_only):
                continue
            holds = kind.is_mount and {(space, kind.section), (space, kind.table.split("/")[1])} & used
            anyone = wanted.scope.may_cover(Address(f"{kind.table}/+", space))
            if holds or anyone or (space, kind.name) in declared:
                yield Need("GET", kind.table, space, "What is mounted, and which audit devices there are")


def _reads(item: Desired) -> Iterator[Need]:
    kind, space, group = item.kind, item.address.namespace, _group(item.kind, item.params)
    if not kind.table:
        yield Need("GET", item.address.path, space, group)
    for name in item.values:
        if not kind.is_open and (path := kind.fields[name].marks.read_from):
            yield Need("GET", path.format_map(item.params), space, group)
    if kind.lookups is not None:
        yield from (Need("GET", f"{path}/{ANY}", space, group) for path in kind.directories)
    yield from _probe(kind)


def _probe(kind: Kind) -> Iterator[Need]:
    if kind.probe:
        yield Need("GET", kind.probe, "", "What this server can take")


def _bulk(wanted: Wanted) -> Iterator[Need]:
    """The collections that are asked for as a whole, where that is worth it."""
    counts = Counter((item.address.namespace, item.kind.name) for item in wanted.objects)
    for (space, name), many in counts.items():
        kind = catalogue.all_kinds()[name]
        if many >= BULK_FROM:
            yield from (Need("LIST", path, space, _group(kind, {})) for path in kind.directories)
            if kind.bulk and not space and wanted.product != "vault":
                yield Need("LIST", kind.bulk, space, _group(kind, {}))


def _strangers(wanted: Wanted) -> Iterator[Need]:
    """What looks for what no file declares: outside of mounts, and in those that files open."""
    for kind in catalogue.all_kinds().values():
        if kind.table or kind.always or kind.anywhere:
            continue
        if not kind.in_mount:
            for space in wanted.namespaces:
                if not (space and kind.base_only):
                    yield from _looked_for(kind, space, {}, wanted.scope)
            continue
        for space, section, mount, mount_type in wanted.opened:
            if section == kind.section and mount_type in kind.mount_types:
                yield from _looked_for(kind, space, {"mount": mount}, wanted.scope)


def _looked_for(kind: Kind, space: str, params: Mapping[str, str], scope: Scope) -> Iterator[Need]:
    if not kind.named:
        address = Address(kind.path_of(params), space)
        if scope.covers(address):
            yield Need("GET", address.path, space, _group(kind, params))
    elif scope.may_cover(Address(kind.path_of({**params, kind.holes[-1]: "+"}), space)):
        yield Need("LIST", kind.collection_of(params), space, _group(kind, params))


def _writes(item: Desired, product: str) -> Iterator[Need]:
    """What making, changing or replacing an object sends, and what reads it back."""
    kind, path, space, group = item.kind, item.address.path, item.address.namespace, _group(item.kind, item.params)
    if not (kind.named and item.params[kind.holes[-1]] in kind.partial):
        yield Need("POST", path, space, group)
        if _may_be_replaced(item, product):
            yield Need("DELETE", path, space, group)
    yield from (Need(method, other, space, group) for method, other in kind.beside(path, item.values))
    if kind.is_mount:
        yield Need("GET", path, space, group)
        if item.guidance.renamed_from:
            yield Need("UPDATE", "sys/remount", space, "To move what is mounted")
            yield Need("GET", f"sys/remount/status/{ANY}", space, "To move what is mounted")


def _referenced(item: Desired, opened: Iterable[Opened]) -> Iterator[Need]:
    """The secrets that values name, in both versions of the engine; a plan does without them.

    Of a mount that no file opens the path is taken for one segment.
    """
    for value in item.values.values():
        for reference in value.references if isinstance(value, Deferred) else ():
            if reference.scheme == "vault":
                path = reference.target.partition("#")[0]
                mounts = [
                    mount for _, section, mount, _ in opened if section == "secrets" and path.startswith(f"{mount}/")
                ]
                mount = max(mounts, key=len, default=path.partition("/")[0])
                for place in (f"{mount}/data/{path[len(mount) + 1 :]}", path):
                    yield Need("GET", place, "", "Secrets that values refer to")


def _may_be_replaced(item: Desired, product: str) -> bool:
    if item.guidance.protect or item.guidance.create_only or item.kind.always:
        return False
    fields = item.kind.fields.values()
    fixed = any(spec.marks.immutable and spec.marks.only in ("", product or spec.marks.only) for spec in fields)
    return fixed or not item.kind.alterable


def _group(kind: Kind, params: Mapping[str, str]) -> str:
    """What a rule is for: objects of a kind, or the contents of a mount."""
    if not kind.in_mount or "mount" not in params:
        return kind.title
    return f"In {'auth/' if kind.section == 'auth' else ''}{params['mount']}"


# --- patterns of the settings ---


@dataclass(frozen=True, slots=True)
class Place:
    """Objects of a kind that a pattern reaches."""

    kind: Kind
    params: Mapping[str, str]
    path: str
    namespace: str

    def need(self, method: str, path: str = "") -> Need:
        """A request for such an object, or for another path that belongs to it."""
        return Need(method, path or self.path, self.namespace, _group(self.kind, self.params))

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
