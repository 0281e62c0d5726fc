"""Passwords that the server changes by itself: what is asked for, what is remembered, what is never sent."""

from __future__ import annotations

import datetime
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.plans import BAO, change, desired, live, plan, reference, resolver, scope, tables
from tests.unit.loading import complaints, document
from vaultconf import catalogue, remembering, resuming, rotating, rotation_plan, saved, sending
from vaultconf.address import Pattern
from vaultconf.errors import InputError, Refused
from vaultconf.fingerprints import fingerprint
from vaultconf.kind import Kind
from vaultconf.ledger import DUE, Entry, Head, Ledger, entries_of, shards_of
from vaultconf.live import Reading
from vaultconf.model import Action, Address, Change, Guidance, Outcome, Plan, Risk, RiskReason, Status
from vaultconf.remembering import Stamp
from vaultconf.rotation_plan import Wish
from vaultconf.saved import Rotations, Saved
from vaultconf.sealed import Secret
from vaultconf.survey import Survey

CONNECTION = (
    "secrets: {db: {type: database, connections: {pg: {plugin_name: postgresql-database-plugin, vaultconf: {%s}}}}}\n"
)
STAMP = Stamp("c0ffee", "2026-06-01T00:00:00Z", "ci", "p")
KEY = Secret("ab" * 32)
ROOT = desired(
    "database_connection",
    {"plugin_name": "postgresql-database-plugin", "username": "vault", "password": reference("PASSWORD")},
    guidance=Guidance(rotate_root="on_create"),
    mount="db",
    name="pg",
)
MOUNT = desired("secrets_engine", {"type": "database"}, mount="db")
TABLES = tables(secrets={"db": {"type": "database"}})
ENTRY = Entry("database_connection", ROOT.params, owned=True)
STATIC = {"db_name": "pg", "username": "app", "rotation_period": 86400}


def ledger(entry: Entry | None) -> Ledger:
    return Ledger("secret", entries={ROOT.address: entry} if entry else {}, key=KEY)


def planned(entry: Entry, resend: str = "", **known: str) -> Plan:
    """The plan for a connection that is there as declared."""
    within = replace(scope(resend=(resend,) if resend else ()), ledger=ledger(entry))
    found = {MOUNT.address: live(MOUNT), ROOT.address: live(ROOT)}
    return plan([MOUNT, ROOT], found, within=within, tables=TABLES, resolve=resolver(**known))


def remembered(made: Change, status: Status, before: Entry | None) -> tuple[Entry | None, Entry | None]:
    """The entry while a change is under way, and after it."""
    item = sending.prepare(Plan(BAO, (made,)), resolver(PASSWORD="x"))[0]
    start = Plan(BAO, (made,), ledger=ledger(before))
    during = remembering.intended(start, [item], STAMP)
    after = remembering.confirmed(start, during, [item], [Outcome(made, status)], STAMP)
    return during.entries.get(ROOT.address), after.entries.get(ROOT.address)


@pytest.mark.parametrize(
    ("wish", "complaint"),
    [
        ("rotate_root: on_create", ""),
        ("rotate_root: always", "`vaultconf.rotate_root` must be `on_create`"),
        ("rotate_root: true", "`vaultconf.rotate_root` must be `on_create`"),
        ('rotate_root: "${env:X}"', "`vaultconf.rotate_root` must be `on_create`"),
    ],
)
def test_the_wish_is_read_strictly(tmp_path: Path, wish: str, complaint: str) -> None:
    found = complaints(document(tmp_path, CONNECTION % wish))

    assert [item.partition(" ")[2] for item in found] == ([complaint] if complaint else [])


@pytest.mark.parametrize("kind", catalogue.all_kinds().values(), ids=lambda kind: kind.name)
def test_what_holds_a_rotated_password_is_never_deleted_and_made_anew_to_change_it(kind: Kind) -> None:
    rotated = kind.rotation.fields if kind.rotation is not None else frozenset()
    fixed = [name for name, spec in kind.fields.items() if spec.marks.immutable]

    assert not rotated or (kind.alterable and not fixed and not kind.replaces)
    assert {name for name in rotated if kind.fields[name].marks.write_only} == {
        name for name in rotated if kind.fields[name].marks.secret
    }


def test_making_a_connection_is_followed_by_a_rotation_that_the_plan_tells() -> None:
    made = plan([MOUNT, ROOT], {MOUNT.address: live(MOUNT), ROOT.address: None}, tables=TABLES)

    assert [(item.action, item.rotate) for item in made.changes] == [(Action.CREATE, True)]
    assert [notice for notice in made.notices if "db/config/pg: its password is rotated" in notice]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({}, "changes the password of `app` in the database at once"),
        ({"username": reference("APP")}, "changes the password of its user in the database at once"),
        ({"skip_import_rotation": True}, ""),
    ],
)
def test_making_a_static_role_changes_a_password_and_the_plan_tells(more: dict[str, object], told: str) -> None:
    role = desired("database_static_role", {**STATIC, **more}, mount="db", name="app")
    found = list(rotating.notices(change(Action.CREATE, role)))

    assert [told in notice for notice in found] == ([True] if told else [])
    assert list(rotating.notices(change(Action.UPDATE, role))) == []


def test_a_password_is_not_compared_once_the_server_has_rotated_it() -> None:
    sent = {"password": fingerprint(KEY, ROOT.address, "password", "old")}
    done, doubtful = (
        planned(replace(ENTRY, rotated="2026-01-01T00:00:00Z", fingerprints=sent), PASSWORD="new"),
        planned(replace(ENTRY, rotated=DUE, fingerprints={"password": ""}), PASSWORD="new"),
    )

    assert (done.changes, [item.field for item in done.unverified]) == ((), ["password"])
    assert done.unverified[0].reason.startswith("rotated by the server (2026-01-01T00:00:00Z)")
    assert [(item.action, item.rotate, sending.to_send(item)) for item in doubtful.changes] == [
        (Action.ROTATE, True, frozenset())
    ]
    assert doubtful.unverified[0].reason.startswith("maybe rotated")


def test_a_rotated_password_is_sent_again_only_where_that_is_asked_for() -> None:
    made = planned(replace(ENTRY, rotated="2026-01-01T00:00:00Z"), resend="db/config/pg", PASSWORD="new")

    assert [(item.action, item.rotate) for item in made.changes] == [(Action.UPDATE, False)]
    assert "password" in sending.to_send(made.changes[0])


def test_a_rotation_is_remembered_as_due_before_it_and_with_its_moment_after() -> None:
    made = replace(change(Action.CREATE, ROOT), rotate=True)

    during, done = remembered(made, Status.DONE, None)
    _, failed = remembered(made, Status.FAILED, None)
    _, skipped = remembered(made, Status.SKIPPED, None)

    assert during is not None
    assert (during.rotated, during.owned) == (DUE, True)
    assert done is not None
    assert (done.rotated, done.fingerprints, done.pending) == (STAMP.moment, {}, False)
    assert failed is not None
    assert failed.rotated == DUE
    assert skipped is None


def test_a_rotation_is_no_apply_of_the_commit_that_is_checked_out() -> None:
    before = Head("p", "0ld", "2026-01-01T00:00:00Z", "ci")
    item = sending.prepare(Plan(BAO, (made := replace(change(Action.UPDATE, ROOT), rotate=True),)), resolver())[0]
    during = replace(ledger(ENTRY), head=before)

    rotated, done = (
        remembering.confirmed(Plan(BAO), during, [item], [Outcome(made, Status.DONE)], replace(STAMP, applies=applies))
        for applies in (False, True)
    )

    assert rotated.head == before
    assert rotated.entries[ROOT.address].rotated == STAMP.moment
    assert done.head == Head("p", STAMP.commit, STAMP.moment, STAMP.caller)


def test_a_password_that_was_sent_again_is_rotated_no_more() -> None:
    before = replace(ENTRY, rotated="2026-01-01T00:00:00Z")
    resent = planned(before, resend="db/config/pg", PASSWORD="x").changes[0]

    during, done = remembered(resent, Status.DONE, before)

    assert during is not None
    assert during.rotated == "2026-01-01T00:00:00Z"
    assert done is not None
    assert (done.rotated, set(done.fingerprints)) == ("", {"password"})


def test_a_rotation_survives_the_ledgers_format() -> None:
    entries = {ROOT.address: Entry("database_connection", ROOT.params, rotated="2026-01-01T00:00:00Z")}

    assert entries_of(shards_of(entries).values()) == entries
    assert entries[Address("db/config/pg")].tells_nothing is False


@pytest.mark.parametrize("verify", [True, False])
def test_the_new_login_is_proven_and_the_check_of_it_left_as_it_is_declared(*, verify: bool) -> None:
    values = {"plugin_name": "p", "verify_connection": verify}
    made = Change.of(Action.ROTATE, ROOT, (), values)

    sent = [(request.path, request.body) for request in rotating.steps(made)]

    proof = ("db/config/pg", {"plugin_name": "p", "verify_connection": True})
    back = ("db/config/pg", {"plugin_name": "p", "verify_connection": False})
    assert sent == [("db/rotate-root/pg", None), proof] + ([] if verify else [back])


def around(*objects: tuple[str, dict[str, object], str, str]) -> Survey:
    """What is on the server: kind, values, mount and name of each."""
    found = [desired(name, values, mount=mount, name=own) for name, values, mount, own in objects]
    return Survey(tuple((item, live(item)) for item in found), (), (), {}, {})


def wished(before: str = "", entry: Entry | None = ENTRY, near: Survey | None = None) -> Plan:
    """The plan of `rotate` for a connection that is there; `before` is a moment in RFC 3339."""
    moment = datetime.datetime.fromisoformat(before) if before else None
    made = replace(plan([]), present=(ROOT,), ledger=ledger(entry))
    reading = Reading({ROOT.address: live(ROOT)}, TABLES)
    wish = Wish((Pattern.parse("db/config/*"),), moment)
    return rotation_plan.narrowed(wish, made, reading, near or around())


@pytest.mark.parametrize(
    ("rotated", "count", "told"),
    [
        ("2026-01-01T00:00:00Z", 1, []),
        ("2026-03-01T00:00:00Z", 0, ["db/config/pg: was rotated at 2026-03-01 00:00 UTC, and is left alone"]),
        ("", 1, ["db/config/pg: nobody knows when it was rotated last, so that it counts as old"]),
        (DUE, 1, ["db/config/pg: nobody knows when it was rotated last, so that it counts as old"]),
    ],
)
def test_what_is_younger_than_asked_for_is_left_alone(rotated: str, count: int, told: list[str]) -> None:
    made = wished("2026-02-01T00:00:00Z", replace(ENTRY, rotated=rotated))

    assert [(item.action, item.rotate) for item in made.changes] == [(Action.ROTATE, True)] * count
    assert list(made.notices) == told


PG = {"plugin_name": "postgresql-database-plugin"}


@pytest.mark.parametrize(
    ("url", "user", "is_shared"),
    [
        ("postgresql://{{username}}:{{password}}@DB.internal:5432/other?sslmode=disable", "vault", True),
        ("postgres://db.internal:5432/payments", "vault", True),
        ("{{username}}:{{password}}@tcp(db.internal:5432)/x", "vault", True),
        ("postgresql://{{username}}:{{password}}@db.internal:5433/payments", "vault", False),
        ("postgresql://{{username}}:{{password}}@db.internal:5432/payments", "other", False),
    ],
)
def test_a_login_is_shared_where_server_and_user_are_the_same(url: str, user: str, *, is_shared: bool) -> None:
    mine = {**PG, "connection_url": "postgresql://{{username}}:{{password}}@db.internal:5432/payments"}
    near = around(
        ("database_connection", {**mine, "username": "vault"}, "db", "pg"),
        ("database_connection", {**PG, "connection_url": url, "username": user}, "else", "theirs"),
    )

    try:
        problems = [] if wished(near=near).changes else ["nothing"]
    except Refused as refused:
        problems = [problem.message for problem in refused.problems]

    assert problems == (["else/config/theirs logs in as the same user, and could no longer"] if is_shared else [])


def test_a_static_role_of_the_same_user_shares_its_login() -> None:
    near = around(
        ("database_connection", {**PG, "connection_url": "postgresql://h:1/x", "username": "vault"}, "db", "pg"),
        ("database_static_role", {**STATIC, "username": "vault"}, "db", "app"),
        ("database_static_role", {**STATIC, "username": "vault", "db_name": "gone"}, "db", "lost"),
    )

    with pytest.raises(Refused, match="db/static-roles/app logs in as the same user"):
        wished(near=near)


def test_a_pattern_that_matches_nothing_to_rotate_is_a_mistake() -> None:
    made = replace(plan([]), present=(MOUNT,))

    with pytest.raises(InputError, match="matches nothing whose password"):
        rotation_plan.narrowed(Wish((Pattern.parse("sys/*"),)), made, Reading({}, TABLES), around())


@pytest.mark.parametrize(
    ("mine", "theirs", "count"),
    [("vault", "vault", 1), ("vault", "other", 0), (reference("U"), reference("U"), 0)],
)
def test_a_user_that_another_declared_connection_shares_is_not_rotated_on_creation(
    mine: object, theirs: object, count: int
) -> None:
    url = {**PG, "connection_url": "postgresql://{{username}}:{{password}}@h:5432/x"}
    wish = Guidance(rotate_root="on_create")
    first = desired("database_connection", {**url, "username": mine}, guidance=wish, mount="db", name="a")
    second = desired("database_connection", {**url, "username": theirs}, mount="db", name="b")

    made = plan([MOUNT, first, second], {MOUNT.address: live(MOUNT)}, tables=TABLES)

    told = "its password is to be rotated, and db/config/b logs in as the same user"
    assert [problem.message for problem in made.errors if "logs in as" in problem.message] == [told] * count


@pytest.mark.parametrize(("user", "count"), [("vault", 1), ("app", 0)])
def test_a_user_that_a_declared_static_role_takes_over_is_not_rotated_on_creation(user: str, count: int) -> None:
    root = replace(ROOT, values={**ROOT.values, "connection_url": "postgresql://h:5432/x"})
    role = desired("database_static_role", {**STATIC, "username": user}, mount="db", name="app")

    made = plan([MOUNT, root, role], {MOUNT.address: live(MOUNT)}, tables=TABLES)

    told = "its password is to be rotated, and db/static-roles/app logs in as the same user"
    assert [problem.message for problem in made.errors if "logs in as" in problem.message] == [told] * count


def test_making_a_static_role_of_a_user_that_a_connection_logs_in_as_needs_a_person() -> None:
    root = desired("database_connection", {**PG, "connection_url": "h:1", "username": "vault"}, mount="db", name="pg")
    role = desired("database_static_role", {**STATIC, "username": "vault"}, mount="db", name="app")

    made = plan([MOUNT, root, role], {MOUNT.address: live(MOUNT), root.address: live(root)}, tables=TABLES)

    risk = Risk(
        RiskReason.REMOVES_ACCESS, "db/config/pg logs in as the same user, and could no longer", str(role.address)
    )
    assert (made.errors, [(change.address, change.risk) for change in made.changes]) == ((), [(role.address, risk)])


MAYBE = "logs in with the same user name, maybe to the same server, and could no longer"


@pytest.mark.parametrize("url", ["postgresql://primary:5432/x", "host=10.0.0.1", reference("URL")])
def test_a_user_that_is_on_maybe_the_same_server_is_rotated_on_creation_where_a_person_says_so(url: object) -> None:
    wish = Guidance(rotate_root="on_create")
    values = {**PG, "connection_url": "postgresql://db:5432/x", "username": "vault"}
    first = desired("database_connection", values, guidance=wish, mount="db", name="a")
    second = desired("database_connection", {**values, "connection_url": url}, mount="db", name="b")

    made = plan([MOUNT, first, second], {MOUNT.address: live(MOUNT), second.address: live(second)}, tables=TABLES)

    change = next(change for change in made.changes if change.address == first.address)
    risk = Risk(RiskReason.REMOVES_ACCESS, f"db/config/b {MAYBE}", "db/config/a")
    assert ([item for item in made.errors if item.address == "db/config/a"], change.risk) == ([], risk)


def test_a_user_that_is_on_maybe_the_same_server_is_rotated_on_demand_where_a_person_says_so() -> None:
    mine = {**PG, "connection_url": "postgresql://db:5432/x", "username": "vault"}
    others = [
        ("database_connection", {**mine, "connection_url": f"postgresql://db{number}/x"}, "else", f"x{number}")
        for number in range(5)
    ]

    made = wished(near=around(("database_connection", mine, "db", "pg"), *others))

    named = "else/config/x0, else/config/x1, else/config/x2 and 2 more log in"
    assert [change.risk for change in made.changes] == [
        Risk(RiskReason.REMOVES_ACCESS, MAYBE.replace("logs in", named), "db/config/pg")
    ]


@pytest.mark.parametrize(
    ("entry", "guidance", "moved", "resend", "risky"),
    [
        ("2026-01-01T00:00:00Z", Guidance(), {"username": "old"}, "", True),
        (DUE, Guidance(), {"username": "old"}, "", True),
        (None, Guidance(rotate_root="on_create"), {"username": "old"}, "", True),
        ("", Guidance(rotate_root="on_create"), {"username": "old"}, "", False),
        (None, Guidance(), {"username": "old"}, "", False),
        ("2026-01-01T00:00:00Z", Guidance(), {"max_open_connections": 9}, "", False),
        ("2026-01-01T00:00:00Z", Guidance(), {"username": "old"}, "db/config/pg", False),
    ],
)
def test_another_user_is_a_danger_where_the_server_keeps_a_password_that_it_rotated(
    entry: str | None, guidance: Guidance, moved: dict[str, object], resend: str, *, risky: bool
) -> None:
    root = replace(ROOT, guidance=guidance)
    known = Ledger() if entry is None else ledger(replace(ENTRY, rotated=entry))
    within = replace(scope(resend=(resend,) if resend else ()), ledger=known)

    made = plan(
        [MOUNT, root],
        {MOUNT.address: live(MOUNT), root.address: live(root, **moved)},
        within=within,
        tables=TABLES,
        resolve=resolver(PASSWORD="x"),
    )

    assert [change.risk is not None for change in made.changes] == [risky]


# --- saved ---------------------------------------------------------------------------------------------------

HERE = replace(
    saved.frame(BAO, "", "", ()), rotations=Rotations(tuple(map(Pattern.parse, ["db/config/*"])), older_than="30d")
)


def kept(entry: Entry | None = ENTRY, **changed: Any) -> Saved:
    """The saved plan of a rotation, as it is read again; `changed` stands in its part `rotations`."""
    document = json.loads(json.dumps(saved.as_json(wished(entry=entry), HERE, (), {})))
    document["saved"]["rotations"].update(changed)
    return saved.read(json.dumps(document).encode(), "plan.json")


def again(found: Saved, entry: Entry | None = ENTRY, **moved: object) -> tuple[Plan, tuple[Outcome, ...]]:
    """What is left of a saved plan on a server where the connection is there, with these values."""
    made = replace(plan([]), present=(ROOT,), declared=(ROOT,), ledger=ledger(entry))
    reading = Reading({ROOT.address: live(ROOT, **moved)}, TABLES)
    made = rotation_plan.repeated({planned.address for planned in found.changes}, made, reading, around())
    return resuming.narrowed(found, made, {}, reading, scope())


def test_a_saved_rotation_says_what_it_was_asked_for_and_is_carried_out() -> None:
    found = kept()

    chosen, done = again(found)

    assert found.frame.rotations == HERE.rotations
    assert [(item.action, item.rotate, item.address) for item in chosen.changes] == [
        (Action.ROTATE, True, ROOT.address)
    ]
    assert done == ()


@pytest.mark.parametrize(
    ("before", "now", "count"),
    [
        ("", "2026-01-01T00:00:00Z", 1),
        ("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", 1),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", 0),
        ("", DUE, 0),
        (DUE, DUE, 0),
    ],
)
def test_what_was_rotated_since_counts_as_done_and_what_was_only_begun_does_not(
    before: str, now: str, count: int
) -> None:
    chosen, done = again(kept(replace(ENTRY, rotated=before)), replace(ENTRY, rotated=now))

    assert [item.reason for item in done] == ["already as planned"] * count
    assert len(chosen.changes) == 1 - count
    assert not [notice for notice in chosen.notices if "not in the saved plan" in notice]


@pytest.mark.parametrize("now", ["", DUE, "2025-12-31T23:59:59Z"])
def test_a_password_that_was_set_by_hand_or_whose_rotation_is_forgotten_does_not_count_as_rotated(now: str) -> None:
    found = kept(replace(ENTRY, rotated="2026-01-01T00:00:00Z"))

    with pytest.raises(Refused, match="its password was set or sent since the plan was made"):
        again(found, replace(ENTRY, rotated=now))


@pytest.mark.parametrize(
    ("mount", "before", "now", "verdict"),
    [
        ("", "AKIA1", "AKIA2", True),
        ("secret", "AKIA1", "AKIA2", None),
        ("secret", "2026-01-01T00:00:00Z AKIA1", "2026-01-01T00:00:00Z AKIA2", None),
        ("secret", "2026-01-01T00:00:00Z AKIA1", "2026-01-01T00:00:01Z AKIA2", True),
        ("secret", "2026-01-01T00:00:00.25Z", "2026-01-01T00:00:00.5Z", True),
        ("secret", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00", None),
        ("secret", "AKIA1", "AKIA1", False),
    ],
)
def test_only_a_later_moment_or_without_a_ledger_another_key_tells_of_a_rotation(
    monkeypatch: pytest.MonkeyPatch, mount: str, before: str, now: str, verdict: bool | None
) -> None:
    monkeypatch.setattr(rotating, "trace", lambda *_: now)

    assert rotating.since(change(Action.UPDATE, ROOT), Ledger(mount), before) is verdict


def test_a_connection_that_was_changed_since_is_not_rotated() -> None:
    with pytest.raises(Refused, match="has changed on the server"):
        again(kept(), max_open_connections=9)


def test_a_plan_of_rotations_holds_nothing_but_what_it_says() -> None:
    other = kept(patterns=["sys/*"])
    foreign = replace(kept(), changes=(replace(kept().changes[0], action=Action.UPDATE),))

    for found in (other, foreign):
        with pytest.raises(Refused, match="is no rotation that the plan says it was made for"):
            again(found)


@pytest.mark.parametrize(
    "changed", [{"patterns": "x"}, {"patterns": [1]}, {"patterns": ["a*b"]}, {"older_than": 3}, {"older_than": None}]
)
def test_what_a_plan_of_rotations_was_asked_for_is_read_strictly(changed: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="is not a saved plan"):
        kept(**changed)


# --- other methods -------------------------------------------------------------------------------------------

LDAP = {"url": "ldap://h", "binddn": "cn=vault", "bindpass": reference("PASSWORD")}
METHOD = desired("auth_method", {"type": "ldap"}, mount="m")
AUTH = tables(auth={"m": {"type": "ldap"}})
WISH = Guidance(rotate_root="on_create")
AWS = {"access_key": "AKIA1", "secret_key": reference("SECRET")}


def of_method(guidance: Guidance, *, there: bool, entry: Entry | None = None, **moved: object) -> Plan:
    """The plan for an LDAP method; where it is there, its configuration has defaults but for what `moved`."""
    wanted = desired("ldap_config", LDAP, guidance=guidance, mount="m")
    blank = live(desired("ldap_config", {}, mount="m"), **moved)
    found = {METHOD.address: live(METHOD), wanted.address: blank} if there else {}
    kept = Ledger("secret", entries={wanted.address: entry}, key=KEY) if entry else Ledger()
    within = replace(scope(), ledger=kept)
    return plan([METHOD, wanted], found, within=within, tables=AUTH if there else tables())


def config_of(made: Plan) -> Change:
    return next(item for item in made.changes if item.address.path == "auth/m/config")


@pytest.mark.parametrize(
    ("guidance", "there", "moved", "sent", "rotate"),
    [
        (Guidance(), False, {}, True, False),
        (WISH, False, {}, True, True),
        (Guidance(), True, {}, True, False),
        (Guidance(), True, {"url": "ldap://other"}, False, False),
        (WISH, True, {}, False, False),
    ],
)
def test_a_secret_of_what_exists_with_its_mount_is_sent_when_that_is_written_first(
    guidance: Guidance, moved: dict[str, object], *, there: bool, sent: bool, rotate: bool
) -> None:
    found = config_of(of_method(guidance, there=there, **moved))

    assert ("bindpass" in sending.to_send(found), found.rotate) == (sent, rotate)


def test_a_rotated_password_is_not_sent_to_a_configuration_that_was_reset_by_hand() -> None:
    entry = Entry("ldap_config", {"mount": "m"}, rotated="2026-01-01T00:00:00Z")

    assert "bindpass" not in sending.to_send(config_of(of_method(Guidance(), there=True, entry=entry)))


@pytest.mark.parametrize(
    ("guidance", "rotated", "differs"),
    [
        (Guidance(), None, True),
        (Guidance(), "", True),
        (WISH, None, False),
        (WISH, "", True),
        (Guidance(), "2026-01-01T00:00:00Z", False),
        (Guidance(), DUE, False),
    ],
)
def test_a_key_that_was_rotated_is_another_than_in_the_files_and_stays(
    guidance: Guidance, rotated: str | None, *, differs: bool
) -> None:
    mount = desired("auth_method", {"type": "aws"}, mount="m")
    client = desired("aws_auth_client", AWS, guidance=guidance, mount="m")
    entries = {} if rotated is None else {client.address: Entry("aws_auth_client", client.params, rotated=rotated)}
    found = {mount.address: live(mount), client.address: live(client, access_key="AKIA2")}
    within = replace(scope(), ledger=Ledger("secret", entries=entries, key=KEY))

    made = plan([mount, client], found, within=within, tables=tables(auth={"m": {"type": "aws"}}))

    fields = [item.field for change in made.changes for item in change.fields]
    assert fields == (["access_key"] if differs else [])
    assert ("access_key" in {item.field for item in made.unverified}) is not differs


def test_where_a_server_rotates_nothing_of_a_method_the_plan_says_so() -> None:
    wanted = desired("ldap_config", LDAP, guidance=WISH, mount="m")

    made = plan([METHOD, wanted], {}, tables=tables())

    assert [problem.message for problem in made.errors] == [
        "its password is to be rotated, and openbao has no `auth/{mount}/config/rotate-root`"
    ]


def test_only_the_same_engines_are_looked_at_for_who_shares_a_user() -> None:
    kinds = [catalogue.all_kinds()["ldap_config"]]
    found = {("", "auth_method"): {"a/b": {"type": "ldap"}, "c": {"type": "aws"}}, ("", "secrets_engine"): {}}

    assert [pattern.text for pattern in rotation_plan.neighbours(found, kinds)] == ["auth/a/b/config"]
    assert list(rotation_plan.neighbours(found, [])) == []


def test_what_cannot_be_rotated_on_creation_is_told_what_can(tmp_path: Path) -> None:
    found = complaints(document(tmp_path, "auth: {a: {type: azure, config: {vaultconf: {rotate_root: on_create}}}}\n"))

    assert any("is for objects whose password the server can change" in item for item in found)
