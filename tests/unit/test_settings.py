from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from tests.unit.loading import load, write
from vaultconf import project
from vaultconf.contact import connection_for, target_of
from vaultconf.errors import InputError, UsageError
from vaultconf.settings import Settings, expired

DAY = datetime.date(2026, 6, 1)


def settings(tmp_path: Path, text: str) -> Settings:
    loaded = project.load(write(tmp_path, {"vaultconf.yaml": text}))
    assert loaded.problems == ()
    return loaded.settings


def refused(tmp_path: Path, text: str) -> list[str]:
    state = load(tmp_path, {"vaultconf.yaml": text})
    return [f"{problem.place} {problem.message}".removeprefix("vaultconf.yaml:") for problem in state.problems]


def test_a_project_without_settings_has_the_defaults(tmp_path: Path) -> None:
    found = settings(tmp_path, "")

    assert (found.project, found.max_deletes, found.max_changes, found.prune) == (tmp_path.name, 10, None, ())


def test_all_settings_are_read(tmp_path: Path) -> None:
    text = """\
        version: 1
        project: payments
        owns: [auth/+/role/payments-*]
        external: [sys/policies/acl/base-*]
        prune: [sys/policies/acl/*]
        ignore: [auth/userpass/users/x, {address: auth/a/role/y, until: 2026-12-01, reason: INC-1}]
        limits: {deletes: 3, changes: 50}
        server: {product: vault, version: "1.19"}
        targets: {prod: {address: "https://vault.example.com:8200/", namespace: admin, auth: {method: token}}}
    """

    found = settings(tmp_path, text)

    assert (found.project, found.max_deletes, found.max_changes) == ("payments", 3, 50)
    assert (found.product, found.product_version) == ("vault", "1.19")
    assert [pattern.text for pattern in (*found.owns, *found.external, *found.prune)] == [
        "auth/+/role/payments-*",
        "sys/policies/acl/base-*",
        "sys/policies/acl/*",
    ]
    assert [(hold.pattern.text, str(hold.until), hold.reason) for hold in found.ignore] == [
        ("auth/userpass/users/x", "None", ""),
        ("auth/a/role/y", "2026-12-01", "INC-1"),
    ]
    assert found.targets["prod"].address == "https://vault.example.com:8200"


def login(method: str, fields: str = "") -> str:
    """A target that logs in so; `fields` begin where the method ends."""
    return f"targets: {{a: {{auth: {{method: {method}{', ' * bool(fields)}{fields}}}}}}}\n"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("version: 2\n", "1:10 `version` must be 1: this version reads no other format"),
        ('version: "1"\n', "1:10 `version` must be 1: this version reads no other format"),
        ("version: true\n", "1:10 `version` must be 1: this version reads no other format"),
        ("verson: 1\n", "1:1 unknown key `verson`"),
        ("ledger: secret\n", "1:9 `ledger` is not a path in an engine"),
        ("ledger: secret//x\n", "1:9 `ledger` has an empty segment: no `/` at either end, no `//`"),
        ("may_grant: payments-*\n", "1:12 must be a list of path patterns"),
        ("may_grant:\n", "1:11 must be a list of path patterns"),
        ("may_grant: [a, pay*ments]\n", "1:16 `*` may only stand at the end of a pattern; `+` stands for one segment"),
        ("may_grant: ['${var:x}']\n", "1:13 a pattern is plain text: no control characters, no references"),
        ("may_grant: [Pay-*]\n", "1:13 the names of policies are in lower case"),
        ("may_grant: [sys/policies/acl/x]\n", "1:13 `may_grant` has names of policies, not addresses"),
        ("owns: [sys/*/acl]\n", "1:8 `*` may only stand at the end of a pattern; `+` stands for one segment"),
        ("break_glass: [x, x]\n", "1:18 `x` is given twice, first at vaultconf.yaml:1:15"),
        ("version: 1\n---\nversion: 1\n", "2:1 has several documents; one is allowed"),
        ("- a\n", "1:1 a document must be a mapping"),
        ("project: ''\n", "1:10 must not be empty"),
        ("project: 5\n", "1:10 must be plain text"),
        ('project: "${env:X}"\n', "1:10 must be plain text"),
        ("prune: sys/*\n", "1:8 must be a list of path patterns"),
        ("prune:\n", "1:7 must be a list of path patterns"),
        ("prune: [a/*/b]\n", "1:9 `*` may only stand at the end of a pattern; `+` stands for one segment"),
        ("prune: [/a]\n", "1:9 a pattern is a path like `auth/+/role/payments-*`, with no `/` at either end"),
        ("prune: [5]\n", "1:9 must be a path pattern such as `auth/+/role/payments-*`"),
        ('owns: ["${env:X}"]\n', "1:8 a pattern is plain text: no control characters, no references"),
        ("external: [a, b, a]\n", "1:18 `a` is given twice, first at vaultconf.yaml:1:12"),
        ("ignore: [a, {address: a}]\n", "1:13 `a` is given twice, first at vaultconf.yaml:1:10"),
        ("ignore: [{until: 2026-12-01}]\n", "1:10 needs `address`"),
        ("ignore: [{address: a, until: tomorrow}]\n", "1:30 must be a day such as `2026-12-01`"),
        ("ignore: [{address: a, until: 2026-13-01}]\n", "1:30 must be a day such as `2026-12-01`"),
        ("ignore: [{address: a, reason: 5}]\n", "1:31 must be plain text"),
        ("ignore: [{address: a, untl: 2026-12-01}]\n", "1:23 unknown key `untl`"),
        ("limits: 5\n", "1:9 must be a map"),
        ("limits: {deletes: -1}\n", "1:19 must be a whole number, 0 or more"),
        ("limits: {deletes: true}\n", "1:19 must be a whole number, 0 or more"),
        ("limits: {delete: 1}\n", "1:10 unknown key `delete`"),
        ("server: {}\n", "1:9 `product` must be `vault` or `openbao`"),
        ("server: {product: valt}\n", "1:19 `product` must be `vault` or `openbao`"),
        ("server: {product: vault, version: 1.19}\n", "1:35 must be plain text"),
        ("server: {product: vault, version: new}\n", "1:35 must be a version such as `1.19` or `2.7.2`"),
        ("targets: {a: {adress: x}}\n", "1:15 unknown key `adress`"),
        (
            "targets: {a: {address: vault.example.com}}\n",
            "1:24 `address` is not an address: write it as https://host:port",
        ),
        ("targets: {a: {vars: {b: {c: d}}}}\n", "1:25 must be a word, a number, true or false, or a list"),
        ("targets: {a: {vars: {b: }}}\n", "1:25 must be a word, a number, true or false, or a list"),
        ("targets: {a: {vars: {b c: d}}}\n", "1:27 is no plain name"),
        ("targets: {a: {vars: {b: '${var:c}'}}}\n", "1:25 a variable cannot name another"),
        ("targets: {a: {overlays: x}}\n", "1:25 must be a list of folders or YAML files of the project"),
        ("targets: {a: {overlays: [7]}}\n", "1:26 must be plain text"),
        ('targets: {a: {overlays: [""]}}\n', "1:26 must not be empty"),
        ("targets: {a: {auth: {method: tokn}}}\n", "1:30 `method` must be the name of a login method"),
        ("targets: {a: {auth: {}}}\n", "1:21 `method` must be the name of a login method"),
        ("targets: {a: {auth: {method: [x]}}}\n", "1:30 `method` must be the name of a login method"),
        ("targets: {a: {auth: {method: token, role: x}}}\n", "1:37 unknown key `role`"),
        (login("approle"), "1:21 the login method `approle` needs `role_id`"),
        (login("userpass", "username: a"), "1:21 the login method `userpass` needs `password`"),
        (login("ldap", "password: '${env:P}'"), "1:21 the login method `ldap` needs `username`"),
        (login("kubernetes"), "1:21 the login method `kubernetes` needs `role`"),
        (login("jwt"), "1:21 the login does not say where the JWT comes from"),
        (login("jwt", "jwt: '${env:J}', jwt_file: /t"), "1:21 the login has `jwt` and `jwt_file`"),
        (login("jwt", "oidc_from: githb"), "1:46 `oidc_from` must be `github` or `gitlab`"),
        (
            login("jwt", "oidc_from: gitlab, audience: v"),
            "1:64 `audience` has a meaning only with `oidc_from: github`",
        ),
        (
            login("jwt", "jwt_file: /t, oidc_variable: V"),
            "1:64 `oidc_variable` has a meaning only with `oidc_from: gitlab`",
        ),
        (login("jwt", "jwt_file: '${env:X}'"), "1:45 must be plain text"),
        (login("jwt", "jwt: a.b.c"), "1:40 `jwt` is a secret, which does not belong into a file of Git"),
        (
            login("approle", "role_id: r, secret_id: canary"),
            "1:62 `secret_id` is a secret, which does not belong into a file of Git",
        ),
        (
            login("userpass", "username: a, password: canary"),
            "1:63 `password` is a secret, which does not belong into a file of Git",
        ),
        (login("approle", "role_id: ''"), "1:48 must not be empty"),
        (login("approle", "role_id: 5"), "1:48 must be text"),
        (login("approle", "role_id: '${vault:a/b#c}'"), "1:48 `${vault:…}` can be read only after the login"),
        (login("approle", "role_id: '${X}'"), "1:48 not a reference that is known here"),
        (login("approle", "rol_id: r, role_id: r"), "1:39 unknown key `rol_id`"),
        (login("ldap", "username: a/b, password: '${env:P}'"), "1:46 a user name that logs in cannot hold `/`"),
        (login("cert", "mount: ''"), "1:43 must not be empty"),
        (login("cert", "mount: auth/cert"), "1:43 is the path below `auth/`"),
        (login("cert", "mount: a/"), "1:43 the path has an empty segment: no `/` at either end, no `//`"),
        (
            login("cert", "mount: a/users"),
            "1:43 ends like a collection of another mount: a run that only reads cannot tell its login from a write",
        ),
        (login("cert", "namespace: sys"), "1:47 the namespace has the segment `sys`, which is reserved"),
        ("targets: {a: {namespace: x/}}\n", "1:26 the namespace has an empty segment: no `/` at either end, no `//`"),
        ("targets: {a: }\n", "1:14 must be a map"),
        ("targets: {a: {auth: x}}\n", "1:21 must be a map"),
        ("version: on\n", "1:10 `on` is a boolean to some readers of YAML and text to others"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_refused_once_at_its_place(tmp_path: Path, text: str, complaint: str) -> None:
    assert refused(tmp_path, text) == [complaint]


def test_a_secret_that_is_written_out_is_not_quoted_and_a_reference_is_offered(tmp_path: Path) -> None:
    state = load(tmp_path, {"vaultconf.yaml": login("userpass", "username: a, password: canary")})

    assert [(problem.hint, "canary" in str(problem)) for problem in state.problems] == [
        ("write `${env:NAME}` or `${file:path}`", False)
    ]


def test_a_login_is_read_with_its_defaults(tmp_path: Path) -> None:
    found = settings(tmp_path, login("approle", "role_id: r, secret_id: '${env:S}'")).targets["a"].login

    assert found is not None
    assert (found.method, found.mount, found.namespace, found.fields["role_id"]) == ("approle", "approle", None, "r")
    assert repr(found.fields["secret_id"]) == "Template(${env:S})"


@pytest.mark.parametrize(("text", "namespace"), [("root", ""), ("''", ""), ("a/b", "a/b")])
def test_a_login_may_take_place_in_another_namespace(tmp_path: Path, text: str, namespace: str) -> None:
    found = settings(tmp_path, login("cert", f"namespace: {text}, mount: team/cert2")).targets["a"].login

    assert found is not None
    assert (found.namespace, found.mount) == (namespace, "team/cert2")


@pytest.mark.parametrize("text", ["targets: {a: {}}\n", "targets: {a: {auth: {method: token}}}\n"])
def test_without_a_login_the_token_of_the_environment_serves(tmp_path: Path, text: str) -> None:
    assert settings(tmp_path, text).targets["a"].login is None


def test_an_address_that_is_refused_is_not_quoted(tmp_path: Path) -> None:
    found = refused(tmp_path, "targets: {a: {address: 'https://u:canary@h'}}\n")

    assert (len(found), "canary" in found[0]) == (1, False)


def test_a_hold_lasts_to_the_end_of_its_day(tmp_path: Path) -> None:
    found = settings(tmp_path, "ignore: [{address: a/*, until: 2026-06-01}]\n")

    hold = found.ignore[0]
    assert (hold.holds("a/b", DAY), hold.holds("a/b", DAY + datetime.timedelta(1))) == (True, False)
    assert expired(found, "a/b", DAY) is None
    assert expired(found, "a/b", DAY + datetime.timedelta(1)) is hold
    assert expired(found, "b", DAY + datetime.timedelta(1)) is None


def test_one_target_is_chosen_without_its_name(tmp_path: Path) -> None:
    found = settings(tmp_path, "targets: {prod: {address: 'https://v'}}\n")

    assert connection_for(found, "", {}).address == "https://v"


def test_several_targets_and_none_named_is_a_wrong_command_line(tmp_path: Path) -> None:
    found = settings(tmp_path, "targets: {prod: {}, test: {}}\n")

    with pytest.raises(UsageError, match="several targets and none named"):
        target_of(found, "")


def test_a_target_that_is_not_there_is_a_wrong_command_line_with_the_nearest(tmp_path: Path) -> None:
    found = settings(tmp_path, "targets: {prod: {}, test: {}}\n")

    with pytest.raises(UsageError, match="did you mean `prod`"):
        target_of(found, "prd")


@pytest.mark.parametrize("address", ["https://V.example.com:443", "https://v.example.com/", "https://v.example.com/v1"])
def test_another_spelling_of_the_same_server_is_no_disagreement(tmp_path: Path, address: str) -> None:
    found = settings(tmp_path, "targets: {prod: {address: 'https://v.example.com'}}\n")

    assert connection_for(found, "prod", {"VAULT_ADDR": address}).address == "https://v.example.com"


@pytest.mark.parametrize(
    ("target", "environ", "named"),
    [
        ("address: 'https://v'", {"VAULT_ADDR": "https://w"}, "VAULT_ADDR name different servers"),
        ("address: 'https://v'", {"VAULT_ADDR": "http://v"}, "VAULT_ADDR name different servers"),
        (
            "address: 'https://v'",
            {"VAULT_ADDR": "https://v", "BAO_ADDR": "https://w"},
            "BAO_ADDR name different servers",
        ),
        ("namespace: a", {"VAULT_NAMESPACE": "b"}, "VAULT_NAMESPACE name different namespaces"),
        ("namespace: root", {"VAULT_NAMESPACE": "b"}, "VAULT_NAMESPACE name different namespaces"),
    ],
)
def test_an_environment_that_disagrees_with_the_target_is_an_error(
    tmp_path: Path, target: str, environ: dict[str, str], named: str
) -> None:
    found = settings(tmp_path, f"targets: {{prod: {{{target}}}}}\n")

    with pytest.raises(InputError, match=named):
        connection_for(found, "prod", environ)


def test_what_the_target_does_not_say_comes_from_the_environment(tmp_path: Path) -> None:
    found = settings(tmp_path, "targets: {prod: {}}\n")

    connection = connection_for(found, "prod", {"VAULT_ADDR": "https://w", "VAULT_NAMESPACE": "b"})

    assert (connection.address, connection.namespace) == ("https://w", "b")


@pytest.mark.parametrize("name", ["t,9", "--all", "", " t"])
def test_a_target_whose_name_cannot_be_chosen_is_refused(tmp_path: Path, name: str) -> None:
    loaded = project.load(write(tmp_path, {"vaultconf.yaml": f'targets:\n  "{name}": {{vars: {{a: b}}}}\n'}))

    assert [str(problem) for problem in loaded.problems] == [
        f"vaultconf.yaml:2:3: no `--target` can choose `{name}` (a word such as `prod`)"
    ]
