"""Connection URLs of databases: text that must not carry a password."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import unquote

from vaultconf.fields import Codec

#: Where the forms of connection strings hold a password; a template such as `{{password}}` is none.
_PASSWORDS = (
    re.compile(r"(?:^|//)[^/@\s:]*:(?!\{\{|//)[^@\s]+@"),  # user:password@, with or without a scheme
    re.compile(r"(?:^|[\s;?&])(?:password|passwd|pwd|pass)\s*=\s*(?!\{\{)[^\s;&]", re.IGNORECASE),  # key=value
    re.compile(r"^[^/@:\s{]+/(?!\{\{|/)[^@\s/]+@"),  # Oracle: user/password@
)


def holds_password(url: object) -> bool:
    """Whether a connection string has a password in it, in any form that the plugins take."""
    text = str(url)
    return any(pattern.search(form) for pattern in _PASSWORDS for form in (text, unquote(text)))


def _url_from_yaml(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be text; put it in quotes")
    if holds_password(value):
        raise ValueError(
            "holds a password; write `{{username}}` and `{{password}}` there and give `username` and"
            " `password: ${env:…}`"
        )
    return value


def _url_from_wire(value: object) -> str:
    """A string that is no URL is returned percent-encoded, its templates too (OpenBao 2.7.2, Vault 2.1 and 1.19)."""
    text = str(value)
    return unquote(text) if "%7B%7B" in text else text


def _secret_url(value: object) -> str:
    """A string that is a secret as a whole may hold the password."""
    if not isinstance(value, str):
        raise ValueError("must be text; put it in quotes")
    return value


ConnectionUrl = Annotated[
    str,
    Codec(_url_from_yaml, _url_from_wire, {"type": "string"}, hides=holds_password, from_secret=_secret_url),
]
