"""The two sockets: who may open them, what becomes of them, and answers without an end."""

from __future__ import annotations

import asyncio
import json
import socket
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.api.conftest import PARTS, authenticate
from workbench.api import Server, application
from workbench.api.serving import SocketTaken
from workbench.errors import NotFound


def a_server(folder: Path) -> Server:
    return Server(application(PARTS, [], authenticate), local=folder / "l.sock", public=folder / "p.sock")


def test_everyone_may_open_the_local_socket_and_only_we_the_gateway_s(daemon) -> None:
    assert stat.S_IMODE(daemon.local.stat().st_mode) == 0o666
    assert stat.S_IMODE(daemon.public.stat().st_mode) == 0o600


def test_a_socket_left_by_a_killed_daemon_is_replaced(tmp_path) -> None:
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(tmp_path / "l.sock"))
    server = a_server(tmp_path)

    server.run(on_ready=server.stop)

    assert not list(tmp_path.iterdir())


def test_a_file_that_is_no_socket_is_left_alone(tmp_path) -> None:
    (tmp_path / "l.sock").write_text("precious")

    with pytest.raises(SocketTaken, match=r"l\.sock is no socket"):
        a_server(tmp_path).run()

    assert (tmp_path / "l.sock").read_text() == "precious"


def test_a_stream_sends_each_line_when_it_happens_and_ends_with_its_source(daemon) -> None:
    first_was_read = threading.Event()

    async def lines():
        yield {"Number": 1}
        while not first_was_read.is_set():
            await asyncio.sleep(0.01)
        yield {"Number": 2}

    daemon.lines = lines
    response = watch(daemon)

    assert json.loads(response.readline()) == {"Number": 1}
    first_was_read.set()
    assert json.loads(response.readline()) == {"Number": 2}
    assert response.readline() == b""


def test_a_stream_that_breaks_says_so_in_its_last_line(daemon) -> None:
    async def lines():
        yield {"Number": 1}
        raise NotFound("The notebook is gone.")

    daemon.lines = lines
    response = watch(daemon)
    response.readline()

    assert json.loads(response.readline())["Code"] == "NotFound"
    assert response.readline() == b""


def test_a_stream_nobody_reads_any_more_is_ended(daemon) -> None:
    ended = threading.Event()
    daemon.lines = lambda: forever(ended)
    connection = daemon.connect()
    connection.request("GET", "/workbench/v1/watch")
    connection.getresponse().readline()

    connection.sock.close()
    connection.close()

    assert ended.wait(60)


def test_stopping_the_server_ends_its_streams(daemon) -> None:
    ended = threading.Event()
    daemon.lines = lambda: forever(ended)
    response = watch(daemon)
    response.readline()

    daemon.server.stop()

    assert ended.wait(60)


async def forever(ended: threading.Event):
    try:
        yield {"Number": 1}
        await asyncio.sleep(3600)
    finally:
        ended.set()


def watch(daemon):
    connection = daemon.connect()
    connection.request("GET", "/workbench/v1/watch")
    return connection.getresponse()


def test_a_silent_stream_sends_empty_lines_so_that_it_is_not_taken_for_dead(daemon, monkeypatch) -> None:
    monkeypatch.setattr("workbench.api.streams._HEARTBEAT_S", 0.01)
    daemon.lines = lambda: forever(threading.Event())
    response = watch(daemon)

    assert response.readline() != b"\n"
    assert response.readline() == b"\n"


def test_a_burst_of_requests_is_answered_to_the_last(daemon) -> None:
    with ThreadPoolExecutor(50) as crowd:
        answers = list(
            crowd.map(lambda number: daemon.ask("GET", f"/api/v2/instances/dsw-{number}"), range(200))
        )

    assert [each.json["InstanceId"] for each in answers] == [f"dsw-{number}" for number in range(200)]
    assert len({each.json["RequestId"] for each in answers}) == 200
