"""A notebook stops after its idle limit, and only if neither its kernels, nor its CPUs and GPUs, nor
anybody in a browser did anything in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.notebooks.examples import NOW, a_notebook
from tests.telemetry.test_metrics_idle_watch import Watched
from workbench import notebooks, workspaces
from workbench.daemon import idle_notebooks
from workbench.gateway import Gateway
from workbench.node import Inventory
from workbench.node.group_counters import GroupCounters
from workbench.node.machine_counters import MachineCounters
from workbench.notebooks import IdleLimit, access, records, rules
from workbench.notebooks.records import Notebook, Status
from workbench.parts import Parts
from workbench.settings import load
from workbench.store import Store
from workbench.store.vault import Vault
from workbench.telemetry import events
from workbench.telemetry.metric_store import MetricStore
from workbench.telemetry.readings import Owner, PodCard, PodReading, Rates, Snapshot
from workbench.telemetry.series import values
from workbench.workqueue import WorkQueue
from workbench.workspaces import audit


class Machine:
    """A notebook that runs and has a limit of 30 minutes, and a clock that goes by the minute."""

    def __init__(self, folder: Path) -> None:
        self.now = NOW
        self.store = Store(folder / "state.db")
        self.store.migrate([events.MIGRATIONS, workspaces.MIGRATIONS, notebooks.MIGRATIONS])
        vault = Vault(folder / "secret.key")
        running = a_notebook(
            status=Status.RUNNING, running_since=NOW, last_active=NOW, idle_limit=IdleLimit(minutes=30)
        )
        with self.store.transaction() as db:
            first = workspaces.first_start(db, vault, "ada", 1000, 1000, now=NOW)
            self.workspace_id = first.workspace_id
            records.insert(
                db, access.with_new_secrets(vault, replace(running, workspace_id=self.workspace_id))
            )
        self.live = Watched()
        self.metrics = MetricStore(folder / "metrics.db", cap_bytes=1 << 30)
        settings = load({"home": folder}, {})
        without_docker: Any = None
        nothing = dict.fromkeys(each.name for each in fields(Parts))
        given: dict[str, Any] = {
            "store": self.store,
            "vault": vault,
            "settings": settings,
            "live": self.live,
            "gateway": Gateway(settings, without_docker, without_docker),
            "queue": WorkQueue(workers=1, resync_s=60),
            "now": lambda: self.now,
        }
        self.parts = Parts(**{**nothing, **given})

    def pass_by(self, minutes: int, *, cpus: float = 0.02, gpus: tuple[float | None, ...] = ()) -> None:
        """Time passes in which so many CPUs are in use, and so much of each GPU."""
        for _ in range(minutes):
            self.now += timedelta(minutes=1)
            snapshot = self._snapshot(cpus, gpus)
            self.metrics.add(int(self.now.timestamp()), values(snapshot))
            idle_notebooks.look(self.parts, self.metrics, snapshot)

    def use(self) -> None:
        """A kernel says that it did something."""
        with self.store.transaction() as db:
            records.save(db, rules.used(records.get(db, "dsw-1"), self.now))

    @property
    def notebook(self) -> Notebook:
        with self.store.reading() as db:
            return records.get(db, "dsw-1")

    @property
    def told(self) -> list[tuple[str, str]]:
        with self.store.reading() as db:
            return [(each.level, each.reason) for each in events.of(db, "notebook", "dsw-1")]

    def _snapshot(self, cpus: float, gpus: tuple[float | None, ...]) -> Snapshot:
        pod = PodReading(
            kind="notebook",
            id="dsw-1",
            pod="main",
            owner=Owner(name="mine", workspace_id=self.workspace_id, user_id="1"),
            counters=GroupCounters(cpu_seconds=1, memory_bytes=1),
            rates=Rates(cpus=cpus),
            cards=tuple(PodCard(uuid=f"GPU-{n}", utilisation=each) for n, each in enumerate(gpus)),
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


def test_it_is_warned_then_stopped_and_both_are_told_and_on_record(machine: Machine) -> None:
    machine.pass_by(31)  # the first two, in which it began to be measured, do not count
    assert (machine.notebook.status, machine.notebook.reason_code) == (Status.RUNNING, "IdleSoon")
    assert "stops at 12:32 UTC, unless it is used until then" in machine.live.told[-1].message

    machine.pass_by(1)

    assert (machine.notebook.status, machine.notebook.reason_code) == (Status.STOPPING, "Idle")
    assert "not in use for 30 minutes, its idle limit" in machine.notebook.reason
    assert machine.told == [("Warning", "IdleSoon"), ("Normal", "Idle")]
    with machine.store.reading() as db:
        [line] = audit.search(db, audit.Query(resource_id="dsw-1"), limit=10)
    assert (line.user_name, line.operation, line.code) == ("workbench", "StopInstance", "Idle")
    assert line.workspace_id == machine.workspace_id


def test_who_comes_back_in_time_takes_the_warning_away(machine: Machine) -> None:
    machine.pass_by(29)
    assert machine.notebook.reason_code == "IdleSoon"
    machine.use()

    machine.pass_by(1)

    assert machine.notebook.reason_code == ""
    machine.pass_by(28)
    assert machine.notebook.status is Status.RUNNING


@pytest.mark.parametrize("use", [{"cpus": 0.5}, {"gpus": (0.3,)}, {"gpus": (0.3, *(0.0,) * 7)}])
def test_what_no_kernel_tells_of_is_use_too(machine: Machine, use: dict[str, Any]) -> None:
    machine.pass_by(90, **use)

    assert machine.notebook.status is Status.RUNNING
    assert rules.idle_time(machine.notebook, machine.now) < timedelta(minutes=2), "and is shown as such"


def test_what_a_session_at_rest_takes_is_no_use(machine: Machine) -> None:
    machine.pass_by(32, cpus=0.05, gpus=(0.02, 0.0))

    assert machine.notebook.reason_code == "Idle"


def test_its_own_floors_are_kept(machine: Machine) -> None:
    with machine.store.transaction() as db:
        strict = IdleLimit(minutes=30, cpu_percent=60, gpu_percent=40)
        records.save(db, replace(records.get(db, "dsw-1"), idle_limit=strict))

    machine.pass_by(32, cpus=0.5, gpus=(0.3,))

    assert machine.notebook.reason_code == "Idle"


def test_a_gpu_that_tells_nothing_may_be_in_use(machine: Machine) -> None:
    machine.pass_by(90, gpus=(None,))

    assert machine.notebook.status is Status.RUNNING


def test_time_that_nobody_measured_is_no_idleness(machine: Machine) -> None:
    machine.pass_by(10)
    machine.now += timedelta(hours=3)

    machine.pass_by(24)
    assert machine.notebook.status is Status.RUNNING

    machine.pass_by(8)
    assert machine.notebook.reason_code == "Idle"


def test_one_without_a_limit_is_never_stopped(machine: Machine) -> None:
    with machine.store.transaction() as db:
        records.save(db, replace(records.get(db, "dsw-1"), idle_limit=None))

    machine.pass_by(300)

    assert machine.notebook.status is Status.RUNNING
    assert machine.told == []
