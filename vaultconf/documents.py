"""Documents → declarations: which objects the files name, with every field and where it was written.

The walk follows the kinds' YAML templates. Nothing is judged here but the shape: unknown keys, things said twice,
references that cannot be meant.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import PurePosixPath

from vaultconf import catalogue, mount_types
from vaultconf.address import bad_namespace, unsafe_segment
from vaultconf.bodies import Bodies, Scope
from vaultconf.catalogue import Level
from vaultconf.declarations import RESERVED, Declarations, MountKey
from vaultconf.errors import Place, nearest
from vaultconf.kind import Kind
from vaultconf.kind_facts import from_file
from vaultconf.makers import says_nothing
from vaultconf.project import PASSWORD_POLICIES, POLICIES, Project, TextFile, policies_in
from vaultconf.strict_yaml import YamlDocument, YamlMap
from vaultconf.yaml_text import shown

#: The kinds whose objects are the files of a folder.
FOLDERS: Mapping[str, str] = {POLICIES: "acl_policy", PASSWORD_POLICIES: "password_policy"}
_PLAIN_KEYS = frozenset({"owner", "namespace"})
_FROM_FOLDER = "policies_from"
#: What `templates.expand` has taken out before the walk.
_ALSO_KNOWN = frozenset({"templates", "use", _FROM_FOLDER})
#: First segments of a path where no server mounts a secrets engine (seen on OpenBao 2.7).
_TAKEN = frozenset({"sys", "auth", "audit", "cubbyhole", "identity"})

Child = tuple[str, object, Place]  # key, value, place of the key


def declare(project: Project, types: Mapping[MountKey, str]) -> Declarations:
    """Gather the declarations of a project; `types` are those of mounts that only the server knows."""
    problems = list(project.problems)
    found = Declarations(problems=problems, whole=project.whole, sources=project.sources, removed=project.removed)
    walk = _Walk(project, types, found)
    for document in project.documents:
        walk.document(document)
    walk.bodies.layer = 0
    for folder, files in ((POLICIES, project.policies), (PASSWORD_POLICIES, project.password_policies)):
        for file in files:
            walk.policy_file(catalogue.all_kinds()[FOLDERS[folder]], file, Scope(file.name))
    walk.nested_mounts()
    return found


class _Walk:
    """Walks documents into declarations. `declared` are the mounts to which some document gives a type."""

    def __init__(self, project: Project, types: Mapping[MountKey, str], found: Declarations) -> None:
        self.found = found
        self.bodies = Bodies(project, found)
        self.complain = self.bodies.complain
        self.declared, self.type_places = mount_types.written(project.documents, self.bodies.bad)
        self.types = {**types, **self.declared}
        self.mount_places: dict[MountKey, Place] = {}
        self.folders: dict[tuple[str, str], Place] = {}
        self.scope = Scope("")

    def document(self, document: YamlDocument) -> None:
        root, head = document.root, document.home or document
        if root is None or head.root is None:
            return
        self.scope = Scope(head.file)
        namespace, owner = self.namespace(head.root), self.plain(head.root, "owner")
        self.scope = Scope(document.file, namespace, owner, document.use, document.params)
        self.bodies.layer = document.layer
        for key, value in root.items():
            place = self.scope.place(root.key_places[key])
            if key in catalogue.sections():
                self.section(key, value, self.scope.place(root.places[key]))
            elif key in catalogue.NOT_YET:
                self.complain(f"`{key}` is not in this version", place)
            elif key == _FROM_FOLDER:
                self.policies_from(value, self.scope.place(root.places[key]), document.dropped)
            elif key not in _PLAIN_KEYS:
                known = catalogue.sections() | _PLAIN_KEYS | _ALSO_KNOWN | catalogue.NOT_YET
                self.complain(f"unknown key `{shown(key)}`", place, nearest(key, known))

    def plain(self, root: YamlMap, key: str) -> str:
        value = root.get(key, "")
        if isinstance(value, str) and "${" not in value:
            return value
        hint = "no references here" if isinstance(value, str) else "put it in quotes"
        self.complain(f"`{key}` must be plain text", self.scope.place(root.places[key]), hint)
        return ""

    def namespace(self, root: YamlMap) -> str:
        """The namespace of a document; a bad one is kept, so that its objects are not taken for the base's."""
        text = self.plain(root, "namespace")
        if text and (reason := bad_namespace(text)) is not None:
            good = text.strip("/")
            hint = f"write `{shown(good)}`" if good and bad_namespace(good) is None else ""
            self.complain(f"the namespace `{shown(text)}` {reason}", self.scope.place(root.places["namespace"]), hint)
        return text if isinstance(root.get("namespace", ""), str) else "?"

    def section(self, section: str, value: object, place: Place) -> None:
        mount_kind = catalogue.mount_kind(section)
        if mount_kind is None:
            self.level(value, place, catalogue.levels(section), {})
            return
        for mount, body, at in self.entries(value, place):
            self.mount(mount_kind, section, mount, body, at)

    def entries(self, value: object, place: Place) -> Iterable[Child]:
        """The entries of a map, each with the place of its key; an empty value is an empty map."""
        if value is None:
            return
        if not isinstance(value, YamlMap):
            self.complain("must be a map", place)
            return
        for key, item in value.items():
            at = self.scope.place(value.key_places[key])
            if "${" in key:
                self.complain("a key cannot hold a reference", at)
            else:
                yield key, item, at

    def level(self, value: object, place: Place, kinds: Sequence[Level], params: dict[str, str]) -> None:
        """One level of the tree: `kinds` with the rest of their templates."""
        ended = [kind for kind, parts in kinds if not parts]
        if ended:
            self.bodies.one_object(self.scope, ended[0], value, place, params)
            return
        hole = next((parts[0] for _, parts in kinds if parts[0].startswith("{")), "")
        for key, item, at in self.entries(value, place):
            deeper = [(kind, parts[1:]) for kind, parts in kinds if parts[0] in (key, hole)]
            if not deeper:
                known = {parts[0] for _, parts in kinds}
                self.complain(f"unknown key `{shown(key)}`", at, nearest(key, known))
                continue
            self.level(item, at, deeper, {**params, hole[1:-1]: key} if hole else params)

    def mount(self, kind: Kind, section: str, mount: str, body: object, place: Place) -> None:
        """A mount's own fields, and what stands in it; without a type in any document it is somebody else's."""
        if not self.mount_name(section, mount, place):
            return
        key = (self.scope.namespace, section, mount)
        self.mount_places.setdefault(key, place)
        mount_type = self.types.get(key, mount if mount in catalogue.known_types(section) else "")
        own, below = self.split(key, mount_type, body, place)
        if key not in self.declared:
            if own:
                reason = "without one it is somebody else's mount"
                self.complain(f"`{section}.{shown(mount)}` needs a `type`; {reason}", place)
            self.found.foreign.setdefault(key, place)
        elif own or mount not in kind.partial:
            self.own(kind, own, place, mount, opens=bool(below))
        children = catalogue.children_of(section, mount_type)
        for name, item, at in below:
            if not mount_type and len(children[name]) > 1:
                self.found.unchecked.append(at)
                self.form(item, at)
            else:
                self.level(item, at, catalogue.levels_inside(section, mount_type, name), {"mount": mount})

    def own(self, kind: Kind, own: YamlMap | None, place: Place, mount: str, *, opens: bool) -> None:
        """A mount's own fields; one that is merely opened, for what stands in it, is open to any number of uses."""
        if opens and says_nothing(kind, own):
            declaration = self.bodies.declaration(self.scope, kind, {"mount": mount}, place)
            self.bodies.said(self.scope, declaration, own, place)
        else:
            self.bodies.one_object(self.scope, kind, own, place, {"mount": mount})

    def mount_name(self, section: str, mount: str, place: Place) -> bool:
        """Whether a mount can have this path."""
        if (reason := unsafe_segment(mount)) is not None:
            good = mount.strip("/")
            hint = f"write `{shown(good)}`" if good and unsafe_segment(good) is None else ""
            self.complain(f"the name `{shown(mount)}` {reason}", place, hint)
            return False
        first, slash, _ = mount.partition("/")
        if section == "secrets" and first in _TAKEN and (slash or first in ("auth", "audit")):
            self.complain(f"no secrets engine can be mounted at `{shown(mount)}`: `{first}/` is the server's", place)
            return False
        return True

    def form(self, value: object, place: Place) -> None:
        """Children whose kind only the server can tell: maps, plain keys, references that can be meant."""
        for key, item, at in self.entries(value, place):
            if isinstance(item, YamlMap):
                self.form(item, at)
            elif isinstance(value, YamlMap):
                self.bodies.read(self.scope, item, self.scope.place(value.places[key]))

    def split(self, mount: MountKey, mount_type: str, body: object, place: Place) -> tuple[YamlMap | None, list[Child]]:
        """Split a mount's body into its own fields and what stands in it."""
        section = mount[1]
        if body is None:
            return None, []
        if not isinstance(body, YamlMap):
            self.complain("must be a map", place)
            return None, []
        own, below = YamlMap(body.place), []
        fields = catalogue.own_keys(section) | {RESERVED}
        here = catalogue.children_of(section, mount_type)
        for key, item, at in self.entries(body, place):
            if key in here:
                below.append((key, item, at))
            elif key in fields:
                own[key] = item
                own.key_places[key], own.places[key] = body.key_places[key], body.places[key]
            else:
                self.unknown(mount, mount_type, key, at, fields | here.keys())
        return own, below

    def unknown(self, mount: MountKey, mount_type: str, key: str, place: Place, known: AbstractSet[str]) -> None:
        """A key of a mount that is neither a field nor a collection of this version."""
        section, typed = mount[1], self.type_places.get(mount)
        elsewhere = f"the type is written at {typed}" if typed is not None and typed.file != place.file else ""
        hint = "; ".join(filter(None, (nearest(key, known), elsewhere)))
        if mount_type and mount_type not in catalogue.known_types(section):
            meant = nearest(mount_type, catalogue.known_types(section))
            message = f"`{shown(key)}` of a mount of type `{shown(mount_type)}` is not in this version"
            self.complain(message, place, f"is the type right? {meant}" if meant else hint)
        else:
            where = f" of a mount of type `{shown(mount_type)}`" if mount_type else ""
            self.complain(f"unknown key `{shown(key)}`{where}", place, hint)

    def policy_file(self, kind: Kind, file: TextFile, scope: Scope) -> None:
        """A policy that is a file, named after its stem."""
        place = Place(file.name, 1, 1, scope.use)
        name = file.name[file.name.rindex("/") + 1 : -len(".hcl")]
        declaration = self.bodies.declaration(scope, kind, {"name": name}, place)
        self.bodies.text(declaration, from_file(kind), file, place)

    def policies_from(self, written: object, at: Place, dropped: AbstractSet[str]) -> None:
        """Every .hcl file of a folder is a policy of the document's namespace, but for the dropped ones."""
        if not isinstance(written, str) or "${" in written:
            self.complain(f"`{_FROM_FOLDER}` must be the path of a folder relative to this file, in plain text", at)
            return
        try:
            folder = self.bodies.policy_path(self.scope, written)
        except ValueError as error:
            self.complain(str(error), at)
            return
        if folder in FOLDERS:
            reason = f"every .hcl file of `{folder}/` is a policy"
            self.complain(f"`{shown(folder)}` is declared already: {reason}", at, "name another folder")
        elif not (self.bodies.project.root / folder).is_dir():
            self.complain(f"`{shown(written)}` is not a folder", at)
        elif self.folders.setdefault((self.scope.namespace, folder), at) is not at:
            first = f"first at {self.folders[self.scope.namespace, folder]}; keep one of them"
            self.complain(f"the policies of `{shown(folder)}` are declared already in this namespace", at, first)
        else:
            self.folder(folder, at, dropped)

    def folder(self, folder: str, at: Place, dropped: AbstractSet[str]) -> None:
        """The policies of a folder. Each is where its file is, in the use that names the folder."""
        files, problems = policies_in(self.bodies.project.root, folder)
        for problem in problems:
            self.complain(problem.message, problem.place or Place(folder, 1, 1), problem.hint)
        if not files and not problems:
            self.complain(f"`{shown(folder)}` holds no .hcl file", at, "its sub-folders are not read")
        layer, self.bodies.layer = self.bodies.layer, 0  # a file is added; it lies over nothing
        for file in files:
            if file.name not in dropped:
                kind = catalogue.all_kinds()[FOLDERS[POLICIES]]
                self.policy_file(kind, self.bodies.filled(self.scope, file), self.scope)
        self.bodies.layer = layer

    def nested_mounts(self) -> None:
        """No server takes a mount inside another one's path (seen on OpenBao 2.7)."""
        for (namespace, section, mount), place in self.mount_places.items():
            for parent in PurePosixPath(mount).parents:
                outer = self.mount_places.get((namespace, section, str(parent)))
                if outer is not None:
                    message = f"`{shown(mount)}` lies inside the mount `{shown(str(parent))}`: no server takes both"
                    self.complain(message, place, f"see {outer}")
