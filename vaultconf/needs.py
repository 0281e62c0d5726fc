"""Which requests a run may send, from the files alone: what `permissions` makes a policy of.

Says in one place what `live`, `tables`, `lookups`, `obstacles`, `sending` and `apply` do one by one; that it says
all of it is proven by walking every ladder with a token that may do nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from vaultconf import catalogue
from vaultconf.kind import Kind
from vaultconf.live import BULK_FROM
from vaultconf.model import Address, Desired
from vaultconf.moves import moved_prefixes, old_path
from vaultconf.nouns import ANY
from vaultconf.reach import reached
from vaultconf.references import Deferred
from vaultconf.rotations import unproven
from vaultconf.scope import Scope
from vaultconf.tables import homes
from vaultconf.wanted import Need, Opened, Wanted, built_in, group

_NEIGHBOURS = "The ledgers of other projects beside it; without these rights nobody looks whether they claim the same"
_EMERGENCY = "Who is named under `break_glass`, and what identity does to them"


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
    yield from _emergencies(wanted)


def _emergencies(wanted: Wanted) -> Iterator[Need]:
    """What tells whether those named under `break_glass` could be locked out: themselves, their entity, its groups."""
    named = [pattern.text for pattern in wanted.scope.settings.break_glass if not {"+", "*"} & set(pattern.text)]
    yield from (Need("GET", path, "", _EMERGENCY) for path in named)
    if not named or all(item.kind.section not in ("policies", "identity") for item in wanted.objects):
        return
    yield Need("LIST", "identity/entity/id", "", _EMERGENCY)
    yield from (Need("GET", f"identity/{what}/id/{ANY}", "", _EMERGENCY) for what in ("entity", "group"))
    for space, section, mount, mount_type in wanted.opened:
        if (space, section, mount_type) == ("", "auth", "approle"):
            own = (path for path in named if path.startswith(f"auth/{mount}/role/"))
            yield from (Need("GET", f"{path}/role-id", "", _EMERGENCY) for path in own)


def of_apply(wanted: Wanted) -> Iterator[Need]:
    """What `apply` sends beside what `plan` does."""
    for item in wanted.objects:
        yield from _writes(item, wanted.product)
        yield from _referenced(item, wanted.opened)
    for pattern in wanted.scope.settings.prune:
        for place in reached(wanted, pattern.text):
            if place.kind.prunable:
                yield from (place.need("GET"), place.need("DELETE"))


def of_rotate(wanted: Wanted) -> Iterator[Need]:
    """What `rotate` sends beside what `plan` does: rotations, their proofs, and looking for who shares a user."""
    kinds = [kind for kind in catalogue.all_kinds().values() if kind.rotation is not None]
    for item in wanted.objects:
        if item.kind.rotation is not None:
            title, space = group(item.kind, item.params), item.address.namespace
            yield Need("UPDATE", item.kind.rotation.path.format_map(item.params), space, title)
            if item.kind.rotation.proof is not unproven:
                yield Need("UPDATE", item.address.path, space, title)
    for space, section, mount, mount_type in wanted.opened:
        for kind in kinds:
            if section == kind.section and mount_type in kind.mount_types:
                params = {"mount": mount, "name": ANY}
                if kind.named:
                    yield Need("LIST", kind.collection_of(params), space, group(kind, params))
                yield Need("GET", kind.path_of(params), space, group(kind, params))


def of_ledger(wanted: Wanted, *, writes: bool, deletes: bool) -> Iterator[Need]:
    """What keeping the ledger sends, and deleting what left the files: as far as `owns` reaches, or what is declared.

    Which engine it is in only the server knows; where no file opens one, the first segment of the path is taken.
    """
    path = wanted.scope.settings.ledger
    if not path:
        return
    mount = _ledger_mount(wanted) or path.partition("/")[0]
    base = f"{mount}/data/{path.removeprefix(f'{mount}/')}"
    # With the key and the fingerprints anybody could try out guesses: who only reads does without the key.
    names = ("head", "lock", f"owned/{ANY}", *(("key",) if writes else ()))
    for method in ("GET", "POST") if writes else ("GET",):
        for name in names:
            yield Need(method, f"{base}/{name}", "", "The ledger")
    folder = "/".join(filter(None, (mount, "{}", path.removeprefix(f"{mount}/").rpartition("/")[0])))
    yield Need("LIST", folder.format("metadata"), "", _NEIGHBOURS)
    for name in ("head", f"owned/{ANY}"):
        yield Need("GET", f"{folder.format('data')}/{ANY}/{name}", "", _NEIGHBOURS)
    if not deletes:
        return
    for pattern in wanted.scope.settings.owns:
        for place in reached(wanted, pattern.text):
            yield from (place.need("GET"), place.need("DELETE"))
    for item in wanted.objects if not wanted.scope.settings.owns else ():
        if not (item.kind.always or item.params[item.kind.holes[-1]] in item.kind.builtin):
            yield Need("DELETE", item.address.path, item.address.namespace, group(item.kind, item.params))


def _ledger_mount(wanted: Wanted) -> str:
    """The engine in which the ledger is, where a file opens it; else ""."""
    path = wanted.scope.settings.ledger
    known = [mount for space, section, mount, _ in wanted.opened if (space, section) == ("", "secrets")]
    return max((one for one in known if path.startswith(f"{one}/")), key=len, default="")


def guessed(wanted: Wanted) -> Iterator[str]:
    """What is said where the path of the ledger does not tell in which engine it is."""
    first, _, rest = wanted.scope.settings.ledger.partition("/")
    if "/" in rest and not _ledger_mount(wanted):
        other = f"{first}/{rest.partition('/')[0]}"
        yield (
            f"the rules for the ledger take its engine to be `{first}`; if it is another, such as `{other}`, open it in"
            f" a document: `secrets: {{{other}: {{}}}}`"
        )


def of_export(wanted: Wanted) -> Iterator[Need]:
    """What `export` sends: lists and reads of every kind, of what the project owns, else of the whole server.

    Of namespaces that no file names, those directly below the base are reached.
    """
    patterns = [pattern.text for pattern in wanted.scope.settings.owns]
    if not patterns:
        wanted = replace(wanted, opened=(*wanted.opened, *built_in([ANY])))
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
    kind, space, title = item.kind, item.address.namespace, group(item.kind, item.params)
    if not kind.table:
        yield Need("GET", item.address.path, space, title)
    for name in item.values:
        if not kind.is_open and (path := kind.fields[name].marks.read_from):
            yield Need("GET", path.format_map(item.params), space, title)
    if kind.lookups is not None:
        yield from (Need("GET", f"{path}/{ANY}", space, title) for path in kind.directories)
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
            yield from (Need("LIST", path, space, group(kind, {})) for path in kind.directories)
            if kind.bulk and not space and wanted.product != "vault":
                yield Need("LIST", kind.bulk, space, group(kind, {}))


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
            yield Need("GET", address.path, space, group(kind, params))
    elif scope.may_cover(Address(kind.path_of({**params, kind.holes[-1]: "+"}), space)):
        yield Need("LIST", kind.collection_of(params), space, group(kind, params))


def _writes(item: Desired, product: str) -> Iterator[Need]:
    """What making, changing or replacing an object sends, and what reads it back."""
    kind, path, space, title = item.kind, item.address.path, item.address.namespace, group(item.kind, item.params)
    if not (kind.named and item.params[kind.holes[-1]] in kind.partial):
        yield Need("POST", path, space, title)
        if _may_be_replaced(item, product):
            yield Need("DELETE", path, space, title)
    yield from (Need(method, other, space, title) for method, other in kind.beside(path, item.values))
    if item.guidance.rotate_root and kind.rotation is not None:
        yield Need("UPDATE", kind.rotation.path.format_map(item.params), space, title)
    if kind.is_mount:
        yield Need("GET", path, space, title)
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
