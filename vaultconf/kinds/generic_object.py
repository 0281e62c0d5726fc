"""Endpoints that no other kind covers. Source: Vault API; OpenBao 2.7.2, Vault 2.1 and 1.19.

Nobody knows here what an endpoint resets, so every write sends all that is written. It is never sent twice.
"""

from __future__ import annotations

from vaultconf.http import Request
from vaultconf.kind import ANY_NAME, Kind, Open, Steps, Write

_IGNORED = "Endpoint ignored these unrecognized parameters"


class GenericObject(Open):
    """An endpoint that no other kind covers, by its path. Only the fields that are written are compared: numbers,
    durations and lists by value. Their values are shown nowhere, unless `vaultconf: {show: [field]}` lets the plan
    show what the file says. What the server answers is never shown."""


def _write(_: Kind, write: Write) -> Steps:
    """Send all that is written. What the server does not know it ignores with a warning (all three servers)."""
    body = {name: write.values[name] for name in sorted(write.send)}
    answer = yield Request("POST", write.path, body, repeatable=False)
    if any(_IGNORED in text for text in answer.warnings):
        raise ValueError("the server ignored fields that it does not know; correct their names, or take them out")


KIND = Kind(
    name="generic_object",
    title="Generic object",
    model=GenericObject,
    yaml="generic.{path}",
    path="{path}",
    names=ANY_NAME,
    replaces=True,
    absent=((404, ""), (200, "")),
    repeatable=False,
    prunable=False,
    write=_write,
)
