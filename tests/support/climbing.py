"""The fixture that puts a ladder in front of a server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest

from tests.support import issuer as providers
from tests.support import verified
from tests.support.cli import Project
from tests.support.ladders import Climber, Ladder, Tree, load
from tests.support.plugins import ServerWith
from tests.support.servers import Server
from tests.support.stub import Stub


class Climb(Protocol):
    """Sets out on a ladder; `how` says who climbs."""

    def __call__(self, name: str, how: type[Climber] = Climber) -> Climber: ...


@pytest.fixture
def issuer() -> Iterator[Stub]:
    """An OpenID provider on the loopback."""
    with providers.running() as provider:
        yield provider


@pytest.fixture
def climber(
    request: pytest.FixtureRequest, tmp_path: Path, unique: str, record_property: Callable[[str, object], None]
) -> Iterator[Climb]:
    """Return a function that sets out on a ladder: its server is there, and what surrounds the object."""
    made: list[Climber] = []

    def set_out(name: str, how: type[Climber] = Climber) -> Climber:
        needs = load(name).data
        server = _server(request, needs)
        places = {"unique": unique, "folder": str(server.folder)}
        if "DB_PASSWORD" in needs.get("env", {}):
            places |= database(request, [text.replace("<unique>", unique) for text in needs.get("sql", [])])
        if "CA_KEY" in needs.get("env", {}):
            places |= authorities(server, unique)
        if "<issuer>" in str(needs):
            places["issuer"] = request.getfixturevalue("issuer").address
        ladder: Ladder = load(name, places)
        record_property(verified.KIND, ladder.kind.name)
        record_property(verified.SERVER, f"{server.product} {server.version}")
        made.append(how(ladder, Project.new(tmp_path, server), server.raw()))
        made[-1].set_out()
        return made[-1]

    yield set_out
    for climbed in made:
        climbed.clear()


def _server(request: pytest.FixtureRequest, needs: Tree) -> Server:
    """The server that a ladder needs."""
    if needs.get("server") == "audit":
        audited: Server = request.getfixturevalue("audit_server")
        return audited
    choose: ServerWith = request.getfixturevalue("server_with")
    server = choose(*mount_types(needs))
    if needs.get("server") == "namespaces" and not (server.product == "openbao" or server.enterprise):
        pytest.skip("community Vault has no namespaces")
    return server


def mount_types(needs: Tree) -> list[str]:
    """The types of the mounts that surround a ladder's object."""
    around = needs.get("around", {})
    mounts = [mount for section in ("auth", "secrets") for mount in around.get(section, {}).values()]
    return [mount["type"] for mount in mounts if "type" in mount]


def database(request: pytest.FixtureRequest, statements: list[str]) -> dict[str, str]:
    """What a ladder says of a PostgreSQL, after `statements` have run there."""
    postgres = request.getfixturevalue("postgres")
    for statement in statements:
        postgres.sql(statement)
    return {"postgres": postgres.connection_url(), "password": postgres.password}


def authorities(server: Server, unique: str) -> dict[str, str]:
    """Two certificates with their keys, made by the server; new lines escaped as quotes in YAML need it."""
    raw = server.raw()
    raw.write(f"sys/mounts/{unique}-pki", {"type": "pki"})
    places = {}
    for prefix in ("ca", "other_ca"):
        wanted = {"common_name": prefix, "private_key_format": "pkcs8"}
        made = raw.write(f"{unique}-pki/root/generate/exported", wanted)["data"]
        places[prefix] = made["certificate"].replace("\n", "\\n")
        places[f"{prefix}_key"] = made["private_key"].replace("\n", "\\n")
    return places
