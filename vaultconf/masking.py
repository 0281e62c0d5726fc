"""Takes secrets out of texts that others wrote: Vault's errors echo what was sent."""

from __future__ import annotations

import json
from collections.abc import Iterable
from urllib.parse import quote

MASK = "***"


def masked(text: str, secrets: Iterable[str]) -> str:
    """Replace every secret in `text`, also in the spellings in which Go, JSON and URLs quote it."""
    forms = {form for secret in secrets if secret for form in _forms(secret)}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, MASK)
    return text


def _forms(secret: str) -> set[str]:
    lines = {line for line in secret.splitlines() if len(line) > 3}
    quoted = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1]}
    # Reasons are folded to one line, so a secret with white space in it appears folded too.
    return {secret, secret.strip(), " ".join(secret.split()), quote(secret, safe=""), quote(secret)} | quoted | lines
