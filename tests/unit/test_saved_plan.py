"""A saved plan as a file, what is read of it, and what its digests give away."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests.support import cli
from tests.support.plans import BAO, change, desired, live, reference, stranger, tables
from tests.support.plans import plan as planned
from tests.support.plans import scope as scope_of
from vaultconf import output, pins, resuming, saved
from vaultconf.address import Pattern
from vaultconf.errors import ExitCode, InputError, Refused
from vaultconf.live import Reading
from vaultconf.model import Action, Guidance, Outcome, Plan, Server
from vaultconf.references import Deferred, Reference, Template
from vaultconf.saved import Frame, Saved
from vaultconf.sealed import Secret
from vaultconf.settings import Hold

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/schemas/plan.schema.json").read_text())
HERE = saved.frame(replace(BAO, cluster_id="c-1"), "admin", "prod", ())
APPROLE = tables(auth={"m": {"type": "approle"}})
MOST = 1000

Json = dict[str, Any]


def role(name: str = "r", **values: object) -> Any:
    return desired("approle_role", values, mount="m", name=name)


def document(made: Plan, frame: Frame = HERE) -> Json:
    """The saved plan as JSON that was written and read again."""
    text = json.dumps(saved.as_json(made, frame, (), {}))
    found: Json = json.loads(text)
    return found


def example() -> Json:
    old = role(token_ttl=60)
    return document(planned([old, role("new")], {old.address: live(old, token_ttl=5)}, tables=APPROLE))


def read(found: object) -> Saved:
    return saved.read(json.dumps(found).encode(), "plan.json")


def narrowed(made: Plan, found: Json, **reading: Any) -> tuple[Plan, tuple[Outcome, ...]]:
    within = reading.pop("within", scope_of())
    seen = Reading({}, reading.pop("tables", APPROLE), **reading)
    return resuming.narrowed(read(found), made, {}, seen, within)


# --- what is written -----------------------------------------------------------------------------------------


def test_a_saved_plan_is_the_plan_that_the_schema_describes_and_a_little_more() -> None:
    found = example()

    Draft202012Validator(SCHEMA).validate(found)
    Draft202012Validator(SCHEMA).validate({name: value for name, value in found.items() if name != "saved"})

    assert found["saved"]["changes"].keys() == {item["address"] for item in found["changes"]}


def test_what_was_written_is_read_again() -> None:
    found = read(example())

    assert found.frame == HERE
    assert [(item.address, item.action) for item in found.changes] == [
        ("auth/m/role/new", Action.CREATE),
        ("auth/m/role/r", Action.UPDATE),
    ]
    assert found.changes[0].live is None
    assert found.changes[1].live is not None


def test_digests_do_not_depend_on_the_order_of_keys_and_tell_true_from_one() -> None:
    assert pins.digest({"a": 1, "b": [1]}) == pins.digest({"b": [1], "a": 1})
    assert pins.digest({"a": 1}) != pins.digest({"a": True})


@pytest.mark.parametrize(
    "value",
    [Secret("a"), Deferred(Template(("a", Reference("env", "PW"))))],
    ids=["in clear", "beside a reference"],
)
def test_no_digest_tells_one_secret_from_another(value: object) -> None:
    other = Secret("b") if isinstance(value, Secret) else Deferred(Template(("b", Reference("env", "PW"))))
    one, two = (desired("userpass_user", {"password": item}, mount="m", name="u") for item in (value, other))

    assert pins.of_desired(one, BAO) == pins.of_desired(two, BAO)
    assert pins.sent(change(Action.CREATE, one)) == pins.sent(change(Action.CREATE, two))


def test_a_reference_is_held_on_to_by_its_name() -> None:
    one, two = (desired("userpass_user", {"password": reference(name)}, mount="m", name="u") for name in "AB")

    assert pins.of_desired(one, BAO) != pins.of_desired(two, BAO)
    assert pins.sent(change(Action.CREATE, one))["references"] == {"password": ["${env:A}"]}


@pytest.mark.parametrize("value", ["postgresql://u:hunter2@h/d", "postgresql://u:hunter3@h/d"])
def test_what_a_server_returns_of_a_secret_is_in_no_digest(value: str) -> None:
    url = "postgresql://{{username}}:{{password}}@h/d"
    wanted = desired("database_connection", {"plugin_name": "p", "connection_url": url}, mount="m", name="c")
    before = live(wanted, connection_url=value)
    clean = live(wanted, connection_url=reference("URL"))

    found = pins.of_live(change(Action.UPDATE, wanted, before), BAO)

    assert found == pins.of_live(change(Action.UPDATE, wanted, clean), BAO)


def test_a_field_that_is_ignored_may_move() -> None:
    wanted = desired(
        "approle_role", {"token_ttl": 5}, mount="m", name="r", guidance=Guidance(ignore=("token_num_uses",))
    )

    one, two = (pins.of_live(change(Action.UPDATE, wanted, live(wanted, token_num_uses=n)), BAO) for n in (1, 2))

    assert one == two


# --- what is compared ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"tool": "0.0.0"}, "another version"),
        ({"cluster": "c-2"}, "another server"),
        ({"product": "vault"}, "another server"),
        ({"namespace": ""}, "another namespace"),
        ({"resend": ("*",)}, "another --resend"),
    ],
)
def test_a_plan_that_was_made_for_something_else_is_refused(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused, match=words) as refused:
        resuming.refuse_another(read(example()), replace(HERE, **changed))

    assert refused.value.exit_code == ExitCode.REFUSED


def test_a_server_without_an_id_is_told_by_its_address() -> None:
    one, two = (saved.frame(Server("vault", address=f"https://{name}"), "", "", ()) for name in "ab")

    assert one != two


def test_the_saved_changes_alone_are_taken_over() -> None:
    old, new = role(token_ttl=60), role("new")
    found = document(planned([new], tables=APPROLE))

    chosen, done = narrowed(planned([old, new], {old.address: live(old, token_ttl=5)}, tables=APPROLE), found)

    assert [str(item.address) for item in chosen.changes] == ["auth/m/role/new"]
    assert done == ()
    assert any("1 change that is not in the saved plan" in notice for notice in chosen.notices)


def test_what_is_already_as_planned_is_done() -> None:
    old = role(token_ttl=60)
    found = document(planned([old], {old.address: live(old, token_ttl=5)}, tables=APPROLE))

    chosen, done = narrowed(planned([old], {old.address: live(old)}, tables=APPROLE), found)

    assert chosen.changes == ()
    assert [(str(item.change.address), item.reason) for item in done] == [("auth/m/role/r", "already as planned")]


@pytest.mark.parametrize(
    ("fresh", "words"),
    [
        (lambda old: planned([], tables=APPROLE), "does not declare it"),
        (
            lambda old: planned([role(token_ttl=61)], {old.address: live(old, token_ttl=5)}, tables=APPROLE),
            "declares something else",
        ),
        (
            lambda old: planned([old], {old.address: live(old, token_ttl=6)}, tables=APPROLE),
            "has changed .*`token_ttl`",
        ),
        (lambda old: planned([old], tables=APPROLE), "is gone"),
        (
            lambda old: planned([old], {old.address: live(old)}, within=scope_of(ignore=(Hold(Pattern("auth/*")),))),
            "is to be left alone",
        ),
    ],
)
def test_what_moved_is_refused(fresh: Callable[[Any], Plan], words: str) -> None:
    old = role(token_ttl=60)
    found = document(planned([old], {old.address: live(old, token_ttl=5)}, tables=APPROLE))

    with pytest.raises(Refused, match=words):
        narrowed(fresh(old), found)


def test_a_delete_counts_as_done_only_where_the_object_would_have_been_seen() -> None:
    gone = stranger("approle_role", mount="m", name="r")
    within = scope_of(prune=["auth/m/role/*"])
    found = document(planned([], strangers=(gone,), within=within, tables=APPROLE))
    nothing = planned([], tables=APPROLE)

    _, done = narrowed(nothing, found, within=within)

    assert [str(item.change.address) for item in done] == ["auth/m/role/r"]
    with pytest.raises(Refused, match="nothing here says so"):
        narrowed(nothing, found, strangers=(gone,))
    with pytest.raises(Refused, match="nothing that this run looks at"):
        narrowed(nothing, found, within=scope_of(owns=["auth/other/*"]))


def test_a_secret_that_can_be_compared_no_longer_is_not_taken_for_done() -> None:
    wanted = desired(
        "database_connection", {"plugin_name": "p", "connection_url": reference("URL")}, mount="m", name="c"
    )
    there = live(wanted, connection_url="postgresql://h/d")
    engine = tables(secrets={"m": {"type": "database"}})
    known = planned([wanted], {wanted.address: there}, tables=engine, resolve=lambda _: "postgresql://h/other")
    found = document(known)
    blind = planned([wanted], {wanted.address: there}, tables=engine)

    assert [item["action"] for item in found["changes"]] == ["update"]
    with pytest.raises(Refused, match="`connection_url` cannot be compared here"):
        narrowed(blind, found, tables=engine)


# --- what is read --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "not JSON"),
        (b"hvs.canary", "not JSON"),
        (b"[]", "not a JSON object"),
        (b"\xff\xfe", "not UTF-8"),
        (b'{"format": "vaultconf.plan/1", "format": "canary"}', "a key stands twice"),
        (b'{"format": 1e999}', "number that JSON does not have"),
        (b'{"format": NaN}', "number that JSON does not have"),
        (b'{"format": ' + b"9" * 5000 + b"}", "number that is too long"),
        (b'{"format": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
        (b'{"format": "vaultconf.plan/1"}', "holds too little to be applied"),
        (b'{"format": "vaultconf.plan/2", "saved": {}}', "`format` or `complete`"),
        (b'{"format": "vaultconf.plan/1", "complete": true, "saved": {"format": "canary"}}', "`saved.format`"),
    ],
)
def test_what_is_no_saved_plan_is_said_without_a_word_of_it(text: bytes, words: str) -> None:
    with pytest.raises(InputError, match=words) as error:
        saved.read(text, "plan.json")

    assert "canary" not in str(error.value)
    assert "plan --out" in str(error.value)


def _values(found: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The paths of all values in a document."""
    yield path
    items = found.items() if isinstance(found, dict) else enumerate(found) if isinstance(found, list) else ()
    for key, item in items:
        yield from _values(item, (*path, key))


def _put(found: Json, path: tuple[str | int, ...], value: object) -> Json:
    if not path:
        return {"": value}
    copy: Json = json.loads(json.dumps(found))
    at: Any = copy
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return copy


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=200, deadline=None)
@given(path=st.sampled_from(sorted(_values(example()), key=str)), value=JSON_VALUES)
def test_whatever_stands_anywhere_in_the_file_it_is_refused_or_changes_nothing(
    path: tuple[str | int, ...], value: object
) -> None:
    old = role(token_ttl=60)
    made = planned([old, role("new")], {old.address: live(old, token_ttl=5)}, tables=APPROLE)

    try:
        kept = read(_put(example(), path, value))
        chosen, _ = resuming.narrowed(kept, made, {}, Reading({}, APPROLE), scope_of())
    except (InputError, Refused):
        return

    assert all(item in made.changes for item in chosen.changes)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with pytest.raises(InputError):
        saved.read(data, "plan.json")


# --- the file ------------------------------------------------------------------------------------------------


def anything(_: bytes) -> bool:
    return True


def test_a_plan_is_for_its_owner_alone_even_where_an_earlier_one_was_not(tmp_path: Path) -> None:
    earlier = tmp_path / "plan.json"
    earlier.write_text("{}")
    earlier.chmod(0o644)

    path = output.check_private(tmp_path, "plan.json", anything, MOST)
    output.save_private(path, "text")

    assert (earlier.read_text(), earlier.stat().st_mode & 0o777) == ("text", 0o600)
    assert list(tmp_path.iterdir()) == [earlier]


def test_a_symbolic_link_is_not_replaced_and_what_it_leads_to_not_written(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("hvs.x")
    (tmp_path / "plan.json").symlink_to(token)

    with pytest.raises(InputError, match="symbolic link"):
        output.check_private(tmp_path, "plan.json", anything, MOST)

    assert token.read_text() == "hvs.x"


def test_a_name_of_the_project_does_not_lead_out_of_it(tmp_path: Path) -> None:
    project, outside = tmp_path / "project", tmp_path / "outside"
    for folder in (project / ".git", outside):
        folder.mkdir(parents=True)
    (project / "build").symlink_to(outside)

    with pytest.raises(InputError, match="out of the project"):
        output.check_private(project, "build/plan.json", anything, MOST)
    with pytest.raises(InputError, match=r"into `\.git`"):
        output.check_private(project, ".git/plan.json", anything, MOST)
    with pytest.raises(InputError, match="has no folder"):
        output.check_private(project, "nowhere/plan.json", anything, MOST)

    assert output.check_private(project, str(outside / "plan.json"), anything, MOST) == outside / "plan.json"


def test_what_is_no_plan_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("mine")
    (tmp_path / "plan.json").write_text(json.dumps(example()))

    with pytest.raises(InputError, match="is no plan"):
        output.check_private(tmp_path, "notes", saved.is_plan, MOST)

    assert output.check_private(tmp_path, "plan.json", saved.is_plan, 100_000) == tmp_path / "plan.json"


def test_only_a_regular_file_of_a_decent_size_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(b"x" * (MOST + 1))

    with pytest.raises(InputError, match="is not a file"):
        output.read(tmp_path / "pipe", "pipe", MOST)
    with pytest.raises(InputError, match="is larger than"):
        output.read(tmp_path / "large", "large", MOST)
    with pytest.raises(InputError, match="cannot be read: No such file"):
        output.read(tmp_path / "absent", "absent", MOST)
    with pytest.raises(InputError, match="folder"):
        output.read(tmp_path, "folder", MOST)


def test_a_plan_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "plan.json").mkdir()

    with pytest.raises(InputError, match="cannot be written"):
        output.save_private(tmp_path / "plan.json", "text")

    assert [item.name for item in tmp_path.iterdir()] == ["plan.json"]


# --- the command line ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [
        (("apply", "plan.json", "--yes", "--only", "auth/*"), 64, "holds its own --only"),
        (("apply", "absent.json", "--yes"), 1, "cannot be read"),
        (
            ("plan", "--format", "xml"),
            64,
            "Invalid value for '--format': 'xml' is not one of 'text', 'json', 'markdown'",
        ),
        (("rotate", "a/config/b", "--out", "nowhere/plan.json"), 1, "has no folder"),
        (("rotate", "a*b", "--out", "plan.json"), 64, "may only stand at the end"),
        (("apply", "vaultconf.yaml", "--yes"), 1, "is not a saved plan"),
        (("plan", "--out", "vaultconf.yaml"), 1, "is no plan"),
        (("plan", "--out", "nowhere/plan.json"), 1, "has no folder"),
    ],
)
def test_a_file_that_cannot_serve_is_refused_before_anything_is_sent(
    tmp_path: Path, argv: tuple[str, ...], code: int, words: str
) -> None:
    (tmp_path / "vaultconf.yaml").write_text("version: 1\n")

    result = cli.run(*argv, cwd=tmp_path, env={"VAULT_ADDR": "http://127.0.0.1:1", "VAULT_TOKEN": "x"})

    assert result.exit_code == code, result
    assert words in result.stderr
    assert "127.0.0.1" not in result.stderr
