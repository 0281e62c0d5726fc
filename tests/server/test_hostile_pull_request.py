"""A pull request whose author wants CI's token, other people's secrets, or a comment that lies: what becomes of it.

What `generic` would read stands in `test_generic.py`, what `${vault:…}` would in `test_references.py`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support import stub
from tests.support.cli import Project, Result, run
from tests.support.proxy import Proxy, in_front_of
from tests.support.raw import Raw
from tests.support.servers import Server
from tests.support.sops import Sops
from tests.support.stub import Stub
from tests.unit.report_structure import structure_problems
from tests.unit.test_report_hostile import problems_of

TOKEN = "canary-token-of-ci"
COMMANDS = (("plan",), ("drift",), ("apply", "--yes"))
FORMATS = ("text", "json", "markdown")

every_command = pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])


@pytest.fixture
def http() -> Iterator[Stub]:
    with stub.running() as running:
        yield running


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    with in_front_of(server) as running:
        yield running


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout, beside what is nobody's business."""
    (tmp_path / ".vault-token").write_text(TOKEN)
    root = tmp_path / "checkout"
    (root / "desired-state").mkdir(parents=True)
    (root / "vaultconf.yaml").write_text("version: 1\n")
    (root / "desired-state/a.yaml").write_text("policies: {p: {policy: '# p'}}\n")
    return root


def clean(*results: Result) -> bool:
    """Whether the run neither shows a token nor falls over."""
    texts = [result.stdout + result.stderr for result in results]
    return not any(word in text for text in texts for word in (TOKEN, "Traceback", "defect"))


# --- where the token goes ------------------------------------------------------------------------------------


@every_command
@pytest.mark.parametrize(
    "target",
    [
        "{address: '%s'}",
        "{address: '%s', auth: {method: token}}",
        "{address: '%s', auth: {method: jwt, role: r, oidc_from: gitlab}}",
        "{address: '%s', auth: {method: approle, role_id: me, secret_id: '${env:VAULT_TOKEN}'}}",
    ],
)
def test_a_changed_address_is_refused_before_anything_is_sent(
    root: Path, http: Stub, command: tuple[str, ...], target: str
) -> None:
    (root / "vaultconf.yaml").write_text(f"version: 1\ntargets: {{prod: {target % http.address}}}\n")
    env = {"VAULT_ADDR": "https://vault.example.com:8200", "VAULT_TOKEN": TOKEN, "VAULT_ID_TOKEN": "a.b.c"}

    result = run(*command, "--format", "json", cwd=root, env=env)

    assert result.exit_code == 1, result
    assert "name different servers" in result.plan["errors"][0]["message"]
    assert http.connections == 0
    assert clean(result)


@every_command
def test_a_changed_namespace_is_refused_before_anything_is_sent(
    root: Path, http: Stub, command: tuple[str, ...]
) -> None:
    (root / "vaultconf.yaml").write_text("version: 1\ntargets: {prod: {namespace: other}}\n")
    env = {"VAULT_ADDR": http.address, "VAULT_NAMESPACE": "mine", "VAULT_TOKEN": TOKEN}

    result = run(*command, cwd=root, env=env)

    assert result.exit_code == 1, result
    assert "name different namespaces" in result.stderr
    assert http.connections == 0


# --- references ----------------------------------------------------------------------------------------------


@every_command
@pytest.mark.parametrize(
    "document",
    [
        "secrets: {kv: {type: kv, description: '%s'}}",
        "auth: {u: {type: userpass, users: {mallory: {password: '%s'}}}}",
        "identity: {entities: {e: {metadata: {note: 'x%sx'}}}}",
        "generic: {transform/role/x: {note: '%s'}}",
        "templates: {t: {params: {p: }, secrets: {kv: {type: kv, description: '${param:p}'}}}}\nuse: {t: [{p: '%s'}]}",
    ],
)
@pytest.mark.parametrize("name", ["VAULT_TOKEN", "BAO_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "CI_JOB_TOKEN"])
def test_the_runs_own_credentials_are_no_value(
    root: Path, http: Stub, command: tuple[str, ...], document: str, name: str
) -> None:
    (root / "desired-state/a.yaml").write_text(document % f"${{env:{name}}}" + "\n")

    result = run(*command, cwd=root, env={"VAULT_ADDR": http.address, "VAULT_TOKEN": TOKEN, name: TOKEN})

    assert result.exit_code == 1, result
    assert f"`${{env:{name}}}` is a credential of the run itself" in " ".join(result.stderr.split())
    assert http.connections == 0
    assert clean(result)


@pytest.mark.parametrize(
    "document",
    [
        "'${env:CANARY}': {}",
        "secrets: {'${env:CANARY}': {type: kv}}",
        "secrets: {kv: {type: kv, '${env:CANARY}': x}}",
        "secrets: {kv: {type: kv, options: {'${env:CANARY}': x}}}",
        "policies: {'${env:CANARY}': {policy: '# x'}}",
        "policies: {p: {policy: '# ${env:CANARY}'}}",
        "policies: {p: {file: '${env:CANARY}'}}",
        "owner: '${env:CANARY}'",
        "namespace: '${env:CANARY}'",
        "secrets: {kv: {type: kv, vaultconf: {protect: '${env:CANARY}'}}}",
        "templates: {t: {params: {p: '${env:CANARY}'}, policies: {'x-${param:p}': {policy: '# x'}}}}\nuse: {t: [{}]}",
    ],
)
def test_a_reference_stands_in_no_key_no_policy_and_no_template(root: Path, http: Stub, document: str) -> None:
    (root / "desired-state/a.yaml").write_text(f"{document}\n")

    result = run("plan", cwd=root, env={"VAULT_ADDR": http.address, "VAULT_TOKEN": "t", "CANARY": TOKEN})

    assert result.exit_code == 1, result
    assert http.connections == 0
    assert clean(result)


@pytest.mark.parametrize(
    "name",
    ["desired-state/b.yaml", "policies/p2.hcl", "policies/password/p.hcl", "vaultconf.yaml", "desired-state/secrets"],
)
def test_a_symbolic_link_to_a_file_outside_is_not_read(root: Path, http: Stub, name: str) -> None:
    link = root / name
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    depth = len(link.relative_to(root).parts)
    link.symlink_to("../" * depth + ("" if name.endswith("secrets") else ".vault-token"))
    if name.endswith("secrets"):
        (root.parent / "a.yaml").write_text(f"{TOKEN}: x\n")

    results = [run(*argv, cwd=root, env={"VAULT_ADDR": http.address}) for argv in (("validate",), *COMMANDS)]

    assert [result.exit_code for result in results] == [1] * 4, results
    assert all("leads out of the project" in " ".join(result.stderr.split()) for result in results)
    assert http.connections == 0
    assert clean(*results)


@pytest.mark.parametrize(
    "document",
    [
        "secrets: {kv: {type: kv, description: '${file:../token}'}}",
        "secrets: {kv: {type: kv, description: '${sops:../token#data}'}}",
        "secrets: {kv: {type: kv, description: '${file:../.git/config}'}}",
        "secrets: {kv: {type: kv, description: '${file:../../.vault-token}'}}",
        "policies: {q: {file: ../token}}",
    ],
)
def test_a_reference_does_not_follow_a_link_out_of_the_project(root: Path, http: Stub, document: str) -> None:
    (root / "token").symlink_to("../.vault-token")
    (root / ".git").mkdir()
    (root / ".git/config").write_text(f"[http]\nextraheader = {TOKEN}\n")
    (root / "desired-state/a.yaml").write_text(f"{document}\n")

    results = [run(*argv, cwd=root, env={"VAULT_ADDR": http.address}) for argv in COMMANDS]

    assert [result.exit_code for result in results] == [1] * 3, results
    assert http.connections == 0
    assert clean(*results)


def test_a_program_in_the_checkout_is_not_run_in_the_place_of_sops(project: Project, unique: str) -> None:
    brought = Sops(project.root / "bin")
    project.write("secrets.json", "{}")
    description = "${sops:../secrets.json#x}"
    project.write("desired-state/a.yaml", f"secrets: {{{unique}: {{type: kv, description: '{description}'}}}}\n")

    result = project.run("plan", env={"PATH": f"{brought.folder}:.:bin"})

    assert result.exit_code == 0, result
    assert "there is no program `sops` on the PATH" in " ".join(result.stdout.split())
    assert brought.calls == []


# --- YAML ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "tag",
    [
        "!!python/object/apply:os.system",
        "!!python/object/new:subprocess.Popen",
        "!!python/name:os.system",
        "!x",
        "!!set",
    ],
)
def test_a_tag_executes_nothing(root: Path, tag: str) -> None:
    made = root.parent / "made"
    (root / "desired-state/a.yaml").write_text(f'owner: {tag} ["touch {made}"]\n{tag} [touch {made}]: x\n')
    (root / "vaultconf.yaml").write_text(f'version: 1\nproject: {tag} ["touch {made}"]\n')

    result = run("validate", cwd=root)

    assert result.exit_code == 1, result
    assert "tag" in result.stderr
    assert not made.exists()
    assert clean(result)


def test_aliases_that_grow_without_end_are_refused_at_once(root: Path) -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]" for before, name in pairwise("abcdefghi")]
    (root / "desired-state/a.yaml").write_text("\n".join(lines) + "\n")
    began = time.process_time()

    result = run("validate", cwd=root)

    assert result.exit_code == 1, result
    assert "alias" in result.stderr
    assert time.process_time() - began < 30
    assert clean(result)


# --- what a reviewer reads -----------------------------------------------------------------------------------

HOSTILE = (
    "</details>",
    "```\n</details>\n# Approved by security",
    "::set-output name=x::y",
    "\n::add-mask::x\n##vso[task.setvariable variable=a]b",
    "\x1b[2K\x1b[1A\x1b[32mNo changes\x1b[0m",
    "\r\u202e\u2066 x \u2028 y \x9b31m",
    "<img src=https://evil.example/x> @everyone [x](https://evil.example)",
    "section_start:1:x\r\x1b[0K",
)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("word", HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_of_a_pull_request_acts_on_a_terminal_a_log_or_a_comment(
    project: Project, raw: Raw, unique: str, word: str, form: str
) -> None:
    comment = "# " + "\n# ".join(word.splitlines())
    raw.write(f"sys/policies/acl/{unique}", {"policy": comment})
    raw.write(f"sys/mounts/{unique}", {"type": "kv", "description": word})
    quoted, policy = json.dumps(word), json.dumps(f"{comment}\n# new")  # JSON's quotes are YAML's
    project.write(
        "desired-state/a.yaml",
        f"owner: {quoted if word.isprintable() else 'me'}\n"
        f"policies: {{{unique}: {{policy: {policy}}}}}\n"
        f"secrets:\n  {unique}: {{type: kv, description: {json.dumps('new ' + word)}}}\n"
        f"  {unique}-new: {{type: kv, description: {quoted}, options: {{{quoted}: {quoted}}}}}\n",
    )

    results = [project.run("plan", "--format", form), project.run("drift", "--format", form)]

    assert [result.exit_code for result in results] == [0, 2], results
    for result in results:
        assert problems_of(result.stdout) == []
        assert problems_of(result.stderr) == []
        assert form != "markdown" or structure_problems(result.stdout) == []


@pytest.mark.parametrize("word", HOSTILE, ids=range(len(HOSTILE)))
def test_no_complaint_about_a_pull_request_acts_on_a_terminal_or_a_log(root: Path, word: str) -> None:
    quoted = json.dumps(word)
    (root / "desired-state/a.yaml").write_text(
        f"{quoted}: {quoted}\npolicies: {{{quoted}: {{{quoted}: 1}}}}\nsecrets: {{{quoted}: {{type: {quoted}}}}}\n"
    )
    (root / "vaultconf.yaml").write_text(f"version: 1\nproject: {quoted}\n{quoted}: {quoted}\n")

    results = [run("validate", "--format", form, cwd=root) for form in ("text", "json")]

    assert [result.exit_code for result in results] == [1, 1], results
    assert [problems_of(result.stdout) + problems_of(result.stderr) for result in results] == [[], []]
