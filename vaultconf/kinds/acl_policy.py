"""ACL policies. Source: Vault API, `/sys/policies/acl`; OpenBao 2.7.2, Vault 2.1 and 1.19."""

from __future__ import annotations

import hashlib

from vaultconf import policy
from vaultconf.fields import Flag, PolicyText
from vaultconf.http import Request
from vaultconf.kind import ANY_FOLDED_NAME, REQUIRED, Kind, Obstacle, Spec, Steps, Write, body_of, setting
from vaultconf.moments import Moment
from vaultconf.nouns import Values


class AclPolicy(Spec):
    """An ACL policy: which paths its holders may use, and how."""

    policy: PolicyText = setting(REQUIRED, "The policy in HCL or JSON.", from_file=True, grammar=policy.problems)
    cas_required: Flag = setting(False, "Every write must name the version it replaces.", only="openbao")
    allow_slashes_in_identity_templates: Flag = setting(
        False,
        "Lets a templated value hold `/`.",
        only="openbao",
    )
    allow_wildcards_in_identity_templates: Flag = setting(
        False,
        "Lets a templated value hold `*` and `+`.",
        only="openbao",
    )
    expiration: Moment = setting("", "When the policy ceases to exist (RFC 3339).", only="openbao")


#: What servers make `default` of: SHA-256 of its text on OpenBao 2.7.2, and on Vault 1.19 and 2.1.
_STANDARD = frozenset(
    {
        "965398f5c7db4271acb8bf591ec92e10b4eadb28f277c375f4d842dd313de109",
        "ca6930750a94ffeb1b4c06a233caed863f9b483342042791614344a4a1040538",
    }
)


def _is_standard(values: Values) -> bool:
    return hashlib.sha256(str(values.get("policy")).encode(errors="replace")).hexdigest() in _STANDARD


def _write(kind: Kind, write: Write) -> Steps:
    """With check-and-set where the server has it, so that a change made meanwhile is not overwritten."""
    body = body_of(kind, write)
    if "version" in write.extras:
        body["cas"] = write.extras["version"]
    elif body.get("cas_required"):
        body["cas"] = -1
    yield Request("POST", write.path, body)


def _obstacle(ask: Obstacle) -> str:
    if ask.server.product == "vault" and ask.params["name"] == "control-group":
        return "Vault reserves the policy `control-group`"
    return ""


KIND = Kind(
    name="acl_policy",
    title="ACL policy",
    model=AclPolicy,
    yaml="policies.{name}",
    path="sys/policies/acl/{name}",
    names=ANY_FOLDED_NAME,
    bulk="sys/policies/detailed/acl",
    replaces=True,
    builtin=frozenset({"root", "default", "default-ceiling", "response-wrapping", "control-group"}),
    untouchable=frozenset({"root", "response-wrapping"}),
    standard=_is_standard,
    ignored=frozenset({"name", "version", "modified"}),
    extras=("version",),
    write=_write,
    obstacle=_obstacle,
)
