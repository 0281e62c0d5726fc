"""What the roles of a database engine share: which credential they give out, and its details.

Source: Vault API, `/database/roles` and `/database/static-roles`; OpenBao 2.7.2, Vault 1.19. A write replaces the
details as a whole, but for `password_policy`, which no write of a role with passwords takes away again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from vaultconf.fields import Count, Text, one_of
from vaultconf.http import Request
from vaultconf.kind import Computed, Kind, Spec, Steps, Write, body_of, setting
from vaultconf.model import Action, Server, Values

#: The details that matter to each type; a server keeps those of a former type without using them.
DETAILS = {
    "password": frozenset({"password_policy"}),
    "rsa_private_key": frozenset({"format", "key_bits"}),
    "client_certificate": frozenset(
        {"ca_cert", "ca_private_key", "common_name_template", "key_type", "key_bits", "signature_bits"}
    ),
}
_PREFIX = "credential_config."
_EC_BITS = 256
_RSA_BITS = 2048


def _format(_server: Server, values: Values) -> str:
    return "pkcs8" if values.get("credential_type") == "rsa_private_key" else ""


def _key_bits(_server: Server, values: Values) -> int:
    if values.get("credential_type") == "rsa_private_key":
        return _RSA_BITS
    by_type = {"rsa": _RSA_BITS, "ec": _EC_BITS}
    return by_type.get(str(values.get("credential_config.key_type")), 0)


def _signature_bits(_server: Server, values: Values) -> int:
    return 256 if values.get("credential_type") == "client_certificate" else 0


class CredentialConfig(Spec):
    """Details of the credential; which of them matter depends on `credential_type`."""

    password_policy: Text = setting(
        "", "password: the password policy.", names="password_policy", must_exist=False, resets=True
    )
    format: Annotated[str, one_of("", "pkcs8")] = setting(
        Computed(_format, "pkcs8 for an RSA key"), "rsa_private_key: format of the key.", resets=True
    )
    key_type: Annotated[str, one_of("", "rsa", "ec", "ed25519")] = setting(
        "", "client_certificate: type of the key.", resets=True
    )
    key_bits: Count = setting(
        Computed(_key_bits, "2048 for RSA, 256 for EC"), "Size of the key; not of a password.", resets=True
    )
    signature_bits: Count = setting(
        Computed(_signature_bits, "256 for certificates"), "client_certificate: size of the signature.", resets=True
    )
    common_name_template: Text = setting("", "client_certificate: template for the name.", resets=True)
    ca_cert: Text = setting("", "client_certificate: the CA's certificate (PEM).", resets=True)
    ca_private_key: Text = setting(
        "", "client_certificate: the CA's key (PEM); the server returns it.", secret=True, resets=True
    )


def from_wire(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Leave out the details that the server kept from a former type."""
    details = data.get("credential_config") or {}
    unused = frozenset[str]().union(*DETAILS.values()) - _of_type(data)
    return {**data, "credential_config": {name: value for name, value in details.items() if name not in unused}}


def _of_type(values: Mapping[str, Any]) -> frozenset[str]:
    return DETAILS.get(str(values.get("credential_type")), frozenset())


def check(values: Values) -> Iterable[str]:
    """What does not belong to the type that is written."""
    wanted = DETAILS.get(str(values.get("credential_type", "password")))
    for name in values:
        detail = name.removeprefix(_PREFIX)
        if wanted is not None and detail != name and detail not in wanted:
            yield f"`{name}` has no meaning with this `credential_type`"


def write(kind: Kind, write: Write) -> Steps:
    """Write a role; a password policy goes away only where the type is another one for a moment."""
    body = body_of(kind, write)
    details = body.pop("credential_config", {})
    if isinstance(details, dict):
        details = {name: value for name, value in details.items() if value and name in _of_type(write.values)}
        body |= {"credential_config": details} if details else {}
    if _drops_policy(write):
        needed = {name: body[name] for name in kind.always_sent if name in body}
        yield Request("POST", write.path, {**needed, "credential_type": "rsa_private_key"})
        body["credential_type"] = "password"
    yield Request("POST", write.path, kind.to_wire(body), repeatable=kind.repeatable)


def _drops_policy(write: Write) -> bool:
    policy = _PREFIX + "password_policy"
    stays_password = write.values.get("credential_type") == "password"
    gone = bool(write.before.get(policy)) and not write.values.get(policy)
    return write.action is Action.UPDATE and stays_password and gone
