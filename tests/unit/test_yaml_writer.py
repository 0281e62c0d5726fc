"""What the writer writes, our own strict reader reads as the same."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultconf import strict_yaml, yaml_writer

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.sampled_from(
    ["on", "Yes", "010", "0o17", "1:30", "1e3", ".5", "1_000", "~", "null", "NaN", "=", "<<", "${env:X}", "a: b", "- x"]
)
VALUES = st.recursive(
    TEXTS | st.booleans() | st.integers(-(2**63), 2**63 - 1),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS.filter(bool), inner, max_size=4),
    max_leaves=12,
)


def read(text: str) -> Any:
    documents, problems = strict_yaml.read(text, "x.yaml")
    assert problems == []
    return documents[0].root


@given(st.dictionaries(TEXTS.filter(bool), VALUES, min_size=1, max_size=4))
def test_any_tree_is_read_back_as_it_was(tree: dict[str, Any]) -> None:
    assert read(yaml_writer.dump(tree)) == tree


@pytest.mark.parametrize(
    ("tree", "text"),
    [
        ({"a": {"b": ["x", "z"]}}, "a:\n  b: [x, z]\n"),
        ({"options": {"version": "2"}}, 'options: {version: "2"}\n'),
        ({"statements": ["GRANT a, b TO c"]}, "statements:\n  - GRANT a, b TO c\n"),
        ({"pem": "one\ntwo\n"}, "pem: |\n  one\n  two\n"),
        ({"pem": "one\ntwo"}, "pem: |-\n  one\n  two\n"),
        ({"version": 1}, "version: 1\n"),
        ({"body": {}}, "body: {}\n"),
    ],
)
def test_it_writes_as_a_person_would(tree: dict[str, Any], text: str) -> None:
    assert yaml_writer.dump(tree) == text
