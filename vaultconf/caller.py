"""Who carries out a run, as far as its token tells: what it must not take away from itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_LOGIN_NAMES = ("role_name", "role", "username")


@dataclass(frozen=True, slots=True)
class Caller:
    """The token's policies, the auth mount that it came from, and the roles or users of its login there.

    `title` is what the server shows for it. `policies` are all that it holds, `given` those of them that come from its
    entity and groups; `entity` is the id of that entity, `namespace` the absolute path of the token's own namespace.
    """

    policies: frozenset[str] = frozenset()
    mount: str = ""
    names: frozenset[str] = frozenset()
    title: str = ""
    own: frozenset[str] = frozenset()
    given: frozenset[str] = frozenset()
    entity: str = ""
    namespace: str = ""

    @property
    def is_root(self) -> bool:
        """Whether nothing can be taken from it."""
        return "root" in self.policies

    @classmethod
    def of(cls, token: Mapping[str, Any]) -> Caller:
        """Read the answer of `auth/token/lookup-self` (the same on OpenBao 2.7, Vault 2.1 and 1.19)."""
        path = str(token.get("path") or "")
        mount, _, rest = path.partition("/login") if "/login" in path else path.partition("/create")
        meta = token.get("meta") or {}
        names = {str(meta[key]) for key in _LOGIN_NAMES if meta.get(key)} | {rest.strip("/")} - {""}
        own = frozenset(map(str, token.get("policies") or ()))
        given = frozenset(map(str, token.get("identity_policies") or ()))
        return cls(
            policies=own | given,
            mount=mount if rest or mount != path else "",
            names=frozenset(names),
            title=str(token.get("display_name") or ""),
            own=own,
            given=given,
            entity=str(token.get("entity_id") or ""),
            namespace=str(token.get("namespace_path") or "").strip("/"),
        )

    def depends_on(self, path: str) -> bool:
        """Whether the object at an API path is one of its policies, or the role or user of its login."""
        if path.startswith("sys/policies/acl/"):
            return path.removeprefix("sys/policies/acl/") in self.policies
        return bool(self.mount) and path.startswith(f"{self.mount}/") and path.rpartition("/")[2] in self.names


#: For plans that nobody is about to carry out.
NOBODY = Caller()
