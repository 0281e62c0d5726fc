"""References to secrets of the server and of sops: read as late as possible, as seldom as possible, never shown."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.cli import Project, Result
from tests.support.proxy import Proxy, in_front_of
from tests.support.raw import Raw
from tests.support.servers import Server
from tests.support.sops import Sops, encrypted

CANARY = "canary-of-the-engine"
FORMATS = ("text", "json", "markdown")


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    with in_front_of(server) as running:
        yield running


@pytest.fixture
def engines(raw: Raw, unique: str) -> str:
    """A key-value engine of each version, with a secret in each."""
    raw.write(f"sys/mounts/{unique}-one", {"type": "kv", "options": {"version": "1"}})
    raw.write(f"sys/mounts/{unique}-two/deep", {"type": "kv", "options": {"version": "2"}})
    raw.write(f"{unique}-one/team/db", {"password": f"{CANARY}-1", "port": 5432, "on": True, "map": {"a": 1}})
    raw.write(f"{unique}-two/deep/data/team/db", {"data": {"password": f"{CANARY}-2", "pass#word": f"{CANARY}-3"}})
    return unique


def users(project: Project, mount: str, **passwords: str) -> None:
    declared = ", ".join(f"{name}: {{password: '{value}'}}" for name, value in passwords.items())
    project.write("desired-state/a.yaml", f"auth: {{{mount}: {{type: userpass, users: {{{declared}}}}}}}\n")


def token(raw: Raw, name: str, *rules: str) -> str:
    """A token that may do what the rules say, and read and write policies and auth methods."""
    own = 'path "sys/*" { capabilities = ["create", "read", "update", "delete", "list", "sudo"] }\n'
    own += 'path "auth/*" { capabilities = ["create", "read", "update", "delete", "list", "sudo"] }\n'
    raw.write(f"sys/policies/acl/{name}", {"policy": own + "\n".join(rules)})
    return str(raw.write("auth/token/create", {"policies": [name]})["auth"]["client_token"])


def reasons(result: Result) -> dict[str, str]:
    return {item["address"].rpartition("/")[2]: item["reason"] for item in result.plan["unverified"]}


def test_a_secret_of_either_version_is_read_once_and_sent(
    project: Project, raw: Raw, engines: str, proxy: Proxy
) -> None:
    users(
        project,
        engines,
        a=f"${{vault:{engines}-one/team/db#password}}",
        b=f"${{vault:{engines}-two/deep/team/db#password}}",
        c=f"${{vault:{engines}-two/deep/team/db#pass#word}}",
        d=f"x-${{vault:{engines}-one/team/db#port}}-${{vault:{engines}-one/team/db#on}}",
    )

    result = project.run("apply", "--yes", env=proxy.access)

    assert result.exit_code == 0, result
    for user, password in (("a", f"{CANARY}-1"), ("b", f"{CANARY}-2"), ("c", f"{CANARY}-3"), ("d", "x-5432-true")):
        assert raw.write(f"auth/{engines}/login/{user}", {"password": password})["auth"]["client_token"]
    read = [path for method, path in proxy.asked if method == "GET" and "/team/db" in path and "internal" not in path]
    assert sorted(read) == [f"{engines}-one/team/db", f"{engines}-two/deep/data/team/db"]
    assert CANARY not in result.stdout + result.stderr


@pytest.mark.parametrize("form", FORMATS)
def test_a_plan_names_where_a_secret_comes_from_and_shows_no_value(project: Project, engines: str, form: str) -> None:
    reference = f"${{vault:{engines}-one/team/db#password}}"
    users(project, engines, a=reference)
    project.write("desired-state/b.yaml", f"secrets: {{{engines}-new: {{type: kv, description: 'x {reference}'}}}}\n")

    result = project.run("plan", "--format", form)

    assert result.exit_code == 0, result
    assert result.stdout.count(reference) == 2
    assert CANARY not in result.stdout + result.stderr


def test_what_is_neither_sent_nor_compared_is_not_read(project: Project, engines: str, proxy: Proxy) -> None:
    users(project, engines, a=f"${{vault:{engines}-one/team/db#password}}")
    project.apply()

    plan = project.run("plan", "--format", "json", env=proxy.access)

    assert plan.plan["changes"] == []
    assert reasons(plan) == {"a": "write-only; no ledger"}
    assert [path for _, path in proxy.asked if "team/db" in path] == []


def test_a_field_that_the_server_returns_is_compared_by_value(project: Project, raw: Raw, engines: str) -> None:
    reference = f"${{vault:{engines}-two/deep/team/db#password}}"
    project.write("desired-state/a.yaml", f"secrets: {{{engines}-new: {{type: kv, description: '{reference}'}}}}\n")
    project.apply()

    before = project.plan()
    raw.write(f"{engines}-two/deep/data/team/db", {"data": {"password": f"{CANARY}-new"}})
    after = project.plan()

    assert before["changes"] == []
    assert [item["fields"] for item in after["changes"]] == [
        [{"field": "description", "before": None, "after": None, "secret": True, "references": [reference]}]
    ]


def test_without_the_right_to_read_a_plan_says_what_it_could_not_verify_and_an_apply_asks_for_all_before_it_writes(
    project: Project, raw: Raw, engines: str, proxy: Proxy
) -> None:
    raw.write(f"sys/mounts/{engines}-three", {"type": "transit"})
    raw.write(f"{engines}-two/deep/data/gone", {"data": {"a": "b"}})
    raw.delete(f"{engines}-two/deep/data/gone")
    two = f"{engines}-two/deep"
    references = {
        "forbidden": (f"{engines}-one/team/db#password", "the token may not read it"),
        "wrong": (f"{two}/data/team/db#password", "there is no such secret; leave `data/` out of the path"),
        "nothing": (f"{two}/team/nothing#password", "there is no such secret"),
        "deleted": (f"{two}/gone#a", "there is no such secret"),
        "field": (f"{two}/team/db#user", "the secret has no such field"),
        "elsewhere": (f"{engines}-three/keys/x#latest", "not in a key-value engine"),
    }
    users(project, engines, **{name: f"${{vault:{target}}}" for name, (target, _) in references.items()})
    rules = (f'path "{two}/*" {{ capabilities = ["read"] }}', f'path "{engines}-three/*" {{ capabilities = ["read"] }}')
    env = {"VAULT_TOKEN": token(raw, f"{engines}-reader", *rules), "PRESENT": "x"}

    plan = project.run("plan", "--format", "json", env=env)
    result = project.run("apply", "--yes", "--format", "json", env={**env, **proxy.access})

    assert plan.exit_code == 0, plan
    assert reasons(plan) == {
        name: f"${{vault:{target}}} ({reason}) is not at hand" for name, (target, reason) in references.items()
    }
    assert result.exit_code == 1, result
    assert len(result.plan["errors"]) == len(references)
    assert proxy.writes == []


@pytest.mark.parametrize(
    "target",
    [
        "auth/token/lookup-self#id",
        "sys/internal/counters/config#enabled",
        "cubbyhole/x#y",
        "identity/oidc/.well-known/keys#keys",
        "nowhere/at/all#x",
    ],
)
def test_no_path_outside_a_key_value_engine_is_read_whatever_a_pull_request_names(
    project: Project, unique: str, proxy: Proxy, target: str
) -> None:
    users(project, unique, a=f"${{vault:{target}}}")

    result = project.run("plan", "--format", "json", env=proxy.access)

    assert result.exit_code == 0, result
    assert "is not at hand" in reasons(result)["a"]
    path = target.partition("#")[0]
    asked = [asked for _, asked in proxy.asked if asked.endswith(path)]
    assert set(asked) - {"auth/token/lookup-self"} == {f"sys/internal/ui/mounts/{path}"}
    assert asked.count("auth/token/lookup-self") <= 1  # the first contact's


def test_an_error_of_the_server_does_not_show_what_was_read_from_it(
    project: Project, engines: str, proxy: Proxy
) -> None:
    users(project, engines, a=f"${{vault:{engines}-one/team/db#password}}")
    proxy.refuse(400, f"auth/{engines}/users/a", method="POST", errors=(f"bad password {CANARY}-1",))

    result = project.run("apply", "--yes", env=proxy.access)

    assert result.exit_code == 4, result
    assert "bad password ***" in result.stdout
    assert CANARY not in result.stdout + result.stderr


def test_a_base_namespace_is_where_a_secret_is_read(project: Project, raw: Raw, unique: str) -> None:
    if project.server.product != "openbao":
        pytest.skip("community Vault has no namespaces")
    raw.write(f"sys/namespaces/{unique}")
    child = project.server.raw(namespace=unique)
    child.write("sys/mounts/kv", {"type": "kv", "options": {"version": "2"}})
    child.write("kv/data/x", {"data": {"y": CANARY}})
    users(project, "up", a="${vault:kv/x#y}")

    result = project.run("apply", "--yes", env={"VAULT_NAMESPACE": unique})

    assert result.exit_code == 0, result
    assert child.write("auth/up/login/a", {"password": CANARY})["auth"]["client_token"]
    raw.delete(f"sys/namespaces/{unique}")


# --- sops ----------------------------------------------------------------------------------------------------


def test_a_value_of_sops_is_sent_and_shown_nowhere(project: Project, raw: Raw, unique: str) -> None:
    sops = Sops(project.root.parent / f"{unique}-bin")
    project.write("secrets/ci.enc.json", encrypted(db={"password": CANARY}))
    users(project, unique, a="${sops:../secrets/ci.enc.json#db.password}")
    env = {"PATH": f"{sops.folder}:/usr/bin:/bin", "SOPS_AGE_KEY": Sops.KEY}

    plan = project.run("plan", env=env)
    result = project.run("apply", "--yes", env=env)

    assert (plan.exit_code, result.exit_code) == (0, 0), (plan, result)
    assert raw.write(f"auth/{unique}/login/a", {"password": CANARY})["auth"]["client_token"]
    assert CANARY not in plan.stdout + plan.stderr + result.stdout + result.stderr
    assert len(sops.calls) == 2
    assert not [name for call in sops.calls for name in call["env"] if name.startswith(("VAULT_", "BAO_"))]


def test_a_fork_without_keys_gets_a_plan_that_says_so(project: Project, unique: str) -> None:
    sops = Sops(project.root.parent / f"{unique}-bin")
    project.write("secrets/ci.enc.json", encrypted(a=CANARY))
    users(project, unique, a="${sops:../secrets/ci.enc.json#a}")

    plan = project.run("plan", "--format", "json", env={"PATH": f"{sops.folder}:/usr/bin:/bin"})
    without = project.run("plan", "--format", "json", env={"PATH": "/nowhere"})

    reference = "${sops:secrets/ci.enc.json#a}"
    no_key = "sops cannot decrypt it (exit 1): none of its keys is at hand"
    assert plan.exit_code == 0, plan
    assert reasons(plan)["a"] == f"{reference} ({no_key}) is not at hand"
    assert without.exit_code == 0, without
    assert "there is no program `sops` on the PATH" in reasons(without)["a"]
    assert "canary" not in plan.stdout + plan.stderr
