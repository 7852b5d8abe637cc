"""The way to a user's dashboard is there as long as it is followed, and no longer."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from contextlib import suppress
from dataclasses import replace

from tests.notebooks.machine import Machine
from workbench.gateway import Gateway, NotebookRoute
from workbench.settings import Settings


class SlowGateway(Gateway):
    """One that is told of a route, and takes its time until `go`."""

    def __init__(self, settings: Settings, machine: Machine) -> None:
        super().__init__(settings, machine.parts.runtime, machine.parts.images)
        self.asked = threading.Event()
        self.go = threading.Event()
        self.told: list[str] = []
        self.sync([])

    def publish(self, route: NotebookRoute) -> bool:
        self.told.append(route.id)
        self.asked.set()
        assert self.go.wait(30)
        return super().publish(route)


def test_who_leaves_while_the_way_is_made_leaves_none_behind(machine: Machine) -> None:
    gateway = SlowGateway(machine.parts.settings, machine)
    machine.parts = replace(machine.parts, gateway=gateway)
    here = replace(machine.owner, source=f"unix:{os.getuid()}")
    with socket.create_server(("127.0.0.1", 0)) as program:
        port = program.getsockname()[1]
        stream = machine.answer(here, "OpenDashboard", Port=port, Key="k" * 32)

        async def come_and_go() -> None:
            following = asyncio.ensure_future(anext(stream.lines))
            assert await asyncio.to_thread(gateway.asked.wait, 30)
            following.cancel()
            await asyncio.sleep(0)
            gateway.go.set()
            with suppress(asyncio.CancelledError):
                await following
            await asyncio.get_running_loop().shutdown_default_executor()

        asyncio.run(come_and_go())

    assert [gateway.route(each) for each in gateway.told] == [None]
