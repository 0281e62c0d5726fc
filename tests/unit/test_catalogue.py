"""No kind without proof: each has a ladder, and each field is walked and changed by hand, or says why not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from tests.support import verified
from tests.support.ladders import KEYS, Ladder, dotted, ladder_names, load, merged
from vaultconf.catalogue import all_kinds

LADDERS = {name: load(name) for name in ladder_names()}


def _of(kind: str) -> list[Ladder]:
    return [ladder for ladder in LADDERS.values() if ladder.kind.name == kind]


def _said(kind: str, section: str) -> set[str]:
    """The fields that the ladders of a kind name in a section."""
    return {field for ladder in _of(kind) for field in ladder.data.get(section, {})}


def test_every_kind_has_a_ladder_and_every_ladder_a_kind() -> None:
    kinds = set(all_kinds())

    with_ladder = {name for name in LADDERS if "." not in name}

    assert with_ladder == kinds


@pytest.mark.parametrize("name", sorted(all_kinds()))
def test_every_field_is_walked_or_says_why_not(name: str) -> None:
    fields = set(all_kinds()[name].fields)

    walked = {field for ladder in _of(name) for field in _walked(ladder)}
    excused = _said(name, "not_walked")

    assert fields - walked - excused == set()
    assert excused - fields == set()
    assert walked & excused == set()


@pytest.mark.parametrize("name", sorted(all_kinds()))
def test_every_field_that_a_server_returns_is_changed_by_hand_or_says_why_not(name: str) -> None:
    kind = all_kinds()[name]
    readable = {field for field, spec in kind.fields.items() if not spec.marks.write_only}

    mutated = _said(name, "mutations")
    excused = _said(name, "not_mutated")

    assert readable - mutated - excused == set()
    assert {field for field in mutated | excused if field not in kind.fields} == set()
    assert mutated & excused == set()


@pytest.mark.parametrize("name", sorted(LADDERS))
def test_a_ladder_begins_with_its_object_being_made_and_ends_with_its_least_form(name: str) -> None:
    ladder = LADDERS[name]
    rungs = ladder.data["rungs"]

    first, last = rungs[0], rungs[-1]

    assert ladder.exists or first["action"] == "create"
    assert not {"with", "instead", "only"} & set(last)


@pytest.mark.parametrize("name", sorted(LADDERS))
def test_a_ladder_says_nothing_that_nobody_reads(name: str) -> None:
    data = LADDERS[name].data
    rung_keys = {"with", "instead", "action", "fields", "allow", "at_once", "only"}
    mutation_keys = {"with", "send", "to", "anew", "names", "action", "allow", "only"}

    strange = set(data) - KEYS
    strange |= _keys(data["rungs"]) - rung_keys
    strange |= _keys(data["mutations"].values()) - mutation_keys

    assert strange == set()


@pytest.mark.parametrize("name", sorted(LADDERS))
def test_what_is_not_proven_has_a_reason(name: str) -> None:
    data = LADDERS[name].data

    reasons = [*data.get("not_walked", {}).values(), *data.get("not_mutated", {}).values()]

    assert [reason for reason in reasons if not isinstance(reason, str) or len(reason.split()) < 3] == []


def test_a_record_keeps_the_newest_entry_of_each_server_and_version() -> None:
    old = {"server": "vault", "version": "1.19.0", "date": "2020-01-01", "digest": "0"}
    other = {"server": "openbao", "version": "2.7.2", "date": "2020-01-01", "digest": "0"}

    entries = verified.with_entry([old, other], "acl_policy", "vault", "1.19.0")

    assert [(entry["server"], entry["version"]) for entry in entries] == [("openbao", "2.7.2"), ("vault", "1.19.0")]
    assert entries[0] == other
    assert entries[1]["digest"] == verified.digest("acl_policy")


def test_a_kind_is_proven_where_its_ladder_its_mutations_and_its_defaults_all_passed() -> None:
    whole = [(module, True) for module in sorted(verified.PROOFS)]

    proven = [verified.is_proof(seen) for seen in (whole, whole[1:], [*whole, ("test_ladders", False)])]

    assert proven == [True, False, False]


def _walked(ladder: Ladder) -> set[str]:
    """The fields that some rung sets or gives another value, and a later one takes away or sets back."""
    bodies = [rung.get("instead", merged(ladder.least, rung.get("with", {}))) for rung in ladder.data["rungs"]]
    states = [_values(ladder, body) for body in bodies]
    names = {name for state in states for name in state}
    return {name for name in names if _goes_and_comes([state.get(name) for state in states], ladder, name)}


def _goes_and_comes(values: list[Any], ladder: Ladder, name: str) -> bool:
    """Whether a field had another value than at last; a write-only one need only be sent."""
    return ladder.kind.fields[name].marks.write_only or any(value != values[-1] for value in values)


def _values(ladder: Ladder, body: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in dotted(ladder.kind, body):
        value: Any = body
        for part in name.split("."):
            value = value[part]
        found[name] = value
    return found


def _keys(items: Iterable[Mapping[str, Any]]) -> set[str]:
    return {key for item in items for key in item}
