"""Lists of texts: what people write and what servers answer, as one canonical tuple."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence


def items(value: object, *, split: bool) -> list[str]:
    """Read the items of a YAML list; a text is split at commas as Vault does, or is the only item.

    Raises ValueError, which quotes no value.
    """
    if isinstance(value, str):
        return [item.strip() for item in value.split(",") if item.strip()] if split else [value]
    if not isinstance(value, list | tuple):
        raise ValueError("must be a list")
    for item in value:
        if not isinstance(item, str):
            raise ValueError("must be a list of texts; put numbers and words like true in quotes")
        if split and "," in item:
            raise ValueError("has a comma inside an item; write two items")
        if split and not item.strip():
            raise ValueError("has an empty item")
    return [item.strip() if split else item for item in value]


def wire_items(value: object, *, split: bool) -> list[str]:
    """Read the items of a server's list."""
    if isinstance(value, str):
        return [item.strip() for item in value.split(",") if item.strip()] if split else [value] if value else []
    return [str(item) for item in value] if isinstance(value, list | tuple) else []


def distinct(found: Sequence[str]) -> tuple[str, ...]:
    """A list without order."""
    return tuple(sorted(set(found)))


def folded(found: Sequence[str]) -> tuple[str, ...]:
    """A list without order whose items the server folds to lower case."""
    return tuple(sorted({item.strip().lower() for item in found}))


def policy_names(value: object) -> tuple[str, ...]:
    """Names of ACL policies as people write them. Raises ValueError."""
    names = items(value, split=True)
    folds = next((name for name in names if name != name.lower()), None)
    if folds is not None:
        raise ValueError(f"names a policy in upper case; Vault knows it as `{folds.lower()[:80]}`")
    return folded(names)


def _cidr(item: str) -> str:
    """`1.2.3.4/32` is stored as `1.2.3.4`; other networks keep their host bits (seen on 2.7.2, 2.1, 1.19)."""
    interface = ipaddress.ip_interface(item)
    return str(interface.ip) if interface.network.num_addresses == 1 else str(interface)


def cidrs_from_yaml(value: object) -> tuple[str, ...]:
    """Addresses and networks as people write them. Raises ValueError."""
    found = items(value, split=True)
    try:
        return distinct([_cidr(item) for item in found])
    except ValueError:
        raise ValueError("must be IP addresses or networks such as `10.0.0.0/8`") from None


def cidrs_from_wire(value: object) -> tuple[str, ...]:
    """Addresses and networks as a server answers them."""
    found = wire_items(value, split=True)
    try:
        return distinct([_cidr(item) for item in found])
    except ValueError:
        # Servers store some malformed networks; they differ from any that can be written here.
        return distinct(found)


def networks(value: object) -> tuple[str, ...]:
    """Networks with their masks as people write them. Raises ValueError."""
    found = items(value, split=True)
    if not all("/" in item for item in found):
        raise ValueError("must be networks with a mask, such as `10.0.0.0/8` or `192.168.0.1/32`")
    try:
        return distinct([str(ipaddress.ip_interface(item)) for item in found])
    except ValueError:
        raise ValueError("must be networks such as `10.0.0.0/8`") from None
