"""Which changes of a plan made anew are just those of a saved one; everything else about the saved plan is refused.

What is carried out comes from the checkout and from what is live now. The saved plan selects, and must be equal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from vaultconf import catalogue, pins, rotating
from vaultconf.address import covered
from vaultconf.departed import Departed
from vaultconf.errors import Problem, Refused
from vaultconf.kind import post
from vaultconf.live import Reading
from vaultconf.model import Action, Address, Change, Outcome, Plan, Status
from vaultconf.order import prerequisites
from vaultconf.report import data
from vaultconf.saved import Frame, Planned, Rotations, Saved
from vaultconf.scope import Scope

_AGAIN = "make a new plan, and have it reviewed"
#: What is said of a delete whose object the plan could not read.
NOT_SEEN = "is deleted whatever it looks like then: it could not be read when the plan was made"
_DONE = "already as planned"
_CHANGED = "has changed on the server since the plan was made"
_RESET = "its password was set or sent since the plan was made, or its last rotation is forgotten"
_NOT_AT_HAND = "cannot be compared here as when the plan was made: is a secret not at hand?"


def refuse_another(saved: Saved, here: Frame) -> None:
    """Raise Refused where a plan was made for something else than this run."""
    problems = list(_otherwise(saved.frame, here))
    if problems:
        raise Refused(problems)


def _otherwise(made_for: Frame, here: Frame) -> Iterator[Problem]:
    if made_for.tool != here.tool:
        yield Problem(f"another version of vaultconf saved this plan; this is {here.tool}", hint=_AGAIN)
    if (made_for.product, made_for.cluster) != (here.product, here.cluster):
        yield Problem("the plan is for another server than this", hint="check the address, or make a new plan")
    if made_for.namespace != here.namespace:
        yield Problem("the plan is for another namespace than this", hint="check VAULT_NAMESPACE and the target")
    if made_for.resend != here.resend:
        hint = "a file cannot ask for secrets to be sent again: give the same --resend here"
        yield Problem("the plan was made with another --resend than this", hint=hint)


def narrowed(
    saved: Saved, made: Plan, removed: Mapping[Address, str | None], reading: Reading, scope: Scope
) -> tuple[Plan, tuple[Outcome, ...]]:
    """The plan with the saved changes alone, and the outcomes of those that are done already.

    `removed` are digests of what the plan's deletes start from. Raises Refused with everything that moved.
    """
    lists = (made.declared, made.changes, made.blocked, made.held)
    there = {str(item.address) for listed in lists for item in listed}
    chosen = _Choice(made, removed, Departed(saved, reading, scope, there), saved.frame.rotations)
    for planned in saved.changes:
        chosen.take(planned)
    chosen.need()
    if chosen.problems:
        raise Refused(chosen.problems)
    return chosen.plan(saved), tuple(chosen.done)


class _Choice:
    """Gathers the changes that are as planned, those that are done, and what moved."""

    def __init__(
        self,
        made: Plan,
        removed: Mapping[Address, str | None],
        departed: Departed,
        rotations: Rotations | None,
    ) -> None:
        self.made = made
        self.rotations = rotations
        self.removed = removed
        self.departed = departed
        self.fresh = {str(change.address): change for change in made.changes}
        self.declared = {str(item.address): item for item in made.declared}
        self.unverified = {(str(item.address), item.field) for item in made.unverified}
        self.left_alone = {
            **{str(item.address): "is to be left alone (`ignore`)" for item in made.held},
            **{str(item.address): f"cannot be read: {item.reason}" for item in made.blocked},
        }
        self.chosen: list[Change] = []
        self.done: list[Outcome] = []
        self.problems: list[Problem] = []
        self.unseen: list[str] = []

    def take(self, planned: Planned) -> None:
        """Take over one saved change, or note why not."""
        change = self.fresh.get(planned.address)
        reason = self.left_alone.get(planned.address) or self.not_declared(planned) or self.not_rotating(planned)
        if not reason and self.is_rotated(planned, change):
            change = None
        elif not reason and change is None:
            reason = self.not_done(planned)
        elif not reason and change is not None:
            reason = self.difference(planned, change)
        if reason:
            self.moved(planned, reason)
        elif change is None:
            self.done.append(Outcome(self.as_done(planned), Status.DONE, _DONE))
        else:
            self.chosen.append(change)

    def moved(self, planned: Planned, reason: str) -> None:
        self.problems.append(Problem(reason, hint=_AGAIN, address=planned.address))

    def not_declared(self, planned: Planned) -> str:
        """Why the checkout does not say what the saved plan says; "" where it does."""
        desired = self.declared.get(planned.address)
        if planned.action is Action.DELETE:
            return "is to be deleted, and this checkout declares it" if desired is not None else ""
        if desired is None:
            return f"{planned.action}: this checkout does not declare it"
        if desired.kind.name != planned.kind or pins.of_desired(desired, self.made.server) != planned.desired:
            return "this checkout declares something else than what was planned"
        return ""

    def not_rotating(self, planned: Planned) -> str:
        """Why a saved change is none that a plan of rotations holds; "" where it is, and for every other plan."""
        if self.rotations is None:
            return ""
        if planned.action is not Action.ROTATE or not covered(self.rotations.patterns, planned.address):
            return "is no rotation that the plan says it was made for"
        if (change := self.fresh.get(planned.address)) is None:
            return "is not there, or nothing whose password can be rotated"
        return _RESET if rotating.since(change, self.made.ledger, planned.rotated) is None else ""

    def is_rotated(self, planned: Planned, change: Change | None) -> bool:
        """Whether a password that is to be rotated has been since the plan was made."""
        return self.rotations is not None and rotating.since(change, self.made.ledger, planned.rotated) is True

    def not_done(self, planned: Planned) -> str:
        """Why a change that no new plan has does not count as done; "" where it does."""
        if planned.action is Action.DELETE:
            return self.departed.why_not(planned)
        desired = self.declared[planned.address]
        if planned.action is Action.ROTATE and not rotating.last(desired, None, self.made.ledger):
            return "was to be rotated, and nobody knows that it was"
        unknown = sorted(name for name in planned.fields if (planned.address, name) in self.unverified)
        if planned.action is Action.UPDATE and unknown:
            return f"{_listed(unknown)} {_NOT_AT_HAND}"
        return ""

    def as_done(self, planned: Planned) -> Change:
        """The change of an outcome that nothing is left to do for."""
        desired = self.declared.get(planned.address)
        if desired is None:
            return Change(planned.action, catalogue.all_kinds()[planned.kind], Address(planned.address), {})
        return Change(
            planned.action,
            desired.kind,
            desired.address,
            desired.params,
            owner=desired.owner,
            source=desired.place,
            desired=desired,
        )

    def difference(self, planned: Planned, change: Change) -> str:
        """Why a change is not the one that was planned, nor what an interrupted apply left of it; "" where it is."""
        if change.kind.name != planned.kind:
            return "is of another kind than what was planned"
        if change.action is planned.action is Action.DELETE and planned.live is None:
            self.unseen.append(f"{change.address} {NOT_SEEN}")
            return ""
        here = self.live(change)
        fields = {item.field: pins.canonical(data.field(change, item)) for item in change.fields}
        if change.action is planned.action and here == planned.live and fields == planned.fields:
            same = pins.canonical(pins.sent(change)) == planned.sent
            return "" if same else "what is sent is not what was planned"
        if self.is_half_done(planned, change, fields):
            return ""
        return self.what_moved(planned, change, fields)

    def live(self, change: Change) -> str | None:
        """The digest of what a change starts from."""
        if change.action is Action.DELETE:
            return self.removed.get(change.address)
        return pins.of_live(change, self.made.server)

    def is_half_done(self, planned: Planned, change: Change, fields: Mapping[str, str]) -> bool:
        """Whether the rest of a saved change is left, as a write in several requests may leave it."""
        if planned.action is Action.REPLACE and change.action is Action.CREATE:
            return True
        if change.action is Action.ROTATE:
            return planned.action is Action.CREATE
        if change.action is not Action.UPDATE or change.kind.write is post:
            return False
        if planned.action in (Action.UPDATE, Action.MOVE):
            return fields.items() <= planned.fields.items()
        return planned.action in (Action.CREATE, Action.REPLACE) and self.is_half_made(change)

    def is_half_made(self, change: Change) -> bool:
        """Whether all that differs is as in an object that is made without it, or with a part of it."""
        kind, desired = change.kind, change.desired
        if desired is None or change.before is None:
            return False
        blank = kind.completed(self.made.server, change.params, {})
        names = {name for name in change.after for item in change.fields if _is_of(item.field, name)}
        live, after = change.before.values, change.after
        return all(live.get(name) in (blank.get(name), None) or _is_part(live[name], after[name]) for name in names)

    def what_moved(self, planned: Planned, change: Change, fields: Mapping[str, str]) -> str:
        if change.action is Action.DELETE and planned.action is Action.DELETE:
            return _CHANGED if self.live(change) else "cannot be read, so nobody knows whether it has changed"
        if planned.live is None and change.before is not None:
            return "was not there when the plan was made, and is there now"
        if planned.live is not None and change.action is Action.CREATE:
            return "was there when the plan was made, and is gone"
        if change.action is not planned.action:
            return f"would now be another action ({change.action}) than what was planned"
        return self.what_differs(planned, change, fields)

    def what_differs(self, planned: Planned, change: Change, fields: Mapping[str, str]) -> str:
        """Which fields are not as planned, and whether that is for lack of a secret, then or now."""
        unseen = sorted(item.field for item in change.fields if item.secret and item.field not in planned.fields)
        if unseen:
            return f"{_listed(unseen)} would change too, and the plan does not say so: was a secret not at hand then?"
        missing = sorted(planned.fields.keys() - fields.keys())
        if unknown_here := [name for name in missing if (planned.address, name) in self.unverified]:
            return f"{_listed(unknown_here)} {_NOT_AT_HAND}"
        unlike = sorted(name for name in fields if planned.fields.get(name) != fields[name]) + missing
        return f"{_CHANGED}{f': {_listed(unlike)}' if unlike else ''}"

    def need(self) -> None:
        """Note what a chosen change needs and the saved plan does not hold."""
        if self.problems:
            return
        chosen = {change.address for change in self.chosen}
        done = {outcome.change.address for outcome in self.done}
        needs = prerequisites(change for change in self.made.changes if change.address not in done)
        for change in self.chosen:
            for address in sorted(needs[change.address] - chosen, key=str):
                message = f"needs {address}, which is not as it was when the plan was made"
                self.problems.append(Problem(message, hint=_AGAIN, address=str(change.address)))

    def plan(self, saved: Saved) -> Plan:
        """The plan with the chosen changes alone."""
        chosen = {change.address for change in self.chosen}
        notices = [*self.made.notices, *self.unseen]
        if others := len(self.fresh.keys() - {planned.address for planned in saved.changes}):
            are = "change that is" if others == 1 else "changes that are"
            notices.append(f"{others} {are} not in the saved plan, and not made")
        if pins.of_all(self.made.declared, self.made.server) != saved.desired:
            notices.append("this checkout declares other things too than the one that the plan was made from")
        return replace(
            self.made,
            changes=tuple(self.chosen),
            unmanaged=(),
            unverified=tuple(item for item in self.made.unverified if item.address in chosen),
            blocked=(),
            held=(),
            notices=tuple(notices),
            unchanged=len(self.done),
        )


def _is_part(now: object, after: object) -> bool:
    """Whether a map holds nothing but entries of another one."""
    if not (isinstance(now, Mapping) and isinstance(after, Mapping)):
        return False
    return all(key in after and after[key] == item for key, item in now.items())


def _is_of(field: str, name: str) -> bool:
    return field == name or field.startswith(f"{name}.")


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
