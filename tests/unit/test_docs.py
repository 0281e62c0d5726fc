"""The documentation is true: what it names exists, what it shows is accepted.

Every YAML block of the documentation says what it is, beside its language: `file=PATH` (of the project that the page's
blocks make together), `alone` (desired state of a project of its own), `settings` (a `vaultconf.yaml`), `wrong` (refused
with just the errors of the `text errors` block after it), `example` (of a generated page) or `workflow` (somebody
else's format).
"""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from tests.support.markdown import ROOT, Block, blocks, pages, prose
from vaultconf import pipeline
from vaultconf.cli import app
from vaultconf.errors import ExitCode, InputError

BLOCKS = [block for page in pages() for block in blocks(page)]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
REPOSITORY_PATH = re.compile(r"(?:vaultconf|tests|docs)/[\w./-]+")
#: What an absolute path in an example may begin with; any other would be one of the writer's machine.
EXAMPLE_PATHS = ("/var/log/vault", "/path/to/", "/v1/", "/.well-known/")

by_page = pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))


def of_word(word: str) -> pytest.MarkDecorator:
    found = [block for block in BLOCKS if block.language == "yaml" and word in block.words]
    return pytest.mark.parametrize("block", found, ids=str)


# --- what is shown is accepted -------------------------------------------------------------------------------


def test_every_yaml_block_says_what_it_is() -> None:
    known = {"alone", "settings", "wrong", "example", "workflow"}

    unknown = [
        str(block) for block in BLOCKS if block.language == "yaml" and not (block.file or known & {*block.words})
    ]

    assert unknown == []


@by_page
def test_the_files_of_a_page_make_a_valid_project(page: Path, tmp_path: Path) -> None:
    files = [block for block in blocks(page) if block.file]

    for block in files:
        put(tmp_path, block.file, block.text)
    problems = refused(tmp_path) if files else []

    assert problems == []


@of_word("alone")
def test_desired_state_on_its_own_is_valid(block: Block, tmp_path: Path) -> None:
    put(tmp_path, "desired-state/document.yaml", block.text)

    assert refused(tmp_path) == []


@of_word("settings")
def test_settings_are_valid(block: Block, tmp_path: Path) -> None:
    put(tmp_path, "vaultconf.yaml", block.text)

    assert refused(tmp_path) == []


@of_word("example")
def test_the_example_of_a_generated_page_is_valid(block: Block, tmp_path: Path) -> None:
    put(tmp_path, "desired-state/document.yaml", block.text)
    put(tmp_path, "vaultconf.yaml", "external: ['*']\n")

    assert refused(tmp_path) == []


@of_word("wrong")
def test_what_is_shown_as_wrong_is_refused_with_the_errors_shown(block: Block, tmp_path: Path) -> None:
    put(tmp_path, "desired-state/document.yaml", block.text)
    shown = next(other for other in BLOCKS if other.page == block.page and other.line > block.line)

    assert shown.words == ("errors",)
    assert "\n".join(refused(tmp_path)) == shown.text.strip()


@of_word("workflow")
def test_a_workflow_is_yaml(block: Block) -> None:
    assert isinstance(yaml.safe_load(block.text), dict)


def put(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def refused(root: Path) -> list[str]:
    """What is wrong with the project."""
    try:
        pipeline.validate(root)
    except InputError as error:
        return [str(problem) for problem in error.problems]
    return []


# --- what is named exists ------------------------------------------------------------------------------------


@by_page
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    links = [link for link in LINK.findall(prose(page)) if "://" not in link]

    dead = [link for link in links if not leads_somewhere(page, link)]

    assert dead == []


def leads_somewhere(page: Path, link: str) -> bool:
    name, _, anchor = link.partition("#")
    target = (page.parent / name).resolve() if name else page
    if not target.exists():
        return False
    return not anchor or anchor in {slug(line) for line in target.read_text().splitlines() if line.startswith("#")}


def slug(heading: str) -> str:
    """The anchor that forges give a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lstrip("# ").lower()).replace(" ", "-")


@by_page
def test_every_command_shown_exists_with_its_options(page: Path) -> None:
    wrong = [line for line in command_lines(page) if not known(line)]

    assert wrong == []


def test_commands_are_looked_for_where_they_are_shown() -> None:
    found = {line for page in pages() for line in command_lines(page)}

    assert {"vaultconf validate", "vaultconf apply --yes", "vaultconf drift --format markdown"} <= found
    assert not known("vaultconf explode")
    assert not known("vaultconf plan --chekc")


def command_lines(page: Path) -> Iterator[str]:
    """Every command line of ours on a page, up to the first word of the shell."""
    texts = [code for code in CODE.findall(prose(page)) if code.startswith(("vaultconf ", "--"))]
    for block in blocks(page):
        if block.language in ("sh", "console") or "workflow" in block.words:
            shown = re.findall(r"^(?:\$ | *- run: )?(vaultconf .*)$", block.text, flags=re.MULTILINE)
            texts += [line for line in shown if block.language != "console" or f"$ {line}" in block.text]
    for text in texts:
        yield re.split(r" +(?:[>|;#]|&&)", text)[0].strip()


def known(line: str) -> bool:
    """Whether the command and all its options exist; an option alone must be one of any command."""
    group: Any = get_command(app)
    options = {name: options_of(command) for name, command in group.commands.items()}
    words = shlex.split(line)
    if words[0] != "vaultconf":
        return words[0] in set().union(*options.values(), options_of(group))
    words = words[3:] if words[1] == "-C" else words[1:]
    given = {word.partition("=")[0] for word in words if word.startswith("-")}
    if words[0].startswith("-"):
        return given <= options_of(group)
    return words[0] in options and given <= options[words[0]]


def options_of(command: Any) -> set[str]:
    return {"--help"}.union(*(option.opts for option in command.params))


@by_page
def test_every_path_of_the_repository_that_a_page_names_exists(page: Path) -> None:
    named = [code for code in CODE.findall(prose(page)) if REPOSITORY_PATH.fullmatch(code)]

    missing = [path for path in named if not (ROOT / path).exists()]

    assert missing == []


def test_the_architecture_names_the_modules_of_an_apply() -> None:
    named = set(REPOSITORY_PATH.findall((ROOT / "docs/architecture.md").read_text()))

    stages = {"cli", "pipeline", "project", "documents", "desired", "contact", "transport", "live", "diff", "planning"}
    assert {f"vaultconf/{name}.py" for name in stages | {"guard", "order", "apply", "console"}} <= named


def test_every_exit_code_is_explained_and_no_other() -> None:
    table = (ROOT / "docs/exit-codes.md").read_text()

    explained = [int(code) for code in re.findall(r"^\| (\d+) \|", table, flags=re.MULTILINE)]

    assert explained == sorted(ExitCode)


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups: Mapping[str, list[str]] = project["dependency-groups"]
    required = [*project["project"]["dependencies"], *groups["test"], *groups["lint"]]
    names = {re.split(r"[<>=; \[]", requirement)[0] for requirement in required}

    reasons = (ROOT / "docs/decisions/0001-dependencies.md").read_text().lower()

    unexplained = {name for name in names if name.lower().removeprefix("types-") not in reasons}
    assert unexplained == set()


def test_every_variable_that_is_read_is_documented() -> None:
    source = (ROOT / "vaultconf/environment.py").read_text()
    read = set(re.findall(r'names\.read\(\s*"(\w+)"', source))

    text = (ROOT / "docs/environment.md").read_text()

    assert len(read) > 10
    assert {name for name in read if f"`VAULT_{name}`" not in text} == set()


def test_adding_a_kind_takes_no_more_than_forty_lines_to_explain() -> None:
    lines = (ROOT / "docs/adding-a-kind.md").read_text().splitlines()

    assert len(lines) <= 40


@by_page
def test_no_page_names_a_path_of_the_machine_it_was_written_on(page: Path) -> None:
    text = page.read_text()

    absolute = re.findall(r"(?<![\w./:*+}>)~-])/(?:[\w.-]+/)+[\w.-]*", text)

    assert [path for path in absolute if not path.startswith(EXAMPLE_PATHS)] == []
