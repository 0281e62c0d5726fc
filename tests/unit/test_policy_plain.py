"""What is recognised at one glance must be what the reader takes, for every product."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.bench import project
from tests.unit.test_policy import CASES, SERVERS, whole_text
from vaultconf.policy import Dialect, parse, problems
from vaultconf.policy_plain import is_plain

#: What texts near the plain ones are made of.
PIECES = [
    *("path", "capabilities", "policy", "comment", '"secret/*"', '"a/+/b"', '"a/+*"', '"{{identity.entity.id}}/x"'),
    *('"{{a"', '"b}}"', '"{x}"', '"${x}"', '"\\""', '""', "{", "}", "[", "]", "=", ",", ",,", '"read"', '"list"'),
    *('"deny"', '"scan"', '"Read"', "read", "# c\n", "// c\n", "/* c */", "#", "\n", " ", "\r\n", "\t", "\v", "\x00"),
    *("\ue123", "\ud800", "ä", 'path "x" {', '} path "y" {', 'capabilities = ["read"]', "<<E\nx\nE\n", "1", "true"),
]
BLOCK = 'path "secret/*" {\n  capabilities = ["read", "list"]\n}\n'


@settings(deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
@example(BLOCK)
@example("")
def test_no_text_that_is_recognised_has_a_problem_anywhere(text: str) -> None:
    recognised = is_plain(text)

    assert not recognised or [parse(text, dialect) for dialect in (None, *Dialect)]


@settings(deadline=None)
@given(st.integers(0, len(BLOCK)), st.integers(0, 3), st.sampled_from([*PIECES, "", *BLOCK]))
def test_a_plain_policy_with_a_slip_is_recognised_only_where_it_still_is_one(at: int, lost: int, slip: str) -> None:
    text = BLOCK + BLOCK[:at] + slip + BLOCK[at + lost :]

    recognised = is_plain(text)

    assert not recognised or [parse(text, dialect) for dialect in (None, *Dialect)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_what_some_server_refuses_is_not_recognised(case: dict[str, dict[str, int]]) -> None:
    text = whole_text(case)

    recognised = is_plain(text)

    assert not recognised or all(case[server]["status"] in {200, 204} for server in SERVERS)


@pytest.mark.parametrize(
    "text",
    [
        BLOCK,
        project.rules(1),
        '# ä\npath "a/{{identity.entity.name}}/+/b*" { // x\r\n capabilities=["create","deny",] } #',
        'path"a"{capabilities=["read"]}path "a"{capabilities=["read"]}',
    ],
)
def test_what_most_policies_look_like_is_recognised(text: str) -> None:
    assert is_plain(text)
    assert not problems(text, None)


@pytest.mark.parametrize(
    "text",
    [
        'path "a" { capabilities = ["read"] capabilities = ["list"] }',  # Vault 2 takes it once
        'path "a" { capabilities = ["scan"] }',  # OpenBao alone knows it
        'path "a" { policy = "read" }',
        f"# {'c' * 200_000}\n{BLOCK}",
        "# nothing but a comment",
    ],
)
def test_the_rest_is_left_to_the_reader(text: str) -> None:
    assert not is_plain(text)
