"""A notebook whose looks fail says so, and does not start for ever."""

from __future__ import annotations

import json
import shutil
import socketserver
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.notebooks.examples import NOW, a_notebook
from workbench import notebooks
from workbench.errors import EngineAway
from workbench.gateway import Gateway
from workbench.notebooks import access, records, rules
from workbench.notebooks.records import Notebook, Status, Wanted
from workbench.parts import Parts
from workbench.runtime import Runtime
from workbench.runtime.images import Images
from workbench.settings import load
from workbench.store import Store
from workbench.store.vault import Vault
from workbench.telemetry import Level, Live, events

LIMIT = timedelta(seconds=120)
UNDER_WAY = {Status.CREATING, Status.QUEUING, Status.ENV_PREPARING, Status.STARTING, Status.RECOVERING}


@pytest.fixture
def home() -> Iterator[Path]:
    """With a path short enough for sockets."""
    path = Path(tempfile.mkdtemp(prefix="wb-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def nonsense(home: Path) -> Iterator[str]:
    """The address of an engine that answers whatever it is asked with something that is no container."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            asked = self.rfile.readline()
            body = json.dumps({"ApiVersion": "1.41"} if b"/version" in asked else {"Id": "c" * 64}).encode()
            head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            self.wfile.write(f"{head}Connection: close\r\n\r\n".encode() + body)

    with socketserver.ThreadingUnixStreamServer(str(home / "engine.sock"), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"unix://{home / 'engine.sock'}"
        server.shutdown()
        thread.join()


class Machine:
    """As much of a daemon as a look passes through, and a clock that the test moves."""

    def __init__(self, home: Path, store: Store, vault: Vault, engine: str) -> None:
        self.now = NOW
        settings = load({"home": home, "docker_host": engine}, {})
        runtime = Runtime(engine, "home")
        nothing = dict.fromkeys(each.name for each in fields(Parts))
        given = {
            "settings": settings,
            "store": store,
            "vault": vault,
            "runtime": runtime,
            "gateway": Gateway(settings, runtime, Images(settings, "home", lambda name: None)),
            "live": Live(),
            "now": lambda: self.now,
        }
        self.parts = Parts(**{**nothing, **given})

    def add(self, notebook: Notebook) -> None:
        with self.parts.store.transaction() as db:
            records.insert(db, access.with_new_secrets(self.parts.vault, notebook))

    def look(self) -> Notebook:
        """One look, which fails; the notebook after it."""
        with pytest.raises(KeyError):
            notebooks.reconcile(self.parts, "dsw-1")
        with self.parts.store.reading() as db:
            return records.get(db, "dsw-1")


@pytest.fixture
def machine(home: Path, store: Store, vault: Vault, nonsense: str) -> Machine:
    return Machine(home, store, vault, nonsense)


def test_it_says_that_its_start_is_tried_again_and_fails_in_the_end(machine: Machine) -> None:
    machine.add(a_notebook(status=Status.STARTING))

    tried = machine.look()
    machine.now += timedelta(seconds=100)
    again = machine.look()
    machine.now += timedelta(seconds=30)
    failed = machine.look()

    for each in (tried, again):
        assert (each.status, each.reason_code) == (Status.STARTING, "HeldUp")
        assert (
            "(KeyError); the daemon's log says more. Its start is tried again until 12:02:00" in each.reason
        )
    assert (failed.status, failed.reason_code) == (Status.FAILED, "StartFailed")
    assert "could not be started within 120 s. Something unexpected happened" in failed.reason
    with machine.parts.store.reading() as db:
        told = [(each.level, each.reason) for each in events.of(db, "notebook", "dsw-1")]
    assert told == [(Level.WARNING, "HeldUp"), (Level.ERROR, "StartFailed")]


def test_one_that_runs_or_is_on_its_way_down_is_left_as_it_is(machine: Machine) -> None:
    machine.add(a_notebook(status=Status.STOPPING, wanted=Wanted.STOPPED))

    assert machine.look().reason == ""


def test_an_engine_that_is_away_proves_nothing(home: Path, store: Store, vault: Vault) -> None:
    machine = Machine(home, store, vault, f"unix://{home}/none.sock")
    machine.add(a_notebook(status=Status.STARTING))

    with pytest.raises(EngineAway):
        notebooks.reconcile(machine.parts, "dsw-1")
    with store.reading() as db:
        assert records.get(db, "dsw-1").reason == ""


@pytest.mark.parametrize("status", sorted(UNDER_WAY))
def test_whatever_it_waits_for_it_is_held_up_only_so_long(status: Status) -> None:
    held = rules.held_up(a_notebook(status=status), "It broke.", LIMIT, NOW)
    other = rules.held_up(held, "It broke in another way.", LIMIT, NOW + LIMIT)
    failed = rules.held_up(other, "It broke.", LIMIT, NOW + LIMIT + timedelta(seconds=1))

    assert (held.status, other.status, failed.status) == (status, status, Status.FAILED)
    assert "another way" in other.reason


def test_what_held_it_up_is_told_until_it_goes_on() -> None:
    held = rules.held_up(a_notebook(status=Status.STARTING), "It broke.", LIMIT, NOW)

    assert rules.starting(held, NOW + LIMIT) == held
    assert rules.become(held, Status.RUNNING, NOW).reason == ""
    assert rules.starting(replace(held, reason_code="Interrupted"), NOW).reason == ""
