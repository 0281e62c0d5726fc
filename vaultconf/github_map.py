"""What teams and users of GitHub auth share: a map from a name to policies.

Source: Vault API, `/auth/github/map`; Vault 2.1 and 1.19. The policies are one text on the wire. An entry that is not
there answers 200 without data.
"""

from __future__ import annotations

from vaultconf.kind import Names

NAMES = Names(r"[\w-]+", folds=True)
ABSENT = ((404, ""), (200, ""))
#: The name, in the spelling in which it was asked for.
NOT_CONFIGURATION = frozenset({"key"})
