"""What the ledger holds, for people and for programs; a fingerprint is named, never shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vaultconf.ledger import DUE, Entry, Ledger
from vaultconf.lock import Holder
from vaultconf.model import Address
from vaultconf.report import data
from vaultconf.report.lines import guarded, visible
from vaultconf.report.views import things

FORMAT = "vaultconf.ledger/1"
_COMMIT = 12


def as_json(ledger: Ledger, path: str, holder: Holder | None) -> data.Json:
    """The ledger that is kept at a path, and who holds its lock."""
    head = ledger.head
    return {
        "format": FORMAT,
        "path": path,
        "project": head.project,
        "commit": head.commit or None,
        "applied_at": head.applied_at or None,
        "caller": head.caller or None,
        "lock": {"owner": holder.owner, "reason": holder.reason, "since": holder.since} if holder else None,
        "objects": [_entry(address, entry) for address, entry in _sorted(ledger)],
        "errors": [],
    }


def as_text(ledger: Ledger, path: str, holder: Holder | None) -> str:
    """The same for people."""
    head = ledger.head
    of = f" of the project {head.project}" if head.project else ""
    lines = [f"The ledger {path}{of}"]
    if head.applied_at:
        commit = f"commit {head.commit[:_COMMIT]}" if head.commit else "no commit"
        lines.append(f"Last applied: {commit}, {head.applied_at}, by {head.caller or 'somebody'}")
    if holder is not None:
        lines.append(f"Locked by {holder}")
    lines += ["", *(f"  {_line(address, entry)}" for address, entry in _sorted(ledger))]
    owned = sum(entry.owned for entry in ledger.entries.values())
    lines.append(f"{things(len(ledger.entries), 'object')}, {owned:,} of them made or adopted here.")
    return listing(lines)


def listing(lines: Iterable[str]) -> str:
    """Lines that are safe to print."""
    return "".join(f"{guarded(visible(line))}\n" for line in lines)


def _sorted(ledger: Ledger) -> list[tuple[Address, Entry]]:
    return sorted(ledger.entries.items(), key=lambda item: str(item[0]))


def _entry(address: Address, entry: Entry) -> data.Json:
    return {
        "address": str(address),
        "kind": entry.kind,
        "owned": entry.owned,
        "pending": entry.pending,
        "protect": entry.protect,
        "commit": entry.commit or None,
        "since": entry.since or None,
        "fingerprints": sorted(entry.fingerprints),
        "rotated": entry.rotated or None,
    }


def _line(address: Address, entry: Entry) -> str:
    return "  ".join(filter(None, (str(address), entry.commit[:_COMMIT], entry.since, ", ".join(_marks(entry)))))


def _marks(entry: Entry) -> Iterator[str]:
    if not entry.owned:
        yield "not made here"
    if entry.pending:
        yield "pending"
    if entry.protect:
        yield "protected"
    if entry.rotated:
        yield "to be rotated" if entry.rotated == DUE else f"rotated {entry.rotated}"
    if entry.fingerprints:
        yield f"fingerprint of {', '.join(sorted(entry.fingerprints))}"
