"""`${var:name}` and `${param:name}`: plain text, put into keys, values and policy text before anything is judged.

Only these two are looked at here. `$${` and every other reference stay as they are written, and are judged where they
land.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import NamedTuple

from vaultconf.errors import NO_USE, Place, Problem, Use, nearest
from vaultconf.yaml_text import shown
from vaultconf.yaml_values import Word, YamlList, YamlMap

VAR, PARAM = "var", "param"
#: How many values, or pieces of 64 characters, may come of words in one document, and of all uses: nobody writes so
#: many, and a few lines could ask for more than any machine holds.
MAX_MADE = 2_000_000
_PIECE = 64
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")

_TOKEN = re.compile(r"\$\$\{|\$\{(var|param):([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Words:
    """The names of a target (`vars`), and inside a template those of its use; `params` is None outside templates."""

    vars: Mapping[str, Word] = field(default_factory=dict, repr=False)
    params: Mapping[str, Word] | None = field(default=None, repr=False)
    target: str = ""


class Token(NamedTuple):
    """One `${var:name}` or `${param:name}`, and the (line, column) of the key or value that holds it."""

    scheme: str
    name: str
    at: tuple[int, int]


def mentioned(source: bytes) -> bool:
    """Whether the text of a file may hold one of the two."""
    return b"${var:" in source or b"${param:" in source


def tokens(text: str) -> list[str]:
    """Every `${var:name}` and `${param:name}` in the text of a policy."""
    return [found[0] for found in _TOKEN.finditer(text) if found[1]]


class Scan:
    """What a value holds: its size, its tokens, and which maps and lists hold none (by `id`): those all uses share."""

    def __init__(self, value: object, at: tuple[int, int]) -> None:
        self.tokens: list[Token] = []
        self.steady: set[int] = set()
        self.size = 0
        self._value(value, at)

    def _value(self, value: object, at: tuple[int, int]) -> None:
        before = len(self.tokens)
        self.size += 1
        if isinstance(value, str):
            if "${" in value:
                self.tokens += [Token(found[1], found[2], at) for found in _TOKEN.finditer(value) if found[1]]
        elif isinstance(value, YamlMap):
            for key, item in value.items():
                self._value(key, value.key_places[key])
                self._value(item, value.places[key])
        elif isinstance(value, YamlList):
            for item, place in zip(value, value.places, strict=True):
                self._value(item, place)
        if len(self.tokens) == before and isinstance(value, YamlMap | YamlList):
            self.steady.add(id(value))


class Filling:
    """Puts words into the values of one file and gathers problems; what is returned knows the places of that file.

    With `keep_params` only variables are put in. A name that stands for nothing is left as it is, and its place is
    `spoiled`: what follows from it is no second problem.
    """

    def __init__(
        self,
        words: Words,
        file: str,
        use: Use = NO_USE,
        steady: AbstractSet[int] = frozenset(),
        *,
        keep_params: bool = False,
    ) -> None:
        self.words, self.file, self.use, self.steady = words, file, use, steady
        self.keep_params = keep_params
        self.problems: list[Problem] = []
        self.spoiled: set[Place] = set()
        self.made = 0

    def complain(self, message: str, place: Place, hint: str = "") -> None:
        """Note a problem."""
        self.problems.append(Problem(message, place, hint))

    def place(self, at: tuple[int, int]) -> Place:
        """A position in the file."""
        return Place(self.file, at[0], at[1], self.use)

    def value(self, value: object, at: tuple[int, int]) -> object:
        """A value with its words in place; a text that is nothing but one name becomes what the name stands for."""
        if isinstance(value, str):
            return self.text(value, at) if "${" in value else value
        if isinstance(value, YamlMap):
            return self.map(value)
        return self.list(value) if isinstance(value, YamlList) else value

    def text(self, text: str, at: tuple[int, int]) -> object:
        """A value that is a text with `${` in it."""
        whole = _TOKEN.fullmatch(text)
        if whole is None or not whole[1] or self.kept(whole[1]):
            return self.spelled(text, at)
        word = self.word(whole[1], whole[2], at)
        return text if word is None else landed(word.value, at)

    def map(self, value: YamlMap) -> YamlMap:
        """A map, of which the keys may hold names too."""
        if id(value) in self.steady:
            return value
        found = YamlMap(value.place)
        # The places are only read, so that what has the same keys can share them.
        found.key_places, found.places = value.key_places, value.places
        if any("${" in key for key in value):
            found.key_places, found.places = {}, {}
        for key, item in value.items():
            at = value.key_places[key]
            name = self.spelled(key, at) if "${" in key else key
            if name in found:
                first = self.place(found.key_places[name])
                self.complain(f"`{shown(name)}` is given twice in one mapping, first at {first}", self.place(at))
                continue
            found[name] = self.value(item, value.places[key])
            if found.places is not value.places:
                found.key_places[name], found.places[name] = at, value.places[key]
        return found

    def list(self, value: YamlList) -> YamlList:
        """A list."""
        if id(value) in self.steady:
            return value
        found = YamlList(value.place)
        found.extend(self.value(item, at) for item, at in zip(value, value.places, strict=True))
        found.places = value.places
        return found

    def spelled(self, text: str, at: tuple[int, int]) -> str:
        """A text or a key, in which every name must stand for a word."""
        return _TOKEN.sub(lambda found: self.piece(found, at), text)

    def policy(self, text: str) -> str:
        """The text of a policy file."""
        if "${" not in text:
            return text
        return _TOKEN.sub(lambda found: self.piece(found, _at(text, found.start())), text)

    def piece(self, found: re.Match[str], at: tuple[int, int]) -> str:
        """What stands for a token inside a text; `$${` stays for who reads references."""
        if not found[1] or self.kept(found[1]):
            return found[0]
        word = self.word(found[1], found[2], at)
        if word is None:
            return found[0]
        if isinstance(word.value, bool):
            return "true" if word.value else "false"
        if isinstance(word.value, str | int | float):
            return str(word.value)
        if all(problem.place != word.place for problem in self.problems):
            message = f"`{shown(found[2])}` is a {_shape(word.value)}, and a word is wanted at {self.place(at).written}"
            self.complain(message, word.place)
        self.spoiled.add(self.place(at).written)
        return found[0]

    def kept(self, scheme: str) -> bool:
        """Whether tokens of a scheme stay as they are."""
        return self.keep_params and scheme == PARAM

    def word(self, scheme: str, name: str, at: tuple[int, int]) -> Word | None:
        """What a name stands for; None, with a problem, where it stands for nothing."""
        known = self.words.vars if scheme == VAR else self.words.params
        if known is not None and name in known and self.has_room(known[name], at):
            return known[name]
        self.spoiled.add(self.place(at).written)
        if self.made > MAX_MADE:
            return None
        if known is None:
            self.complain(
                "`${param:…}` stands in templates only", self.place(at), "use `${var:…}` for what targets say"
            )
            return None
        hint = nearest(name, known)
        if scheme == VAR:
            whose = f"the target `{shown(self.words.target)}`" if self.words.target else "any target"
            hint = hint or "write it under `vars` of the target in vaultconf.yaml"
            self.complain(f"`{shown(name)}` is not among the `vars` of {whose}", self.place(at), hint)
        else:
            self.complain(f"the template has no parameter `{shown(name)}`", self.place(at), hint)
        return None

    def has_room(self, word: Word, at: tuple[int, int]) -> bool:
        """Whether a word may stand in its place; said once where all of them would become too much."""
        if self.made <= MAX_MADE:
            self.made += _size(word.value)
            if self.made > MAX_MADE:
                message = f"variables and parameters make more than {MAX_MADE:,} values here"
                self.complain(message, self.place(at), "split the list, or name it less often")
        return self.made <= MAX_MADE


def _size(value: object) -> int:
    if isinstance(value, YamlMap):
        return 1 + sum(map(_size, value.values()))
    if isinstance(value, YamlList):
        return 1 + sum(map(_size, value))
    return 1 + len(value) // _PIECE if isinstance(value, str) else 1


def _shape(value: object) -> str:
    return "map" if isinstance(value, Mapping) else "list"


def _at(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def landed(value: object, at: tuple[int, int]) -> object:
    """A value that was written elsewhere; all of it now stands where its name was."""
    if isinstance(value, YamlMap):
        found = YamlMap(at)
        found.update((key, landed(item, at)) for key, item in value.items())
        found.key_places = found.places = dict.fromkeys(value, at)
        return found
    if isinstance(value, YamlList):
        items = YamlList(at)
        items.extend(landed(item, at) for item in value)
        items.places = [at] * len(items)
        return items
    return value


def mismatch(default: object, value: object) -> str | None:
    """Why a parameter cannot have a value; without a default any word or list will do."""
    if value is None:
        return "has no value"
    given, wanted = _type_of(value), _type_of(default)
    if default is None:
        return "must be a word or a list, not a map" if given == "a map" else None
    return None if given == wanted else f"must be {wanted}, as its default is"


def _type_of(value: object) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    return "text" if isinstance(value, str) else "a map" if isinstance(value, Mapping) else "a list"
