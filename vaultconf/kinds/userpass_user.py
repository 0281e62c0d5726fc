"""Userpass users. Source: Vault API, `/auth/userpass`; OpenBao 2.7.2, Vault 2.1 and 1.19."""

from __future__ import annotations

from vaultconf.fields import Text
from vaultconf.kind import Kind, Names, Obstacle, setting
from vaultconf.model import Action
from vaultconf.token_fields import OLD_NAMES, TokenFields, token_problems


class UserpassUser(TokenFields):
    """A person or service that logs in with name and password."""

    password: Text = setting(
        None, "The password; sent when the user is created.", write_only=True, told_by="*", secret=True
    )
    password_hash: Text = setting(None, "A bcrypt hash in place of the password.", write_only=True, secret=True)


def _obstacle(ask: Obstacle) -> str:
    given = [name for name in ("password", "password_hash") if ask.values.get(name) is not None]
    if ask.action is Action.CREATE and not given:
        return "a new user needs a `password` (or `password_hash`)"
    return ""


KIND = Kind(
    name="userpass_user",
    title="Userpass user",
    model=UserpassUser,
    yaml="auth.{mount}.users.{name}",
    path="auth/{mount}/users/{name}",
    mount_types=frozenset({"userpass"}),
    names=Names(folds=True),
    old_names=OLD_NAMES,
    obstacle=_obstacle,
    check=token_problems,
)
