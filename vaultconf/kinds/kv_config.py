"""Configuration of a KV v2 engine. Source: Vault API, `/kv/config`; OpenBao 2.7.2, Vault 2.1 and 1.19."""

from __future__ import annotations

from vaultconf.fields import Count, Duration, Flag
from vaultconf.kind import Kind, Spec, setting
from vaultconf.model import Values


class KvConfig(Spec):
    """What holds for all keys of the engine."""

    max_versions: Count = setting(0, "How many versions of a key are kept; 0 is the server's 10.")
    cas_required: Flag = setting(False, "Every write must name the version it replaces.")
    delete_version_after: Duration = setting(0, "Age at which a version is deleted; 0 is never.")
    metadata_cas_required: Flag = setting(False, "The same for metadata.", only="openbao")


def _is_version_2(mount: Values) -> bool:
    options = mount.get("options")
    return isinstance(options, dict) and options.get("version") == "2"


KIND = Kind(
    name="kv_config",
    title="KV configuration",
    model=KvConfig,
    yaml="secrets.{mount}.config",
    path="{mount}/config",
    mount_types=frozenset({"kv"}),
    applies=_is_version_2,
    always=True,
)
