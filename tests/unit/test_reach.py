"""Where a pattern of the settings and the place of a kind's objects meet."""

from __future__ import annotations

import pytest

from vaultconf.nouns import ANY, REST
from vaultconf.reach import meet

ROLE = f"auth/{ANY}/role/{ANY}"


@pytest.mark.parametrize(
    ("pattern", "place", "both"),
    [
        ("*", ROLE, ROLE),
        ("auth/*", ROLE, ROLE),
        ("auth/+/role/*", ROLE, ROLE),
        ("auth/+/role/pay-*", ROLE, f"auth/{ANY}/role/pay-{REST}"),
        ("auth/approle/role/+", ROLE, f"auth/approle/role/{ANY}"),
        ("auth/approle/*", ROLE, f"auth/approle/role/{ANY}"),
        ("auth/approle/role/one", ROLE, "auth/approle/role/one"),
        ("auth/approle/role/r*", "auth/approle/role/one", None),
        ("auth/approle/ro*", ROLE, f"auth/approle/role/{ANY}"),
        ("auth/approle/users/*", ROLE, None),
        ("auth/approle/role", ROLE, None),
        ("auth/approle/role/one/more", ROLE, None),
        ("sys/policies/acl/pay-*", f"sys/policies/acl/{REST}", f"sys/policies/acl/pay-{REST}"),
        ("sys/policies/acl/a/+/b*", f"sys/policies/acl/{REST}", f"sys/policies/acl/a/{ANY}/b{REST}"),
        ("sys/policies/*", f"sys/policies/acl/{REST}", f"sys/policies/acl/{REST}"),
        ("payments/*", f"payments/db/config/{ANY}", f"payments/db/config/{ANY}"),
    ],
)
def test_patterns_and_places_meet_in_what_both_cover(pattern: str, place: str, both: str | None) -> None:
    assert meet(pattern, place) == both


def test_mounts_that_begin_with_some_letters_cannot_be_said_in_a_policy() -> None:
    assert meet("auth/pay-*", ROLE) is None
