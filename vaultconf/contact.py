"""First contact: which server this run talks to, what it is, and whether the token is good.

Sources: Vault API, `/sys/health`, `/sys/seal-status`, `/auth/token/lookup-self`; OpenBao 2.7.2, Vault 2.1 and 1.19.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from vaultconf import __version__, environment
from vaultconf.errors import ConnectionFailed, InputError, ServerRefused, UsageError, nearest
from vaultconf.http import Answer, Connection, Request, clean_address
from vaultconf.model import Server
from vaultconf.sealed import Secret
from vaultconf.settings import Settings, Target
from vaultconf.transport import Transport

_HEALTH = (("standbyok", "true"), ("perfstandbyok", "true"))


@dataclass(frozen=True, slots=True)
class Contact:
    """A connection to a known server; `namespace` is the run's base namespace."""

    transport: Transport
    server: Server
    namespace: str

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.transport.close()

    def within(self, request: Request, namespace: str = "") -> Request:
        """The request in a namespace below the base."""
        full = "/".join(part for part in (self.namespace, namespace) if part)
        return replace(request, namespace=full) if full else request


def target_of(settings: Settings, name: str) -> Target | None:
    """The target of a run; None without any. Raises UsageError where the choice is not clear."""
    targets = settings.targets
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
    problems = []
    try:
        address = clean_address(target.address) if target.address else connection.address
    except ValueError as error:
        raise InputError(f"target `{target.name}`: `address` {error}") from None
    if target.address and _is_set(environ, "ADDR") and address != connection.address:
        problems.append(f"target `{target.name}` and VAULT_ADDR name different servers")
    namespace = target.namespace or connection.namespace
    if target.namespace and _is_set(environ, "NAMESPACE") and namespace != connection.namespace:
        problems.append(f"target `{target.name}` and VAULT_NAMESPACE name different namespaces")
    if problems:
        raise InputError(". ".join(problems), "unset the variable, or correct the target")
    return replace(connection, address=address, namespace=namespace)


def _is_set(environ: Mapping[str, str], name: str) -> bool:
    return bool(environ.get(f"BAO_{name}") or environ.get(f"VAULT_{name}"))


def open_contact(
    connection: Connection, token: Secret | None, *, project: str, read_only: bool, concurrency: int | None = None
) -> Contact:
    """Connect and find out what is there.

    Raises ConnectionFailed where nothing answers or it is not a Vault, ServerRefused where it is sealed or the
    token is no good, InputError where a namespace is asked of a server that has none.
    """
    agent = f"vaultconf/{__version__} ({project})" if project.isprintable() and project.isascii() else "vaultconf"
    transport = Transport(connection, token=token, read_only=read_only, concurrency=concurrency, user_agent=agent)
    try:
        server = detect(transport, connection.address)
        refuse_namespace(server, connection.namespace)
        if token is None:
            raise ServerRefused("no token", "set VAULT_TOKEN (or BAO_TOKEN), or log in with `vault login`")
        contact = Contact(transport, server, connection.namespace)
        check_token(contact)
    except BaseException:
        transport.close()
        raise
    return contact


def detect(transport: Transport, address: str) -> Server:
    """Ask what is behind the address. Raises ConnectionFailed or ServerRefused."""
    answer = transport.send(Request("GET", "sys/health", query=_HEALTH))
    if answer.status == 0:
        raise ConnectionFailed(f"cannot reach {address}: {answer.fault}")
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
    product = "vault" if "enterprise" in health else _product(transport)
    enterprise = bool(health.get("enterprise")) or "+ent" in str(health.get("version", ""))
    return Server(product, str(health.get("version", "")), enterprise, address, str(health.get("cluster_id", "")))


def _product(transport: Transport) -> str:
    """Vault's seal status tells when it was built, OpenBao's of which commit; older Vaults lack `enterprise`."""
    status = transport.send(Request("GET", "sys/seal-status")).json
    return "vault" if "build_date" in status else "openbao"


def refuse_namespace(server: Server, namespace: str) -> None:
    """Community Vault ignores the namespace header and would write into root (seen on 2.1 and 1.19)."""
    if namespace and not server.namespaces:
        raise InputError(
            f"this server ({server.product} {server.version}, community edition) has no namespaces, and would act on"
            f" the root instead of `{namespace}`",
            "unset VAULT_NAMESPACE, or use Vault Enterprise or OpenBao",
        )


def check_token(contact: Contact) -> None:
    """Refuse a token that the server does not know; one that may not look itself up is let through."""
    answer = contact.transport.send(contact.within(Request("GET", "auth/token/lookup-self")))
    if answer.status == 0:
        raise ConnectionFailed(f"cannot reach {contact.server.address}: {answer.fault}")
    if answer.status == 404 and "namespace not found" in " ".join(answer.errors):
        raise InputError(f"there is no namespace `{contact.namespace}`", "create it, or correct VAULT_NAMESPACE")
    if answer.status in (400, 401, 403) and _unknown_token(answer):
        raise ServerRefused("the token is not valid, or has expired", "log in again, or set VAULT_TOKEN")
    if answer.status == 503:
        raise ServerRefused(f"the server at {contact.server.address} is sealed or unavailable")


def _unknown_token(answer: Answer) -> bool:
    """A bad token is a bare "permission denied"; a policy's refusal is an "error occurred" (all three servers)."""
    return any(text.strip() in ("permission denied", "invalid token", "bad token") for text in answer.errors)


def token_for(environ: Mapping[str, str]) -> Secret | None:
    """The token from the environment or `~/.vault-token`."""
    home = environ.get("HOME", "")
    return environment.token(environ, Path(home) if home else Path())
