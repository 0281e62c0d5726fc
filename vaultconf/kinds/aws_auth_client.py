"""AWS auth, how the server calls AWS. Source: Vault API, `/auth/aws/config/client`; Vault 2.1 and 1.19."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from vaultconf import lists
from vaultconf.cloud_fields import CloudFields
from vaultconf.fields import Codec, Flag, Text
from vaultconf.kind import Kind, Rotation, setting


def _retries_from_yaml(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < -1:
        raise ValueError("must be a whole number; -1 is the default of AWS's own library")
    return value


def _headers(found: Sequence[str]) -> tuple[str, ...]:
    """HTTP headers in the spelling in which a server stores them."""
    return lists.distinct(["-".join(part.capitalize() for part in item.split("-")) for item in found])


Retries = Annotated[int, Codec(_retries_from_yaml, int, {"type": "integer", "minimum": -1})]
Headers = Annotated[
    tuple[str, ...],
    Codec(
        lambda value: _headers(lists.items(value, split=True)),
        lambda value: _headers(lists.wire_items(value, split=True)),
        {"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "string"}]},
        list,
    ),
]


class AwsAuthClient(CloudFields):
    """How the server asks AWS who is logging in; without keys it uses its own instance's or environment's."""

    access_key: Text = setting("", "Access key; a new one needs its `secret_key` sent again (`--resend`).")
    secret_key: Text = setting(
        None, "Its secret; sent when it is created.", write_only=True, told_by="access_key", secret=True
    )
    endpoint: Text = setting("", "URL of the EC2 API; none is AWS's own.")
    iam_endpoint: Text = setting("", "URL of the IAM API; none is AWS's own.")
    sts_endpoint: Text = setting("", "URL of the STS API; none is AWS's own.")
    sts_region: Text = setting("", "Region of the STS endpoint.")
    use_sts_region_from_client: Flag = setting(False, "Use the region of whoever logs in instead.")
    iam_server_id_header_value: Text = setting("", "Value that the header `X-Vault-AWS-IAM-Server-ID` must have.")
    allowed_sts_header_values: Headers = setting((), "More headers that a login may sign.")
    max_retries: Retries = setting(-1, "How often a call to AWS is tried again; -1 is the library's default.")
    role_arn: Text = setting("", "Role to assume with an identity token. Vault only.", only="vault")


KIND = Kind(
    name="aws_auth_client",
    title="AWS auth client",
    model=AwsAuthClient,
    yaml="auth.{mount}.config.client",
    path="auth/{mount}/config/client",
    mount_types=frozenset({"aws"}),
    rotation=Rotation("auth/{mount}/config/rotate-root", frozenset({"access_key", "secret_key"}), user="access_key"),
)
