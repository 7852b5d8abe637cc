"""The engine dies under notebooks with GPUs and comes back: records and cards agree."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.agreement import statuses, until_they_agree
from tests.e2e.gpu_machine import LEGS, GpuMachine
from tests.emulated_gpu.fixtures import starting_machines
from workbench.wire.operations import operation

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]


@pytest.fixture(params=LEGS)
def leg(request: pytest.FixtureRequest) -> dict[str, Any]:
    leg: dict[str, Any] = request.param
    return leg


@pytest.fixture(params=[True, False], ids=["live-restore", "no-live-restore"])
def here(
    leg: dict[str, Any], request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GpuMachine]:
    """A machine with two GPUs."""
    with starting_machines() as start:
        emulated = start(2, live_restore=request.param, **leg)
        here = GpuMachine(emulated, Path(tmp_path_factory.mktemp("home")), WORKBENCH_SAMPLE_S="1")
        try:
            here.start()
            yield here
        finally:
            here.workbench.remove()


def test_each_keeps_its_card_when_the_engine_is_killed_and_comes_back(here: GpuMachine) -> None:
    one, two = here.running("one", "two")
    waiting = here.create("three")
    here.workbench.until_status(waiting, "Queuing")
    holders, seen = holders_of(here), [here.seen_by(one), here.seen_by(two)]
    assert {*seen} == {frozenset({0}), frozenset({1})}
    before = {pod.id: pod.container for pod in here.workbench.pods()}

    here.engine.kill()
    here.workbench.until(lambda: not engine_answers(here), "the daemon knows that the engine is away")
    assert sorted(statuses(here.workbench).values()) == ["Queuing", "Running", "Running"]
    assert holders_of(here) == holders
    here.engine.start()

    here.workbench.until(lambda: engine_answers(here), "the engine is back")
    here.workbench.until(lambda: len(here.workbench.pods()) == 2, "both have containers", within_s=300)
    for each in (one, two):
        here.workbench.until_status(each, "Running", within_s=300)
    assert holders_of(here) == holders
    assert [here.seen_by(one), here.seen_by(two)] == seen
    assert ({pod.id: pod.container for pod in here.workbench.pods()} == before) is here.engine.live_restore

    here.workbench.dsw("DeleteInstance", instance_id=one)
    here.workbench.until_status(waiting, "Running", within_s=300)
    assert here.seen_by(waiting) == seen[0]
    until_they_agree(here.workbench)


def engine_answers(here: GpuMachine) -> bool:
    return bool(here.workbench.client.call(operation("workbench", "GetStatus"))["Engine"]["Answers"])


def holders_of(here: GpuMachine) -> list[list[str]]:
    return [[each["Id"] for each in card["Holders"]] for card in here.gpus()]
