"""Unit tests reach no network."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import pytest


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _guarded(connect: Callable[..., Any]) -> Callable[..., Any]:
    def refuse_the_network(connection: socket.socket, address: Any) -> Any:
        if connection.family in (socket.AF_INET, socket.AF_INET6) and not _loopback(address[0]):
            pytest.fail(f"a unit test connects to {address}; use tests/server, or the loopback interface")
        return connect(connection, address)

    return refuse_the_network


@pytest.fixture(autouse=True)
def no_network() -> Iterator[None]:
    """Refuse connections of Python's sockets to anything but loopback (libcurl opens its own)."""
    with (
        mock.patch.object(socket.socket, "connect", _guarded(socket.socket.connect)),
        mock.patch.object(socket.socket, "connect_ex", _guarded(socket.socket.connect_ex)),
    ):
        yield
