"""Configuration of a cert auth method. Source: Vault API, `/auth/cert`; OpenBao 2.7.2, Vault 2.1 and 1.19.

A size that nobody set is returned as 0, which no server takes for a size; what it means is in the defaults here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from vaultconf.fields import Codec, Count, Flag
from vaultconf.kind import Kind, Spec, setting
from vaultconf.model import Values

_SIZES = {"ocsp_cache_size": 100, "role_cache_size": 200}


def _size_from_yaml(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < -1 or value == 0:
        raise ValueError("must be a number from 1 on, or -1 for no cache")
    return value


Size = Annotated[int, Codec(_size_from_yaml, int, {"type": "integer", "minimum": -1})]


class CertConfig(Spec):
    """What holds for all certificates."""

    disable_binding: Flag = setting(False, "A token can be renewed with another certificate, or none.")
    enable_identity_alias_metadata: Flag = setting(False, "Metadata of the certificate goes onto the alias.")
    ocsp_cache_size: Count = setting(100, "How many OCSP answers are kept.")
    role_cache_size: Size = setting(200, "How many certificates are kept in memory. Vault only.", only="vault")
    enable_metadata_on_failures: Flag = setting(
        False, "The audit log tells of the certificate when a login fails. Vault 2.1 and later.", only="vault"
    )


def _from_wire(data: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**data, **{name: data[name] or size for name, size in _SIZES.items() if name in data}}


def _check(values: Values) -> Iterator[str]:
    size = values.get("ocsp_cache_size")
    if isinstance(size, int) and not 2 <= size <= 100_000:
        yield "`ocsp_cache_size` must be from 2 to 100000"


KIND = Kind(
    name="cert_config",
    title="Cert configuration",
    model=CertConfig,
    yaml="auth.{mount}.config",
    path="auth/{mount}/config",
    mount_types=frozenset({"cert"}),
    always=True,
    check=_check,
    from_wire=_from_wire,
)
