"""The verbs as straight lines: the whole program on one screen."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from vaultconf import apply as applying
from vaultconf import (
    checking,
    contents,
    desired,
    documents,
    environment,
    guard,
    history,
    keepsakes,
    live,
    lockout,
    lockout_facts,
    login,
    moves,
    neighbours,
    obstacles,
    off_limits,
    planning,
    project,
    resuming,
    rotation_plan,
    saving,
    sending,
    settings,
    vanished,
)
from vaultconf import contact as contacts
from vaultconf.address import Pattern
from vaultconf.books import Books
from vaultconf.contact import Contact
from vaultconf.desired import DesiredState
from vaultconf.errors import InputError, Problem, Refused
from vaultconf.http import Request
from vaultconf.ledger import NO_LEDGER, Ledger
from vaultconf.login import Credentials
from vaultconf.model import Outcome, Plan
from vaultconf.project import Project
from vaultconf.resolving import Sources
from vaultconf.saved import Rotations, Saved
from vaultconf.scope import Scope
from vaultconf.sealed import Secret
from vaultconf.tables import Table, TableKey, mount_types

#: Keeps a part of a plan's changes.
Narrowing = Callable[[Plan, live.Reading, Scope], Plan]


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says about a run that talks to a server."""

    target: str = ""
    only: tuple[Pattern, ...] = ()
    resend: tuple[Pattern, ...] = ()
    concurrency: int | None = None
    rotations: Rotations | None = None


def validate(root: Path, target: str | None = None, *, may_be_empty: bool = False) -> tuple[Project, DesiredState]:
    """Read and check the files for a target, or for every target. Raises InputError with every problem."""
    return checking.check(project.load(root, may_be_empty=may_be_empty), target)


def validate_every(root: Path) -> dict[str, DesiredState]:
    """What the files say for every target, by name; for "" where there are none. Raises InputError likewise."""
    return checking.check_every(project.load(root))


def validate_each(root: Path, targets: Iterable[str]) -> list[DesiredState]:
    """The same for each of several targets."""
    return [state for _, state in checking.check_each(project.load(root), targets)]


def settled(root: Path) -> Project:
    """Read the project for what needs its settings alone. Raises InputError where these are wrong."""
    loaded = project.load(root)
    problems = [found for found in loaded.problems if found.place is not None and found.place.file == settings.FILE]
    if problems:
        raise InputError(problems)
    return loaded


def connect(
    loaded: Project,
    options: Options,
    *,
    read_only: bool,
    warn: Callable[[Problem], None],
    halted: Callable[[], bool] = lambda: False,
) -> Contact:
    """Open the connection that the project, the options and the environment name; log in where the target says so.

    `warn` hears what goes wrong when the contact ends; a thread of its own is interrupted when `halted` turns true.
    """
    environ = environment.process()
    connection = contacts.connection_for(loaded.settings, options.target, environ)
    target = contacts.target_of(loaded.settings, options.target)
    token: Secret | Credentials | None
    if target is not None and target.login is not None:
        token = login.prepare(target.login, loaded.root, Sources(loaded.root, None), environ)
    else:
        token = contacts.token_for(environ)
    contact = contacts.open_contact(
        connection,
        token,
        project=loaded.settings.project,
        read_only=read_only,
        concurrency=options.concurrency,
        warn=warn,
        halted=halted,
    )
    return replace(contact, resolve=Sources(loaded.root, contact))


def plan(  # noqa: PLR0913, PLR0917 - the files, the server, the ledger, and what of it all
    loaded: Project,
    state: DesiredState,
    contact: Contact,
    options: Options,
    ledger: Ledger = NO_LEDGER,
    narrow: Narrowing | None = None,
) -> Plan:
    """Read the server and compare; what left the files is known by the ledger.

    `narrow` keeps a part of the changes, which then are judged for their dangers by themselves.
    """
    tables = vanished.tables_with(contact, _namespaces(contact, state), ledger)
    state = _with_server_types(loaded, state, tables)
    if refused := tuple(off_limits.problems(state.objects, mount_types(tables))):
        raise InputError(refused)
    scope = replace(scope_of(loaded, contact, options), ledger=ledger)
    moving = moves.find(state.objects, tables, scope)
    looking, tables, scope = moving.looking(contact), moving.renamed(tables), moving.remembered(scope)
    reading, left = vanished.look(looking, state, live.read(looking, state.objects, tables, scope), scope)
    made = planning.make(state, reading, contact.server, scope, contact.resolve, vanished=left)
    made = moves.with_moves(made, moving, reading, contact)
    if narrow is not None:
        made = narrow(made, reading, scope)
        made = replace(made, changes=guard.with_risks(made.changes, reading, contact.caller))
    made = keepsakes.with_held(made, scope, contact)
    made = contents.with_contents(made, contact, tables)
    facts = lockout_facts.gather(made, looking, reading, state.objects, loaded.settings.break_glass)
    made = made if facts is None else lockout.judged(made, facts)
    made = neighbours.with_claims(made, contact, loaded.settings)
    said = (*guard.notices(made, loaded.settings), *history.place_in_queue(loaded.root, ledger.head.commit))
    made = replace(made, notices=(*made.notices, *said))
    return obstacles.with_obstacles(made, _probes(contact, obstacles.probes_for(made)))


def save(made: Plan, loaded: Project, contact: Contact, options: Options, path: Path) -> Plan:
    """Save a plan for `plan_saved`, unless it is incomplete; return it with what there is to say about that.

    Raises InputError where the file cannot be written.
    """
    if made.complete:
        removed = saving.removed(made, contact)
        made = replace(made, notices=(*made.notices, *saving.unseen(removed)))
        made_for = saving.frame(contact, loaded.settings, options.target, options.resend)
        made_for = replace(made_for, rotations=options.rotations)
        saving.save(path, made, made_for, options.only, removed)
    return made


def plan_saved(  # noqa: PLR0913, PLR0917 - likewise
    loaded: Project, state: DesiredState, contact: Contact, options: Options, kept: Saved | None, ledger: Ledger
) -> tuple[Plan, list[Outcome]]:
    """Plan anew, and keep the changes of a saved plan; return the outcomes of those that are done already as well.

    Without a saved plan all changes are kept. Raises Refused where it was made for something else, or something moved.
    """
    if kept is None:
        return plan(loaded, state, contact, options, ledger), []
    resuming.refuse_another(kept, saving.frame(contact, loaded.settings, options.target, options.resend))
    done: list[Outcome] = []
    again = rotation_plan.repeating(kept, contact)

    def narrow(made: Plan, reading: live.Reading, scope: Scope) -> Plan:
        made = again(made, reading)
        chosen, finished = resuming.narrowed(kept, made, saving.removed(made, contact), reading, scope)
        done.extend(finished)
        return chosen

    return plan(loaded, state, contact, replace(options, only=kept.only), ledger, narrow), done


def scope_of(loaded: Project, contact: Contact, options: Options) -> Scope:
    """What a run looks at."""
    today = datetime.datetime.now(tz=datetime.UTC).date()
    return Scope(loaded.settings, options.only, options.resend, today, contact.caller)


def _namespaces(contact: Contact, state: DesiredState) -> set[str]:
    """The namespaces of the documents. Raises InputError, naming the documents, where the server has none."""
    places = {item.address.namespace: item.place for item in reversed(state.objects)}
    places.update({key[0]: place for key, place in reversed(tuple(state.foreign.items()))})
    refused = [
        Problem(contacts.no_namespaces(contact.server, namespace), place, contacts.NAMESPACE_HINT)
        for namespace, place in sorted(places.items())
        if namespace and not contact.server.namespaces
    ]
    if refused:
        raise InputError(refused)
    return set(places)


def _with_server_types(loaded: Project, state: DesiredState, tables: Mapping[TableKey, Table]) -> DesiredState:
    """Read the documents again where the types of other people's mounts decide what stands in them."""
    if not state.foreign:
        return state
    again = desired.build(documents.declare(loaded, mount_types(tables)), loaded.settings)
    if again.problems:
        raise InputError(again.problems)
    return again


def _probes(contact: Contact, paths: Iterable[str]) -> dict[str, Mapping[str, object] | None]:
    return {path: contact.transport.send(contact.within(Request("GET", path))).data for path in paths}


def refuse(made: Plan, loaded: Project, allow: Iterable[Pattern], max_deletes: int | None) -> None:
    """Raise InputError for changes that cannot be made, Refused for those that a guard forbids."""
    if made.errors:
        raise InputError(made.errors)
    problems = guard.refusals(made, allow, loaded.settings, max_deletes)
    if history.is_older(loaded.root, last := made.ledger.head.commit):
        hint = "apply the newest commit; to go back, revert in a new one"
        problems.insert(0, Problem(f"this checkout is older than {last[:12]}, which was applied last", hint=hint))
    if problems:
        raise Refused(problems)


def prepare(made: Plan, contact: Contact) -> list[sending.Ready]:
    """Resolve what will be sent. Raises InputError with every reference that is not at hand."""
    return sending.prepare(made, contact.resolve)


def apply(
    made: Plan, ready: Iterable[sending.Ready], contact: Contact, listen: applying.Listener, ledger: Books | None
) -> list[Outcome]:
    """Carry out a plan that was refused by nobody and prepared; the ledger is written before and after."""
    ready = tuple(ready)
    if ledger is not None:
        ledger.intend(made, ready)
    outcomes = applying.run(ready, contact, contact.resolve, listen)
    if ledger is not None:
        ledger.confirm(made, ready, outcomes)
    return outcomes


def left_alone(made: Plan) -> list[Problem]:
    """What an apply did not touch because it could not be read."""
    return [
        Problem(f"was left alone: {item.reason}{f' ({item.status})' if item.status else ''}", address=str(item.address))
        for item in made.blocked
    ]
