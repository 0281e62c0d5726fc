"""What an adoption says: in JSON as its schema promises, in text safe to print."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests.unit.report_samples import PROBLEM
from vaultconf import catalogue
from vaultconf.adoption import Adopted, Adoption
from vaultconf.errors import Place
from vaultconf.export import Provide
from vaultconf.model import Address, Server
from vaultconf.report import adopted, data

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/schemas/adopted.schema.json").read_text(encoding="utf-8"))
ROLE = catalogue.all_kinds()["approle_role"]


def one_of_everything(text: str = "x") -> Adoption:
    address, place = Address(f"auth/approle/role/{text}"), Place(f"desired-state/{text}.yaml", 3, 5)
    return Adoption(
        server=Server("openbao", "2.7.2", address="http://127.0.0.1:8200", cluster_id="c"),
        adopted=(
            Adopted(ROLE, address, new=False, fields=(text,), place=place),
            Adopted(ROLE, address, new=True, fields=(text,), place=place),
        ),
        files={place.file: b"the new contents"},
        provide=(Provide(address, "password", "APP_PASSWORD"),),
        notices=(text,),
        errors=(PROBLEM,),
    )


def test_an_adoption_with_one_of_everything_has_the_shape_that_is_promised() -> None:
    printed = json.loads(data.dump(adopted.as_json(one_of_everything())))

    assert [error.message for error in Draft202012Validator(SCHEMA).iter_errors(printed)] == []
    assert [item["action"] for item in printed["adopted"]] == ["changed", "added"]
    assert "the new contents" not in str(printed)


def test_an_adoption_that_wrote_nothing_has_the_same_shape() -> None:
    printed = json.loads(data.dump(adopted.failure([PROBLEM])))

    assert [error.message for error in Draft202012Validator(SCHEMA).iter_errors(printed)] == []
    assert (printed["server"], printed["complete"], len(printed["errors"])) == (None, False, 1)


@given(st.text(min_size=1))
def test_nothing_in_the_text_can_act_on_a_terminal_or_a_log(text: str) -> None:
    printed = adopted.as_text(one_of_everything(text))

    lines = printed.rstrip("\n").split("\n")
    assert all(line.isprintable() and not line.lstrip().startswith("::") for line in lines)
