"""`${scheme:target}` in the values of object fields: found when files are read, resolved at the edge.

A string that holds a reference is a secret as a whole: it becomes a `Template`, which has no text form beyond
the names of its references. A field that holds a template anywhere becomes `Deferred` as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from vaultconf.errors import nearest

SCHEMES = frozenset({"env", "file"})
LATER_SCHEMES = frozenset({"vault", "sops", "var", "param"})

_USUAL = "use `${env:NAME}` or `${file:path}`"
_TOKEN = re.compile(r"\$\$\{|\$\{([^{}]*)(\}?)")
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_KNOWN = re.compile(rf"\$\$\{{|\$\{{({'|'.join(sorted(SCHEMES | LATER_SCHEMES))}):")
_PLAIN = re.compile(rf"(\$\{{(?:{'|'.join(sorted(SCHEMES | LATER_SCHEMES))}):)")
_LITERAL = re.compile(rf"\$(\$\{{(?:{'|'.join(sorted(SCHEMES | LATER_SCHEMES))}):)")


class BadReference(ValueError):  # noqa: N818 - reads as a sentence where it is caught
    """A `${…}` that cannot be meant; the message is for people, `hint` says what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True, order=True)
class Reference:
    """One `${scheme:target}`; `target` of a file is relative to the project's folder."""

    scheme: str
    target: str

    def __str__(self) -> str:
        return f"${{{self.scheme}:{self.target}}}"


@dataclass(frozen=True, slots=True, repr=False)
class Template:
    """A string with references in it; `parts` alternate freely between text and references."""

    parts: tuple[str | Reference, ...]

    @property
    def references(self) -> tuple[Reference, ...]:
        """The references in the string, in order."""
        return tuple(part for part in self.parts if isinstance(part, Reference))

    def __repr__(self) -> str:
        return f"Template({', '.join(map(str, self.references))})"

    def fill(self, resolve: Resolver) -> str | None:
        """Return the whole string, or None where a reference is not at hand."""
        pieces = [part if isinstance(part, str) else resolve(part) for part in self.parts]
        return None if None in pieces else "".join(piece for piece in pieces if piece is not None)


Resolver = Callable[[Reference], str | None]


@dataclass(frozen=True, slots=True, repr=False)
class Deferred:
    """A field value that is known only when its references are resolved; `raw` is the YAML value as read."""

    raw: object

    @property
    def references(self) -> tuple[Reference, ...]:
        """The references anywhere in the value, each once."""
        return tuple(dict.fromkeys(ref for template in templates_in(self.raw) for ref in template.references))

    def __repr__(self) -> str:
        return f"Deferred({', '.join(map(str, self.references))})"

    def resolve(self, resolve: Resolver) -> object | None:
        """Return the YAML value with every template filled, or None where one is not at hand."""
        missing: list[Template] = []
        filled = _fill(self.raw, resolve, missing)
        return None if missing else filled


def parse(text: str, folder: PurePosixPath) -> str | Template:
    """Split `text` into plain text and references; `folder` is where `${file:…}` starts from.

    `$${` stands for a literal `${`. Raises BadReference for anything else that begins with `${`.
    """
    if "${" not in text:
        return text
    parts: list[str | Reference] = []
    end = 0
    for found in _TOKEN.finditer(text):
        parts.append(text[end : found.start()])
        parts.append("${" if found.group(1) is None else _reference(found.group(1), found.group(2), folder))
        end = found.end()
    parts.append(text[end:])
    if any(isinstance(part, Reference) for part in parts):
        return Template(tuple(part for part in parts if part != ""))
    return "".join(str(part) for part in parts)


def literal(text: str) -> str:
    """Write plain text such that `parse` reads it as it is."""
    return text.replace("${", "$${")


def literal_in_file(text: str) -> str:
    """Write the text of a policy file such that `in_file` reads it as it is."""
    return _PLAIN.sub(r"$\1", text)


def in_file(text: str) -> tuple[str, list[int]]:
    """Read the text of a policy file: with `$${env:` for a literal `${env:`, and the offsets of references.

    The servers take any other `${` in a policy as it stands, so it is left alone.
    """
    if "${" not in text:
        return text, []
    offsets = [found.start() for found in _KNOWN.finditer(text) if found.group(1)]
    return _LITERAL.sub(r"\1", text), offsets


def _reference(inner: str, close: str, folder: PurePosixPath) -> Reference:
    if not close:
        raise BadReference("`${` begins a reference that has no end", "write `$${` for a literal `${`")
    scheme, colon, target = inner.partition(":")
    if scheme in LATER_SCHEMES and colon:
        raise BadReference(f"`${{{scheme}:…}}` is not in this version", _USUAL)
    if scheme not in SCHEMES or not colon:
        raise BadReference("not a reference that is known here", _meant(scheme, inner if not colon else ""))
    if scheme == "env" and not _ENV_NAME.match(target):
        raise BadReference("`${env:…}` takes the name of an environment variable", "letters, digits and `_`")
    if scheme == "file":
        target = inside(target, folder)
    return Reference(scheme, target)


def _meant(scheme: str, word: str) -> str:
    """Suggest a scheme for one that is unknown; a bare name of an environment variable needs `env:`."""
    if word and _ENV_NAME.match(word) and word.isupper():
        return "write `${env:NAME}` with `env:` in front; a literal `${` is `$${`"
    return nearest(scheme.lower(), SCHEMES | LATER_SCHEMES) or f"{_USUAL}; a literal `${{` is `$${{`"


def inside(target: str, folder: PurePosixPath) -> str:
    """Return a path below `folder` relative to the project. Raises BadReference where it would leave it.

    Only the words are judged here; where symbolic links lead is for who reads files.
    """
    if not target.strip() or target.startswith(("/", "~")) or "\\" in target or not target.isprintable():
        raise BadReference("must be a path relative to this file, with `/`, inside the project")
    parts: list[str] = []
    for part in (folder / target).parts:
        if part == "..":
            if not parts:
                raise BadReference("the path leads out of the project")
            parts.pop()
        elif part != ".":
            parts.append(part)
    if not parts:
        raise BadReference("must be a file of the project")
    return "/".join(parts)


def templates_in(value: object) -> Iterator[Template]:
    """Yield every template inside a YAML value."""
    if isinstance(value, Template):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from templates_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from templates_in(item)


def _fill(value: object, resolve: Resolver, missing: list[Template]) -> object:
    if isinstance(value, Template):
        text = value.fill(resolve)
        if text is None:
            missing.append(value)
        return text
    if isinstance(value, Mapping):
        return {key: _fill(item, resolve, missing) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_fill(item, resolve, missing) for item in value]
    return value
