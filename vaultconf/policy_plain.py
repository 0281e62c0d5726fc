"""Recognises at one glance the policies that most are: blocks of a path and its capabilities, and comments.

What is recognised is a policy for every product. Reading thousands of them token by token would be a quarter of the
CPU time of a run; what is not recognised is read so.
"""

from __future__ import annotations

import re
from typing import Final

from vaultconf.policy_findings import CAPABILITIES, Dialect

# Far below the 1 MiB that Vault takes, and matched in a moment.
_MOST_CHARACTERS: Final = 100_000
# What no policy may hold, not even in a comment (see hcl_lexer).
_NEVER: Final = r"\x00\ue123\ud800-\udfff"
_EVERYWHERE: Final = [word for word, dialects in CAPABILITIES.items() if dialects == frozenset(Dialect)]
_GAP: Final = rf"(?:[ \t\r\n]++|(?:\#|//)[^\n{_NEVER}]*+)*+"
_TEXT: Final = rf'[^"\\\n${{}}+{_NEVER}]'
# `+*` is no wildcard; braces come as a template, whole.
_PATH: Final = rf'"(?:{_TEXT}++|\+(?!\*)|\{{\{{{_TEXT}*+\}}\}})*+"'
_WORD: Final = f'"(?:{"|".join(_EVERYWHERE)})"'
_BLOCK: Final = _GAP.join(
    ("path", _PATH, r"\{", "capabilities", "=", r"\[", _WORD, rf"(?:,{_GAP}{_WORD}{_GAP})*+,?", r"\]", r"\}", "")
)
_PLAIN: Final = re.compile(rf"{_GAP}(?:{_BLOCK})++")


def is_plain(text: str) -> bool:
    """Whether a text is such a policy; False says nothing against it."""
    return len(text) <= _MOST_CHARACTERS and _PLAIN.fullmatch(text) is not None
