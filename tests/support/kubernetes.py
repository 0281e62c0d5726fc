"""What a server asks of Kubernetes at a login: the TokenReview API, which says whose token it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support import stub
from tests.support.jwt import Signer
from tests.support.stub import Asked, Reply, Stub

REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"
AUDIENCE = "vault"


class Cluster:
    """A cluster with service accounts; who asks for a review must bring the reviewer's token."""

    def __init__(self, api: Stub, signer: Signer) -> None:
        self.api = api
        self.signer = signer
        self.reviewer = self.account("kube-system", "reviewer")
        self.known: dict[str, tuple[str, str]] = {}
        api.reply = self._reply

    def account(self, namespace: str, name: str) -> str:
        """Return a token as the cluster makes them, which it does not know as one of its own."""
        claims = {"namespace": namespace, "serviceaccount": {"name": name, "uid": f"uid-{name}"}}
        subject = f"system:serviceaccount:{namespace}:{name}"
        return self.signer.token(subject, aud=[AUDIENCE], **{"kubernetes.io": claims})

    def pod(self, namespace: str, name: str) -> str:
        """Return the token that a pod of this service account finds in its file."""
        token = self.account(namespace, name)
        self.known[token] = namespace, name
        return token

    def _reply(self, asked: Asked) -> Reply:
        if asked.target != REVIEWS:
            return Reply(404, b"{}")
        if asked.headers.get("authorization") != f"Bearer {self.reviewer}":
            return Reply(401, stub.as_json({"kind": "Status", "code": 401, "message": "Unauthorized"}))
        spec = json.loads(asked.body)["spec"]
        status = self._status(spec["token"], spec.get("audiences") or [AUDIENCE])
        kind = {"kind": "TokenReview", "apiVersion": "authentication.k8s.io/v1"}
        return Reply(201, stub.as_json({**kind, "status": status}), {"Content-Type": "application/json"})

    def _status(self, token: str, audiences: list[str]) -> dict[str, object]:
        if token not in self.known or AUDIENCE not in audiences:
            return {"authenticated": False, "error": "invalid bearer token"}
        namespace, name = self.known[token]
        groups = ["system:serviceaccounts", f"system:serviceaccounts:{namespace}"]
        user = {"username": f"system:serviceaccount:{namespace}:{name}", "uid": f"uid-{name}", "groups": groups}
        return {"authenticated": True, "audiences": audiences, "user": user}


@contextmanager
def running(signer: Signer) -> Iterator[Cluster]:
    """Run the API until the block ends."""
    with stub.running() as api:
        yield Cluster(api, signer)
