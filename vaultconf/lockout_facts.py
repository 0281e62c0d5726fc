"""What has to be asked before anybody can say whom a plan would lock out: only where it touches them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from vaultconf import catalogue, standing_facts
from vaultconf.address import Pattern
from vaultconf.answers import read_object, unreadable
from vaultconf.caller import NOBODY, Caller
from vaultconf.contact import Contact
from vaultconf.http import Answer, Request
from vaultconf.kind import Kind
from vaultconf.live import Reading
from vaultconf.lockout import Emergency, Facts, emergency_names, later_names, suspected, touching
from vaultconf.model import Address, Desired, Live, Plan, Unreadable
from vaultconf.mounts import type_of
from vaultconf.rights import POLICIES, Found, Need, source_of, to_change
from vaultconf.standing import Person, Way, policies_ever
from vaultconf.transport import Task

_UNKNOWN = "whether this plan locks out its own caller is not known"
#: The sections of what gives access.
_ACCESS = frozenset({"policies", "auth", "identity"})
#: Those of what an entity and its groups give.
_IDENTITY = frozenset({"policies", "identity"})
#: The types of auth methods that know who logs in by the name of the user.
_BY_USER = frozenset({"userpass", "ldap", "okta", "radius"})


def gather(
    plan: Plan, contact: Contact, reading: Reading, declared: Iterable[Desired], patterns: Iterable[Pattern]
) -> Facts | None:
    """Ask for what the judgement needs; None where there is nothing to judge."""
    blind = contact.caller == NOBODY and any(change.kind.section in _ACCESS for change in plan.changes)
    # The policies of a token of another namespace are none that this run could change.
    caller = contact.caller if contact.caller.namespace == contact.namespace.strip("/") else NOBODY
    touched, patterns = touching(caller, plan.changes), tuple(patterns)
    if not plan.changes or not (touched or patterns or blind):
        return None
    asker = _Asker(contact, reading)
    emergencies = [asker.known(who, plan) for pattern in patterns for who in asker.emergencies(pattern)]
    notices = [*_unjudged(emergencies, patterns, plan)]
    person = asker.caller(caller, plan) if touched and caller.entity else None
    names = later_names(caller, person, suspected(caller, person, plan.changes)) if touched else frozenset[str]()
    names = names.union(*(emergency_names(who, plan.changes) for who in emergencies))
    names = names.union(*(policies_ever(who.person, plan.changes) for who in emergencies if who.person is not None))
    if blind:
        notices.append(f"{_UNKNOWN}: its token may not look itself up")
    if person is None and any(change.address.path.startswith("identity/") for change in touched):
        notices.append(f"{_UNKNOWN}: its entity cannot be read")
    return Facts(
        caller=caller if touched else NOBODY,
        policies=asker.policies(sorted(names)),
        person=person,
        emergencies=tuple(emergencies),
        repair=tuple(dict.fromkeys(_repair(declared, emergencies))) if emergencies else (),
        notices=tuple(notices),
    )


def _repair(declared: Iterable[Desired], emergencies: Iterable[Emergency]) -> Iterator[Need]:
    """What it takes to repair access: the declared policies, auth methods, roles and users, and the own way in."""
    for item in declared:
        if item.kind.section in ("policies", "auth"):
            yield from _to_repair(item.kind, item.address)
    for who in emergencies:
        yield from _to_repair(who.kind, who.address)


def _to_repair(kind: Kind, address: Address) -> Iterator[Need]:
    yield Need("read", kind.table or address.path, address.namespace)
    yield from to_change(kind, address)


def _unjudged(found: Iterable[Emergency], patterns: Iterable[Pattern], plan: Plan) -> Iterator[str]:
    """Notices about those named under `break_glass` of whom nothing is known."""
    found, coming = list(found), {change.address for change in plan.changes}
    for pattern in patterns:
        if not any(pattern.matches(str(who.address)) for who in found):
            yield f"`break_glass`: {pattern.text} is nobody that this run can judge"
    for who in found:
        if isinstance(who.values, Unreadable):
            yield f"`break_glass`: {who.address} cannot be judged: {who.values.reason}"
        elif who.person is None:
            yield f"`break_glass`: what its entity and groups do to {who.address} is not known: they cannot be read"
        elif who.values is None and who.address not in coming:
            yield f"`break_glass`: {who.address} is not there"


class _Asker:
    """Asks for single objects, and takes what was read already."""

    def __init__(self, contact: Contact, reading: Reading) -> None:
        self.contact = contact
        self.reading = reading
        self.entities: Answer | None = None

    def ask(self, paths: Iterable[str]) -> list[Answer]:
        """The answers to reads of some paths of the run's namespace."""
        return self.contact.transport.run(self.one(path) for path in paths)

    def one(self, path: str, method: str = "GET") -> Task[Answer]:
        return (yield self.contact.within(Request(method, path)))

    def policies(self, names: Iterable[str]) -> dict[str, Found]:
        """The policies of these names as they are now."""
        found: dict[str, Found] = {}
        asked: list[str] = []
        for name in names:
            read = self.reading.objects.get(Address(f"{POLICIES}{name}"), _NEVER)
            if read is _NEVER or isinstance(read, Unreadable):
                asked.append(name)
            else:
                found[name] = source_of(read.values) if isinstance(read, Live) else None
        for name, answer in zip(asked, self.ask(f"{POLICIES}{name}" for name in asked), strict=True):
            found[name] = _policy(answer)
        return found

    def caller(self, caller: Caller, plan: Plan) -> Person | None:
        """Who the caller is to identity; None where that cannot be read."""
        return standing_facts.of_caller(self.ask, caller.entity, caller.mount, plan.changes)

    def known(self, who: Emergency, plan: Plan) -> Emergency:
        """Somebody with what identity knows of it, where the plan touches what that could change."""
        if all(change.kind.section not in _IDENTITY for change in plan.changes):
            return who
        mount = who.mount.path.removeprefix("sys/auth/")
        name = self.alias(type_of(self.methods().get(mount) or {}), who.address.path)
        if name is None:
            return replace(who, person=None)
        if not name:
            return who
        if self.entities is None:
            self.entities = self.contact.transport.run([self.one("identity/entity/id", "LIST")])[0]
        person = standing_facts.of_login(self.ask, Way.of(mount, name), self.entities, plan.changes)
        return replace(who, person=person)

    def alias(self, mount_type: str, path: str) -> str | None:
        """What a user or role is called where it logs in; "" where that is not one name, None where it is unknown."""
        if mount_type in _BY_USER and "/users/" in path:
            return path.rpartition("/")[2]
        if mount_type == "approle" and "/role/" in path:
            answer = self.ask([f"{path}/role-id"])[0]
            return str(answer.data.get("role_id")) if answer.data else "" if _is_absent(answer) else None
        return ""

    def emergencies(self, pattern: Pattern) -> list[Emergency]:
        """Who is meant by a pattern of `break_glass`."""
        return [who for address in self.matching(pattern) if (who := self.emergency(address)) is not None]

    def matching(self, pattern: Pattern) -> list[Address]:
        """The addresses of a pattern: itself, or what is declared or was seen."""
        if not {"+", "*"} & set(pattern.text):
            return [Address(pattern.text)]
        seen = {*self.reading.objects, *(stranger.address for stranger in self.reading.strangers)}
        return sorted((item for item in seen if not item.namespace and pattern.matches(str(item))), key=str)

    def emergency(self, address: Address) -> Emergency | None:
        """What is known of one identity; None where the path is that of none."""
        home = self.home(address.path)
        if home is None:
            return None
        kind, mount = home
        found = self.reading.objects.get(address, _NEVER)
        if found is _NEVER:
            found = read_object(kind, self.ask([address.path])[0], self.contact.server)
        values = found.values if isinstance(found, Live) else found
        return Emergency(address, mount, kind, values)

    def methods(self) -> Mapping[str, Any]:
        """The auth methods by path; none where they cannot be read."""
        mounts = catalogue.mount_kind("auth")
        table = self.reading.tables.get(("", mounts.name)) if mounts is not None else None
        return table if isinstance(table, Mapping) else {}

    def home(self, path: str) -> tuple[Kind, Address] | None:
        """The kind of an identity, by the type of the auth method that is mounted there."""
        mounts = catalogue.mount_kind("auth")
        if mounts is None:
            return None
        for mount, entry in self.methods().items():
            for group in catalogue.children_of("auth", type_of(entry)).values():
                for kind in group:
                    params = {"mount": mount, kind.holes[-1]: path.rpartition("/")[2]}
                    if kind.named and kind.path_of(params) == path:
                        return kind, Address(mounts.path_of(params))
        return None


_NEVER: Any = object()


def _policy(answer: Answer) -> Found:
    if answer.data is not None:
        return source_of(answer.data) or Unreadable(200, "no policy that this version can read")
    return None if _is_absent(answer) else unreadable(answer)


def _is_absent(answer: Answer) -> bool:
    return answer.status == 404 and not answer.errors
