"""Real containers on real files: sampled without a question to the engine, mapped to GPUs."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.emulated_gpu.fixtures import emulated_machine, machine_here
from tests.emulated_gpu.machine import GIB, Machine
from tests.misbehaving_engine.proxy import MisbehavingEngine
from tests.tiny_image import ensure_tiny_image
from workbench.node import Node
from workbench.runtime import Pod, PodPlan, Runtime
from workbench.telemetry.known_pods import KnownPods
from workbench.telemetry.readings import Owner, PodReading, Snapshot
from workbench.telemetry.sampler import Attribution, Sampler

pytestmark = pytest.mark.docker

__all__ = ["emulated_machine", "machine_here"]

ADA = Owner(name="first", workspace_id="1", workspace_name="lab", user_id="7", user_name="ada")


class Home:
    """Pods of a home of their own, and a sampler that knows them."""

    def __init__(self, home_id: str, docker_host: str) -> None:
        self.runtime = Runtime("unix:///var/run/docker.sock", home_id)
        self.holders: dict[str, list[tuple[str, str]]] = {}
        self.known = KnownPods(Runtime(docker_host, home_id).list_pods)
        self.sampler = Sampler(
            Node({"home": Path("/")}), self.known, self._attribution, lambda snapshot: None, every_s=4
        )
        self.known.start()

    def start(self, id: str, shell: str) -> Pod:
        """A pod that runs, and that the sampler knows of."""
        plan = PodPlan(
            kind="notebook",
            id=id,
            generation=1,
            image=ensure_tiny_image(),
            command=("sh", "-c", shell),
            user="1000:1000",
        )
        pod = self.runtime.start_pod(plan)
        with closing(self.runtime.logs(pod, follow=True)) as lines:
            next(iter(lines))  # it has done what the test wants of it
        return pod

    def until_known(self, *ids: str) -> None:
        """Wait until the sampler's pods are these."""
        self.known.changed()
        deadline = time.monotonic() + 60
        while {pod.id for pod in self.known.running} != set(ids):
            assert time.monotonic() < deadline, self.known.stale
            time.sleep(0.05)

    def remove(self) -> None:
        """Leave nothing."""
        self.known.stop()
        for pod in self.runtime.list_pods():
            self.runtime.remove_pod(pod)

    def _attribution(self) -> Attribution:
        return Attribution(owners={("notebook", "dsw-1"): ADA}, holders=self.holders)


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    monkeypatch.setattr("workbench.node._CARD_ANSWERS_WITHIN_S", 60)  # late is only a busy machine's
    home = Home(uuid.uuid4().hex, "unix:///var/run/docker.sock")
    yield home
    home.remove()


def only(snapshot: Snapshot) -> PodReading:
    (pod,) = snapshot.pods
    return pod


def test_a_container_is_measured_by_its_files_and_has_its_owner(home: Home) -> None:
    home.start("dsw-1", "x=$(head -c 30000000 /dev/zero | tr '\\0' 'x'); echo; while :; do :; done")
    home.until_known("dsw-1")
    first = only(home.sampler.sample())

    while not (pod := only(home.sampler.sample())).rates.cpus:
        pass  # it has not had its turn yet

    assert pod.owner == ADA
    assert 25e6 < pod.counters.memory_bytes < 500e6
    assert pod.counters.cpu_seconds > first.counters.cpu_seconds
    assert first.rates.cpus is None


def test_a_container_that_dies_is_missed_by_nobody_and_its_neighbour_goes_on(home: Home) -> None:
    dying = home.start("dsw-1", "echo; exec sleep 600")
    home.start("dsw-2", "echo; exec sleep 600")
    home.until_known("dsw-1", "dsw-2")
    home.runtime.remove_pod(dying)

    assert [pod.id for pod in home.sampler.sample().pods] == ["dsw-2"]
    home.until_known("dsw-2")


def test_an_engine_that_is_away_stops_no_measuring(tmp_path: Path) -> None:
    with MisbehavingEngine(tmp_path) as engine:
        home = Home(uuid.uuid4().hex, engine.docker_host)
        try:
            home.start("dsw-1", "echo; exec sleep 600")
            home.until_known("dsw-1")
            engine.refuse()
            home.known.changed()
            deadline = time.monotonic() + 60
            while not home.known.stale:
                assert time.monotonic() < deadline, "nobody missed the engine"
                time.sleep(0.05)

            assert only(home.sampler.sample()).counters.memory_bytes > 0
        finally:
            home.remove()


def test_a_process_on_a_gpu_is_found_to_be_its_containers(
    home: Home, machine_here: Callable[[int], Machine]
) -> None:
    machine = machine_here(2)
    used, idle = machine.uuids
    pod = home.start("dsw-1", "echo; exec sleep 600")
    home.until_known("dsw-1")
    machine.add_process(0, pod.pid, 3 * GIB)
    machine.set_utilisation(0, 40)
    home.holders = {used: [("notebook", "dsw-1")], idle: [("notebook", "dsw-1")]}

    snapshot = home.sampler.sample()

    assert [(card.uuid, card.utilisation, card.memory_bytes) for card in only(snapshot).cards] == [
        (used, 0.4, 3 * GIB),
        (idle, 0.0, 0),
    ]
    assert snapshot.pids == {pod.pid: ("notebook", "dsw-1")}


def test_on_a_shared_gpu_each_has_its_own_part(home: Home, machine_here: Callable[[int], Machine]) -> None:
    machine = machine_here(1)
    pods = [home.start(id, "echo; exec sleep 600") for id in ("dsw-1", "dsw-2")]
    home.until_known("dsw-1", "dsw-2")
    machine.set_utilisation(0, 90)
    for pod, share in zip(pods, (70, 20), strict=True):
        machine.add_process(0, pod.pid, GIB, sm=share)

    found = {pod.id: pod.cards[0] for pod in home.sampler.sample().pods}

    assert {id: card.utilisation for id, card in found.items()} == {"dsw-1": 0.7, "dsw-2": 0.2}
    assert {card.memory_bytes for card in found.values()} == {GIB}
