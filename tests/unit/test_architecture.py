"""The house keeps its own rules: who may import what, how long things may be, what may not be there."""

from __future__ import annotations

import ast
import graphlib
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "vaultconf"
MODULES = sorted(SOURCE.rglob("*.py"))

#: The thin edges: what each library, and the outside world, may be imported by.
EDGES = {
    "hvac": {"hvac_adapter"},
    "pycurl": {"curl", "wire", "loop", "transport", "faults"},
    "typer": {
        "adopt_command",
        "cli",
        "command",
        "export_command",
        "ledger_commands",
        "permissions_command",
        "plan_commands",
        "render_command",
        "rotate_command",
    },
    "rich": {"console", "report.text"},
    "deepdiff": {"diff"},
    "yaml": {"strict_yaml", "yaml_nodes", "yaml_text", "yaml_writer"},
    "subprocess": {"demo", "history", "sops"},
}
MAX_FUNCTION = 40
MAX_MODULE = 300
MAX_KIND = 60


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(SOURCE).with_suffix("").parts)


def imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own_imports(path: Path) -> set[str]:
    known = {name_of(module) for module in MODULES}
    found = {name.removeprefix("vaultconf.") for name in imports_of(path) if name.startswith("vaultconf.")}
    return (found & known) - {name_of(path)}


def functions_of(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            documented = ast.get_docstring(node) is not None and len(node.body) > 1
            first = node.body[1] if documented else node.body[0]
            yield node.name, (node.end_lineno or 0) - first.lineno + 1


def test_no_module_imports_itself_through_others() -> None:
    graph = {name_of(path): own_imports(path) for path in MODULES if path.stem != "__init__"}

    order = list(graphlib.TopologicalSorter(graph).static_order())

    assert len(order) >= len(graph)


@pytest.mark.parametrize("library", EDGES)
def test_a_library_is_imported_at_its_edge_only(library: str) -> None:
    users = {name_of(path) for path in MODULES if library in {name.split(".")[0] for name in imports_of(path)}}

    assert users <= EDGES[library]


def test_the_environment_is_read_in_one_module_only() -> None:
    readers = {name_of(path) for path in MODULES if "os.environ" in path.read_text()}

    assert readers == {"environment"}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_function_is_longer_than_a_screen(path: Path) -> None:
    long = {name: lines for name, lines in functions_of(path) if lines > MAX_FUNCTION}

    assert long == {}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_module_grows_too_long(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MAX_MODULE


@pytest.mark.parametrize("path", sorted((SOURCE / "kinds").glob("[a-z]*.py")), ids=name_of)
def test_a_kind_is_a_short_declaration_beside_its_fields(path: Path) -> None:
    lines = path.read_text().splitlines()
    tree = ast.parse(path.read_text())
    fields = sum(
        (node.end_lineno or 0) - node.lineno + 1
        for model in tree.body
        if isinstance(model, ast.ClassDef)
        for node in model.body
        if isinstance(node, ast.AnnAssign)
    )

    assert len(lines) - fields <= MAX_KIND


@pytest.mark.parametrize("path", sorted((SOURCE / "kinds").glob("[a-z]*.py")), ids=name_of)
def test_no_kind_knows_another(path: Path) -> None:
    others = {name for name in own_imports(path) if name.startswith("kinds.")}

    assert others == set()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_only_the_edges_and_kinds_name_a_kind(path: Path) -> None:
    kinds = {kind.stem for kind in (SOURCE / "kinds").glob("[a-z]*.py")}
    allowed = {"desired", "documents", "demo"}
    words = {node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)} & kinds

    assert words == set() or path.parent.name == "kinds" or name_of(path) in allowed | {"token_fields", "credentials"}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_nothing_is_printed_or_left_to_do(path: Path) -> None:
    text = path.read_text()
    calls = {
        node.func.id
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }

    assert "print" not in calls
    assert not [word for word in ("TODO", "FIXME", "XXX") if word in text]
