"""First contact: which server this run talks to, what it is, and whether the token is good.

Sources: Vault API, `/sys/health`, `/sys/seal-status`, `/auth/token/lookup-self`; OpenBao 2.7.2, Vault 2.1 and 1.19.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from vaultconf import __version__, environment
from vaultconf.address import join
from vaultconf.caller import NOBODY, Caller
from vaultconf.errors import ConnectionFailed, InputError, Problem, ServerRefused, UsageError, nearest
from vaultconf.http import Answer, Connection, Request, server_at
from vaultconf.login import Credentials, log_in
from vaultconf.model import Server
from vaultconf.references import Resolver
from vaultconf.sealed import Secret
from vaultconf.session import Session, SessionTransport, revoke
from vaultconf.settings import Settings, Target
from vaultconf.transport import Transport

#: How long the first answer may take: seconds, or less where VAULT_CLIENT_TIMEOUT says so.
_FIRST_CONTACT_SECONDS = 10.0
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_HEALTH = (("standbyok", "true"), ("perfstandbyok", "true"))


@dataclass(frozen=True, slots=True)
class Contact:
    """A connection to a known server; `namespace` is the run's base namespace, `end` what its end demands.

    `resolve` yields the values of the run's references, some of which are read through this very connection.
    """

    transport: Transport
    server: Server
    namespace: str
    end: Callable[[], None] = field(default=lambda: None, repr=False)
    caller: Caller = NOBODY
    resolve: Resolver = field(default=lambda _: None, repr=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.end()
        finally:
            self.transport.close()

    def within(self, request: Request, namespace: str = "") -> Request:
        """The request in a namespace below the base."""
        if not (self.namespace or namespace):
            return request
        full = join(self.namespace, namespace)
        return replace(request, namespace=full)


def target_of(settings: Settings, name: str) -> Target | None:
    """The target of a run; None without any. Raises UsageError where the choice is not clear."""
    targets = settings.targets
    if "," in name and name not in targets:
        raise UsageError("this command takes one target", "`plan` and `drift` take several")
    if name and name not in targets:
        hint = nearest(name, targets) or f"there are: {', '.join(sorted(targets)) or 'none'}"
        raise UsageError(f"no target `{name}` in vaultconf.yaml", hint)
    if not name and len(targets) > 1:
        raise UsageError("several targets and none named", f"choose one with --target: {', '.join(sorted(targets))}")
    return targets[name] if name else next(iter(targets.values()), None)


def connection_for(settings: Settings, name: str, environ: Mapping[str, str]) -> Connection:
    """Where to connect: the target over the environment, which may not disagree with it.

    A pull request must not choose where CI's token goes: a `VAULT_ADDR` or `VAULT_NAMESPACE` that differs from
    the target raises InputError before anything is sent.
    """
    target = target_of(settings, name)
    connection = environment.connection(environ)
    if target is None:
        return connection
    problems = list(_disagreements(target, connection, environ))
    if problems:
        raise InputError(problems)
    namespace = connection.namespace if target.namespace is None else target.namespace
    return replace(connection, address=target.address or connection.address, namespace=namespace)


def _disagreements(target: Target, connection: Connection, environ: Mapping[str, str]) -> Iterator[Problem]:
    cure = "unset the variable, or correct the target"
    address = _variable(environ, "ADDR")
    if target.address and address and server_at(target.address) != server_at(connection.address):
        hint = f"{target.address} and {connection.address}: {cure}"
        yield Problem(f"target `{target.name}` and {address} name different servers", target.place, hint)
    namespace = _variable(environ, "NAMESPACE")
    if target.namespace is not None and namespace and target.namespace != connection.namespace:
        hint = f"`{target.namespace or 'root'}` and `{connection.namespace or 'root'}`: {cure}"
        yield Problem(f"target `{target.name}` and {namespace} name different namespaces", target.place, hint)


def _variable(environ: Mapping[str, str], name: str) -> str:
    """The variable that is set, "" where none is."""
    return next((full for full in (f"BAO_{name}", f"VAULT_{name}") if environ.get(full)), "")


def open_contact(  # noqa: PLR0913 - all but two are keywords
    connection: Connection,
    token: Secret | Credentials | None,
    *,
    project: str,
    read_only: bool,
    concurrency: int | None = None,
    warn: Callable[[Problem], None] = lambda _: None,
    halted: Callable[[], bool] = lambda: False,
) -> Contact:
    """Connect and find out what is there; token and credentials are shown only to what is a Vault or OpenBao.

    The token of a login is revoked when the contact ends; `warn` hears where that failed. In a thread of its own a
    run is interrupted, as Ctrl-C would the main one's, when `halted` turns true. Raises ConnectionFailed
    where nothing answers or it is not a Vault, ServerRefused where it is sealed, the token is no good or the login
    is refused, InputError where a namespace is asked of a server that has none.
    """
    _warn_of_weak_tls(connection, warn)
    agent = f"vaultconf/{__version__} ({project})" if project.isprintable() and project.isascii() else "vaultconf"
    patience = replace(connection, timeout=min(connection.timeout, _FIRST_CONTACT_SECONDS))
    with Transport(patience, token=None, read_only=True, user_agent=agent) as first:
        first.heed(halted)
        server = detect(first, connection.address)
    refuse_namespace(server, connection.namespace)
    if isinstance(token, Credentials):
        refuse_namespace(server, token.namespace or "")
    known = None if isinstance(token, Credentials) else _some(token)
    transport = SessionTransport(
        connection, token=known, read_only=read_only, concurrency=concurrency, user_agent=agent
    )
    transport.heed(halted)
    contact = Contact(transport, server, connection.namespace)
    try:
        if isinstance(token, Credentials):
            session = transport.session = log_in(transport, token, connection)
            contact = replace(contact, end=lambda: _end(session, connection, agent, warn))
        contact = replace(contact, caller=check_token(contact))
        _warn_of_stale_reads(contact, warn)
    except BaseException:
        contact.__exit__(None, None, None)
        raise
    return contact


def _warn_of_weak_tls(connection: Connection, warn: Callable[[Problem], None]) -> None:
    """Say where anybody on the way could read the token, before it is sent."""
    address = urlsplit(connection.address)
    if address.scheme == "https" and connection.skip_verify:
        message = "THE SERVER'S CERTIFICATE IS NOT CHECKED: anybody on the way can read the token and all secrets"
        warn(Problem(message, hint="unset VAULT_SKIP_VERIFY, and name the CA with VAULT_CACERT"))
    if address.scheme == "http" and address.hostname not in _LOOPBACK:
        message = "THE CONNECTION IS NOT ENCRYPTED: anybody on the way can read the token and all secrets"
        warn(Problem(message, hint="use https:// in VAULT_ADDR or the target's `address`"))


def _some(token: Secret | None) -> Secret:
    if token is None:
        hint = "set VAULT_TOKEN (or BAO_TOKEN), log in with `vault login`, or give the target a login (`auth`)"
        raise ServerRefused("no token", hint)
    return token


def _end(session: Session, connection: Connection, agent: str, warn: Callable[[Problem], None]) -> None:
    """Take leave: the token of our own login is of no use to anybody any more."""
    why = revoke(session, connection, agent)
    if why:
        left = f"it ends by itself in {session.left:.0f} s" if session.left < math.inf else "it has no end of its own"
        warn(Problem(f"the token of the login could not be revoked: {why}", hint=left))


def detect(transport: Transport, address: str) -> Server:
    """Ask what is behind the address. Raises ConnectionFailed or ServerRefused."""
    answer = transport.send(Request("GET", "sys/health", query=_HEALTH))
    if answer.status == 0:
        raise ConnectionFailed(f"cannot reach {answer.fault}", _UNREACHED)
    health = answer.json
    if "initialized" not in health or "sealed" not in health:
        if answer.status in (429, 500, 502, 503, 504) or answer.errors:
            raise ConnectionFailed(f"{address} answers {answer.status} to sys/health", "is the server up?")
        raise ConnectionFailed(
            f"what answers at {address} is not a Vault or OpenBao (status {answer.status})", "check the address"
        )
    if not health["initialized"]:
        raise ServerRefused(f"the server at {address} is not initialized", "run `vault operator init`")
    if health["sealed"]:
        raise ServerRefused(f"the server at {address} is sealed", "unseal it, then run again")
    if health.get("replication_dr_mode") == "secondary":
        what = f"the server at {address} is a secondary for disaster recovery, which serves nobody"
        raise ServerRefused(what, "give the address of the primary")
    product = "vault" if "enterprise" in health else _product(transport)
    enterprise = bool(health.get("enterprise")) or "+ent" in str(health.get("version", ""))
    return Server(product, str(health.get("version", "")), enterprise, address, str(health.get("cluster_id", "")))


def _product(transport: Transport) -> str:
    """Vault's seal status tells when it was built, OpenBao's of which commit; older Vaults lack `enterprise`."""
    status = transport.send(Request("GET", "sys/seal-status")).json
    return "vault" if "build_date" in status else "openbao"


#: What to look at where nothing answers.
_UNREACHED = "is the server up? VAULT_ADDR or the target says where; without them it is 127.0.0.1:8200"

NAMESPACE_HINT = (
    "leave the namespace out (VAULT_NAMESPACE, the target's, or a document's), or use Vault Enterprise or OpenBao"
)


def no_namespaces(server: Server, namespace: str) -> str:
    """Say what community Vault does with a namespace: ignore it, and write into root (seen on 2.1 and 1.19)."""
    return (
        f"this server ({server.product} {server.version}, community edition) has no namespaces, and would act on"
        f" the root instead of `{namespace}`"
    )


def refuse_namespace(server: Server, namespace: str) -> None:
    """Raise InputError where a namespace is asked of a server that has none."""
    if namespace and not server.namespaces:
        raise InputError(no_namespaces(server, namespace), NAMESPACE_HINT)


def check_token(contact: Contact) -> Caller:
    """Refuse a token that the server does not know; one that may not look itself up is let through
    (and is NOBODY as a caller).

    Raises ConnectionFailed, ServerRefused or InputError. In a namespace that is not there, OpenBao 2.7 answers 404.
    """
    answer = contact.transport.send(contact.within(Request("GET", "auth/token/lookup-self")))
    if answer.status == 0:
        raise ConnectionFailed(f"cannot reach {answer.fault}", _UNREACHED)
    if answer.status == 404 and contact.namespace:
        hint = "create it, or correct VAULT_NAMESPACE or the target's `namespace`"
        raise InputError(f"there is no namespace `{contact.namespace}` on this server", hint)
    if answer.status in (400, 401, 403) and _unknown_token(answer):
        raise ServerRefused("the token is not valid, or has expired", "log in again, or set VAULT_TOKEN")
    if answer.status == 503:
        raise ServerRefused(f"the server at {contact.server.address} is sealed or unavailable")
    if answer.ok:
        return Caller.of(answer.data or {})
    if contact.server.product == "openbao":
        # Only a success bears the index without which a standby's reads are stale; this one is granted to anybody.
        contact.transport.send(Request("GET", "sys/internal/ui/mounts"))
    return NOBODY


def _warn_of_stale_reads(contact: Contact, warn: Callable[[Problem], None]) -> None:
    """Say where a standby may answer with what was true a moment ago: in a cluster of OpenBao before 2.7."""
    if contact.server.product != "openbao" or contact.transport.consistent:
        return
    if contact.transport.send(Request("GET", "sys/leader")).json.get("ha_enabled") is True:
        version = contact.server.version
        message = f"reads may be stale: the standbys of a cluster of OpenBao {version} answer without asking"
        warn(Problem(message, hint="set `disable_standby_reads = true` on its servers, or move to OpenBao 2.7"))


def _unknown_token(answer: Answer) -> bool:
    """Vault says "invalid token" beside its refusal; OpenBao's is a bare "permission denied", a policy's is not."""
    texts = [text.strip() for text in answer.errors]
    return any("invalid token" in text or text in ("permission denied", "bad token") for text in texts)


def token_for(environ: Mapping[str, str]) -> Secret | None:
    """The token from the environment or `~/.vault-token`; without a HOME, from the environment alone."""
    return environment.token(environ, Path(environ.get("HOME") or os.devnull))
