"""`render`: the composed desired state, with the origin of each value, and without any secret."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.unit.loading import by_address, complaints, document, load, write
from vaultconf.cli import main
from vaultconf.desired import DesiredState
from vaultconf.errors import Place, Problem
from vaultconf.report import data, rendered, views

APP = """\
templates:
  app:
    params: {name: , ttl: 1h}
    policies: {"${param:name}-read": {policy: "path \\"kv/data/${param:name}/*\\" {\\n  capabilities = [\\"read\\"]\\n}\\n"}}
    auth: {approle: {roles: {"${param:name}": {token_policies: ["${param:name}-read"], token_ttl: "${param:ttl}"}}}}
"""
USES = """\
owner: payments
auth: {approle: {type: approle, tune: {max_lease_ttl: 24h}}}
use:
  app: [{name: payments}, {name: ledger, ttl: 2h}]
"""
MANY = {"desired-state/t.yaml": APP, "desired-state/u.yaml": USES}


SCHEMA = json.loads((Path(__file__).parents[2] / "docs/schemas/render.schema.json").read_text(encoding="utf-8"))


def rendered_object(state: DesiredState, address: str) -> Any:
    objects: Any = rendered.as_json(state, "")["objects"]
    return next(item for item in objects if item["address"] == address)


def test_the_yaml_shows_what_the_files_make_together_and_where_each_line_is_from(tmp_path: Path) -> None:
    text = rendered.as_yaml(load(tmp_path, MANY))

    t, u = "desired-state/t.yaml", "desired-state/u.yaml"
    assert text.startswith(f"---\nowner: payments\nauth:\n  approle:  # {u}:2:8\n    type: approle  # {u}:2:18\n")
    assert f"      ledger:  # {t}:5:30, used at {u}:4:27\n" in text
    assert f"        token_ttl: 2h  # {t}:5:88, used at {u}:4:27\n" in text
    assert f'    policy: |-  # {t}:4:39, used at {u}:4:9\n      path "kv/data/payments/*" {{\n' in text


def test_the_yaml_is_a_desired_state_itself(tmp_path: Path) -> None:
    before = load(tmp_path / "a", MANY)

    after = load(tmp_path / "b", {"desired-state/all.yaml": rendered.as_yaml(before)})

    assert complaints(after) == []
    assert {a: (item.values, item.owner) for a, item in by_address(after).items()} == {
        a: (item.values, item.owner) for a, item in by_address(before).items()
    }


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        "with: colon",
        "# no comment",
        "1:30",
        "yes",
        "null",
        "010",
        "-",
        "- x",
        "a\nb",
        "a\nb\n",
        "\n a",
        " lead\nb",
        "tab\tin\n\tline",
        "::warning::x\nb",
        "##[group]x",
        "quote \" and \\ and '",
        "\u202ereversed",
        "literal ${env:X} and $${env:Y}",
        "[a, b]",
        "{a: b}",
        "🔐",
    ],
)
def test_every_text_reads_back_as_itself(tmp_path: Path, text: str) -> None:
    written = json.dumps(text.replace("${", "$${"), ensure_ascii=False)
    before = document(tmp_path / "a", f"identity: {{entities: {{e: {{metadata: {{k: {written}}}}}}}}}\n")
    assert complaints(before) == []

    after = document(tmp_path / "b", rendered.as_yaml(before))

    assert complaints(after) == []
    assert by_address(after)["identity/entity/name/e"].values == by_address(before)["identity/entity/name/e"].values


def test_a_long_list_has_a_line_for_each_item(tmp_path: Path) -> None:
    names = [f"policy-number-{number}" for number in range(12)]
    state = load(
        tmp_path,
        {
            "vaultconf.yaml": "external: ['*']\n",
            "desired-state/a.yaml": f"auth: {{a: {{type: approle, roles: {{r: {{token_policies: {names}}}}}}}}}\n",
        },
    )

    assert "          - policy-number-3\n" in rendered.as_yaml(state)
    assert yaml.safe_load(rendered.as_yaml(state))["auth"]["a"]["roles"]["r"]["token_policies"] == sorted(names)


def test_namespaces_and_owners_have_documents_of_their_own(tmp_path: Path) -> None:
    text = "owner: a\npolicies: {p: {policy: '#'}}\n---\nnamespace: n\nowner: b\npolicies: {p: {policy: '#'}}\n"

    found = list(yaml.safe_load_all(rendered.as_yaml(document(tmp_path, text))))

    assert found == [
        {"owner": "a", "policies": {"p": {"policy": "#"}}},
        {"namespace": "n", "owner": "b", "policies": {"p": {"policy": "#"}}},
    ]


def test_secrets_are_shown_by_their_references_alone(tmp_path: Path) -> None:
    state = document(
        tmp_path,
        """
        auth:
          u:
            type: userpass
            users:
              one: {password: "${env:ONE}"}
              two: {password: "CANARY-${env:TWO}-CANARY"}
              three: {password: CANARY, vaultconf: {allow_plaintext: true}}
        generic:
          pki/roles/web: {ttl: 1h, organization: CANARY, vaultconf: {show: [ttl]}}
        """,
    )

    text, found = rendered.as_yaml(state), json.dumps(rendered.as_json(state, ""))

    assert complaints(state) == []
    assert "CANARY" not in text + found
    assert '"${env:ONE}"  # secret; ' in text
    assert '"… ${env:TWO} …"' in text
    assert '"(secret)"' in text
    assert "ttl: 1h" in text
    assert rendered_object(state, "auth/u/users/two")["fields"] == [
        {
            "field": "password",
            "value": None,
            "source": {"file": "desired-state/a.yaml", "line": 7, "column": 13},
            "secret": True,
            "references": ["${env:TWO}"],
        }
    ]


def test_guidance_is_part_of_it(tmp_path: Path) -> None:
    state = document(tmp_path, "secrets: {kv: {type: kv, options: {version: '2'}, vaultconf: {protect: true}}}\n")

    assert "    vaultconf: {protect: true}  # desired-state/a.yaml:1:51\n" in rendered.as_yaml(state)
    assert rendered_object(state, "sys/mounts/kv")["vaultconf"] == {"protect": True}


def test_what_no_file_says_is_not_there(tmp_path: Path) -> None:
    state = document(tmp_path, "secrets: {kv: {type: kv, options: {version: '2'}}}\n")

    objects: Any = rendered.as_json(state, "")["objects"]

    assert len(state.objects) > 1
    assert [item["address"] for item in objects] == ["sys/mounts/kv"]


def test_nothing_is_an_empty_map(tmp_path: Path) -> None:
    assert rendered.as_yaml(load(tmp_path, {})) == "{}\n"


def test_the_json_has_each_field_with_the_line_of_the_template_and_of_the_use(tmp_path: Path) -> None:
    found = rendered_object(load(tmp_path, MANY), "auth/approle/role/ledger")

    jsonschema.validate(rendered.as_json(load(tmp_path, MANY), "prod"), SCHEMA)
    assert found["owner"] == "payments"
    assert found["fields"][1] == {
        "field": "token_ttl",
        "value": 7200,
        "source": {
            "file": "desired-state/t.yaml",
            "line": 5,
            "column": 88,
            "use": {"file": "desired-state/u.yaml", "line": 4, "column": 27},
        },
    }


def test_a_plan_shows_the_line_of_the_template_and_of_the_use() -> None:
    place = Place("t.yaml", 5, 30, Place("u.yaml", 4, 27))
    problem = Problem("wrong", place, "mend it")

    assert views.place_text(place) == "t.yaml:5, used at u.yaml:4"
    assert views.problem_text(problem) == ("t.yaml:5:30", "wrong", "used at u.yaml:4:27; mend it")
    assert str(problem) == "t.yaml:5:30: wrong (used at u.yaml:4:27; mend it)"
    assert data.problem(problem)["use"] == {"file": "u.yaml", "line": 4, "column": 27}


# --- the command ----------------------------------------------------------------------------------------------------


TWO = {
    "vaultconf.yaml": "targets: {stage: {vars: {region: eu}}, prod: {vars: {region: us}}}\n",
    "desired-state/a.yaml": "policies: {'${var:region}': {policy: '#'}}\n",
}


def test_render_takes_the_variables_of_the_target(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = write(tmp_path, TWO)

    code = main(["-C", str(root), "render", "--target", "prod", "--format", "json"])

    found = json.loads(capsys.readouterr().out)
    assert code == 0
    assert (found["format"], found["target"]) == ("vaultconf.render/1", "prod")
    assert [item["address"] for item in found["objects"]] == ["sys/policies/acl/us"]


def test_render_writes_yaml_by_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["-C", str(write(tmp_path, MANY)), "render"])

    assert code == 0
    assert [*yaml.safe_load(capsys.readouterr().out)] == ["owner", "auth", "policies"]


def test_one_of_several_targets_must_be_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["-C", str(write(tmp_path, TWO)), "render"])

    assert code == 64
    assert "several targets and none named" in capsys.readouterr().err


def test_files_that_cannot_be_meant_are_complete_json_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = write(tmp_path, {**MANY, "desired-state/x.yaml": "use: {app: [{nam: x}]}\n"})

    code = main(["-C", str(root), "render", "--format", "json"])

    found = json.loads(capsys.readouterr().out)
    assert code == 1
    jsonschema.validate(found, SCHEMA)
    assert found["objects"] == []
    assert found["errors"][0]["message"] == "`app` needs `name`"
