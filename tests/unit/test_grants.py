"""What `may_grant` limits: each way in which the files of a project can give somebody a policy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.unit.loading import A_POLICY, complaints, hints, load
from vaultconf.address import Pattern
from vaultconf.desired import DesiredState
from vaultconf.grants import lies_inside

LIMITED = "version: 1\nmay_grant: [payments-*, team/+/ro]\nexternal: [sys/policies/acl/*, +/sys/policies/acl/*]\n"
SEE = (
    "`may_grant` permits `payments-*`, `team/+/ro` (vaultconf.yaml:2:1);"
    " name one of these, or widen it in a change of its own"
)
NOT_PLAIN = "must name policies in plain text: `may_grant` limits them"


def judged(root: Path, text: str, settings: str = LIMITED, more: Mapping[str, str] | None = None) -> DesiredState:
    policies = {"policies/payments-read.hcl": A_POLICY}
    return load(root, {"vaultconf.yaml": settings, "desired-state/a.yaml": text, **policies, **(more or {})})


def outside(field: str, name: str, what: str = "names the ACL policy") -> str:
    return f"`{field}` {what} `{name}`, which is outside `may_grant`"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("auth: {a: {type: approle, roles: {x: {token_policies: [payments-read, admin]}}}}", "1:71 token_policies"),
        ("auth: {a: {type: approle, roles: {x: {token_policies: 'payments-read,admin'}}}}", "1:55 token_policies"),
        ("auth: {u: {type: userpass, users: {x: {token_policies: [admin]}}}}", "1:57 token_policies"),
        ("auth: {l: {type: ldap, groups: {x: {policies: [admin]}}}}", "1:48 policies"),
        ("auth: {l: {type: ldap, config: {url: 'ldap://l', token_policies: [admin]}}}", "1:67 token_policies"),
        ("auth: {g: {type: github, teams: {x: {value: admin}}}}", "1:45 value"),
        ("auth: {g: {type: github, users: {x: {value: [admin]}}}}", "1:46 value"),
        ("auth: {r: {type: radius, config: {host: h, secret: '${env:S}', unregistered_user_policies: [admin]}}}",
         "1:93 unregistered_user_policies"),
        ("auth: {token: {roles: {x: {allowed_policies: [admin]}}}}", "1:47 allowed_policies"),
        ("identity: {groups: {x: {policies: [admin]}}}", "1:36 policies"),
        ("identity: {entities: {x: {policies: [admin]}}}", "1:38 policies"),
        ("generic: {auth/krb/groups/x: {policies: 'payments-read, admin'}}", "1:41 policies"),
        ("generic: {auth/krb/groups/x: {token_policies: [Admin]}}", "1:48 token_policies"),
        ("generic: {auth/krb/config: {roles: [{deep: {policies: [admin]}}]}}", "1:36 roles"),
        ("generic: {auth/mine/map/teams/x: {value: admin}}", "1:42 value"),
        ("generic: {plugin/roles/x: {token_policies: [admin]}}", "1:45 token_policies"),
    ],
)  # fmt: skip
def test_a_policy_outside_may_grant_is_refused_where_it_is_named(tmp_path: Path, text: str, complaint: str) -> None:
    state = judged(tmp_path, text)

    place, field = complaint.split(" ")
    assert complaints(state) == [f"{place} {outside(field, 'admin')}"]
    assert hints(state) == [SEE]


def test_what_may_grant_permits_is_no_problem_and_default_never_is(tmp_path: Path) -> None:
    text = """\
    auth:
      a: {type: approle, roles: {x: {token_policies: [payments-read, team/a/ro, default]}}}
      token:
        roles:
          one: {allowed_policies: [payments-read], allowed_policies_glob: [payments-x*, default], disallowed_policies: [root]}
          two: {}
    generic:
      consul/roles/x: {policies: [of-consul]}
      auth/krb/groups/x: {policies: [payments-read], disallowed_policies: [admin]}
    """

    assert complaints(judged(tmp_path, text)) == []


def test_without_may_grant_there_is_no_limit_and_an_empty_one_permits_default_alone(tmp_path: Path) -> None:
    text = "auth: {a: {type: approle, roles: {x: {token_policies: [default, payments-read]}}}}\n"

    assert complaints(judged(tmp_path, text, "version: 1\n")) == []
    state = judged(tmp_path, text, "version: 1\nmay_grant: []\n")
    assert complaints(state) == [f"1:65 {outside('token_policies', 'payments-read')}"]
    assert hints(state)[0].startswith("`may_grant` permits nothing (vaultconf.yaml:2:1)")


def test_the_nearest_policy_that_may_be_given_is_suggested(tmp_path: Path) -> None:
    state = judged(tmp_path, "auth: {a: {type: approle, roles: {x: {token_policies: [payment-read]}}}}\n")

    assert hints(state) == [f"did you mean `payments-read`?; {SEE}"]


def test_child_namespaces_are_judged_by_the_same_names(tmp_path: Path) -> None:
    state = judged(tmp_path, "namespace: team\nidentity: {groups: {x: {policies: [admin]}}}\n")

    assert complaints(state) == [f"2:36 {outside('policies', 'admin')}"]


def test_a_name_that_a_template_composes_names_both_lines(tmp_path: Path) -> None:
    text = """\
    templates:
      app:
        params: {name: }
        auth: {a: {roles: {"${param:name}": {token_policies: ["${param:name}-read"]}}}}
    use: {app: [{name: payments}, {name: admin}]}
    auth: {a: {type: approle}}
    """
    state = judged(tmp_path, text)

    assert [str(problem.place) for problem in state.problems] == [
        "desired-state/a.yaml:4:59, used at desired-state/a.yaml:5:31"
    ]
    assert [problem.message for problem in state.problems] == [outside("token_policies", "admin-read")]


@pytest.mark.parametrize(
    ("role", "complaint"),
    [
        ("allowed_policies_glob: [pay*]", outside("allowed_policies_glob", "pay*", "gives all policies like")),
        ("allowed_policies_glob: ['*']", outside("allowed_policies_glob", "*", "gives all policies like")),
        ("allowed_policies_glob: ['team/*/ro']", outside("allowed_policies_glob", "team/*/ro", "gives all policies like")),
        ("allowed_policies_glob: ['${env:X}']", f"`allowed_policies_glob` {NOT_PLAIN}"),
        ("disallowed_policies: [root]",
         "`disallowed_policies` without `allowed_policies` permits every other policy, and `may_grant` limits them"),
        ("disallowed_policies_glob: ['a*']",
         "`disallowed_policies_glob` without `allowed_policies` permits every other policy, and `may_grant` limits them"),
    ],
)  # fmt: skip
def test_a_token_role_that_permits_more_is_refused(tmp_path: Path, role: str, complaint: str) -> None:
    state = judged(tmp_path, f"auth: {{token: {{roles: {{x: {{{role}}}}}}}}}\n")

    assert [problem.message for problem in state.problems] == [complaint]


def test_where_every_policy_may_be_given_a_token_role_may_forbid_alone(tmp_path: Path) -> None:
    text = "auth: {token: {roles: {x: {disallowed_policies: [root]}}}}\n"

    assert complaints(judged(tmp_path, text, "version: 1\nmay_grant: ['*']\n")) == []


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("identity: {groups: {x: {vaultconf: {ignore: [policies]}}}}", "policies"),
        ("auth: {a: {type: approle, roles: {x: {vaultconf: {ignore: [token_policies]}}}}}", "token_policies"),
        ("auth: {token: {roles: {x: {vaultconf: {ignore: [allowed_policies_glob]}}}}}", "allowed_policies_glob"),
        ("generic: {auth/k/groups/x: {policies: [payments-a], vaultconf: {ignore: [policies]}}}", "policies"),
    ],
)
def test_policies_that_are_there_are_not_kept_by_ignoring_them(tmp_path: Path, text: str, field: str) -> None:
    state = judged(tmp_path, text)

    assert [problem.message for problem in state.problems] == [
        f"`vaultconf.ignore` keeps whatever `{field}` is there, and `may_grant` limits what may be given"
    ]


@pytest.mark.parametrize(
    "fields", ["policies: '${env:P}'", "policies: {a: b}", "policies: [['x']]", "x: {policies: '${env:P}'}"]
)
def test_policies_of_a_free_object_are_plain_text(tmp_path: Path, fields: str) -> None:
    state = judged(tmp_path, f"generic: {{auth/k/groups/x: {{{fields}}}}}\n")

    assert [problem.message for problem in state.problems] == [f"`{fields.split(':', 1)[0]}` {NOT_PLAIN}"]


def test_a_claim_in_a_name_may_be_anything(tmp_path: Path) -> None:
    role = "role_type: jwt, user_claim: x, bound_audiences: [v], token_policies_template_claims: true"
    names = "['payments-{{team}}', '{{team}}-payments', 'team/{{x}}/ro']"
    state = judged(tmp_path, f"auth: {{j: {{type: jwt, roles: {{x: {{{role}, token_policies: {names}}}}}}}}}\n")

    assert sorted(problem.message.split("`")[3] for problem in state.problems) == ["team/{{x}}/ro", "{{team}}-payments"]


@pytest.mark.parametrize(
    ("pattern", "glob", "inside"),
    [
        ("a-*", "a-b*c*", True),
        ("a-*", "a-", True),
        ("a-*", "a*", False),
        ("a-*", "*a-", False),
        ("*", "*", True),
        ("+", "*", False),
        ("a/+/*", "a/b/*", True),
        ("a/+/*", "a/*", False),
        ("a/+/b", "a/x/b", True),
        ("a/+/b", "a/*/b", False),
        ("a", "a*", False),
    ],
)
def test_a_glob_lies_inside_a_pattern_that_covers_all_it_stands_for(pattern: str, glob: str, inside: bool) -> None:
    assert lies_inside([Pattern.parse(pattern)], glob, globs=True) is inside
