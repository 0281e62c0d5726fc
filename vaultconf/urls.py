"""Connection URLs of databases: text that must not carry a password."""

from __future__ import annotations

import re
from typing import Annotated

from vaultconf.fields import Codec

_PASSWORD_IN_URL = re.compile(r"(?:^|//)[^/@\s:]*:(?!\{\{|//)[^@\s]+@")


def _url_from_yaml(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be text; put it in quotes")
    if _PASSWORD_IN_URL.search(value):
        raise ValueError(
            "holds a password; write `{{username}}:{{password}}@` and give `username` and `password: ${env:…}`"
        )
    return value


ConnectionUrl = Annotated[str, Codec(_url_from_yaml, str, {"type": "string"})]
