"""`${scheme:target}` in the values of object fields: found when files are read, resolved at the edge.

A string that holds a reference is a secret as a whole: it becomes a `Template`, which has no text form beyond
the names of its references. A field that holds a template anywhere becomes `Deferred` as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from vaultconf.errors import nearest
from vaultconf.http import refuse_unsafe

#: What costs a request or a process: asked for only where the value is needed.
COSTLY_SCHEMES = frozenset({"vault", "sops"})
SCHEMES = frozenset({"env", "file"}) | COSTLY_SCHEMES
LATER_SCHEMES = frozenset({"var", "param"})

_USUAL = "use `${env:NAME}` or `${file:path}`"
_VAULT = "write `${vault:mount/path#field}`, with the path as in `vault kv get`"
_SOPS = "write `${sops:file#key}`, with dots between the keys of maps in maps"
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
        found = [piece for piece in pieces if isinstance(piece, str)]
        return "".join(found) if len(found) == len(pieces) else None


@dataclass(frozen=True, slots=True)
class Absent:
    """A value that is not at hand, and why: in words for people, which quote nothing of what was read."""

    reason: str


#: Yields the value behind a reference; None or Absent where it is not at hand.
Resolver = Callable[[Reference], str | Absent | None]


def absent(references: Iterable[Reference], resolve: Resolver) -> list[str]:
    """The references that are not at hand, each with the reason where it is known."""
    found = [(reference, resolve(reference)) for reference in references]
    return [
        f"{reference} ({value.reason})" if isinstance(value, Absent) else str(reference)
        for reference, value in found
        if not isinstance(value, str)
    ]


@dataclass(frozen=True, slots=True, repr=False)
class Deferred:
    """A field value that is known only when its references are resolved; `raw` is the YAML value as read."""

    raw: object

    @property
    def references(self) -> tuple[Reference, ...]:
        """The references anywhere in the value, each once."""
        return tuple(dict.fromkeys(ref for template in templates_in(self.raw) for ref in template.references))

    @property
    def is_costly(self) -> bool:
        """Whether a request or a process is needed to know it."""
        return any(reference.scheme in COSTLY_SCHEMES for reference in self.references)

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


def literals(value: object) -> object:
    """The same for every text in a value; its keys hold no references anyway."""
    if isinstance(value, str):
        return literal(value)
    if isinstance(value, Mapping):
        return {key: literals(item) for key, item in value.items()}
    return [literals(item) for item in value] if isinstance(value, list | tuple) else value


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
        raise BadReference(f"`${{{scheme}:…}}` cannot stand here", _USUAL)
    if scheme not in SCHEMES or not colon:
        raise BadReference("not a reference that is known here", _meant(scheme, inner if not colon else ""))
    if scheme == "env" and not _ENV_NAME.match(target):
        raise BadReference("`${env:…}` takes the name of an environment variable", "letters, digits and `_`")
    if scheme == "file":
        target = inside(target, folder)
    if scheme == "vault":
        target = _vault_target(target)
    if scheme == "sops":
        file, key = _halves(target, "a file and a key", _SOPS)
        target = f"{inside(file, folder)}#{key}"
    return Reference(scheme, target)


def _vault_target(target: str) -> str:
    path, name = _halves(target, "a path and a field", _VAULT)
    try:
        refuse_unsafe(path)
    except ValueError:
        raise BadReference("`${vault:…}`: the path has an empty segment, `.` or `..`", _VAULT) from None
    if "/" not in path:
        raise BadReference("`${vault:…}` names a mount, and no secret in it", _VAULT)
    return f"{path}#{name}"


def _halves(target: str, what: str, hint: str) -> tuple[str, str]:
    """What stands before and after the first `#`."""
    before, _, after = target.partition("#")
    if not before.strip() or not after.strip() or not target.isprintable():
        raise BadReference(f"the reference takes {what}, with `#` between", hint)
    return before, after


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
