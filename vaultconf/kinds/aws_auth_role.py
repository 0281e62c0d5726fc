"""AWS auth roles. Source: Vault API, `/auth/aws/role`; Vault 2.1 and 1.19."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from vaultconf.fields import Flag, Text, WordSet, one_of
from vaultconf.kind import Kind, Names, setting
from vaultconf.model import Values
from vaultconf.token_fields import OLD_NAMES, TokenFields, token_problems


class AwsAuthRole(TokenFields):
    """Who of AWS may log in: IAM principals, or EC2 instances; all that is bound must hold."""

    auth_type: Annotated[str, one_of("iam", "ec2")] = setting("iam", "How a login proves itself.", immutable=True)
    bound_iam_principal_arn: WordSet = setting((), "iam: ARNs of principals; a `*` at the end is a wildcard.")
    resolve_aws_unique_ids: Flag = setting(
        True, "iam: hold on to the principals' internal IDs; looked up in AWS when ARNs are written."
    )
    inferred_entity_type: Annotated[str, one_of("", "ec2_instance")] = setting(
        "", "iam: infer the EC2 instance from the session's name."
    )
    inferred_aws_region: Text = setting("", "iam: region in which to look for the instance.")
    bound_account_id: WordSet = setting((), "IDs of accounts; iam: only with an inferred instance.")
    bound_ami_id: WordSet = setting((), "IDs of images.")
    bound_ec2_instance_id: WordSet = setting((), "IDs of instances.")
    bound_iam_instance_profile_arn: WordSet = setting((), "ARNs of instance profiles, or prefixes of them.")
    bound_iam_role_arn: WordSet = setting((), "ARNs of the instances' roles, or prefixes of them.")
    bound_region: WordSet = setting((), "ec2: regions.")
    bound_subnet_id: WordSet = setting((), "IDs of subnets.")
    bound_vpc_id: WordSet = setting((), "IDs of VPCs.")
    role_tag: Text = setting("", "ec2: key of the tag that narrows what an instance gets.")
    allow_instance_migration: Flag = setting(False, "ec2: an instance that moved to another host may log in.")
    disallow_reauthentication: Flag = setting(False, "ec2: an instance can log in once only.")


_EC2_ONLY = ("bound_region", "role_tag", "allow_instance_migration", "disallow_reauthentication")


def _check(values: Values) -> Iterator[str]:
    """What every server refuses (seen on 2.1, 1.19)."""
    yield from token_problems(values)
    is_iam = values.get("auth_type", "iam") == "iam"
    if not any(value for name, value in values.items() if name.startswith("bound_")):
        yield "a role needs at least one `bound_…` field"
    if is_iam and (wrong := next((name for name in _EC2_ONLY if values.get(name)), None)):
        yield f"`{wrong}` needs `auth_type: ec2`"
    if not is_iam and values.get("bound_iam_principal_arn"):
        yield "`bound_iam_principal_arn` needs `auth_type: iam`"
    if bool(values.get("inferred_entity_type")) != bool(values.get("inferred_aws_region")):
        yield "`inferred_entity_type` and `inferred_aws_region` go together"
    if values.get("allow_instance_migration") is True and values.get("disallow_reauthentication") is True:
        yield "`allow_instance_migration` and `disallow_reauthentication` exclude each other"


def _stops_resolving(before: Values, after: Values) -> bool:
    return bool(before.get("resolve_aws_unique_ids")) and not after.get("resolve_aws_unique_ids")


KIND = Kind(
    name="aws_auth_role",
    title="AWS auth role",
    model=AwsAuthRole,
    yaml="auth.{mount}.roles.{name}",
    path="auth/{mount}/role/{name}",
    mount_types=frozenset({"aws"}),
    names=Names(folds=True),
    ignored=frozenset({"role_id", "bound_iam_principal_id"}),
    old_names=OLD_NAMES,
    must_replace=_stops_resolving,
    check=_check,
)
