"""What an export says: in JSON as its schema promises, in text safe to print."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests.unit.report_samples import PROBLEM
from vaultconf import catalogue
from vaultconf.export import Export, LeftOut, Provide
from vaultconf.model import Address, Blocked, Held, Server
from vaultconf.report import data, exported

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/schemas/export.schema.json").read_text(encoding="utf-8"))
ROLE = catalogue.all_kinds()["approle_role"]


def one_of_everything(text: str = "x") -> Export:
    address = Address(f"auth/approle/role/{text}")
    return Export(
        server=Server("openbao", "2.7.2", address="http://127.0.0.1:8200", cluster_id="c"),
        provide=(Provide(address, "password", "APP_PASSWORD"),),
        left_out=(LeftOut(ROLE, address, text),),
        blocked=(Blocked(ROLE, address, 403, text),),
        held=(Held(address, "INC-1", "2026-12-01"),),
        external=(str(address),),
        notices=(text,),
        errors=(PROBLEM,),
    )


def test_an_export_with_one_of_everything_has_the_shape_that_is_promised() -> None:
    printed = json.loads(data.dump(exported.as_json(one_of_everything(), ["vaultconf.yaml"])))

    assert [error.message for error in Draft202012Validator(SCHEMA).iter_errors(printed)] == []
    assert printed["complete"] is False


def test_an_export_that_failed_early_has_the_same_shape() -> None:
    printed = json.loads(data.dump(exported.failure([PROBLEM])))

    assert [error.message for error in Draft202012Validator(SCHEMA).iter_errors(printed)] == []
    assert (printed["server"], printed["complete"], len(printed["errors"])) == (None, False, 1)


@given(st.text(min_size=1))
def test_nothing_in_the_text_can_act_on_a_terminal_or_a_log(text: str) -> None:
    printed = exported.as_text(one_of_everything(text), text, [f"desired-state/{text}.yaml"])

    lines = printed.rstrip("\n").split("\n")
    assert all(line.isprintable() and not line.lstrip().startswith("::") for line in lines)


def test_collections_of_several_kinds_that_share_a_path_are_told_of_once() -> None:
    made = Export(
        server=Server("vault", "2.1.0"),
        blocked=tuple(
            Blocked(catalogue.all_kinds()[name], Address("auth/+/role"), 403, "cannot be listed: permission denied")
            for name in ("approle_role", "jwt_role", "kubernetes_role")
        ),
    )

    assert exported.as_text(made, "out", ()).count("auth/+/role") == 1


def test_a_long_list_of_files_is_cut_and_policies_are_counted() -> None:
    files = [f"policies/p{number}.hcl" for number in range(500)] + [f"desired-state/auth/{n}.yaml" for n in range(60)]

    printed = exported.as_text(Export(Server("vault", "2.1.0")), "out", files)

    assert "  policies/*.hcl  500\n" in printed
    assert "  … and 21 more\n" in printed
