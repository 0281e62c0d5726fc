"""AWS auth, what becomes of an identity. Source: Vault API, `/auth/aws/config/identity`; Vault 2.1 and 1.19."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from vaultconf.fields import WordSet, one_of
from vaultconf.kind import Kind, Spec, setting
from vaultconf.model import Values

_METADATA = ("account_id", "auth_type")


class AwsAuthIdentity(Spec):
    """Which part of an AWS identity names the entity's alias, and what goes into its metadata."""

    iam_alias: Annotated[str, one_of("role_id", "unique_id", "canonical_arn", "full_arn")] = setting(
        "role_id", "What names the alias of an IAM login."
    )
    iam_metadata: WordSet = setting(_METADATA, "Facts of an IAM login that the token and the alias carry.")
    ec2_alias: Annotated[str, one_of("role_id", "instance_id", "image_id")] = setting(
        "role_id", "What names the alias of an EC2 login."
    )
    ec2_metadata: WordSet = setting(_METADATA, "Facts of an EC2 login that the token and the alias carry.")


def _check(values: Values) -> Iterator[str]:
    for name in ("iam_metadata", "ec2_metadata"):
        words = values.get(name)
        if isinstance(words, tuple) and "default" in words:
            yield f"`{name}`: `default` stands for other words; leave the field out, or write them"


KIND = Kind(
    name="aws_auth_identity",
    title="AWS auth identity",
    model=AwsAuthIdentity,
    yaml="auth.{mount}.config.identity",
    path="auth/{mount}/config/identity",
    mount_types=frozenset({"aws"}),
    always=True,
    check=_check,
)
