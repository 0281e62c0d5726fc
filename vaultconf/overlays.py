"""Overlays: what a target says over all that the documents of the project say together.

Maps merge, everything else replaces, null removes. What an overlay replaces or removes is taken away from the documents
below it; what is left of it then is one more document. Only the maps on the way to a change are copied.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from pathlib import PurePosixPath
from typing import NamedTuple

from vaultconf import catalogue, references
from vaultconf.documents import FOLDERS
from vaultconf.errors import Place, Problem, nearest
from vaultconf.project import PASSWORD_POLICIES, POLICIES, Project, path_inside, policies_in
from vaultconf.yaml_text import shown
from vaultconf.yaml_values import YamlDocument, YamlMap, copied

TEMPLATES, USE = "templates", "use"

_FROM_FOLDER = "policies_from"
_MAKERS = frozenset({TEMPLATES, USE})
_HEAD = frozenset({"namespace", "owner"})
#: What holds for its own document only, so that there is nothing that null could remove.
_ADDED = {
    "owner": "leave it out: it is the label of what this document adds",
    _FROM_FOLDER: "leave it out, and write `policies: {NAME: null}` for each policy that is to go",
}


class _Map(NamedTuple):
    """A map that is ours to change, and the file that it is from."""

    value: YamlMap
    file: str

    def place(self, key: str) -> Place:
        """Where a key stands."""
        return Place(self.file, *self.value.key_places[key])

    def inside(self, key: str) -> Iterator[_Map]:
        """The map below a key, from now on ours as well; nothing where there is none."""
        below = self.value.get(key)
        if isinstance(below, YamlMap):
            self.value[key] = mine = copied(below)
            yield _Map(mine, self.file)


class _Missing(NamedTuple):
    """The first key on the way that nothing below has, and those that there are beside it."""

    key: str
    known: Collection[str]


class Laying:
    """Lays overlays over documents, and gathers problems.

    Without `whole`, what seems to be missing may be unread. `gone` are the files of `policies/` that are removed, and
    `removed` says where something is, by namespace and path.
    """

    def __init__(self, project: Project, *, whole: bool) -> None:
        self.project, self.whole = project, whole
        self.problems: list[Problem] = []
        self.gone: set[str] = set()
        self.removed: dict[tuple[str, ...], Place] = {}
        self.found: list[YamlDocument] = []
        self.namespace = ""

    def complain(self, message: str, place: Place, hint: str = "") -> None:
        """Note a problem."""
        self.problems.append(Problem(message, place, hint))

    def before(
        self, documents: Iterable[YamlDocument], overlays: Sequence[Iterable[YamlDocument]]
    ) -> list[YamlDocument]:
        """Lay `templates` and `use`, of which nothing is made yet; a template may then have layers."""
        self.found = [*documents]
        for layer, overlay in enumerate(overlays, 1):
            parts = [_part(document, layer, _MAKERS | _HEAD) for document in overlay if _has(document, _MAKERS)]
            self.lay(self.opened({TEMPLATES}), _maps(parts), (), {TEMPLATES})
            self.by_namespace(parts, {USE})
            self.found += parts
        return self.found

    def after(
        self, documents: Iterable[YamlDocument], overlays: Sequence[Iterable[YamlDocument]]
    ) -> list[YamlDocument]:
        """Lay the objects, when each use has made its document."""
        self.found = [*documents]
        for layer, overlay in enumerate(overlays, len(overlays) + 1):
            parts = [self.objects(document, layer) for document in overlay]
            self.by_namespace(parts, {key for part in parts for key in part.root or ()} & catalogue.sections())
            self.found += parts
        return self.found

    def objects(self, document: YamlDocument, layer: int) -> YamlDocument:
        """An overlay's document without what makes documents."""
        for found in _maps([document]):
            for key in _ADDED.keys() & _nothing(found.value):
                self.complain(f"`{key}` has nothing to remove", found.place(key), _ADDED[key])
        return _part(document, layer, frozenset(document.root or ()) - _MAKERS)

    def by_namespace(self, parts: Sequence[YamlDocument], keys: AbstractSet[str]) -> None:
        """Lay some keys over those of the documents of the same namespace."""
        for self.namespace in dict.fromkeys(part.namespace for part in parts):
            group = [part for part in parts if part.namespace == self.namespace]
            self.lay(self.opened(keys, self.namespace), _maps(group), (), keys)

    def opened(self, keys: AbstractSet[str], namespace: str | None = None) -> list[_Map]:
        """The documents of a namespace (of any) that hold one of the keys, as maps to be changed."""
        found: list[_Map] = []
        for index, document in enumerate(self.found):
            if _has(document, keys) and namespace in (None, document.namespace) and document.root is not None:
                self.found[index] = replace(document, root=copied(document.root))
                found += _maps([self.found[index]])
        return found

    def lay(
        self,
        below: Iterable[_Map],
        above: Iterable[_Map],
        path: tuple[str, ...],
        keys: AbstractSet[str] | None = None,
        missing: _Missing | None = None,
    ) -> None:
        """Take away below what the maps above replace or remove, and above what only removes."""
        held = _holders(below)
        for key, upper in _holders(above).items():
            lower, here = held.get(key, []), (*path, key)
            if keys is not None and key not in keys:
                continue
            if any(one.value[key] is None for one in upper):
                self.remove(here, lower, upper, missing or _Missing(key, held.keys()))
                continue
            maps = [deeper for one in upper for deeper in one.inside(key)]
            for one in lower:
                if not maps or not isinstance(one.value[key], YamlMap):
                    del one.value[key]
            if not lower and path == (TEMPLATES,):
                continue  # a template of its own: what has no value in it is a parameter, or wrong as ever
            lost = missing if lower else missing or _Missing(key, held.keys())
            self.lay([deeper for one in lower for deeper in one.inside(key)], maps, here, None, lost)

    def remove(self, path: tuple[str, ...], lower: list[_Map], upper: list[_Map], missing: _Missing) -> None:
        """Remove a key; it must be there."""
        key, name = path[-1], ".".join(map(shown, path))
        self.removed["" if path[0] == TEMPLATES else self.namespace, *path] = upper[0].place(key)
        if len(upper) > 1:
            message = f"`{name}` is given twice in one overlay, and one of them removes it"
            self.complain(message, upper[1].place(key), f"first at {upper[0].place(key)}; keep one of them")
        elif not lower and not self.removed_file(path) and self.whole:
            message = f"`{name}` cannot be removed: nothing that this lies over has it"
            self.complain(message, upper[0].place(key), nearest(missing.key, missing.known))
        for one in (*lower, *(one for one in upper if one.value[key] is None)):
            del one.value[key]

    def lost(self, *path: str) -> str:
        """Where an overlay removes what is missed of the templates, "" where none does."""
        place = self.removed.get(("", *path))
        return f"removed at {place}" if place else ""

    def removed_file(self, path: tuple[str, ...]) -> bool:
        """Remove a policy that is a file; whether there is one."""
        for folder, files in ((POLICIES, self.project.policies), (PASSWORD_POLICIES, self.project.password_policies)):
            name = f"{folder}/{path[-1]}.hcl"
            if path[:-1] == (_section(folder),) and not self.namespace and name not in self.gone:
                self.gone.update(file.name for file in files if file.name == name)
                if name in self.gone:
                    return True
        return path[:-1] == (_section(POLICIES),) and any([*self.dropped(path[-1])])

    def dropped(self, policy: str) -> Iterator[str]:
        """Remove a policy from the folders that documents of the namespace name."""
        for index, document in enumerate(self.found):
            if document.namespace == self.namespace and _has(document, {_FROM_FOLDER}):
                for name in _names_in_folder(self.project, document) - document.dropped:
                    if PurePosixPath(name).stem == policy:
                        self.found[index] = replace(document, dropped=document.dropped | {name})
                        yield name


def _section(folder: str) -> str:
    return catalogue.all_kinds()[FOLDERS[folder]].section


def _has(document: YamlDocument, keys: AbstractSet[str]) -> bool:
    return document.root is not None and not keys.isdisjoint(document.root)


def _part(document: YamlDocument, layer: int, keys: AbstractSet[str]) -> YamlDocument:
    root = document.root if document.root is not None else YamlMap(document.place)
    return replace(document, root=copied(root, (root.keys() - keys) | (_ADDED.keys() & _nothing(root))), layer=layer)


def _nothing(value: YamlMap) -> set[str]:
    return {key for key, item in value.items() if item is None}


def _maps(documents: Iterable[YamlDocument]) -> list[_Map]:
    return [_Map(document.root, document.file) for document in documents if document.root is not None]


def _holders(maps: Iterable[_Map]) -> dict[str, list[_Map]]:
    """The maps that hold each key."""
    found: dict[str, list[_Map]] = {}
    for one in maps:
        for key in one.value:
            found.setdefault(key, []).append(one)
    return found


def _names_in_folder(project: Project, document: YamlDocument) -> set[str]:
    """The policy files of the folder that a document names; what is wrong with the folder is said where it is read."""
    written = document.root.get(_FROM_FOLDER) if document.root is not None else None
    try:
        inside = references.inside(str(written), PurePosixPath(document.file).parent)
        folder = path_inside(project.root, inside).relative_to(project.root).as_posix()
    except ValueError:
        return set()
    return {file.name for file in policies_in(project.root, folder)[0]}
