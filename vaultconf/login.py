"""Logs in with what a target says: resolved at the edge, sent once, masked in every error.

Sources: Vault API, `auth/<mount>/login` of each method; OpenBao 2.7.2, Vault 2.1 and 1.19 (`ldap`: OpenBao 2.6.2).
"""

from __future__ import annotations

import re
import stat
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vaultconf.address import unsafe_segment
from vaultconf.errors import ConnectionFailed, InputError, Problem, ServerRefused, VaultconfError
from vaultconf.http import Connection
from vaultconf.login_settings import GITLAB_VARIABLE, KUBERNETES_JWT, Login
from vaultconf.masking import Mask
from vaultconf.project import read_text
from vaultconf.references import Resolver, Template, absent
from vaultconf.sealed import Secret
from vaultconf.session import Session
from vaultconf.transport import Transport

_JWT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_LARGEST_JWT = 256 * 1024


@dataclass(frozen=True, slots=True)
class Credentials:
    """What will be sent to log in, all of it known. `namespace` None stands for the run's base namespace.

    `plain` names the fields that stand in the settings for everybody to read.
    """

    method: str
    mount: str
    namespace: str | None
    fields: Mapping[str, Secret] = field(default_factory=dict)
    plain: frozenset[str] = frozenset()

    def text(self, name: str) -> str | None:
        """The text of a field, None where it is not given."""
        value = self.fields.get(name)
        return None if value is None else value.reveal()


def prepare(login: Login, root: Path, resolve: Resolver, environ: Mapping[str, str]) -> Credentials:
    """Resolve what a login will send; an id token is fetched here, before the server is asked anything.

    Raises InputError with everything that is not at hand, ConnectionFailed where a CI system gives no token.
    """
    problems: list[Problem] = []
    known: dict[str, Secret] = {}
    for name, value in login.fields.items():
        text = value.fill(resolve) if isinstance(value, Template) else value
        if not text and isinstance(value, Template):
            names = ", ".join(absent(value.references, resolve) or map(str, value.references))
            problems.append(Problem(f"`{name}` of the login is not at hand: {names}", login.place))
        elif name == "username" and ("/" in (text or "") or unsafe_segment(text or "")):
            problems.append(
                Problem("`username` of the login cannot be one: it would lead to another path", login.place)
            )
        known[name] = Secret(text or "")
    if problems:
        raise InputError(problems)
    if login.method in {"jwt", "kubernetes"}:
        known["jwt"] = _jwt(login, known, root, environ)
    plain = frozenset(name for name, value in login.fields.items() if isinstance(value, str))
    return Credentials(login.method, login.mount, login.namespace, known, plain)


def _jwt(login: Login, known: Mapping[str, Secret], root: Path, environ: Mapping[str, str]) -> Secret:
    """The JWT, from where the target says; what is none is not sent to anybody."""
    if "oidc_from" in known:
        found = _from_ci({name: secret.reveal() for name, secret in known.items()}, environ)
    elif "jwt" in known:
        found = known["jwt"]
    else:
        found = _from_file(login, known.get("jwt_file", Secret(KUBERNETES_JWT)).reveal(), root)
    text = found.reveal().strip()
    if not _JWT.fullmatch(text):
        raise InputError(Problem("what the login would send is no JWT: three parts with dots between", login.place))
    return Secret(text)


def _from_ci(known: Mapping[str, str], environ: Mapping[str, str]) -> Secret:
    from vaultconf import oidc_tokens  # noqa: PLC0415 - brings an HTTP client along, and only these logins want it

    if known["oidc_from"] == "github":
        return oidc_tokens.github(environ, known.get("audience", ""))
    return oidc_tokens.gitlab(environ, known.get("oidc_variable", GITLAB_VARIABLE))


def _from_file(login: Login, name: str, root: Path) -> Secret:
    """Read a token file: relative ones in the project only, absolute ones where the machine puts them."""
    try:
        return Secret(_mounted(Path(name)) if Path(name).is_absolute() else read_text(root, name))
    except (OSError, ValueError) as error:
        hint = "is the token mounted there? name another with `jwt_file`"
        raise InputError(Problem(f"`jwt_file` {name} cannot be read: {_why(error, name)}", login.place, hint)) from None


def _why(error: OSError | ValueError, name: str) -> str:
    """The reason, which quotes nothing of the file."""
    if isinstance(error, OSError):
        return error.strerror or "it cannot be opened"
    if isinstance(error, UnicodeDecodeError):
        return "it is not a text file"
    return str(error).removeprefix(f"`{name}` cannot be read: ")


def _mounted(path: Path) -> str:
    """Read a small regular file: another kind (a pipe, a device) could hold us for ever."""
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise ValueError("it is not a file")
    if found.st_size > _LARGEST_JWT:
        raise ValueError("it is too large for a token")
    return path.read_text(encoding="utf-8")


def log_in(transport: Transport, credentials: Credentials, connection: Connection) -> Session:
    """Log in and let `transport` carry the token from then on.

    Raises ServerRefused where the server says no, InputError where a certificate is missing, ConnectionFailed.
    """
    namespace = connection.namespace if credentials.namespace is None else credentials.namespace
    if credentials.method == "cert" and not connection.client_cert:
        hint = "set VAULT_CLIENT_CERT and VAULT_CLIENT_KEY"
        raise InputError("the login method `cert` needs a client certificate", hint)
    asked = time.monotonic()
    auth = _asked(transport, credentials, namespace).get("auth")
    if not isinstance(auth, dict) or not auth.get("client_token"):
        more = isinstance(auth, dict) and auth.get("mfa_requirement")
        why = "it wants a second factor, which a machine does not have" if more else "its answer holds no token"
        raise ServerRefused(f"the login at {_path(credentials)} gave no token: {why}")
    session = Session(auth, namespace, asked)
    transport.authenticate(session.token)
    return session


def _path(credentials: Credentials) -> str:
    return f"auth/{credentials.mount}/login"


def _asked(transport: Transport, credentials: Credentials, namespace: str) -> Mapping[str, Any]:
    from vaultconf.hvac_adapter import VaultError, client  # noqa: PLC0415 - slow to import, and only a login wants it

    # Masking a role called `ci` would leave holes in the words of the server.
    mask = Mask(secret.reveal() for name, secret in credentials.fields.items() if name not in credentials.plain)
    try:
        answer = _sent(client(transport, namespace), credentials)
    except VaultError as error:
        raise _refusal(credentials, [mask(text) for text in error.errors or ()]) from None
    except ConnectionFailed as error:
        raise ConnectionFailed(f"cannot reach {mask(error.problems[0].message)}") from None
    return answer if isinstance(answer, dict) else {}


def _sent(vault: Any, credentials: Credentials) -> object:
    """Send the login by the method's helper of the hvac client `vault`."""
    text, mount = credentials.text, credentials.mount
    if credentials.method == "approle":
        return vault.auth.approle.login(text("role_id"), text("secret_id"), use_token=False, mount_point=mount)
    if credentials.method == "jwt":
        return vault.auth.jwt.jwt_login(text("role"), text("jwt"), use_token=False, path=mount)
    if credentials.method == "kubernetes":
        return vault.auth.kubernetes.login(text("role"), text("jwt"), use_token=False, mount_point=mount)
    if credentials.method == "cert":
        # hvac's own helper hands certificates over with the request; here the connection has them already.
        role = text("role")
        return vault.adapter.post(f"/v1/{_path(credentials)}", json={"name": role} if role else {})
    method = vault.auth.userpass if credentials.method == "userpass" else vault.auth.ldap
    return method.login(text("username"), text("password"), use_token=False, mount_point=mount)


def _refusal(credentials: Credentials, errors: list[str]) -> VaultconfError:
    reason = "; ".join(" ".join(text.split()) for text in errors) or "no reason given"
    namespace = "" if not any("namespace not found" in text for text in errors) else ", and `namespace`"
    people = credentials.method in ("userpass", "ldap")
    who = "`username` and `password`" if people else "the role and what it demands"
    hint = f"check {who}, `mount`{namespace}; the server's log may say more"
    return ServerRefused(f"the login at {_path(credentials)} was refused: {reason}{_as_whom(credentials)}", hint)


def _as_whom(credentials: Credentials) -> str:
    """Who was to log in, where the settings say it in clear."""
    names = (name for name in ("username", "role") if name in credentials.plain)
    found = next(filter(None, map(credentials.text, names)), "")
    return f" (as `{found}`)" if found else ""
