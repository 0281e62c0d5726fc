from __future__ import annotations

import socket

import pytest


@pytest.mark.parametrize("address", ["192.0.2.1", "vault.example.com"])
def test_a_unit_test_cannot_connect_to_another_machine(address: str) -> None:
    with socket.socket() as connection, pytest.raises(pytest.fail.Exception) as refused:
        connection.connect((address, 8200))

    assert address in str(refused.value)


def test_a_unit_test_can_connect_to_a_server_of_its_own() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        connection = socket.create_connection(listener.getsockname())

        with connection:
            assert connection.getpeername() == listener.getsockname()
