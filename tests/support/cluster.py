"""Three raft nodes of the server under test, each with a plain and, if asked, a TLS listener."""

from __future__ import annotations

import http.client
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.support import servers
from tests.support.process import Running, StartFailed, free_port, wait_until
from tests.support.raw import Raw, RawError
from tests.support.servers import Server

_SIZE = 3
_ACTIVE, _STANDBY, _SEALED, _NEW = 200, 429, 503, 501  # what sys/health answers with


@dataclass(frozen=True, slots=True)
class Cluster:
    """The nodes, in the order of their start; each with the root token that all of them know."""

    nodes: tuple[Server, ...]
    tls_addresses: tuple[str, ...] = field(default=())

    @property
    def active(self) -> Server:
        """The node that leads now; raises StopIteration during an election."""
        return next(node for node in self.nodes if _health(node.raw()) == _ACTIVE)

    @property
    def standbys(self) -> list[Server]:
        """The nodes that do not lead now."""
        return [node for node in self.nodes if _health(node.raw()) == _STANDBY]

    def wait_for_votes(self) -> None:
        """Return when every node has a vote: a new one gets it after 10 s or so, and cannot take over before."""
        wait_until(lambda: _voters(self.wait_for_leader().raw()) == _SIZE, self._alive(), "a cluster of voters")

    def step_down(self) -> None:
        """Let the active node give up its place; returns at once, while the others elect a new one."""
        self.wait_for_votes()
        self.wait_for_leader().raw().request("PUT", "sys/step-down")

    def wait_for_leader(self) -> Server:
        """Return the active node when there is one, to which the others are joined."""
        found: list[Server] = []

        def is_there() -> bool:
            found[:] = [node for node in self.nodes if _health(node.raw()) == _ACTIVE]
            return bool(found)

        wait_until(is_there, self._alive(), "a leader")
        return found[0]

    def kill_active(self) -> Server:
        """Let the active node crash; returns it at once, while the others elect a new one."""
        self.wait_for_votes()
        active = self.wait_for_leader()
        active.process.kill()
        return active

    def revived(self, dead: Server) -> Cluster:
        """Return the cluster with a node that had crashed, started anew on what it has on disk; from the main thread."""
        running = servers.find_server().start(["server", f"-config={dead.folder}/server.hcl"], dead.folder)
        node = replace(dead, process=running)

        def ready() -> bool:
            if _health(node.raw()) == _SEALED:
                node.raw().request("POST", "sys/unseal", {"key": node.unseal_key})
            return _health(node.raw()) in {_ACTIVE, _STANDBY}

        wait_until(ready, running, "a node that had crashed")
        return replace(self, nodes=tuple(node if one.address == dead.address else one for one in self.nodes))

    def _alive(self) -> Running:
        return next(node.process for node in self.nodes if node.process.alive())

    def stop(self) -> None:
        """End all nodes; again is harmless."""
        for node in reversed(self.nodes):
            node.stop()


def start(tls: Server | None = None) -> Cluster:
    """Start a cluster on disk; with `tls`, a dev server, every node has a TLS listener with its certificate too."""
    for _ in range(servers.ATTEMPTS - 1):
        try:
            return _started(tls)
        except StartFailed as failed:
            if "address already in use" not in str(failed):
                raise
    return _started(tls)


@dataclass(frozen=True, slots=True)
class _Node:
    raw: Raw
    process: Running
    folder: Path
    tls_address: str


def _started(tls: Server | None) -> Cluster:
    nodes: list[_Node] = []
    try:
        nodes.append(_launch(1, "", tls))
        key, token = _initialised(nodes[0])
        for number in range(2, _SIZE + 1):
            nodes.append(_launch(number, nodes[0].raw.address, tls))
        for node in nodes[1:]:
            _joined(node, key)
    except BaseException:
        for node in nodes:
            node.process.stop()
        raise
    running = tuple(servers.seen(replace(node.raw, token=token), node.process, node.folder, key) for node in nodes)
    return Cluster(running, tuple(node.tls_address for node in nodes if tls))


def _launch(number: int, leader: str, tls: Server | None) -> _Node:
    folder, port, tls_port, cluster_port = Path(tempfile.mkdtemp(prefix="vaultconf-test-")), *_ports()
    (folder / "data").mkdir()
    (folder / "server.hcl").write_text(f"""
storage "raft" {{
  path                   = "{folder}/data"
  node_id                = "n{number}"
  performance_multiplier = 1
  {f'retry_join {{ leader_api_addr = "{leader}" }}' if leader else ""}
}}
listener "tcp" {{
  address         = "127.0.0.1:{port}"
  cluster_address = "127.0.0.1:{cluster_port}"
  tls_disable     = true
}}
{_tls_listener(tls, tls_port) if tls else ""}
api_addr      = "http://127.0.0.1:{port}"
cluster_addr  = "https://127.0.0.1:{cluster_port}"
disable_mlock = true
""")
    running = servers.find_server().start(["server", f"-config={folder}/server.hcl"], folder)
    return _Node(Raw(f"http://127.0.0.1:{port}"), running, folder, f"https://127.0.0.1:{tls_port}")


def _tls_listener(tls: Server, port: int) -> str:
    return f"""
listener "tcp" {{
  address         = "127.0.0.1:{port}"
  cluster_address = "127.0.0.1:{free_port()}"
  tls_cert_file   = "{tls.folder}/vault-cert.pem"
  tls_key_file    = "{tls.folder}/vault-key.pem"
}}
"""


def _ports() -> tuple[int, int, int]:
    return free_port(), free_port(), free_port()


def _initialised(node: _Node) -> tuple[str, str]:
    """Make the first node a cluster of one; return the unseal key and the root token."""
    wait_until(lambda: _health(node.raw) == _NEW, node.process, "the first node")
    keys = node.raw.write("sys/init", {"secret_shares": 1, "secret_threshold": 1})
    key, token = str(keys["keys_base64"][0]), str(keys["root_token"])
    node.raw.write("sys/unseal", {"key": key})
    wait_until(lambda: _health(node.raw) == _ACTIVE, node.process, "the first node")
    stable = {"server_stabilization_time": "1s"}
    replace(node.raw, token=token).write("sys/storage/raft/autopilot/configuration", stable)
    return key, token


def _joined(node: _Node, key: str) -> None:
    def ready() -> bool:
        if _health(node.raw) == _SEALED:
            node.raw.request("POST", "sys/unseal", {"key": key})
        return _health(node.raw) == _STANDBY

    wait_until(ready, node.process, "a further node")


def _voters(root: Raw) -> int:
    """The nodes that have a vote; 0 where the node that is asked has just lost the lead."""
    try:
        configuration = root.read("sys/storage/raft/configuration") or {}
    except (RawError, OSError, http.client.HTTPException):
        return 0
    return sum(server["voter"] for server in configuration["config"]["servers"])


def _health(raw: Raw) -> int:
    """Return the status of sys/health, 0 where nothing answers."""
    try:
        return raw.request("GET", "sys/health")[0]
    except (OSError, http.client.HTTPException, ValueError):
        return 0
