from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.loading import A_POLICY, by_address, complaints, document, hints, load


def test_a_field_said_in_two_documents_is_an_error_that_names_both_places(tmp_path: Path) -> None:
    files = {
        "desired-state/a.yaml": "auth: {approle: {type: approle, roles: {x: {token_ttl: 1h}}}}\n",
        "desired-state/b.yaml": "auth: {approle: {roles: {x: {token_ttl: 1h}}}}\n",
    }

    state = load(tmp_path, files)

    assert complaints(state) == ["desired-state/b.yaml:1:30 `auth/approle/role/x`: `token_ttl` is declared already"]
    assert hints(state) == ["first at desired-state/a.yaml:1:45; keep one of them"]


def test_fields_of_one_object_may_come_from_several_documents(tmp_path: Path) -> None:
    text = """\
        auth: {approle: {type: approle, roles: {x: {token_ttl: 1h}}}}
        ---
        auth: {approle: {roles: {x: {token_max_ttl: 2h}}}}
    """

    state = document(tmp_path, text)

    assert by_address(state)["auth/approle/role/x"].values == {"token_ttl": 3600, "token_max_ttl": 7200}


def test_the_same_object_with_no_field_at_all_may_be_named_twice(tmp_path: Path) -> None:
    text = "auth: {approle: {type: approle, roles: {x: }}}\n---\nauth: {approle: {roles: {x: {}}}}\n"

    state = document(tmp_path, text)

    assert (complaints(state), sorted(by_address(state))) == ([], ["auth/approle/role/x", "sys/auth/approle"])


def test_the_type_of_a_mount_may_be_repeated(tmp_path: Path) -> None:
    state = document(tmp_path, "auth: {a: {type: approle}}\n---\nauth: {a: {type: approle, roles: {x: }}}\n")

    assert complaints(state) == []


def test_another_type_of_a_mount_is_an_error_that_names_both_places(tmp_path: Path) -> None:
    state = document(tmp_path, "secrets: {a: {type: kv}}\n---\nsecrets: {a: {type: database}}\n")

    assert complaints(state) == ["3:15 `sys/mounts/a` has another `type` already"]
    assert hints(state) == ["first at desired-state/a.yaml:1:15"]


def test_the_reserved_key_is_said_once_an_object(tmp_path: Path) -> None:
    text = "secrets: {a: {type: kv, vaultconf: {protect: true}}}\n---\nsecrets: {a: {vaultconf: {protect: true}}}\n"

    state = document(tmp_path, text)

    assert complaints(state) == ["3:15 `vaultconf` is declared already"]


def test_a_mount_without_a_type_is_somebody_elses(tmp_path: Path) -> None:
    state = document(tmp_path, "auth: {approle: {roles: {x: {token_ttl: 1h}}}}\n")

    assert (list(state.foreign), list(by_address(state))) == ([("", "auth", "approle")], ["auth/approle/role/x"])


def test_fields_of_a_mount_without_a_type_are_refused(tmp_path: Path) -> None:
    state = document(tmp_path, "auth: {approle: {description: x}}\n")

    assert complaints(state) == ["1:8 `auth.approle` needs a `type`; without one it is somebody else's mount"]


def test_children_of_a_mount_of_unknown_type_are_checked_for_form_with_a_notice(tmp_path: Path) -> None:
    state = document(tmp_path, 'auth: {foo: {roles: {x: {a: "${vlt:x}"}, "${env:X}": {}}}}\n')

    assert complaints(state) == ["1:29 not a reference that is known here", "1:42 a key cannot hold a reference"]
    assert state.notices == (
        "desired-state/a.yaml:1:14: the type of this mount is known to the server only: checked for form",
    )


def test_a_type_that_only_the_server_knows_decides_what_stands_in_the_mount(tmp_path: Path) -> None:
    text = "auth: {foo: {roles: {x: {token_ttl: 1h}}}}\n"

    state = document(tmp_path, text, {("", "auth", "foo"): "approle"})

    assert (complaints(state), list(by_address(state))) == ([], ["auth/foo/role/x"])


def test_token_has_no_type_and_can_only_be_tuned(tmp_path: Path) -> None:
    good = document(tmp_path / "a", "auth: {token: {tune: {max_lease_ttl: 1h}}}\n")
    bad = document(tmp_path / "b", "auth: {token: {type: token, description: x}}\n")

    assert list(by_address(good)) == ["sys/auth/token"]
    assert complaints(bad) == [
        "1:16 `token` is built in: only its `tune` can be written",
        "1:29 `token` is built in: only its `tune` can be written",
    ]


def test_token_roles_do_not_declare_the_token_mount(tmp_path: Path) -> None:
    state = document(tmp_path, "auth: {token: {roles: {x: {}}}}\n")

    assert (list(by_address(state)), dict(state.foreign)) == (["auth/token/roles/x"], {})


@pytest.mark.parametrize("text", ["policies:\n", "auth: {approle: {type: approle, roles: }}\n", "secrets:\n"])
def test_a_collection_with_nothing_in_it_is_empty(tmp_path: Path, text: str) -> None:
    assert complaints(document(tmp_path, text)) == []


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("secrets: {a: {type: kv, description: }}\n", "1:38 `description` has no value"),
        ("secrets: {a: {type: kv, tune: }}\n", "1:31 `tune` has no value"),
        ("secrets: {a: {type: kv, tune: {max_lease_ttl: ~}}}\n", "1:47 `tune.max_lease_ttl` has no value"),
        ("secrets: {a: {type: kv, tune: {passthrough_request_headers: [null]}}}\n", "1:61 `tune.passthrough"),
        ("secrets: {a: {type: kv, options: {version: null}}}\n", "1:34 `options` must be a map of words"),
        ("owner: \n", "1:7 `owner` must be plain text"),
        ("secrets: {a: {type: kv, vaultconf: }}\n", "1:25 `vaultconf` must be a map"),
        ("policies: {a: {file: }}\n", "1:22 `file` must be a path"),
    ],
)
def test_a_field_without_a_value_is_an_error(tmp_path: Path, text: str, place: str) -> None:
    state = document(tmp_path, text)

    assert len(state.problems) == 1
    assert complaints(state)[0].startswith(place)


@pytest.mark.parametrize(
    ("text", "complaint", "hint"),
    [
        ("polices: {}\n", "1:1 unknown key `polices`", "did you mean `policies`?"),
        ("assertions: []\n", "1:1 `assertions` is not in this version", ""),
        (
            "auth: {a: {type: approle, role: {}}}\n",
            "1:27 unknown key `role` of a mount of type `approle`",
            "did you mean `roles`?",
        ),
        ("secrets: {a: {type: pki, roles: {}}}\n", "1:26 `roles` of a mount of type `pki` is not in this version", ""),
        (
            "secrets: {a: {type: kv, descripton: x}}\n",
            "1:25 unknown key `descripton` of a mount of type `kv`",
            "did you mean `description`?",
        ),
        (
            "secrets: {a: {type: databas, connections: {}}}\n",
            "1:30 `connections` of a mount of type `databas` is not in this version",
            "is the type right? did you mean `database`?",
        ),
        (
            "secrets: {a: {type: kv, tune: {max_lease_tl: 1h}}}\n",
            "1:32 unknown field `tune.max_lease_tl`",
            "did you mean `max_lease_ttl`?",
        ),
        ("auth: {a: {type: approle, roles: {x: {ttl: 1h}}}}\n", "1:39 `ttl` is an old name", "write `token_ttl`"),
        (
            "auth: {a: {type: userpass, users: {x: {policies: [a]}}}}\n",
            "1:40 `policies` is an old name",
            "write `token_policies`",
        ),
        ("policies: {a: {fil: x, policy: '#'}}\n", "1:16 unknown field `fil`", "did you mean `file`?"),
        ("policies: [a]\n", "1:11 must be a map", ""),
        ("secrets: {a: text}\n", "1:11 must be a map", ""),
        ("secrets: {a: {type: kv, tune: 5}}\n", "1:31 `tune` must be a map", ""),
        ("auth: {a: {type: approle, roles: [x]}}\n", "1:27 must be a map", ""),
        ("policies: {a: text}\n", "1:12 must be a map of fields", ""),
        ("secrets: {kv/: {type: kv}}\n", None, "write `kv`"),
        ("namespace: team-a/\n", None, "write `team-a`"),
    ],
)
def test_what_is_not_known_is_refused_with_the_right_spelling(
    tmp_path: Path, text: str, complaint: str | None, hint: str
) -> None:
    state = document(tmp_path, text)

    assert hints(state) == [hint]
    assert complaint is None or complaints(state) == [complaint]


@pytest.mark.parametrize("namespace", ["a//b", "../x", "sys", "a/root", "a b", "a+", "/a", "a\\tb"])
def test_a_path_that_no_namespace_can_have_is_refused(tmp_path: Path, namespace: str) -> None:
    state = document(tmp_path, f'namespace: "{namespace}"\npolicies: {{x: {{policy: "#"}}}}\n')

    assert [problem.place.column for problem in state.problems if problem.place] == [12]


def test_objects_of_a_nested_namespace_have_its_path_in_front(tmp_path: Path) -> None:
    state = document(tmp_path, 'namespace: team-a/sub\npolicies: {x: {policy: "#"}}\n')

    assert list(by_address(state)) == ["team-a/sub/sys/policies/acl/x"]


def test_equal_names_in_two_namespaces_are_two_objects(tmp_path: Path) -> None:
    text = 'policies: {x: {policy: "#"}}\n---\nnamespace: a\npolicies: {x: {policy: "#"}}\n'

    state = document(tmp_path, text)

    assert (complaints(state), len(state.objects)) == ([], 2)


def test_a_mount_inside_another_mount_is_refused_with_both_places(tmp_path: Path) -> None:
    state = document(tmp_path, "secrets: {a: {type: kv}, a/b/c: {type: kv}, ab: {type: kv}}\n")

    assert complaints(state) == ["1:26 `a/b/c` lies inside the mount `a`: no server takes both"]
    assert hints(state) == ["see desired-state/a.yaml:1:11"]


@pytest.mark.parametrize("mount", ["auth", "auth/x", "sys/x", "audit", "identity/x"])
def test_a_secrets_engine_where_no_server_mounts_one_is_refused(tmp_path: Path, mount: str) -> None:
    state = document(tmp_path, f"secrets: {{{mount}: {{type: kv}}}}\n")

    assert complaints(state)[0].startswith(f"1:11 no secrets engine can be mounted at `{mount}`")


def test_policy_files_of_a_project_are_policies_of_the_base_namespace(tmp_path: Path) -> None:
    files = {
        "policies/a.hcl": A_POLICY,
        "policies/team/b.hcl": A_POLICY,
        "policies/password/strong.hcl": 'length = 20\nrule "charset" { charset = "abc" }\n',
    }

    state = load(tmp_path, files)

    assert sorted(by_address(state)) == ["sys/policies/acl/a", "sys/policies/password/strong"]


def test_a_policy_declared_in_yaml_and_by_a_file_is_an_error_that_names_both(tmp_path: Path) -> None:
    files = {"policies/a.hcl": A_POLICY, "desired-state/a.yaml": 'policies: {a: {policy: "#"}}\n'}

    state = load(tmp_path, files)

    assert complaints(state) == ["policies/a.hcl:1:1 `sys/policies/acl/a`: `policy` is declared already"]
    assert hints(state) == ["first at desired-state/a.yaml:1:16; keep one of them"]


@pytest.mark.parametrize("name", ["a", "b"])
def test_file_must_not_name_a_file_that_is_a_policy_already(tmp_path: Path, name: str) -> None:
    text = f"policies: {{{name}: {{file: ../policies/a.hcl}}}}\n"

    state = load(tmp_path, {"policies/a.hcl": A_POLICY, "desired-state/a.yaml": text})

    assert complaints(state) == [
        "1:22 `policies/a.hcl` is declared already: every .hcl file of `policies/` is a policy"
    ]


def test_a_link_to_a_declared_policy_file_is_refused_too(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "b.hcl").symlink_to("../policies/a.hcl")

    state = load(
        tmp_path, {"policies/a.hcl": A_POLICY, "desired-state/a.yaml": "policies: {b: {file: ../other/b.hcl}}\n"}
    )

    assert [complaint.split(":")[0] for complaint in complaints(state)] == ["1"]


def test_file_and_policy_together_are_one_field_said_twice(tmp_path: Path) -> None:
    files = {"p/x.hcl": A_POLICY, "desired-state/a.yaml": 'policies: {a: {policy: "#", file: ../p/x.hcl}}\n'}

    assert complaints(load(tmp_path, files)) == ["1:29 `sys/policies/acl/a`: `policy` is declared already"]


@pytest.mark.parametrize("path", ["../../x.hcl", "/etc/passwd", "~/x", "../.git/x.hcl", "", "..", "nope.hcl", "a\\\\b"])
def test_file_must_be_a_file_inside_the_project_and_is_the_only_complaint(tmp_path: Path, path: str) -> None:
    state = document(tmp_path, f'policies: {{a: {{file: "{path}"}}}}\n')

    assert [str(problem.place) for problem in state.problems] == ["desired-state/a.yaml:1:22"]


def test_what_the_yaml_reader_refused_is_not_refused_again(tmp_path: Path) -> None:
    text = (
        "auth: {a: {type: approle, roles: {x: {token_ttl: 1:30, token_policies: [on], bind_secret_id: no, off: 1}}}}\n"
    )

    state = document(tmp_path, text)

    assert [problem.place.column for problem in state.problems if problem.place] == [50, 73, 94, 98]
    assert not any("declared" in problem.message or "unknown" in problem.message for problem in state.problems)


def test_nothing_is_missed_where_a_file_could_not_be_read_to_its_end(tmp_path: Path) -> None:
    files = {
        "desired-state/a.yaml": "auth: {a: {type: approle, roles: {x: {token_policies: [later]}}}}\n",
        "desired-state/b.yaml": "policies: {x: {policy: [}}\n",
        "desired-state/c.yaml": "nonsense: 1\n",
    }

    state = load(tmp_path, files)

    assert [problem.place.file for problem in state.problems if problem.place] == [
        "desired-state/b.yaml",
        "desired-state/c.yaml",
    ]


def test_problems_of_all_files_and_all_stages_come_at_once_in_order(tmp_path: Path) -> None:
    files = {
        "vaultconf.yaml": "version: 2\n",
        "policies/bad.hcl": 'path "x" {\n  capabilities = ["raed"]\n}\n',
        "desired-state/a.yaml": "auth: {a: {type: approle, roles: {x: {token_policies: [nope], token_ttl: on}}}}\n",
        "desired-state/b.yaml": "foo: 1\n",
    }

    state = load(tmp_path, files)

    assert [str(problem.place) for problem in state.problems] == [
        "desired-state/a.yaml:1:56",
        "desired-state/a.yaml:1:74",
        "desired-state/b.yaml:1:1",
        "policies/bad.hcl:2:19",
        "vaultconf.yaml:1:10",
    ]


def test_an_alias_that_is_used_twice_is_complained_about_once(tmp_path: Path) -> None:
    text = "auth: {a: {type: approle, roles: {x: &x {tokn_ttl: 1h}, z: *x}}}\n"

    assert complaints(document(tmp_path, text)) == ["1:42 unknown field `tokn_ttl`"]


def test_a_document_may_be_empty(tmp_path: Path) -> None:
    assert complaints(document(tmp_path, "---\n---\n# nothing\n")) == []


def test_the_owner_of_a_document_is_on_its_objects(tmp_path: Path) -> None:
    text = 'owner: payments\npolicies: {x: {policy: "#"}}\n---\nowner: other\npolicies: {x: , y: {policy: "#"}}\n'

    state = document(tmp_path, text)

    assert [item.owner for item in state.objects] == ["payments", "other"]
