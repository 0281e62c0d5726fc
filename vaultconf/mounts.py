"""What secrets engines and auth methods share: both are mounts, made by POST and changed by tune.

Source: Vault API, `/sys/mounts` and `/sys/auth`; OpenBao 2.7.2, Vault 2.1 and 1.19. One GET of either returns all
mounts with the stored values; the tune endpoint returns effective lifetimes instead, so it is never compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from vaultconf.fields import Count, Duration, Flag, Text, WordMap, Words, one_of
from vaultconf.http import Request
from vaultconf.kind import REQUIRED, Kind, Obstacle, Spec, Steps, Write, body_of, setting
from vaultconf.model import Action, Server, Values
from vaultconf.versions import PluginVersion

#: What a server returns about a mount beside its configuration.
NOT_CONFIGURATION = frozenset(
    {"accessor", "uuid", "deprecation_status", "running_plugin_version", "running_sha256", "local_accessor"}
)

#: Old spellings of types, which a server turns into a type and its options.
TYPE_ALIASES = {
    "kv-v1": 'type: kv with options: {version: "1"}',
    "kv-v2": 'type: kv with options: {version: "2"}',
    "generic": 'type: kv with options: {version: "1"}',
}


class Tune(Spec):
    """What `tune` changes on every mount."""

    default_lease_ttl: Duration = setting(0, "Default lifetime; 0 is the server's.")
    max_lease_ttl: Duration = setting(0, "Longest lifetime; 0 is the server's.")
    audit_non_hmac_request_keys: Words = setting((), "Request fields that the audit log holds in clear.")
    audit_non_hmac_response_keys: Words = setting((), "Response fields that the audit log holds in clear.")
    listing_visibility: Annotated[str, one_of("", "hidden", "unauth")] = setting(
        "", "Whether the mount is listed to who is not logged in."
    )
    passthrough_request_headers: Words = setting((), "Headers handed on to the plugin.")
    allowed_response_headers: Words = setting((), "Headers that the plugin may set.")
    identity_token_key: Text = setting("", "Key that signs the plugin's identity tokens. Vault only.", only="vault")
    trim_request_trailing_slashes: Flag = setting(
        False,
        "Trims slashes at the end of request paths. Vault 2.0 and later.",
        only="vault",
    )


class EngineTune(Tune):
    """What `tune` changes on a secrets engine."""

    force_no_cache: Flag = setting(False, "Turns the cache off; fixed when mounted.", immutable=True)
    allowed_managed_keys: Words = setting((), "Managed keys that the engine may use. Vault only.", only="vault")
    delegated_auth_accessors: Words = setting(
        (), "Auth methods to which the engine may delegate. Vault only.", only="vault"
    )


class Lockout(Spec):
    """User lockout; only userpass, ldap and approle have it."""

    lockout_threshold: Count = setting(0, "Failed logins until a user is locked out; 0 is the server's.")
    lockout_duration: Duration = setting(0, "How long; 0 is the server's.")
    lockout_counter_reset_duration: Duration = setting(0, "When the count starts anew; 0 is the server's.")
    lockout_disable: Flag = setting(False, "Never lock anyone out.")


class AuthTune(Tune):
    """What `tune` changes on an auth method."""

    token_type: Annotated[str, one_of("default-service", "default-batch", "service", "batch")] = setting(
        "default-service", "Kind of token that logins get."
    )
    user_lockout_config: Lockout = Lockout()


class Mount(Spec):
    """What every mount has."""

    type: Text = setting(REQUIRED, "Type of the plugin.", immutable=True)
    description: Text = setting("", "For people.")
    options: WordMap = setting({}, "Options of the plugin, such as `version` of kv.")
    local: Flag = setting(False, "Not replicated to other clusters; fixed when mounted.", immutable=True)
    seal_wrap: Flag = setting(False, "Wraps critical values with the seal; fixed when mounted.", immutable=True)
    external_entropy_access: Flag = setting(
        False,
        "Lets the engine use external entropy; fixed when mounted.",
        immutable=True,
    )
    plugin_version: PluginVersion = setting("", "Version of the plugin; none is the newest or built-in one.")


def from_wire(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Vault's `config` is our `tune`; the lockout's fields bear a prefix when they are read."""
    config = dict(data.get("config") or {})
    lockout = config.pop("user_lockout_config", None) or {}
    if lockout:
        config["user_lockout_config"] = {name.removeprefix("user_"): value for name, value in lockout.items()}
    plain = {name: value for name, value in data.items() if name != "config"}
    plain["type"] = type_of(data)
    return {**plain, "options": with_version(data.get("type"), data.get("options") or {}), "tune": config}


def type_of(data: Mapping[str, Any]) -> str:
    """The type of a mount; those that every child namespace has are called `ns_token` and so on (OpenBao 2.7.2)."""
    return str(data.get("type", "")).removeprefix("ns_")


def with_version(mount_type: object, options: Mapping[str, Any]) -> Mapping[str, Any]:
    """The options of a mount: a KV engine without a version is version 1 (seen on 2.7.2 and 1.19)."""
    return {"version": "1", **options} if mount_type == "kv" else options


def complete(values: dict[str, object], _server: Server) -> None:
    """Add the version of a KV engine where none is written."""
    options = values.get("options")
    if isinstance(options, Mapping):
        values["options"] = with_version(values.get("type"), options)


def write(kind: Kind, write: Write) -> Steps:
    """Mount with everything at once, but for the lockout, which only tune accepts; later changes by tune."""
    tune = body_of(kind, write)
    settings = _with_words(tune.pop("tune", {}))
    lockout = settings.pop("user_lockout_config", None)
    if write.action is Action.UPDATE:
        flat = {**settings, **tune, **_options(write)}
        if lockout is not None:
            flat["user_lockout_config"] = _whole_lockout(kind, write)
        yield Request("POST", f"{write.path}/tune", flat)
        return
    yield Request("POST", write.path, {**tune, "config": settings} if settings else tune, repeatable=False)
    if lockout is not None:
        yield Request("POST", f"{write.path}/tune", {"user_lockout_config": lockout})


def beside(path: str, _values: Values) -> Iterable[tuple[str, str]]:
    """Where a mount is changed."""
    yield "POST", f"{path}/tune"


def _with_words(tune: Any) -> dict[str, Any]:
    """Lifetimes are text on the wire: the text `0` unsets one, the number is refused by some versions."""
    return {name: str(value) if name.endswith("_lease_ttl") else value for name, value in tune.items()}


def _options(write: Write) -> dict[str, object]:
    """Options merge: one that is to go is sent as an empty text."""
    if "options" not in write.send:
        return {}
    before, after = write.before.get("options") or {}, write.values.get("options") or {}
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        return {}
    return {"options": {**dict.fromkeys(before, ""), **after}}


def _whole_lockout(kind: Kind, write: Write) -> dict[str, object]:
    prefix = "tune.user_lockout_config."
    return {
        name.removeprefix(prefix): spec.codec.to_wire(write.values[name])
        for name, spec in kind.fields.items()
        if name.startswith(prefix)
    }


def must_replace(before: Values, after: Values) -> bool:
    """KV goes from version 1 to 2 by tune, and never back."""
    old, new = before.get("options"), after.get("options")
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        return False
    return old.get("version") == "2" and new.get("version") != "2"


def check(values: Values) -> list[str]:
    """What every server refuses about a mount, or would rewrite."""
    problems = []
    if (alias := TYPE_ALIASES.get(str(values.get("type")))) is not None:
        problems.append(f"`type` is an old spelling; write `{alias}`")
    lowest, highest = values.get("tune.default_lease_ttl", 0), values.get("tune.max_lease_ttl", 0)
    if isinstance(lowest, int) and isinstance(highest, int) and 0 < highest < lowest:
        problems.append("`tune.default_lease_ttl` is longer than `tune.max_lease_ttl`")
    return problems


#: Engines that are part of the server and in no catalogue (all three servers).
_NO_PLUGIN = frozenset({"database"})


def missing_plugin(ask: Obstacle, catalogue: str) -> str:
    """Whether the server has no plugin of this type; `catalogue` is its section of the plugin catalogue."""
    known = (ask.probe or {}).get(catalogue)
    wanted = ask.values.get("type")
    if ask.action is Action.UPDATE or not isinstance(known, list) or wanted in _NO_PLUGIN.union(known):
        return ""
    return f"this server has no plugin `{wanted}`; register it, or see `sys/plugins/catalog` for what there is"
