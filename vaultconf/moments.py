"""Points in time: one value from either side, whatever the zone in which it was written."""

from __future__ import annotations

import datetime
from typing import Annotated

from vaultconf.fields import Codec

_SCHEMA = {"type": "string", "format": "date-time"}


def _moment_from_yaml(value: object) -> str:
    """Read RFC 3339 with a zone. Raises ValueError."""
    try:
        moment = datetime.datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError('must be a date and time with a zone, such as "2030-01-31T00:00:00Z"')
    return moment.astimezone(datetime.UTC).isoformat().replace("+00:00", "Z")


def _moment_from_wire(value: object) -> str:
    try:
        return _moment_from_yaml(value)
    except ValueError:
        return str(value)


#: UTC in RFC 3339, as servers return it (OpenBao 2.7.2); finer than a microsecond is cut off.
Moment = Annotated[str, Codec(_moment_from_yaml, _moment_from_wire, _SCHEMA)]
