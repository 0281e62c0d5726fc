"""Objects → the files of a project: one for each mount, one for each other section, a `.hcl` for each policy. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from vaultconf import references, settings, yaml_writer
from vaultconf.documents import FOLDERS
from vaultconf.kind import Kind
from vaultconf.kind_facts import from_file, keys_of
from vaultconf.model import Desired
from vaultconf.project import DESIRED_STATE
from vaultconf.references import Deferred

_NAMESPACES = "namespaces"
_PLAIN_FOLDER = "acl"
#: What a file can be called.
STEM = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,120}")
_FOLDER_OF = {kind: folder for folder, kind in FOLDERS.items()}

Tree = dict[str, object]


def settings_file(external: Iterable[str], product: str = "") -> dict[str, str]:
    """`vaultconf.yaml`, with what is named and declared nowhere."""
    tree: Tree = {"version": 1}
    if listed := sorted(external):
        tree["external"] = listed
    if product:
        tree["server"] = {"product": product}
    return {settings.FILE: yaml_writer.dump(tree)}


def files(objects: Iterable[Desired]) -> dict[str, str]:
    """The text of every file by its path below the project's folder."""
    layout = _Layout()
    for item in sorted(objects, key=_order):
        layout.add(item)
    found = {path: yaml_writer.dump(tree) for path, tree in layout.documents.items()}
    return dict(sorted({**found, **layout.texts}.items()))


def _order(item: Desired) -> tuple[str, bool, bool, str, list[str]]:
    """Namespaces apart; of a mount its own fields first, then configurations, then collections by name."""
    kind = item.kind
    return item.address.namespace, not kind.is_mount, kind.named, kind.yaml, list(item.params.values())


def file_of(item: Desired) -> str:
    """The path of the YAML file into which an export would put an object, were there no other."""
    return _Layout().place(item)


class _Layout:
    """Gathers files. No two paths differ in case alone: not every file system could hold both."""

    def __init__(self) -> None:
        self.documents: dict[str, Tree] = {}
        self.texts: dict[str, str] = {}
        self.places: dict[tuple[str, str, str], str] = {}
        self.taken: set[str] = set()

    def add(self, item: Desired) -> None:
        """Put an object into its file, or its text into one of its own."""
        values = dict(item.values)
        folder = _FOLDER_OF.get(item.kind.name, "")
        if folder:
            name, text = from_file(item.kind), str(values.get(from_file(item.kind), ""))
            path = self.text_file(item, folder, text)
            if path and not item.address.namespace:
                values.pop(name)
                if not values:
                    return
            elif path:
                values[name] = _Beside(path)
        self.declare(item, values)

    def text_file(self, item: Desired, folder: str, text: str) -> str:
        """A file for the text, "" where no file can bear the object's name."""
        stem = item.params[item.kind.holes[-1]]
        root, _, rest = folder.partition("/")
        inside = f"{root}/{_NAMESPACES}/{_slugs(item.address.namespace)}/{rest or _PLAIN_FOLDER}"
        path = f"{inside if item.address.namespace else folder}/{stem}.hcl"
        if not STEM.fullmatch(stem) or path.casefold() in self.taken or not encodable(text):
            return ""
        self.taken.add(path.casefold())
        self.texts[path] = references.literal_in_file(text) + "\n"
        return path

    def declare(self, item: Desired, values: Mapping[str, object]) -> None:
        """Write an object into the document of its mount or section."""
        document = self.document(item)
        *parents, last = keys_of(item.kind, item.params)
        target = document
        for part in parents:
            target = _below(target, part)
        depth = self.place(item).count("/")
        _below(target, last).update(body(item.kind, values, lambda path: "../" * depth + path))

    def document(self, item: Desired) -> Tree:
        path = self.place(item)
        if path not in self.documents:
            namespace = item.address.namespace
            self.documents[path] = {"namespace": namespace} if namespace else {}
        return self.documents[path]

    def place(self, item: Desired) -> str:
        """The file of an object: its mount's, or its section's."""
        kind, namespace = item.kind, item.address.namespace
        mount = item.params["mount"] if kind.in_mount or kind.is_mount else ""
        key = (namespace, kind.section, mount)
        if key not in self.places:
            inside = f"{_NAMESPACES}/{_slugs(namespace)}/" if namespace else ""
            stem = f"{kind.section}/{_slugs(mount)}" if mount else kind.section
            self.places[key] = self.free(f"{DESIRED_STATE}/{inside}{stem}")
        return self.places[key]

    def free(self, stem: str) -> str:
        """A path that is not taken."""
        path, number = f"{stem}.yaml", 2
        while path.casefold() in self.taken:
            path, number = f"{stem}-{number}.yaml", number + 1
        self.taken.add(path.casefold())
        return path


class _Beside(str):
    """The path of a file that holds the value."""

    __slots__ = ()


def _below(tree: Tree, key: str) -> Tree:
    inner = tree.setdefault(key, {})
    assert isinstance(inner, dict)  # noqa: S101 - every level above a field is a map
    return inner


def body(kind: Kind, values: Mapping[str, object], relative: Callable[[str], str]) -> Tree:
    """The fields of an object as YAML, nested as their dotted names say."""
    found: Tree = {}
    for name, value in values.items():
        *parents, leaf = name.split(".")
        target = found
        for part in parents:
            target = _below(target, part)
        if isinstance(value, _Beside):
            target["file"] = relative(value)
        elif isinstance(value, Deferred):
            target[leaf] = "".join(map(str, value.references))
        else:
            target[leaf] = references.literals(kind.fields[name].codec.to_yaml(value))
    return found


def _slug(name: str) -> str:
    """A name for a file that leads nowhere else."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip(".-")[:100] or "unnamed"


def _slugs(path: str) -> str:
    return "/".join(map(_slug, path.split("/")))


def encodable(text: str) -> bool:
    """Whether a file can hold a text of a server."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
