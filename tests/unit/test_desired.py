from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.loading import A_POLICY, by_address, complaints, document, hints, load
from vaultconf.desired import unknown_to
from vaultconf.model import Server
from vaultconf.references import Deferred
from vaultconf.sealed import Secret

ROLE = "auth: {a: {type: approle, roles: {x: {%s}}}}\n"
USER = "auth: {u: {type: userpass, users: {x: {%s}}}}\n"
DATABASE = "secrets: {db: {type: database, connections: {c: {plugin_name: p}}, roles: {r: {%s}}}}\n"


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ("token_ttl: 1x", "1:50 `token_ttl` must be a duration"),
        ("token_ttl: -1", "1:50 `token_ttl` must not be negative"),
        ("token_num_uses: many", "1:55 `token_num_uses` must be a whole number"),
        ("token_num_uses: 1.5", "1:55 `token_num_uses` must be a whole number"),
        ("bind_secret_id: 1", "1:55 `bind_secret_id` must be true or false"),
        ("token_type: servce", "1:51 `token_type` must be one of"),
        ("token_bound_cidrs: [10.0.0.0/99]", "1:58 `token_bound_cidrs` must be IP addresses"),
        ("token_policies: {a: b}", "1:55 `token_policies` must be a list"),
        ("token_policies: [Default]", "1:55 `token_policies` names a policy in upper case"),
        ("token_policies: [[a]]", "1:55 `token_policies` must be a list of texts"),
        ("role_id: 5", "1:48 `role_id` must be text"),
        ("token_ttl: 2h, token_max_ttl: 1h", "1:50 `token_ttl` is longer than `token_max_ttl`"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_where_it_stands(tmp_path: Path, fields: str, complaint: str) -> None:
    state = document(tmp_path, ROLE % fields)

    assert len(state.problems) == 1
    assert complaints(state)[0].startswith(complaint)


def test_what_the_kind_itself_knows_is_not_said_beside_a_value_that_cannot_be_read(tmp_path: Path) -> None:
    state = document(tmp_path, ROLE % "bind_secret_id: false, secret_id_bound_cidrs: [x]")

    assert [complaint.split("`")[1] for complaint in complaints(state)] == ["secret_id_bound_cidrs"]


def test_a_name_that_the_server_would_fold_is_refused_with_the_right_one(tmp_path: Path) -> None:
    state = document(tmp_path, "auth: {a: {type: approle, roles: {MyApp: {}, myapp: {}}}}\n")

    assert complaints(state) == ["1:35 the name `MyApp`: the server would store it as `myapp`; write it that way"]


@pytest.mark.parametrize("name", ["a b", "a/b", ".a", "a-", "a..b", "../x"])
def test_a_name_that_the_server_would_not_take_is_refused(tmp_path: Path, name: str) -> None:
    state = document(tmp_path, f'auth: {{a: {{type: approle, roles: {{"{name}": {{}}}}}}}}\n')

    assert [str(problem.place) for problem in state.problems] == ["desired-state/a.yaml:1:35"]


@pytest.mark.parametrize("text", ['policies: {root: {policy: "#"}}\n', "secrets: {sys: {type: kv}}\n"])
def test_what_is_built_in_and_fixed_cannot_be_declared(tmp_path: Path, text: str) -> None:
    state = document(tmp_path, text)

    assert [problem.message.partition("` ")[2] for problem in state.problems] == ["is built in and cannot be declared"]


@pytest.mark.parametrize("old", ["kv-v2", "kv-v1", "generic"])
def test_an_old_spelling_of_a_type_is_refused_once(tmp_path: Path, old: str) -> None:
    state = document(tmp_path, f"secrets: {{a: {{type: {old}, config: {{max_versions: 3}}}}}}\n")

    assert [complaint[:33] for complaint in complaints(state)] == ["1:21 `type` is an old spelling; w"]


def test_a_required_field_that_is_missing_is_named_with_the_object(tmp_path: Path) -> None:
    state = document(tmp_path, "secrets: {db: {type: database, roles: {r: {}}}}\n")

    assert complaints(state) == ["1:40 `db/roles/r` needs `db_name`"]


# --- secrets -------------------------------------------------------------------------------------------------


def test_a_plaintext_where_a_secret_belongs_is_refused_and_not_quoted(tmp_path: Path) -> None:
    state = document(tmp_path, USER % "password: hunter2-canary")

    assert complaints(state) == ["1:50 `password` is a secret and must not stand here in clear"]
    assert "hunter2" not in repr(state)


def test_a_plaintext_that_is_allowed_has_no_text_form(tmp_path: Path) -> None:
    state = document(tmp_path, USER % "password: hunter2-canary, vaultconf: {allow_plaintext: true}")

    assert complaints(state) == []
    assert isinstance(by_address(state)["auth/u/users/x"].values["password"], Secret)
    assert "hunter2" not in repr(state)


@pytest.mark.parametrize(
    "text",
    [
        USER % "token_type: canary-4711",
        USER % "token_ttl: canary-4711",
        USER % "token_bound_cidrs: canary-4711",
        USER % "password: [canary-4711]",
        USER % 'password: "${evn:canary-4711}"',
        USER % 'password: "${canary-4711"',
        "secrets: {d: {type: database, connections: {c: {plugin_name: p, connection_url: 'x://u:canary-4711@h'}}}}\n",
        "secrets: {a: {type: kv, options: {version: [canary-4711]}}}\n",
        "auth: canary-4711\n",
        "auth: {u: {type: userpass, users: {x: canary-4711}}}\n",
    ],
)
def test_no_complaint_quotes_a_value(tmp_path: Path, text: str) -> None:
    state = document(tmp_path, text)

    assert len(state.problems) >= 1
    assert not [str(problem) for problem in state.problems if "4711" in str(problem)]


def test_a_field_with_a_reference_is_deferred_as_a_whole(tmp_path: Path) -> None:
    state = document(tmp_path, USER % 'password: "${env:PW}"')

    value = by_address(state)["auth/u/users/x"].values["password"]
    assert (complaints(state), isinstance(value, Deferred), repr(value)) == ([], True, "Deferred(${env:PW})")


# --- references to other objects -----------------------------------------------------------------------------


def test_a_policy_that_is_not_declared_is_refused_at_its_place_in_the_list(tmp_path: Path) -> None:
    files = {
        "policies/payments-read.hcl": A_POLICY,
        "desired-state/a.yaml": ROLE % "token_policies: [payments-read, default, payments-red]",
    }

    state = load(tmp_path, files)

    assert complaints(state) == ["1:80 `token_policies` names the ACL policy `payments-red`, which is not declared"]
    assert hints(state) == ["did you mean `payments-read`?"]


def test_a_policy_with_no_like_is_to_be_declared_or_listed_as_external(tmp_path: Path) -> None:
    state = document(tmp_path, ROLE % "token_policies: [zzz]")

    assert hints(state) == ["declare it, or list `sys/policies/acl/zzz` under `external`"]


def test_an_external_policy_need_not_be_declared(tmp_path: Path) -> None:
    files = {
        "vaultconf.yaml": "version: 1\nexternal: [sys/policies/acl/base-*]\n",
        "desired-state/a.yaml": ROLE % "token_policies: [base-read]",
    }

    assert complaints(load(tmp_path, files)) == []


def test_a_policy_of_the_base_namespace_is_not_one_of_a_child_namespace(tmp_path: Path) -> None:
    files = {
        "policies/a.hcl": A_POLICY,
        "desired-state/a.yaml": "namespace: team\n" + ROLE % "token_policies: [a]",
    }

    assert hints(load(tmp_path, files)) == ["declare it, or list `team/sys/policies/acl/a` under `external`"]


def test_a_policy_whose_file_cannot_be_read_counts_as_declared(tmp_path: Path) -> None:
    files = {"policies/a.hcl": b"\xff", "desired-state/a.yaml": ROLE % "token_policies: [a]"}

    assert [problem.place.file for problem in load(tmp_path, files).problems if problem.place] == ["policies/a.hcl"]


def test_the_connection_of_a_database_role_must_be_one_of_its_mount(tmp_path: Path) -> None:
    state = document(tmp_path, DATABASE % "db_name: d")

    assert complaints(state) == ["1:89 `db_name` names the Database connection `d`, which is not declared"]


@pytest.mark.parametrize(
    "text",
    [
        ROLE % 'token_policies: ["${env:X}"]',
        DATABASE % 'db_name: "${env:X}"',
        'secrets: {a: {type: "${env:X}"}}\n',
        'secrets: {d: {type: database, connections: {c: {plugin_name: "${env:X}"}}}}\n',
    ],
)
def test_what_an_object_is_and_what_it_names_cannot_be_a_reference(tmp_path: Path, text: str) -> None:
    state = document(tmp_path, text)

    assert [problem.message.partition("` ")[2][:23] for problem in state.problems] == ["cannot hold a reference"]


def test_many_names_that_stand_for_nothing_do_not_take_for_ever(tmp_path: Path) -> None:
    users = "\n".join(f"      u{number}: {{token_policies: [polici-{number}]}}" for number in range(3000))
    policies = "\n".join(f'  policy-{number}: {{policy: "#"}}' for number in range(3000))

    state = document(tmp_path, f"auth:\n  u:\n    type: userpass\n    users:\n{users}\npolicies:\n{policies}\n")

    assert len(state.problems) == 3000
    assert sum(problem.hint.startswith("did you mean") for problem in state.problems) == 20


# --- policies ------------------------------------------------------------------------------------------------


def test_a_policy_file_is_complained_about_at_its_own_line_and_column(tmp_path: Path) -> None:
    files = {"policies/a.hcl": 'path "x" {\n  capabilities = ["read", "lst"]\n}\npth "y" {}\n'}

    state = load(tmp_path, files)

    assert complaints(state) == ["policies/a.hcl:2:27 unknown capability `lst`", "policies/a.hcl:4:1 unknown key `pth`"]


def test_a_policy_in_a_block_is_complained_about_at_its_line_of_the_yaml_file(tmp_path: Path) -> None:
    text = 'policies:\n  a:\n    policy: |\n      # é\n\n      path "x" {\n        capabilities = ["lst"]\n      }\n'

    state = document(tmp_path, text)

    assert complaints(state) == ["7:25 unknown capability `lst`"]


@pytest.mark.parametrize(
    "text", ['"path \\"x\\" {\\n capabilities = [5]\\n}"', '>-\n  path "x" {\n\n  capabilities = [5] }']
)
def test_a_policy_in_another_style_is_complained_about_at_the_value_with_its_own_line(
    tmp_path: Path, text: str
) -> None:
    state = document(tmp_path, f"policies:\n  a:\n    policy: {text.replace(chr(10), chr(10) + '    ')}\n")

    assert complaints(state)[0].startswith("3:13 policy, line 2: ")


@pytest.mark.parametrize("field", ["policies", "password_policies"])
def test_policy_text_cannot_hold_a_reference(tmp_path: Path, field: str) -> None:
    state = document(tmp_path, f'{field}: {{a: {{policy: "# ${{env:X}}"}}}}\n')

    assert [problem.message for problem in state.problems] == ["policy text cannot hold a reference"]


def test_a_policy_file_cannot_hold_a_reference_and_its_place_is_known(tmp_path: Path) -> None:
    state = load(tmp_path, {"policies/a.hcl": '# one\npath "${env:X}" { capabilities = ["read"] }\n'})

    assert complaints(state) == ["policies/a.hcl:2:7 policy text cannot hold a reference"]


def test_other_dollar_braces_of_a_policy_file_are_left_to_the_server(tmp_path: Path) -> None:
    text = 'path "x/${y}/$${z}" { capabilities = ["read"] } # $${env:X}\n'

    state = load(tmp_path, {"policies/a.hcl": text})

    assert complaints(state) == []
    assert by_address(state)["sys/policies/acl/a"].values["policy"] == text.replace("$${env", "${env").strip()


def test_a_doubled_dollar_in_yaml_is_a_literal_one(tmp_path: Path) -> None:
    state = document(tmp_path, 'policies: {a: {policy: "# $${env:X}"}}\n')

    assert by_address(state)["sys/policies/acl/a"].values["policy"] == "# ${env:X}"


@pytest.mark.parametrize(
    ("product", "complaint"),
    [
        ("openbao", "policies/a.hcl:1:33 unknown capability `recover`"),
        ('vault, version: "1.19"', "policies/a.hcl:1:33 unknown capability `recover`"),
        ("vault", None),
    ],
)
def test_the_server_of_the_settings_decides_which_words_a_policy_may_hold(
    tmp_path: Path, product: str, complaint: str | None
) -> None:
    files = {
        "vaultconf.yaml": f"version: 1\nserver: {{product: {product}}}\n",
        "policies/a.hcl": 'path "x/abc" { capabilities = ["recover"] }\n',
    }

    state = load(tmp_path, files)

    assert complaints(state) == ([complaint.replace(":33", ":32")] if complaint else [])


def test_a_field_that_the_server_of_the_settings_lacks_is_refused(tmp_path: Path) -> None:
    files = {
        "vaultconf.yaml": "version: 1\nserver: {product: vault}\n",
        "desired-state/a.yaml": ROLE % "token_strictly_bind_ip: true",
    }

    assert complaints(load(tmp_path, files)) == ["1:39 `token_strictly_bind_ip` does not exist on vault"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('length = 3\nrule "charset" { charset = "abc" }', "1:10 `length` must be from 4 to 100"),
        ('length = 20\nrule "chars" { charset = "abc" }', "2:6 unknown rule `chars`: there is only `charset`"),
        ("length = 20", "1:1 no rule names the characters to use"),
        ('rule "charset" { charset = "abc" }', "1:1 a password policy needs `length`"),
        ('length = "20"\nrule "charset" { charset = "abc" }', "1:10 `length` must be a number, without quotes"),
        ('length = 4\nrule "charset" { charset = "a" min-chars = 5 }', "1:10 the rules need 5 characters"),
        ('length = 20\nrule "charset" {', "2:16 the block is not closed"),
    ],
)
def test_a_password_policy_that_no_server_takes_is_refused_at_its_place(
    tmp_path: Path, text: str, complaint: str
) -> None:
    state = load(tmp_path, {"policies/password/p.hcl": text})

    assert len(state.problems) == 1
    assert complaints(state)[0].removeprefix("policies/password/p.hcl:").startswith(complaint)


# --- ours ----------------------------------------------------------------------------------------------------


def test_the_reserved_key_is_read(tmp_path: Path) -> None:
    state = document(tmp_path, ROLE % "vaultconf: {protect: true, create_only: false, ignore: [token_ttl]}")

    found = by_address(state)["auth/a/role/x"].guidance
    assert (found.protect, found.create_only, found.ignore) == (True, False, ("token_ttl",))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("protect: 1", "1:60 `vaultconf.protect` must be true or false"),
        ('protect: "${env:X}"', "1:60 `vaultconf.protect` must be true or false"),
        ("ignore: token_ttl", "1:59 `vaultconf.ignore` must be a list of fields"),
        ("ignore: [token_tl]", "1:60 `vaultconf.ignore` names no field of this object"),
        ("ignore: [3]", "1:60 `vaultconf.ignore` names no field of this object"),
        ("ignore: [token_ttl, {a: b}]", "1:71 `vaultconf.ignore` names no field of this object"),
        ("protct: true", "1:51 unknown key `protct` in `vaultconf`"),
        ("renamed_from: x", "1:51 `vaultconf.renamed_from` is for secrets engines and auth methods"),
        ("rotate_root: on_create", "1:51 `vaultconf.rotate_root` is for objects whose password the server can change"),
    ],
)
def test_the_reserved_key_is_read_strictly(tmp_path: Path, text: str, complaint: str) -> None:
    assert complaints(document(tmp_path, ROLE % f"vaultconf: {{{text}}}")) == [complaint]


def test_what_comes_with_a_mount_and_is_outside_owns_is_no_error_and_said(tmp_path: Path) -> None:
    settings = "version: 1\nowns: [sys/mounts/*]\n"
    mounts = ", ".join(f"kv{number}: {{type: kv, options: {{version: '2'}}}}" for number in range(5))

    state = load(tmp_path, {"vaultconf.yaml": settings, "desired-state/a.yaml": f"secrets: {{{mounts}}}\n"})

    assert state.problems == ()
    listed = "`kv0/config`, `kv1/config`, `kv2/config` and 2 more"
    why = "so not compared with the defaults of the mount; add it to `owns`"
    assert state.notices == (f"{listed}: outside `owns`, {why}",)


def test_an_object_outside_owns_is_refused(tmp_path: Path) -> None:
    files = {"vaultconf.yaml": "version: 1\nowns: [sys/auth/*]\n", "desired-state/a.yaml": ROLE % ""}

    state = load(tmp_path, files)

    assert complaints(state) == ["1:35 `auth/a/role/x` is outside `owns`"]
    assert hints(state) == ["see vaultconf.yaml:2:1: declare it in the project that owns it, or add it to `owns`"]


def test_a_configuration_that_exists_with_its_mount_is_declared_with_it(tmp_path: Path) -> None:
    state = document(tmp_path, 'secrets: {a: {type: kv, options: {version: "2"}}, b: {type: kv}}\n')

    assert sorted(by_address(state)) == ["a/config", "sys/mounts/a", "sys/mounts/b"]


def test_a_configuration_on_a_mount_that_has_none_is_refused(tmp_path: Path) -> None:
    state = document(tmp_path, "secrets: {a: {type: kv, config: {max_versions: 3}}}\n")

    assert complaints(state) == ["1:25 `a/config` does not exist on this mount"]


def test_nothing_follows_from_a_mount_that_could_not_be_read(tmp_path: Path) -> None:
    state = document(tmp_path, "secrets: {a: {type: on, config: {max_versions: 3}}}\n")

    assert [problem.place.column for problem in state.problems if problem.place] == [21]


def test_a_field_that_is_needed_cannot_be_ignored(tmp_path: Path) -> None:
    text = DATABASE % "db_name: c, vaultconf: {ignore: [db_name]}"

    assert complaints(document(tmp_path, text)) == [
        "1:113 `db_name` is needed to make the object and cannot be ignored"
    ]


def test_fields_that_a_server_lacks_are_named_with_their_object(tmp_path: Path) -> None:
    state = document(tmp_path, ROLE % "token_strictly_bind_ip: true, token_ttl: 1h")

    found = [list(unknown_to(Server(product), state.objects)) for product in ("vault", "openbao")]

    assert [[(problem.address, problem.message) for problem in problems] for problems in found] == [
        [("auth/a/role/x", "`token_strictly_bind_ip` does not exist on vault")],
        [],
    ]


def test_a_reference_in_a_map_of_words_defers_the_map(tmp_path: Path) -> None:
    state = document(tmp_path, 'audit: {s: {type: socket, options: {address: "${env:HOST}:9000"}}}\n')

    assert (complaints(state), isinstance(by_address(state)["sys/audit/s"].values["options"], Deferred)) == ([], True)


# --- anything at all -----------------------------------------------------------------------------------------

KEYS = st.sampled_from(
    [
        "policies",
        "password_policies",
        "secrets",
        "auth",
        "audit",
        "namespace",
        "owner",
        "identity",
        "type",
        "roles",
        "users",
        "connections",
        "config",
        "tune",
        "static_roles",
        "options",
        "policy",
        "file",
        "vaultconf",
        "ignore",
        "protect",
        "token_policies",
        "token_ttl",
        "db_name",
        "password",
        "kv",
        "approle",
        "userpass",
        "database",
        "token",
        "max_lease_ttl",
        "${env:X}",
        "MyApp",
        "a/b",
        "kv/",
        "sys",
        "x",
    ]
)
WORDS = st.sampled_from(
    [
        "kv",
        "approle",
        "userpass",
        "database",
        "kv-v2",
        "1h",
        "x",
        "",
        "${env:X}",
        "${file:../../x}",
        "${",
        "a,b",
        "\x7f",
    ]
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), WORDS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=25,
)


@given(st.lists(st.dictionaries(KEYS, VALUES, max_size=4), min_size=1, max_size=3))
def test_whatever_stands_in_the_documents_is_read_or_refused_at_a_place(documents: list[dict[str, object]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        state = document(Path(folder), "\n---\n".join(map(json.dumps, documents)))

    assert [problem for problem in state.problems if problem.place is None] == []
    assert len(set(state.problems)) == len(state.problems)


def test_a_name_with_letters_that_no_server_takes_is_refused(tmp_path: Path) -> None:
    state = document(tmp_path, "auth: {a: {type: approle, roles: {é: {}}}}\n")

    assert len(state.problems) == 1
    assert "the server takes no such name" in state.problems[0].message


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("root", "`root` is built in and cannot be declared"),
        ("sys", "`sys` is built in and cannot be declared"),
        ("audit", "`audit` is built in and cannot be declared"),
        ("auth", "`auth` is built in and cannot be declared"),
        ("cubbyhole", "`cubbyhole` is built in and cannot be declared"),
        ("identity", "`identity` is built in and cannot be declared"),
        ("'.'", "the name `.` has `.` or `..` in it"),
        ("'a b'", "the name `a b`: the server takes no name with ` ` in it"),
        ("a/b", "the name `a/b`: the server takes no name with `/` in it"),
        ("'a+'", "the name `a+`: the server takes no name with `+` in it"),
        ("'a*'", "the name `a*`: the server takes no name with `*` in it"),
        ("''", "the name `` has an empty segment"),
    ],
)
def test_a_namespace_that_no_server_takes_is_refused_where_it_stands(tmp_path: Path, name: str, complaint: str) -> None:
    state = document(tmp_path, f"namespaces: {{{name}: {{}}}}\n")

    assert len(state.problems) == 1
    assert str(state.problems[0]).startswith(f"desired-state/a.yaml:1:14: {complaint}")


def test_a_nested_namespace_written_as_one_name_is_told_where_it_belongs(tmp_path: Path) -> None:
    state = document(tmp_path, "namespaces: {a/b: {}}\n")

    assert hints(state) == ["the inner one stands in a document with `namespace:`, the path of the outer one"]


@pytest.mark.parametrize(
    ("old", "complaint"),
    [
        ("token", "`vaultconf.renamed_from`: token is part of every server and stays"),
        ("/a", "`vaultconf.renamed_from` has an empty segment: no `/` at either end, no `//`"),
        ('"${env:X}"', "`vaultconf.renamed_from` cannot hold a reference"),
        ("3", "`vaultconf.renamed_from` must be the path of a mount"),
    ],
)
def test_the_path_from_which_a_mount_moves_is_read_strictly(tmp_path: Path, old: str, complaint: str) -> None:
    text = f"auth: {{a: {{type: approle, vaultconf: {{renamed_from: {old}}}}}}}\n"

    assert [item.partition(" ")[2] for item in complaints(document(tmp_path, text))] == [complaint]


def test_a_mount_outside_owns_is_not_moved_inside(tmp_path: Path) -> None:
    settings = "version: 1\nowns: [sys/mounts/mine, mine/*, sys/mounts/ours]\n"
    body = "secrets: {mine: {type: kv, vaultconf: {renamed_from: OLD}}}\n"

    theirs, ours = (
        load(tmp_path / old, {"vaultconf.yaml": settings, "desired-state/a.yaml": body.replace("OLD", old)})
        for old in ("theirs", "ours")
    )

    assert complaints(theirs) == ["1:54 `sys/mounts/theirs` is outside `owns`"]
    assert hints(theirs) == ["see vaultconf.yaml:2:1: only what the project owns can be moved"]
    assert complaints(ours) == []


def test_a_mount_that_is_external_is_not_moved(tmp_path: Path) -> None:
    text = "secrets: {mine: {type: kv, vaultconf: {renamed_from: theirs}}}\n"

    state = load(tmp_path, {"vaultconf.yaml": "external: [sys/mounts/theirs]\n", "desired-state/a.yaml": text})

    assert complaints(state) == ["1:54 `sys/mounts/theirs` is `external`, so somebody else's"]


def test_a_mount_that_is_opened_without_a_type_is_not_moved(tmp_path: Path) -> None:
    text = "secrets: {mine: {type: kv, vaultconf: {renamed_from: kv}}, kv: {config: {max_versions: 5}}}\n"

    state = document(tmp_path, text)

    assert complaints(state) == ["1:54 `sys/mounts/kv` is somebody else's mount"]
    assert hints(state) == ["see desired-state/a.yaml:1:60: without a `type` it is not this project's to move"]
