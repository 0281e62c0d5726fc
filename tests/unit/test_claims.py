"""The field types of logins by JWT."""

from __future__ import annotations

import re

import pytest

from tests.support.plans import kind


def read(kind_name: str, field: str, value: object) -> object:
    return kind(kind_name).fields[field].read(value)


def wire(kind_name: str, field: str, value: object) -> object:
    return kind(kind_name).fields[field].codec.from_wire(value)


def test_the_values_of_a_claim_are_alternatives_whatever_their_order() -> None:
    written = read("jwt_role", "bound_claims", {"team": ["b", "a", "b"], "one": ["x"], "admin": True})

    assert written == {"team": ("a", "b"), "one": "x", "admin": True}
    assert wire("jwt_role", "bound_claims", {"team": ["a", "b"], "one": "x", "admin": True}) == written


def test_a_claim_of_a_shape_that_cannot_be_written_here_is_still_compared() -> None:
    assert wire("jwt_role", "bound_claims", {"m": {"a": 1}}) == {"m": {"a": 1}}


@pytest.mark.parametrize("value", ["text", {"a": {"b": 1}}, {"a": [["b"]]}, {"a": None}])
def test_other_shapes_of_claims_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match="must be a map of texts, numbers, true/false, or lists of them"):
        read("jwt_role", "bound_claims", value)


@pytest.mark.parametrize(("written", "seconds"), [("1m", 60), (30, 30), (-1, -1), ("-1", -1)])
def test_a_leeway_is_a_duration_or_none_at_all(written: object, seconds: int) -> None:
    assert read("jwt_role", "clock_skew_leeway", written) == seconds


@pytest.mark.parametrize("written", [-2, "-1m", True])
def test_other_leeways_are_refused(written: object) -> None:
    with pytest.raises(ValueError, match="must"):
        read("jwt_role", "clock_skew_leeway", written)


def test_settings_of_a_provider_keep_their_types() -> None:
    settings = {"provider": "azure", "flag": True, "count": 5}

    assert read("jwt_config", "provider_config", settings) == settings


@pytest.mark.parametrize("value", [["a"], {"a": ["b"]}])
def test_other_settings_of_a_provider_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match=re.escape("must be a map of texts, numbers, true/false")):
        read("jwt_config", "provider_config", value)


def test_a_pair_without_a_ca_is_the_same_as_one_with_an_empty_ca() -> None:
    written = read("jwt_config", "jwks_pairs", [{"jwks_url": "u"}])

    assert wire("jwt_config", "jwks_pairs", [{"jwks_url": "u", "jwks_ca_pem": ""}]) == written


@pytest.mark.parametrize(
    "value", ["u", ["u"], [{"jwks_ca_pem": "c"}], [{"jwks_url": 1}], [{"jwks_url": "u", "x": "y"}]]
)
def test_other_pairs_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match="must be a list of maps with `jwks_url`"):
        read("jwt_config", "jwks_pairs", value)
