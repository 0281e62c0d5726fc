"""How a plan is carried out; what servers answer is tested on servers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import pytest

from tests.support.memory import Memory, Store, answer, contact
from tests.support.plans import BAO, change, desired, live, reference, resolver
from vaultconf import apply
from vaultconf.http import Answer, Request
from vaultconf.model import Action, Change, Outcome, Plan, Status
from vaultconf.sending import prepare


def carried_out(changes: Iterable[Change], answers: Store, **known: str) -> tuple[Memory, dict[str, Outcome]]:
    memory = Memory(answers)
    resolve = resolver(**known)
    ended = apply.run(prepare(Plan(BAO, tuple(changes)), resolve), contact(memory, BAO), resolve, lambda _: None)
    return memory, {str(outcome.change.address): outcome for outcome in ended}


def policy(name: str, action: Action = Action.CREATE) -> Change:
    return change(action, desired("acl_policy", {"policy": "x"}, name=name))


def role(name: str, *policies: str) -> Change:
    return change(Action.CREATE, desired("approle_role", {"token_policies": policies}, mount="m", name=name))


def taken(*names: str) -> dict[tuple[str, str], Answer]:
    """A server that has taken these policies."""
    written = {("POST", f"sys/policies/acl/{name}"): answer() for name in names}
    return written | {("GET", f"sys/policies/acl/{name}"): answer({"policy": "x"}) for name in names}


def test_what_was_written_is_read_back() -> None:
    memory, ended = carried_out([policy("p")], taken("p"))

    assert memory.asked == [("POST", "sys/policies/acl/p"), ("GET", "sys/policies/acl/p")]
    assert (ended["sys/policies/acl/p"].status, ended["sys/policies/acl/p"].request_id) == (Status.DONE, "id-1")


def test_what_is_not_there_or_not_as_written_after_the_write_has_failed() -> None:
    answers = taken("other") | {("GET", "sys/policies/acl/other"): answer({"policy": "y"})}
    answers[("POST", "sys/policies/acl/gone")] = answer()

    _, ended = carried_out([policy("other"), policy("gone")], answers)

    assert ended["sys/policies/acl/other"].reason == "the server did not take `policy`"
    assert ended["sys/policies/acl/gone"].reason == "was written, but is not there"
    assert {outcome.status for outcome in ended.values()} == {Status.FAILED}


def test_what_cannot_be_read_back_is_done_and_says_so() -> None:
    answers = taken("p") | {("GET", "sys/policies/acl/p"): answer(status=403)}

    _, ended = carried_out([policy("p")], answers)

    assert ended["sys/policies/acl/p"].status is Status.DONE
    assert ended["sys/policies/acl/p"].reason == "written, but cannot be read back: permission denied"


def test_a_failure_skips_all_that_needs_it_each_naming_what_it_needed_itself() -> None:
    mount = change(Action.CREATE, desired("secrets_engine", {"type": "database"}, mount="db"))
    connection = change(Action.CREATE, desired("database_connection", {"plugin_name": "x"}, mount="db", name="c"))
    user = change(Action.CREATE, desired("database_role", {"db_name": "c"}, mount="db", name="r"))

    _, ended = carried_out([user, connection, mount, policy("p")], taken("p"))

    assert {address: outcome.status.value for address, outcome in ended.items()} == {
        "sys/mounts/db": "failed",
        "db/config/c": "skipped",
        "db/roles/r": "skipped",
        "sys/policies/acl/p": "done",
    }
    assert ended["db/config/c"].reason == "needs sys/mounts/db, which was not done"


def test_a_write_without_an_answer_is_unknown() -> None:
    lost = Answer(0, fault="the connection was closed with no answer")

    _, ended = carried_out([policy("p")], {("POST", "sys/policies/acl/p"): lost})

    assert ended["sys/policies/acl/p"].status is Status.UNKNOWN
    assert "whether it was done is not known" in ended["sys/policies/acl/p"].reason


LOST = Answer(0, fault="the connection was closed with no answer", in_doubt=True)
GATEWAY = Answer(502, in_doubt=True)
IN_USE = answer(status=400, errors=["already in use"])


@pytest.mark.parametrize("last", [LOST, GATEWAY, IN_USE, answer(status=500, errors=["leadership lost"])])
def test_what_the_server_has_as_declared_is_done_whatever_the_last_answer_was(last: Answer) -> None:
    _, ended = carried_out([policy("p")], taken("p") | {("POST", "sys/policies/acl/p"): last})

    assert ended["sys/policies/acl/p"] == Outcome(policy("p"), Status.DONE)


@pytest.mark.parametrize(
    ("last", "status"),
    [(LOST, "unknown"), (GATEWAY, "unknown"), (replace(IN_USE, in_doubt=True), "unknown"), (IN_USE, "failed")],
)
@pytest.mark.parametrize("found", [answer({"policy": "y"}), answer(status=403)])
def test_without_that_it_is_unknown_or_failed_as_the_answer_says(last: Answer, status: str, found: Answer) -> None:
    answers = {("POST", "sys/policies/acl/p"): last, ("GET", "sys/policies/acl/p"): found}

    _, ended = carried_out([policy("p")], answers)

    assert ended["sys/policies/acl/p"].status.value == status


def test_a_password_whose_answer_got_lost_is_unknown_though_all_that_can_be_read_is_as_declared() -> None:
    wanted = desired("userpass_user", {"password": reference("PW")}, mount="m", name="u")
    answers = {("POST", "auth/m/users/u"): LOST, ("GET", "auth/m/users/u"): answer({})}

    _, ended = carried_out([change(Action.CREATE, wanted)], answers, PW="secret")

    assert ended["auth/m/users/u"].status is Status.UNKNOWN


@pytest.mark.parametrize(
    ("found", "status"),
    [(Answer(404, b'{"errors": []}'), "done"), (answer({"policy": "x"}), "unknown"), (answer(status=403), "unknown")],
)
def test_a_delete_whose_answer_got_lost_is_done_only_where_the_object_is_gone(found: Answer, status: str) -> None:
    answers = {("DELETE", "sys/policies/acl/p"): LOST, ("GET", "sys/policies/acl/p"): found}

    _, ended = carried_out([change(Action.DELETE, desired("acl_policy", name="p"))], answers)

    assert ended["sys/policies/acl/p"].status.value == status


class Lossy(Memory):
    """Loses the answers to the first writes, and carries out only those from a certain one on."""

    def __init__(self, answers: Store, lost: int, arriving: int) -> None:
        super().__init__(answers)
        self.lost, self.arriving, self.writes = lost, arriving, 0

    def send(self, request: Request) -> Answer:
        found = super().send(request)
        if request.method == "GET":
            return found if self.writes >= self.arriving else Answer(404, b'{"errors": []}')
        self.writes += 1
        return LOST if self.writes <= self.lost else found


def lossy(made: Change, lost: int, arriving: int, shown: Mapping[str, object]) -> tuple[Lossy, Outcome]:
    path = made.address.path
    memory = Lossy({("GET", path): answer(shown), ("POST", path): Answer(204)}, lost, arriving)
    (ended,) = apply.run(prepare(Plan(BAO, (made,)), resolver()), contact(memory, BAO), resolver(), lambda _: None)
    return memory, ended


@pytest.mark.parametrize(("lost", "arriving", "writes"), [(1, 1, 1), (1, 2, 2), (3, 4, 4), (9, 5, 5), (9, 9, 6)])
def test_a_mount_is_made_again_only_while_it_is_seen_not_to_be_there(lost: int, arriving: int, writes: int) -> None:
    mount = change(Action.CREATE, desired("child_namespace", {}, name="n"))
    mount = replace(mount, kind=replace(mount.kind, repeatable=False))

    memory, ended = lossy(mount, lost, arriving, {"custom_metadata": {}})

    assert memory.writes == writes
    assert ended.status is (Status.DONE if arriving <= writes else Status.UNKNOWN)


@pytest.mark.parametrize(("arriving", "status"), [(1, "done"), (2, "unknown")])
def test_a_free_endpoint_is_never_asked_twice(arriving: int, status: str) -> None:
    free = change(Action.CREATE, desired("generic_object", {"a": 1}, path="transform/role/x"))

    memory, ended = lossy(free, 1, arriving, {"a": 1})

    assert memory.writes == 1
    assert ended.status.value == status


def test_after_a_stop_the_rest_is_skipped_though_it_could_have_begun() -> None:
    memory = Memory(taken("a", "b", "c"))
    memory.stop_after = 1
    ready = prepare(Plan(BAO, (policy("a"), policy("b"), role("r", "c"), policy("c"))), resolver())

    ended = apply.run(ready, contact(memory, BAO), resolver(), lambda _: None)

    assert [outcome.status.value for outcome in ended] == ["done", "skipped", "skipped", "skipped"]
    assert {outcome.reason for outcome in ended[1:]} == {"interrupted before it began"}


def test_a_replace_deletes_first_and_says_what_is_left_where_the_second_half_fails() -> None:
    wanted = desired("secrets_engine", {"type": "kv"}, mount="m")
    made = change(Action.REPLACE, wanted, live(wanted, type="transit"))

    memory, ended = carried_out([made], {("DELETE", "sys/mounts/m"): answer()})

    assert [method for method, _ in memory.asked] == ["DELETE", "POST", "GET"]
    assert "the old one is deleted" in ended["sys/mounts/m"].reason


def test_a_delete_is_done_when_the_object_is_gone_and_failed_while_it_is_there() -> None:
    changes = [change(Action.DELETE, desired("acl_policy", name=name)) for name in ("gone", "kept")]
    answers = {("DELETE", f"sys/policies/acl/{name}"): answer() for name in ("gone", "kept")}
    answers[("GET", "sys/policies/acl/kept")] = answer({"policy": "x"})

    _, ended = carried_out(changes, answers)

    assert ended["sys/policies/acl/gone"].status is Status.DONE
    assert ended["sys/policies/acl/kept"].reason == "the server still has it"


@pytest.mark.parametrize(
    ("looks", "reason"), [(3, ""), (10_000, "the server has begun to delete what is in it, and goes on")]
)
def test_what_the_server_deletes_in_the_background_is_waited_for_but_not_for_ever(
    monkeypatch: pytest.MonkeyPatch, looks: int, reason: str
) -> None:
    monkeypatch.setattr(apply, "_EMPTYING_NAP", 0)
    gone = Request("DELETE", "sys/namespaces/a")

    class Emptying(Memory):
        def send(self, request: Request) -> Answer:
            found = super().send(request)
            seen = self.asked.count(("GET", gone.path))
            return answer({"tainted": True}) if request.method == "GET" and seen < looks else found

    memory = Emptying({(gone.method, gone.path): answer({"status": "in-progress"})})
    made = Plan(BAO, (change(Action.DELETE, desired("child_namespace", name="a")),))
    (ended,) = apply.run(prepare(made, resolver()), contact(memory, BAO), resolver(), lambda _: None)

    assert (ended.status, ended.reason) == (Status.DONE, reason)
    assert memory.asked.count(("GET", gone.path)) == min(looks, 100)


def test_a_deleted_audit_device_is_looked_for_in_the_answer_that_holds_them_all() -> None:
    changes = [change(Action.DELETE, desired("audit_device", name=name)) for name in ("gone", "kept")]
    answers = {("DELETE", f"sys/audit/{name}"): answer() for name in ("gone", "kept")}
    answers[("GET", "sys/audit")] = answer({"kept/": {}})

    _, ended = carried_out(changes, answers)

    assert ended["sys/audit/gone"].status is Status.DONE
    assert ended["sys/audit/kept"].reason == "the server still has it"


def test_a_secret_of_one_object_is_masked_in_the_error_of_another() -> None:
    user = change(Action.CREATE, desired("userpass_user", {"password": reference("PW")}, mount="m", name="u"))
    refused = answer(status=400, errors=["what is canary-1 for?"])

    _, ended = carried_out([user, policy("p")], {("POST", "sys/policies/acl/p"): refused}, PW="canary-1")

    assert ended["sys/policies/acl/p"].reason == "400: what is *** for?"


def test_a_name_that_must_not_be_sent_fails_alone() -> None:
    class Strict(Memory):
        def send(self, request):  # type: ignore[no-untyped-def]  # as its parent
            raise AssertionError

        def _finish(self, task):  # type: ignore[no-untyped-def]  # as its parent
            next(task)
            try:
                task.throw(ValueError("the path would reach another object"))
            except StopIteration as end:
                return end.value

    memory = Strict({})
    ready = prepare(Plan(BAO, (change(Action.DELETE, desired("acl_policy", name="p")),)), resolver())

    (ended,) = apply.run(ready, contact(memory, BAO), resolver(), lambda _: None)

    assert (ended.status, ended.reason) == (Status.FAILED, "the path would reach another object")


def test_thousands_of_changes_that_wait_for_one_another_all_come_to_their_turn() -> None:
    count = 3000
    names = [f"p{number}" for number in range(count)]
    changes = [*(role(f"r{number}", name) for number, name in enumerate(names)), *map(policy, names)]

    _, ended = carried_out(changes, taken(*names))

    assert sum(outcome.status is Status.DONE for outcome in ended.values()) == count
    assert len(ended) == 2 * count


def test_an_engine_that_is_turning_into_version_2_is_waited_for() -> None:
    upgrading = answer(status=400, errors=["Upgrading from non-versioned to versioned data."])
    turns = iter([upgrading, upgrading, answer()])

    class Turning(Memory):
        def send(self, request: Request) -> Answer:
            return next(turns) if request.method == "POST" else super().send(request)

    memory = Turning({("GET", "kv/config"): answer({"max_versions": 3})})
    made = change(Action.UPDATE, desired("kv_config", {"max_versions": 3}, mount="kv"))

    (ended,) = apply.run(prepare(Plan(BAO, (made,)), resolver()), contact(memory, BAO), resolver(), lambda _: None)

    assert ended.status is Status.DONE
    assert next(turns, None) is None
