"""Of every kind: what was changed by hand is written into the files, and a plan of them is empty."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tests.support.cli import Project
from tests.support.climbing import Climb
from tests.support.ladders import Climber, Rung, dotted, ladder_names

#: Their live values are shown nowhere, and so are written nowhere.
CLOSED = "generic_object"
FEW = [
    "acl_policy",
    "approle_role",
    "auth_method",
    "auth_method.token",
    "identity_group",
    "kv_config",
    "secrets_engine",
]


class Adopter(Climber):
    """Climbs with files that have comments, and adopts."""

    def declare(self, wanted: object) -> None:
        """Write the object's YAML with comments at its beginning, in it and at its end."""
        Climber.declare(self, wanted)  # type: ignore[arg-type]
        path = self.project.root / "desired-state/object.yaml"
        text = re.sub(r"\A(\w+):\n", r"\1:  # kept: the section\n", path.read_text())
        path.write_text(f"# kept: the file\n{text}# kept: the end\n")

    def adopt(self) -> tuple[int, str]:
        """Adopt the object; the exit code, and all that was printed."""
        result = self._run("adopt", self.ladder.address)
        return result.exit_code, str(result)

    def left(self) -> str:
        """What a plan finds to do, and the comments that are still there; "" where it is as it should be."""
        plan = self._run("plan", "--format", "json", "--detailed-exitcode")
        text = (self.project.root / "desired-state/object.yaml").read_text()
        comments = re.findall(r"# kept: the (\w+)", text)
        strays = [item for item in plan.plan["unmanaged"] if item["address"] == self.ladder.address]
        is_good = plan.exit_code == 0 and not strays and comments in ([], ["file", "section", "end"])
        return "" if is_good else f"{text}\n{plan}"


def rungs(climbing: Climber) -> tuple[Rung, Rung]:
    """The first state, and the one with most fields, of those that need no other object in between."""
    found = [rung for rung in climbing.ladder.rungs(climbing.server) if rung.at_once]
    return found[0], max(found, key=lambda rung: len(dotted(climbing.ladder.kind, rung.wanted)))


def elsewhere(climbing: Adopter, folder: Path) -> Adopter:
    """The same object in another project: its apply is what somebody did behind our back."""
    other = replace(climbing, project=Project.new(folder, climbing.project.server))
    other.project.write("desired-state/around.yaml", yaml.safe_dump(climbing.ladder.data.get("around", {})))
    return other


@pytest.mark.parametrize("name", [name for name in ladder_names() if not name.startswith(CLOSED)])
def test_what_another_project_made_of_an_object_is_adopted_both_ways(name: str, climber: Climb, tmp_path: Path) -> None:
    climbing = climber(name, Adopter)
    assert isinstance(climbing, Adopter)
    other = elsewhere(climbing, tmp_path / "other")
    poor, rich = rungs(climbing)
    ended = []

    for ours, theirs in ((poor, rich), (rich, poor)):
        climbing.climb(ours.wanted, allow=True)
        other.climb(theirs.wanted, allow=True)
        code, said = climbing.adopt()
        ended.append((code, said if code else "", climbing.left()))

    assert ended == [(0, "", ""), (0, "", "")]


@pytest.mark.parametrize("name", [name for name in ladder_names() if not name.startswith(CLOSED)])
def test_what_no_file_declares_any_more_is_adopted(name: str, climber: Climb) -> None:
    climbing = climber(name, Adopter)
    assert isinstance(climbing, Adopter)
    _, rich = rungs(climbing)
    climbing.climb(rich.wanted, allow=True)
    climbing.project.write("desired-state/object.yaml", "# nothing is left\n")

    code, said = climbing.adopt()

    assert (code, climbing.left()) == (0, ""), said


@pytest.mark.parametrize("name", FEW)
def test_a_field_changed_by_hand_is_adopted(name: str, climber: Climb) -> None:
    climbing = climber(name, Adopter)
    assert isinstance(climbing, Adopter)
    climbing.project.write("vaultconf.yaml", "version: 1\nexternal: [sys/policies/acl/*]\n")
    climbing.make_raw()
    mutations = list(climbing.ladder.mutations(climbing.server))
    found = {}

    for mutation in mutations:
        climbing.climb(mutation.wanted, allow=True)
        climbing.mutate(mutation)
        code, said = climbing.adopt()
        found[mutation.field] = (code, said if code else "", climbing.left())

    assert found
    assert found == {mutation.field: (0, "", "") for mutation in mutations}


@pytest.mark.parametrize("name", [name for name in ladder_names() if name.startswith(CLOSED)])
def test_what_nobody_knows_the_fields_of_is_not_adopted(name: str, climber: Climb, tmp_path: Path) -> None:
    climbing = climber(name, Adopter)
    assert isinstance(climbing, Adopter)
    poor, rich = rungs(climbing)
    climbing.climb(rich.wanted, allow=True)
    elsewhere(climbing, tmp_path / "other").climb(poor.wanted, allow=True)
    before = (climbing.project.root / "desired-state/object.yaml").read_text()

    code, said = climbing.adopt()

    assert json.dumps(code) in ("0", "1")
    assert code == 0 or "live values are shown nowhere" in said
    assert (climbing.project.root / "desired-state/object.yaml").read_text() == before
