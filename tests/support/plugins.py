"""Which server has the plugins that a test needs: the one under test, or an OpenBao that still bundles them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.servers import Server

#: The types of mounts that a test makes; returns a server that has them all.
ServerWith = Callable[..., Server]


@pytest.fixture
def server_with(request: pytest.FixtureRequest, server: Server) -> ServerWith:
    """Return a function that chooses a server by the plugins it must have; the test is skipped where none has them.

    OpenBao 2.7 no longer bundles LDAP, RADIUS and Kerberos; 2.6 takes its place for these.
    """

    def choose(*types: str) -> Server:
        lacking = missing(server, *types)
        if not lacking:
            return server
        asked = [server]
        if server.product == "openbao":
            asked.append(request.getfixturevalue("older_server"))
            if not missing(asked[-1], *types):
                return asked[-1]
        names = " nor ".join(f"{each.product} {each.version}" for each in asked)
        pytest.skip(f"no plugin {', '.join(lacking)} in {names}")

    return choose


def missing(server: Server, *types: str) -> list[str]:
    """The types that this server cannot mount."""
    catalogue = server.raw().read("sys/plugins/catalog") or {}
    return sorted({*types} - {"database", *catalogue["auth"], *catalogue["secret"]})
