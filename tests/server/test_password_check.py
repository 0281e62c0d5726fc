"""What we refuse in a password policy, the server refuses; what we take, it takes."""

from __future__ import annotations

import pytest

from tests.support.raw import Raw
from vaultconf import password_check

RULE = 'rule "charset" { charset = "abc" }'
TAKEN = [
    f"length = 20\n{RULE}",
    f"length = 4\n{RULE}",
    f"length = 100\n{RULE}",
    f"length = 20.5\n{RULE}",
    f"length = 0x14\n{RULE}",
    f"length = 020\n{RULE}",
    f"length = 20\nlength = 30\n{RULE}",
    f"length = 20\nfoo = 1\n{RULE}",
    'LENGTH = 20\nrule "charset" { Charset = "abc" }',
    'length = 20\nrule "charset" { charset = "abc" min-chars = 1 foo = 1 }',
    'length = 20\nrule "charset" { charset = "abc" min-chars = -1 }',
    'length = 20\nrule "charset" { charset = "a b" min-chars = 1.5 }',
    'length = 20\nrule "charset" { charset = "a" charset = "b" }',
    'length = 20\nrule "charset" { charset = "é" min-chars = 20 }',
    f'# a comment\nlength = 20\n{RULE}\nrule "charset" {{\n  charset = "xyz"\n}}',
    '{"length": 20, "rule": [{"charset": {"charset": "abc"}}]}',
    '{"length": 20, "rule": {"charset": {"charset": "abc"}}}',
    "bGVuZ3RoPTIwCnJ1bGUgImNoYXJzZXQiIHsgY2hhcnNldD0iYWJjIiB9Cg==",
]
REFUSED = [
    "",
    "length = 20",
    RULE,
    f"length = 3\n{RULE}",
    f"length = 101\n{RULE}",
    f"length = -5\n{RULE}",
    f'length = "20"\n{RULE}',
    f"length = true\n{RULE}",
    f"length = [20]\n{RULE}",
    'length = 20\nrule "chars" { charset = "abc" }',
    'length = 20\nrule "charset" { charset = "" }',
    'length = 20\nrule "charset" { min-chars = 2 }',
    'length = 20\nrule "charset" { charset = "a\\tb" }',
    'length = 20\nrule "charset" { charset = ["a", "b"] }',
    'length = 20\nrule "charset" { charset = 5 }',
    'length = 20\nrule "charset" { charset = "abc" min-chars = "2" }',
    'length = 20\nrule "charset" "x" { charset = "abc" }',
    'length = 20\nrule { charset = "abc" }',
    'length = 20\nrule = "charset"',
    '{"length": 20, "rule": ["charset"]}',
    'length = 20\nrule "charset" { charset = "abc" min-chars = true }',
    'length = 5\nrule "charset" { charset = "abc" min-chars = 6 }',
    'length = 5\nrule "charset" { charset = "abc" min-chars = 3 }\nrule "charset" { charset = "def" min-chars = 3 }',
    'length = 20\nrule "charset" {',
    "length = ",
    "length 20",
    "][",
]


@pytest.mark.parametrize("text", TAKEN)
def test_what_is_taken_here_is_taken_by_the_server(raw: Raw, unique: str, text: str) -> None:
    status, answer = raw.request("POST", f"sys/policies/password/{unique}", {"policy": text})

    assert (password_check.problems(text), status, answer) == ((), 204, None)


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_refused_here_is_refused_by_the_server(raw: Raw, unique: str, text: str) -> None:
    status, _ = raw.request("POST", f"sys/policies/password/{unique}", {"policy": text})

    assert (len(password_check.problems(text)) > 0, status) == (True, 400)
