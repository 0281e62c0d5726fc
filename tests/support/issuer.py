"""An OpenID provider on the loopback: what a server asks of one when it is configured, and no more."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

from tests.support import stub
from tests.support.jwt import Signer
from tests.support.stub import Asked, Reply, Stub

#: A list of revoked certificates with none in it.
CRL = base64.b64decode(
    "MIGmME4CAQEwCgYIKoZIzj0EAwIwDTELMAkGA1UEAwwCY2EXDTI2MTEyMjA2MTgxOVoYDzIxMjYxMDI5MDYxODE5WqAOMAwwCgYD"
    "VR0UBAMCAQEwCgYIKoZIzj0EAwIDSAAwRQIhAJixl5qOk6I3FXkTol/VfnVCSyZIhWkaGVdNk1yw0vMCAiBR0OpWBGui93zWbSFo"
    "rYwPnkMq86/l/8lHGBjNz0h5iA=="
)


#: What a job of GitHub Actions shows when it asks for its id token.
JOB = "token-of-the-job"


@contextmanager
def running(signer: Signer | None = None) -> Iterator[Stub]:
    """Run a provider until the block ends; below any path of its address there is one more.

    It has no keys but `signer`'s, and refuses whoever brings a code to `/token`. At `/crl` it revokes nothing. With a
    `signer` it gives a job its id token at `/idtoken?audience=…`, as GitHub Actions does.
    """
    with stub.running() as provider:
        provider.reply = lambda asked: _reply(provider.address, asked, signer)
        yield provider


def id_token(signer: Signer, issuer: str, audience: str) -> str:
    """The id token of a job on the branch `main` of `acme/vault-config`."""
    subject, branch = "repo:acme/vault-config:ref:refs/heads/main", "refs/heads/main"
    return signer.token(subject, iss=issuer, aud=audience, repository="acme/vault-config", ref=branch)


def _reply(address: str, asked: Asked, signer: Signer | None) -> Reply:
    path, _, well_known = asked.target.partition("/.well-known/")
    if signer and path.startswith("/idtoken?"):
        if asked.headers.get("authorization") != f"Bearer {JOB}":
            return _json({"message": "not a job"}, 401)
        audience = parse_qs(urlsplit(path).query)["audience"][0]
        return _json({"value": id_token(signer, address, audience)})
    if path.endswith("/token"):
        return _json({"error": "invalid_grant"}, 400)
    if path.endswith("/crl"):
        return Reply(200, CRL)
    if not well_known:
        return _json({"keys": [signer.jwk] if signer else []})
    issuer = address + path
    places = {"jwks_uri": "keys", "authorization_endpoint": "auth", "token_endpoint": "token"}
    return _json({"issuer": issuer, **{name: f"{issuer}/{place}" for name, place in places.items()}})


def _json(data: object, status: int = 200) -> Reply:
    return Reply(status, json.dumps(data).encode(), {"Content-Type": "application/json"})
