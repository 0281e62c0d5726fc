"""Who else logs in as a user whose password is to change, and then no longer could. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from vaultconf import catalogue, rotating
from vaultconf.errors import Problem
from vaultconf.ledger import Ledger
from vaultconf.logins import Alike, Login, login_of
from vaultconf.model import Action, Address, Change, Desired, Plan, Risk, RiskReason, Values

HINT = "give each a user of its own"
_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Logins:
    """The logins of objects, declared ones or live ones, by address; and the addresses by user."""

    known: Mapping[Address, Login]
    of_user: Mapping[str, list[Address]]

    @classmethod
    def of(cls, objects: Iterable[tuple[Desired, Values]]) -> Logins:
        """Work out the logins of objects, given the values of each."""
        found = {item.address: (item, values) for item, values in objects if item.kind.rotation is not None}
        known = {address: login for address in found if (login := _login(address, found)) is not None}
        of_user: dict[str, list[Address]] = defaultdict(list)
        for address, login in known.items():
            for user in login.users:
                of_user[user].append(address)
        return cls(known, of_user)

    def others(self, address: Address, how: Alike) -> list[Address]:
        """Who logs in as the same user as an object does, for sure or maybe."""
        mine = self.known.get(address)
        if mine is None:
            return []
        near = dict.fromkeys(other for user in sorted(mine.users) for other in self.of_user[user])
        return [other for other in near if other != address and mine.alike(self.known[other]) is how]

    def risky(self, change: Change) -> Change:
        """The change of a password with what it may endanger: others, on a server that may be the same."""
        others = self.others(change.address, Alike.MAYBE)
        return _with_risk(change, others, "with the same user name, maybe to the same server, and could no longer")

    def taking(self, change: Change) -> Change:
        """The making of a static role with what it endangers: those who log in as the user that it takes over."""
        return _with_risk(change, self.others(change.address, Alike.YES), "as the same user, and could no longer")


def judged(made: Plan, declared: Iterable[Desired]) -> Plan:
    """The plan with what the passwords that it changes as it goes would do to other declared logins."""
    made = replace(made, changes=tuple(_with_another_user(change, made.ledger) for change in made.changes))
    rotated = {change.address for change in made.changes if change.rotate}
    taken = {change.address for change in made.changes if _takes_over(change)}
    if not rotated and not taken:
        return made
    values = {change.address: change.after for change in made.changes if change.desired is not None}
    logins = Logins.of((item, values.get(item.address, item.values)) for item in declared)
    problems: list[Problem] = []
    changes: list[Change] = []
    for change in made.changes:
        problems += _conflicts(change, logins) if change.address in rotated else ()
        one = logins.risky(change) if change.address in rotated else change
        changes.append(logins.taking(one) if change.address in taken else one)
    return replace(made, changes=tuple(changes), errors=(*made.errors, *problems))


def _with_another_user(change: Change, ledger: Ledger) -> Change:
    """A change of who logs in with what it endangers, where the server keeps a password that it has rotated itself."""
    rotation, desired = change.kind.rotation, change.desired
    if rotation is None or desired is None or change.action is not Action.UPDATE or not rotating.not_sent(change):
        return change
    entry = ledger.entries.get(change.address)
    rotated = bool(entry.rotated) if entry is not None else rotating.is_wished(desired)
    if not rotated or rotation.user not in {item.field for item in change.fields}:
        return change
    detail = (
        f"it would log in as another user with the password of this one; --resend {change.address} sends the new one's"
    )
    return replace(change, risk=change.risk or Risk(RiskReason.REMOVES_ACCESS, detail, str(change.address)))


def _conflicts(change: Change, logins: Logins) -> Iterator[Problem]:
    for other in logins.others(change.address, Alike.YES):
        message = f"its password is to be rotated, and {other} logs in as the same user"
        yield Problem(message, change.source, HINT, str(change.address))


def _takes_over(change: Change) -> bool:
    """Whether making an object changes a password of somebody at once (a static role)."""
    rotation = change.kind.rotation
    return change.action is Action.CREATE and rotation is not None and bool(rotation.warning(change.after))


def _with_risk(change: Change, others: list[Address], how: str) -> Change:
    if not others or change.risk is not None:
        return change
    return replace(change, risk=Risk(RiskReason.REMOVES_ACCESS, f"{_listed(others)} {how}", str(change.address)))


def _listed(others: list[Address]) -> str:
    names = sorted(map(str, others))
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    verb = "logs in" if len(names) == 1 else "log in"
    return f"{', '.join(names[:_MOST_NAMED])}{more} {verb}"


def _login(address: Address, found: Mapping[Address, tuple[Desired, Values]]) -> Login | None:
    item, values = found[address]
    rotation = item.kind.rotation
    if rotation is None or not rotation.through:
        return login_of(item.kind, values)
    names = item.kind.fields[rotation.through].marks.names
    path = catalogue.all_kinds()[names].path_of({**item.params, "name": str(values.get(rotation.through))})
    through = found.get(Address(path, address.namespace))
    return login_of(item.kind, values, (through[0].kind, through[1])) if through is not None else None
