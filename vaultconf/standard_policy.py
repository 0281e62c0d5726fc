"""The policy `default` as servers make it, told by its text, which nobody needs to keep in Git."""

from __future__ import annotations

import hashlib

from vaultconf.nouns import Values

#: SHA-256 of the canonical text: OpenBao 2.7.2, in every namespace; Vault 1.19 and 2.1.
_TEXTS = frozenset(
    {
        "965398f5c7db4271acb8bf591ec92e10b4eadb28f277c375f4d842dd313de109",
        "ca6930750a94ffeb1b4c06a233caed863f9b483342042791614344a4a1040538",
    }
)


def is_standard(values: Values) -> bool:
    """Whether a built-in policy is as some server makes it."""
    text = str(values.get("policy"))
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest() in _TEXTS
