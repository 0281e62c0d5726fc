"""What a hold keeps in a mount or namespace that is to be removed, where only the server knows what that is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from vaultconf.address import Pattern, join
from vaultconf.contact import Contact
from vaultconf.guard import HELD
from vaultconf.model import Address, Change, Plan
from vaultconf.nouns import REMOVES
from vaultconf.scope import Scope, may_match
from vaultconf.survey import look

_PERHAPS = f"perhaps {HELD}: what is there could not be listed"


def with_held(made: Plan, scope: Scope, contact: Contact) -> Plan:
    """The plan with what is held in what it removes, whatever `--only` says.

    A hold that spells the mount or namespace out counts as it is; for others the server is asked what is there.
    """
    homes = [change for change in made.changes if _is_home(change)]
    held = {
        address: HELD
        for home in homes
        for pattern in _holds(home, scope)
        if (address := _spelled(pattern, home)) is not None
    }
    wide = {pattern for home in homes for pattern in _holds(home, scope) if _spelled(pattern, home) is None}
    if wide:
        patterns = tuple(sorted(wide, key=lambda pattern: pattern.text))
        found = look(contact, replace(scope, settings=replace(scope.settings, owns=()), only=patterns))
        held |= {item.address: _PERHAPS for item in found.blocked}
        held |= {item.address: HELD for item in found.held}
    return replace(made, kept={**made.kept, **held}) if held else made


def _is_home(change: Change) -> bool:
    """Whether a change takes away what other objects live in."""
    return change.action in REMOVES and (change.kind.is_mount or change.kind.is_namespace)


def _holds(home: Change, scope: Scope) -> Iterator[Pattern]:
    """The holds of today that may be for something in a mount or namespace."""
    place = f"{join(*_inside(home))}/+"
    for hold in scope.settings.ignore:
        if (hold.until is None or scope.today <= hold.until) and may_match(hold.pattern.text, place):
            yield hold.pattern


def _spelled(pattern: Pattern, home: Change) -> Address | None:
    """The address, or what is written for it, where a pattern names the mount or namespace: it was written for that."""
    namespace, path = _inside(home)
    if not pattern.text.startswith(f"{join(namespace, path)}/"):
        return None
    return Address(pattern.text.removeprefix(f"{namespace}/" if namespace else ""), namespace)


def _inside(home: Change) -> tuple[str, str]:
    """The namespace of what lives in a mount or namespace, and with what its path begins."""
    namespace, path = home.address.namespace, home.address.path
    if home.kind.is_namespace:
        return join(namespace, path.removeprefix("sys/namespaces/")), ""
    return namespace, path.removeprefix("sys/mounts/").removeprefix("sys/")
