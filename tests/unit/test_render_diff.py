"""`render --diff`: what differs between two environments, with both values and both places, and no secret."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.support.markdown import ROOT, blocks
from tests.unit.loading import write
from vaultconf.cli import main

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/schemas/render-diff.schema.json").read_text(encoding="utf-8"))
A, P = "desired-state/a.yaml", "overlays/prod/o.yaml"
FILES = {
    "vaultconf.yaml": "targets: {stage: {}, prod: {overlays: [overlays/prod]}}\n",
    A: """\
auth:
  approle:
    type: approle
    roles:
      app: {token_ttl: 1h, token_num_uses: 0}
      sandbox: {token_ttl: 2h}
  up:
    type: userpass
    users:
      u: {password: "${env:STAGE}"}
policies:
  p:
    policy: |
      path "kv/*" {
        capabilities = ["read"]
      }
generic:
  sys/x: {plain: a, vaultconf: {create_only: true}}
""",
    P: """\
auth:
  approle:
    roles:
      app: {token_ttl: 5m, token_num_uses: null, token_bound_cidrs: [10.0.0.0/8], vaultconf: {protect: true}}
      sandbox: null
      batch: {token_ttl: 3h}
  up: {users: {u: {password: "${env:PROD}"}}}
policies:
  p:
    policy: |
      path "kv/*" {
        capabilities = ["read", "list"]
      }
generic:
  sys/x: {plain: hidden-b}
""",
}
TEXT = """\
~ auth/approle/role/app
    token_bound_cidrs
      stage  (not written)
      prod   [10.0.0.0/8]  overlays/prod/o.yaml:4
    token_ttl
      stage  1h  desired-state/a.yaml:5
      prod   5m  overlays/prod/o.yaml:4
    vaultconf
      stage  (not written)
      prod   {protect: true}  overlays/prod/o.yaml:4

+ auth/approle/role/batch
    only in prod: overlays/prod/o.yaml:6

- auth/approle/role/sandbox
    only in stage: desired-state/a.yaml:6

~ auth/up/users/u
    password
      stage  (secret) from ${env:STAGE}  desired-state/a.yaml:10
      prod   (secret) from ${env:PROD}  overlays/prod/o.yaml:7

~ sys/policies/acl/p
    policy
      @@ -1,3 +1,3 @@
        path "kv/*" {
      -   capabilities = ["read"]
      +   capabilities = ["read", "list"]
        }
      stage  desired-state/a.yaml:13
      prod   overlays/prod/o.yaml:10

~ sys/x
    plain
      stage  (secret)  desired-state/a.yaml:18
      prod   (secret)  overlays/prod/o.yaml:15

4 objects differ, 1 only in stage, 1 only in prod; 2 objects are the same.
"""


def run(root: Path, *arguments: str, files: Mapping[str, str] = FILES) -> int:
    return main(["-C", str(write(root, files)), "render", *arguments])


def as_json(root: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    """The JSON of a run, which its schema describes."""
    run(root, *arguments, "--format", "json")
    found = json.loads(capsys.readouterr().out)
    jsonschema.validate(found, SCHEMA)
    return found


def test_both_values_and_both_places_are_shown_and_no_secret(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run(tmp_path, "--diff", "stage", "prod")

    assert capsys.readouterr().out == TEXT
    assert code == 0


def test_the_other_way_round_it_is_the_mirror_image(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(tmp_path, "--diff", "prod", "stage")

    out = capsys.readouterr().out
    assert "- auth/approle/role/batch\n    only in prod: " in out
    assert "+ auth/approle/role/sandbox\n    only in stage: " in out
    assert out.endswith("4 objects differ, 1 only in prod, 1 only in stage; 2 objects are the same.\n")


def test_a_target_does_not_differ_from_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = run(tmp_path, "--diff", "prod", "prod")

    assert capsys.readouterr().out == "No differences between prod and prod: 7 objects are the same.\n"
    assert code == 0


def test_the_json_is_as_published_and_holds_no_secret(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = as_json(tmp_path, capsys, "--diff", "stage", "prod")

    objects = {item["address"]: item for item in found["objects"]}
    assert (found["format"], found["left"], found["right"]) == ("vaultconf.render-diff/1", "stage", "prod")
    assert found["summary"] == {"both": 4, "left": 1, "right": 1, "same": 2}
    assert objects["auth/up/users/u"]["fields"] == [
        {
            "field": "password",
            "left": {
                "value": None,
                "source": {"file": A, "line": 10, "column": 11},
                "references": ["${env:STAGE}"],
            },
            "right": {"value": None, "source": {"file": P, "line": 7, "column": 20}, "references": ["${env:PROD}"]},
            "secret": True,
        }
    ]
    assert objects["auth/approle/role/sandbox"]["in"] == "left"
    assert objects["auth/approle/role/sandbox"]["right"] is None
    assert objects["auth/approle/role/sandbox"]["fields"][0]["left"]["value"] == 7200
    assert "hidden-b" not in json.dumps(found)


def test_the_documentation_shows_what_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = list(blocks(ROOT / "docs/how-to/many-environments.md"))
    command = "$ vaultconf render --diff stage prod\n"
    shown = next(block.text for block in page if block.text.startswith(command))

    run(tmp_path, "--diff", "stage", "prod", files={block.file: block.text for block in page if block.file})

    assert capsys.readouterr().out.strip() == shown.removeprefix(command).strip()


def test_a_default_that_is_written_is_no_difference(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {
        **FILES,
        P: "auth: {approle: {roles: {app: {token_num_uses: null}, sandbox: {token_no_default_policy: false}}}}\n",
    }

    run(tmp_path, "--diff", "stage", "prod", files=files)

    assert capsys.readouterr().out.startswith("No differences")


def test_variables_differ_at_the_same_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = "targets: {a: {vars: {ttl: 1h}}, b: {vars: {ttl: 2h}}}\n"
    files = {"vaultconf.yaml": settings, A: 'auth: {a: {type: approle, roles: {r: {token_ttl: "${var:ttl}"}}}}\n'}

    run(tmp_path, "--diff", "a", "b", files=files)

    assert f"      a  1h  {A}:1\n      b  2h  {A}:1\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--diff", "stage", "prd"), "no target `prd` in vaultconf.yaml"),
        (("--diff", "stage", "prod", "--target", "prod"), "`--diff` names two targets"),
        (("--diff", "stage", ""), "`--diff` takes the names of two targets"),
        (("--diff", "stage"), "requires 2 arguments"),
    ],
)
def test_a_wrong_command_line_exits_with_64(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], complaint: str
) -> None:
    code = run(tmp_path, *arguments)

    assert code == 64
    assert complaint in capsys.readouterr().err


def test_files_that_cannot_be_meant_are_said_for_each_target_in_json_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, {**FILES, P: "auth: {approle: {roles: {ap: null}}}\n"})

    code = main(["-C", str(tmp_path), "render", "--diff", "stage", "prod", "--format", "json"])

    found = json.loads(capsys.readouterr().out)
    jsonschema.validate(found, SCHEMA)
    assert code == 1
    assert [(item["file"], item["hint"]) for item in found["errors"]] == [
        (P, "did you mean `app`?; for the target `prod`")
    ]
    assert found["objects"] == []


def test_what_a_name_holds_cannot_act_on_a_terminal_or_a_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = '"\\e[31m::warning::##[group]"'
    files = {
        "vaultconf.yaml": f"targets: {{a: {{}}, {target}: {{overlays: [o.yaml]}}}}\n",
        A: "identity: {entities: {e: {metadata: {k: v}}}}\n",
        "o.yaml": 'identity: {entities: {e: {metadata: {k: "\\e[2J\\n::error::x"}}}}\n',
    }

    run(tmp_path, "--diff", "a", "\x1b[31m::warning::##[group]", files=files)

    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "##[" not in out
    assert not any(line.lstrip().startswith("::") for line in out.splitlines())
    assert "metadata" in out
