"""The JSON Schema for editors follows from the kinds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from vaultconf import catalogue, schema

ROOT = Path(__file__).parents[2]
DOCUMENT = schema.document()


def complaints(document: dict[str, Any]) -> list[str]:
    found = jsonschema.Draft7Validator(DOCUMENT).iter_errors(document)
    return ["/".join(map(str, error.absolute_path)) for error in found]


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft7Validator.check_schema(DOCUMENT)

    assert DOCUMENT["$schema"].startswith("http://json-schema.org/draft-07")


@pytest.mark.parametrize("path", sorted((ROOT / "desired-state").glob("*.yaml")), ids=lambda path: path.name)
def test_the_example_satisfies_it(path: Path) -> None:
    assert complaints(yaml.safe_load(path.read_text())) == []


@pytest.mark.parametrize("kind", catalogue.all_kinds().values(), ids=lambda kind: kind.name)
def test_every_field_of_every_kind_is_described(kind: Any) -> None:
    properties = DOCUMENT["definitions"][kind.name]["properties"]
    tops = {name.split(".")[0] for name in kind.fields}

    assert tops <= properties.keys()
    assert all(properties[name].get("description") or "$ref" in properties[name] for name in tops)


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ({"polices": {}}, ""),
        ({"secrets": {"kv": {"type": "kv", "descripton": "x"}}}, "secrets/kv"),
        ({"secrets": {"kv": {"type": "kv", "roles": {}}}}, "secrets/kv"),
        ({"auth": {"approle": {"type": "approle", "roles": {"a": {"bind_secret_id": "yes"}}}}}, "auth/approle/roles/a"),
        ({"auth": {"approle": {"type": "approle", "roles": {"a": {"tokn_ttl": "1h"}}}}}, "auth/approle/roles/a"),
        ({"policies": {"a": {}}}, "policies/a"),
        ({"templates": {"a": {"policies": {"${param:a}": {}}}}}, "templates/a/policies/${param:a}"),
        ({"templates": {"a": {"use": {}}}}, "templates/a"),
        ({"use": {"a": {"name": "x"}}}, "use/a"),
    ],
)
def test_a_mistake_is_seen_while_typing(document: dict[str, Any], place: str) -> None:
    assert set(complaints(document)) == {place}


def test_a_reference_may_stand_for_a_number() -> None:
    document = {"secrets": {"kv": {"type": "kv", "config": {"max_versions": "${env:VERSIONS}"}}}}

    assert complaints(document) == []


def test_children_of_a_mount_of_somebody_else_are_accepted() -> None:
    document = {"auth": {"shared": {"roles": {"a": {}}}}}

    assert complaints(document) == []
