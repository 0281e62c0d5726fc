"""Lists of revoked certificates of cert auth methods. Source: Vault API, `/auth/cert`; OpenBao 2.7.2, Vault 2.1, 1.19.

A server keeps the serial numbers of a list, or the URL at which it asks for one again and again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vaultconf.crl import Serials, serials_in
from vaultconf.fields import Text
from vaultconf.kind import Computed, Kind, Names, Spec, setting
from vaultconf.model import Server, Values


def _serials(_server: Server, values: Values) -> object:
    text = values.get("crl")
    return serials_in(text) if isinstance(text, str) else text or ()


class CertCrl(Spec):
    """Which certificates may no longer log in."""

    crl: Text = setting(None, "The list (PEM); compared by its serial numbers.", write_only=True, told_by="serials")
    url: Text = setting("", "Where the server finds the list, in place of the list.")
    serials: Serials = setting(
        Computed(_serials, "those in `crl`"), "Serial numbers that the server revokes; not to be written."
    )


def _from_wire(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The serial numbers found at a URL are nobody's configuration."""
    plain = {name: value for name, value in data.items() if name not in ("cdp", "serials")}
    place = data.get("cdp") or {}
    return {**plain, "url": place.get("url"), "serials": () if place else data.get("serials") or ()}


def _check(values: Values) -> Iterator[str]:
    if "serials" in values:
        yield "`serials` are what the server says; write `crl`"
    if bool(values.get("crl")) == bool(values.get("url")):
        yield "either `crl` or `url` must be there"
    try:
        _serials(Server(""), values)
    except ValueError as error:
        yield f"`crl` {error}"


KIND = Kind(
    name="cert_crl",
    title="Certificate revocation list",
    model=CertCrl,
    yaml="auth.{mount}.crls.{name}",
    path="auth/{mount}/crls/{name}",
    mount_types=frozenset({"cert"}),
    names=Names(folds=True),
    absent=((400, "no such CRL"), (404, "")),
    replaces=True,
    from_wire=_from_wire,
    check=_check,
)
