"""Templates, their uses, variables and `policies_from`: documents made of documents."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.unit.loading import A_POLICY, by_address, complaints, document, hints, load, write
from vaultconf import pipeline, templates
from vaultconf.errors import InputError, Place, UsageError

APP = """\
templates:
  app:
    params: {name: , ttl: 1h}
    policies:
      "${param:name}-read":
        policy: 'path "kv/data/${param:name}/*" { capabilities = ["read"] }'
    auth: {approle: {roles: {"${param:name}": {token_policies: ["${param:name}-read"], token_ttl: "${param:ttl}"}}}}
"""
MOUNT = "auth: {approle: {type: approle}}\n"
T, U = "desired-state/t.yaml", "desired-state/u.yaml"


def with_template(body: str, uses: str) -> str:
    return f"templates: {{t: {body}}}\nuse: {{t: {uses}}}\n"


def refused(root: Path, files: Mapping[str, str], target: str | None = None) -> list[str]:
    """What is wrong with a project, as a person reads it."""
    try:
        pipeline.validate(write(root, files), target)
    except InputError as error:
        return [str(problem) for problem in error.problems]
    return []


# --- a template and its uses -----------------------------------------------------------------------------------


def test_each_use_makes_the_objects_of_the_template(tmp_path: Path) -> None:
    uses = f"{MOUNT}owner: payments\nuse:\n  app: [{{name: payments}}, {{name: ledger, ttl: 2h}}]\n"

    state = load(tmp_path, {T: APP, U: uses})

    found = by_address(state)
    assert complaints(state) == []
    assert sorted(found) == [
        "auth/approle/role/ledger",
        "auth/approle/role/payments",
        "sys/auth/approle",
        "sys/policies/acl/ledger-read",
        "sys/policies/acl/payments-read",
    ]
    assert found["auth/approle/role/ledger"].values == {"token_policies": ("ledger-read",), "token_ttl": 7200}
    assert found["auth/approle/role/payments"].values["token_ttl"] == 3600
    assert found["sys/policies/acl/ledger-read"].values["policy"] == (
        'path "kv/data/ledger/*" { capabilities = ["read"] }'
    )
    assert {item.owner for item in found.values()} == {"payments"}


def test_an_object_knows_the_line_of_the_template_and_the_line_of_the_use(tmp_path: Path) -> None:
    state = load(tmp_path, {T: APP, U: f"{MOUNT}use:\n  app:\n    - {{name: payments}}\n"})

    role = by_address(state)["auth/approle/role/payments"]
    use = Place(U, 4, 7)
    assert role.place == Place(T, 7, 30, use)
    assert role.places["token_ttl"] == Place(T, 7, 88, use)
    assert str(role.place) == f"{T}:7:30, used at {U}:4:7"


def test_the_objects_live_in_the_namespace_of_the_document_with_the_use(tmp_path: Path) -> None:
    template = 'templates: {t: {params: {who: }, policies: {"${param:who}": {policy: "#"}}}}\n'
    uses = "namespace: team-a\nuse: {t: [{who: x}]}\n---\nnamespace: team-b\nuse: {t: [{who: x}]}\n"

    state = load(tmp_path, {T: template, U: uses, "vaultconf.yaml": "external: ['*']\n"})

    assert complaints(state) == []
    assert sorted(by_address(state)) == ["team-a/sys/policies/acl/x", "team-b/sys/policies/acl/x"]


def test_a_use_is_read_as_if_it_were_written_by_hand(tmp_path: Path) -> None:
    hand = "".join(
        f'policies: {{{n}-read: {{policy: \'path "kv/data/{n}/*" {{ capabilities = ["read"] }}\'}}}}\n'
        f"auth: {{approle: {{roles: {{{n}: {{token_policies: [{n}-read], token_ttl: 1h}}}}}}}}\n---\n"
        for n in ("a", "b")
    )

    made = load(tmp_path / "made", {T: APP, U: f"{MOUNT}use: {{app: [{{name: a}}, {{name: b}}]}}\n"})
    written = load(tmp_path / "written", {U: f"{hand}{MOUNT}"})

    assert {a: item.values for a, item in by_address(made).items()} == {
        a: item.values for a, item in by_address(written).items()
    }


def test_a_value_that_is_one_parameter_keeps_its_type(tmp_path: Path) -> None:
    body = (
        '{params: {who: , cidrs: [], renew: false, uses: 0, meta: {}}, auth: {approle: {type: approle, roles: {"${param:who}":'
        ' {token_bound_cidrs: "${param:cidrs}", bind_secret_id: "${param:renew}", token_num_uses: "${param:uses}"}}}},'
        ' identity: {entities: {"${param:who}": {metadata: "${param:meta}"}}}}'
    )
    use = "{who: 7, cidrs: [10.0.0.0/8, 192.168.0.0/16], renew: true, uses: 5, meta: {team: a}}"

    state = document(tmp_path, with_template(body, f"[{use}]"))

    found = by_address(state)
    assert complaints(state) == []
    assert found["auth/approle/role/7"].values == {
        "token_bound_cidrs": ("10.0.0.0/8", "192.168.0.0/16"),
        "bind_secret_id": True,
        "token_num_uses": 5,
    }
    assert found["identity/entity/name/7"].values == {"metadata": {"team": "a"}}


def test_references_in_a_parameter_stay_references(tmp_path: Path) -> None:
    body = '{params: {who: , p: }, auth: {u: {type: userpass, users: {"${param:who}": {password: "${param:p}"}}}}}'

    state = document(tmp_path, with_template(body, '[{who: a, p: "${env:A_PASSWORD}"}]'))

    assert complaints(state) == []
    assert repr(by_address(state)["auth/u/users/a"].values["password"]) == "Deferred(${env:A_PASSWORD})"


def test_a_reference_in_a_parameter_is_judged_where_it_lands(tmp_path: Path) -> None:
    body = '{params: {who: }, policies: {"${param:who}": {policy: "#"}}}'

    state = document(tmp_path, with_template(body, '[{who: "${env:NAME}"}]'))

    assert complaints(state) == ["1:45, used at desired-state/a.yaml:2:11 a key cannot hold a reference"]


def test_two_dollars_are_a_literal_one(tmp_path: Path) -> None:
    body = '{params: {who: }, auth: {a: {type: approle, description: "$${param:who} ${param:who}"}}}'

    state = document(tmp_path, with_template(body, "[{who: x}]"))

    assert by_address(state)["sys/auth/a"].values["description"] == "${param:who} x"


def test_a_policy_file_of_a_template_takes_its_parameters(tmp_path: Path) -> None:
    files = {
        "policies/app/read.hcl": 'path "kv/${param:name}/*" {\n  capabilities = ["read"]\n}\n# $${param:name} ${x}\n',
        "desired-state/a.yaml": with_template(
            '{params: {name: }, policies: {"${param:name}": {file: ../policies/app/read.hcl}}}',
            "[{name: a}, {name: b}]",
        ),
    }

    state = load(tmp_path, files)

    assert complaints(state) == []
    assert by_address(state)["sys/policies/acl/b"].values["policy"] == (
        'path "kv/b/*" {\n  capabilities = ["read"]\n}\n# ${param:name} ${x}'
    )


def test_what_the_server_would_refuse_in_a_policy_names_the_file_and_the_use(tmp_path: Path) -> None:
    files = {
        "policies/app/read.hcl": 'path "a" {\n  capabilities = ["${param:c}"]\n}\n',
        "desired-state/a.yaml": with_template(
            "{params: {c: }, policies: {a: {file: ../policies/app/read.hcl}}}", "[{c: reed}]"
        ),
    }

    (problem,) = load(tmp_path, files).problems

    assert str(problem).startswith("policies/app/read.hcl:2:19: ")
    assert "used at desired-state/a.yaml:2:11" in str(problem)


# --- what is wrong is said with both places --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("use", "complaint"),
    [
        ("{}", f"{U}:1:13: `app` needs `name` (see {T}:3:14)"),
        ("{nam: a}", f"{U}:1:14: the template `app` has no parameter `nam` (did you mean `name`?)"),
        ("{name: a, zone: b}", f"{U}:1:23: the template `app` has no parameter `zone` (see {T}:2:3)"),
        ("{name: }", f"{U}:1:20: `name` has no value (see {T}:3:14)"),
        ("{name: {a: b}}", f"{U}:1:20: `name` must be a word or a list, not a map (see {T}:3:14)"),
        ("{name: [a]}", f"{U}:1:20: `name` is a list, and a word is wanted at {T}:5:7"),
        ("{name: a, ttl: 3}", f"{U}:1:28: `ttl` must be text, as its default is (see {T}:3:22)"),
        ("{name: a, ttl: [1h]}", f"{U}:1:28: `ttl` must be text, as its default is (see {T}:3:22)"),
        ("x", f"{U}:1:13: must be a map of parameters (see {T}:2:3)"),
        (
            "{name: '${param:x}'}",
            f"{U}:1:20: `${{param:…}}` stands in templates only (use `${{var:…}}` for what targets say)",
        ),
    ],
)
def test_a_wrong_parameter_is_an_error_at_the_use_that_names_the_template(
    tmp_path: Path, use: str, complaint: str
) -> None:
    found = refused(tmp_path, {T: APP, U: f"use: {{app: [{use}]}}\n{MOUNT}"})

    assert complaint in found
    assert all(line.startswith(U) for line in found)


def test_a_parameter_with_a_map_as_default_takes_maps_only(tmp_path: Path) -> None:
    body = '{params: {m: {}}, identity: {entities: {a: {metadata: "${param:m}"}}}}'

    state = document(tmp_path, with_template(body, "[{m: x}]"))

    assert complaints(state) == ["2:15 `m` must be a map, as its default is"]


@pytest.mark.parametrize(
    ("templates", "complaint"),
    [
        ("t: {use: {t: []}}", "1:17 `t` uses itself: templates are not nested"),
        ("t: {use: {u: []}}", "1:17 `use` cannot stand in a template: templates are not nested"),
        ("t: {templates: {}}", "1:17 `templates` cannot stand in a template: templates are not nested"),
        ("t: {namespace: a}", "1:17 `namespace` cannot stand in a template"),
        ("t: {assertions: []}", "1:17 `assertions` is not in this version"),
        ("t: {polices: {}}", "1:17 unknown key `polices`"),
        ("t: {params: [a]}", "1:25 `params` must be a map of names and defaults"),
        ("t: {params: {a b: }}", "1:26 the parameter `a b` is no plain name"),
        ("t: {params: {a: , b: '${param:a}'}}", "1:34 a default cannot name a parameter"),
        ("t: {params: {name: }, policies: {'${param:nam}': }}", "1:46 the template `t` has no parameter `nam`"),
        ("t: x", "1:13 must be a map: `params`, and what a document may hold"),
        ("[t]", "1:12 must be a map of templates by name"),
    ],
)
def test_a_wrong_template_is_said_once_however_often_it_is_used(tmp_path: Path, templates: str, complaint: str) -> None:
    braced = templates if templates.startswith("[") else f"{{{templates}}}"

    state = document(tmp_path, f"templates: {braced}\nuse: {{t: [{{}}, {{}}]}}\npolicies: {{x: {{policy: '#'}}}}\n")

    assert complaint in complaints(state)
    assert len([line for line in complaints(state) if "no template" not in line]) == 1


def test_a_template_that_uses_itself_or_another_is_an_error_with_both_places(tmp_path: Path) -> None:
    found = refused(tmp_path, {T: "templates:\n  a: {use: {a: [{}]}}\n  b: {use: {a: [{}]}}\n"})

    hint = "write the objects out in the template, which begins at"
    assert found == [
        f"{T}:2:7: `a` uses itself: templates are not nested ({hint} {T}:2:3)",
        f"{T}:3:7: `use` cannot stand in a template: templates are not nested ({hint} {T}:3:3)",
    ]


def test_a_template_that_nobody_uses_is_said_to_be_unchecked_unless_an_overlay_uses_it(tmp_path: Path) -> None:
    files = {
        "vaultconf.yaml": "version: 1\ntargets: {stage: {}, prod: {overlays: [more]}}\n",
        "desired-state/a.yaml": "templates: {t: {params: {p: }, auth: {approle: {rolls: {}}}}, u: {policies: {}}}\nuse: {u: []}\n",
        "more/a.yaml": "use: {t: []}\n",
    }
    root = write(tmp_path, files)

    stage, prod = (pipeline.validate(root, target)[1].notices for target in ("stage", "prod"))

    told = "desired-state/a.yaml:1:13: the template `t` has no use, so what is in it was not checked"
    assert told in stage
    assert told not in prod


def test_a_use_that_makes_what_a_document_has_is_an_error_with_both_places(tmp_path: Path) -> None:
    body = "{params: {who: }, policies: {'${param:who}': {policy: '#'}}}"

    found = refused(tmp_path, {T: with_template(body, "[{who: z}]"), U: "policies: {z: {policy: '#'}}\n"})

    assert found == [
        (
            f"{U}:1:16: `sys/policies/acl/z`: `policy` is declared already"
            f" (first at {T}:1:62, used at {T}:2:11; keep one of them)"
        )
    ]


@pytest.mark.parametrize(
    ("use", "complaint", "hint"),
    [
        ("{ap: []}", "2:7 no template `ap`", "did you mean `app`?"),
        ("{app: {}}", "2:7 must be a list of maps, one for each use of `app`", "see desired-state/a.yaml:1:13"),
        ("[app]", "2:6 must be a map of templates by name", ""),
    ],
)
def test_a_use_of_nothing_is_refused(tmp_path: Path, use: str, complaint: str, hint: str) -> None:
    state = document(tmp_path, f"templates: {{app: }}\nuse: {use}\n".replace("app: }", "app: {params: {a: }}}"))

    assert complaints(state) == [complaint]
    assert hints(state) == [hint]


def test_a_template_in_a_file_that_cannot_be_read_is_not_missed_as_well(tmp_path: Path) -> None:
    found = refused(tmp_path, {T: "templates: {app: [}\n", U: "use: {app: [{name: a}]}\n"})

    assert [line.startswith(f"{T}:1:") for line in found] == [True]


def test_a_file_that_many_uses_name_wrongly_is_said_once_with_their_number(tmp_path: Path) -> None:
    body = "{params: {who: }, policies: {'${param:who}': {file: ../policies/app/gone.hcl}}}"

    (found,) = refused(tmp_path, {U: with_template(body, "[{who: a}, {who: b}]"), "policies/app/x.hcl": "#"})

    assert found.startswith(f"{U}:1:68: `policies/app/gone.hcl` cannot be read")
    assert found.endswith(f"and in 1 other use: {U}:2:21)")


def test_a_file_of_policies_that_a_template_names_is_refused_in_every_use(tmp_path: Path) -> None:
    body = "{params: {who: }, policies: {'${param:who}': {file: ../policies/a.hcl}}}"

    found = refused(tmp_path, {U: with_template(body, "[{who: b}, {who: c}]"), "policies/a.hcl": "# a"})

    assert len(found) == 1
    assert "`policies/a.hcl` is declared already" in found[0]
    assert found[0].endswith(f"and in 1 other use: {U}:2:21)")


def test_a_template_is_given_once(tmp_path: Path) -> None:
    found = refused(tmp_path, {T: "templates: {a: {}}\n", U: "templates: {a: {}}\n"})

    assert found == [f"{U}:1:13: the template `a` is given already (first at {T}:1:13)"]


def test_two_uses_that_make_the_same_object_are_an_error_with_both_places(tmp_path: Path) -> None:
    body = "templates: {t: {params: {who: }, policies: {'${param:who}': {policy: '#'}}}}\n"

    found = refused(tmp_path, {T: body, U: "use:\n  t:\n    - {who: a}\n    - {who: a}\n"})

    assert found == [
        (
            f"{T}:1:45: `sys/policies/acl/a` is declared already"
            f" (used at {U}:4:7; first at {T}:1:45, used at {U}:3:7; each use makes objects of its own)"
        )
    ]


@pytest.mark.parametrize(
    ("body", "uses"),
    [
        ("auth: {approle: {type: approle, roles: {x: {}}}}", "{one: [{}, {}]}"),
        ("auth: {approle: {type: approle, roles: {x: }}}", "{one: [{}], two: [{}]}"),
        ("auth: {approle: {type: approle, roles: {x: }}}", "{one: &a [{}], two: *a}"),
        ("namespaces: {x: {}}", "{one: [{}, {}]}"),
        ("secrets: {x: {type: kv}}", "{one: [{}, {}]}"),
    ],
)
def test_two_uses_that_make_the_same_object_are_an_error_without_any_field_too(
    tmp_path: Path, body: str, uses: str
) -> None:
    templates = f"templates: {{one: {{{body}}}, two: {{{body}}}}}\nuse: {uses}\n"

    (found,) = refused(tmp_path, {T: templates})

    assert "declared already (used at" in found
    assert "; first at" in found


def test_two_uses_that_say_different_fields_of_an_object_are_an_error(tmp_path: Path) -> None:
    one = "one: {auth: {approle: {type: approle, roles: {x: {token_ttl: 1h}}}}}"
    two = "two: {auth: {approle: {roles: {x: {token_max_ttl: 1h}}}}}"

    (found,) = refused(tmp_path, {T: f"templates: {{{one}, {two}}}\nuse: {{one: [{{}}], two: [{{}}]}}\n"})

    assert "`auth/approle/role/x` is declared already" in found


def test_an_object_that_is_empty_in_a_use_and_by_hand_is_declared_twice(tmp_path: Path) -> None:
    text = "templates: {one: {namespaces: {x: {}}}}\nuse: {one: [{}]}\nnamespaces: {x: }\n"

    (found,) = refused(tmp_path, {T: text})

    assert found.startswith(f"{T}:1:32: `sys/namespaces/x` is declared already (used at {T}:2:13; first at {T}:3:14;")


def test_a_document_may_say_another_field_of_what_a_use_makes(tmp_path: Path) -> None:
    text = """\
        templates: {one: {auth: {approle: {type: approle, roles: {x: {token_ttl: 1h}}}}}}
        use: {one: [{}]}
        auth: {approle: {type: approle, roles: {x: {token_max_ttl: 2h}}}}
    """

    state = document(tmp_path, text)

    assert complaints(state) == []
    assert by_address(state)["auth/approle/role/x"].values == {"token_ttl": 3600, "token_max_ttl": 7200}


def test_any_number_of_uses_may_open_a_mount_for_what_stands_in_it(tmp_path: Path) -> None:
    opens = "auth: {approle: {type: approle, roles: {'${param:who}': }}}"
    text = f"templates: {{one: {{params: {{who: }}, {opens}}}}}\nuse: {{one: [{{who: a}}, {{who: b}}]}}\n"

    alone = document(tmp_path / "a", text)
    beside = document(tmp_path / "b", f"{text}auth: {{approle: {{type: approle, description: ours}}}}\n")

    assert (complaints(alone), complaints(beside)) == ([], [])
    assert {"auth/approle/role/a", "auth/approle/role/b"} < by_address(alone).keys()


def test_two_keys_that_become_one_are_an_error_with_both_places(tmp_path: Path) -> None:
    body = "{params: {a: , b: }, policies: {'${param:a}': {policy: '#'}, '${param:b}': {policy: '#'}}}"

    state = document(tmp_path, with_template(body, "[{a: x, b: x}]"))

    assert complaints(state) == [
        (
            "1:77, used at desired-state/a.yaml:2:11 `x` is given twice in one mapping, first at"
            " desired-state/a.yaml:1:48, used at desired-state/a.yaml:2:11"
        )
    ]


def test_an_object_outside_owns_names_both_places(tmp_path: Path) -> None:
    settings = {"vaultconf.yaml": "owns: [auth/*, sys/auth/*]\nexternal: ['*']\n"}

    found = refused(tmp_path, {**settings, T: APP, U: f"{MOUNT}use: {{app: [{{name: a}}]}}\n"})

    hint = "see vaultconf.yaml:1:1: declare it in the project that owns it, or add it to `owns`"
    assert found == [f"{T}:5:7: `sys/policies/acl/a-read` is outside `owns` (used at {U}:2:13; {hint})"]


def test_one_mistake_in_the_yaml_of_a_use_is_one_complaint(tmp_path: Path) -> None:
    found = refused(tmp_path, {T: APP, U: f"{MOUNT}use: {{app: [{{name: a, ttl: 1:30}}]}}\n"})

    assert len(found) == 1
    assert found[0].startswith(f"{U}:2:28: digits with colons")


def test_one_mistake_in_the_yaml_of_a_template_is_one_complaint(tmp_path: Path) -> None:
    body = "{params: {who: }, auth: {approle: {type: approle, roles: {'${param:who}': {token_ttl: 1:30}}}}}"

    state = document(tmp_path, with_template(body, "[{who: a}, {who: b}]"))

    assert len(complaints(state)) == 1


def test_a_mistake_in_a_template_is_said_once_for_all_its_uses(tmp_path: Path) -> None:
    body = "{params: {who: }, auth: {a: {type: approle, roles: {'${param:who}': {tokn_ttl: 1h}}}}}"

    found = refused(tmp_path, {U: with_template(body, "[{who: a}, {who: b}, {who: c}]")})

    assert found == [
        (
            f"{U}:1:85: unknown field `tokn_ttl` (used at {U}:2:11; did you mean `token_ttl`?;"
            f" and in 2 other uses: {U}:2:21, {U}:2:31)"
        )
    ]


# --- variables of targets ---------------------------------------------------------------------------------------


TARGETS = "targets: {stage: {vars: {region: eu, hosts: [10.0.0.0/8]}}, prod: {vars: {region: us}}}\n"
REGIONAL = 'policies: {"read-${var:region}": {policy: \'path "kv/${var:region}/*" { capabilities = ["read"] }\'}}\n'


def test_a_run_takes_the_variables_of_its_target(tmp_path: Path) -> None:
    root = write(tmp_path, {"vaultconf.yaml": TARGETS, "desired-state/a.yaml": REGIONAL})

    stage, prod = (by_address(pipeline.validate(root, name)[1]) for name in ("stage", "prod"))

    assert stage["sys/policies/acl/read-eu"].values["policy"] == 'path "kv/eu/*" { capabilities = ["read"] }'
    assert list(prod) == ["sys/policies/acl/read-us"]


def test_a_variable_stands_in_policy_files_parameters_and_defaults(tmp_path: Path) -> None:
    files = {
        "vaultconf.yaml": TARGETS,
        "policies/base.hcl": 'path "${var:region}/*" {\n  capabilities = ["read"]\n}\n# $${var:region}\n',
        "desired-state/a.yaml": "templates: {t: {params: {who: , d: '${var:region}'}, policies:"
        " {'${param:who}-${param:d}-${var:region}': {policy: '#'}}}}\nuse: {t: [{who: 'x-${var:region}'}]}\n",
    }

    _, state = pipeline.validate(write(tmp_path, files), "stage")

    found = by_address(state)
    assert found["sys/policies/acl/base"].values["policy"].startswith('path "eu/*"')  # type: ignore[union-attr]
    assert found["sys/policies/acl/base"].values["policy"].endswith("# ${var:region}")  # type: ignore[union-attr]
    assert "sys/policies/acl/x-eu-eu-eu" in found


def test_validate_checks_every_target_and_names_the_one_that_is_wrong(tmp_path: Path) -> None:
    text = 'auth: {a: {type: approle, roles: {r: {token_bound_cidrs: "${var:hosts}"}}}}\n'

    found = refused(tmp_path, {"vaultconf.yaml": TARGETS, "desired-state/a.yaml": text})

    assert found == [
        (
            "desired-state/a.yaml:1:58: `hosts` is not among the `vars` of the target `prod`"
            " (write it under `vars` of the target in vaultconf.yaml)"
        )
    ]


def test_what_is_wrong_for_one_target_only_says_for_which(tmp_path: Path) -> None:
    settings = "targets: {a: {vars: {ttl: 1h}}, b: {vars: {ttl: soon}}}\n"
    text = 'auth: {a: {type: approle, roles: {r: {token_ttl: "${var:ttl}"}}}}\n'

    (found,) = refused(tmp_path, {"vaultconf.yaml": settings, "desired-state/a.yaml": text})

    assert found.startswith("desired-state/a.yaml:1:50: `token_ttl` ")
    assert "for the target `b`" in found


def test_a_variable_without_any_target_has_no_value(tmp_path: Path) -> None:
    state = document(tmp_path, REGIONAL)

    assert complaints(state) == [
        "1:12 `region` is not among the `vars` of any target",
        "1:43 `region` is not among the `vars` of any target",
    ]


def test_a_variable_that_is_a_list_is_refused_where_a_word_is_wanted(tmp_path: Path) -> None:
    settings = "targets: {a: {vars: {r: [x]}}}\n"

    found = refused(
        tmp_path, {"vaultconf.yaml": settings, "desired-state/a.yaml": "policies: {'${var:r}': {policy: '#'}}\n"}
    )

    assert found == ["vaultconf.yaml:1:25: `r` is a list, and a word is wanted at desired-state/a.yaml:1:12"]


def test_a_target_that_there_is_not_is_refused(tmp_path: Path) -> None:
    root = write(tmp_path, {"vaultconf.yaml": TARGETS, "desired-state/a.yaml": REGIONAL})

    with pytest.raises(UsageError, match="no target `pord`"):
        pipeline.validate(root, "pord")


# --- policies_from ----------------------------------------------------------------------------------------------


def test_every_file_of_a_folder_is_a_policy_of_the_namespace(tmp_path: Path) -> None:
    files = {
        "policies/team-a/read.hcl": A_POLICY,
        "policies/team-a/write.hcl": A_POLICY,
        "policies/team-a/notes.txt": "x",
        "desired-state/a.yaml": "namespace: team-a\nowner: a\npolicies_from: ../policies/team-a\n",
        "vaultconf.yaml": "external: ['*']\n",
    }

    state = load(tmp_path, files)

    found = by_address(state)
    assert complaints(state) == []
    assert sorted(found) == ["team-a/sys/policies/acl/read", "team-a/sys/policies/acl/write"]
    assert found["team-a/sys/policies/acl/read"].place == Place("policies/team-a/read.hcl", 1, 1)
    assert found["team-a/sys/policies/acl/read"].owner == "a"


def test_a_folder_of_a_template_takes_its_parameters(tmp_path: Path) -> None:
    files = {
        "policies/teams/read.hcl": 'path "${param:team}/*" {\n  capabilities = ["read"]\n}\n',
        "desired-state/a.yaml": "templates: {t: {params: {team: }, policies_from: ../policies/teams}}\n---\n"
        "namespace: a\nuse: {t: [{team: one}]}\n---\nnamespace: b\nuse: {t: [{team: two}]}\n",
    }

    state = load(tmp_path, files)

    found = by_address(state)
    assert complaints(state) == []
    assert str(found["a/sys/policies/acl/read"].values["policy"]).startswith('path "one/*"')
    assert str(found["b/sys/policies/acl/read"].values["policy"]).startswith('path "two/*"')
    assert found["b/sys/policies/acl/read"].place == Place(
        "policies/teams/read.hcl", 1, 1, Place("desired-state/a.yaml", 7, 11)
    )


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ("../policies", "1:16 `policies` is declared already: every .hcl file of `policies/` is a policy"),
        ("../policies/password", "1:16 `policies/password` is declared already"),
        ("../policies/gone", "1:16 `../policies/gone` is not a folder"),
        ("../../x", "1:16 the path leads out of the project"),
        ("/etc", "1:16 must be a path relative to this file"),
        ("../link", "1:16 `link` leads out of the project"),
        ("../.git", "1:16 `.git` leads into `.git`"),
        ("[a]", "1:16 `policies_from` must be the path of a folder"),
        ("'${env:A}'", "1:16 `policies_from` must be the path of a folder"),
    ],
)
def test_a_folder_that_cannot_be_meant_is_refused(tmp_path: Path, written: str, complaint: str) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "link").symlink_to(tmp_path)

    state = load(
        tmp_path / "project", {"policies/a.hcl": A_POLICY, "desired-state/a.yaml": f"policies_from: {written}\n"}
    )

    assert len(complaints(state)) == 1
    assert complaints(state)[0].startswith(complaint)


def test_a_policy_of_a_folder_is_declared_once(tmp_path: Path) -> None:
    files = {
        "policies/x/a.hcl": A_POLICY,
        "policies/a.hcl": A_POLICY,
        "desired-state/a.yaml": "policies_from: ../policies/x\n",
    }

    (problem,) = load(tmp_path, files).problems

    assert str(problem).startswith("policies/a.hcl:1:1: `sys/policies/acl/a`: `policy` is declared already")
    assert problem.hint == "first at policies/x/a.hcl:1:1; keep one of them"


def test_a_folder_of_policies_is_named_once_in_a_namespace(tmp_path: Path) -> None:
    folder = "policies_from: ../policies/x\n"
    files = {
        "policies/x/a.hcl": A_POLICY,
        "desired-state/a.yaml": f"{folder}---\nnamespace: team\n{folder}",
        "desired-state/b.yaml": f"namespace: team\n{folder}",
    }

    (problem,) = load(tmp_path, files).problems

    assert str(problem) == (
        "desired-state/b.yaml:2:16: the policies of `policies/x` are declared already in this namespace"
        " (first at desired-state/a.yaml:4:16; keep one of them)"
    )


def test_a_folder_of_policies_without_any_is_refused(tmp_path: Path) -> None:
    files = {"policies/x/deeper/a.hcl": A_POLICY, "desired-state/a.yaml": "policies_from: ../policies/x\n"}

    (problem,) = load(tmp_path, files).problems

    assert str(problem) == "desired-state/a.yaml:1:16: `policies/x` holds no .hcl file (its sub-folders are not read)"


def test_a_file_of_a_folder_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "policies/x/a.hcl": b"\xff",
        "desired-state/a.yaml": "policies_from: ../policies/x\n",
    }

    state = load(tmp_path, files)

    assert complaints(state) == ["policies/x/a.hcl:1:1 `policies/x/a.hcl` is not UTF-8 (byte 1)"]


# --- many -------------------------------------------------------------------------------------------------------


def test_a_list_that_is_named_too_often_is_refused_and_not_made(tmp_path: Path) -> None:
    items, mentions = [0] * 3_000, {f"k{number}": "${param:list}" for number in range(1_000)}
    body = f"{{params: {{list: }}, generic: {{a/b: {json.dumps(mentions)}}}}}"

    state = document(tmp_path, with_template(body, f"[{{list: {items}}}]"))

    assert [problem.message for problem in state.problems] == [
        "variables and parameters make more than 2,000,000 values here"
    ]


def test_uses_that_make_too_much_are_refused_and_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates, "MAX_MADE", 20)
    body = "{params: {who: }, policies: {'${param:who}': {policy: '#'}}}"

    state = document(tmp_path, with_template(body, "[{who: a}, {who: b}, {who: c}, {who: d}]"))

    assert [problem.message for problem in state.problems] == ["the uses of templates make more than 20 values"]
    assert len(state.objects) < 4


def test_what_no_parameter_changes_is_shared_by_all_uses(tmp_path: Path) -> None:
    body = "{params: {who: }, auth: {a: {roles: {'${param:who}': {token_policies: [default]}}}}}"
    uses = ", ".join(f"{{who: r{number}}}" for number in range(500))

    state = document(tmp_path, f"{with_template(body, f'[{uses}]')}auth: {{a: {{type: approle}}}}\n")

    assert complaints(state) == []
    assert len(state.objects) == 501
