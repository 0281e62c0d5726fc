"""AWS auth, other accounts. Source: Vault API, `/auth/aws/config/sts`; Vault 2.1 and 1.19."""

from __future__ import annotations

from vaultconf.fields import Text
from vaultconf.kind import REQUIRED, Kind, Spec, setting


class AwsAuthSts(Spec):
    """The role that the server assumes in another AWS account to look up who logs in; named after the account."""

    sts_role: Text = setting(REQUIRED, "ARN of the role.")
    external_id: Text = setting("", "External ID that the role asks for.")


KIND = Kind(
    name="aws_auth_sts",
    title="AWS auth STS role",
    model=AwsAuthSts,
    yaml="auth.{mount}.sts.{name}",
    path="auth/{mount}/config/sts/{name}",
    mount_types=frozenset({"aws"}),
)
