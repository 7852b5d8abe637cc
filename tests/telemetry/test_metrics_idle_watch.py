"""Who holds a GPU and does not use it hears of it once; a workspace may want such a notebook stopped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.notebooks.examples import NOW, a_notebook
from workbench import notebooks, workspaces
from workbench.daemon.idle_gpus import CONFIG, REASON, IdleWatch
from workbench.gateway import Gateway
from workbench.node import Inventory
from workbench.node.group_counters import GroupCounters
from workbench.node.machine_counters import MachineCounters
from workbench.notebooks import access, records
from workbench.notebooks.records import Notebook, Status
from workbench.parts import Parts
from workbench.settings import load
from workbench.store import Store
from workbench.store.vault import Vault
from workbench.telemetry import Change, Live, events
from workbench.telemetry.metric_store import MetricStore
from workbench.telemetry.readings import Owner, PodCard, PodReading, Rates, Snapshot
from workbench.telemetry.series import values
from workbench.workqueue import WorkQueue
from workbench.workspaces.configs import save as save_config

WORK = ("notebook", "dsw-1")


class Watched(Live):
    """What was told, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[Change] = []

    def tell(self, change: Change) -> None:
        self.told.append(change)


class Machine:
    """A notebook that holds a GPU, and a clock that goes by the minute."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(folder / "state.db")
        self.store.migrate([events.MIGRATIONS, workspaces.MIGRATIONS, notebooks.MIGRATIONS])
        with self.store.transaction() as db:
            vault = Vault(folder / "secret.key")
            first = workspaces.first_start(db, vault, "ada", 1000, 1000, now=NOW)
            self.workspace_id = first.workspace_id
            running = a_notebook(
                workspace_id=self.workspace_id, gpus=1, status=Status.RUNNING, last_active=NOW
            )
            records.insert(db, access.with_new_secrets(vault, running))
        self.now = NOW
        self.live = Watched()
        self.metrics = MetricStore(folder / "metrics.db", cap_bytes=1 << 30)
        settings = load({"home": folder}, {})
        without_docker: Any = None
        nothing = dict.fromkeys(each.name for each in fields(Parts))
        given: dict[str, Any] = {
            "store": self.store,
            "vault": vault,
            "settings": settings,
            "gateway": Gateway(settings, without_docker, without_docker),
            "live": self.live,
            "queue": WorkQueue(workers=1, resync_s=60),
            "now": lambda: self.now,
        }
        self.parts = Parts(**{**nothing, **given})
        self.watch = IdleWatch(self.parts, self.metrics)

    def pass_by(self, minutes: int, *, utilisation: float | None = 0.0) -> None:
        """Time passes, in which the GPU is used so much."""
        for _ in range(minutes):
            self.now += timedelta(minutes=1)
            snapshot = self._snapshot(utilisation)
            self.metrics.add(int(self.now.timestamp()), values(snapshot))
            self.watch.look(snapshot)

    def restart(self) -> None:
        """Another daemon takes over."""
        self.watch = IdleWatch(self.parts, self.metrics)

    def want_stop(self) -> None:
        with self.store.transaction() as db:
            save_config(db, self.workspace_id, key=CONFIG, value="stop", labels={}, now=NOW)

    def change(self, **changes: Any) -> None:
        with self.store.transaction() as db:
            records.save(db, Notebook(**{**vars(records.get(db, "dsw-1")), **changes}))

    @property
    def notebook(self) -> Notebook:
        with self.store.reading() as db:
            return records.get(db, "dsw-1")

    @property
    def warnings(self) -> list[str]:
        with self.store.reading() as db:
            return [each.message for each in events.of(db, *WORK) if each.reason == REASON]

    def _snapshot(self, utilisation: float | None) -> Snapshot:
        pod = PodReading(
            kind="notebook",
            id="dsw-1",
            pod="main",
            owner=Owner(name="mine", workspace_id=self.workspace_id, user_id="1"),
            counters=GroupCounters(cpu_seconds=1, memory_bytes=1),
            rates=Rates(),
            cards=(PodCard(uuid="GPU-a", utilisation=utilisation),),
        )
        return Snapshot(
            time=self.now,
            inventory=Inventory(cpus=1, memory_bytes=1),
            machine=MachineCounters(cpu_seconds=1, memory_used_bytes=1, memory_total_bytes=1, load=0),
            rates=Rates(),
            pods=(pod,),
        )


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path)
    yield machine
    machine.metrics.close()


def test_the_holder_hears_of_it_once_after_an_hour(machine: Machine) -> None:
    machine.pass_by(59)
    assert machine.watch.flagged == {}

    machine.pass_by(30)

    (warning,) = machine.warnings
    assert "was not used for 60 minutes" in warning
    assert list(machine.watch.flagged) == [WORK]
    assert [(each.id, each.workspace_id, each.status) for each in machine.live.told] == [
        ("dsw-1", machine.workspace_id, "Idle")
    ]
    assert machine.notebook.status is Status.RUNNING


def test_use_takes_the_flag_away_at_once(machine: Machine) -> None:
    machine.pass_by(70)

    machine.pass_by(1, utilisation=0.5)

    assert machine.watch.flagged == {}
    assert machine.live.told[-1].status == ""


def test_a_burst_an_hour_ago_does_not_hide_the_idleness_since(machine: Machine) -> None:
    machine.pass_by(300, utilisation=1.0)
    machine.pass_by(62)

    assert list(machine.watch.flagged) == [WORK]


def test_a_gpu_that_tells_nothing_is_not_called_idle(machine: Machine) -> None:
    machine.pass_by(120, utilisation=None)

    assert machine.watch.flagged == {}


def test_a_daemon_that_restarts_still_knows_and_does_not_warn_again(machine: Machine) -> None:
    machine.pass_by(62)
    machine.restart()

    machine.pass_by(1)

    assert list(machine.watch.flagged) == [WORK]
    assert len(machine.warnings) == 1


def test_where_the_workspace_wants_it_the_notebook_is_stopped_after_a_warning(machine: Machine) -> None:
    machine.want_stop()
    machine.pass_by(70)
    assert machine.notebook.status is Status.RUNNING
    assert "will be stopped in 15 minutes" in machine.warnings[0]

    machine.pass_by(10)

    assert (machine.notebook.status, machine.notebook.reason_code) == (Status.STOPPING, REASON)
    assert "75 minutes" in machine.notebook.reason


def test_a_notebook_in_which_somebody_works_is_not_stopped(machine: Machine) -> None:
    machine.want_stop()
    machine.change(last_active=NOW + timedelta(minutes=85))

    machine.pass_by(90)
    assert machine.notebook.status is Status.RUNNING

    machine.pass_by(15)
    assert machine.notebook.status is Status.STOPPING
