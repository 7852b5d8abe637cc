"""Hearing of what happens, and of having been deaf."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from queue import Queue

import pytest

from tests.misbehaving_engine.proxy import MisbehavingEngine
from workbench.runtime import PodEvent, PodPlan, Runtime

pytestmark = pytest.mark.docker

Plans = Callable[..., PodPlan]

CONNECTED = "connected"


@pytest.fixture
def heard(unlucky: Runtime) -> Iterator[Queue[object]]:
    """What the watch told, in order, from its first connection on."""
    told: Queue[object] = Queue()
    watch = unlucky.watch(lambda *event: told.put(event), lambda: told.put(CONNECTED))
    assert told.get(timeout=60) == CONNECTED
    yield told
    watch.stop()


def test_a_pods_life_is_told_as_it_happens(runtime: Runtime, heard: Queue[object], a_plan: Plans) -> None:
    pod = runtime.start_pod(a_plan())
    runtime.remove_pod(pod)

    for event in (PodEvent.STARTED, PodEvent.ENDED, PodEvent.GONE):
        assert heard.get(timeout=60) == (event, "notebook", "dsw-1")


def test_running_out_of_memory_is_told_as_an_event(
    runtime: Runtime, heard: Queue[object], a_plan: Plans
) -> None:
    runtime.start_pod(a_plan("head -c 200m /dev/zero | tail", memory_bytes=2**25))

    events = [heard.get(timeout=60) for _ in range(3)]
    assert (PodEvent.OUT_OF_MEMORY, "notebook", "dsw-1") in events


def test_another_homes_pods_are_not_heard(runtime: Runtime, heard: Queue[object], a_plan: Plans) -> None:
    stranger = Runtime("unix:///var/run/docker.sock", "f" * 32)
    stranger.remove_pod(stranger.start_pod(a_plan(id="stranger")))

    runtime.start_pod(a_plan())

    assert heard.get(timeout=60) == (PodEvent.STARTED, "notebook", "dsw-1")


def test_after_the_engine_was_away_everything_is_to_be_looked_at_again(
    sick: MisbehavingEngine, runtime: Runtime, heard: Queue[object], a_plan: Plans
) -> None:
    sick.refuse()
    pod = runtime.start_pod(a_plan())  # unheard
    sick.accept()
    assert heard.get(timeout=60) == CONNECTED

    runtime.stop_pod(pod, grace_s=0)

    assert heard.get(timeout=60) == (PodEvent.ENDED, "notebook", "dsw-1")


def test_a_listener_that_fails_does_not_end_the_watch(
    unlucky: Runtime, runtime: Runtime, a_plan: Plans
) -> None:
    connections: Queue[str] = Queue()

    def fail(*event: object) -> None:
        raise ValueError(event)

    watch = unlucky.watch(fail, lambda: connections.put(CONNECTED))
    connections.get(timeout=60)

    runtime.start_pod(a_plan())

    assert connections.get(timeout=60) == CONNECTED
    watch.stop()
