"""A saved plan is carried out as it was reviewed, or not at all; and whoever can write the file gains nothing."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.server.test_permissions import limited
from tests.support import stub
from tests.support.cli import Project, Result, git
from tests.support.proxy import Proxy, in_front_of
from tests.support.raw import Raw
from tests.support.servers import Server
from tests.support.stub import Asked, Reply

FILE = "plan.json"
Document = dict[str, Any]


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    with in_front_of(server) as running:
        yield running


@pytest.fixture
def company(project: Project, raw: Raw, unique: str) -> Project:
    """A policy to be made, a role to be changed, a mount with a user to be made, a policy to be deleted."""
    raw.write(f"sys/auth/{unique}", {"type": "approle"})
    raw.write(f"auth/{unique}/role/app", {"token_ttl": 60, "token_policies": ["default"]})
    raw.write(f"sys/policies/acl/{unique}-old", {"policy": "# old"})
    project.write("vaultconf.yaml", f"version: 1\nprune: [sys/policies/acl/{unique}-*]\n")
    project.policy(f"{unique}-read", 'path "kv/*" { capabilities = ["read"] }')
    project.write(
        "desired-state/a.yaml",
        f"""
        auth:
          {unique}:
            type: approle
            roles: {{app: {{token_ttl: 120, token_policies: [default]}}}}
          {unique}-up:
            type: userpass
            users: {{bob: {{password: "${{env:BOB}}", token_policies: [{unique}-read]}}}}
        """,
    )
    return project


BOB = {"BOB": "the-password-of-bob"}


def save(project: Project, *argv: str, env: dict[str, str] | None = None) -> Document:
    result = project.run("plan", "--out", FILE, *argv, env=env)
    assert result.exit_code == 0, result
    document: Document = json.loads((project.root / FILE).read_text())
    return document


def carry_out(project: Project, *argv: str, env: dict[str, str] | None = None) -> Result:
    return project.run("apply", FILE, "--yes", "--format", "json", *argv, env={**BOB, **(env or {})})


def forge(project: Project, document: Document) -> None:
    (project.root / FILE).write_text(json.dumps(document))


def endings(result: Result) -> dict[str, tuple[str, str | None]]:
    return {item["address"]: (item["status"], item["reason"]) for item in result.plan["outcomes"]}


def complaints(result: Result) -> dict[str | None, str]:
    return {item["address"]: item["message"] for item in result.plan["errors"]}


def test_what_was_saved_is_carried_out_and_carried_out_again_is_all_done(
    company: Project, raw: Raw, unique: str
) -> None:
    saved = save(company)

    first, second = carry_out(company), carry_out(company, env={"BOB": ""})

    assert first.exit_code == 0, first
    assert {item["address"] for item in saved["changes"]} == endings(first).keys()
    assert set(endings(first).values()) == {("done", None)}
    assert len(endings(first)) == 5
    assert second.exit_code == 0, second
    assert endings(second) == dict.fromkeys(endings(first), ("done", "already as planned"))
    assert f"{unique}-old" not in raw.list("sys/policies/acl")
    assert company.plan()["changes"] == []


def test_everything_that_moved_is_named_and_nothing_is_written(
    company: Project, raw: Raw, unique: str, proxy: Proxy
) -> None:
    save(company)
    raw.write(f"auth/{unique}/role/app", {"token_ttl": 90})
    raw.write(f"sys/policies/acl/{unique}-read", {"policy": "# by hand"})
    raw.write(f"sys/policies/acl/{unique}-old", {"policy": "# by hand"})

    result = carry_out(company, env=proxy.access)

    assert result.exit_code == 3, result
    assert complaints(result) == {
        f"auth/{unique}/role/app": "has changed on the server since the plan was made: `token_ttl`",
        f"sys/policies/acl/{unique}-read": "was not there when the plan was made, and is there now",
        f"sys/policies/acl/{unique}-old": "has changed on the server since the plan was made",
    }
    assert proxy.writes == []


def test_a_field_that_was_as_declared_and_moved_is_named_too(company: Project, raw: Raw, unique: str) -> None:
    save(company)
    raw.write(f"auth/{unique}/role/app", {"token_policies": ["default", "more"]})

    result = carry_out(company)

    assert result.exit_code == 3, result
    assert complaints(result) == {
        f"auth/{unique}/role/app": "has changed on the server since the plan was made: `token_policies`"
    }


def test_what_is_gone_from_the_server_is_not_made_anew(company: Project, raw: Raw, unique: str) -> None:
    save(company)
    raw.delete(f"auth/{unique}/role/app")

    result = carry_out(company)

    assert result.exit_code == 3, result
    assert complaints(result) == {f"auth/{unique}/role/app": "was there when the plan was made, and is gone"}


def test_of_two_plans_of_the_same_change_the_second_is_refused(company: Project, unique: str) -> None:
    save(company)
    (company.root / FILE).rename(company.root / "first.json")
    company.write("desired-state/a.yaml", f"auth: {{{unique}: {{type: approle, roles: {{app: {{token_ttl: 5m}}}}}}}}\n")
    save(company)
    other = carry_out(company)

    result = company.run("apply", "first.json", "--yes", "--format", "json", env=BOB)

    assert other.exit_code == 0, other
    assert result.exit_code == 3, result
    assert complaints(result)[f"auth/{unique}/role/app"] == (
        "this checkout declares something else than what was planned"
    )


def test_of_two_plans_one_after_the_other_the_older_start_is_refused(company: Project, unique: str) -> None:
    save(company, "--only", f"auth/{unique}/role/app")
    text = (company.root / FILE).read_text()
    company.write("desired-state/a.yaml", f"auth: {{{unique}: {{roles: {{app: {{token_ttl: 5m}}}}}}}}\n")
    company.apply("--only", f"auth/{unique}/role/app")
    company.write(
        "desired-state/a.yaml",
        f"auth: {{{unique}: {{roles: {{app: {{token_ttl: 120, token_policies: [default]}}}}}}}}\n",
    )
    (company.root / FILE).write_text(text)

    result = carry_out(company)

    assert result.exit_code == 3, result
    assert complaints(result) == {
        f"auth/{unique}/role/app": "has changed on the server since the plan was made: `token_policies`, `token_ttl`"
    }


def test_a_change_that_came_later_is_left_for_another_plan(company: Project, raw: Raw, unique: str) -> None:
    save(company)
    company.policy(f"{unique}-later", "# later")

    result = carry_out(company)
    text = company.run("apply", FILE, "--yes", env=BOB)

    assert result.exit_code == 0, result
    assert f"sys/policies/acl/{unique}-later" not in endings(result)
    assert f"{unique}-later" not in raw.list("sys/policies/acl")
    assert "1 change that is not in the saved plan, and not made" in text.stdout
    assert "this checkout declares other things too" in text.stdout


def test_what_a_change_needs_and_the_plan_does_not_hold_stops_it(
    company: Project, raw: Raw, unique: str, proxy: Proxy
) -> None:
    company.write(
        "desired-state/a.yaml",
        f"auth: {{{unique}: {{type: approle, roles: {{new: {{token_ttl: 120}}}}}}}}\n",
    )
    save(company)
    raw.delete(f"sys/auth/{unique}")

    result = carry_out(company, env=proxy.access)

    assert result.exit_code == 3, result
    assert complaints(result)[f"auth/{unique}/role/new"] == (
        f"needs sys/auth/{unique}, which is not as it was when the plan was made"
    )
    assert proxy.writes == []


def test_after_a_part_failed_the_same_file_does_the_rest(company: Project, raw: Raw, unique: str, proxy: Proxy) -> None:
    save(company)
    role = f"auth/{unique}/role/app"
    proxy.refuse(500, role, f"auth/{unique}-up/users/bob", method="POST")

    first = carry_out(company, env=proxy.access)
    second = carry_out(company)

    assert first.exit_code == 4, first
    assert endings(first)[role][0] == "failed"
    assert second.exit_code == 0, second
    assert {address for address, ended in endings(second).items() if ended[1] is None} == {
        role,
        f"auth/{unique}-up/users/bob",
    }
    assert company.plan()["changes"] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_after_an_interrupt_the_same_file_does_the_rest(
    project: Project, unique: str, proxy: Proxy, number: signal.Signals
) -> None:
    policies = "".join(f"  {unique}-{n}: {{policy: '# {n}'}}\n" for n in range(60))
    project.write("desired-state/a.yaml", "")
    (project.root / "desired-state" / "a.yaml").write_text(f"policies:\n{policies}")
    save(project)
    reached = threading.Event()

    def slow(asked: Asked) -> Reply | None:
        if asked.method == "POST" and len(proxy.writes) > 15:
            reached.set()
            threading.Event().wait(0.05)
        return None

    proxy.fault = slow
    process = project.start("apply", FILE, "--yes", "--format", "json", "--concurrency", "4", env=proxy.access)
    reached.wait(60)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    again = carry_out(project)

    ended = {item["address"]: item["status"] for item in json.loads(out)["outcomes"]}
    assert process.returncode == 130, err
    assert set(ended.values()) == {"done", "skipped"}
    assert again.exit_code == 0, again
    assert {address for address, end in endings(again).items() if end[1] is None} == {
        address for address, status in ended.items() if status == "skipped"
    }


@pytest.mark.parametrize("written", [0, 1])
def test_what_a_write_in_several_requests_left_is_finished(
    project: Project, raw: Raw, unique: str, proxy: Proxy, written: int
) -> None:
    raw.write(f"sys/auth/{unique}-a", {"type": "userpass"})
    raw.write(f"sys/auth/{unique}-b", {"type": "userpass"})
    aliases = f"[{{mount: {unique}-a, name: bob}}, {{mount: {unique}-b, name: bob}}]"
    project.write(
        "desired-state/a.yaml",
        f"""
        auth: {{{unique}-a: {{type: userpass}}, {unique}-b: {{type: userpass}}}}
        identity: {{entities: {{{unique}: {{metadata: {{team: a}}, aliases: {aliases}}}}}}}
        """,
    )
    made = save(project)
    aliased: list[Asked] = []

    def fault(asked: Asked) -> Reply | None:
        if (asked.method, asked.target) == ("POST", "/v1/identity/entity-alias"):
            aliased.append(asked)
        return Reply(400, stub.as_json({"errors": ["no"]})) if len(aliased) > written else None

    proxy.fault = fault

    first = carry_out(project, env=proxy.access)
    second = carry_out(project)

    assert [item["action"] for item in made["changes"]] == ["create"]
    assert first.exit_code == 4, first
    assert second.exit_code == 0, second
    assert endings(second) == {f"identity/entity/name/{unique}": ("done", None)}


def test_a_replace_that_was_done_by_half_is_finished(project: Project, raw: Raw, unique: str, proxy: Proxy) -> None:
    raw.write(f"sys/auth/{unique}", {"type": "approle"})
    project.write("desired-state/a.yaml", f"auth: {{{unique}: {{type: userpass}}}}\n")
    made = save(project)
    address = f"sys/auth/{unique}"
    proxy.refuse(500, address, method="POST")

    unguarded = carry_out(project)
    first = carry_out(project, "--allow", address, env=proxy.access)
    second = carry_out(project, "--allow", address)

    assert [item["action"] for item in made["changes"]] == ["replace"]
    assert unguarded.exit_code == 3, unguarded
    assert "--allow" in str(unguarded.plan["errors"][0]["hint"])
    assert first.exit_code == 4, first
    assert second.exit_code == 0, second
    assert raw.read(f"sys/auth/{unique}/tune") is not None
    assert project.plan()["changes"] == []


def test_a_move_is_carried_out_finished_and_then_done(project: Project, raw: Raw, unique: str, proxy: Proxy) -> None:
    raw.write(f"sys/mounts/{unique}-old", {"type": "kv", "description": "before"})
    raw.write(f"{unique}-old/a", {"value": "kept"})
    moved = f"{unique}-new: {{type: kv, description: after, vaultconf: {{renamed_from: {unique}-old}}}}"
    project.write("desired-state/a.yaml", f"secrets: {{{moved}}}\n")
    made = save(project)
    proxy.refuse(500, f"sys/mounts/{unique}-new/tune", method="POST")

    first = carry_out(project, env=proxy.access)
    second, third = carry_out(project), carry_out(project)

    address = f"sys/mounts/{unique}-new"
    assert [item["action"] for item in made["changes"]] == ["move"]
    assert (first.exit_code, endings(first)[address][0]) == (4, "failed"), first
    assert (second.exit_code, endings(second)) == (0, {address: ("done", None)}), second
    assert (third.exit_code, endings(third)) == (0, {address: ("done", "already as planned")}), third
    assert raw.read(f"{unique}-new/a") == {"value": "kept"}


# --- a forged file -------------------------------------------------------------------------------------------


def _pins(document: Document, address: str) -> Document:
    found: Document = document["saved"]["changes"][address]
    return found


def _to_another_address(document: Document, unique: str) -> None:
    change = next(item for item in document["changes"] if item["address"].endswith(f"{unique}-read"))
    document["saved"]["changes"]["sys/policies/acl/admin"] = _pins(document, change["address"])
    del document["saved"]["changes"][change["address"]]
    change["address"] = "sys/policies/acl/admin"


def _delete(address: str, kind: str) -> Callable[[Document, str], None]:
    def forged(document: Document, unique: str) -> None:
        name = address.format(unique)
        entry = {"address": name, "kind": kind, "action": "delete", "fields": []}
        document["changes"] = [item for item in document["changes"] if item["address"] != name] + [entry]
        document["saved"]["changes"][name] = {
            "live": None,
            "desired": None,
            "values": {},
            "references": {},
            "secrets": [],
        }

    return forged


def _another_value(document: Document, unique: str) -> None:
    change = next(item for item in document["changes"] if item["address"] == f"auth/{unique}/role/app")
    change["fields"][0]["after"] = 999999
    _pins(document, change["address"])["values"]["token_ttl"] = 999999


def _another_digest(document: Document, unique: str) -> None:
    _pins(document, f"auth/{unique}/role/app")["desired"] = "sha256:" + "0" * 64


def _another_start(document: Document, unique: str) -> None:
    _pins(document, f"auth/{unique}/role/app")["live"] = "sha256:" + "0" * 64


def _another_policy(document: Document, unique: str) -> None:
    change = next(item for item in document["changes"] if item["address"].endswith(f"{unique}-read"))
    change["fields"][0]["after"] = 'path "*" { capabilities = ["sudo"] }'


def _true_for_one(document: Document, unique: str) -> None:
    _pins(document, f"auth/{unique}-up/users/bob")["secrets"] = [True]


def _another_kind(document: Document, unique: str) -> None:
    next(item for item in document["changes"] if item["address"] == f"auth/{unique}/role/app")["kind"] = "acl_policy"


def _create_for_update(document: Document, unique: str) -> None:
    next(item for item in document["changes"] if item["address"] == f"auth/{unique}/role/app")["action"] = "create"


def _rotate_for_update(document: Document, unique: str) -> None:
    next(item for item in document["changes"] if item["address"] == f"auth/{unique}/role/app")["action"] = "rotate"
    _pins(document, f"auth/{unique}/role/app")["rotated"] = ""


def _a_plan_of_rotations(document: Document, unique: str) -> None:
    document["saved"]["rotations"] = {"patterns": ["*"], "older_than": ""}


def _another_server(document: Document, unique: str) -> None:
    document["saved"]["cluster"] = f"{unique}-cluster"


def _another_namespace(document: Document, unique: str) -> None:
    document["saved"]["namespace"] = unique


def _another_version(document: Document, unique: str) -> None:
    document["saved"]["tool"] = f"0.0.{unique}"


def _resent(document: Document, unique: str) -> None:
    document["saved"]["resend"] = [f"auth/{unique}-up/users/*"]


FORGED = (
    _to_another_address,
    _delete("auth/{0}/role/app", "approle_role"),
    _delete("auth/{0}/role/app", "acl_policy"),
    _delete("auth/{0}/role/keep", "approle_role"),
    _delete("sys/policies/acl/default", "acl_policy"),
    _delete("sys/mounts/cubbyhole", "secrets_engine"),
    _delete("sys/auth/../policies/acl/default", "auth_method"),
    _delete("nowhere/at/all", "nothing"),
    _delete("team-x/sys/policies/acl/a", "acl_policy"),
    _another_value,
    _another_digest,
    _another_start,
    _another_policy,
    _true_for_one,
    _another_kind,
    _create_for_update,
    _rotate_for_update,
    _a_plan_of_rotations,
    _another_server,
    _another_namespace,
    _another_version,
    _resent,
)


@pytest.mark.parametrize("forged", FORGED, ids=range(len(FORGED)))
def test_a_forged_plan_writes_nothing(
    company: Project, raw: Raw, unique: str, proxy: Proxy, forged: Callable[[Document, str], None]
) -> None:
    raw.write(f"auth/{unique}/role/keep", {"token_ttl": 60})
    document = save(company)
    forged(document, unique)
    forge(company, document)

    result = carry_out(company, "--allow", "*", env=proxy.access)

    assert result.exit_code == 3, result
    assert result.plan["errors"]
    assert proxy.writes == []


def test_a_file_that_asks_for_less_gets_less_and_no_more(company: Project, raw: Raw, unique: str) -> None:
    document = save(company)
    kept = f"sys/policies/acl/{unique}-read"
    document["changes"] = [item for item in document["changes"] if item["address"] == kept]
    document["saved"]["changes"] = {kept: _pins(document, kept)}
    forge(company, document)

    result = carry_out(company)

    assert result.exit_code == 0, result
    assert endings(result) == {kept: ("done", None)}
    assert f"{unique}-old" in raw.list("sys/policies/acl")


# --- secrets -------------------------------------------------------------------------------------------------


def test_a_saved_plan_holds_references_and_no_secret(project: Project, raw: Raw, unique: str) -> None:
    raw.write(f"sys/auth/{unique}", {"type": "cert"})
    project.write("secret.txt", "canary-file-8d2e")
    project.write(
        "desired-state/a.yaml",
        f"""
        auth:
          {unique}-up:
            type: userpass
            users:
              a: {{password: "${{env:CANARY}}"}}
              b: {{password: "${{file:../secret.txt}}"}}
              c: {{password: canary-clear-77aa, vaultconf: {{allow_plaintext: true}}}}
              d: {{password: "canary-beside-${{env:CANARY}}"}}
        secrets:
          {unique}-db:
            type: database
            connections:
              orders:
                plugin_name: postgresql-database-plugin
                connection_url: "postgresql://{{{{username}}}}:{{{{password}}}}@127.0.0.1:1/x"
                username: "${{env:CANARY}}"
                password: "${{env:CANARY}}"
                verify_connection: false
        """,
    )

    save(project, env={"CANARY": "canary-env-1f3c"})
    text = (project.root / FILE).read_text()

    assert "canary-" not in text
    assert json.loads(text)["saved"]["changes"][f"auth/{unique}-up/users/a"]["references"] == {
        "password": ["${env:CANARY}"]
    }
    assert json.loads(text)["saved"]["changes"][f"auth/{unique}-up/users/c"]["secrets"] == ["password"]
    assert "verify_connection" in json.loads(text)["saved"]["changes"][f"{unique}-db/config/orders"]["values"]
    assert (project.root / FILE).stat().st_mode & 0o777 == 0o600


def test_a_plan_is_made_without_the_secrets_and_applied_with_them(company: Project, unique: str) -> None:
    save(company)

    without = company.run("apply", FILE, "--yes", "--format", "json")
    with_them = carry_out(company)

    assert without.exit_code == 1, without
    assert "${env:BOB} is not at hand" in without.plan["errors"][0]["message"]
    assert with_them.exit_code == 0, with_them
    login = company.server.raw(token="").write(f"auth/{unique}-up/login/bob", {"password": BOB["BOB"]})
    assert login["auth"]["client_token"]


def test_secrets_are_sent_again_only_where_the_command_line_says_so_too(
    company: Project, unique: str, proxy: Proxy
) -> None:
    assert company.run("apply", "--yes", env=BOB).exit_code == 0
    user = f"auth/{unique}-up/users/bob"
    save(company, "--resend", user)

    silent = carry_out(company, env=proxy.access)
    aloud = carry_out(company, "--resend", user, env={**proxy.access, "BOB": "another"})

    assert silent.exit_code == 3, silent
    assert "--resend" in silent.plan["errors"][0]["message"]
    assert aloud.exit_code == 0, aloud
    assert [body["password"] for body in proxy.bodies(user)] == ["another"]


# --- what can be saved ---------------------------------------------------------------------------------------


def test_an_incomplete_plan_is_not_saved(company: Project, raw: Raw, unique: str) -> None:
    token = limited(raw, unique, f"auth/{unique}/role/app")

    result = company.run("plan", "--out", FILE, "--format", "json", env=token)

    assert result.exit_code == 1, result
    assert result.plan["blocked"]
    assert "not saved" in result.stderr
    assert not (company.root / FILE).exists()


def test_a_plan_without_changes_is_saved_and_applied(project: Project) -> None:
    project.policy("default", project.server.raw().read("sys/policies/acl/default")["policy"])  # type: ignore[index]
    document = save(project)

    result = carry_out(project)

    assert document["changes"] == []
    assert (result.exit_code, result.plan["outcomes"]) == (0, [])


def test_what_is_to_be_deleted_and_cannot_be_read_is_said_to_be_deleted_whatever_it_is(
    company: Project, raw: Raw, unique: str
) -> None:
    address = f"sys/policies/acl/{unique}-old"
    token = limited(raw, unique, address)

    document = save(company, env=token)
    raw.write(address, {"policy": "# by hand"})
    result = carry_out(company)

    said = f"{address} is deleted whatever it looks like then: it could not be read when the plan was made"
    assert _pins(document, address)["live"] is None
    assert said in document["notices"]
    assert result.exit_code == 0, result
    assert endings(result)[address] == ("done", None)


def test_what_is_to_be_deleted_and_can_be_read_no_longer_stays(
    company: Project, raw: Raw, unique: str, proxy: Proxy
) -> None:
    address = f"sys/policies/acl/{unique}-old"
    save(company)

    result = carry_out(company, env={**proxy.access, **limited(raw, unique, address)})

    assert result.exit_code == 3, result
    assert complaints(result) == {address: "cannot be read, so nobody knows whether it has changed"}
    assert proxy.writes == []


def test_a_plan_of_one_part_is_applied_as_that_part(company: Project, unique: str) -> None:
    save(company, "--only", f"auth/{unique}/role/*")

    result = carry_out(company)

    assert result.exit_code == 0, result
    assert set(endings(result)) == {f"auth/{unique}/role/app"}


def test_an_object_that_cannot_be_read_any_more_stops_the_plan(
    company: Project, raw: Raw, unique: str, proxy: Proxy
) -> None:
    save(company)
    proxy.fault = lambda asked: (
        Reply(403, stub.as_json({"errors": ["permission denied"]}))
        if asked.target == f"/v1/auth/{unique}/role/app"
        else None
    )

    result = carry_out(company, env=proxy.access)

    assert result.exit_code == 3, result
    assert complaints(result) == {f"auth/{unique}/role/app": "cannot be read: permission denied"}
    assert proxy.writes == []


def test_a_saved_plan_of_a_child_namespace_is_carried_out(project: Project, raw: Raw, unique: str) -> None:
    if project.server.product != "openbao":
        pytest.skip("community Vault has no namespaces")
    raw.write(f"sys/namespaces/{unique}")
    project.server.raw(namespace=unique).write("sys/policies/acl/old", {"policy": "# old"})
    project.write("vaultconf.yaml", f"version: 1\nprune: [{unique}/sys/policies/acl/*]\n")
    project.write("desired-state/a.yaml", f"namespace: {unique}\npolicies: {{new: {{policy: '# new'}}}}\n")
    save(project)

    first, second = carry_out(project), carry_out(project)
    raw.delete(f"sys/namespaces/{unique}")

    assert (first.exit_code, second.exit_code) == (0, 0), (first, second)
    assert endings(second) == {
        f"{unique}/sys/policies/acl/new": ("done", "already as planned"),
        f"{unique}/sys/policies/acl/old": ("done", "already as planned"),
    }


# --- with a ledger -------------------------------------------------------------------------------------------


@pytest.fixture
def kept(project: Project, raw: Raw, unique: str) -> Project:
    """A project with a ledger, in a Git repository of its own."""
    raw.write(f"sys/mounts/{unique}-books", {"type": "kv", "options": {"version": "2"}})
    project.write("vaultconf.yaml", f"version: 1\nproject: p-{unique}\nledger: {unique}-books/team\n")
    git(project, "init", "--quiet")
    return project


def committed(project: Project, unique: str, *roles: str, password: str = "BOB") -> str:
    users = f"{unique}-up: {{type: userpass, users: {{bob: {{password: '${{env:{password}}}'}}}}}}"
    listed = ", ".join(f"{name}: {{token_ttl: 5m}}" for name in roles)
    project.write(
        "desired-state/a.yaml",
        f"auth: {{{unique}: {{type: approle, roles: {{{listed}}}}}, {users}}}\n",
    )
    git(project, "add", "vaultconf.yaml", "desired-state")
    git(project, "commit", "--quiet", "--allow-empty", "-m", " ".join(roles))
    return git(project, "rev-parse", "HEAD")


def test_what_left_git_is_deleted_by_a_saved_plan_and_counts_as_done_after(
    kept: Project, raw: Raw, unique: str
) -> None:
    committed(kept, unique, "a", "b")
    save(kept)
    first = carry_out(kept)
    committed(kept, unique, "a")
    document = save(kept)

    second, third = carry_out(kept), carry_out(kept)

    role = f"auth/{unique}/role/b"
    assert first.exit_code == 0, first
    assert [(item["address"], item["action"]) for item in document["changes"]] == [(role, "delete")]
    assert (second.exit_code, endings(second)) == (0, {role: ("done", None)}), second
    assert (third.exit_code, endings(third)) == (0, {role: ("done", "already as planned")}), third
    assert raw.read(role) is None


@pytest.fixture
def emptied(kept: Project, unique: str) -> Project:
    """A namespace with another in it, made and then taken out of the files, and a policy likewise; the plan is saved."""
    if kept.server.product != "openbao":
        pytest.skip("community Vault has no namespaces")
    kept.write(
        "desired-state/a.yaml",
        f"""
        namespaces: {{{unique}: {{}}}}
        policies: {{{unique}: {{policy: "# outside"}}}}
        ---
        namespace: {unique}
        namespaces: {{deep: {{}}}}
        auth: {{up: {{type: userpass}}}}
        ---
        namespace: {unique}/deep
        secrets: {{kv: {{type: kv}}}}
        """,
    )
    assert (made := kept.run("apply", "--yes")).exit_code == 0, made
    kept.write("desired-state/a.yaml", "{}\n")
    save(kept)
    return kept


def test_a_saved_plan_that_deletes_a_namespace_with_what_is_in_it_counts_as_done_after(
    emptied: Project, raw: Raw, unique: str
) -> None:
    first, second = carry_out(emptied, "--allow", "*"), carry_out(emptied, "--allow", "*")

    assert first.exit_code == 0, first
    assert endings(first).keys() == {
        f"sys/namespaces/{unique}",
        f"sys/policies/acl/{unique}",
        f"{unique}/sys/namespaces/deep",
        f"{unique}/sys/auth/up",
        f"{unique}/deep/sys/mounts/kv",
    }
    assert second.exit_code == 0, second
    assert endings(second) == dict.fromkeys(endings(first), ("done", "already as planned"))
    assert f"{unique}/" not in raw.list("sys/namespaces")


def test_after_a_part_failed_a_namespace_that_is_gone_counts_as_done(
    emptied: Project, unique: str, proxy: Proxy
) -> None:
    policy = f"sys/policies/acl/{unique}"
    proxy.fault = lambda asked: (
        Reply(403, stub.as_json({"errors": ["permission denied"]}))
        if (asked.method, asked.target) == ("DELETE", f"/v1/{policy}")
        else None
    )

    first = carry_out(emptied, "--allow", "*", env=proxy.access)
    second = carry_out(emptied, "--allow", "*")

    assert first.exit_code == 4, first
    assert second.exit_code == 0, second
    assert endings(second).pop(policy) == ("done", None)
    assert {ending for address, ending in endings(second).items() if address != policy} == {
        ("done", "already as planned")
    }


def test_what_is_in_a_namespace_that_is_still_there_does_not_count_as_gone(
    emptied: Project, raw: Raw, unique: str, proxy: Proxy
) -> None:
    (emptied.root / "vaultconf.yaml").write_text("version: 1\nproject: other\n")

    result = carry_out(emptied, "--allow", "*", env=proxy.access)

    looked = "is to be deleted, and is nothing that this run looks at"
    assert result.exit_code == 3, result
    assert complaints(result)[f"{unique}/deep/sys/mounts/kv"] == looked
    assert complaints(result)[f"{unique}/sys/auth/up"] == looked
    assert proxy.writes == []


def test_a_password_that_changed_unseen_by_the_plan_stops_it(kept: Project, unique: str) -> None:
    committed(kept, unique, "a")
    assert kept.run("apply", "--yes", env=BOB).exit_code == 0
    users = f"auth/{unique}-up/users/bob"
    kept.write(
        "desired-state/a.yaml",
        f"auth: {{{unique}-up: {{type: userpass, users: {{bob: {{password: '${{env:BOB}}', token_ttl: 5m}}}}}}}}\n",
    )
    save(kept, "--only", users)

    result = carry_out(kept, env={"BOB": "another"})
    same = carry_out(kept)

    assert result.exit_code == 3, result
    assert complaints(result) == {
        users: "`password` would change too, and the plan does not say so: was a secret not at hand then?"
    }
    assert same.exit_code == 0, same


def test_a_commit_that_comes_before_the_one_applied_last_is_refused(kept: Project, unique: str, proxy: Proxy) -> None:
    older = committed(kept, unique, "a")
    newer = committed(kept, unique, "a", "b")
    assert kept.run("apply", "--yes", env=BOB).exit_code == 0
    git(kept, "checkout", "--quiet", older)

    planned = kept.run("plan", "--format", "json")
    result = kept.run("apply", "--yes", "--format", "json", env={**BOB, **proxy.access})
    git(kept, "checkout", "--quiet", newer)
    again = kept.run("apply", "--yes", env=BOB)

    assert planned.exit_code == 0, planned
    assert (
        f"this checkout is older than {newer[:12]}, which was applied last: apply refuses it"
        in (planned.plan["notices"])
    )
    assert result.exit_code == 3, result
    assert result.plan["errors"][0]["message"] == f"this checkout is older than {newer[:12]}, which was applied last"
    assert not [path for _, path in proxy.writes if not path.startswith(f"{unique}-books/")]
    assert again.exit_code == 0, again


def test_where_the_history_does_not_reach_an_apply_goes_on_with_a_notice(kept: Project, unique: str) -> None:
    committed(kept, unique, "a")
    assert kept.run("apply", "--yes", env=BOB).exit_code == 0
    (kept.root / ".git").rename(kept.root.parent / "elsewhere")

    result = kept.run("apply", "--yes", env=BOB)

    assert result.exit_code == 0, result
    assert "is not known: the history that is checked out here does not reach so far" in result.stdout
