"""`templates` and `use`: a document for every use, as if somebody had written it by hand. Pure.

A template is read once; a use copies only what a parameter changes. What comes out knows the line of the template and
the line of the use.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from vaultconf import catalogue
from vaultconf.errors import Place, Problem, nearest
from vaultconf.overlays import TEMPLATES, USE, Laying
from vaultconf.project import Project, TextFile
from vaultconf.words import MAX_MADE, NAME, PARAM, Filling, Scan, Words, mentioned, mismatch
from vaultconf.yaml_text import shown
from vaultconf.yaml_values import Word, YamlDocument, YamlList, YamlMap, copied

PARAMS = "params"

_NESTING = frozenset({TEMPLATES, USE})
_OF_A_DOCUMENT = frozenset({"namespace", "owner"})
_Body = tuple[YamlDocument, object, Place]


def expand(project: Project, words: Words) -> Project:
    """The project with every variable in its place, and a document for each use of a template.

    Problems are added to the project's; what could not be made leaves it not whole.
    """
    expansion = _Expansion(project, words)
    return replace(
        project,
        documents=tuple(expansion.documents()),  # the first: it fills what the others are made of
        policies=tuple(map(expansion.policy, expansion.left(project.policies))),
        password_policies=tuple(map(expansion.policy, expansion.left(project.password_policies))),
        problems=(*project.problems, *expansion.problems),
        whole=project.whole and not expansion.faults,
        words=words,
        spoiled=frozenset(expansion.bad),
        removed=expansion.laying.removed,
    )


@dataclass(frozen=True, slots=True)
class _Part:
    """What a document, or one of an overlay, says of a template."""

    place: Place
    body: YamlMap
    layer: int
    scan: Scan


@dataclass(frozen=True, slots=True)
class _Template:
    """A template as read, with a part for each overlay that says something of it; not `usable` where it is wrong."""

    name: str
    parts: tuple[_Part, ...]
    params: Mapping[str, Word]
    usable: bool

    @property
    def place(self) -> Place:
        """Where it is written, without overlays."""
        return self.parts[0].place


class _Expansion:
    def __init__(self, project: Project, words: Words) -> None:
        self.project, self.words = project, words
        self.problems: list[Problem] = []
        self.bad: set[Place | None] = {problem.place for problem in project.problems}
        self.templates: dict[str, _Template] = {}
        self.faults = self.made = 0
        self.laying = Laying(project, whole=False)

    def complain(self, message: str, place: Place, hint: str = "") -> None:
        """Note a problem, but no second one where the YAML itself is one."""
        self.faults += 1
        if place not in self.bad:
            self.problems.append(Problem(message, place, hint))

    def take(self, filling: Filling) -> Filling:
        """Note what went wrong when words were put in."""
        self.faults += len(filling.problems)
        self.problems += filling.problems
        if not filling.use:  # what a use spoils is left out
            self.bad |= filling.spoiled
        return filling

    def documents(self) -> Iterable[YamlDocument]:
        """Every document without `templates` and `use`, each followed by what its uses make; overlays lie over all."""
        filled = [self.filled(document) for document in self.project.documents]
        overlays = [[self.filled(document) for document in overlay] for overlay in self.project.overlays]
        laying = self.laying = Laying(self.project, whole=self.project.whole and not self.faults)
        filled = laying.before(filled, overlays)
        written: dict[str, list[_Body]] = {}
        for document in filled:
            for name, body, place in self.entries(document, TEMPLATES):
                written.setdefault(name, []).append((document, body, place))
        for name, bodies in written.items():
            self.template(name, [*self.layers(name, bodies)])
        made = [one for document in filled for one in self.made_of(document)]
        laying.whole = self.project.whole and not self.faults  # what a use would have made is not missing
        found = laying.after(made, overlays)
        for problem in laying.problems:
            self.complain(problem.message, problem.place or Place("", 0, 0), problem.hint)
        return found

    def made_of(self, document: YamlDocument) -> Iterator[YamlDocument]:
        """A document, followed by what its uses make."""
        if document.root is None or _NESTING.isdisjoint(document.root):
            yield document
            return
        yield replace(document, root=copied(document.root, _NESTING))
        for name, items, place in self.entries(document, USE):
            yield from self.uses(document, name, items, place)

    def left(self, files: Iterable[TextFile]) -> list[TextFile]:
        """The policy files that no overlay removes."""
        return [file for file in files if file.name not in self.laying.gone]

    def filled(self, document: YamlDocument) -> YamlDocument:
        """A document with its variables in place; the parameters of templates stay."""
        root = document.root
        if root is None or not mentioned(self.project.sources.get(document.file, b"${var:")):
            return document
        outside = Filling(self.words, document.file)
        inside = Filling(self.words, document.file, keep_params=True)
        templates = root.get(TEMPLATES)
        found = outside.map(copied(root, {TEMPLATES}))
        if TEMPLATES in root:
            found[TEMPLATES] = inside.value(templates, root.places[TEMPLATES])
            found.key_places = {**found.key_places, TEMPLATES: root.key_places[TEMPLATES]}
            found.places = {**found.places, TEMPLATES: root.places[TEMPLATES]}
        self.take(outside)
        self.take(inside)
        return replace(document, root=found)

    def policy(self, file: TextFile) -> TextFile:
        """A policy file with its variables in place."""
        if file.text is None or "${" not in file.text:
            return file
        filling = Filling(self.words, file.name)
        text = filling.policy(file.text)
        self.take(filling)
        return replace(file, text=text)

    def entries(self, document: YamlDocument, key: str) -> Iterator[tuple[str, object, Place]]:
        """What stands below `templates` or `use`, by name, with the place of the name."""
        root = document.root
        if root is None or root.get(key) is None:
            return
        value = root[key]
        if not isinstance(value, YamlMap):
            self.complain("must be a map of templates by name", Place(document.file, *root.places[key]))
            return
        for name, item in value.items():
            yield name, item, Place(document.file, *value.key_places[name])

    def layers(self, name: str, bodies: Iterable[_Body]) -> Iterator[tuple[int, object, Place]]:
        """What is said of one template: once by the documents, and once by each overlay."""
        first: dict[int, Place] = {}
        for document, body, place in bodies:
            before = first.setdefault(document.layer, place)
            if before is place:
                yield document.layer, body, place
            else:
                self.complain(f"the template `{shown(name)}` is given already", place, f"first at {before}")

    def template(self, name: str, layers: Iterable[tuple[int, object, Place]]) -> None:
        """Read one template; what is wrong with it is said here, and not once more for every use."""
        before = self.faults
        params: dict[str, Word] = {}
        parts: list[_Part] = []
        for layer, written, place in layers:
            body = written if isinstance(written, YamlMap) else YamlMap((place.line, place.column))
            if body is not written:
                self.complain("must be a map: `params`, and what a document may hold", place)
            params |= self.params(body, place)
            rest = copied(body, {PARAMS})
            self.keys(name, rest, place)
            parts.append(_Part(place, rest, layer, Scan(rest, rest.place)))
        tokens = [(token, part) for part in parts for token in part.scan.tokens]
        for token, part in tokens:
            if token.scheme == PARAM and token.name not in params:
                message = f"the template `{shown(name)}` has no parameter `{shown(token.name)}`"
                hint = self.laying.lost(TEMPLATES, name, PARAMS, token.name) or nearest(token.name, params)
                self.complain(message, part.place.beside(token.at), hint)
        # A variable that is still there stands for nothing, which has been said.
        usable = self.faults == before and all(token.scheme == PARAM for token, _ in tokens)
        self.templates[name] = _Template(name, tuple(parts), params, usable)

    def keys(self, name: str, body: YamlMap, place: Place) -> None:
        """What may stand in a template: objects."""
        known = catalogue.sections() | {"policies_from"}
        for key, item in body.items():
            at = place.beside(body.key_places[key])
            if key in _NESTING:
                itself = isinstance(item, YamlMap) and name in item
                what = f"`{shown(name)}` uses itself" if itself else f"`{key}` cannot stand in a template"
                hint = f"write the objects out in the template, which begins at {place}"
                self.complain(f"{what}: templates are not nested", at, hint)
            elif key in _OF_A_DOCUMENT:
                self.complain(f"`{key}` cannot stand in a template", at, "write it in the document with the `use`")
            elif key in catalogue.NOT_YET:
                self.complain(f"`{key}` is not in this version", at)
            elif key not in known and "${" not in key:
                self.complain(f"unknown key `{shown(key)}`", at, nearest(key, known | {PARAMS}))

    def params(self, body: YamlMap, place: Place) -> Iterator[tuple[str, Word]]:
        """The parameters of a template, with their defaults."""
        found = body.get(PARAMS)
        if found is None:
            return
        if not isinstance(found, YamlMap):
            self.complain("`params` must be a map of names and defaults", place.beside(body.places[PARAMS]))
            return
        for name, default in found.items():
            at = place.beside(found.key_places[name])
            if not NAME.match(name):
                self.complain(f"the parameter `{shown(name)}` is no plain name", at, "letters, digits, `_` and `-`")
            for token in Scan(default, found.places[name]).tokens:
                if token.scheme == PARAM:
                    self.complain("a default cannot name a parameter", place.beside(token.at))
            yield name, Word(default, at)

    def uses(self, document: YamlDocument, name: str, items: object, place: Place) -> Iterator[YamlDocument]:
        """The documents that a list of uses makes."""
        template = self.templates.get(name)
        if template is None:
            if self.project.whole:  # else it may stand in the file that could not be read, which has been said
                self.complain(
                    f"no template `{shown(name)}`",
                    place,
                    self.laying.lost(TEMPLATES, name) or nearest(name, self.templates),
                )
        elif isinstance(items, YamlList):
            for item, at in zip(items, items.places, strict=True):
                yield from self.use(document, template, item, place.beside(at))
        elif items is not None:
            message = f"must be a list of maps, one for each use of `{shown(name)}`"
            self.complain(message, place, f"see {template.place}")

    def use(self, document: YamlDocument, template: _Template, item: object, place: Place) -> Iterable[YamlDocument]:
        """The documents that one use makes, one for each part; none where its parameters are wrong."""
        if not template.usable or not self.has_room(sum(part.scan.size for part in template.parts), place):
            return []
        before = self.faults
        if not isinstance(item, YamlMap):
            self.complain("must be a map of parameters", place, f"see {template.place}")
            return []
        params = {name: word for name, word in template.params.items() if word.value is not None}
        params |= self.arguments(template, item, place)
        for name, word in template.params.items():
            if name not in params and name not in item:
                self.complain(f"`{shown(template.name)}` needs `{shown(name)}`", place, f"see {word.place}")
        if self.faults > before:
            return []
        words = Words(self.words.vars, params, self.words.target)
        made = [self.made_by(document, part, words, place) for part in template.parts]
        return [found for found in made if found is not None]

    def made_by(self, document: YamlDocument, part: _Part, words: Words, place: Place) -> YamlDocument | None:
        """The document that one use makes of one part of its template; None where a word cannot stand in its place."""
        filling = Filling(words, part.place.file, place, part.scan.steady)
        root = filling.map(part.body)
        if self.take(filling).problems or not self.has_room(filling.made, place):
            return None
        return YamlDocument(part.place.file, root, part.body.place, place, document, words.params, part.layer)

    def has_room(self, size: int, place: Place) -> bool:
        """Whether the uses may make so much more; said once where they may not."""
        if self.made <= MAX_MADE:
            self.made += size
            if self.made > MAX_MADE:
                self.complain(f"the uses of templates make more than {MAX_MADE:,} values", place, "split the project")
        return self.made <= MAX_MADE

    def arguments(self, template: _Template, item: YamlMap, place: Place) -> Iterator[tuple[str, Word]]:
        """What a use gives to the parameters of its template, as far as it may be given."""
        for name, value in item.items():
            key_place, at = place.beside(item.key_places[name]), place.beside(item.places[name])
            known = template.params.get(name)
            if self.bad and not self.bad.isdisjoint((key_place, at)):
                self.faults += 1
            elif known is None:
                message = f"the template `{shown(template.name)}` has no parameter `{shown(name)}`"
                lost = self.laying.lost(TEMPLATES, template.name, PARAMS, name)
                hint = lost or nearest(name, template.params) or f"see {template.place}"
                self.complain(message, key_place, hint)
            elif (wrong := mismatch(known.value, value)) is not None:
                self.complain(f"`{shown(name)}` {wrong}", at, f"see {known.place}")
            else:
                yield name, Word(value, at)
