"""Configuration of a kubernetes auth method. Source: Vault API, `/auth/kubernetes`; OpenBao 2.7.2, Vault 2.1, 1.19.

A write replaces everything. Of the reviewer's token a server tells only whether there is one.
"""

from __future__ import annotations

from collections.abc import Iterator

from vaultconf.fields import Flag, Text, WordSet
from vaultconf.kind import REQUIRED, Computed, Kind, Obstacle, Spec, setting
from vaultconf.model import Action, Server, Values


def _has_token(_server: Server, values: Values) -> bool:
    return bool(values.get("token_reviewer_jwt"))


class KubernetesConfig(Spec):
    """How the tokens of service accounts are checked."""

    kubernetes_host: Text = setting(REQUIRED, "URL of the Kubernetes API.")
    kubernetes_ca_cert: Text = setting("", "CA of that API (PEM); none is the one of the pod, if there is one.")
    token_reviewer_jwt: Text = setting(
        None,
        "Token for the TokenReview API; sent with every change.",
        write_only=True,
        told_by="token_reviewer_jwt_set",
        secret=True,
    )
    token_reviewer_jwt_set: Flag = setting(
        Computed(_has_token, "true where `token_reviewer_jwt` is written"), "What the server says; not to be written."
    )
    pem_keys: WordSet = setting((), "Keys that sign the tokens of service accounts (PEM).")
    issuer: Text = setting("", "The value that `iss` must have, where that is checked.")
    disable_iss_validation: Flag = setting(True, "`iss` is not checked.")
    disable_local_ca_jwt: Flag = setting(False, "The CA and the token of the pod are not used.")
    use_annotations_as_alias_metadata: Flag = setting(
        False, "Annotations of the service account become metadata of the alias. Vault only.", only="vault"
    )


def _check(values: Values) -> Iterator[str]:
    if "token_reviewer_jwt_set" in values:
        yield "`token_reviewer_jwt_set` is what the server says; write `token_reviewer_jwt`"


def _obstacle(ask: Obstacle) -> str:
    if ask.action is Action.DELETE:
        return "no server can delete it; declare it, or delete the auth method"
    bare = ask.values.get("disable_local_ca_jwt") is True and not ask.values.get("kubernetes_ca_cert")
    return (
        "with `disable_local_ca_jwt` OpenBao needs `kubernetes_ca_cert`"
        if bare and ask.server.product == "openbao"
        else ""
    )


KIND = Kind(
    name="kubernetes_config",
    title="Kubernetes configuration",
    model=KubernetesConfig,
    yaml="auth.{mount}.config",
    path="auth/{mount}/config",
    mount_types=frozenset({"kubernetes"}),
    replaces=True,
    check=_check,
    obstacle=_obstacle,
)
