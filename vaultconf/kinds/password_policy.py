"""Password policies. Source: Vault API, `/sys/policies/password`; OpenBao 2.7.2, Vault 2.1 and 1.19."""

from __future__ import annotations

from typing import Annotated

from vaultconf import password_check
from vaultconf.fields import PolicyText, one_of
from vaultconf.kind import ANY_NAME, REQUIRED, Kind, Spec, setting


class PasswordPolicy(Spec):
    """Rules by which engines make passwords."""

    policy: PolicyText = setting(
        REQUIRED, "The policy: `length` and `rule` blocks.", from_file=True, grammar=password_check.problems
    )
    entropy_source: Annotated[str, one_of("", "platform", "seal")] = setting(
        "", "Where randomness comes from. Vault 2.0 and later.", only="vault"
    )


KIND = Kind(
    name="password_policy",
    title="Password policy",
    model=PasswordPolicy,
    yaml="password_policies.{name}",
    path="sys/policies/password/{name}",
    names=ANY_NAME,
    replaces=True,
    absent=((404, "policy does not exist"),),
)
