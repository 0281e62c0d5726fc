"""What a run looks at."""

from __future__ import annotations

import pytest

from tests.support.plans import scope
from vaultconf.model import Address
from vaultconf.scope import may_match


@pytest.mark.parametrize(
    ("pattern", "place", "may"),
    [
        ("sys/policies/acl/*", "sys/policies/acl/+", True),
        ("sys/policies/acl/pay-*", "sys/policies/acl/+", True),
        ("sys/policies/acl/a", "sys/policies/acl/+", True),
        ("sys/policies/acl", "sys/policies/acl/+", False),
        ("sys/pol*", "sys/policies/acl/+", True),
        ("sys/policies/acl/a/b", "sys/policies/acl/+", True),
        ("*", "a/b/+", True),
        ("auth/+/role/*", "auth/m/role/+", True),
        ("auth/+/role/*", "auth/+/users/+", False),
        ("auth/m/role/*", "auth/+/role/+", True),
        ("auth/app*", "auth/+/role/+", True),
        ("+/config/*", "db/roles/+", False),
        ("sys/auth/*", "auth/m/role/+", False),
        ("auth/m", "auth/m/role/+", False),
    ],
)
def test_a_pattern_may_reach_into_a_collection(pattern: str, place: str, may: bool) -> None:
    assert may_match(pattern, place) is may


def test_without_owns_and_only_everything_is_looked_at() -> None:
    assert scope().covers(Address("a/b"))
    assert scope().may_cover(Address("a/+"))


def test_owns_and_only_both_limit_what_is_looked_at() -> None:
    both = scope(owns=["auth/*"], only=["auth/m/*", "sys/*"])

    assert [both.covers(Address(path)) for path in ("auth/m/role/r", "auth/n/role/r", "sys/auth/m")] == [
        True,
        False,
        False,
    ]
    assert [both.may_cover(Address(path)) for path in ("auth/m/role/+", "auth/n/role/+")] == [True, False]


@pytest.mark.parametrize(
    ("pattern", "reaches"),
    [("*", False), ("sys/policies/acl/*", False), ("+/sys/policies/acl/*", True), ("team/sys/policies/acl/*", True)],
)
def test_prune_reaches_a_child_namespace_only_where_its_pattern_says_so(pattern: str, reaches: bool) -> None:
    pruning = scope(prune=[pattern])

    assert pruning.pruned(Address("sys/policies/acl/p", "team")) is reaches
    assert pruning.may_prune(Address("sys/policies/acl/+", "team")) is reaches
