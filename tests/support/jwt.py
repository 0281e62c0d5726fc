"""RSA keys, signed JWTs and client certificates, made by the openssl command."""

from __future__ import annotations

import base64
import json
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

AUDIENCE = "vault"
ISSUER = "https://issuer.example.com"


@dataclass(frozen=True, slots=True)
class Signer:
    """A key in a folder of the test."""

    key: Path
    public: str

    @classmethod
    def new(cls, folder: Path) -> Signer:
        key = folder / "jwt.pem"
        _openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", str(key))
        return cls(key, _openssl("pkey", "-in", str(key), "-pubout").decode())

    @property
    def jwk(self) -> dict[str, str]:
        """The public key as a JSON Web Key."""
        modulus = _openssl("rsa", "-in", str(self.key), "-noout", "-modulus").decode().strip().partition("=")[2]
        return {"kty": "RSA", "use": "sig", "alg": "RS256", "n": _base64(bytes.fromhex(modulus)), "e": "AQAB"}

    def token(self, subject: str, **claims: object) -> str:
        """A JWT signed with RS256, good for five minutes."""
        now = int(time.time())
        known = {"iss": ISSUER, "aud": AUDIENCE, "sub": subject, "iat": now, "nbf": now - 5, "exp": now + 300}
        head = f"{_part({'alg': 'RS256', 'typ': 'JWT'})}.{_part({**known, **claims})}"
        return f"{head}.{_base64(_openssl('dgst', '-sha256', '-sign', str(self.key), given=head.encode()))}"


def client_certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A self-signed client certificate for `name`, and its key."""
    cert, key = folder / "client.pem", folder / "client-key.pem"
    subject = ["-subj", f"/CN={name}", "-addext", "extendedKeyUsage=clientAuth", "-days", "1"]
    _openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(cert), *subject)
    return cert, key


def _part(value: Mapping[str, object]) -> str:
    return _base64(json.dumps(value).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _openssl(*argv: str, given: bytes = b"") -> bytes:
    return subprocess.run(["openssl", *argv], input=given, capture_output=True, check=True, timeout=60).stdout
