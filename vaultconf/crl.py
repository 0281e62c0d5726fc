"""Lists of revoked certificates: the serial numbers in one, which are all that a server keeps of it (RFC 5280)."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import Annotated

from vaultconf.fields import Codec

_PEM = re.compile(r"-----BEGIN X509 CRL-----([A-Za-z0-9+/=\s]+)-----END X509 CRL-----")
_SEQUENCE = 0x30
_INTEGER = 0x02
_LONG = 0x80  # in a length: the other bits say how many bytes of length follow


def serials_in(text: str) -> tuple[str, ...]:
    """The serial numbers that a list in PEM revokes, as decimals in order. Raises ValueError, which quotes nothing."""
    try:
        return _in_order(str(number) for number in _revoked(_body(text)))
    except (ValueError, IndexError):
        raise ValueError("must be a list of revoked certificates in PEM (`BEGIN X509 CRL`)") from None


def _in_order(numbers: Iterator[str]) -> tuple[str, ...]:
    return tuple(sorted(set(numbers)))


def _body(text: str) -> bytes:
    """What is signed: the first element of the list."""
    found = _PEM.search(text)
    if found is None:
        raise ValueError
    whole = base64.b64decode("".join(found[1].split()), validate=True)
    return _within(_within(whole))


def _within(data: bytes) -> bytes:
    """The content of a sequence that comes first."""
    tag, content = next(_elements(data), (0, b""))
    if tag != _SEQUENCE:
        raise ValueError
    return content


def _revoked(body: bytes) -> Iterator[int]:
    """The third sequence of the body, after the algorithm and the issuer, has one entry a certificate."""
    sequences = [content for tag, content in _elements(body) if tag == _SEQUENCE]
    if len(sequences) < 2:
        raise ValueError
    for _, entry in _elements(b"".join(sequences[2:3])):
        tag, number = next(_elements(entry), (0, b""))
        if tag != _INTEGER:
            raise ValueError
        yield int.from_bytes(number, signed=True)


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The elements of DER, one after the other: tag, length, content."""
    at = 0
    while at < len(data):
        tag, length, at = data[at], data[at + 1], at + 2
        if length & _LONG:
            more = length ^ _LONG
            length, at = int.from_bytes(data[at : at + more]), at + more
        if at + length > len(data):
            raise ValueError
        yield tag, data[at : at + length]
        at += length


def _from_yaml(value: object) -> tuple[str, ...]:
    if not isinstance(value, str):
        raise ValueError("must be text; put it in quotes")
    return serials_in(value)


def _from_wire(value: object) -> tuple[str, ...]:
    return _in_order(map(str, value)) if isinstance(value, list | tuple | dict) else ()


#: Serial numbers, read from the list itself.
Serials = Annotated[
    tuple[str, ...], Codec(_from_yaml, _from_wire, {"type": "array", "items": {"type": "string"}}, list)
]
