from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultconf.address import Pattern, bad_namespace, join, unsafe_segment

SEGMENT = st.text(alphabet="ab-.+ é", min_size=1, max_size=5).filter(lambda text: ".." not in text and text != ".")
PATH = st.lists(SEGMENT, min_size=1, max_size=5).map("/".join)


@pytest.mark.parametrize(
    ("pattern", "address", "matches"),
    [
        ("sys/policies/acl/*", "sys/policies/acl/a", True),
        ("sys/policies/acl/*", "sys/policies/acl/a/b", True),
        ("sys/policies/acl/*", "team/sys/policies/acl/a", False),
        ("+/sys/policies/acl/*", "team/sys/policies/acl/a", True),
        ("+/sys/policies/acl/*", "a/b/sys/policies/acl/a", False),
        ("auth/+/role/pay-*", "auth/approle/role/pay-a", True),
        ("auth/+/role/pay-*", "auth/a/b/role/pay-a", False),
        ("auth/+/role/pay-*", "auth/approle/role/other", False),
        ("auth/a/role/x", "auth/a/role/x", True),
        ("auth/a/role/x", "auth/a/role/xy", False),
        ("a.c/*", "abc/d", False),
        ("*", "anything/at/all", True),
    ],
)
def test_a_pattern_covers_what_vaults_own_would(pattern: str, address: str, *, matches: bool) -> None:
    assert Pattern.parse(pattern).matches(address) is matches


@pytest.mark.parametrize(
    ("pattern", "reaches"),
    [
        ("*", False),
        ("sys/policies/acl/*", False),
        ("team/sys/policies/acl/*", True),
        ("team/*", True),
        ("+/sys/policies/acl/*", True),
        ("tea*", False),
    ],
)
def test_prune_reaches_a_child_namespace_only_where_it_is_spelled_or_begins_with_a_plus(
    pattern: str, *, reaches: bool
) -> None:
    assert Pattern.parse(pattern).reaches("team", "team/sys/policies/acl/a") is reaches


@pytest.mark.parametrize(
    "text", ["", "/a", "a/", "a//b", "a/*/b", "*a", "a/b+", "a/+b/c", "a/+*", "a\nb", "${env:X}", "a/**"]
)
def test_what_is_no_pattern_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Pattern.parse(text)


@given(PATH)
def test_an_address_is_a_pattern_of_itself_where_it_has_no_wildcard(path: str) -> None:
    if "+" in path or path.endswith(" "):
        return

    assert Pattern.parse(path).matches(path)
    assert Pattern.parse(path + "*").matches(path + "/more")


@given(PATH)
def test_a_path_of_good_segments_is_safe(path: str) -> None:
    assert unsafe_segment(path) is None


@pytest.mark.parametrize(
    "path", ["", "/a", "a/", "a//b", ".", "..", "a/../b", "a/./b", "./a", "a/.", "a..b", "a\x00", "a\x7f", "a\udcff"]
)
def test_a_path_that_a_server_would_take_for_another_is_refused(path: str) -> None:
    assert unsafe_segment(path) is not None


@pytest.mark.parametrize("path", ["a.b", ".a", "a.", "a/.b/c", "é", "a b"])
def test_dots_inside_a_name_are_harmless(path: str) -> None:
    assert unsafe_segment(path) is None


@pytest.mark.parametrize("path", ["team", "team/sub", "A", "a.b", "-a"])
def test_a_namespace_may_have_such_a_path(path: str) -> None:
    assert bad_namespace(path) is None


@pytest.mark.parametrize("path", ["", "root", "a/sys", "a b", "a+", "a*", "/a", "a/", "a//b", "../a"])
def test_no_namespace_has_such_a_path(path: str) -> None:
    assert bad_namespace(path) is not None


def test_joining_leaves_out_what_is_empty() -> None:
    assert join("", "a", "", "b/c") == "a/b/c"
