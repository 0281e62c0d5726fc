"""What tests of logins have in common: the target that says how, and what became of the token."""

from __future__ import annotations

import json

from tests.support.cli import Project
from tests.support.proxy import Proxy
from tests.support.servers import Server

#: Rights for the token of a login: all.
POLICY = 'path "*" { capabilities = ["create", "read", "update", "delete", "list", "sudo"] }'


def logs_in(project: Project, **auth: str) -> None:
    """Let the project's only target log in like this."""
    project.write("vaultconf.yaml", json.dumps({"version": 1, "targets": {"here": {"auth": auth}}}))


def tokens(proxy: Proxy) -> set[str]:
    """All tokens that were sent."""
    return {asked.headers["x-vault-token"] for asked in list(proxy.served.asked) if "x-vault-token" in asked.headers}


def alive(server: Server, token: str) -> bool:
    """Whether a token can be used."""
    return server.raw(token).request("GET", "auth/token/lookup-self")[0] == 200


def assert_one_token_that_is_gone(proxy: Proxy, server: Server) -> None:
    """All requests bore the token of one login, which nobody can use any more; the one that was brought is intact."""
    used = tokens(proxy)
    assert len(used) == 1
    assert server.token not in used
    assert [alive(server, token) for token in used] == [False]
    assert alive(server, server.token)
