"""What a run looks at: `owns`, `prune` and `ignore` of the settings, `--only`, and the day."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from vaultconf.address import Pattern, covered
from vaultconf.caller import NOBODY, Caller
from vaultconf.ledger import NO_LEDGER, Ledger
from vaultconf.model import Address, Held
from vaultconf.settings import Settings, expired


@dataclass(frozen=True, slots=True)
class Scope:
    """What a run looks at: the settings, `--only`, `--resend`, the day on which holds are judged, and the caller.

    `ledger` is what is remembered of earlier runs.
    """

    settings: Settings
    only: tuple[Pattern, ...] = ()
    resend: tuple[Pattern, ...] = ()
    today: datetime.date = datetime.date.min
    caller: Caller = NOBODY
    ledger: Ledger = NO_LEDGER

    def covers(self, address: Address) -> bool:
        """Whether the run looks at this address at all."""
        text = str(address)
        return self.settings.owned(text) and (not self.only or covered(self.only, text))

    def may_cover(self, place: Address) -> bool:
        """Whether it may look at an address like `place`, in which the segment `+` is anything."""
        return all(
            not patterns or any(may_match(pattern.text, str(place)) for pattern in patterns)
            for patterns in (self.settings.owns, self.only)
        )

    def pruned(self, address: Address) -> bool:
        """Whether Git is the whole truth about this address."""
        return any(pattern.reaches(address.namespace, str(address)) for pattern in self.settings.prune)

    def may_prune(self, place: Address) -> bool:
        """Whether Git is the whole truth about an address like `place`, in which the segment `+` is anything."""
        return any(
            may_match(pattern.text, str(place))
            for pattern in self.settings.prune
            if not place.namespace or pattern.text.startswith((f"{place.namespace}/", "+/"))
        )

    def resent(self, address: Address) -> bool:
        """Whether the write-only fields of this object are to be sent again."""
        return covered(self.resend, address)

    def held(self, address: Address) -> Held | None:
        """The hold on this address, if there is one today."""
        text = str(address)
        hold = next((hold for hold in self.settings.ignore if hold.holds(text, self.today)), None)
        return Held(address, hold.reason, hold.until.isoformat() if hold.until else "") if hold else None

    def held_at(self, old: Address, new: Address) -> str:
        """The pattern of a hold that reaches into `old`, and not into `new`, where it is to be; "" for none."""
        holds = (hold for hold in self.settings.ignore if hold.until is None or self.today <= hold.until)
        return _left_behind([hold.pattern.text for hold in holds], str(old), str(new))

    def needed_at(self, old: Address, new: Address) -> str:
        """The same of `break_glass`."""
        return _left_behind([pattern.text for pattern in self.settings.break_glass], str(old), str(new))

    def ended(self, address: Address) -> str:
        """A notice where a hold on this address has ended, else ""."""
        hold = expired(self.settings, str(address), self.today)
        if hold is None or hold.until is None:
            return ""
        why = f" ({hold.reason})" if hold.reason else ""
        return f"{address}: the hold ended on {hold.until.isoformat()}{why}"


def may_match(pattern: str, place: str) -> bool:
    """Whether a pattern covers any path like `place`, in which `+` is any segment, and a final one any rest."""
    mine, theirs = pattern.split("/"), place.split("/")
    for index, (ours, other) in enumerate(zip(mine, theirs, strict=False)):
        if other == "+" and index == len(theirs) - 1:
            return True
        if index == len(mine) - 1 and ours.endswith("*"):
            return other == "+" or other.startswith(ours[:-1])
        if "+" not in (ours, other) and ours != other:
            return False
    return len(mine) == len(theirs)


def _left_behind(patterns: Sequence[str], old: str, new: str) -> str:
    """The first pattern that reaches into `old` and not into `new`, and that is not written for `new` as well."""
    for text in patterns:
        moved = f"{new}{text.removeprefix(old)}"
        if may_match(text, f"{old}/+") and not may_match(text, f"{new}/+") and moved not in patterns:
            return text
    return ""
