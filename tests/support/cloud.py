"""A stand-in of AWS's IAM and STS, for the look-ups that a server makes: moto, a server from PyPI."""

from __future__ import annotations

import base64
import http.client
import json
import os
import sys
import tempfile
import urllib.parse
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.process import Daemon, free_port, launch, wait_until

ACCOUNT = "123456789012"  # moto's own
_TRUST = '{"Version": "2012-10-17", "Statement": []}'
# It looks at which service is meant, not at the signature.
_SIGNED = "AWS4-HMAC-SHA256 Credential={key}/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"


@dataclass(frozen=True, slots=True)
class Cloud:
    """A running stand-in; every service answers at the same address."""

    process: Daemon
    address: str

    def user(self, name: str) -> str:
        """Make an IAM user; return its internal id (AIDA…)."""
        return self._made("CreateUser", "UserId", UserName=name)

    def role(self, name: str) -> str:
        """Make an IAM role; return its internal id (AROA…)."""
        return self._made("CreateRole", "RoleId", RoleName=name, AssumeRolePolicyDocument=_TRUST)

    def key_of(self, user: str) -> tuple[str, str]:
        """Make an access key for a user; return its id and its secret."""
        made = self._asked("CreateAccessKey", UserName=user)
        return _first(made, "AccessKeyId"), _first(made, "SecretAccessKey")

    def keys_of(self, user: str) -> list[str]:
        """Return the ids of the access keys that a user has."""
        found = self._asked("ListAccessKeys", UserName=user)
        return [str(element.text) for element in found.iter() if element.tag.endswith("AccessKeyId")]

    def login_of(self, user: str) -> dict[str, str]:
        """Return what this user sends to log in: a call of STS that says who calls, for the server to make."""
        key, _ = self.key_of(user)
        headers = {
            "Authorization": _SIGNED.format(key=key, service="sts"),
            "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
            "Host": "sts.amazonaws.com",
        }
        parts = {
            "iam_request_url": "https://sts.amazonaws.com/",
            "iam_request_body": "Action=GetCallerIdentity&Version=2011-06-15",
            "iam_request_headers": json.dumps(headers),
        }
        encoded = {name: base64.b64encode(text.encode()).decode() for name, text in parts.items()}
        return {"iam_http_request_method": "POST", **encoded}

    def stop(self) -> None:
        """End the server; again is harmless."""
        self.process.stop()

    def _made(self, action: str, wanted: str, **parameters: str) -> str:
        return _first(self._asked(action, **parameters), wanted)

    def _asked(self, action: str, **parameters: str) -> ET.Element:
        connection = http.client.HTTPConnection(urlsplit(self.address).netloc, timeout=30)
        form = urllib.parse.urlencode({"Action": action, "Version": "2010-05-08", **parameters})
        signed = _SIGNED.format(key="test", service="iam")
        headers = {"Authorization": signed, "Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", "/", form, headers)
        answer = ET.fromstring(connection.getresponse().read())
        connection.close()
        return answer


def _first(answer: ET.Element, wanted: str) -> str:
    return str(next(element.text for element in answer.iter() if element.tag.endswith(wanted)))


def start() -> Cloud:
    """Start a stand-in on a free loopback port; raises StartFailed with its log."""
    folder, port = Path(tempfile.mkdtemp(prefix="vaultconf-test-")), free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    daemon = launch(command, folder=folder, environment={"PATH": os.environ["PATH"], "HOME": str(folder)})
    cloud = Cloud(daemon, f"http://127.0.0.1:{port}")
    wait_until(lambda: _answers(port), daemon, "moto")
    return cloud


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/moto-api/")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
