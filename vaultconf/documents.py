"""Documents → declarations: which objects the files name, with every field and where it was written.

The walk follows the kinds' YAML templates. Nothing is judged here but the shape: unknown keys, things said twice,
references that cannot be meant.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from vaultconf import catalogue, references
from vaultconf.errors import Place, Problem, nearest
from vaultconf.kind import Kind
from vaultconf.project import Project, TextFile, read_text
from vaultconf.strict_yaml import YamlDocument, YamlList, YamlMap

RESERVED = "vaultconf"
_PLAIN_KEYS = frozenset({"owner", "namespace"})

MountKey = tuple[str, str, str]  # namespace, section, mount path
Part = str


@dataclass(slots=True)
class Declaration:
    """One object under construction: what was said of it so far, in any document."""

    kind: Kind
    namespace: str
    params: Mapping[str, str]
    place: Place
    owner: str = ""
    fields: dict[str, object] = field(default_factory=dict, repr=False)
    places: dict[str, Place] = field(default_factory=dict)
    guidance: YamlMap | None = None

    @property
    def path(self) -> str:
        return self.kind.path_of(self.params)


@dataclass(slots=True)
class Declarations:
    """All declarations of a run, the mounts that were opened without a type, and every problem."""

    objects: dict[tuple[str, str], Declaration] = field(default_factory=dict)
    foreign: dict[MountKey, Place] = field(default_factory=dict)
    unchecked: list[Place] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def declare(project: Project, types: Mapping[MountKey, str]) -> Declarations:
    """Gather the declarations of a project; `types` are those of mounts that only the server knows."""
    found = Declarations(problems=list(project.problems))
    walk = _Walk(project, types, found)
    for document in project.documents:
        walk.document(document)
    for kind, files in (("acl_policy", project.policies), ("password_policy", project.password_policies)):
        for file in files:
            walk.policy_file(catalogue.all_kinds()[kind], file)
    return found


def _types_of(documents: Iterable[YamlDocument]) -> dict[MountKey, str]:
    """The types of mounts, wherever in the project they are written."""
    types: dict[MountKey, str] = {}
    for document in documents:
        root: Mapping[str, object] = document.root if document.root is not None else {}
        namespace = str(root.get("namespace", "")).strip("/")
        for section in ("secrets", "auth"):
            for mount, body in _items(root.get(section)):
                if isinstance(body, Mapping) and isinstance(body.get("type"), str):
                    types[namespace, section, mount] = str(body["type"])
                elif (section, mount) == ("auth", "token"):
                    types[namespace, section, mount] = "token"
    return types


def _items(value: object) -> Iterable[tuple[str, object]]:
    return value.items() if isinstance(value, Mapping) else ()


class _Walk:
    """Walks documents into declarations."""

    def __init__(self, project: Project, types: Mapping[MountKey, str], found: Declarations) -> None:
        self.project = project
        self.declared = _types_of(project.documents)
        self.types = {**types, **self.declared}
        self.found = found
        self.file = ""
        self.folder = PurePosixPath()
        self.namespace = ""
        self.owner = ""

    def complain(self, message: str, place: Place, hint: str = "") -> None:
        self.found.problems.append(Problem(message, place, hint))

    def place(self, at: tuple[int, int]) -> Place:
        return Place(self.file, *at)

    def document(self, document: YamlDocument) -> None:
        root = document.root
        if root is None:
            return
        self.file, self.folder = document.file, PurePosixPath(document.file).parent
        self.owner = self.plain(root, "owner")
        self.namespace = self.plain(root, "namespace").strip("/")
        for key, value in root.items():
            if key in catalogue.sections():
                self.section(key, value, self.place(root.places[key]))
            elif key in catalogue.NOT_YET:
                self.complain(f"`{key}` is not in this version", self.place(root.key_places[key]))
            elif key not in _PLAIN_KEYS:
                known = catalogue.sections() | _PLAIN_KEYS | catalogue.NOT_YET
                self.complain(f"unknown key `{shown(key)}`", self.place(root.key_places[key]), nearest(key, known))

    def plain(self, root: YamlMap, key: str) -> str:
        value = root.get(key, "")
        if not isinstance(value, str) or "${" in value:
            self.complain(f"`{key}` must be plain text", self.place(root.places[key]))
            return ""
        return value

    def section(self, section: str, value: object, place: Place) -> None:
        mount_kind = catalogue.mount_kind(section)
        if mount_kind is None:
            kinds = [(kind, kind.yaml.split(".")[1:]) for kind in catalogue.all_kinds().values()]
            self.level(value, place, [(kind, parts) for kind, parts in kinds if kind.section == section], {})
            return
        for mount, body, at in self.entries(value, place):
            self.mount(mount_kind, section, mount, body, at)

    def entries(self, value: object, place: Place) -> Iterable[tuple[str, object, Place]]:
        """The entries of a map, each with the place of its key; an empty value is an empty map."""
        if value is None:
            return
        if not isinstance(value, YamlMap):
            self.complain("must be a map", place)
            return
        for key, item in value.items():
            at = self.place(value.key_places[key])
            if "${" in key:
                self.complain("a key cannot hold a reference", at)
            else:
                yield key, item, at

    def level(
        self, value: object, place: Place, kinds: Sequence[tuple[Kind, list[Part]]], params: dict[str, str]
    ) -> None:
        """One level of the tree: `kinds` with the rest of their templates."""
        ended = [kind for kind, parts in kinds if not parts]
        if ended:
            self.one_object(ended[0], value, place, params)
            return
        for key, item, at in self.entries(value, place):
            hole = next((parts[0] for _, parts in kinds if parts[0].startswith("{")), "")
            deeper = [(kind, parts[1:]) for kind, parts in kinds if parts[0] in (key, hole)]
            if not deeper:
                known = {parts[0] for _, parts in kinds}
                self.complain(f"unknown key `{shown(key)}`", at, nearest(key, known))
                continue
            self.level(item, at, deeper, {**params, hole[1:-1]: key} if hole else params)

    def mount(self, kind: Kind, section: str, mount: str, body: object, place: Place) -> None:
        """A mount's own fields, and what stands in it; without a type in any document it is somebody else's."""
        key = (self.namespace, section, mount)
        mount_type = self.types.get(key, mount if mount in catalogue.known_types(section) else "")
        own, below = self.split(kind, section, mount_type, body, place)
        if key not in self.declared:
            if own:
                self.complain(
                    f"`{section}.{shown(mount)}` needs a `type`; without one it is somebody else's mount", place
                )
            self.found.foreign.setdefault(key, place)
        elif own or mount not in kind.partial:
            self.one_object(kind, own, place, {"mount": mount})
        children = catalogue.children_of(section, mount_type)
        for name, item, at in below:
            if len(children[name]) > 1:
                self.found.unchecked.append(at)
            else:
                self.level(item, at, [(children[name][0], children[name][0].yaml.split(".")[3:])], {"mount": mount})

    def split(
        self, kind: Kind, section: str, mount_type: str, body: object, place: Place
    ) -> tuple[YamlMap | None, list[tuple[str, object, Place]]]:
        """Split a mount's body into its own fields and what stands in it."""
        if body is None:
            return None, []
        if not isinstance(body, YamlMap):
            self.complain("must be a map", place)
            return None, []
        own, below = YamlMap(body.place), []
        fields = {name.split(".")[0] for name in kind.fields} | {RESERVED}
        anywhere = catalogue.children_of(section)
        here = catalogue.children_of(section, mount_type)
        for key, item, at in self.entries(body, place):
            if key in here:
                below.append((key, item, at))
            elif key in fields:
                own[key] = item
                own.key_places[key], own.places[key] = body.key_places[key], body.places[key]
            elif mount_type and mount_type not in catalogue.known_types(section):
                self.complain(f"`{shown(key)}` of a mount of type `{shown(mount_type)}` is not in this version", at)
            else:
                hint = nearest(key, fields | here.keys() | (set() if mount_type else anywhere.keys()))
                self.complain(f"unknown key `{shown(key)}`", at, hint)
        return own, below

    def one_object(self, kind: Kind, value: object, place: Place, params: dict[str, str]) -> None:
        """One object's body, merged with what other documents said of it."""
        declaration = self.declaration(kind, params, place)
        if value is None:
            return
        if kind.is_mount and isinstance(value, YamlMap) and "type" in value:
            declaration.place = place
        if not isinstance(value, YamlMap):
            self.complain("must be a map of fields", place)
            return
        self.body(declaration, value, "", kind)

    def declaration(self, kind: Kind, params: dict[str, str], place: Place) -> Declaration:
        fresh = Declaration(kind, self.namespace, params, place, self.owner)
        declaration = self.found.objects.setdefault((self.namespace, fresh.path), fresh)
        declaration.owner = declaration.owner or self.owner
        return declaration

    def body(self, declaration: Declaration, value: YamlMap, prefix: str, kind: Kind) -> None:
        for key, item in value.items():
            at = self.place(value.key_places[key])
            name = prefix + key
            if name == RESERVED:
                self.guidance(declaration, item, at)
            elif name == "file" and any(spec.marks.from_file for spec in kind.fields.values()):
                self.text_file(declaration, item, self.place(value.places[key]))
            elif name in kind.fields:
                self.say(declaration, name, self.read(item, self.place(value.places[key])), at)
            elif any(known.startswith(f"{name}.") for known in kind.fields):
                self.nested(declaration, item, name, self.place(value.places[key]))
            else:
                self.unknown(kind, key, prefix, at)

    def nested(self, declaration: Declaration, item: object, name: str, place: Place) -> None:
        if isinstance(item, YamlMap):
            self.body(declaration, item, f"{name}.", declaration.kind)
        elif item is not None:
            self.complain(f"`{name}` must be a map", place)

    def unknown(self, kind: Kind, key: str, prefix: str, place: Place) -> None:
        if (new := kind.old_names.get(prefix + key)) is not None:
            self.complain(f"`{key}` is an old name", place, f"write `{new}`")
            return
        known = {name[len(prefix) :].split(".")[0] for name in kind.fields if name.startswith(prefix)}
        files = {"file"} if any(spec.marks.from_file for spec in kind.fields.values()) else set()
        self.complain(f"unknown field `{shown(prefix + key)}`", place, nearest(key, known | files | {RESERVED}))

    def say(self, declaration: Declaration, name: str, value: object, place: Place) -> None:
        """Note one field; each is said once in the whole project, only a mount's type may be repeated."""
        first = declaration.places.get(name)
        repeatable = name == "type" and declaration.kind.is_mount and declaration.fields.get(name) == value
        if first is not None and not repeatable:
            subject = f"`{declaration.path}`: `{name}` is declared already"
            self.complain(subject, place, f"first at {first}")
            return
        declaration.fields.setdefault(name, value)
        declaration.places.setdefault(name, place)

    def guidance(self, declaration: Declaration, item: object, place: Place) -> None:
        if not isinstance(item, YamlMap):
            self.complain(f"`{RESERVED}` must be a map", place)
        elif declaration.guidance is not None:
            self.complain(f"`{RESERVED}` is declared already", place, f"first at {declaration.places[RESERVED]}")
        else:
            declaration.guidance = item
            declaration.places[RESERVED] = place

    def text_file(self, declaration: Declaration, item: object, place: Place) -> None:
        """`file:` names a policy file beside the document; those of `policies/` itself are declared already."""
        name = next(spec.name for spec in declaration.kind.fields.values() if spec.marks.from_file)
        if not isinstance(item, str) or "${" in item or not item:
            self.complain("`file` must be a path relative to this file", place)
            return
        try:
            target = references.inside(item, self.folder)
            declared = {file.name for file in (*self.project.policies, *self.project.password_policies)}
            if target in declared:
                kept = PurePosixPath(target).parent
                self.complain(f"`{target}` is declared already: every .hcl file of `{kept}/` is a policy", place)
                return
            text = read_text(self.project.root, target)
        except (ValueError, references.BadReference) as error:
            self.complain(str(error), place)
            return
        self.say(declaration, name, text, place)
        declaration.places[f"{name}@text"] = Place(target, 1, 1)

    def policy_file(self, kind: Kind, file: TextFile) -> None:
        """A file of `policies/` is a policy of the base namespace, named after its stem."""
        self.file, self.namespace, self.owner = file.name, "", ""
        place = Place(file.name, 1, 1)
        declaration = self.declaration(kind, {"name": PurePosixPath(file.name).stem}, place)
        name = next(spec.name for spec in kind.fields.values() if spec.marks.from_file)
        self.say(declaration, name, file.text, place)
        declaration.places[f"{name}@text"] = place

    def read(self, value: object, place: Place) -> object:
        """Find the references in a value; `$${` becomes `${`."""
        if isinstance(value, str):
            try:
                return references.parse(value, self.folder) if "${" in value else value
            except references.BadReference as error:
                self.complain(str(error), place, error.hint)
                return ""
        if isinstance(value, YamlMap):
            for key in value:
                if "${" in key:
                    self.complain("a key cannot hold a reference", self.place(value.key_places[key]))
            return {key: self.read(item, self.place(value.places[key])) for key, item in value.items()}
        if isinstance(value, YamlList):
            return [self.read(item, self.place(value.places[index])) for index, item in enumerate(value)]
        return value


def shown(text: Any) -> str:
    """A key as it may stand in a message: short, and on one line."""
    word = "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in str(text))
    return word if len(word) <= 60 else f"{word[:57]}..."
