"""Several targets in one run: which ones, what is refused beforehand, and threads that keep out of each other's way."""

from __future__ import annotations

import itertools
import signal
import threading
from pathlib import Path

import pytest

from tests.unit.loading import write
from vaultconf import project, several
from vaultconf.errors import ConnectionFailed, InputError, Problem, UsageError
from vaultconf.model import Plan, Server
from vaultconf.project import Project
from vaultconf.several import Halted, Job, Warn

TARGETS = """\
targets:
  stage: {address: "https://stage.example.com"}
  prod: {address: "https://prod.example.com", namespace: admin, vars: {size: 2}}
  dr: {address: "https://dr.example.com"}
"""


@pytest.fixture
def loaded(tmp_path: Path) -> Project:
    return with_targets(tmp_path, TARGETS)


def with_targets(root: Path, text: str, **files: str) -> Project:
    write(root, {"vaultconf.yaml": text, **files})
    return project.load(root)


def said(error: InputError | UsageError) -> list[str]:
    return [str(problem) for problem in error.problems]


# --- which ones ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("prod,stage", ["prod", "stage"]),
        ("stage,prod,stage", ["stage", "prod"]),
        (" stage , dr ", ["stage", "dr"]),
        ("", ["stage", "prod", "dr"]),
    ],
)
def test_targets_come_in_the_order_given_and_each_once(loaded: Project, asked: str, found: list[str]) -> None:
    assert several.names(loaded, asked) == found


@pytest.mark.parametrize(
    ("asked", "complaint"),
    [
        ("stage,", "--target stage,: a name is empty (write it as --target stage,prod)"),
        (",", "--target ,: a name is empty (write it as --target stage,prod)"),
        ("stage,prd", "no target `prd` in vaultconf.yaml (did you mean `prod`?)"),
    ],
)
def test_a_name_that_is_none_is_a_wrong_command_line(loaded: Project, asked: str, complaint: str) -> None:
    with pytest.raises(UsageError) as refused:
        several.names(loaded, asked)

    assert said(refused.value) == [complaint]


def test_all_targets_of_a_project_without_any_are_a_wrong_command_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no targets in vaultconf\.yaml"):
        several.names(with_targets(tmp_path, "version: 1\n"), "")


def test_a_target_that_is_missing_because_the_settings_are_broken_is_bad_input(tmp_path: Path) -> None:
    broken = with_targets(tmp_path, "targets: {stage: {address: 1}, prod: ]\n")

    with pytest.raises(InputError) as refused:
        several.names(broken, "stage,prod")

    assert said(refused.value)[0].startswith("vaultconf.yaml:1:")


def test_one_name_and_all_targets_exclude_each_other() -> None:
    assert several.asked_for("a,b", every=False)
    assert several.asked_for("", every=True)
    assert not several.asked_for("a", every=False)
    with pytest.raises(UsageError, match="exclude each other"):
        several.asked_for("a", every=True)


# --- what is refused before any connection ---------------------------------------------------------------------


def test_every_target_that_the_environment_disagrees_with_is_named_at_once(loaded: Project) -> None:
    environ = {"VAULT_ADDR": "https://stage.example.com", "VAULT_NAMESPACE": "other"}

    with pytest.raises(InputError) as refused:
        several.connections(loaded.settings, ["stage", "prod", "dr"], environ)

    assert [text.partition(" (")[0] for text in said(refused.value)] == [
        "vaultconf.yaml:3:3: target `prod` and VAULT_ADDR name different servers",
        "vaultconf.yaml:3:3: target `prod` and VAULT_NAMESPACE name different namespaces",
        "vaultconf.yaml:4:3: target `dr` and VAULT_ADDR name different servers",
    ]
    cure = "unset the variable, or correct the target"
    assert said(refused.value)[0].endswith(f" (https://prod.example.com and https://stage.example.com: {cure})")


def test_a_target_that_is_not_named_may_disagree(loaded: Project) -> None:
    found = several.connections(loaded.settings, ["stage"], {"VAULT_ADDR": "https://stage.example.com"})

    assert found["stage"].address == "https://stage.example.com"


def test_what_is_wrong_with_the_environment_is_said_once(loaded: Project) -> None:
    with pytest.raises(InputError) as refused:
        several.connections(loaded.settings, ["stage", "prod"], {"VAULT_CLIENT_TIMEOUT": "soon"})

    assert len(said(refused.value)) == 1


POLICY = 'policies: {p: {policy: \'path "secret/${var:team}" { capabilities = ["read"] }\'}}\n'


def test_bad_files_are_refused_with_the_targets_where_they_are_bad(tmp_path: Path) -> None:
    text = "targets: {a: {vars: {team: x}}, b: {}, c: {vars: {other: q}}, d: {vars: {team: z}}}\n"
    loaded = with_targets(tmp_path, text, **{"desired-state/a.yaml": POLICY})

    with pytest.raises(InputError) as refused:
        several.checked(loaded, ["a", "b", "c"])

    complaints = " ".join(said(refused.value))
    assert all(problem.startswith("desired-state/a.yaml:1:") for problem in said(refused.value))
    assert "`b`" in complaints
    assert "`c`" in complaints
    assert "`a`" not in complaints


def test_only_the_targets_of_the_run_have_to_be_good(tmp_path: Path) -> None:
    text = "targets: {a: {vars: {team: x}}, b: {}, d: {vars: {team: z}}}\n"
    loaded = with_targets(tmp_path, text, **{"desired-state/a.yaml": POLICY})

    found = several.checked(loaded, ["d", "a"])

    policies = {name: state.objects[0].values["policy"] for name, (_, state) in found.items()}
    assert list(policies) == ["d", "a"]
    assert '"secret/z"' in str(policies["d"])
    assert '"secret/x"' in str(policies["a"])


# --- side by side ----------------------------------------------------------------------------------------------


def plan(number: int) -> Plan:
    return Plan(Server("openbao"), unchanged=number)


def test_all_run_at_the_same_time_and_results_come_in_the_order_of_the_targets() -> None:
    together = threading.Barrier(several.MOST)

    def job(number: int) -> Job:
        def run(_warn: Warn, _halted: Halted) -> Plan:
            together.wait(60)
            return plan(number)

        return run

    found = several.side_by_side({f"t{n}": job(n) for n in range(several.MOST)}, lambda _: None)

    assert list(found.items()) == [(f"t{n}", plan(n)) for n in range(several.MOST)]


def test_no_more_than_eight_are_under_way() -> None:
    lock, under_way, most = threading.Lock(), 0, 0

    def run(_warn: Warn, _halted: Halted) -> Plan:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        threading.Event().wait(0.01)
        with lock:
            under_way -= 1
        return plan(0)

    found = several.side_by_side({f"t{n}": run for n in range(30)}, lambda _: None)

    assert len(found) == 30
    assert 1 <= most <= several.MOST == 8


def test_a_failure_is_told_at_once_and_leaves_the_others_alone() -> None:
    told = threading.Event()

    def fails(_warn: Warn, _halted: Halted) -> Plan:
        raise ConnectionFailed("cannot reach it", "is it up?")

    def waits(_warn: Warn, _halted: Halted) -> Plan:
        return plan(int(told.wait(60)))

    def defect(_warn: Warn, _halted: Halted) -> Plan:
        raise KeyError("canary")

    heard: list[Problem] = []

    def warn(problem: Problem) -> None:
        heard.append(problem)
        told.set()

    found = several.side_by_side({"a": fails, "b": waits, "c": defect}, warn)

    assert heard == [Problem("target `a`: cannot reach it", hint="is it up?")]
    assert isinstance(found["a"], ConnectionFailed)
    assert found["b"] == plan(1)
    assert isinstance(found["c"], KeyError)


def test_warnings_name_their_target_and_are_told_in_the_main_thread_one_after_the_other() -> None:
    def job(_: int) -> Job:
        def run(warn: Warn, _halted: Halted) -> Plan:
            for number in range(50):
                warn(Problem(f"warning {number}", hint="look"))
            return plan(0)

        return run

    heard: list[tuple[str, threading.Thread]] = []
    several.side_by_side(
        {f"t{n}": job(n) for n in range(8)},
        lambda problem: heard.append((problem.message, threading.current_thread())),
    )

    expected = itertools.product(range(8), range(50))
    assert sorted(text for text, _ in heard) == sorted(f"target `t{n}`: warning {m}" for n, m in expected)
    assert {thread for _, thread in heard} == {threading.main_thread()}


def interrupted(begun: list[str], ended: list[str]) -> Job:
    """A job that interrupts the process when all have begun, and takes leave when the run is halted."""

    def run(warn: Warn, halted: Halted) -> Plan:
        begun.append("begun")
        if len(begun) == several.MOST:
            signal.raise_signal(signal.SIGINT)
        while not halted():
            threading.Event().wait(0.005)
        warn(Problem("taking leave"))
        ended.append("ended")
        raise KeyboardInterrupt

    return run


def test_ctrl_c_waits_until_all_that_began_took_leave_and_begins_nothing_more() -> None:
    begun: list[str] = []
    ended: list[str] = []
    heard: list[Problem] = []
    job = interrupted(begun, ended)

    with pytest.raises(KeyboardInterrupt):
        several.side_by_side({f"t{n}": job for n in range(20)}, heard.append)

    assert len(begun) == len(ended) == len(heard) == several.MOST


def test_a_warning_that_cannot_be_printed_ends_the_run_in_order() -> None:
    ended: list[str] = []

    def warns(warn: Warn, halted: Halted) -> Plan:
        warn(Problem("look"))
        while not halted():
            threading.Event().wait(0.005)
        ended.append("ended")
        raise KeyboardInterrupt

    def broken(_: Problem) -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        several.side_by_side({"a": warns}, broken)

    assert ended == ["ended"]
