"""Who may do what: the evaluator decides as the servers were seen to decide."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from vaultconf import acl
from vaultconf.acl import Acl, Source
from vaultconf.acl_identity import Alias, Group, Identity
from vaultconf.policy import PolicyError, dialect_for, parse

RECORDED = json.loads((Path(__file__).parents[1] / "data" / "acl-cases.json").read_text())
SERVERS = [tuple(server) for server in RECORDED["servers"]]
NEW, OLD, BAO = SERVERS


def text_of(rules: list[list[str]]) -> str:
    """A policy from its compact form: path, letters of capabilities, and the old word for them."""
    words = {letter: word for word, letter in RECORDED["letters"].items()}
    blocks = []
    for path, letters, *old in rules:
        lines = [f"policy = {json.dumps(word)}" for word in old]
        if letters is not None:
            lines.append(f"capabilities = {json.dumps([words[letter] for letter in letters])}")
        blocks.append("\n".join([f"path {json.dumps(path)} {{", *lines, "}\n"]))
    return "".join(blocks)


def answer(policies: list[Any], path: str, server: tuple[str, str]) -> str | None:
    """The letters of what `sys/capabilities` would answer; None where the server takes no such policy."""
    try:
        parsed = [parse(text_of(rules), dialect_for(*server)) for rules in policies]
    except PolicyError:
        return None
    return "".join(sorted(RECORDED["letters"][word] for word in acl.build(parsed, *server).capabilities(path)))


@pytest.mark.parametrize("index", range(3), ids=[" ".join(server) for server in SERVERS])
def test_every_recorded_answer_of_the_servers_is_ours(index: int) -> None:
    expected = [None if case[2 + index] is None else "".join(sorted(case[2 + index])) for case in RECORDED["cases"]]

    found = [answer(policies, path, SERVERS[index]) for policies, path, *_ in RECORDED["cases"]]

    wrong = [
        (*case[:2], want, got)
        for case, want, got in zip(RECORDED["cases"], expected, found, strict=True)
        if want != got
    ]
    assert len(found) == 2000
    assert wrong == []


def of(text: str, server: tuple[str, str] = BAO, **more: Any) -> Acl:
    return acl.build([parse(text)], *server, **more)


def allowed(text: str, path: str, operation: str, server: tuple[str, str] = BAO, **more: Any) -> bool:
    return of(text, server).allows(path, operation, **more).allowed


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        ('path "m/foo*" { capabilities = ["list"] } path "m/foo/*" { capabilities = ["deny"] }', "m/foo", (0, 1, 0)),
        ('path "m/+" { capabilities = ["list"] } path "m/foo/*" { capabilities = ["read"] }', "m/foo", (1, 1, 0)),
        ('path "m/+" { capabilities = ["read"] } path "m/foo/*" { capabilities = ["list"] }', "m/foo", (1, 0, 1)),
        ('path "m/+" { capabilities = ["deny"] } path "m/foo/*" { capabilities = ["list"] }', "m/foo", (1, 0, 1)),
        ('path "m/*" { capabilities = ["list"] } path "m/foo/*" {}', "m/foo", (1, 1, 0)),
        ('path "m/*" { capabilities = ["list"] } path "m/foo/*" { capabilities = ["read"] }', "m/foo/bar", (0, 0, 0)),
        ('path "m/*" { capabilities = ["list"] } path "m/foo/+" { capabilities = ["read"] }', "m/foo/bar", (1, 0, 1)),
        ('path "+/+/*" { capabilities = ["list"] } path "m/foo/*" { capabilities = ["read"] }', "m/foo/bar", (1, 0, 0)),
    ],
)
def test_a_list_is_decided_in_three_ways(text: str, path: str, expected: tuple[int, int, int]) -> None:
    found = tuple(int(allowed(text, path, "list", server)) for server in SERVERS)

    assert found == expected
    assert found == tuple(int(allowed(text, f"{path}/", "list", server)) for server in SERVERS)


def test_a_read_of_a_path_with_a_slash_at_its_end_is_no_list() -> None:
    text = 'path "m/*" { capabilities = ["deny"] } path "m/foo/*" { capabilities = ["read"] }'

    assert all(allowed(text, "m/foo/", "read", server) for server in SERVERS)


@pytest.mark.parametrize(
    ("rule", "value", "expected"),
    [
        ('allowed_parameters = { a = ["x", "y"] }', ["x"], (1, 0, 0)),
        ('allowed_parameters = { a = ["x", "y"] }', "x,y", (1, 0, 0)),
        ('allowed_parameters = { a = ["x"] }', "", (1, 0, 0)),
        ('allowed_parameters = { a = ["x"] }', [], (1, 0, 0)),
        ('allowed_parameters = { a = ["x"] }', " x ", (1, 0, 0)),
        ('allowed_parameters = { a = ["x", "y"] }', ["x", "z"], (0, 0, 0)),
        ('allowed_parameters = { a = ["x", "y"] }', "x,", (0, 0, 0)),
        ('allowed_parameters = { a = ["x*"] }', ["xa", "xb"], (1, 0, 0)),
        ('allowed_parameters = { a = ["x*"] }', "xa,y", (1, 1, 1)),
        ('allowed_parameters = { a = [["x", "y"]] }', ["x", "y"], (1, 1, 1)),
        ('allowed_parameters = { a = [["x", "y"]] }', [], (1, 0, 0)),
        ('allowed_parameters = { a = ["*"] }', "x", (0, 0, 0)),
        ('allowed_parameters = { a = ["*"] }', "*", (1, 1, 1)),
        ('allowed_parameters = { a = ["*x"] }', "yx", (1, 1, 1)),
        ('allowed_parameters = { a = ["*x*"] }', "yxz", (1, 1, 1)),
        ('allowed_parameters = { a = ["x*y"] }', "xzy", (0, 0, 0)),
        ("allowed_parameters = { a = [] }", None, (1, 1, 1)),
        ("allowed_parameters = { a = [1] }", 1, (0, 0, 0)),
        ("allowed_parameters = { a = [true] }", True, (1, 1, 1)),
        ('allowed_parameters = { a = ["true"] }', True, (0, 0, 0)),
        ('allowed_parameters = { a = [{ k = "v" }] }', {"k": "v"}, (1, 1, 1)),
        ('allowed_parameters = { a = [{ k = "v" }] }', {"k": "w"}, (0, 0, 0)),
        ('allowed_parameters = { A = ["x"] }', "x", (1, 1, 1)),
        ('allowed_parameters = { b = [] }', "x", (0, 0, 0)),
        ('allowed_parameters = { b = [], "*" = ["x"] }', "z", (1, 1, 1)),
        ('allowed_parameters = { "a*" = [] }', "z", (0, 0, 0)),
        ("allowed_parameters = {}", "z", (1, 1, 1)),
        ('denied_parameters = { a = ["x"] }', ["x", "y"], (0, 1, 1)),
        ('denied_parameters = { a = ["x"] }', "y, x", (0, 1, 1)),
        ('denied_parameters = { a = ["x"] }', "x", (0, 0, 0)),
        ("denied_parameters = { a = [] }", "z", (0, 0, 0)),
        ("denied_parameters = { a = [1] }", 1, (1, 1, 1)),
        ('denied_parameters = { "*" = ["x"] }', "z", (0, 0, 0)),
        ('required_parameters = ["a"]', "", (1, 1, 1)),
        ('required_parameters = ["A"]', "x", (1, 1, 1)),
        ('required_parameters = ["b"]', "x", (0, 0, 0)),
    ],
)  # fmt: skip
def test_the_value_of_a_parameter_is_judged(rule: str, value: object, expected: tuple[int, int, int]) -> None:
    text = f'path "p" {{ capabilities = ["update"]\n {rule} }}'

    assert tuple(int(allowed(text, "p", "update", server, parameters={"a": value})) for server in SERVERS) == expected


@pytest.mark.parametrize(
    ("rule", "value", "expected"),
    [
        ('denied_parameters = { policies = ["admin"] }', ["ADMIN"], (0, 1, 1)),
        ('denied_parameters = { policies = ["admin"] }', "other,Admin", (0, 1, 1)),
        ('denied_parameters = { policies = ["ADMIN"] }', ["admin"], (1, 1, 1)),
        ('allowed_parameters = { policies = ["dev"] }', ["DEV"], (1, 0, 0)),
    ],
)
def test_newer_vaults_lower_the_names_of_policies(rule: str, value: object, expected: tuple[int, int, int]) -> None:
    text = f'path "p" {{ capabilities = ["update"]\n {rule} }}'

    found = tuple(int(allowed(text, "p", "update", server, parameters={"policies": value})) for server in SERVERS)

    assert found == expected


def test_parameters_do_not_matter_to_lists_and_deletes_nor_to_an_empty_body_but_for_required_ones() -> None:
    text = 'path "p*" { capabilities = ["list", "delete", "update"]\n allowed_parameters = { a = ["x"] } }'
    required = 'path "p" { capabilities = ["update", "delete"]\n required_parameters = ["a"] }'

    assert allowed(text, "p", "list", parameters={"b": "z"})
    assert allowed(text, "p", "delete", parameters={"b": "z"})
    assert allowed(text, "p", "update", parameters={})
    assert not allowed(text, "p", "update", parameters={"b": "z"})
    assert not allowed(required, "p", "update", parameters={})
    assert not allowed(required, "p", "update", parameters={"A": "x"})
    assert allowed(required, "p", "delete", parameters={})


def test_policies_that_say_the_same_path_add_up_with_their_limits() -> None:
    one = parse('path "p" { capabilities = ["update"]\n allowed_parameters = { a = ["x"]\n b = ["y"] } }')
    two = parse('path "/p" { capabilities = ["read"]\n allowed_parameters = { a = []\n b = ["z"] } }')
    free = parse('path "p" { capabilities = ["delete"] }')
    empty = parse('path "p" {}')

    both = acl.build([one, two, free, empty], *BAO)

    assert both.capabilities("/p") == {"update", "read", "delete"}
    assert both.allows("p", "update", {"a": "anything", "b": "z"}).allowed
    assert not both.allows("p", "update", {"c": "x"}).allowed
    assert acl.build([one, parse('path "p" { capabilities = ["deny"] }')], *BAO).capabilities("p") == {"deny"}


@pytest.mark.parametrize(
    ("limits", "seconds", "expected"),
    [
        ("min_wrapping_ttl = 60", 0, False),
        ("min_wrapping_ttl = 60", 60, True),
        ("min_wrapping_ttl = 60", 59, False),
        ("max_wrapping_ttl = 60", 60, True),
        ("max_wrapping_ttl = 60", 61, False),
        ("max_wrapping_ttl = 60", 0, False),
        ('min_wrapping_ttl = "0"', 0, True),
        ('min_wrapping_ttl = "-1s"', 0, True),
    ],
)
def test_the_answer_must_be_wrapped_as_the_rule_says(limits: str, seconds: float, expected: bool) -> None:
    text = f'path "p*" {{ capabilities = ["read", "list"]\n {limits} }}'

    assert allowed(text, "p", "read", wrapped=seconds) is expected
    assert allowed(text, "p", "list", wrapped=seconds) is expected


def test_bounds_of_wrapping_that_exclude_each_other_let_nothing_through() -> None:
    policies = [
        parse(f'path "p" {{ capabilities = ["read"]\n {limit} }}')
        for limit in ("min_wrapping_ttl = 90", "max_wrapping_ttl = 60")
    ]

    both = acl.build(policies, *BAO)

    assert [both.allows("p", "read", wrapped=seconds).allowed for seconds in (0, 60, 75, 90)] == [False] * 4


def test_some_paths_want_sudo_besides() -> None:
    plain, full = (
        'path "*" { capabilities = ["update", "read", "list"] }',
        'path "*" { capabilities = ["update", "sudo"] }',
    )

    assert not allowed(plain, "sys/auth/x", "update")
    assert allowed(full, "sys/auth/x", "update")
    assert allowed(full, "sys/auth/x", "update", namespace="team-a")
    assert not allowed(plain, "sys/auth/x", "update", namespace="team-a")
    assert allowed(plain, "sys/auth", "read")
    assert allowed(plain, "sys/policies/acl/x", "update")
    assert not allowed(plain, "auth/token/accessors", "list")
    assert not allowed('path "*" { capabilities = ["sudo"] }', "sys/auth/x", "update")


def test_a_decision_names_the_rule_and_why_it_does_not_help() -> None:
    found = of('path "a/*" { capabilities = ["read"] } path "a/b" { capabilities = ["deny"] }')

    assert found.allows("a/c", "read") == acl.Decision(True, "a/*")
    assert found.allows("a/c", "update") == acl.Decision(False, "a/*", "the rule does not grant update")
    assert found.allows("a/b", "read") == acl.Decision(False, "a/b", "the rule denies")
    assert found.allows("b", "read") == acl.Decision(False, "", "no rule matches")


def test_the_path_of_a_namespace_goes_before_that_of_a_request() -> None:
    found = of('path "team-a/sys/policies/acl/*" { capabilities = ["update"] }')

    assert found.allows("sys/policies/acl/x", "update", namespace="team-a").allowed
    assert not found.allows("sys/policies/acl/x", "update").allowed


def test_root_may_do_everything_and_no_policy_nothing() -> None:
    assert acl.ROOT.allows("sys/raw/x", "delete").allowed
    assert acl.ROOT.capabilities("x") == {"root"}
    assert not acl.build([], *BAO).allows("x", "read").allowed
    assert acl.build([], *BAO).capabilities("x") == {"deny"}


WHO = Identity(
    "e-1",
    "ann",
    {"team": "blue", "none": "", "slash": "a/b", "star": "a*"},
    {"acc_1": Alias("ann@x", "al-1", {"m": "v"}, {"c": "w"})},
    (Group("g-1", "ops.eu", {"dc": "fra"}),),
)


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("{{identity.entity.id}}", "e-1"),
        ("{{ identity.entity.name }}", "ann"),
        ("{{identity.entity.metadata.team}}", "blue"),
        ("{{identity.entity.metadata.none}}/x", "/x"),
        ("{{identity.entity.aliases.acc_1.name}}", "ann@x"),
        ("{{identity.entity.aliases.acc_1.metadata.m}}", "v"),
        ("{{identity.entity.aliases.acc_1.custom_metadata.c}}", "w"),
        ("{{identity.groups.names.ops.eu.id}}", "g-1"),
        ("{{identity.groups.names.ops.eu.metadata.dc}}", "fra"),
        ("{{identity.groups.ids.g-1.name}}", "ops.eu"),
        ("{{identity.entity.name}}/{{identity.entity.id}}", "ann/e-1"),
    ],
)
def test_a_template_is_filled_with_who_asks(template: str, path: str) -> None:
    found = of(f'path "z/{template}" {{ capabilities = ["read"] }}', identity=WHO)

    assert found.allows(f"z/{path}", "read").allowed


@pytest.mark.parametrize(
    "template",
    [
        "{{identity.entity.metadata.other}}",
        "{{identity.entity.other}}",
        "{{identity.entity.aliases.acc_2.name}}",
        "{{identity.groups.names.dev.id}}",
        "{{identity.other.id}}",
        "{{other}}",
        "{{Identity.entity.id}}",
    ],
)
def test_a_rule_whose_template_has_no_value_is_not_there(template: str) -> None:
    text = f'path "z/*" {{ capabilities = ["read"] }} path "z/{template}*" {{ capabilities = ["deny"] }}'

    found = of(text, identity=WHO)

    assert found.allows("z/a", "read").allowed
    assert of(text).allows("z/a", "read").allowed


def test_wildcards_and_slashes_in_a_value_are_treated_in_three_ways() -> None:
    other = 'path "q" { capabilities = ["read"] }'
    star, slash = (
        f'path "z/{{{{identity.entity.metadata.{key}}}}}" {{ capabilities = ["read"] }} {other}'
        for key in ("star", "slash")
    )

    stars = [of(star, server, identity=WHO) for server in SERVERS]
    slashes = [of(slash, server, identity=WHO) for server in SERVERS]

    assert [found.allows("z/abc", "read").allowed for found in stars] == [False, True, False]
    assert [found.allows("q", "read").allowed for found in stars] == [True, True, False]
    assert [found.allows("z/a/b", "read").allowed for found in slashes] == [True, True, False]
    assert "OpenBao forbids" in slashes[2].allows("q", "read").reason


def test_a_policy_of_openbao_may_permit_slashes_and_wildcards_in_values() -> None:
    keys = {
        "star": Source(parse('path "z/{{identity.entity.metadata.star}}" { capabilities = ["read"] }'), wildcards=True)
    }
    keys["slash"] = Source(
        parse('path "z/{{identity.entity.metadata.slash}}" { capabilities = ["read"] }'), slashes=True
    )

    found = acl.build(keys.values(), *BAO, identity=WHO)

    assert found.allows("z/abc", "read").allowed
    assert found.allows("z/a/b", "read").allowed


def test_an_expired_rule_is_not_there_even_if_it_denied() -> None:
    text = 'path "*" { capabilities = ["read"] }\npath "a" { capabilities = ["deny"]\n expiration = "2030-01-01T00:00:00Z" }'

    before, after = (of(text, now=datetime(year, 6, 1, tzinfo=UTC)) for year in (2029, 2030))

    assert not before.allows("a", "read").allowed
    assert after.allows("a", "read").allowed
