"""What a quota applies to, and how much it lets through. Seen on OpenBao 2.7.2, Vault 2.1 and 1.19."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from vaultconf.fields import Codec
from vaultconf.nouns import Values


def _rate(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise ValueError("must be a number above 0")
    return float(value)


def _place(value: object) -> str:
    """A mount reads back with a slash at its end, a path within one without (all three servers)."""
    if not isinstance(value, str):
        raise ValueError("must be text; put it in quotes")
    return value.strip("/")


def _plainly(rate: float) -> float:
    """A whole number as a person writes it."""
    return int(rate) if rate.is_integer() else rate


Rate = Annotated[float, Codec(_rate, float, {"type": "number", "exclusiveMinimum": 0}, to_yaml=_plainly)]
Place = Annotated[str, Codec(_place, _place, {"type": "string"})]


def needs(values: Values) -> Iterator[tuple[str, str]]:
    """Every namespace and mount that its path may mean: a server refuses a quota of what is not there."""
    parts = str(values.get("path", "")).split("/")
    for start in range(len(parts)):
        namespace = "/".join(parts[:start])
        yield namespace, f"sys/namespaces/{parts[start]}"
        for end in range(start + 1, len(parts) + 1):
            mount = "/".join(parts[start:end])
            yield namespace, f"sys/mounts/{mount}"
            yield namespace, f"sys/{mount}"  # auth/…
