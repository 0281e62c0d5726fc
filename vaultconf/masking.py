"""Takes secrets out of texts that others wrote: Vault's errors echo what was sent."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import cached_property
from urllib.parse import quote, quote_plus

MASK = "***"
WITHHELD = "*** (the server's words are left out: they may hold a secret of one to three characters)"
_HEAD = 4  # characters by which a secret is looked up


class Mask:
    """Replaces every secret of a run in a text, also in the spellings in which Go, JSON and URLs quote it.

    One mask serves a whole run: what one object's error echoes may be another's secret. The secrets are sorted
    once, when the first text comes; most runs have none to mask. It has no text form.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = frozenset(secrets)

    def __repr__(self) -> str:
        return "Mask()"

    def __call__(self, text: str) -> str:
        """Return `text` with `***` for each secret in it, the longest first.

        Where a secret is so short that the gaps would tell it, all of the text is left out.
        """
        found = sorted(self._found(text), key=len, reverse=True)
        for form in found:
            text = text.replace(form, MASK)
        return text if not found or len(found[-1]) >= _HEAD else WITHHELD

    def _found(self, text: str) -> set[str]:
        found: set[str] = set()
        for start in range(len(text)):
            for size in range(1, _HEAD + 1):
                forms = self._by_head.get(text[start : start + size], ())
                found.update(form for form in forms if text.startswith(form, start))
        return found

    @cached_property
    def _by_head(self) -> dict[str, list[str]]:
        heads: dict[str, list[str]] = {}
        for secret in self._secrets:
            for form in filter(None, _forms(secret)):
                heads.setdefault(form[:_HEAD], []).append(form)
        return heads


def _forms(secret: str) -> set[str]:
    """The secret as it may stand in a text: as it is, folded to one line as reasons are, quoted, escaped."""
    plain = {secret, secret.strip(), " ".join(secret.split())}
    lines = {line for line in map(str.strip, secret.splitlines()) if len(line) > 3}
    return plain | lines | {form for text in plain for form in _quoted(text)}


def _quoted(text: str) -> Iterator[str]:
    for ascii_only in (True, False):
        escaped = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        yield escaped
        # Go's JSON also escapes what HTML could take for a tag.
        yield escaped.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    yield repr(text)[1:-1]
    # A variable of the environment that is no UTF-8 holds characters that no URL can spell.
    yield quote(text, safe="", errors="replace")
    yield quote(text, errors="replace")
    yield quote_plus(text, errors="replace")
