"""A machine's API where PAI's own clients reach it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import uvicorn
from alibabacloud_tea_openapi.utils_models import Config

from workbench.api import application
from workbench.workspaces import Auditor, KeyPair


@contextmanager
def served(machine: Any) -> Iterator[int]:
    """The port at which the machine's operations answer, by the clock of those who sign."""
    machine.clock.time = datetime.now(UTC)
    auditor = Auditor(machine.store, machine.clock)
    app = application(
        machine.parts, machine.routes, machine.authenticate, around=auditor.beginning, observe=auditor
    )
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join()


def config(port: int, key: KeyPair) -> Config:
    """What an official client is told, to come there with somebody's key."""
    return Config(
        access_key_id=key.access_key_id,
        access_key_secret=key.secret,
        endpoint=f"127.0.0.1:{port}",
        protocol="http",
        region_id="local",
    )
