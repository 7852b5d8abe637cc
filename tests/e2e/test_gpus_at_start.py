"""Starts that meet trouble with GPUs: an engine that cannot give any, a card that is lost just then."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.gpu_machine import LEGS, GpuMachine
from tests.emulated_gpu.engine import Toolkit
from tests.emulated_gpu.fixtures import starting_machines

pytestmark = pytest.mark.docker


@pytest.fixture
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., GpuMachine]]:
    """Starts a machine with two GPUs."""
    with starting_machines() as start_emulated:
        started: list[GpuMachine] = []

        def start(**options: Any) -> GpuMachine:
            home = Path(tmp_path_factory.mktemp("home"))
            started.append(GpuMachine(start_emulated(2, **options), home, WORKBENCH_SAMPLE_S="1"))
            started[-1].start()
            return started[-1]

        yield start
        for each in started:
            each.workbench.remove()


def test_an_engine_that_cannot_give_gpus_says_what_to_install(start: Callable[..., GpuMachine]) -> None:
    here = start(toolkit=Toolkit.NONE)
    wanting = here.create("wanting")

    here.workbench.until_status(wanting, "Failed")
    assert "install nvidia-container-toolkit" in here.reason(wanting)
    assert [each["Holders"] for each in here.gpus()] == [[], []]
    here.running("plain", gpus=0)


@pytest.mark.parametrize("options", LEGS)
def test_a_card_that_is_lost_while_its_notebook_starts_is_exchanged_for_another(
    options: dict[str, Any], start: Callable[..., GpuMachine]
) -> None:
    here = start(**options)
    for attempt in range(3):
        notebook = here.create(f"attempt-{attempt}")
        here.workbench.until(lambda: any(each["Holders"] for each in here.gpus()), "it has a card")
        here.machine.lose(0)

        here.workbench.until_status(notebook, "Running", "Failed")
        assert here.workbench.status(notebook) == "Running", here.reason(notebook)
        here.delete_all()
