"""The generated pages: current, complete, and true to the ladders and to what was proven."""

from __future__ import annotations

import hashlib
import json
import textwrap
from pathlib import Path

import pytest
import yaml

from docs import generate
from tests.support.markdown import ROOT
from vaultconf import catalogue


def test_generated_pages_and_the_schema_are_current() -> None:
    out_of_date = generate.stale()

    assert list(out_of_date) == [], "run `make docs`"


def test_the_generator_names_what_is_out_of_date_and_then_writes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generate, "ROOT", tmp_path)
    left_over = tmp_path / "docs/reference/kinds/gone.md"
    left_over.parent.mkdir(parents=True)
    left_over.write_text("a kind that was removed")

    codes = [generate.main(["--check"]), generate.main([]), generate.main(["--check"])]

    assert codes == [1, 0, 0]
    assert "docs/reference/kinds/gone.md is out of date" in capsys.readouterr().err
    assert not left_over.exists()


def test_the_generator_refuses_an_option_that_it_does_not_know() -> None:
    assert generate.main(["--chekc"]) == 64


def test_every_kind_has_a_page_that_the_index_of_kinds_links_to() -> None:
    index = (ROOT / "docs/reference/kinds/index.md").read_text()
    readme = (ROOT / "README.md").read_text()

    missing = [kind for kind in catalogue.all_kinds() if f"({kind}.md)" not in index]

    assert missing == []
    assert "(docs/reference/kinds/index.md)" in readme


def test_the_readme_counts_the_kinds() -> None:
    readme = (ROOT / "README.md").read_text()

    assert f"| Kinds of objects | {len(catalogue.all_kinds())} |" in readme


def test_a_page_lists_every_field_of_its_kind() -> None:
    kinds = [(kind, generate.kind_page(kind)) for kind in catalogue.all_kinds().values()]

    missing = [(kind.name, name) for kind, text in kinds for name in kind.fields if f"| `{name}` |" not in text]

    assert missing == []


def test_a_page_says_where_its_kind_was_proven_and_whether_it_changed_since(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = [
        {"server": "openbao", "version": "2.7.2", "date": "2026-11-20", "digest": digest_of("kv_config")},
        {"server": "vault", "version": "1.19.0", "date": "2026-11-01", "digest": "of another text"},
    ]
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/verified.json").write_text(json.dumps({"kv_config": entries}))
    monkeypatch.setattr(generate, "ROOT", tmp_path)

    proven = generate.kind_page(catalogue.all_kinds()["kv_config"])
    never = generate.kind_page(catalogue.all_kinds()["token_role"])

    assert "| OpenBao | 2.7.2 | 2026-11-20 |  |" in proven
    assert "| Vault | 1.19.0 | 2026-11-01 | changed since |" in proven
    assert "Never ran" in never


def digest_of(kind: str) -> str:
    return hashlib.sha256((ROOT / f"vaultconf/kinds/{kind}.py").read_bytes()).hexdigest()


def test_the_example_of_a_page_is_the_fullest_state_of_its_ladder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ladder = """
        object: {mount: <unique>-kv}
        least: {}
        rungs:
          - {with: {max_versions: 3}}
          - {with: {max_versions: 3, cas_required: true}}
          - {with: {max_versions: 3, cas_required: true, metadata_cas_required: true}, only: openbao}
    """
    (tmp_path / "tests/ladders").mkdir(parents=True)
    (tmp_path / "tests/ladders/kv_config.yaml").write_text(textwrap.dedent(ladder))
    monkeypatch.setattr(generate, "ROOT", tmp_path)

    page = generate.kind_page(catalogue.all_kinds()["kv_config"])

    shown = page.partition("```yaml example\n")[2].partition("```")[0]
    assert yaml.safe_load(shown) == {"secrets": {"example-kv": {"config": {"max_versions": 3, "cas_required": True}}}}
