"""What the figures rest on: the project, the relay, the table. The figures themselves are not tested."""

from __future__ import annotations

import collections
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench import company, project, relay
from tests.bench.relay import MARK, Counter
from tests.bench.table import Row, lines, spread
from vaultconf import pipeline


def test_the_project_is_valid_and_declares_each_path_that_wrk_reads(tmp_path: Path) -> None:
    root = project.write(tmp_path / "project", 600)

    _, state = pipeline.validate(root)

    assert {str(item.address) for item in state.objects} == {*project.paths(600), "sys/auth/approle"}


@pytest.mark.parametrize("environment", company.ENVIRONMENTS)
def test_the_company_is_valid_in_each_environment_and_as_large_as_it_says(tmp_path: Path, environment: str) -> None:
    root = company.write(tmp_path / "project", "any certificate", units=3, applications=11)

    _, state = pipeline.validate(root, environment)

    kinds = collections.Counter(item.kind.name for item in state.objects)
    mounts = kinds["secrets_engine"] + kinds["auth_method"]
    roles = sum(number for name, number in kinds.items() if name.endswith("_role"))
    versions = {item.values["max_versions"] for item in state.objects if item.kind.name == "kv_config"}
    assert versions == {{"dev": 2, "stage": 5, "prod": 50}[environment]}
    assert {"mounts": mounts, "policies": kinds["acl_policy"], "roles": roles} == company.counted(3, 11)
    assert company.counted() == {"mounts": 40, "policies": 3_000, "roles": 6_000}


def test_requests_are_counted_wherever_the_stream_is_cut() -> None:
    stream = (b"GET / HTTP/1.1\r\n" + MARK + b"\r\n") * 3

    counters = [Counter() for _ in range(len(stream))]
    for size, counter in enumerate(counters, start=1):
        for start in range(0, len(stream), size):
            counter.feed(stream[start : start + size])

    assert {counter.number for counter in counters} == {3}


@pytest.fixture
def echo() -> Iterator[str]:
    """The address of a server that sends back what one client says, until that client closes."""
    listener = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        connection, _ = listener.accept()
        with connection:
            while data := connection.recv(65536):
                connection.sendall(data)

    thread = threading.Thread(target=answer)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    thread.join()
    listener.close()


@pytest.mark.parametrize("round_trip", [0.0, 0.02])
def test_the_relay_changes_no_byte_and_no_order(echo: str, round_trip: float) -> None:
    said = b"".join(number.to_bytes(4, "big") for number in range(20_000)) + MARK

    with relay.in_front_of(echo, round_trip=round_trip) as relayed:
        with socket.create_connection(("127.0.0.1", int(relayed.address.rsplit(":", 1)[1]))) as client:
            client.sendall(said)
            heard = b""
            while len(heard) < len(said):
                heard += client.recv(65536)
        counted = relayed.requests(), relayed.connections()

    assert heard == said
    assert counted == (1, 1)


def test_the_table_judges_what_has_a_budget_alone() -> None:
    rows = [Row("a", "1.4", 1.4, 1.5, "≤ 1.5"), Row("b", "1.6", 1.6, 1.5, "≤ 1.5"), Row("c", "7")]

    assert [row.verdict for row in rows] == ["holds", "MISSED", ""]
    assert len({len(line) for line in lines(rows)}) == 1
    assert spread([3.0, 1.0, 2.0], " s", 0) == "2 s (1–3)"
