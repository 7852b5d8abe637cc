"""The Docker engine dies and comes back beneath running notebooks: a private one, not the machine's."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.agreement import statuses, until_they_agree
from tests.e2e.light_image import ensure_light_image
from tests.emulated_gpu.engine import Engine, Toolkit
from tests.emulated_gpu.fixtures import StartMachine, emulated_machine
from tests.installation import Installation
from workbench.client import Client
from workbench.runtime.images import Images, Present
from workbench.settings import Settings, load
from workbench.wire.operations import operation

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

__all__ = ["emulated_machine"]


@pytest.fixture(params=[True, False], ids=["live-restore", "no-live-restore"])
def engine(emulated_machine: StartMachine, request: pytest.FixtureRequest) -> Engine:
    engine = emulated_machine(0, toolkit=Toolkit.NONE, live_restore=request.param).engine
    assert engine
    return engine


@pytest.fixture
def image(tmp_path: Path, engine: Engine) -> str:
    """The light image, in that engine; the gateway's too."""
    ours = load({"home": str(tmp_path)}, {})
    light = ensure_light_image(ours, uuid.uuid4().hex)
    engine.load(light)
    engine.load(gateway_image(ours))
    return light


def gateway_image(ours: Settings) -> str:
    found = next(each for each in Images(ours, "tests", lambda name: None).list() if each.name == "gateway")
    assert isinstance(found.status, Present), "the gateway's image is made by the tests before"
    return found.status.reference


@pytest.fixture
def workbench(tmp_path_factory: pytest.TempPathFactory, engine: Engine, image: str) -> Iterator[Installation]:
    """A Workbench on that engine, which has its images."""
    home = Path(tmp_path_factory.mktemp("home"))
    installation = Installation(home, WORKBENCH_DOCKER_HOST=engine.host)
    try:
        installation.start()
        yield installation
    finally:
        installation.remove()


def engine_answers(client: Client) -> bool:
    return bool(client.call(operation("workbench", "GetStatus"))["Engine"]["Answers"])


def test_notebooks_outlast_an_engine_that_dies_and_comes_back(
    workbench: Installation, engine: Engine, image: str
) -> None:
    made = [workbench.create(name, ImageUrl=image) for name in ("one", "two")]
    for each in made:
        workbench.until_status(each, "Running", within_s=300)
    before = {pod.id: pod.container for pod in workbench.pods()}

    engine.kill()
    workbench.until(lambda: not engine_answers(workbench.client), "the daemon knows that the engine is away")
    assert list(statuses(workbench).values()) == ["Running", "Running"]  # nothing is known, nothing concluded
    engine.start()

    workbench.until(lambda: engine_answers(workbench.client), "the engine is back")
    workbench.until(lambda: len(workbench.pods()) == 2, "both have containers", within_s=300)
    for each in made:
        workbench.until_status(each, "Running", within_s=300)
    until_they_agree(workbench)
    assert ({pod.id: pod.container for pod in workbench.pods()} == before) is engine.live_restore
