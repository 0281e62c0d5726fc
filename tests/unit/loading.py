"""A project on disk for the tests of the loader: written from a mapping, read without a server."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path

from vaultconf import desired, documents, project, templates
from vaultconf.declarations import MountKey
from vaultconf.desired import DesiredState
from vaultconf.errors import Problem
from vaultconf.model import Desired
from vaultconf.words import Words

A_POLICY = 'path "kv/*" {\n  capabilities = ["read"]\n}\n'
BASE = {"vaultconf.yaml": "version: 1\n"}


def write(root: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write files below `root`, texts dedented; with nothing else, an empty vaultconf.yaml makes it a project."""
    for name, text in {**BASE, **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else textwrap.dedent(text).encode())
    return root


def load(root: Path, files: Mapping[str, str | bytes], types: Mapping[MountKey, str] | None = None) -> DesiredState:
    """Write files, and read them as every command does."""
    loaded = templates.expand(project.load(write(root, files)), Words())
    return desired.build(documents.declare(loaded, types or {}), loaded.settings)


def document(root: Path, text: str, types: Mapping[MountKey, str] | None = None) -> DesiredState:
    """Read one document as the whole project."""
    return load(root, {"desired-state/a.yaml": text}, types)


def complaints(state: DesiredState) -> list[str]:
    """The problems as `line:column message`, with the file where it is not the one document."""
    return [_said(problem) for problem in state.problems]


def _said(problem: Problem) -> str:
    where = str(problem.place).removeprefix("desired-state/a.yaml:")
    return f"{where} {problem.message}"


def hints(state: DesiredState) -> list[str]:
    return [problem.hint for problem in state.problems]


def by_address(state: DesiredState) -> dict[str, Desired]:
    return {str(item.address): item for item in state.objects}
