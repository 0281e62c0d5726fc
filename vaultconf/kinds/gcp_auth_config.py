"""Google Cloud auth, its configuration. Source: Vault API, `/auth/gcp/config`; Vault 2.1 and 1.19."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from vaultconf.cloud_fields import CloudFields
from vaultconf.fields import Text, WordSet, one_of
from vaultconf.kind import Kind, Spec, setting
from vaultconf.model import Values

_IAM = ("project_id", "role", "service_account_email", "service_account_id")
_GCE = (
    "instance_creation_timestamp", "instance_id", "instance_name", "project_id", "project_number", "role",
    "service_account_email", "service_account_id", "zone",
)  # fmt: skip


class GcpEndpoints(Spec):
    """Other addresses of Google's services."""

    api: Text = setting("", "In place of `www.googleapis.com`.")
    iam: Text = setting("", "In place of `iam.googleapis.com`.")
    crm: Text = setting("", "In place of `cloudresourcemanager.googleapis.com`.")
    compute: Text = setting("", "In place of `compute.googleapis.com`.")


class GcpAuthConfig(CloudFields):
    """How the server asks Google who is logging in; without credentials it uses its own machine's."""

    credentials: Text = setting(None, "Key of a service account (JSON).", write_only=True, secret=True)
    iam_alias: Annotated[str, one_of("role_id", "unique_id")] = setting(
        "role_id", "What names the alias of an IAM login."
    )
    iam_metadata: WordSet = setting(_IAM, "Facts of an IAM login that the token and the alias carry.")
    gce_alias: Annotated[str, one_of("role_id", "instance_id")] = setting(
        "role_id", "What names the alias of a machine's login."
    )
    gce_metadata: WordSet = setting(_GCE, "Facts of a machine's login that the token and the alias carry.")
    custom_endpoint: GcpEndpoints = GcpEndpoints()


def _check(values: Values) -> Iterator[str]:
    for name in ("iam_metadata", "gce_metadata"):
        words = values.get(name)
        if isinstance(words, tuple) and "default" in words:
            yield f"`{name}`: `default` stands for other words; leave the field out, or write them"


KIND = Kind(
    name="gcp_auth_config",
    title="Google Cloud auth configuration",
    model=GcpAuthConfig,
    yaml="auth.{mount}.config",
    path="auth/{mount}/config",
    mount_types=frozenset({"gcp"}),
    always=True,
    # Read out of the credentials.
    ignored=frozenset({"client_email", "client_id", "private_key_id", "project_id"}),
    check=_check,
)
