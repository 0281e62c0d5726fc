"""A saved plan at its edges: the file, and what is read from the server because a plan is saved."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from vaultconf import contact as contacts
from vaultconf import output, pins, resuming, saved
from vaultconf.address import Pattern
from vaultconf.contact import Contact
from vaultconf.live import read_one
from vaultconf.model import Action, Address, Change, Live, Plan
from vaultconf.report import data
from vaultconf.saved import Frame, Saved
from vaultconf.settings import Settings
from vaultconf.survey import blank
from vaultconf.transport import Task


def frame(contact: Contact, settings: Settings, target: str, resend: tuple[Pattern, ...]) -> Frame:
    """What the plans of a run are made for. Raises UsageError where its target is not clear."""
    found = contacts.target_of(settings, target)
    return saved.frame(contact.server, contact.namespace, found.name if found is not None else "", resend)


def removed(made: Plan, contact: Contact) -> dict[Address, str | None]:
    """Digests of what the plan deletes, read for that alone; None where it cannot be read."""
    deletes = [change for change in made.changes if change.action is Action.DELETE]
    found = contact.transport.run(_digest(change, contact) for change in deletes)
    return {change.address: digest for change, digest in zip(deletes, found, strict=True)}


def unseen(removed: Mapping[Address, str | None]) -> list[str]:
    """Notices of what will be deleted without being compared."""
    return [f"{address} {resuming.NOT_SEEN}" for address, digest in removed.items() if digest is None]


def _digest(change: Change, contact: Contact) -> Task[str | None]:
    try:
        found = yield from read_one(contact, blank(change.kind, change.params, change.address.namespace))
    except ValueError:  # a name that must not be sent
        return None
    return pins.of_removed(change.kind.fields, found) if isinstance(found, Live) else None


def destination(root: Path, name: str) -> Path:
    """Where a plan is to be saved. Raises InputError where it may not be."""
    return output.check_private(root, name, saved.is_plan, saved.MAX_BYTES)


def save(
    path: Path, made: Plan, made_for: Frame, only: tuple[Pattern, ...], removed: Mapping[Address, str | None]
) -> None:
    """Save a plan, for its owner alone. Raises InputError where it cannot be written."""
    output.save_private(path, data.dump(saved.as_json(made, made_for, only, removed)))


def open_saved(root: Path, name: str) -> Saved:
    """Read a saved plan. Raises InputError."""
    return saved.read(output.read(root / name, name, saved.MAX_BYTES), name)
