"""Keyed fingerprints tell a changed secret from an unchanged one where no server returns it."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace

from vaultconf import rotating
from vaultconf.diff import Difference, known_value, not_at_hand
from vaultconf.kind import Kind
from vaultconf.ledger import Entry, Ledger
from vaultconf.model import Address, Desired, FieldChange, Server, Unverified
from vaultconf.references import Resolver
from vaultconf.sealed import Secret


def hidden(kind: Kind, server: Server) -> frozenset[str]:
    """The secret fields of a kind that this server takes and never returns."""
    if kind.is_open:  # all that is written is compared
        return frozenset()
    return frozenset(
        name
        for name, spec in kind.fields.items()
        if spec.marks.secret and spec.exists_on(server) and not spec.read_back_on(server)
    )


def fingerprint(key: Secret, address: Address | str, name: str, value: object) -> str:
    """The keyed hash of one field's value. The same value elsewhere has another one."""
    plain = value.reveal() if isinstance(value, Secret) else value
    text = json.dumps([str(address), name, plain], sort_keys=True, default=dict)
    return hmac.new(bytes.fromhex(key.reveal()), text.encode(), hashlib.sha256).hexdigest()


def judged(desired: Desired, found: Difference, ledger: Ledger, server: Server, resolve: Resolver) -> Difference:
    """The difference with what the ledger knows of the fields that could not be compared."""
    names = hidden(desired.kind, server) & desired.values.keys() - set(desired.guidance.ignore)
    if not ledger.mount or not names:
        return found
    verdicts = {name: _verdict(desired, name, ledger, resolve) for name in sorted(names)}
    verdicts |= rotating.verdicts(desired, names, ledger)
    changed = {name for name, verdict in verdicts.items() if isinstance(verdict, FieldChange)}
    return replace(
        found,
        fields=(*found.fields, *(item for item in verdicts.values() if isinstance(item, FieldChange))),
        changed=found.changed | changed,
        unverified=(
            *(item for item in found.unverified if item.field not in names),
            *(item for item in verdicts.values() if isinstance(item, Unverified)),
        ),
    )


def _verdict(desired: Desired, name: str, ledger: Ledger, resolve: Resolver) -> FieldChange | Unverified | None:
    """What is known of one field; None where its value is what was sent last."""
    value = desired.values[name]
    entry = ledger.entries.get(desired.address, Entry("", {}))
    sent = entry.fingerprints.get(name)
    if ledger.closed:
        return Unverified(desired.address, name, "write-only; the ledger cannot be read")
    if sent is None:
        return Unverified(desired.address, name, "write-only; the ledger has no fingerprint of it")
    known = known_value(desired.kind.fields[name], value, resolve)
    if known is None:
        return Unverified(desired.address, name, f"write-only; {not_at_hand(value, resolve)}")
    if not sent:  # whoever sent it last did not live to see what came of it
        return FieldChange(name, secret=True)
    if ledger.key is None:
        why = "is gone" if ledger.key_lost else "cannot be read"
        return Unverified(desired.address, name, f"write-only; the key of the ledger's fingerprints {why}")
    same = hmac.compare_digest(fingerprint(ledger.key, entry.hashed_as or desired.address, name, known), sent)
    return None if same else FieldChange(name, secret=True)
