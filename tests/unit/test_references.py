from __future__ import annotations

import contextlib
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.loading import complaints, document, load, write
from vaultconf.references import BadReference, Deferred, Reference, Template, in_file, inside, parse

FOLDER = PurePosixPath("desired-state/team")


def test_plain_text_stays_plain_text() -> None:
    assert parse("a $ {b} {{c}} $}", FOLDER) == "a $ {b} {{c}} $}"


def test_a_doubled_dollar_is_a_literal_one() -> None:
    assert parse("a $${env:X} b", FOLDER) == "a ${env:X} b"


def test_a_text_with_references_is_a_template_that_shows_their_names_only() -> None:
    found = parse("canary-${env:USER}:${file:pw}@h$${x}", FOLDER)

    assert isinstance(found, Template)
    assert found.references == (Reference("env", "USER"), Reference("file", "desired-state/team/pw"))
    assert repr(found) == "Template(${env:USER}, ${file:desired-state/team/pw})"
    assert found.fill(lambda reference: reference.target[-1]) == "canary-R:w@h${x}"


def test_a_template_with_a_reference_that_is_not_at_hand_has_no_text() -> None:
    found = parse("${env:A}${env:B}", FOLDER)

    assert isinstance(found, Template)
    assert found.fill(lambda reference: "x" if reference.target == "A" else None) is None


def test_a_value_with_a_template_anywhere_is_resolved_as_a_whole() -> None:
    template = parse("${env:A}", FOLDER)
    value = Deferred({"a": [template, "b"], "c": 1})

    assert value.references == (Reference("env", "A"),)
    assert value.resolve(lambda _: "x") == {"a": ["x", "b"], "c": 1}
    assert value.resolve(lambda _: None) is None


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("${env:}", "takes the name of an environment variable", "letters, digits and `_`"),
        ("${env:A-B}", "takes the name of an environment variable", "letters"),
        ("${env:${env:A}}", "no end", "`$${`"),
        ("${env:A", "no end", "`$${`"),
        ("${}", "not a reference", "use `${env:NAME}` or `${file:path}`"),
        ("${PASSWORD}", "not a reference", "write `${env:NAME}` with `env:`"),
        ("${evn:A}", "not a reference", "did you mean `env`?"),
        ("${ENV:A}", "not a reference", "did you mean `env`?"),
        ("${vualt:a#b}", "not a reference", "did you mean `vault`?"),
        ("${vault:secret/a}", "takes a path and a field", "`${vault:mount/path#field}`"),
        ("${vault:#b}", "takes a path and a field", "`${vault:mount/path#field}`"),
        ("${vault:secret/a#}", "takes a path and a field", "`${vault:mount/path#field}`"),
        ("${vault:secret#b}", "names a mount", "`${vault:mount/path#field}`"),
        ("${vault:secret/../sys/raw#b}", "an empty segment, `.` or `..`", "`${vault:mount/path#field}`"),
        ("${vault:/secret/a#b}", "an empty segment, `.` or `..`", "`${vault:mount/path#field}`"),
        ("${sops:a}", "takes a file and a key", "`${sops:file#key}`"),
        ("${sops:/etc/a#b}", "must be a path relative to this file", ""),
        ("${sops:../../../a#b}", "leads out of the project", ""),
        ("${var:a}", "`${var:…}` cannot stand here", "use `${env:NAME}`"),
        ("${param:a}", "`${param:…}` cannot stand here", "use `${env:NAME}`"),
        ("${file:}", "must be a path relative to this file", ""),
        ("${file:/etc/passwd}", "must be a path relative to this file", ""),
        ("${file:~/x}", "must be a path relative to this file", ""),
        ("${file:../../../x}", "leads out of the project", ""),
        ("${file:../..}", "must be a file of the project", ""),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_to_write(text: str, message: str, hint: str) -> None:
    with pytest.raises(BadReference) as caught:
        parse(text, FOLDER)

    assert message in str(caught.value)
    assert hint in caught.value.hint


@given(st.text(alphabet="$${}abenv:", max_size=30))
def test_every_text_is_read_or_refused_and_a_doubled_one_comes_back(text: str) -> None:
    with contextlib.suppress(BadReference):
        parse(text, FOLDER)

    assert parse(text.replace("$", "x"), FOLDER) == text.replace("$", "x")
    assert parse(text.replace("$", "").replace("{", "$${"), FOLDER) == text.replace("$", "").replace("{", "${")


@given(st.lists(st.sampled_from(["..", ".", "a", "b", "c.d"]), min_size=1, max_size=8))
def test_a_path_never_leaves_the_project(parts: list[str]) -> None:
    try:
        found = inside("/".join(parts), FOLDER)
    except BadReference:
        return

    assert found
    assert not {"..", ".", ""} & set(found.split("/"))


def test_the_text_of_a_policy_file_keeps_what_is_no_reference_of_ours() -> None:
    assert in_file("a ${b} $${c} ${env} $${env:X}") == ("a ${b} $${c} ${env} ${env:X}", [])
    assert in_file("a ${env:X} ${var:y}") == ("a ${env:X} ${var:y}", [2, 11])


# --- where they stand ----------------------------------------------------------------------------------------

USER = "auth: {u: {type: userpass, users: {x: {password: %s}}}}\n"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('"${env:X}": 1\n', "1:1 unknown key `${env:X}`"),
        ('policies: {"${env:X}": {}}\n', "1:12 a key cannot hold a reference"),
        ('secrets: {a: {type: kv, options: {"${env:X}": 1}}}\n', "1:35 a key cannot hold a reference"),
        ('secrets: {"${env:X}": {}}\n', "1:11 a key cannot hold a reference"),
        ('owner: "${env:X}"\n', "1:8 `owner` must be plain text"),
        ('namespace: "${env:X}"\n', "1:12 `namespace` must be plain text"),
        ('policies: {a: {policy: "${env:X}"}}\n', "1:24 policy text cannot hold a reference"),
        ('policies: {a: {file: "${env:X}"}}\n', "1:22 `file` must be a path relative to this file, in plain text"),
    ],
)
def test_a_reference_outside_the_values_of_fields_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    assert complaints(document(tmp_path, text)) == [complaint]


def test_an_absent_file_is_no_failure_of_the_files(tmp_path: Path) -> None:
    assert complaints(document(tmp_path, USER % '"${file:secrets/gone}"')) == []


@pytest.mark.parametrize("target", ["../link/gone", "../link", "../.git/gone", "../.GIT/config", "../loop"])
def test_a_file_outside_the_project_is_refused_whether_it_is_there_or_not(tmp_path: Path, target: str) -> None:
    root = write(tmp_path / "in", {"desired-state/a.yaml": ""})
    (root / "link").symlink_to(tmp_path / "out")
    (root / "loop").symlink_to("loop")

    state = load(root, {"desired-state/a.yaml": USER % f'"${{file:{target}}}"'})

    assert [complaint.partition(": ")[0] for complaint in complaints(state)] == ["1:50 `${file:…}`"]


@pytest.mark.parametrize(
    "reference",
    [
        "${env:VAULT_TOKEN}",
        "${env:BAO_TOKEN}",
        "${env:vault_token}",
        "x ${env:ACTIONS_ID_TOKEN_REQUEST_TOKEN} y",
        "${env:GITHUB_TOKEN}",
        "${env:CI_JOB_TOKEN}",
        "${env:CI_JOB_JWT_V2}",
        "${env:VAULT_ID_TOKEN}",
        "${env:MY_SECRET_ID}",
        "${env:MY_ID_TOKEN}",
        "${file:../ci/token}",
        "${file:../ci/link}",
        "${sops:../ci/login.enc.yaml#password}",
    ],
)
@pytest.mark.parametrize("field", ["password", "token_type"])
def test_what_the_run_itself_logs_in_with_is_no_value(tmp_path: Path, reference: str, field: str) -> None:
    (tmp_path / "ci").mkdir()
    (tmp_path / "ci/link").symlink_to("token")
    logins = (
        "  a: {auth: {method: approle, role_id: me, secret_id: '${env:MY_SECRET_ID}'}}\n"
        "  b: {auth: {method: jwt, oidc_from: gitlab, oidc_variable: MY_ID_TOKEN}}\n"
        "  c: {auth: {method: jwt, jwt_file: ./ci/token}}\n"
        "  d: {auth: {method: jwt, jwt_file: /var/run/token}}\n"
        "  e: {auth: {method: ldap, username: me, password: '${sops:ci/login.enc.yaml#password}'}}\n"
    )
    users = f"auth: {{u: {{type: userpass, users: {{x: {{{field}: '{reference}'}}}}}}}}\n"

    state = load(tmp_path, {"vaultconf.yaml": f"version: 1\ntargets:\n{logins}", "desired-state/a.yaml": users})

    (problem,) = state.problems
    assert "is a credential of the run itself, and no value" in problem.message
    assert "of its own" in problem.hint


@pytest.mark.parametrize(("path", "refused"), [("secret/led/key", 1), ("secret/led", 1), ("secret/ledger/key", 0)])
def test_the_ledger_is_no_value(tmp_path: Path, path: str, refused: int) -> None:
    users = f"auth: {{u: {{type: userpass, description: '${{vault:{path}#key}}'}}}}\n"

    state = load(tmp_path, {"vaultconf.yaml": "version: 1\nledger: secret/led\n", "desired-state/a.yaml": users})

    assert ["lies in the ledger" in problem.message for problem in state.problems] == [True] * refused


def test_other_values_beside_the_runs_own_credentials_are_fine(tmp_path: Path) -> None:
    assert complaints(document(tmp_path, USER % '"${env:VAULT_DB_PASSWORD}${sops:ci.yaml#other}${vault:a/b#c}"')) == []
