"""Whom the client talks to, how it proves who it is, and what it says when nobody answers."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.in_process_api import Api, lines
from workbench.client import Client, ClientError, DaemonAway
from workbench.client.aio import AsyncClient
from workbench.errors import InvalidInput, NotFound
from workbench.settings import load
from workbench.wire.operations import operation
from workbench.wire.signatures import Claim, Request, is_authentic, read_claim

GET = operation("dsw", "GetInstance")
KEY = {"WORKBENCH_ACCESS_KEY_ID": "WBkey", "WORKBENCH_ACCESS_KEY_SECRET": "secret"}


@pytest.fixture
def endpoint() -> Iterator[tuple[str, list[Request]]]:
    """A server on a port that keeps what it is sent."""
    seen: list[Request] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            headers = {name.lower(): value for name, value in self.headers.items()}
            seen.append(Request("GET", path, query, headers))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", seen
        server.shutdown()
        thread.join()


def test_an_answer_comes_back_as_its_fields(api: Api) -> None:
    api.answers["GetInstance"] = {"Status": "Running"}

    answer = Client(api.settings.socket).call(GET, instance_id="dsw-1")

    assert answer["Status"] == "Running"
    assert api.calls == [("GetInstance", {"instance_id": "dsw-1"})]


def test_a_refusal_of_the_daemon_is_an_error_with_its_words(api: Api) -> None:
    api.answers["GetInstance"] = NotFound("There is no such notebook.", code="InstanceNotFound")

    with pytest.raises(ClientError, match="no such notebook") as refused:
        Client(api.settings.socket).call(GET, instance_id="dsw-1")

    assert refused.value.status == 404


def test_lines_come_as_they_are_said(api: Api) -> None:
    api.answers["Watch"] = lines({"Status": "Starting"}, {"Status": "Running"})

    with Client(api.settings.socket).stream(operation("workbench", "Watch")) as changes:
        assert [change["Status"] for change in changes] == ["Starting", "Running"]


@pytest.fixture
def broken_off(tmp_path: Path) -> Iterator[Path]:
    """A socket where each stream breaks after a line and a half, as with a daemon that was killed."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while self.rfile.readline().strip():
                pass
            self.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            self.wfile.write(b'1f\r\n{"Status":"Starting"}\n{"Status"\r\n')

    with socketserver.ThreadingUnixStreamServer(str(tmp_path / "daemon.sock"), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield tmp_path / "daemon.sock"
        server.shutdown()
        thread.join()


def test_a_stream_that_breaks_off_is_no_end_of_it(broken_off: Path) -> None:
    heard = []

    with (
        pytest.raises(DaemonAway, match="workbench up"),
        Client(broken_off).stream(operation("workbench", "Watch")) as changes,
    ):
        heard += [next(changes)]
        heard += changes

    assert heard == [{"Status": "Starting"}]


async def test_a_stream_of_the_dashboard_that_breaks_off_is_no_end_of_it(broken_off: Path) -> None:
    heard = []

    with pytest.raises(DaemonAway, match="workbench up"):
        async with AsyncClient(Client(broken_off)).stream(operation("workbench", "Watch")) as changes:
            async for together in changes:
                heard += together

    assert heard == [{"Status": "Starting"}]


def test_a_daemon_that_stops_ends_its_streams_in_words(api: Api) -> None:
    api.answers["Watch"] = lines({"Status": "Starting"}, endless=True)

    with Client(api.settings.socket).stream(operation("workbench", "Watch")) as changes:
        assert next(changes) == {"Status": "Starting"}
        api.stop()
        with pytest.raises(DaemonAway, match="was stopped"):
            list(changes)


def test_a_long_line_arrives_whole_however_it_was_cut(api: Api) -> None:
    long = "x" * 300_000
    api.answers["Watch"] = lines({"Text": long}, {"Text": "ü" * 100_000}, {"Text": ""})

    with Client(api.settings.socket).stream(operation("workbench", "Watch")) as changes:
        assert [each["Text"] for each in changes if each] == [long, "ü" * 100_000, ""]


def test_a_daemon_that_does_not_run_is_said_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DaemonAway, match="start it with `workbench up`"):
        Client(tmp_path / "daemon.sock").call(GET, instance_id="dsw-1")


def test_the_socket_is_used_for_the_own_endpoint_as_long_as_there_is_one(api: Api, tmp_path: Path) -> None:
    own = Client.from_settings(api.settings, environ={"WORKBENCH_ENDPOINT": api.settings.endpoint})
    elsewhere = Client.from_settings(api.settings, endpoint="http://10.0.0.1:8580", environ={})
    no_socket = Client.from_settings(
        load({"home": tmp_path}, {}), environ={"WORKBENCH_ENDPOINT": api.settings.endpoint}
    )

    assert own.address == api.settings.socket
    assert elsewhere.address == "http://10.0.0.1:8580"
    assert no_socket.address == api.settings.endpoint


def test_a_key_beside_the_own_endpoint_says_who_asks(api: Api) -> None:
    environ = {**KEY, "WORKBENCH_ENDPOINT": api.settings.endpoint}
    own = Client.from_settings(api.settings, environ=environ)

    claim = read_claim(own.request(GET, {"instance_id": "dsw-1"}))

    assert own.address == api.settings.socket
    assert claim is not None
    assert claim.access_key_id == "WBkey"


def test_a_request_to_an_endpoint_is_signed(endpoint: tuple[str, list[Request]], tmp_path: Path) -> None:
    url, seen = endpoint
    client = Client.from_settings(load({"home": tmp_path}, {}), endpoint=url, environ=KEY)

    client.call(operation("dsw", "ListInstances"), InstanceName="a b~/ü")

    claim = read_claim(seen[0])
    assert claim is not None
    assert claim.access_key_id == "WBkey"
    assert is_authentic(seen[0], claim, "secret")
    assert not is_authentic(seen[0], claim, "another")


def test_a_token_goes_before_a_key(endpoint: tuple[str, list[Request]], tmp_path: Path) -> None:
    url, seen = endpoint
    environ = {**KEY, "WORKBENCH_TOKEN": "wbt-1"}
    client = Client.from_settings(load({"home": tmp_path}, {}), endpoint=url, environ=environ)

    client.call(operation("dsw", "ListInstances"))

    claim = read_claim(seen[0])
    assert isinstance(claim, Claim)
    assert claim.token == "wbt-1"


@pytest.mark.parametrize(
    "wrong",
    [
        "127.0.0.1:8580",
        "ftp://host",
        "http://",
        "http://host/path",
        "http://127.0.0.1:abc",
        "http://127.0.0.1:99999",
        "http://:8580",
        "http://[::1",
        "http://a host",
        "http://hôte:8580",
    ],
)
def test_an_endpoint_that_is_no_url_is_refused(wrong: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="a URL such as"):
        Client.from_settings(load({"home": tmp_path}, {}), endpoint=wrong, environ={})


@pytest.mark.parametrize("variable", ["WORKBENCH_TOKEN", *KEY])
@pytest.mark.parametrize("wrong", ["wbt-1\n", "€", "\udcff", "two words"])
def test_a_key_or_token_that_was_copied_wrongly_is_refused_and_not_shown(
    variable: str, wrong: str, tmp_path: Path
) -> None:
    settings = load({"home": tmp_path}, {})

    with pytest.raises(InvalidInput, match=f"{variable} has") as refused:
        Client.from_settings(settings, endpoint="http://host", environ={variable: wrong})

    assert wrong not in str(refused.value)


@pytest.mark.parametrize(
    ("endpoint", "host"),
    [
        ("http://127.0.0.1:8580", "127.0.0.1:8580"),
        ("https://Lab.Example.org:443", "lab.example.org"),
        ("http://lab.example.org", "lab.example.org"),
        ("http://[::1]:8580", "[::1]:8580"),
    ],
)
def test_the_host_is_signed_as_every_client_spells_it(endpoint: str, host: str) -> None:
    request = Client(endpoint).request(operation("workbench", "GetStatus"), {})

    assert request.headers["host"] == host
