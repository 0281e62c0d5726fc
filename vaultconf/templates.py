"""`templates` and `use`: a document for every use, as if somebody had written it by hand. Pure.

A template is read once; a use copies only what a parameter changes. What comes out knows the line of the template and
the line of the use.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from vaultconf import catalogue
from vaultconf.errors import Place, Problem, nearest
from vaultconf.project import Project, TextFile
from vaultconf.words import MAX_MADE, NAME, PARAM, Filling, Scan, Words, mentioned
from vaultconf.yaml_text import shown
from vaultconf.yaml_values import Word, YamlDocument, YamlList, YamlMap

TEMPLATES, USE, PARAMS = "templates", "use", "params"

_NESTING = frozenset({TEMPLATES, USE})
_OF_A_DOCUMENT = frozenset({"namespace", "owner"})


def expand(project: Project, words: Words) -> Project:
    """The project with every variable in its place, and a document for each use of a template.

    Problems are added to the project's; what could not be made leaves it not whole.
    """
    expansion = _Expansion(project, words)
    documents = tuple(expansion.documents())
    policies = tuple(map(expansion.policy, project.policies))
    password_policies = tuple(map(expansion.policy, project.password_policies))
    return replace(
        project,
        documents=documents,
        policies=policies,
        password_policies=password_policies,
        problems=(*project.problems, *expansion.problems),
        whole=project.whole and not expansion.faults,
        words=words,
        spoiled=frozenset(expansion.bad),
    )


@dataclass(frozen=True, slots=True)
class _Template:
    """A template as read: `steady` are the parts that no parameter changes; `usable` is False where it is wrong."""

    name: str
    place: Place
    body: YamlMap
    params: Mapping[str, Word]
    steady: frozenset[int]
    size: int
    usable: bool


class _Expansion:
    def __init__(self, project: Project, words: Words) -> None:
        self.project, self.words = project, words
        self.problems: list[Problem] = []
        self.bad: set[Place | None] = {problem.place for problem in project.problems}
        self.templates: dict[str, _Template] = {}
        self.faults = self.made = 0

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

    def documents(self) -> Iterator[YamlDocument]:
        """Every document without `templates` and `use`, each followed by what its uses make."""
        filled = [self.filled(document) for document in self.project.documents]
        for document in filled:
            for name, body, place in self.entries(document, TEMPLATES):
                self.template(name, body, place)
        for document in filled:
            if document.root is None or _NESTING.isdisjoint(document.root):
                yield document
                continue
            yield replace(document, root=_without(document.root, _NESTING))
            for name, items, place in self.entries(document, USE):
                yield from self.uses(document, name, items, place)

    def filled(self, document: YamlDocument) -> YamlDocument:
        """A document with its variables in place; the parameters of templates stay."""
        root = document.root
        if root is None or not mentioned(self.project.sources.get(document.file, b"${var:")):
            return document
        outside = Filling(self.words, document.file)
        inside = Filling(self.words, document.file, keep_params=True)
        templates = root.get(TEMPLATES)
        found = outside.map(_without(root, {TEMPLATES}))
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

    def template(self, name: str, body: object, place: Place) -> None:
        """Read one template; what is wrong with it is said here, and not once more for every use."""
        before = self.faults
        if name in self.templates:
            self.complain(
                f"the template `{shown(name)}` is given already", place, f"first at {self.templates[name].place}"
            )
            return
        if not isinstance(body, YamlMap):
            self.complain("must be a map: `params`, and what a document may hold", place)
            body = YamlMap((place.line, place.column))
        params = dict(self.params(body, place))
        rest = _without(body, {PARAMS})
        scan = Scan(rest, body.place)
        self.keys(name, rest, place)
        for token in scan.tokens:
            if token.scheme == PARAM and token.name not in params:
                message = f"the template `{shown(name)}` has no parameter `{shown(token.name)}`"
                self.complain(message, place.beside(token.at), nearest(token.name, params))
        # A variable that is still there stands for nothing, which has been said.
        usable = self.faults == before and all(token.scheme == PARAM for token in scan.tokens)
        self.templates[name] = _Template(name, place, rest, params, frozenset(scan.steady), scan.size, usable)

    def keys(self, name: str, body: YamlMap, place: Place) -> None:
        """What may stand in a template: objects."""
        known = catalogue.sections() | {"policies_from"}
        for key, item in body.items():
            at = place.beside(body.key_places[key])
            if key in _NESTING:
                itself = isinstance(item, YamlMap) and name in item
                what = f"`{shown(name)}` uses itself" if itself else f"`{key}` cannot stand in a template"
                self.complain(f"{what}: templates are not nested", at, "write the objects out")
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
            self.complain(f"no template `{shown(name)}`", place, nearest(name, self.templates))
            return
        if items is None:
            return
        if not isinstance(items, YamlList):
            self.complain(
                f"must be a list of maps, one for each use of `{shown(name)}`", place, f"see {template.place}"
            )
            return
        for item, at in zip(items, items.places, strict=True):
            made = self.use(document, template, item, place.beside(at))
            if made is not None:
                yield made

    def use(self, document: YamlDocument, template: _Template, item: object, place: Place) -> YamlDocument | None:
        """The document that one use makes; None where its parameters are wrong."""
        if not template.usable or not self.has_room(template.size, place):
            return None
        before = self.faults
        if not isinstance(item, YamlMap):
            self.complain("must be a map of parameters", place, f"see {template.place}")
            return None
        params = {name: word for name, word in template.params.items() if word.value is not None}
        params |= self.arguments(template, item, place)
        for name, word in template.params.items():
            if name not in params and name not in item:
                self.complain(f"`{shown(template.name)}` needs `{shown(name)}`", place, f"see {word.place}")
        if self.faults > before:
            return None
        filling = Filling(
            Words(self.words.vars, params, self.words.target), template.place.file, place, template.steady
        )
        root = filling.map(template.body)
        if self.take(filling).problems or not self.has_room(filling.made, place):
            return None
        return YamlDocument(template.place.file, root, template.body.place, place, document, params)

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
                hint = nearest(name, template.params) or f"see {template.place}"
                self.complain(message, key_place, hint)
            elif (wrong := _mismatch(known.value, value)) is not None:
                self.complain(f"`{shown(name)}` {wrong}", at, f"see {known.place}")
            else:
                yield name, Word(value, at)


def _mismatch(default: object, value: object) -> str | None:
    """Why a parameter cannot have a value; without a default any word or list will do."""
    if value is None:
        return "has no value"
    given, wanted = _shape(value), _shape(default)
    if default is None:
        return "must be a word or a list, not a map" if given == "a map" else None
    return None if given == wanted else f"must be {wanted}, as its default is"


def _shape(value: object) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    return "text" if isinstance(value, str) else "a map" if isinstance(value, Mapping) else "a list"


def _without(value: YamlMap, keys: set[str] | frozenset[str]) -> YamlMap:
    found = YamlMap(value.place)
    found.update((key, item) for key, item in value.items() if key not in keys)
    found.key_places, found.places = value.key_places, value.places
    return found
