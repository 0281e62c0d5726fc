"""The files of a project: found and read, never outside its folder."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from vaultconf import settings, strict_yaml
from vaultconf.errors import InputError, Place, Problem
from vaultconf.settings import Settings
from vaultconf.strict_yaml import YamlDocument

DESIRED_STATE = "desired-state"
POLICIES = "policies"
PASSWORD_POLICIES = "policies/password"  # noqa: S105 - a folder
MAX_FILE = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class TextFile:
    """A text file of the project; `name` is relative to its folder."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Project:
    """A project as read from disk."""

    root: Path
    settings: Settings
    documents: tuple[YamlDocument, ...]
    policies: tuple[TextFile, ...]
    password_policies: tuple[TextFile, ...]
    problems: tuple[Problem, ...]


def load(root: Path) -> Project:
    """Read a project. Raises InputError where there is none; other problems are gathered in the result."""
    if not root.is_dir():
        raise InputError(f"`{root}` is not a folder")
    root = root.resolve()
    if not any((root / name).exists() for name in (settings.FILE, DESIRED_STATE, POLICIES)):
        raise InputError(
            f"no project in `{root}`: neither `{settings.FILE}` nor `{DESIRED_STATE}/` nor `{POLICIES}/`",
            hint="change to the project's folder, or name it with `vaultconf -C DIR`",
        )
    reader = _Files(root)
    read_settings = reader.settings()
    documents = tuple(reader.documents())
    policies = tuple(reader.texts(POLICIES))
    password_policies = tuple(reader.texts(PASSWORD_POLICIES))
    return Project(root, read_settings, documents, policies, password_policies, tuple(reader.problems))


def read_bytes(root: Path, name: str) -> bytes:
    """Read a file of the project. Raises ValueError, which quotes nothing of the file."""
    try:
        path = (root / name).resolve()
        if not path.is_relative_to(root) or ".git" in path.relative_to(root).parts:
            raise ValueError(f"`{name}` leads out of the project")
        if not stat.S_ISREG(path.stat().st_mode):
            raise ValueError(f"`{name}` is not a file")
        if path.stat().st_size > MAX_FILE:
            raise ValueError(f"`{name}` is larger than {MAX_FILE // 1024 // 1024} MiB")
        return path.read_bytes()
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "symbolic links that lead in a circle"
        raise ValueError(f"`{name}` cannot be read: {reason}") from None


def read_text(root: Path, name: str) -> str:
    """Read a text file of the project. Raises ValueError, which quotes nothing of the file."""
    try:
        return read_bytes(root, name).decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"`{name}` is not UTF-8 (byte {error.start})") from None


class _Files:
    """Reads files below the root and gathers what is wrong with them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.problems: list[Problem] = []

    def settings(self) -> Settings:
        if not (self.root / settings.FILE).exists():
            return Settings(project=self.root.name)
        documents = self.yaml(settings.FILE)
        if len(documents) > 1:
            self.problems.append(Problem("has several documents; one is allowed", Place(settings.FILE, 1, 1)))
        if not documents or documents[0].root is None:
            return Settings(project=self.root.name)
        found, problems = settings.read(documents[0], self.root.name)
        self.problems += problems
        return found

    def documents(self) -> Iterator[YamlDocument]:
        for name in self.below(DESIRED_STATE, (".yaml", ".yml")):
            yield from (document for document in self.yaml(name) if document.root is not None)

    def texts(self, folder: str) -> Iterator[TextFile]:
        """The .hcl files directly in a folder."""
        if not (self.root / folder).is_dir():
            return
        for path in sorted((self.root / folder).iterdir()):
            if path.suffix == ".hcl" and not path.name.startswith("."):
                name = str(PurePosixPath(folder, path.name))
                text = self.read(name)
                if text is not None:
                    yield TextFile(name, text)

    def yaml(self, name: str) -> list[YamlDocument]:
        """The documents of a YAML file, whose encoding the YAML reader judges with line and column."""
        try:
            documents, problems = strict_yaml.read(read_bytes(self.root, name), name)
        except ValueError as error:
            documents, problems = [], [Problem(str(error), Place(name, 1, 1))]
        self.problems += problems
        return documents

    def read(self, name: str) -> str | None:
        try:
            return read_text(self.root, name)
        except ValueError as error:
            self.problems.append(Problem(str(error), Place(name, 1, 1)))
            return None

    def below(self, folder: str, endings: tuple[str, ...], above: tuple[Path, ...] = ()) -> Iterator[str]:
        """The files below a folder, by name; a folder that leads back to one above it is a problem."""
        path = self.root / folder
        if not path.is_dir():
            return
        real = path.resolve()
        if real in above or not real.is_relative_to(self.root):
            reason = "leads back to a folder that holds it" if real in above else "leads out of the project"
            self.problems.append(Problem(reason, Place(folder, 1, 1), "remove the symbolic link"))
            return
        for entry in sorted(path.iterdir()):
            name = str(PurePosixPath(folder, entry.name))
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                yield from self.below(name, endings, (*above, real))
            elif entry.suffix in endings:
                yield name
