"""Whoever watches hears that something in the queue changed, and nothing while it stays as it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

from tests.daemon.test_gpu_watch import Watched
from tests.emulated_gpu.fixtures import emulated_machine, machine_here
from tests.emulated_gpu.machine import Machine
from tests.scheduler.machines import NOW, a_request
from workbench import scheduler
from workbench.daemon.wiring import _schedule
from workbench.node import Node
from workbench.parts import Parts
from workbench.scheduler import Request, Whole
from workbench.settings import load
from workbench.store import Store
from workbench.telemetry import Change
from workbench.workqueue import WorkQueue

__all__ = ["emulated_machine", "machine_here"]


def test_a_place_and_a_wait_are_told_once(machine_here: Callable[[int], Machine], tmp_path: Path) -> None:
    machine_here(1)
    store, live = Store(tmp_path / "state.db"), Watched()
    store.migrate([scheduler.MIGRATIONS])
    nothing = dict.fromkeys(each.name for each in fields(Parts))
    given: dict[str, Any] = {
        "store": store,
        "node": Node({}),
        "live": live,
        "queue": WorkQueue(workers=1, resync_s=60),
        "settings": load({"home": tmp_path}, {}),
        "now": lambda: NOW,
    }
    parts = Parts(**{**nothing, **given})

    def told(*asked: Request) -> list[Change]:
        live.told.clear()
        with store.transaction() as db:
            for each in asked:
                scheduler.ask(db, each)
        _schedule(parts)
        return list(live.told)

    changed = Change(kind="queue", id="", status="Changed")
    assert told(a_request(Whole(1))) == [changed]
    assert told(a_request(Whole(1))) == [changed]
    assert told() == []
    store.close()
