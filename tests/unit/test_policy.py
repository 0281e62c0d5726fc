from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultconf.hcl_nodes import MAX_DEPTH
from vaultconf.hcl_values import ObjectValue
from vaultconf.policy import Dialect, PathRule, PolicyError, PolicyProblem, dialect_for, parse, same_meaning

SERVERS = {"vault_2_1": Dialect.VAULT_2, "vault_1_19": Dialect.VAULT_1, "openbao_2_7_2": Dialect.OPENBAO}
CASES: list[dict[str, Any]] = json.loads((Path(__file__).parents[1] / "data" / "parser-cases.json").read_text())
SHORT = [case["text"] for case in CASES if "text_note" not in case]
PROBES = {path for case in CASES for server in SERVERS for path in case[server].get("capabilities", {})}
WORDS = {"create", "read", "update", "delete", "list", "sudo", "deny", "patch", "subscribe", "recover", "scan"}
BLOCK = 'path "x/y" { capabilities = ["read"] }'


def whole_text(case: dict[str, Any]) -> str:
    """Give a case whose text was shortened its length back."""
    if "text_note" not in case:
        return str(case["text"])
    length = int(re.findall(r"\d+", case["text_note"])[0])
    read = '"read"'
    built = {
        "many-blocks": "\n".join(f'path "x/{number}" {{ capabilities = ["read"] }}' for number in range(5000)),
        "many-caps": f'path "x/y" {{ capabilities = [{",".join([read] * 10_000)}] }}',
    }.get(case["name"], f"# {'c' * (length - 3 - len(BLOCK))}\n{BLOCK}")
    assert len(built) == length
    assert built.startswith(case["text"].removesuffix("…"))
    return built


def granted(rules: tuple[PathRule, ...], path: str) -> list[str] | None:
    """Say what the rules that spell this very path grant; None where there is none."""
    now = datetime.now(UTC)
    mine = [rule for rule in rules if rule.path.removeprefix("/") == path]
    valid = [rule.capabilities for rule in mine if rule.expiration is None or rule.expiration > now]
    union = sorted(set().union(*valid))
    return None if not mine else [] if "deny" in union else union


def problems_of(text: str, dialect: Dialect | None = None) -> list[tuple[str, int, int]]:
    with pytest.raises(PolicyError) as caught:
        parse(text, dialect)
    return [(problem.message, problem.line, problem.column) for problem in caught.value.problems]


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_text_is_decided_as_the_server_decides_and_means_what_it_means_there(
    case: dict[str, Any], server: str
) -> None:
    text, seen = whole_text(case), case[server]
    if seen["status"] not in {200, 204}:
        assert problems_of(text, SERVERS[server])
        return

    rules = parse(text, SERVERS[server]).rules

    assert [(path, granted(rules, path) or []) for path in PROBES if granted(rules, path) is not None] == [
        (path, seen["capabilities"].get(path, [])) for path in PROBES if granted(rules, path) is not None
    ]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_without_a_dialect_a_text_is_taken_where_any_server_takes_it(case: dict[str, Any]) -> None:
    text = whole_text(case)
    taken = any(case[server]["status"] in {200, 204} for server in SERVERS)

    try:
        parse(text)
        found = True
    except PolicyError:
        found = False

    assert found == taken


@pytest.mark.parametrize(
    ("product", "version", "dialect"),
    [
        ("vault", "2.1.0-beta1", Dialect.VAULT_2),
        ("vault", "1.21.0", Dialect.VAULT_2),
        ("vault", "1.20.4+ent", Dialect.VAULT_1),
        ("vault", "v1.9.1", Dialect.VAULT_1),
        ("vault", "", Dialect.VAULT_2),
        ("openbao", "2.7.2", Dialect.OPENBAO),
    ],
)
def test_product_and_version_choose_the_dialect(product: str, version: str, dialect: Dialect) -> None:
    assert dialect_for(product, version) is dialect


def test_another_product_has_no_dialect() -> None:
    with pytest.raises(ValueError, match="vault, openbao"):
        dialect_for("consul", "1.0")


def test_every_unknown_word_is_told_with_its_place_and_the_nearest_name() -> None:
    text = 'pat "x" {}\npath "x/y" {\n  capabilites = ["read"]\n  capabilities = ["raed",\n    "scan"]\n}'

    with pytest.raises(PolicyError) as caught:
        parse(text, Dialect.VAULT_2)

    assert [(p.message, p.line, p.column, p.hint) for p in caught.value.problems] == [
        ("unknown key `pat`", 1, 1, "did you mean `path`?"),
        ("unknown key `capabilites`", 3, 3, "did you mean `capabilities`?"),
        ("unknown capability `raed`", 4, 19, "did you mean `read`?"),
        ("unknown capability `scan`", 5, 5, "known to OpenBao only"),
    ]


def test_a_syntax_error_is_told_with_its_place() -> None:
    assert problems_of(f'{BLOCK}\npath "x" {{ capabilities = "read }}') == [("the string is not closed", 2, 27)]


def test_an_attribute_given_twice_is_refused_by_vault_2_and_merged_by_the_others() -> None:
    text = 'path "x" {\n  capabilities = ["read"]\n  capabilities = ["list"]\n  policy = "deny"\n  policy = "read"\n}'

    found = problems_of(text, Dialect.VAULT_2)
    (rule,) = parse(text, Dialect.VAULT_1).rules

    assert [(line, column) for _, line, column in found] == [(3, 3), (5, 3)]
    assert rule.capabilities == {"read", "list"}


def test_every_unknown_key_is_told_and_the_first_ones_with_a_hint() -> None:
    text = "pth = 1\n" * 200

    with pytest.raises(PolicyError) as caught:
        parse(text)

    assert [bool(problem.hint) for problem in caught.value.problems] == [True] * 50 + [False] * 150
    assert [problem.line for problem in caught.value.problems] == list(range(1, 201))


def test_problems_quote_no_long_words() -> None:
    word = "k" * 100_000
    text = (
        f'{word} = 1\npath "x" {{ {word} = 1, capabilities = ["{word}"], policy = "{word}" }}\npath "{{{{{word}" {{}}'
    )

    assert len(problems_of(text)) == 5
    assert max(len(message) for message, _, _ in problems_of(text)) < 100


def test_a_rule_holds_everything_that_narrows_it() -> None:
    text = """
path "/a/{{identity.entity.name}}/+/*" {
  policy = "write"
  capabilities = ["patch"]
  allowed_parameters = { "B" = [], a = ["1", 1, true, { k = "v" }] }
  denied_parameters { c = ["x*"] }
  required_parameters = ["R"]
  min_wrapping_ttl = "1m30s"
  max_wrapping_ttl = "1d"
  mfa_methods = ["m"]
  expiration = "2099-01-01T02:00:00.25+02:00"
  pagination_limit = 5
  list_scan_response_keys_filter_path = "a/{{ .key }}"
}"""

    (rule,) = parse(text, Dialect.OPENBAO).rules

    assert rule == PathRule(
        path="/a/{{identity.entity.name}}/+/*",
        line=2,
        column=1,
        capabilities=frozenset({"create", "read", "update", "delete", "list", "patch"}),
        allowed_parameters=(("a", ("1", 1, True, ObjectValue((("k", "v"),)))), ("b", ())),
        denied_parameters=(("c", ("x*",)),),
        required_parameters=("R",),
        min_wrapping_ttl=90.0,
        max_wrapping_ttl=86400.0,
        expiration=datetime(2099, 1, 1, 0, 0, 0, 250_000, tzinfo=UTC),
        mfa_methods=("m",),
        pagination_limit=5,
        response_keys_filter="a/{{ .key }}",
    )


def test_events_and_a_control_group_are_kept() -> None:
    text = """path "x" {
  capabilities = ["read", "subscribe"]
  subscribe_event_types = ["kv*"]
  control_group = { ttl = "1h", factor "f" { identity { group_ids = ["g"], approvals = 2 } } }
}"""

    (rule,) = parse(text, Dialect.VAULT_1).rules

    assert rule.has_control_group
    assert rule.subscribe_event_types == ("kv*",)


def test_of_a_denied_path_only_the_denial_counts() -> None:
    text = 'path "x" { capabilities = ["deny", "bogus"], min_wrapping_ttl = true, allowed_parameters = { a = [] } }'

    (rule,) = parse(text).rules

    assert rule == PathRule("x", 1, 1, frozenset({"deny"}))


@pytest.mark.parametrize(
    ("ttl", "seconds"),
    [("0", 0.0), ('""', 0.0), ('"-1s"', -1.0), ("1.9", 1.0), ('"60"', 60.0), ('"1h0.5s"', 3600.5), ('"500ms"', 0.5)],
)
def test_a_wrapping_ttl_is_kept_in_seconds(ttl: str, seconds: float) -> None:
    (rule,) = parse(f'path "x" {{ min_wrapping_ttl = {ttl} }}').rules

    assert rule.min_wrapping_ttl == pytest.approx(seconds)


@pytest.mark.parametrize("ttl", ["true", "[1]", '"1x"', '"1.5d"', '"h"', '"9999999999h"', "{}", "{ a = 1 }"])
def test_what_is_no_duration_is_refused(ttl: str) -> None:
    expected = "max_wrapping_ttl: expected a duration"

    assert [message for message, _, _ in problems_of(f'path "x" {{ max_wrapping_ttl = {ttl} }}')] == [expected]


def test_a_largest_ttl_below_the_smallest_is_refused() -> None:
    text = 'path "x" {\n min_wrapping_ttl = "2m"\n max_wrapping_ttl = 60\n}'

    assert problems_of(text) == [("max_wrapping_ttl is less than min_wrapping_ttl", 3, 21)]


@pytest.mark.parametrize("time", ["2030-02-30T00:00:00Z", "tomorrow", "2030-01-01", "1.5"])
def test_what_is_no_time_is_refused(time: str) -> None:
    found = problems_of(f'path "x" {{ expiration = "{time}" }}', Dialect.OPENBAO)

    assert [column for _, _, column in found] == [25]


@pytest.mark.parametrize(
    ("time", "year"), [("99999999999999999", 9999), ("-99999999999999999", 1), ("4070908800", 2099)]
)
def test_seconds_beyond_all_calendars_are_the_end_of_time(time: str, year: int) -> None:
    (rule,) = parse(f'path "x" {{ expiration = {time} }}', Dialect.OPENBAO, now=datetime(2030, 1, 1, tzinfo=UTC)).rules

    assert rule.expiration is not None
    assert rule.expiration.year == year


def test_a_block_is_judged_by_the_time_at_which_it_is_read() -> None:
    text = 'path "x" { capabilities = ["read", "bogus"], expiration = "2030-01-01T00:00:00Z" }'

    (rule,) = parse(text, now=datetime(2031, 1, 1, tzinfo=UTC)).rules

    assert rule.capabilities == {"read"}
    with pytest.raises(PolicyError, match="bogus"):
        parse(text, now=datetime(2029, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("group", "refused_by"),
    [
        ('{ factor "f" { controlled_capabilities = ["read"], identity { group_names = ["g"], approvals = 1 } } }', []),
        ('{ factor "f" { identity { group_names = ["g"], approvals = 1 } } }', [Dialect.OPENBAO]),
        (
            '{ factor "f" { controlled_capabilities = ["list"], identity { group_names = ["g"], approvals = 1 } } }',
            [Dialect.VAULT_2, Dialect.VAULT_1],
        ),
        ("{}", list(Dialect)),
        ('{ ttl = "x", factor "f" {} }', list(Dialect)),
        ('{ factor "f" { identity { group_names = ["g"], approvals = 0 } } }', list(Dialect)),
        ('{ factor "f" { controlled_capabilities = ["sudo"], identity { approvals = "x" } } }', list(Dialect)),
        ('{ self_auth_allowed = "yes" }', list(Dialect)),
        ('"x"', list(Dialect)),
    ],
)
def test_a_control_group_is_judged_as_each_product_judges_it(group: str, refused_by: list[Dialect]) -> None:
    text = f'path "x" {{ capabilities = ["read"], control_group = {group} }}'

    def refused(dialect: Dialect | None) -> bool:
        try:
            parse(text, dialect)
        except PolicyError:
            return True
        return False

    assert [dialect for dialect in Dialect if refused(dialect)] == refused_by
    assert refused(None) == (len(refused_by) == len(Dialect))


def test_openbao_looks_at_the_control_group_of_an_expired_block() -> None:
    text = 'path "x" { expiration = 1, control_group {} }'

    assert problems_of(text, Dialect.OPENBAO) == [("a control group needs a factor", 1, 42)]


def test_a_filter_needs_the_list_capability_and_the_key() -> None:
    text = 'path "x" { list_scan_response_keys_filter_path = "x/{{ .path }}" }'

    assert len(problems_of(text, Dialect.OPENBAO)) == 2


@pytest.mark.parametrize(
    "body",
    [
        'allowed_parameters "a" b {}',
        "allowed_parameters = []",
        "allowed_parameters = { a = 1 }",
        "required_parameters { a = 1 }",
        'mfa_methods = "m"',
        "pagination_limit = 1.5",
        "policy = 1.5",
        "policy {}",
        r'allowed_parameters = { a = ["\777"] }',
    ],
)
def test_a_value_of_the_wrong_shape_is_refused_with_its_key(body: str) -> None:
    key = re.split(r"\W", body)[0]

    assert problems_of(f'path "x" {{ {body} }}')[0][0].startswith(f"{key}: ")


@pytest.mark.parametrize("escape", [r"\777", r"\U00110000"])
@pytest.mark.parametrize("place", ['path "{}" {{}}', '"{}" = 1', 'path "x" {{ "{}" = 1 }}', 'name = "{}"'])
def test_an_escape_on_which_the_server_breaks_off_is_refused_wherever_it_is_read(place: str, escape: str) -> None:
    assert problems_of(place.format(escape))


def test_the_name_is_read() -> None:
    assert parse(f'name = "n"\n{BLOCK}').name == "n"
    assert parse(BLOCK).name == ""


def test_vault_2_takes_a_mebibyte_and_the_others_more() -> None:
    text = f"# {'é' * 600_000}\n{BLOCK}"

    assert problems_of(text, Dialect.VAULT_2) == [("Vault takes at most 1 MiB", 1, 1)]
    assert parse(text, Dialect.OPENBAO).rules


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("\n".join(f'# {n}\npath "secret/{n}/*" {{\n  capabilities = ["read"]\n}}' for n in range(20_000)), 20_000),
        (f'path "{"x" * 40}" {{}} ' * 20_000, 20_000),
        ('path "x" { allowed_parameters = { a = [' + '"v", ' * 200_000 + "] } }", 1),
        ('path "x" {' + "comment = <<A\nA\n" * 70_000 + "}", 1),
        ("/**/" * 250_000, 0),
        (f'path "{"${a{b} }" * 120_000}" {{}}', 1),
        ('{"path": {' + ",".join(f'"x/{n}": {{"policy": "read"}}' for n in range(30_000)) + "}}", 30_000),
    ],
    ids=["blocks", "one-line", "values", "heredocs", "comments", "interpolation", "json"],
)
def test_a_megabyte_is_read(text: str, rules: int) -> None:
    assert len(parse(text, Dialect.OPENBAO).rules) == rules


@pytest.mark.parametrize(
    "text",
    [
        "/*" * 500_000,
        '"${' * 300_000,
        "<<A\n" * 250_000,
        "[" * 1_000_000,
        " " * 1_000_000 + "$",
        "a " * 400_000,
        '{"a":[' * 150_000,
    ],
    ids=["comments", "strings", "heredocs", "lists", "blanks", "keys", "json"],
)
def test_a_megabyte_of_nonsense_is_refused(text: str) -> None:
    assert problems_of(text)


def decided(text: str, dialect: Dialect | None = None) -> tuple[PathRule, ...] | tuple[PolicyProblem, ...]:
    try:
        return parse(text, dialect).rules
    except PolicyError as error:
        return error.problems


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    found = decided(text)

    assert all(one.line >= 1 and one.column >= 1 for one in found)


@pytest.mark.parametrize(
    "text",
    [
        'path "x" { allowed_parameters = { a = ' + "[" * (MAX_DEPTH - 2) + "]" * (MAX_DEPTH - 2) + " } }",
        'path "x" { allowed_parameters = ' + "{ a = " * (MAX_DEPTH - 2) + "{}" + "}" * (MAX_DEPTH - 1),
        'path "x" { allowed_parameters = { a = '
        + "[{ a = " * (MAX_DEPTH // 2 - 1)
        + "1"
        + "}]" * (MAX_DEPTH // 2 - 1)
        + "}}",
        '{"path": {"x": {"policy": "read", "comment": ' + '{"a": ' * (MAX_DEPTH - 3) + "1",
        '{"path": {"x": {"policy": "read", "allowed_parameters": {"b": [], "a": ' + '[{"a": ' * 50 + "1",
    ],
    ids=["lists", "objects", "both", "json-objects", "json-both"],
)
def test_values_as_deep_as_the_bound_allows_are_decided(text: str) -> None:
    found = decided(text)

    assert [type(one) for one in found] in ([PathRule], [PolicyProblem])
    assert "deeper" not in repr(found)


@given(
    st.sampled_from(SHORT),
    st.sampled_from(SHORT),
    st.tuples(*[st.integers(0, 200)] * 4),
    st.sampled_from(
        ['"', "{", "}", "[", "]", ",", "=", "<<-E\n", "\nE\n", "${", "\\", "/*", "{{", "\x00", "\ud800", "0", "é"]
    ),
    st.sampled_from([None, *Dialect]),
)
def test_any_mutated_policy_is_read_or_refused_at_a_place_inside_it(
    one: str, other: str, cuts: tuple[int, int, int, int], piece: str, dialect: Dialect | None
) -> None:
    text = one[: cuts[0]] + piece + other[cuts[1] : cuts[2]] + one[cuts[3] :]

    found = decided(text, dialect)

    lines = text.count("\n") + 1
    places = [(one.line, one.column) for one in found]
    assert all(1 <= line <= max(lines, 2) and column >= 1 for line, column in places)
    assert all(one.capabilities <= WORDS for one in found if isinstance(one, PathRule))
    assert all(len(one.message) < 200 for one in found if isinstance(one, PolicyProblem))


@given(st.sampled_from(SHORT))
def test_what_can_be_read_means_the_same_as_itself(text: str) -> None:
    readable = not any(isinstance(one, PolicyProblem) for one in decided(text))

    assert same_meaning(text, text) == readable


@pytest.mark.parametrize(
    "other",
    [
        'path "b" { policy = "deny" } # c\n\npath "a" { capabilities = ["list", "read", ], comment = "c" }',
        '{"path": {"/a": {"policy": "read"}, "b": {"capabilities": ["deny", "read"]}}}',
    ],
)
def test_comments_order_and_format_do_not_change_the_meaning(other: str) -> None:
    text = 'path "a" { capabilities = ["read", "list"] }\npath "b" { capabilities = ["deny"] }'

    assert same_meaning(text, other)


@pytest.mark.parametrize(
    "other",
    [
        'path "a" { allowed_parameters = { p = [true] } }',
        'path "a" { allowed_parameters = { p = ["1"] } }',
        'path "b" { allowed_parameters = { p = [1] } }',
        'path "a" { allowed_parameters = { p = [1] }, capabilities = ["read"] }',
        'path "a" { allowed_parameters = { p = [1] } }\npath "c" {}',
        "path",
    ],
)
def test_another_value_path_or_right_changes_the_meaning(other: str) -> None:
    text = 'path "a" { allowed_parameters = { p = [1] } }'

    assert not same_meaning(text, other)
    assert not same_meaning(other, text)
