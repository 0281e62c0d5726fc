"""Where in the files of a project something stands, or belongs. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from vaultconf import export_files, references
from vaultconf.errors import Place
from vaultconf.kind_facts import keys_of
from vaultconf.model import Desired
from vaultconf.project import DESIRED_STATE, Project
from vaultconf.yaml_nodes import Node, parse, positions
from vaultconf.yaml_values import YamlDocument, YamlMap

_BOM = "\ufeff"


@dataclass(frozen=True)
class RawFile:
    """A YAML file as it is on disk, without the byte order mark that it may begin with."""

    name: str
    text: str
    bom: str

    @cached_property
    def roots(self) -> list[Node]:
        """Its documents."""
        return parse(self.text)

    @cached_property
    def spots(self) -> Mapping[tuple[int, int], tuple[int, tuple[str, ...]]]:
        """For the place of each key the number of its document, and the keys as they are written that lead to it."""
        return {at: (number, path) for number, root in enumerate(self.roots) for at, path in positions(root)}


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in the tree of a document: `keys` are as they are written; `number` None for a document to be added."""

    file: str
    number: int | None
    keys: tuple[str, ...]
    namespace: str = ""


class Sources:
    """The YAML files that declare objects, and where new ones belong."""

    def __init__(self, loaded: Project) -> None:
        self.project = loaded
        self.files: dict[str, RawFile] = {}
        for name, data in loaded.sources.items():
            if name.startswith(f"{DESIRED_STATE}/"):
                text = data.decode("utf-8")
                self.files[name] = RawFile(name, text.removeprefix(_BOM), _BOM if text.startswith(_BOM) else "")
        self.documents = [
            item for item in loaded.documents if item.home is None and item.root is not None and item.file in self.files
        ]
        self.chosen: dict[tuple[str, str, str], Spot] = {}

    def spot(self, place: Place) -> Spot | None:
        """What stands at the place of a key; None where no document of the desired state has it."""
        file = self.files.get(place.file)
        found = file.spots.get((place.line, place.column)) if file is not None else None
        return Spot(place.file, *found) if found is not None else None

    def body(self, item: Desired) -> Spot | None:
        """Where a declared object is written: there where it is named first, if that is in a document."""
        keys = keys_of(item.kind, item.params)
        found = [spot for document in self.of(item.address.namespace) if (spot := self.whole(document, keys))]
        first = self.spot(item.place)
        return next((spot for spot in found if spot == first), next(iter(found), None))

    def of(self, namespace: str) -> Iterator[YamlDocument]:
        """The documents of a namespace, without what templates make."""
        for document in self.documents:
            if document.root is not None and document.root.get("namespace", "") == namespace:
                yield document

    def whole(self, document: YamlDocument, keys: list[str]) -> Spot | None:
        """The spot to which keys lead, where all of them are there."""
        known, spot = self.reached(document, keys)
        return spot if known == len(keys) else None

    def reached(self, document: YamlDocument, keys: list[str]) -> tuple[int, Spot | None]:
        """How many of the keys are there, and the spot of the last of these; variables in them are in place."""
        value, last = document.root, None
        for number, key in enumerate(keys):
            if not isinstance(value, YamlMap) or key not in value:
                return number, self.spot(Place(document.file, *last)) if last is not None else None
            last, value = value.key_places[key], value[key]  # type: ignore[assignment]  # judged in the next round
        return len(keys), self.spot(Place(document.file, *last)) if last is not None else None

    def home(self, item: Desired) -> Spot:
        """Where something that no file declares belongs: beside its like, or where an export would put it."""
        kind, namespace, keys = item.kind, item.address.namespace, keys_of(item.kind, item.params)
        mount = (namespace, keys[0], keys[1]) if kind.in_mount or kind.is_mount else ("", "", "")
        if kind.in_mount and mount in self.chosen:
            base = self.chosen[mount]
            return Spot(base.file, base.number, (*base.keys, *keys[2:]), namespace)
        file = export_files.file_of(item)
        document = self.document(item, keys)
        document = document or next((other for other in self.of(namespace) if other.file == file), None)
        number = self.number(document) if document is not None else None
        if document is None or number is None:
            found = Spot(file, None, tuple(keys), namespace)
        else:
            known, last = self.reached(document, keys)
            found = Spot(document.file, number, (*(last.keys if last else ()), *keys[known:]), namespace)
        if kind.is_mount:
            self.chosen[mount] = found
        return found

    def document(self, item: Desired, keys: list[str]) -> YamlDocument | None:
        """The document with most of its like; of what is in a mount, of those that open the mount."""
        needed = keys[:2] if item.kind.in_mount else keys[:-1]
        like = keys[:-1] if item.kind.named or item.kind.is_mount else needed
        found = [
            (_count(document, like), document)
            for document in self.of(item.address.namespace)
            if _at(document, needed) is not None or (item.kind.in_mount and self.whole(document, needed))
        ]
        if not item.kind.in_mount:
            found = [(count, document) for count, document in found if count]
        if not found:
            return None
        count, best = max(found, key=lambda pair: pair[0])
        alone = item.kind.is_mount and count == 1 and (len(found) > 1 or self.is_of_mount(best, keys[0]))
        return None if alone else best

    def is_of_mount(self, document: YamlDocument, section: str) -> bool:
        """Whether a file is named after the one mount in it, so that another belongs into a file of its own."""
        mounts = _at(document, [section])
        names = [name.replace("/", "-") for name in mounts] if isinstance(mounts, YamlMap) else []
        return PurePosixPath(document.file).stem in names

    def number(self, document: YamlDocument) -> int | None:
        """Which of the documents of its file it is; None where it holds no key to tell."""
        assert document.root is not None  # noqa: S101 - those without are left out
        first = next(iter(document.root.key_places.values()), None)
        spot = self.spot(Place(document.file, *first)) if first is not None else None
        return spot.number if spot is not None else None

    def like(self, item: Desired) -> int:
        """How many of its like the document with most of them has."""
        above = keys_of(item.kind, item.params)[:-1]
        return max((_count(document, above) for document in self.of(item.address.namespace)), default=0)

    def folders(self, namespace: str) -> Iterator[str]:
        """The folders whose .hcl files are the policies of a namespace."""
        for document in self.of(namespace):
            written = document.root.get("policies_from") if document.root is not None else None
            if isinstance(written, str):
                yield references.inside(written, PurePosixPath(document.file).parent)


def _at(document: YamlDocument, keys: list[str]) -> object:
    """What stands at the end of keys; None where nothing does."""
    value: object = document.root
    for key in keys:
        value = value.get(key) if isinstance(value, YamlMap) else None
    return value


def _count(document: YamlDocument, keys: list[str]) -> int:
    found = _at(document, keys)
    return len(found) if isinstance(found, YamlMap) else 0
