"""What an object that may be anywhere must not be: what a kind covers, KV data, and what yields credentials.

A plan reads what a pull request names, so this is judged before anything is read: by the types of mounts that the
files give, and once more by those of the server.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from vaultconf import catalogue
from vaultconf.address import join, unsafe_segment
from vaultconf.declarations import MountKey
from vaultconf.errors import Problem
from vaultconf.kind import Kind
from vaultconf.model import Address, Desired
from vaultconf.yaml_text import shown

#: The types of one namespace's mounts, by section and path.
Types = Mapping[tuple[str, str], str]


@dataclass(frozen=True, slots=True)
class Home:
    """The mount in which a path lies: `rest` is the path within it."""

    section: str
    mount: str
    type: str
    rest: str

    @property
    def path(self) -> str:
        """Where the mount begins."""
        return f"auth/{self.mount}" if self.section == "auth" else self.mount


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a path is refused, in words that follow it, and what to do instead."""

    reason: str
    hint: str = ""


#: What every namespace has, whoever says what is mounted.
BUILT_IN: Types = {
    ("secrets", "sys"): "system",
    ("secrets", "identity"): "identity",
    ("secrets", "cubbyhole"): "cubbyhole",
    ("auth", "token"): "token",
}

_STRANGE = re.compile(r"[%?#\\*+\s\x00-\x1f\x7f]|\$\{")
_DATA_TYPES = frozenset({"kv", "generic", "cubbyhole"})
_DATA = re.compile(r"(?:data|metadata|subkeys)(?:/.*)?", re.IGNORECASE)
_DATA_ANYWHERE = re.compile(rf".+/{_DATA.pattern}", re.IGNORECASE)
#: Other addresses of what kinds cover, and the section where it is written.
_ALIASES = {
    "sys/policy": "policies",
    "sys/remount": "secrets",
    "sys/tune": "secrets",
    "identity/entity": "identity.entities",
    "identity/entity-alias": "identity.entities",
    "identity/alias": "identity.entities",
    "identity/persona": "identity.entities",
    "identity/group": "identity.groups",
    "identity/group-alias": "identity.groups",
    "identity/lookup": "identity",
}
#: Segments that stand for an act, most of which answers with a credential, a key or a token (all engines of all
#: three servers and of Vault Enterprise).
_ACTS = re.compile(
    r"(?:static-)?creds?|credentials?|sts|issue|sign(?:-.+)?|(?:.+-)?export|(?:.+-)?generate(?:-.+)?|code|"
    r"(?:.+-)?login|auth_url|authorize|callback|poll|(?:secondary-)?token|(?:.+-)?lookup(?:-.+)?|renew(?:-.+)?|"
    r"revoke(?:-.+)?|re(?:key|rotate)(?:-.+)?|rotate(?:-.+)?|(?:custom-)?secret-id(?:-.+)?|role-id|(?:un|re)?wrap|"
    r"datakey|encrypt|decrypt|hmac|verify|validate|random|encode|decode|backup|restore|check-(?:in|out)|new-eab|"
    r"snapshot(?:-force)?|destroy|undelete|exported|auth|sys|cubbyhole",
    re.IGNORECASE,
)
#: What is below `sys/` and is no configuration: acts, secrets of the server itself, endless streams.
_SYS = re.compile(
    r"(?:wrapping|raw|generate-root|generate-recovery-token|rekey|rekey-recovery-key|rotate|unseal|seal|seal-status|"
    r"step-down|init|leases|renew|revoke|revoke-force|revoke-prefix|tools|capabilities[\w-]*|decode-token|monitor|"
    r"pprof|events|metrics|health|leader|ha-status|host-info|in-flight-req|key-status|storage/raft/snapshot[\w-]*|"
    r"storage/raft/bootstrap[\w/-]*|replication/.*|internal/ui|internal/specs|internal/inspect)(?:/.*)?",
    re.IGNORECASE,
)
#: Configuration whose answer holds a secret beside it.
_SECRETIVE = re.compile(r"identity/oidc/client(?:/.*)?", re.IGNORECASE)
#: Configuration below what `_SYS` and `_ACTS` refuse.
_SETTINGS = re.compile(
    r"sys/rotate/config|sys/storage/raft/snapshot-auto/config/[^/]+|sys/replication/performance/primary/paths-filter/.+"
)


def home_of(path: str, types: Types) -> Home | None:
    """The mount in which a path lies, as servers route it: the longest one that it begins with."""
    segments = path.split("/")
    for count in range(len(segments) - 1, 0, -1):
        start = "/".join(segments[:count])
        for section, mount in (("auth", start.removeprefix("auth/")), ("secrets", start)):
            kind = BUILT_IN.get((section, mount), types.get((section, mount)))
            if (section == "auth") == start.startswith("auth/") and kind is not None:
                return Home(section, mount, kind, "/".join(segments[count:]))
    return None


def malformed(path: str) -> Refusal | None:
    """Why a path cannot be written like this."""
    if path.lower().startswith("v1/"):
        return Refusal("is a URL: leave `v1/` out", f"write `{shown(path[3:])}`")
    if "/" not in path.removeprefix("auth/"):
        return Refusal("is no endpoint, which is a path in a mount")
    if _STRANGE.search(path):
        return Refusal("has white space or one of `%`, `?`, `#`, `\\`, `*`, `+` in it", "write the plain API path")
    return None


def refusal(path: str, types: Types) -> Refusal | None:
    """Why no free object may be there, as far as the types of mounts tell; None where it may."""
    home = home_of(path, types)
    found = _covered(path, home) or _alias(path)
    if found is not None or _SETTINGS.fullmatch(path):
        return found
    is_data = _DATA.fullmatch(_within(path, home)) if home is not None else _DATA_ANYWHERE.fullmatch(path)
    if is_data or (home is not None and home.type in _DATA_TYPES):
        return Refusal("is data, which is nobody's configuration", "vaultconf never reads or writes it")
    if _SYS.fullmatch(path.lower().removeprefix("sys/")) and path.lower().startswith("sys/"):
        return Refusal("is no configuration, but an act or a state of the server")
    return _mints(path, home)


def guessed(path: str, types: Types) -> Types:
    """The types of mounts, with what the name of the one in which the path may lie says where nobody gives one."""
    if home_of(path, types) is not None:
        return types
    section, start = ("auth", path.removeprefix("auth/")) if path.startswith("auth/") else ("secrets", path)
    name = start.partition("/")[0]
    kind = "kv" if name == "secret" and section == "secrets" else name
    known = catalogue.known_types(section) | (_DATA_TYPES if section == "secrets" else frozenset())
    return {**types, (section, name): kind} if kind in known else types


def _covered(path: str, home: Home | None) -> Refusal | None:
    """What a kind covers: the object itself, what is below it, and the collection."""
    for kind in _kinds_in(home.section, home.type) if home is not None else _kinds_in("", ""):
        mount = home.mount if kind.in_mount and home is not None else ""
        if found := _shape(kind.name, mount).fullmatch(path):
            params = {"mount": mount, **{name: text or "…" for name, text in found.groupdict().items()}}
            where = shown(kind.yaml.format_map(params))
            return Refusal(f"is of a kind that has a place of its own ({kind.title})", f"write it under `{where}`")
    return None


@cache
def _kinds_in(section: str, mount_type: str) -> tuple[Kind, ...]:
    """The kinds that may cover a path in a mount of a type; those that live in no mount may cover any."""
    return tuple(
        kind
        for kind in catalogue.all_kinds().values()
        if (kind.section == section and mount_type in kind.mount_types if kind.in_mount else not kind.anywhere)
    )


@cache
def _shape(name: str, mount: str) -> re.Pattern[str]:
    """Match the paths of a kind; those of one of many also below it, and without a name."""
    kind = catalogue.all_kinds()[name]
    template = kind.path.replace("{mount}", mount) if kind.in_mount else kind.path
    if not kind.named:
        return re.compile(re.escape(template), re.IGNORECASE)
    parent, _, hole = template.rpartition("/")
    many = r".+" if kind.is_mount else r"[^/]+"
    return re.compile(rf"{re.escape(parent)}(?:/(?P<{hole[1:-1]}>{many})(?:/.*)?)?", re.IGNORECASE)


def _alias(path: str) -> Refusal | None:
    for start, section in _ALIASES.items():
        if f"{path.lower()}/".startswith(f"{start}/"):
            return Refusal("is another address of what has a place of its own", f"write it under `{section}`")
    return None


def _within(path: str, home: Home | None) -> str:
    """The path within its mount; where that is not known, behind the first segment."""
    return home.rest if home is not None else path.removeprefix("auth/").partition("/")[2]


def _mints(path: str, home: Home | None) -> Refusal | None:
    """Whether a path yields credentials, or is no object at all."""
    segments = _within(path, home).split("/")
    act = next((segment for segment in segments if _ACTS.fullmatch(segment)), "")
    if _SECRETIVE.fullmatch(path):
        return Refusal("answers with a secret of its own", "such paths are never read nor written here")
    keys = segments[-1].lower() == "key" or (home is not None and home.type == "gcp" and segments[0] == "key")
    is_token = home is not None and home.path == "auth/token"
    if not (act or keys or is_token):
        return None
    what = f"`{act or segments[-1]}`" if not is_token else "a token path"
    return Refusal(f"may mint or return credentials, or act ({what})", "such paths are never read nor written here")


def problems(objects: Iterable[Desired], mounts: Mapping[MountKey, str], *, guess: bool = False) -> Iterator[Problem]:
    """A problem for every free object that must not be there; `guess`: from names, where only the server knows."""
    objects = tuple(objects)
    free = [item for item in objects if item.kind.anywhere and unsafe_segment(item.address.path) is None]
    namespaces = _namespaces(objects) if free else frozenset()
    by_namespace: dict[str, dict[tuple[str, str], str]] = {}
    for (namespace, section, mount), name in mounts.items() if free else ():
        by_namespace.setdefault(namespace, {})[section, mount] = name
    for item in free:
        path, types = item.address.path, by_namespace.get(item.address.namespace, {})
        wrong = malformed(path) or _in_namespace(item.address, namespaces)
        found = wrong or refusal(path, guessed(path, types) if guess else types)
        if found is not None:
            yield Problem(f"`{shown(str(item.address))}` {found.reason}", item.place, found.hint)


def written_types(objects: Iterable[Desired], foreign: Iterable[MountKey]) -> dict[MountKey, str]:
    """The types that files give to mounts; the name of one to which they give none, where that is a type."""
    found = {key: key[2] if key[2] in catalogue.known_types(key[1]) else "" for key in foreign}
    for item in objects:
        if item.kind.is_mount and "type" in item.values:
            found[item.address.namespace, item.kind.section, item.params["mount"]] = str(item.values["type"])
    return found


def _namespaces(objects: Iterable[Desired]) -> frozenset[str]:
    """The child namespaces that files name."""
    made = {
        join(item.address.namespace, item.params[item.kind.holes[-1]]) for item in objects if item.kind.is_namespace
    }
    return frozenset(made | {item.address.namespace for item in objects})


def _in_namespace(address: Address, namespaces: Iterable[str]) -> Refusal | None:
    """Servers take a path that begins with a namespace for a path in it."""
    for namespace in namespaces:
        if namespace and f"{address}/".startswith(f"{namespace}/") and len(namespace) > len(address.namespace):
            hint = f"write it in a document with `namespace: {shown(namespace)}`"
            return Refusal(f"lies in the namespace `{shown(namespace)}`", hint)
    return None
