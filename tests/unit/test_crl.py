"""Which certificates a list revokes."""

from __future__ import annotations

import base64

import pytest

from tests.support.issuer import CRL
from tests.support.ladders import load
from vaultconf.catalogue import all_kinds
from vaultconf.crl import serials_in


def pem(der: bytes) -> str:
    return f"-----BEGIN X509 CRL-----\n{base64.b64encode(der).decode()}\n-----END X509 CRL-----\n"


def test_the_serial_numbers_of_a_list_are_decimals() -> None:
    found = serials_in(load("cert_crl").data["mutations"]["crl"]["send"]["crl"])

    assert found == ("10", str(int("7FFFFFFFFFFFFFFFFFFF", 16)))


def test_a_list_may_revoke_nothing() -> None:
    assert serials_in(pem(CRL)) == ()


@pytest.mark.parametrize(
    "text", ["", "text", pem(b""), pem(CRL[:-90]), pem(b"\x30\x00"), pem(b"\x02\x01\x05"), pem(b"\x30")]
)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a list of revoked certificates in PEM"):
        serials_in(text)


@pytest.mark.parametrize(
    ("values", "word"),
    [({"crl": "text"}, "in PEM"), ({}, "either"), ({"url": "u", "serials": ("1",)}, "what the server says")],
)
def test_a_list_that_no_server_takes_is_refused(values: dict[str, object], word: str) -> None:
    assert any(word in problem for problem in all_kinds()["cert_crl"].check(values))
