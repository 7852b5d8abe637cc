"""Whoever stands in the way of the one port is named."""

from __future__ import annotations

import os
import socket

from workbench.gateway import port


def test_a_port_that_is_taken_names_who_has_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken = listener.getsockname()[1]
        reason = port.why_not(["127.0.0.1"], taken)

    assert f"process {os.getpid()}" in reason
    assert "WORKBENCH_PORT" in reason
    assert port.why_not(["127.0.0.1"], taken) == ""


def test_a_port_that_is_shared_counts_as_taken() -> None:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        assert "taken" in port.why_not(["127.0.0.1"], listener.getsockname()[1])


def test_an_address_of_another_machine_is_told_as_that() -> None:
    assert "no address 198.51.100.7" in port.why_not(["198.51.100.7"], 8580)
