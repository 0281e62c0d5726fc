"""Applications of one template are, to a server, what somebody would have written by hand."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.support.cli import Project

APPLICATIONS = 40
POLICY = 'path "kv/data/{name}/*" {{ capabilities = ["read"] }}'


def names(unique: str) -> list[str]:
    return [f"{unique}-app-{number}" for number in range(APPLICATIONS)]


def write_by_template(project: Project, unique: str) -> None:
    uses = "".join(f"    - {{name: {name}}}\n" for name in names(unique))
    policy = POLICY.format(name="${param:name}")
    project.write(
        "desired-state/a.yaml",
        f"""\
owner: platform
auth: {{{unique}: {{type: approle}}}}
templates:
  app:
    params: {{name: , ttl: 1h}}
    policies: {{"${{param:name}}-read": {{policy: '{policy}'}}}}
    auth:
      {unique}:
        roles: {{"${{param:name}}": {{token_policies: ["${{param:name}}-read"], token_ttl: "${{param:ttl}}"}}}}
use:
  app:
{uses}""",
    )


def write_by_hand(project: Project, unique: str) -> None:
    found = [f"owner: platform\nauth: {{{unique}: {{type: approle}}}}\n"]
    for name in names(unique):
        role = f"{{token_policies: [{name}-read], token_ttl: 1h}}"
        found.append(
            f"owner: platform\npolicies: {{{name}-read: {{policy: '{POLICY.format(name=name)}'}}}}\n"
            f"auth: {{{unique}: {{roles: {{{name}: {role}}}}}}}\n"
        )
    project.write("desired-state/a.yaml", "---\n".join(found))


def without_places(plan: dict[str, Any]) -> str:
    """The bytes of a plan's changes and counts, without the lines of the files."""
    changes = [{key: value for key, value in change.items() if key != "source"} for change in plan["changes"]]
    return json.dumps({**plan, "changes": changes})


def shown(project: Project) -> str:
    """The text of a plan, without the lines of the files."""
    return re.sub(r"  desired-state/\S+(, used at \S+)?$", "", project.run("plan").stdout, flags=re.MULTILINE)


def test_many_uses_of_a_template_plan_as_if_written_by_hand(project: Project, unique: str) -> None:
    write_by_template(project, unique)
    made, made_text = project.plan(), shown(project)
    write_by_hand(project, unique)
    written, written_text = project.plan(), shown(project)

    assert without_places(made) == without_places(written)
    assert made_text == written_text
    assert made["summary"]["create"] == 2 * APPLICATIONS + 1
    assert made["changes"][-1]["source"]["use"]["file"] == "desired-state/a.yaml"
    assert "used at desired-state/a.yaml:" not in made_text


def test_what_a_template_made_is_as_written_by_hand(project: Project, unique: str) -> None:
    write_by_template(project, unique)
    project.apply()
    again = project.plan()
    write_by_hand(project, unique)
    by_hand = project.plan()

    assert again["changes"] == []
    assert by_hand["changes"] == []


def test_the_rendered_state_is_already_there_when_the_files_were_applied(project: Project, unique: str) -> None:
    write_by_template(project, unique)
    project.apply()
    rendered = project.run("render").stdout
    project.write("desired-state/a.yaml", rendered)

    plan = project.plan()

    assert plan["changes"] == []
    assert f"{unique}-app-39-read" in rendered


def test_a_changed_template_changes_every_use(project: Project, unique: str) -> None:
    write_by_template(project, unique)
    project.apply()
    path = project.root / "desired-state/a.yaml"
    path.write_text(path.read_text().replace("ttl: 1h", "ttl: 2h"))

    plan = project.plan()

    assert {change["action"] for change in plan["changes"]} == {"update"}
    assert len(plan["changes"]) == APPLICATIONS
    assert plan["changes"][0]["fields"] == [{"field": "token_ttl", "before": 3600, "after": 7200}]
