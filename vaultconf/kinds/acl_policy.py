"""ACL policies. Source: Vault API, `/sys/policies/acl`; OpenBao 2.7.2, Vault 2.1 and 1.19."""

from __future__ import annotations

from vaultconf import policy
from vaultconf.fields import Flag, PolicyText
from vaultconf.http import Request
from vaultconf.kind import ANY_FOLDED_NAME, REQUIRED, Kind, Obstacle, Spec, Steps, Write, body_of, setting
from vaultconf.moments import Moment
from vaultconf.standard_policy import is_standard


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
    standard=is_standard,
    ignored=frozenset({"name", "version", "modified"}),
    extras=("version",),
    write=_write,
    obstacle=_obstacle,
)
