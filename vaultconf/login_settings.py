"""How a target of `vaultconf.yaml` logs in: the one place of that file where references may stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from vaultconf.address import bad_namespace, unsafe_segment
from vaultconf.errors import Place
from vaultconf.http import Request, changes_nothing
from vaultconf.references import BadReference, Template, parse
from vaultconf.settings_reader import Reader, Step
from vaultconf.strict_yaml import YamlMap
from vaultconf.yaml_text import shown

KUBERNETES_JWT = "/var/run/secrets/kubernetes.io/serviceaccount/token"
GITLAB_VARIABLE = "VAULT_ID_TOKEN"
JWT_SOURCES = ("jwt", "jwt_file", "oidc_from")


@dataclass(frozen=True, slots=True)
class Login:
    """How to log in: the method, where it is mounted, and what it is told.

    A value with references in it stays a template, which has no text form. `namespace` is where the method is
    mounted: absolute, "" for the root, None for the run's base namespace.
    """

    method: str
    mount: str
    place: Place
    fields: Mapping[str, str | Template] = field(default_factory=dict)
    namespace: str | None = None


@dataclass(frozen=True, slots=True)
class _Method:
    needs: tuple[str, ...] = ()
    may: tuple[str, ...] = ()


_METHODS = {
    "approle": _Method(("role_id",), ("secret_id",)),
    "cert": _Method((), ("role",)),
    "jwt": _Method((), ("role", *JWT_SOURCES, "audience", "oidc_variable")),
    "kubernetes": _Method(("role",), ("jwt_file",)),
    "ldap": _Method(("username", "password")),
    "userpass": _Method(("username", "password")),
}
_COMMON = ("method", "mount", "namespace")
_SECRET = frozenset({"jwt", "password", "secret_id"})
_PLAIN = frozenset({"audience", "jwt_file", "oidc_from", "oidc_variable"})
_OIDC = ("github", "gitlab")
_SAID_WITH = {"audience": "github", "oidc_variable": "gitlab"}


def read(reader: Reader, name: str) -> Login | None:
    """Read `auth` of the target `name`; None where the token of the environment is meant."""
    here = ("targets", name, "auth")
    found = reader.mapping(*here)
    if not isinstance(reader.mapping("targets", name).get("auth"), YamlMap):
        return None
    method = found.get("method")
    if method == "token":
        reader.keys(found, ("method",), (), *here)
        return None
    known = _METHODS.get(method) if isinstance(method, str) else None
    if known is None or not isinstance(method, str):
        names = ("token", *_METHODS)
        where = (*here, "method") if "method" in found else here
        hint = f"one of {', '.join(names)}"
        reader.complain("`method` must be the name of a login method", *where, hint=hint, near=method, known=names)
        return None
    reader.keys(found, (*_COMMON, *known.needs, *known.may), (), *here)
    for missing in known.needs:
        if missing not in found:
            reader.complain(f"the login method `{method}` needs `{missing}`", *here)
    if method == "jwt":
        _check_source(reader, found, here)
    values = {key: _value(reader, found[key], *here, key) for key in (*known.needs, *known.may) if key in found}
    mount = _mount(reader, found.get("mount", method), *here, "mount")
    return Login(method, mount, reader.place(here), values, _namespace(reader, found, *here))


def _check_source(reader: Reader, found: Mapping[str, object], here: tuple[Step, ...]) -> None:
    """A JWT comes from one place, and what only one place knows is not said with another."""
    given = [key for key in JWT_SOURCES if key in found]
    if len(given) != 1:
        what = f"has {' and '.join(f'`{key}`' for key in given)}" if given else "does not say where the JWT comes from"
        reader.complain(f"the login {what}", *here, hint="write one of `jwt`, `jwt_file` and `oidc_from`")
        return
    source = found.get("oidc_from")
    if given == ["oidc_from"] and source not in _OIDC:
        reader.complain("`oidc_from` must be `github` or `gitlab`", *here, "oidc_from", near=source, known=_OIDC)
        return
    for key, wanted in _SAID_WITH.items():
        if key in found and source != wanted:
            reader.complain(f"`{key}` has a meaning only with `oidc_from: {wanted}`", *here, key)


def _value(reader: Reader, value: object, *path: Step) -> str | Template:
    key = str(path[-1])
    if key in _PLAIN:
        return reader.name(value, *path)
    if not isinstance(value, str) or not value.isprintable():
        reader.complain("must be text", *path, hint="put it in quotes")
        return ""
    try:
        parsed = parse(value, PurePosixPath())
    except BadReference as error:
        reader.complain(str(error), *path, hint=error.hint)
        return ""
    if isinstance(parsed, str):
        _check_text(reader, parsed, key, *path)
    elif any(reference.scheme == "vault" for reference in parsed.references):
        hint = "use `${env:NAME}`, `${file:path}` or `${sops:file#key}`"
        reader.complain("`${vault:…}` can be read only after the login", *path, hint=hint)
    return parsed


def _check_text(reader: Reader, text: str, key: str, *path: Step) -> None:
    """A text that is written out: no secret, and nothing that would lead to another path."""
    if key in _SECRET:
        hint = "write `${env:NAME}` or `${file:path}`"
        reader.complain(f"`{key}` is a secret, which does not belong into a file of Git", *path, hint=hint)
    elif not text:
        reader.complain("must not be empty", *path)
    elif key == "username" and "/" in text:
        reader.complain("a user name that logs in cannot hold `/`", *path)


def _mount(reader: Reader, value: object, *path: Step) -> str:
    mount = reader.name(value, *path)
    if not mount:
        return mount
    if mount.startswith("auth/"):
        reader.complain("is the path below `auth/`", *path, hint=f"write `{shown(mount.removeprefix('auth/'))}`")
    elif (reason := unsafe_segment(mount)) is not None:
        reader.complain(f"the path {reason}", *path)
    elif not changes_nothing(Request("POST", f"auth/{mount}/login")):
        message = "ends like a collection of another mount: a run that only reads cannot tell its login from a write"
        reader.complain(message, *path, hint="mount the method under another name")
    return mount


def _namespace(reader: Reader, found: Mapping[str, object], *here: Step) -> str | None:
    if "namespace" not in found:
        return None
    text = reader.text(found["namespace"], *here, "namespace")
    if text in {"", "root"}:
        return ""
    if (reason := bad_namespace(text)) is not None:
        reader.complain(f"the namespace {reason}", *here, "namespace")
    return text
