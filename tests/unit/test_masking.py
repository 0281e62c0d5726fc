"""Secrets in texts of others are masked."""

from __future__ import annotations

import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultconf.masking import WITHHELD, Mask

SECRET = 'pa ss"<&>\\é\nword'


@pytest.mark.parametrize(
    "echo",
    [
        SECRET,
        " ".join(SECRET.split()),
        json.dumps(SECRET),
        json.dumps(SECRET, ensure_ascii=False),
        json.dumps(SECRET).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"),
        repr(SECRET),
        quote(SECRET),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        SECRET.split("\n", maxsplit=1)[0],
    ],
)
def test_a_secret_is_masked_in_every_spelling(echo: str) -> None:
    masked = Mask([SECRET])(f"before {echo} after")

    assert "***" in masked
    assert "pa" not in masked
    assert masked.startswith("before ")
    assert masked.endswith(" after")


def test_secrets_inside_each_other_are_masked() -> None:
    assert Mask(["abcd", "abcdefgh"])("x abcdefgh y abcd z") == "x *** y *** z"


def test_a_text_whose_gaps_would_tell_a_short_secret_is_left_out() -> None:
    mask = Mask(["s", "correct horse"])

    assert mask("invalid username or password") == WITHHELD
    assert mask("no") == "no"


def test_an_empty_secret_masks_nothing() -> None:
    assert Mask([""])("text") == "text"


def test_a_mask_has_no_text_form() -> None:
    assert repr(Mask(["canary"])) == "Mask()"


TEXT = st.text(st.characters(exclude_characters="*"))


@given(st.lists(TEXT, max_size=5), TEXT, TEXT)
def test_no_secret_is_left_in_any_text(secrets: list[str], before: str, after: str) -> None:
    mask = Mask(secrets)

    for secret in filter(None, secrets):
        masked = mask(f"{before}{secret}{after}")
        assert masked == WITHHELD or all(secret not in part for part in masked.split("***"))
