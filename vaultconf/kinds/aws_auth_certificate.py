"""AWS auth, certificates. Source: Vault API, `/auth/aws/config/certificate`; Vault 2.1 and 1.19.

The server takes the certificate in base64 and returns it as PEM.
"""

from __future__ import annotations

import base64
from typing import Annotated

from vaultconf.fields import Codec, one_of
from vaultconf.kind import REQUIRED, Kind, Spec, setting


def _pem(text: str) -> str:
    return "\n".join(line.strip() for line in text.strip().splitlines())


def _pem_from_yaml(value: object) -> str:
    if not isinstance(value, str) or "-----BEGIN" not in value:
        raise ValueError("must be a certificate in PEM form")
    return _pem(value)


def _to_wire(text: str) -> str:
    return base64.b64encode(f"{text}\n".encode()).decode()


Certificate = Annotated[str, Codec(_pem_from_yaml, lambda value: _pem(str(value)), {"type": "string"}, _to_wire)]


class AwsAuthCertificate(Spec):
    """A certificate of AWS that verifies the identity documents of EC2 instances."""

    aws_public_cert: Certificate = setting(REQUIRED, "The certificate (PEM).")
    type: Annotated[str, one_of("pkcs7", "identity")] = setting("pkcs7", "Which kind of document it verifies.")


KIND = Kind(
    name="aws_auth_certificate",
    title="AWS auth certificate",
    model=AwsAuthCertificate,
    yaml="auth.{mount}.certificates.{name}",
    path="auth/{mount}/config/certificate/{name}",
    listing="auth/{mount}/config/certificates",
    always_sent=("aws_public_cert",),
    mount_types=frozenset({"aws"}),
)
