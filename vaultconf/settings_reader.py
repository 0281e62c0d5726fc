"""Reads the values of `vaultconf.yaml` strictly and gathers what is wrong with them."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from vaultconf.address import Pattern
from vaultconf.errors import Place, Problem, nearest
from vaultconf.strict_yaml import YamlDocument, YamlList, YamlMap, place_of
from vaultconf.yaml_text import shown

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_VERSION = re.compile(r"v?[0-9]{1,4}\.[0-9]{1,4}(?:\.[0-9]{1,6})?(?:[+-][0-9A-Za-z.+-]{1,40})?")

Step = str | int


class Reader:
    """Reads one document; a path of keys and indexes says where. Messages quote keys, and no values."""

    def __init__(self, document: YamlDocument) -> None:
        self.document = document
        self.root: Mapping[str, Any] = document.root if document.root is not None else {}
        self.problems: list[Problem] = []

    def place(self, path: Sequence[Step], *, key: bool = False) -> Place:
        """Where the value at a path stands."""
        return place_of(self.document, path, key=key)

    def complain(self, message: str, *path: Step, hint: str = "", near: object = "", known: Iterable[str] = ()) -> None:
        """Note a problem; with `near` and `known`, the nearest of what is known is the hint."""
        if isinstance(near, str) and near:
            hint = nearest(near, known) or hint
        self.problems.append(Problem(message, self.place(path), hint))

    def keys(self, value: Mapping[str, Any], known: Sequence[str], later: Sequence[str], *path: Step) -> None:
        """Refuse keys that are not known, and those that a later version will know."""
        for key in value:
            place = self.place((*path, key), key=True)
            if key in later:
                self.problems.append(Problem(f"`{key}` is not in this version", place))
            elif key not in known:
                self.problems.append(Problem(f"unknown key `{shown(key)}`", place, nearest(key, known)))

    def mapping(self, *path: Step) -> Mapping[str, Any]:
        """The map at a path; nothing where it is not written. A path that was refused is not refused again."""
        value: object = self.root
        for step in path:
            if not isinstance(value, YamlMap) or step not in value:
                return {}
            value = value[str(step)]
        if isinstance(value, YamlMap):
            return value
        if not any(problem.place == self.place(path) for problem in self.problems):
            self.complain("must be a map", *path)
        return {}

    def items(self, key: str, of: str) -> list[object]:
        """The list under a top-level key; nothing where it is not written."""
        found = self.root.get(key, YamlList((0, 0)))
        if isinstance(found, list):
            return found
        self.complain(f"must be a list of {of}", key)
        return []

    def text(self, value: object, *path: Step) -> str:
        """A plain text."""
        if isinstance(value, str) and "${" not in value and value.isprintable():
            return value
        is_reference = isinstance(value, str)
        self.complain("must be plain text", *path, hint="no references here" if is_reference else "put it in quotes")
        return ""

    def name(self, value: object, *path: Step) -> str:
        """A text that is not empty."""
        text = self.text(value, *path)
        if value == "":
            self.complain("must not be empty", *path)
        return text

    def version(self, value: object, *path: Step) -> str:
        """The version of a server."""
        text = self.text(value, *path)
        if text and not _VERSION.fullmatch(text):
            self.complain("must be a version such as `1.19` or `2.7.2`", *path)
        return text

    def patterns(self, key: str) -> tuple[Pattern, ...]:
        """A list of patterns, each said once."""
        found = self.items(key, "path patterns")
        patterns = [self.pattern(item, key, index) for index, item in enumerate(found)]
        self.refuse_repeated(key, enumerate(found))
        return tuple(pattern for pattern in patterns if pattern is not None)

    def pattern(self, value: object, *path: Step) -> Pattern | None:
        """One pattern."""
        if not isinstance(value, str):
            self.complain("must be a path pattern such as `auth/+/role/payments-*`", *path)
            return None
        try:
            return Pattern.parse(value)
        except ValueError as error:
            self.complain(str(error), *path)
            return None

    def refuse_repeated(self, key: str, items: Iterable[tuple[int, object]]) -> None:
        """Refuse what stands in a list twice."""
        first: dict[str, int] = {}
        for index, item in items:
            if isinstance(item, str) and first.setdefault(item, index) != index:
                place = self.place((key, first[item]))
                self.complain(f"`{shown(item)}` is given twice, first at {place}", key, index, hint="keep one of them")

    def day(self, value: object, *path: Step) -> datetime.date | None:
        """A day."""
        try:
            return datetime.date.fromisoformat(value if isinstance(value, str) and _DAY.fullmatch(value) else "")
        except ValueError:
            self.complain("must be a day such as `2026-12-01`", *path)
            return None

    def count(self, value: object, *path: Step) -> int:
        """A whole number, 0 or more."""
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        self.complain("must be a whole number, 0 or more", *path)
        return 0
