"""Notebooks with GPUs on an emulated machine: a real daemon, a real engine that gives out devices."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.light_image import ensure_light_image
from tests.emulated_gpu.emulation import EmulatedMachine
from tests.emulated_gpu.engine import Toolkit
from tests.emulated_gpu.fixtures import starting_machines
from tests.installation import Installation
from workbench.client import ClientError
from workbench.node.devices import visible_cards
from workbench.runtime.images import Images, Present
from workbench.settings import load

pytestmark = pytest.mark.docker

_LABEL = "workbench.gpu_memory"


@pytest.fixture(scope="module")
def emulated() -> Iterator[EmulatedMachine]:
    with starting_machines() as start:
        yield start(2, toolkit=Toolkit.HOOK)


@pytest.fixture(scope="module")
def workbench(emulated: EmulatedMachine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    copy_built_images(emulated)
    home = Path(tmp_path_factory.mktemp("home"))
    installation = Installation(home, WORKBENCH_PREEMPT_GRACE_S="2", **emulated.environment)
    try:
        installation.start()
        yield installation
    finally:
        installation.remove()


@pytest.fixture(scope="module")
def image(workbench: Installation) -> str:
    return ensure_light_image(workbench.settings, (workbench.settings.home / "id").read_text().strip())


@pytest.fixture(autouse=True)
def sound_and_empty(emulated: EmulatedMachine, workbench: Installation) -> Iterator[None]:
    yield
    for each in workbench.dsw("ListInstances")["Instances"]:
        workbench.dsw("DeleteInstance", instance_id=each["InstanceId"])
    workbench.until(lambda: not workbench.pods(), "all notebooks are gone")
    for index in range(2):
        emulated.machine.recover(index)
        emulated.machine.set_base_memory(index, 0)


def copy_built_images(emulated: EmulatedMachine) -> None:
    """What the machine's engine has need not be built again."""
    assert emulated.engine
    images = Images(load({}, {}), "0" * 32, lambda name: None)
    for each in images.list():
        if each.name in ("base", "gateway") and isinstance(each.status, Present):
            emulated.engine.load(each.reference)


def a_notebook(workbench: Installation, image: str, name: str, gpus: int = 1, **fields: Any) -> str:
    size = {"CPU": "0.5", "Memory": "0.5", "GPU": str(gpus)}
    created = workbench.dsw(
        "CreateInstance", InstanceName=name, ImageUrl=image, **{"RequestedResource": size, **fields}
    )
    return str(created["InstanceId"])


def seen_by(workbench: Installation, notebook_id: str) -> frozenset[int] | None:
    [pod] = [each for each in workbench.pods() if each.id == notebook_id]
    return visible_cards(pod.pid)


def gpus(workbench: Installation) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = workbench.json("node")["Gpus"]
    return found


def _run(program: str, *arguments: str, on: EmulatedMachine) -> str:
    command = [str(Path(sys.executable).with_name(program)), *arguments]
    environment = {**os.environ, **on.environment}
    return subprocess.run(command, env=environment, text=True, capture_output=True, check=True).stdout


def reason(workbench: Installation, notebook_id: str) -> str:
    return str(workbench.dsw("GetInstance", instance_id=notebook_id)["ReasonMessage"])


def test_each_sees_just_its_own_card_and_who_comes_too_late_waits_and_is_told_why(
    workbench: Installation, image: str
) -> None:
    first, second = (a_notebook(workbench, image, name) for name in ("first", "second"))
    for each in (first, second):
        workbench.until_status(each, "Running")
    assert {seen_by(workbench, first), seen_by(workbench, second)} == {frozenset({0}), frozenset({1})}

    third = a_notebook(workbench, image, "third")
    workbench.until_status(third, "Queuing")
    assert "Waits for 1 GPU: 0 free, 1 held by notebook first of" in reason(workbench, third)
    assert "Number 1 in the queue." in reason(workbench, third)
    assert [each["Name"] for each in workbench.json("queue")] == ["third"]

    workbench.dsw("StopInstance", instance_id=first)
    workbench.until_status(third, "Running")
    assert seen_by(workbench, third) == {0}
    assert [each["Holders"][0]["Name"] for each in gpus(workbench)] == ["third", "second"]


def test_other_peoples_programs_see_the_same_cards(
    emulated: EmulatedMachine, workbench: Installation
) -> None:
    emulated.machine.set_temperature(0, 71)
    emulated.machine.set_base_memory(1, 2048)
    workbench.until(lambda: gpus(workbench)[0].get("TemperatureCelsius") == 71, "the change is read")
    ours = [
        (each["Uuid"], each["Name"], each["MemoryBytes"] // 2**20, each["TemperatureCelsius"])
        for each in gpus(workbench)
    ]

    told = json.loads(_run("gpustat", "--json", on=emulated))["gpus"]
    assert ours == [
        (each["uuid"], each["name"], each["memory.total"], each["temperature.gpu"]) for each in told
    ]
    nvitop = _run("nvitop", "--once", on=emulated)
    assert all(f"{temperature}C" in nvitop for *_, temperature in ours)
    assert "2048MiB / 40.00GiB" in nvitop


def test_a_notebook_without_gpus_sees_none(workbench: Installation, image: str) -> None:
    plain = a_notebook(workbench, image, "plain", gpus=0)
    workbench.until_status(plain, "Running")

    assert seen_by(workbench, plain) == frozenset()


def test_a_card_that_is_lost_marks_its_notebook_and_takes_no_new_work(
    workbench: Installation, emulated: EmulatedMachine, image: str
) -> None:
    holder = a_notebook(workbench, image, "holder")
    workbench.until_status(holder, "Running")
    emulated.machine.lose(0)

    def marked() -> bool:
        return bool(workbench.dsw("GetInstance", instance_id=holder)["ReasonCode"] == "GPULost")

    workbench.until(marked, "the notebook is marked", within_s=90)
    assert workbench.status(holder) == "Running"
    assert any("GPULost" in each for each in workbench.dsw("GetInstanceEvents", instance_id=holder)["Events"])
    assert "lost" in gpus(workbench)[0]["Problem"].lower()

    other = a_notebook(workbench, image, "other")
    workbench.until_status(other, "Running")
    assert seen_by(workbench, other) == {1}
    emulated.machine.recover(0)
    workbench.until(lambda: not marked(), "the mark is taken off", within_s=90)


def test_a_cordoned_card_gets_no_new_work_until_it_is_let_back(workbench: Installation, image: str) -> None:
    workbench.run("gpu", "cordon", "0", "--reason", "a new fan")
    one = a_notebook(workbench, image, "one")
    workbench.until_status(one, "Running")
    assert seen_by(workbench, one) == {1}

    other = a_notebook(workbench, image, "other")
    workbench.until_status(other, "Queuing")
    assert "a new fan" in reason(workbench, other)

    workbench.run("gpu", "uncordon", "0")
    workbench.until_status(other, "Running")


def test_several_share_a_card_by_memory_and_are_told_their_part(workbench: Installation, image: str) -> None:
    shares = [
        a_notebook(workbench, image, f"share{gib}", gpus=0, Labels=[{"Key": _LABEL, "Value": str(gib)}])
        for gib in (10, 20)
    ]
    for each in shares:
        workbench.until_status(each, "Running")

    assert [seen_by(workbench, each) for each in shares] == [{0}, {0}]
    assert gpus(workbench)[0]["MemoryGrantedBytes"] == 30 * 2**30
    [pod] = [each for each in workbench.pods() if each.id == shares[0]]
    environment = Path(f"/proc/{pod.pid}/environ").read_text()
    assert "XLA_PYTHON_CLIENT_MEM_FRACTION=0.250" in environment


def test_a_share_counts_against_the_quota_as_its_part_of_a_card(workbench: Installation, image: str) -> None:
    workspace = str(workbench.json("workspace", "list")[0]["workspace_id"])
    quota = ("workspace", "quota", workspace)
    workbench.run(*quota, "--gpus", "0.5")
    try:
        first = a_notebook(workbench, image, "first", gpus=0, Labels=[{"Key": _LABEL, "Value": "10"}])
        with pytest.raises(ClientError, match=r"GPUs is 0.5: 0.25 in use, 0.5 wanted") as refused:
            a_notebook(workbench, image, "second", gpus=0, Labels=[{"Key": _LABEL, "Value": "20"}])
        assert refused.value.code == "QuotaExceeded"
        assert workbench.json(*quota)["used"]["gpus"] == 0.25
        workbench.until_status(first, "Running")
    finally:
        workbench.run(*quota, "--unlimited")


def test_memory_that_does_not_come_back_keeps_the_card_out(
    workbench: Installation, emulated: EmulatedMachine, image: str
) -> None:
    first = a_notebook(workbench, image, "first", gpus=2)
    workbench.until_status(first, "Running")
    emulated.machine.set_base_memory(0, 3000)
    workbench.dsw("StopInstance", instance_id=first)
    workbench.until_status(first, "Stopped")

    second = a_notebook(workbench, image, "second", gpus=2)
    workbench.until_status(second, "Queuing")
    workbench.until(lambda: "although its holder is gone" in reason(workbench, second), "it says why")

    emulated.machine.set_base_memory(0, 0)
    workbench.until_status(second, "Running")


_SPOT = {"SpotStrategy": "SpotAsPriceGo"}


def test_preemptible_work_makes_way_is_told_for_whom_and_starts_again_by_itself(
    workbench: Installation, image: str
) -> None:
    low = a_notebook(workbench, image, "low", gpus=2, SpotSpec=_SPOT)
    workbench.until_status(low, "Running")

    high = a_notebook(workbench, image, "high", Priority=7)
    workbench.until_status(high, "Running")
    workbench.until_status(low, "Queuing")
    assert reason(workbench, low).startswith("Preempted by notebook high of ")
    assert "(priority 7); it starts again by itself. Waits for 2 GPUs: 1 free" in reason(workbench, low)
    told = workbench.dsw("GetInstanceEvents", instance_id=low, EventLevel="Warning")["Events"]
    assert any("Preempting: It stops at" in each and "save what you can" in each for each in told)

    workbench.dsw("StopInstance", instance_id=high)
    workbench.until_status(low, "Running")
    assert reason(workbench, low) == ""


def test_whether_it_may_be_preempted_holds_from_the_moment_that_its_owner_says_so(
    workbench: Installation, image: str
) -> None:
    low = a_notebook(workbench, image, "low", gpus=2, SpotSpec=_SPOT)
    workbench.until_status(low, "Running")
    assert workbench.json("notebook", "show", "low")["preemptible"] is True
    workbench.run("notebook", "update", "low", "--not-preemptible")

    high = a_notebook(workbench, image, "high", Priority=7)
    workbench.until_status(high, "Queuing")
    assert reason(workbench, low) == ""

    workbench.run("notebook", "update", "low", "--preemptible")
    workbench.until_status(high, "Running")
    assert [each["Preemptible"] for each in workbench.json("queue")] == [True]


def test_a_stop_for_idleness_is_put_off_by_hand(workbench: Installation, image: str) -> None:
    idle = a_notebook(workbench, image, "idle", gpus=0)
    workbench.until_status(idle, "Running")
    assert "no idle limit" in workbench.run("notebook", "snooze", "idle").stderr
    floors = {"CpuPercentThreshold": 20, "GpuPercentThreshold": 30}
    workbench.dsw("CreateIdleInstanceCuller", instance_id=idle, MaxIdleTimeInMinutes=90, **floors)

    assert "90 minutes more" in workbench.run("notebook", "snooze", "idle").stderr

    kept = workbench.dsw("GetIdleInstanceCuller", instance_id=idle)
    assert {name: kept[name] for name in floors} == floors


def test_a_daemon_killed_in_the_middle_of_it_goes_on_and_who_is_stopped_by_its_owner_stays_so(
    workbench: Installation, image: str
) -> None:
    low = a_notebook(workbench, image, "low", gpus=2, SpotSpec=_SPOT)
    workbench.until_status(low, "Running")
    high = a_notebook(workbench, image, "high", gpus=2, Priority=7)
    workbench.until(lambda: "save what you can" in reason(workbench, low), "it is told")

    workbench.kill()
    workbench.start()
    workbench.until_status(high, "Running")
    workbench.until_status(low, "Queuing")

    workbench.dsw("StopInstance", instance_id=low)
    workbench.until_status(low, "Stopped")
    workbench.dsw("StopInstance", instance_id=high)
    workbench.until_status(high, "Stopped")
    workbench.until(lambda: not any(each["Holders"] for each in gpus(workbench)), "the cards are free")
    assert workbench.json("queue") == []
    assert workbench.status(low) == "Stopped"


def test_more_cards_than_there_are_are_refused_with_what_there_is(
    workbench: Installation, image: str
) -> None:
    with pytest.raises(ClientError, match="3 GPUs wanted, this machine has 2") as refused:
        a_notebook(workbench, image, "greedy", gpus=3)

    assert refused.value.code == "NotEnoughGPUs"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        *(
            ({"RequestedResource": {name: value}}, f"{name} is '{value}'")
            for name in ("CPU", "Memory", "SharedMemory", "GPU")
            for value in ("-1", "1e400", "nan", "9" * 40, "0x10")
        ),
        ({"RequestedResource": {"GPU": "0.5"}}, "GPU is '0.5'"),
        ({"RequestedResource": {"GPUType": "A100"}}, "no GPU is asked for"),
        ({"RequestedResource": {"GPU": "1", "GPUType": "H100"}}, "1 GPU like 'H100' wanted"),
        ({"Labels": [{"Key": _LABEL, "Value": "-8"}]}, "GPU memory is '-8'"),
        ({"Labels": [{"Key": _LABEL, "Value": "1000"}]}, "the largest usable one has 40 GiB"),
        ({"Priority": -(2**63)}, "a number from 1 to 9"),
        ({"Priority": 10**30}, "at most 64 bits"),
    ],
)
def test_an_amount_that_makes_no_sense_is_refused_by_name_and_reaches_no_engine(
    workbench: Installation, image: str, fields: dict[str, Any], words: str
) -> None:
    with pytest.raises(ClientError, match=re.escape(words)) as refused:
        workbench.dsw("CreateInstance", ImageUrl=image, **fields)

    assert 400 <= refused.value.status < 500
    assert workbench.dsw("ListInstances")["TotalCount"] == 0
    assert workbench.pods() == []


def test_notebooks_are_found_by_the_cards_that_they_hold(workbench: Installation, image: str) -> None:
    whole = a_notebook(workbench, image, "whole")
    share = a_notebook(workbench, image, "share", gpus=0, Labels=[{"Key": _LABEL, "Value": "10"}])
    a_notebook(workbench, image, "plain", gpus=0)
    for each in (whole, share):
        workbench.until_status(each, "Running")

    def found(**filters: str) -> set[str]:
        listed = workbench.dsw("ListInstances", **filters)["Instances"]
        return {each["InstanceName"] for each in listed}

    assert found(GpuType="a100") == {"whole", "share"}
    assert found(GpuType="H100") == set()
    assert found(MinGpuMemory="20") == {"whole"}
    assert found(MinGpuMemory="1", MaxGpuMemory="10") == {"share"}
    assert found(PaymentType="Subscription") == set()


def test_a_killed_daemon_forgets_no_allocation(workbench: Installation, image: str) -> None:
    holder = a_notebook(workbench, image, "holder", gpus=2)
    workbench.until_status(holder, "Running")
    waiting = a_notebook(workbench, image, "waiting")
    workbench.until_status(waiting, "Queuing")

    workbench.kill()
    workbench.start()

    assert workbench.status(waiting) == "Queuing"
    assert [[each["Id"] for each in card["Holders"]] for card in gpus(workbench)] == [[holder], [holder]]
    assert json.loads(workbench.run("queue", "--json").stdout)[0]["Id"] == waiting
