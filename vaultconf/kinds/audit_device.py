"""Audit devices. Source: Vault API, `/sys/audit`; OpenBao 2.7.2, Vault 2.1 and 1.19.

No server alters a device: a change is delete and create. OpenBao refuses both over the API by default.
"""

from __future__ import annotations

from typing import Annotated

from vaultconf.fields import Flag, Text, WordMap, one_of
from vaultconf.kind import ANY_NAME, REQUIRED, Kind, Obstacle, Spec, setting
from vaultconf.model import RiskReason


class AuditDevice(Spec):
    """Where the server writes who did what."""

    type: Annotated[str, one_of("file", "socket", "syslog", "http")] = setting(
        REQUIRED, "Kind of device; `http` is OpenBao's.", immutable=True
    )
    description: Text = setting("", "For people.", immutable=True)
    local: Flag = setting(False, "Not replicated to other clusters.", immutable=True)
    options: WordMap = setting({}, "Options of the device, such as `file_path`.", immutable=True)


def _obstacle(ask: Obstacle) -> str:
    probe = ask.probe or {}
    if ask.server.product == "openbao" and probe.get("unsafe_allow_api_audit_creation") is False:
        return (
            "OpenBao refuses audit devices over the API: declare it in the server's configuration"
            " (`audit` stanza) or set `unsafe_allow_api_audit_creation = true` there"
        )
    return ""


KIND = Kind(
    name="audit_device",
    title="Audit device",
    model=AuditDevice,
    yaml="audit.{name}",
    path="sys/audit/{name}",
    names=ANY_NAME,
    table="sys/audit",
    base_only=True,
    ignored=frozenset({"path"}),
    alterable=False,
    repeatable=False,
    # While a device is made, Vault 2.1 and 1.19 answer other writes with 500; while one is replaced, nothing is logged.
    alone=True,
    destroys=RiskReason.REMOVES_ACCESS,
    only_last=True,
    loses="the audit log, until another device takes over",
    probe="sys/config/state/sanitized",
    obstacle=_obstacle,
)
