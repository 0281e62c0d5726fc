"""The files of a project: found and read, never outside its folder."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from vaultconf import settings, strict_yaml, twins
from vaultconf.errors import InputError, Place, Problem
from vaultconf.settings import Settings
from vaultconf.strict_yaml import YamlDocument
from vaultconf.words import Words

DESIRED_STATE = "desired-state"
POLICIES = "policies"
PASSWORD_POLICIES = "policies/password"  # noqa: S105 - a folder
#: What people write for the names above, without case, blanks and dashes.
_MEANT = {"vaultconf.yml": settings.FILE, "vaultconf.yaml": settings.FILE, "desiredstate": DESIRED_STATE}
MAX_FILE = 16 * 1024 * 1024
YAML_ENDINGS = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class TextFile:
    """A text file of the project; `name` is relative to its folder, `text` None where it could not be read."""

    name: str
    text: str | None


@dataclass(frozen=True, slots=True)
class Project:
    """A project as read from disk. `whole` is False where a file could not be read to its end.

    `words` are what the chosen target says for `${var:…}`; none until `templates.expand` has put them in. What
    follows from what is at the `spoiled` places is no second problem. `overlays` are those of the target, each with its
    documents; `removed` says where they remove something, by namespace and path.
    """

    root: Path
    settings: Settings
    documents: tuple[YamlDocument, ...]
    policies: tuple[TextFile, ...]
    password_policies: tuple[TextFile, ...]
    problems: tuple[Problem, ...]
    whole: bool = True
    sources: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    words: Words = field(default_factory=Words)
    spoiled: frozenset[Place | None] = frozenset()
    overlays: tuple[tuple[YamlDocument, ...], ...] = ()
    removed: Mapping[tuple[str, ...], Place] = field(default_factory=dict)


def load(root: Path, *, may_be_empty: bool = False) -> Project:
    """Read a project. Raises InputError where there is none, unless a folder may be empty.

    Other problems are gathered in the result.
    """
    root = _folder(root)
    if not may_be_empty and not any(os.path.lexists(root / name) for name in (settings.FILE, DESIRED_STATE, POLICIES)):
        raise InputError(
            f"no project in `{root}`: neither `{settings.FILE}` nor `{DESIRED_STATE}/` nor `{POLICIES}/`",
            hint="change to the project's folder, or name it with `vaultconf -C DIR`",
        )
    reader = Files(root)
    reader.refuse_misspelt()
    read_settings = reader.settings()
    documents = tuple(reader.documents())
    policies = tuple(reader.texts(POLICIES))
    password_policies = tuple(reader.texts(PASSWORD_POLICIES))
    return Project(
        root=root,
        settings=read_settings,
        documents=documents,
        policies=policies,
        password_policies=password_policies,
        problems=tuple(reader.problems),
        whole=reader.whole,
        sources=reader.sources,
    )


def _folder(root: Path) -> Path:
    try:
        resolved = root.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise InputError(f"the folder `{root}` cannot be used: {_reason(error)}") from None
    if not resolved.is_dir():
        raise InputError(f"`{root}` is not a folder", "name the project's folder")
    return resolved


def path_inside(root: Path, name: str) -> Path:
    """Where a file of the project really is, whether it is there or not.

    Raises ValueError where symbolic links or `..` lead out of the project, or into its `.git`.
    """
    try:
        path = (root / name).resolve()
    except (OSError, RuntimeError) as error:
        raise ValueError(f"`{name}` cannot be read: {_reason(error)}") from None
    if not path.is_relative_to(root):
        raise ValueError(f"`{name}` leads out of the project")
    if any(part.casefold() == ".git" for part in path.relative_to(root).parts):
        raise ValueError(f"`{name}` leads into `.git`")
    return path


def read_bytes(root: Path, name: str) -> bytes:
    """Read a file of the project. Raises ValueError, which quotes nothing of the file."""
    return _read(path_inside(root, name), name)


def read_text(root: Path, name: str) -> str:
    """Read a text file of the project. Raises ValueError, which quotes nothing of the file."""
    return _decoded(read_bytes(root, name), name)


def policies_in(root: Path, folder: str) -> tuple[list[TextFile], list[Problem]]:
    """The .hcl files directly in a folder of the project, and what is wrong with them."""
    reader = Files(root)
    return list(reader.texts(folder)), reader.problems


def _read(path: Path | str, name: str) -> bytes:
    """Read a regular file; another kind (a pipe, a device) could hold us for ever."""
    try:
        found = os.stat(path)  # noqa: PTH116 - of thousands of files: a Path each costs more than the call
        if not stat.S_ISREG(found.st_mode):
            raise ValueError(f"`{name}` is {'a folder' if stat.S_ISDIR(found.st_mode) else 'not a file'}")
        if found.st_size > MAX_FILE:
            raise ValueError(f"`{name}` is larger than {MAX_FILE // 1024 // 1024} MiB")
        with open(path, "rb") as file:  # noqa: PTH123 - likewise
            return file.read()
    except OSError as error:
        raise ValueError(f"`{name}` cannot be read: {_reason(error)}") from None


def _decoded(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"`{name}` is not UTF-8 (byte {error.start + 1})") from None


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or "symbolic links that lead in a circle"


class Files:
    """Reads files below the root and gathers what is wrong with them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.problems: list[Problem] = []
        self.sources: dict[str, bytes] = {}
        self.whole = True

    def complain(self, message: str, name: str, hint: str = "") -> None:
        """Note a problem with a whole file or folder, of which then something was not read."""
        self.whole = False
        self.problems.append(Problem(message, Place(name, 1, 1), hint))

    def refuse_misspelt(self) -> None:
        """Complain of what is named nearly as the project's own files, which nobody would read."""
        for entry in self.entries("."):
            meant = _MEANT.get(re.sub(r"[ _-]", "", entry.name.casefold()).replace("states", "state"))
            if meant and entry.name != meant:
                self.complain("is not read", entry.name, f"name it `{meant}`")

    def settings(self) -> Settings:
        """What `vaultconf.yaml` says."""
        default = Settings(project=self.root.name)
        if not os.path.lexists(self.root / settings.FILE):
            return default
        documents = self.yaml(settings.FILE, None)
        if len(documents) > 1:
            place = Place(settings.FILE, *documents[1].place)
            self.problems.append(Problem("has several documents; one is allowed", place, "join them"))
        if not documents or documents[0].root is None:
            return default
        found, problems = settings.read(documents[0], self.root.name)
        known = {problem.place for problem in self.problems}
        self.problems += [problem for problem in (*problems, *twins.problems(found)) if problem.place not in known]
        return found

    def documents(self) -> Iterator[YamlDocument]:
        """The documents of `desired-state/` that are not empty."""
        for entry, name in self.below(DESIRED_STATE):
            yield from (document for document in self.yaml(name, entry) if document.root is not None)

    def texts(self, folder: str) -> Iterator[TextFile]:
        """The .hcl files directly in a folder."""
        for entry in self.entries(folder):
            if entry.name.endswith(".hcl"):
                name = f"{folder}/{entry.name}"
                yield TextFile(name, self.text(name, entry))

    def yaml(self, name: str, entry: os.DirEntry[str] | None) -> list[YamlDocument]:
        """The documents of a YAML file, whose encoding the YAML reader judges with line and column."""
        try:
            data = self.data(name, entry)
        except ValueError as error:
            self.complain(str(error), name)
            return []
        found = strict_yaml.read_whole(data, name)
        self.sources[name] = data
        self.problems += found.problems
        self.whole = self.whole and found.whole
        return found.documents

    def text(self, name: str, entry: os.DirEntry[str]) -> str | None:
        """A text file; None, with a problem, where it cannot be read."""
        try:
            return _decoded(self.data(name, entry), name)
        except ValueError as error:
            self.problems.append(Problem(str(error), Place(name, 1, 1)))
            return None

    def data(self, name: str, entry: os.DirEntry[str] | None) -> bytes:
        """Read a file; where it really lies is looked up for symbolic links alone. Raises ValueError."""
        if entry is None or entry.is_symlink():
            return read_bytes(self.root, name)
        return _read(entry.path, name)

    def entries(self, folder: str) -> list[os.DirEntry[str]]:
        """What is in a folder, by name, hidden files aside; nothing where there is no such folder."""
        try:
            path = path_inside(self.root, folder)
            with os.scandir(path) as found:
                return sorted((item for item in found if not item.name.startswith(".")), key=lambda item: item.name)
        except ValueError as error:
            self.complain(str(error), folder, "remove the symbolic link")
        except FileNotFoundError:
            if os.path.lexists(self.root / folder):
                self.complain("leads nowhere", folder, "remove the symbolic link")
        except NotADirectoryError:
            if os.path.exists(self.root / folder):  # noqa: PTH110 - raises nothing
                self.complain("must be a folder", folder)
        except OSError as error:
            self.complain(f"cannot be read: {_reason(error)}", folder)
        return []

    def below(self, folder: str, above: tuple[Path, ...] = ()) -> Iterator[tuple[os.DirEntry[str], str]]:
        """The YAML files below a folder, by name; a folder that leads back to one above it is a problem."""
        real = Path(os.path.realpath(self.root / folder))
        if real in above:
            self.complain("leads back to a folder that holds it", folder, "remove the symbolic link")
            return
        for entry in self.entries(folder):
            name = str(PurePosixPath(folder, entry.name))
            is_folder = _is_folder(entry)
            if is_folder and not entry.name.endswith(YAML_ENDINGS):
                yield from self.below(name, (*above, real))
            elif entry.name.endswith(YAML_ENDINGS):
                yield entry, name
            elif not is_folder and entry.is_symlink() and not os.path.exists(entry.path):  # noqa: PTH110 - raises nothing
                self.complain("leads nowhere", name, "remove the symbolic link")


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # symbolic links that lead in a circle
        return False
