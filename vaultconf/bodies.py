"""The bodies of objects: which fields are said, where, and what may stand in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from vaultconf import layers, own_credentials, references
from vaultconf.declarations import RESERVED, WHOLE, Declaration, Declarations
from vaultconf.errors import NO_USE, Place, Problem, Use, nearest
from vaultconf.kind import Kind
from vaultconf.kind_facts import from_file
from vaultconf.makers import Maker, joined, says_nothing
from vaultconf.project import Project, TextFile, path_inside, read_text
from vaultconf.words import Filling, Words
from vaultconf.yaml_text import shown
from vaultconf.yaml_values import Word, YamlList, YamlMap


@dataclass(frozen=True, slots=True)
class Scope:
    """The document whose objects are read; of what a template makes, with its use and the words of it."""

    file: str
    namespace: str = ""
    owner: str = ""
    use: Use = NO_USE
    params: Mapping[str, Word] | None = None

    @property
    def folder(self) -> PurePosixPath:
        """Where paths in the document start from."""
        return PurePosixPath(self.file).parent

    def place(self, at: tuple[int, int]) -> Place:
        """A position in the document."""
        return Place(self.file, at[0], at[1], self.use)


class Bodies:
    """Turns the bodies of objects into declarations, and gathers problems.

    What the YAML reader has refused is not refused again: its places are `bad`.
    """

    def __init__(self, project: Project, found: Declarations) -> None:
        self.project = project
        self.found = found
        self.bad = {*(problem.place for problem in project.problems), *project.spoiled}
        self.declared_files = {file.name for file in (*project.policies, *project.password_policies)}
        self.logins = own_credentials.of_logins(project.settings.targets)
        self.named: dict[tuple[str, str], TextFile] = {}
        self.faults = self.layer = 0

    def complain(self, message: str, place: Place, hint: str = "") -> None:
        """Note a problem, but no second one where the YAML itself is one."""
        self.faults += 1
        if place.written not in self.bad:
            self.found.problems.append(Problem(message, place, hint))

    def one_object(self, scope: Scope, kind: Kind, value: object, place: Place, params: dict[str, str]) -> None:
        """One object's body, merged with what other documents said of it; another use's is an error."""
        found = self.declaration(scope, kind, params, place)
        if not self.layer or scope.params is not None:  # what an overlay says by hand makes none
            maker = Maker(place, scope.params, says_nothing(kind, value))
            other = next((one for one in found.makers if maker.excludes(one)), None)
            if other is not None:
                hint = f"first at {other.place}; each use makes objects of its own"
                self.complain(f"`{shown(found.path)}` is declared already", place, hint)
                found = Declaration(kind, found.namespace, params, place, found.path)
            found.makers = joined(found.makers, maker)
        self.said(scope, found, value, place)

    def said(self, scope: Scope, declaration: Declaration, value: object, place: Place) -> None:
        """What the body of an object says; an empty one is no field."""
        if self.layer:
            declaration.overlaid = place
        if value is None:
            return
        if not isinstance(value, YamlMap):
            self.complain("must be a map of fields", place)
            declaration.spoiled.add(WHOLE)
            return
        if declaration.kind.is_mount and "type" in value:
            declaration.place = place
        self.body(scope, declaration, value, "")

    def declaration(self, scope: Scope, kind: Kind, params: dict[str, str], place: Place) -> Declaration:
        """The declaration of an object, begun where it is named for the first time."""
        path = kind.path_of(params)
        key = (scope.namespace, path)
        found = self.found.objects.get(key)
        if found is None:
            found = self.found.objects[key] = Declaration(kind, scope.namespace, params, place, path, scope.owner)
        elif found.kind is not kind:
            self.complain(
                f"`{shown(path)}` is declared already, as {found.kind.title}", place, f"first at {found.place}"
            )
            return Declaration(kind, scope.namespace, params, place, path, scope.owner)
        elif not found.owner:
            found.owner = scope.owner
        return found

    def body(self, scope: Scope, declaration: Declaration, value: YamlMap, prefix: str) -> None:
        """The fields of an object, or of a map inside it."""
        kind = declaration.kind
        for key, item in value.items():
            at, value_at = scope.place(value.key_places[key]), scope.place(value.places[key])
            name = prefix + key
            if name == RESERVED:
                self.guidance(declaration, item, at)
            elif name in kind.fields:
                faults = self.faults
                read = self.read(scope, item, value_at)
                if self.say(declaration, name, read, at):
                    declaration.value_places[name] = value_at
                    if self.faults != faults:
                        declaration.spoiled.add(name)
            elif name == "file" and from_file(kind):
                self.text_file(scope, declaration, item, at, value_at)
            elif any(known.startswith(f"{name}.") for known in kind.fields):
                self.nested(scope, declaration, item, name, value_at)
            else:
                self.unknown(kind, key, prefix, at)

    def nested(self, scope: Scope, declaration: Declaration, item: object, name: str, place: Place) -> None:
        """A map of fields inside an object."""
        if isinstance(item, YamlMap):
            self.body(scope, declaration, item, f"{name}.")
        elif item is None:
            self.complain(f"`{name}` has no value: leave it out to get the server's defaults", place)
        else:
            self.complain(f"`{name}` must be a map", place)

    def unknown(self, kind: Kind, key: str, prefix: str, place: Place) -> None:
        """A key that the kind does not have."""
        if (new := kind.old_names.get(prefix + key)) is not None:
            self.complain(f"`{key}` is an old name", place, f"write `{new}`")
            return
        known = {name[len(prefix) :].split(".")[0] for name in kind.fields if name.startswith(prefix)}
        if not prefix:
            known |= {RESERVED, "file"} if from_file(kind) else {RESERVED}
        self.complain(f"unknown field `{shown(prefix + key)}`", place, nearest(key, known))

    def say(self, declaration: Declaration, name: str, value: object, place: Place) -> bool:
        """Note one field; each is said once in the whole project, only a mount's type may be repeated."""
        kind, own_name = declaration.kind, declaration.params.get(declaration.kind.holes[-1], "")
        if not name.startswith(kind.partial.get(own_name, "")):
            only = kind.partial[own_name].rstrip(".")
            self.complain(f"`{own_name}` is built in: only its `{only}` can be written", place)
            return False
        first = declaration.places.get(name)
        if first is None:
            declaration.fields[name] = value
            layers.said(declaration, name, self.layer, place)
            return True
        if layers.lies_over(declaration, name, self.layer, place):
            layers.lay_over(declaration, name, value, self.layer, place)
            return True
        if name != "type" or not kind.is_mount:
            subject = f"`{shown(declaration.path)}`: `{name}` is declared already"
            self.complain(subject, place, f"first at {first}; keep one of them")
        elif declaration.fields[name] != value:
            self.complain(f"`{shown(declaration.path)}` has another `type` already", place, f"first at {first}")
        return False

    def guidance(self, declaration: Declaration, item: object, place: Place) -> None:
        """The reserved key."""
        first = declaration.places.get(RESERVED)
        if not isinstance(item, YamlMap):
            self.complain(f"`{RESERVED}` must be a map", place)
        elif first is None or layers.lies_over(declaration, RESERVED, self.layer, place):
            layers.guide(declaration, item, self.layer, place)
        else:
            self.complain(f"`{RESERVED}` is declared already", place, f"first at {first}")

    def text_file(self, scope: Scope, declaration: Declaration, item: object, place: Place, at: Place) -> None:
        """`file:` names a policy file beside the document; those of `policies/` itself are declared already."""
        file = TextFile("", None)
        if not isinstance(item, str) or "${" in item:
            self.complain("`file` must be a path relative to this file, in plain text", at)
        else:
            try:
                file = self.named_file(scope, item)
            except ValueError as error:
                self.complain(str(error), at)
            if file.name in self.declared_files:
                self.already(declaration, file.name, place, at)
                return
            file = self.filled(scope, file)
        self.text(declaration, from_file(declaration.kind), file, place)

    def named_file(self, scope: Scope, written: str) -> TextFile:
        """The policy file that a document names, read once however many uses name it; one of `policies/` unread.

        Raises ValueError where it must not be named or cannot be read.
        """
        key = (scope.file, written)
        if key not in self.named:
            target = self.policy_path(scope, written)
            declared = target in self.declared_files
            self.named[key] = TextFile(target, None if declared else read_text(self.project.root, target))
        return self.named[key]

    def filled(self, scope: Scope, file: TextFile) -> TextFile:
        """A policy file that a document names, with its variables and the parameters of the use in place."""
        if file.text is None or "${" not in file.text:
            return file
        words = self.project.words
        filling = Filling(Words(words.vars, scope.params, words.target), file.name, scope.use)
        filled = replace(file, text=filling.policy(file.text))
        for problem in filling.problems:
            self.complain(problem.message, problem.place or Place(file.name, 1, 1), problem.hint)
        self.bad |= filling.spoiled
        return filled

    def policy_path(self, scope: Scope, written: str) -> str:
        """Where a policy file really lies. Raises ValueError where it must not be named."""
        target = references.inside(written, scope.folder)
        return path_inside(self.project.root, target).relative_to(self.project.root).as_posix()

    def already(self, declaration: Declaration, target: str, place: Place, at: Place) -> None:
        """A file of `policies/` named once more; it still gives its own policy the text."""
        kept = PurePosixPath(target)
        reason = f"every .hcl file of `{kept.parent}/` is a policy"
        self.complain(f"`{shown(target)}` is declared already: {reason}", at, "take one of the two away")
        if kept.stem != declaration.params[declaration.kind.holes[-1]]:
            self.text(declaration, from_file(declaration.kind), TextFile("", None), place)

    def text(self, declaration: Declaration, name: str, file: TextFile, place: Place) -> None:
        """The text of a policy file as a field; None counts as written, so that nothing seems to be missing."""
        text, offsets = references.in_file(file.text) if file.text is not None else ("", [])
        if not self.say(declaration, name, text, place):
            return
        for offset in offsets:
            line, start = text_line(file.text or "", offset)
            where = Place(file.name, line, offset - start + 1, place.use)
            self.complain("policy text cannot hold a reference", where, "write `$${` for a literal `${`")
        if file.text is None or offsets:
            declaration.spoiled.add(name)
        declaration.files[name] = file.name

    def read(self, scope: Scope, value: object, place: Place) -> object:
        """Find the references in a value; `$${` becomes `${`."""
        if self.bad and place.written in self.bad:
            self.faults += 1
        if isinstance(value, str):
            return self.template(scope, value, place) if "${" in value else value
        if isinstance(value, YamlMap):
            return self.map(scope, value)
        if isinstance(value, YamlList):
            items = [self.read(scope, item, scope.place(at)) for item, at in zip(value, value.places, strict=True)]
            return value if items == value else items
        return value

    def map(self, scope: Scope, value: YamlMap) -> dict[str, object]:
        """A map of words."""
        for key in value:
            if "${" in key:
                self.complain("a key cannot hold a reference", scope.place(value.key_places[key]))
        return {key: self.read(scope, item, scope.place(value.places[key])) for key, item in value.items()}

    def template(self, scope: Scope, text: str, place: Place) -> object:
        """A text with references, whose files must lie inside the project, whether they are there or not."""
        try:
            found = references.parse(text, scope.folder)
            if isinstance(found, references.Template):
                for reference in found.references:
                    self.check(reference)
        except references.BadReference as error:
            self.complain(str(error), place, error.hint)
            return ""
        return found

    def check(self, reference: references.Reference) -> None:
        """Raise BadReference for the run's own credentials, its ledger, and a file outside the project."""
        real = reference
        if reference.scheme in {"file", "sops"}:
            name, mark, key = reference.target.partition("#" if reference.scheme == "sops" else "\0")
            try:
                path = path_inside(self.project.root, name).relative_to(self.project.root)
            except ValueError as error:
                raise references.BadReference(f"`${{{reference.scheme}:…}}`: {error}") from None
            real = references.Reference(reference.scheme, f"{path.as_posix()}{mark}{key}")
        if {reference, real} & self.logins or own_credentials.is_own(reference):
            hint = "put the value that is meant into a variable or file of its own"
            raise references.BadReference(f"`{reference}` is a credential of the run itself, and no value", hint)
        ledger = self.project.settings.ledger
        if ledger and reference.scheme == "vault" and reference.target.startswith((f"{ledger}/", f"{ledger}#")):
            raise references.BadReference(f"`{reference}` lies in the ledger, whose key is nobody's value")


def text_line(text: str, offset: int) -> tuple[int, int]:
    """The line, from 1, of a character of a text, and the offset at which that line begins."""
    return text.count("\n", 0, offset) + 1, text.rfind("\n", 0, offset) + 1
