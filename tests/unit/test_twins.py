"""Two targets that are one place would undo each other's work."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.loading import write
from vaultconf import pipeline
from vaultconf.errors import InputError

ROLES = "auth: {approle: {type: approle, roles: {'r-${var:region}': {token_ttl: 1h}}}}\n"
ONE_PLACE = """\
targets:
  a: {address: "https://V.example.com", vars: {region: eu}}
  b: {address: "https://v.example.com:443/", vars: {region: us}}
"""


def project(root: Path, settings: str) -> Path:
    return write(root, {"vaultconf.yaml": f"version: 1\n{settings}", "desired-state/a.yaml": ROLES})


@pytest.mark.parametrize("by", ["ledger: secret/vc", "prune: [auth/+/role/*]"])
def test_two_targets_in_one_place_do_not_delete_what_the_other_made(tmp_path: Path, by: str) -> None:
    root = project(tmp_path, f"{by}\n{ONE_PLACE}")

    with pytest.raises(InputError) as checked:
        pipeline.validate_every(root)
    with pytest.raises(InputError) as applied:
        pipeline.validate(root, "a")

    (found,) = map(str, checked.value.problems)
    assert found == (
        "vaultconf.yaml:5:3: the targets `b` and `a` are one server and namespace with different files:"
        f" by `{by.partition(':')[0]}`, each deletes what the other made"
        " (first at vaultconf.yaml:4:3; give each a `namespace` or an `address` of its own)"
    )
    assert [found] == [str(problem) for problem in applied.value.problems]


@pytest.mark.parametrize(
    "other",
    [
        "{address: 'https://v.example.com', namespace: us, vars: {region: us}}",
        "{address: 'https://w.example.com', vars: {region: us}}",
        "{address: 'https://v.example.com', vars: {region: eu}, auth: {method: kubernetes, role: reader}}",
        "{vars: {region: us}}",
    ],
)
def test_another_place_or_the_same_files_are_no_mistake(tmp_path: Path, other: str) -> None:
    targets = f"targets:\n  a: {{address: 'https://v.example.com', vars: {{region: eu}}}}\n  b: {other}\n"

    states = pipeline.validate_every(project(tmp_path, f"ledger: secret/vc\nprune: ['auth/*']\n{targets}"))

    assert list(states) == ["a", "b"]


def test_two_targets_in_one_place_may_differ_where_nothing_is_deleted(tmp_path: Path) -> None:
    assert list(pipeline.validate_every(project(tmp_path, ONE_PLACE))) == ["a", "b"]
