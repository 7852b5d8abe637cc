"""A gateway of its own on the real engine, with servers behind it, and nothing left afterwards."""

from __future__ import annotations

import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.upstreams import a_daemon_at, a_notebook_at
from tests.ports import free_port
from workbench.gateway import Gateway, NotebookRoute
from workbench.runtime import Runtime
from workbench.runtime.images import Images
from workbench.settings import Settings, load

NAMES = ("dsw-a", "dsw-b", "dsw-c")


def a_route(id: str = "dsw-a", address: str = "127.0.0.1", port: int = 8888, **changes: Any) -> NotebookRoute:
    """A good route, with secrets that say whose they are."""
    secrets = {kind: f"{kind}-of-{id}-0123456789" for kind in ("jupyter_token", "access_token", "cookie")}
    return NotebookRoute(id=id, address=address, port=port, **{**secrets, **changes})


@dataclass(frozen=True)
class Site:
    """A gateway under test and what is behind it."""

    gateway: Gateway
    settings: Settings
    runtime: Runtime
    routes: dict[str, NotebookRoute]

    @property
    def port(self) -> int:
        return self.settings.port

    def host(self, id: str) -> str:
        """A notebook's own origin."""
        return f"{id}.localhost:{self.port}"

    def settle(self) -> None:
        """Do what the work queue would, until the gateway needs nothing."""
        settle(self.gateway)


def settle(gateway: Gateway, *, within_s: float = 400) -> None:
    """Reconcile until the gateway answers and asks for no other look."""
    deadline = time.monotonic() + within_s
    while gateway.reconcile().after_s is not None or not gateway.status().answers:
        assert time.monotonic() < deadline, gateway.status().message
        time.sleep(0.05)


def until(condition: Callable[[], bool], what: str, *, within_s: float = 60) -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"not {what}"
        time.sleep(0.05)


@contextmanager
def a_home() -> Iterator[Settings]:
    """Settings of a home of its own, short enough for sockets."""
    home = Path(tempfile.mkdtemp(prefix="wb-gw-"))
    try:
        yield load({"home": str(home), "port": free_port()}, {})
    finally:
        shutil.rmtree(home)


@contextmanager
def a_runtime() -> Iterator[Runtime]:
    """A runtime of a home of its own, whose pods are removed afterwards."""
    runtime = Runtime("unix:///var/run/docker.sock", uuid.uuid4().hex)
    try:
        yield runtime
    finally:
        for pod in runtime.list_pods():
            runtime.remove_pod(pod)


def a_gateway(settings: Settings, runtime: Runtime) -> Gateway:
    """What a daemon makes when it starts; a second one is the daemon started again."""
    return Gateway(settings, runtime, Images(settings, "gateway-tests", lambda _: None))


@contextmanager
def a_site() -> Iterator[Site]:
    """A gateway that answers, with three notebooks and a daemon behind it."""
    with ExitStack() as stack:
        settings = stack.enter_context(a_home())
        runtime = stack.enter_context(a_runtime())
        settings.gateway_socket.parent.mkdir(parents=True)
        stack.enter_context(a_daemon_at(settings.gateway_socket))
        routes = {}
        for at, name in enumerate(NAMES):
            address = f"127.0.1.{at + 1}"
            routes[name] = a_route(name, address, stack.enter_context(a_notebook_at(address, name)))
        gateway = a_gateway(settings, runtime)
        gateway.sync(routes.values())
        settle(gateway)
        yield Site(gateway, settings, runtime, routes)


@pytest.fixture
def settings() -> Iterator[Settings]:
    """Settings of a home of its own."""
    with a_home() as settings:
        yield settings


@pytest.fixture
def runtime() -> Iterator[Runtime]:
    """A runtime of a home of its own."""
    with a_runtime() as runtime:
        yield runtime


@pytest.fixture
def site() -> Iterator[Site]:
    """A gateway of the test's own, to do with as it likes."""
    with a_site() as site:
        yield site


@pytest.fixture(scope="session")
def shared_site() -> Iterator[Site]:
    """A gateway for tests that only ask."""
    with a_site() as site:
        yield site
