"""The ledger as values: its shards, its format, and how it changes around an apply."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from tests.support.plans import BAO, change, desired, live, plan, reference, resolver, scope, stranger, tables
from vaultconf import remembering, sending
from vaultconf.fingerprints import fingerprint
from vaultconf.ledger import (
    SHARDS,
    Entry,
    Head,
    Ledger,
    entries_of,
    goes_with,
    head_from_json,
    head_to_json,
    shard_of,
    shards_of,
)
from vaultconf.model import Action, Address, Change, Guidance, Outcome, Plan, Status
from vaultconf.remembering import Stamp
from vaultconf.sealed import Secret
from vaultconf.vanished import Vanished

STAMP = Stamp("c0ffee", "2026-06-01T00:00:00Z", "ci", "p")
KEY = Secret("ab" * 32)
ROLE = desired("approle_role", {"token_ttl": 300}, mount="approle", name="a")
USER = desired("userpass_user", {"password": reference("PASSWORD")}, mount="userpass", name="u")
OURS = Entry("approle_role", {"mount": "approle", "name": "a"}, owned=True, commit="1", since="2026-01-01T00:00:00Z")


def ledger(entries: dict[Address, Entry] | None = None) -> Ledger:
    return Ledger("secret", entries=entries or {}, key=KEY)


def ready(made: Change, **known: str) -> sending.Ready:
    return sending.prepare(Plan(BAO, (made,)), resolver(**known))[0]


def after(made: Change, status: Status, before: dict[Address, Entry] | None = None, **known: str) -> Any:
    """The entries after one change that ended with a status."""
    item = ready(made, **known)
    start = Plan(BAO, (made,), ledger=ledger(before))
    during = remembering.intended(start, [item], STAMP)
    return remembering.confirmed(start, during, [item], [Outcome(made, status)], STAMP).entries


def test_fifty_thousand_addresses_stay_far_below_the_size_that_a_storage_takes() -> None:
    one = Entry(
        "kubernetes_role",
        {"mount": "kubernetes/production-eu-west-1", "name": "payments-service-reader-with-a-long-name-00000"},
        owned=True,
        commit="c" * 40,
        since="2026-06-01T00:00:00Z",
    )
    path = "auth/kubernetes/production-eu-west-1/role/payments-service-reader-with-a-long-name-{:05}"
    entries = {Address(path.format(number)): one for number in range(50_000)}

    sizes = {name: len(json.dumps(shard)) for name, shard in shards_of(entries).items()}

    assert max(sizes.values()) < 512 * 1024 * 0.75
    assert sum(sizes.values()) > 10_000_000
    assert min(sizes.values()) > max(sizes.values()) / 2


def test_the_shard_of_an_address_never_changes() -> None:
    assert shard_of(Address("sys/policies/acl/x")) == "24"
    assert shard_of(Address("auth/approle/role/a", "team-a")) == shard_of(Address("team-a/auth/approle/role/a"))
    assert set(SHARDS) == {f"{number:02x}" for number in range(64)}


def test_the_shards_give_back_what_was_put_in() -> None:
    entries = {
        Address("auth/approle/role/a"): OURS,
        Address("sys/policies/acl/x", "team-a/b"): Entry("acl_policy", {"name": "x"}, protect=True),
        Address("auth/userpass/users/u"): Entry(
            "userpass_user", {"mount": "userpass", "name": "u"}, True, True, fingerprints={"password": "", "b": "f0"}
        ),
    }

    read = entries_of(json.loads(json.dumps(list(shards_of(entries).values()))))

    assert read == entries


@pytest.mark.parametrize("data", [{"a": 1}, {"a": {}}, {"a": {"kind": "x", "params": []}}])
def test_an_entry_of_another_format_is_refused(data: Any) -> None:
    with pytest.raises(ValueError, match="another format"):
        entries_of([data])


def test_a_head_of_a_later_format_is_refused() -> None:
    head = Head("p", "c0ffee", "2026-06-01T00:00:00Z", "ci")

    assert head_from_json(head_to_json(head)) == head
    assert head_from_json(None) == Head()
    with pytest.raises(ValueError, match="ledger/2"):
        head_from_json({"format": "vaultconf.ledger/2"})


@pytest.mark.parametrize(
    ("address", "removed", "gone"),
    [
        (Address("auth/a/role/x"), Address("sys/auth/a"), True),
        (Address("a/config"), Address("sys/mounts/a"), True),
        (Address("ab/config"), Address("sys/mounts/a"), False),
        (Address("auth/a/role/x", "t"), Address("sys/auth/a"), False),
        (Address("sys/policies/acl/x", "t/u"), Address("sys/namespaces/t"), True),
        (Address("sys/policies/acl/x", "tu"), Address("sys/namespaces/t"), False),
        (Address("auth/a/role/x"), Address("auth/a/role/y"), False),
    ],
)
def test_what_is_gone_with_a_mount_or_a_namespace_is_told(address: Address, removed: Address, gone: bool) -> None:
    assert goes_with(address, removed) is gone


def test_what_was_created_is_ours_and_confirmed() -> None:
    found = after(change(Action.CREATE, ROLE), Status.DONE)

    assert found == {ROLE.address: Entry("approle_role", ROLE.params, owned=True, commit="c0ffee", since=STAMP.moment)}


@pytest.mark.parametrize("status", [Status.FAILED, Status.UNKNOWN])
def test_what_may_be_there_stays_pending(status: Status) -> None:
    found = after(change(Action.CREATE, ROLE), status)

    assert found[ROLE.address].owned
    assert found[ROLE.address].pending


def test_what_never_began_is_as_before() -> None:
    replaced = change(Action.REPLACE, ROLE, live(ROLE))

    assert after(change(Action.CREATE, ROLE), Status.SKIPPED) == {}
    assert after(replaced, Status.SKIPPED, {ROLE.address: OURS}) == {ROLE.address: OURS}


def test_what_was_only_updated_is_not_ours() -> None:
    altered = change(Action.UPDATE, ROLE, live(ROLE, token_ttl=1))

    assert after(altered, Status.DONE) == {}
    assert after(altered, Status.DONE, {ROLE.address: OURS}) == {ROLE.address: OURS}


def test_what_was_deleted_is_forgotten_and_what_could_not_be_is_not() -> None:
    gone = stranger("approle_role", mount="approle", name="a").deletion()

    assert after(gone, Status.DONE, {gone.address: OURS}) == {}
    assert after(gone, Status.FAILED, {gone.address: OURS}) == {gone.address: OURS}


def test_a_secret_that_was_sent_leaves_a_fingerprint_and_one_in_doubt_leaves_none() -> None:
    made = change(Action.CREATE, USER)

    done = after(made, Status.DONE, PASSWORD="hunter2")[USER.address]
    doubtful = after(made, Status.UNKNOWN, PASSWORD="hunter2")[USER.address]

    assert done.fingerprints == {"password": fingerprint(KEY, USER.address, "password", "hunter2")}
    assert "hunter2" not in repr(done) + json.dumps(shards_of({USER.address: done}))
    assert doubtful.fingerprints == {"password": ""}


def test_the_same_secret_elsewhere_has_another_fingerprint() -> None:
    macs = Counter(
        fingerprint(key, Address(path), name, value)
        for key in (KEY, Secret("cd" * 32))
        for path in ("a", "b")
        for name in ("x", "y")
        for value in (Secret("1"), "2")
    )

    assert len(macs) == 16
    assert fingerprint(KEY, Address("a"), "x", Secret("1")) == fingerprint(KEY, Address("a"), "x", "1")


def judged(stored: str | None, **known: str) -> Plan:
    """The plan of a user whose password has a fingerprint in the ledger."""
    entry = Entry("userpass_user", USER.params, fingerprints={} if stored is None else {"password": stored})
    within = scope()
    ours = ledger({USER.address: entry})
    return plan(
        [USER],
        {USER.address: live(USER)},
        within=replace(within, ledger=ours),
        resolve=resolver(**known),
        tables=tables(auth={"userpass": {"type": "userpass"}}),
    )


def test_an_unchanged_secret_is_verified_and_a_changed_one_an_update_without_a_value() -> None:
    stored = fingerprint(KEY, USER.address, "password", "old")

    same, other, doubtful = judged(stored, PASSWORD="old"), judged(stored, PASSWORD="new"), judged("", PASSWORD="old")

    assert (same.changes, same.unverified, same.unchanged) == ((), (), 1)
    for changed in (other, doubtful):
        assert [
            (item.action, [(f.field, f.secret, f.before, f.after) for f in item.fields]) for item in changed.changes
        ] == [(Action.UPDATE, [("password", True, None, None)])]
        assert sending.to_send(changed.changes[0]) == {"password"}


def test_a_secret_without_a_fingerprint_or_not_at_hand_is_unverified() -> None:
    none, absent = judged(None, PASSWORD="x"), judged("00")

    assert [item.reason for item in none.unverified] == ["write-only; the ledger has no fingerprint of it"]
    assert [item.reason for item in absent.unverified] == ["write-only; ${env:PASSWORD} is not at hand"]
    assert (none.changes, absent.changes) == ((), ())


def test_protection_is_noted_as_it_is_declared() -> None:
    guarded = desired("approle_role", guidance=Guidance(protect=True), mount="approle", name="g")
    pending = Entry("approle_role", ROLE.params, owned=True, pending=True, protect=True)

    found = remembering.settled(ledger({ROLE.address: pending}), [guarded, ROLE], ()).entries

    assert found[guarded.address] == Entry("approle_role", guarded.params, protect=True)
    assert (found[ROLE.address].pending, found[ROLE.address].protect) == (False, False)


def test_what_is_ours_and_undeclared_is_deleted_and_the_rest_reported() -> None:
    ours, theirs = (stranger("approle_role", mount="approle", name=name) for name in ("a", "b"))
    mount = desired("auth_method", {"type": "approle"}, mount="approle")
    within = replace(scope(), ledger=ledger({ours.address: OURS}))
    made = plan(
        [mount],
        {mount.address: live(mount)},
        within=within,
        strangers=(ours, theirs),
        vanished=Vanished({ours.address: OURS}),
    )

    assert [(item.action, item.address) for item in made.changes] == [(Action.DELETE, ours.address)]
    assert [item.address for item in made.unmanaged] == [theirs.address]
