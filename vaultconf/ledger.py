"""What the ledger holds, as values: what we made, fingerprints of what nobody can read, and the last apply.

It is kept in a KV v2 engine as one entry for the head, one for the key of the fingerprints, and 64 shards of
addresses, so that many thousand of them stay far below the size that a storage takes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from vaultconf.address import join
from vaultconf.nouns import Address
from vaultconf.sealed import Secret

FORMAT = "vaultconf.ledger/1"
_SHARDS = 64
#: The names of its entries.
HEAD, KEY, SHARD = "head", "key", "owned/{}"
#: A rotation that was begun, or is to follow the making of an object.
DUE = "due"
SHARDS = tuple(f"{number:02x}" for number in range(_SHARDS))


@dataclass(frozen=True, slots=True)
class Entry:
    """What is remembered of one object.

    owned: we made it, or took it over, so that it goes when it leaves Git. pending: that was written down before the
    object was, and not confirmed after. `commit` and `since` (UTC, RFC 3339) are those of its making. `fingerprints`
    has a keyed hash for each field that was sent and that no server returns; "" where it is not known what came of it;
    `hashed_as` is the address that they were made for, "" where the object has not moved since.
    `rotated` is when the server last changed the password at our wish (UTC, RFC 3339), so that the one in the files is
    none any more; `DUE` where it is to do so, and it is not known whether it has.
    """

    kind: str
    params: Mapping[str, str]
    owned: bool = False
    pending: bool = False
    protect: bool = False
    commit: str = ""
    since: str = ""
    fingerprints: Mapping[str, str] = field(default_factory=dict, repr=False)
    hashed_as: str = ""
    rotated: str = ""

    @property
    def tells_nothing(self) -> bool:
        """Whether it need not be kept."""
        return not (self.owned or self.protect or self.fingerprints or self.rotated)


@dataclass(frozen=True, slots=True)
class Head:
    """Whose ledger it is, and the last apply: commit ("" where there is none), moment (UTC, RFC 3339), caller."""

    project: str = ""
    commit: str = ""
    applied_at: str = ""
    caller: str = ""


@dataclass(frozen=True, slots=True)
class Ledger:
    """All that is remembered.

    `mount` is the path of the engine that holds it, "" where a project keeps no ledger. `closed` says why it could
    not be read, "" where it was; `key` is None where there is none yet, or this run may not read it. `key_lost`: there
    is none, and there are fingerprints that were made with one.
    """

    mount: str = ""
    closed: str = ""
    head: Head = Head()
    entries: Mapping[Address, Entry] = field(default_factory=dict, repr=False)
    key: Secret | None = None
    key_lost: bool = False

    def holds(self, address: Address) -> bool:
        """Whether an object is the engine that the ledger lives in, or lies in it."""
        path = f"{address.path}/"
        inside = path.startswith((f"sys/mounts/{self.mount}/", f"{self.mount}/"))
        return bool(self.mount) and not address.namespace and inside


#: Of a project that keeps none.
NO_LEDGER = Ledger()


def goes_with(address: Address, removed: Address) -> bool:
    """Whether an object is gone with a mount or namespace that was deleted."""
    if removed.path.startswith("sys/namespaces/"):
        home = join(removed.namespace, removed.path.removeprefix("sys/namespaces/"))
        return f"{address.namespace}/".startswith(f"{home}/")
    inside = removed.path.removeprefix("sys/mounts/").removeprefix("sys/")
    is_mount = inside != removed.path and removed.path.startswith(("sys/mounts/", "sys/auth/"))
    return is_mount and address.namespace == removed.namespace and address.path.startswith(f"{inside}/")


def shard_of(address: Address) -> str:
    """The name of the shard that holds an address."""
    return SHARDS[hashlib.sha256(str(address).encode()).digest()[0] % _SHARDS]


def shards_of(entries: Mapping[Address, Entry]) -> dict[str, dict[str, Any]]:
    """The entries as the JSON of each shard; {} for one that is empty."""
    shards: dict[str, dict[str, Any]] = {name: {} for name in SHARDS}
    for address, entry in sorted(entries.items(), key=lambda item: str(item[0])):
        shards[shard_of(address)][str(address)] = _to_json(address, entry)
    return shards


def entries_of(shards: Iterable[Mapping[str, Any]]) -> dict[Address, Entry]:
    """Read the shards. Raises ValueError where they are not of this format."""
    return dict(_from_json(text, data) for shard in shards for text, data in shard.items())


def head_to_json(head: Head) -> dict[str, Any]:
    """The JSON of the head."""
    return {"format": FORMAT, **{item.name: getattr(head, item.name) for item in fields(head)}}


def head_from_json(data: Mapping[str, Any] | None) -> Head:
    """Read the head; that of a new ledger where there is none. Raises ValueError where it is of another format."""
    if not data:
        return Head()
    if data.get("format") != FORMAT:
        message = f"is of the format {str(data.get('format', 'none'))[:40]!r}, and this version reads {FORMAT}"
        raise ValueError(message)
    return Head(**{item.name: str(data.get(item.name, "")) for item in fields(Head)})


def _to_json(address: Address, entry: Entry) -> dict[str, Any]:
    """Only what is not the usual, in the order of the fields."""
    known = {item.name: getattr(entry, item.name) for item in fields(entry)}
    return {
        "kind": known.pop("kind"),
        "params": dict(known.pop("params")),
        **({"namespace": address.namespace} if address.namespace else {}),
        **{name: dict(value) if isinstance(value, Mapping) else value for name, value in known.items() if value},
    }


def _from_json(text: str, data: object) -> tuple[Address, Entry]:
    if not isinstance(data, Mapping) or not isinstance(data.get("params"), Mapping):
        raise ValueError("has an entry of another format")
    namespace = str(data.get("namespace", ""))
    address = Address(text.removeprefix(f"{namespace}/") if namespace else text, namespace)
    entry = Entry(
        kind=str(data.get("kind", "")),
        params={str(name): str(value) for name, value in data["params"].items()},
        owned=data.get("owned") is True,
        pending=data.get("pending") is True,
        protect=data.get("protect") is True,
        commit=str(data.get("commit", "")),
        since=str(data.get("since", "")),
        fingerprints={str(name): str(mac) for name, mac in (data.get("fingerprints") or {}).items()},
        hashed_as=str(data.get("hashed_as", "")),
        rotated=str(data.get("rotated", "")),
    )
    return address, entry
