"""What is said both ways: who may open it, how much is kept of it, and what ends it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, unix_connect

from tests.api.conftest import PARTS, Daemon
from tests.api.conftest import authenticate as only_alice
from workbench.api import Outcome, Server, application
from workbench.errors import Forbidden
from workbench.parts import Route
from workbench.wire.call import Caller, Dialogue
from workbench.wire.dialogue import LONGEST_MESSAGE_BYTES, WINDOW_BYTES, said
from workbench.wire.operations import operation

SHELL = "/workbench/v1/notebooks/dsw-1/shell"
PIECE = b"y\n" * 8192


class Flood:
    """A program that writes without an end and reads nothing. It ends once it is hung up."""

    def __init__(self) -> None:
        self.gone = threading.Event()
        self.size = (0, 0)

    async def output(self):
        while True:
            yield 1, PIECE

    async def write(self, data: bytes) -> None:
        await asyncio.Event().wait()

    async def end_input(self) -> None:
        pass

    async def resize(self, rows: int, columns: int) -> None:
        self.size = (rows, columns)

    async def exit_code(self) -> int:
        return 0

    async def hang_up(self) -> None:
        self.gone.set()


class Echo(Flood):
    """A program that writes what it reads, on both streams, and ends with its input."""

    def __init__(self) -> None:
        super().__init__()
        self._read: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def output(self):
        while (data := await self._read.get()) is not None:
            yield 1, data
            yield 2, data[::-1]

    async def write(self, data: bytes) -> None:
        self._read.put_nowait(data)

    async def end_input(self) -> None:
        self._read.put_nowait(None)

    async def exit_code(self) -> int:
        return 42


class Site:
    """A server with one dialogue, whose program and permissions a test chooses."""

    def __init__(self, folder: Path) -> None:
        self.local, self.public = folder / "local.sock", folder / "public.sock"
        self.program: type[Flood] = Echo
        self.programs: list[Flood] = []
        self.outcomes: list[Outcome] = []
        self.disabled: set[str] = set()
        self.may_enter = True
        self.closed = threading.Event()
        app = application(
            PARTS,
            [
                Route(operation("workbench", "OpenNotebookShell"), self._answer, talks=True),
                Route(operation("workbench", "GetStatus"), lambda parts, call: {}),
                Route(operation("dsw", "StopInstance"), lambda parts, call: {}),
            ],
            only_alice,
            recognise=self._recognise,
            observe=self._observe,
        )
        self.server = Server(app, local=self.local, public=self.public)

    def open(
        self, path: str = "/workbench/v1/notebooks/dsw-1/shell", *, public: bool = False, **headers: str
    ):
        return unix_connect(
            str(self.public if public else self.local),
            f"ws://localhost{path}",
            additional_headers=headers,
            max_size=2 * LONGEST_MESSAGE_BYTES,
            compression=None,
        )

    def change_something(self) -> None:
        """Somebody's request changes something."""
        assert Daemon(self.local, self.public).ask("PUT", "/api/v2/instances/dsw-1/stop").status == 200

    def _observe(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        if outcome.over:
            self.closed.set()

    def _answer(self, parts, call) -> Dialogue:
        async def begin():
            self.programs.append(self.program())
            return self.programs[-1]

        return Dialogue(begin, allowed=self._allow)

    def _allow(self) -> None:
        if not self.may_enter:
            raise Forbidden("Not any more.")

    def _recognise(self, caller: Caller) -> None:
        if caller.name in self.disabled:
            raise Forbidden(f"The user {caller.name} is disabled.")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A server on two sockets."""
    site = Site(tmp_path)
    ready = threading.Event()
    thread = threading.Thread(target=site.server.run, kwargs={"on_ready": ready.set})
    thread.start()
    assert ready.wait(60)
    yield site
    site.server.stop()
    thread.join(60)
    assert not thread.is_alive()


def refusal(site: Site, path: str = SHELL, **options):
    with pytest.raises(InvalidStatus) as caught:
        site.open(path, **options)
    response = caught.value.response
    return response.status_code, json.loads(response.body)["Code"]


def last_words(connection: ClientConnection) -> dict[str, object]:
    """The text message before the end, past what else comes."""
    words: dict[str, object] = {}
    with pytest.raises(ConnectionClosed):
        while True:
            message = connection.recv(60)
            words = json.loads(message) if isinstance(message, str) else words
    return words


def test_what_is_typed_arrives_and_what_is_written_comes_back_with_its_stream(site: Site) -> None:
    with site.open() as connection:
        connection.send(b"\x00\xffab")
        assert json.loads(connection.recv(60)) == {"Taken": 4}
        assert sorted([connection.recv(60), connection.recv(60)]) == [b"\x01\x00\xffab", b"\x02ba\xff\x00"]

        connection.send(said(EndOfInput=True))
        assert last_words(connection) == {"ExitCode": 42}
    assert site.programs[0].gone.wait(60)


def test_a_flood_is_held_up_until_somebody_takes_it(site: Site) -> None:
    site.program = Flood
    with site.open() as connection:
        came = 0
        while came < WINDOW_BYTES:
            came += len(connection.recv(60)) - 1
        assert connection.ping().wait(60)  # all that was sent before came before its answer
        with pytest.raises(TimeoutError):
            connection.recv(0)

        connection.send(said(Taken=len(PIECE)))
        assert connection.recv(60) == b"\x01" + PIECE


def test_who_sends_more_than_is_taken_is_cut_off(site: Site) -> None:
    site.program = Flood
    with site.open() as connection:
        for _ in range(WINDOW_BYTES // LONGEST_MESSAGE_BYTES + 1):
            connection.send(b"x" * LONGEST_MESSAGE_BYTES)

        assert last_words(connection)["Code"] == "TooMuchInput"
    assert site.programs[0].gone.wait(60)


def test_a_client_that_goes_takes_its_program_along_though_it_reads_nothing(site: Site) -> None:
    site.program = Flood
    with site.open() as connection:
        connection.send(b"x" * LONGEST_MESSAGE_BYTES)
        connection.socket.close()

    assert site.programs[0].gone.wait(60)


def test_the_terminal_s_size_is_passed_on_within_reason(site: Site) -> None:
    with site.open() as connection:
        connection.send(said(Resize={"Rows": 0, "Columns": 10**9}))
        connection.send(b"x")
        while not isinstance(connection.recv(60), bytes):
            pass

        assert site.programs[0].size == (1, 10_000)


@pytest.mark.parametrize(
    "nonsense", ["", "{", "[]", '{"Taken": "x"}', '{"Resize": 3}', '{"Resize": {"Rows": 1.5}}']
)
def test_nonsense_is_passed_over(site: Site, nonsense: str) -> None:
    with site.open() as connection:
        connection.send(nonsense)
        connection.send(b"x")

        assert json.loads(connection.recv(60)) == {"Taken": 1}


@pytest.mark.parametrize("origin", ["https://evil.example", "http://localhost", "null"])
def test_no_page_in_a_browser_opens_one(site: Site, origin: str) -> None:
    assert refusal(site, Origin=origin) == (403, "ForeignOrigin")
    assert not site.programs


def test_the_gateway_s_visitors_have_to_say_who_they_are(site: Site) -> None:
    status, _ = refusal(site, public=True)

    assert status == 401
    assert not site.programs


def test_nothing_else_is_asked_for_with_a_websocket_nor_this_without(site: Site) -> None:
    assert refusal(site, "/workbench/v1/status") == (426, "UpgradeRequired")
    plain = Daemon(site.local, site.public).ask("GET", SHELL)
    assert (plain.status, plain.json["Code"]) == (426, "UpgradeRequired")
    assert not site.programs


def test_one_user_has_only_so_many_at_once(site: Site) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(16):
            stack.enter_context(site.open())
        assert refusal(site) == (429, "TooManyShells")

    assert all(each.gone.wait(60) for each in site.programs)
    with site.open():
        pass


def test_who_is_disabled_is_out_after_the_next_change_of_anybody(site: Site) -> None:
    with site.open() as connection:
        site.disabled.add("owner")
        site.change_something()

        assert last_words(connection)["Message"] == "The user owner is disabled."
    assert site.programs[0].gone.wait(60)


def test_who_may_not_enter_any_more_is_out_after_the_next_change_of_anybody(site: Site) -> None:
    with site.open() as connection:
        site.change_something()
        connection.send(b"x")
        assert json.loads(connection.recv(60)) == {"Taken": 1}

        site.may_enter = False
        site.change_something()
        assert last_words(connection)["Message"] == "Not any more."


def test_a_server_that_stops_ends_them(site: Site) -> None:
    with site.open() as connection:
        site.server.stop()

        last_words(connection)
        assert connection.close_code in (1001, 1012)
    assert site.programs[0].gone.wait(60)


def test_its_beginning_and_its_end_are_told(site: Site) -> None:
    with site.open():
        assert [(each.status, each.over) for each in site.outcomes] == [(101, False)]

    assert site.closed.wait(60)
    opened, closed = site.outcomes
    assert (closed.status, closed.over) == (101, True)
    assert opened.request_id == closed.request_id
