"""Notebooks with GPUs on an emulated machine: a real daemon, a real engine that gives out devices."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.gpu_machine import LEGS, GpuMachine
from tests.emulated_gpu.fixtures import starting_machines
from tests.emulated_gpu.machine import Machine
from workbench.client import ClientError
from workbench.wire.operations import operation

pytestmark = pytest.mark.docker

_LABEL = "workbench.gpu_memory"
_SPOT = {"SpotStrategy": "SpotAsPriceGo"}


@pytest.fixture(scope="module", params=LEGS)
def here(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GpuMachine]:
    """A machine with two GPUs."""
    options: dict[str, Any] = request.param
    with starting_machines() as start:
        here = GpuMachine(
            start(2, **options),
            Path(tmp_path_factory.mktemp("home")),
            WORKBENCH_SAMPLE_S="1",
            WORKBENCH_PREEMPT_GRACE_S="2",
        )
        try:
            here.start()
            yield here
        finally:
            here.workbench.remove()


@pytest.fixture(autouse=True)
def sound_and_empty(here: GpuMachine) -> Iterator[None]:
    yield
    here.delete_all()


def test_each_sees_just_its_own_card_and_who_comes_too_late_waits_and_is_told_why(here: GpuMachine) -> None:
    first, second = here.running("first", "second")
    assert {here.seen_by(first), here.seen_by(second)} == {frozenset({0}), frozenset({1})}

    third = here.create("third")
    here.workbench.until_status(third, "Queuing")
    assert "Waits for 1 GPU: 0 free, 1 held by notebook first of" in here.reason(third)
    assert "Number 1 in the queue." in here.reason(third)
    assert [each["Name"] for each in here.workbench.json("queue")] == ["third"]

    here.workbench.dsw("StopInstance", instance_id=first)
    here.workbench.until_status(third, "Running")
    assert here.seen_by(third) == {0}
    assert [each["Holders"][0]["Name"] for each in here.gpus()] == ["third", "second"]


def test_a_shell_sees_the_cards_of_its_notebook_and_is_told_how_many(here: GpuMachine) -> None:
    here.running("both", gpus=2)

    said = here.workbench.run(
        "notebook", "shell", "both", "--", "sh", "-c", "echo $NVIDIA_VISIBLE_DEVICES /dev/nvidia?"
    )

    assert said.stdout.split() == ["0,1", "/dev/nvidia0", "/dev/nvidia1"]


def test_other_peoples_programs_see_the_same_cards(here: GpuMachine) -> None:
    here.machine.set_temperature(0, 71)
    here.machine.set_base_memory(1, 2048)
    here.workbench.until(lambda: here.gpus()[0].get("TemperatureCelsius") == 71, "the change is read")
    ours = [
        (each["Uuid"], each["Name"], each["MemoryBytes"] // 2**20, each["TemperatureCelsius"])
        for each in here.gpus()
    ]

    assert ours == [
        (each["uuid"], each["name"], each["memory.total"], each["temperature.gpu"]) for each in here.gpustat()
    ]
    nvitop = here.told_by("nvitop", "--once")
    assert all(f"{temperature}C" in nvitop for *_, temperature in ours)
    assert "2048MiB / 40.00GiB" in nvitop


def test_what_a_notebook_uses_of_its_card_shows_under_its_user_until_it_is_gone(here: GpuMachine) -> None:
    [notebook] = here.running("train")
    here.run_in(notebook, "exec sleep 600 </dev/nvidia0", FAKE_GPU_MEMORY_MB="2048")

    def used_by() -> list[tuple[str, int]]:
        return [
            (each.get("User", {}).get("Name", ""), each["MemoryBytes"] >> 20)
            for each in here.measured()[0]["Processes"]
        ]

    here.workbench.until(lambda: used_by() == [("train", 2048)], "its memory shows")
    assert [each["gpu_memory_usage"] for each in here.gpustat()[0]["processes"]] == [2048]
    here.workbench.dsw("DeleteInstance", instance_id=notebook)
    here.workbench.until(lambda: used_by() == [], "its memory is free")


def test_a_notebook_without_gpus_sees_none(here: GpuMachine) -> None:
    [plain] = here.running("plain", gpus=0)

    assert here.seen_by(plain) == frozenset()


def test_a_card_that_is_lost_marks_its_notebook_and_takes_no_new_work(here: GpuMachine) -> None:
    [holder] = here.running("holder")
    here.machine.lose(0)

    here.workbench.until(lambda: here.is_marked(holder), "the notebook is marked", within_s=300)
    assert here.workbench.status(holder) == "Running"
    events = here.workbench.dsw("GetInstanceEvents", instance_id=holder)["Events"]
    assert any("GPULost" in each for each in events)
    assert "fallen off the bus" in here.gpus()[0]["Problem"]

    [other] = here.running("other")
    assert here.seen_by(other) == {1}
    here.workbench.until(lambda: "lost" in here.measured()[0]["Stale"].lower(), "its silence is seen")
    here.machine.recover(0)
    here.workbench.until(lambda: not here.is_marked(holder), "the mark is taken off", within_s=300)
    assert not here.is_marked(other)


@pytest.mark.parametrize(
    ("befall", "said"),
    [
        (lambda machine: machine.hang(0, 3), "has not answered"),
        (lambda machine: machine.remove_driver(), "Driver Not Loaded"),
        (lambda machine: machine.remove_gpus(), "not"),
    ],
    ids=["hang", "no-driver", "no-gpus"],
)
def test_trouble_of_the_driver_is_shown_ends_nothing_and_its_end_is_noticed(
    befall: Callable[[Machine], None], said: str, here: GpuMachine
) -> None:
    [holder] = here.running("holder")
    container, before = here.pod(holder).container, here.machine.path.read_text()
    befall(here.machine)

    here.workbench.until(lambda: here.is_marked(holder), "the notebook is marked", within_s=300)
    assert said in here.reason(holder)
    late = here.create("late")
    here.workbench.until(
        lambda: here.workbench.status(late) in ("Queuing", "Running"), "new work waits or is elsewhere"
    )

    whole = here.machine.path.with_suffix(".whole")
    whole.write_text(before)
    whole.rename(here.machine.path)
    here.workbench.until(lambda: not here.is_marked(holder), "the mark is taken off", within_s=300)
    here.workbench.until_status(late, "Running", within_s=300)
    assert here.pod(holder).container == container


def test_an_error_that_the_driver_reports_takes_the_card_out_until_its_owner_lets_it_back(
    here: GpuMachine,
) -> None:
    holder, _ = here.running("holder", "neighbour")

    def reported() -> bool:
        here.machine.xid(0, 48)
        return bool(here.gpus()[0]["Xid"])

    here.workbench.until(reported, "it is heard")
    here.workbench.until(lambda: here.is_marked(holder), "the notebook is marked", within_s=300)
    assert "Reset the card" in here.gpus()[0]["Problem"]
    assert [each["ReasonCode"] for each in here.workbench.dsw("ListInstances")["Instances"]].count("") == 1
    [event] = here.workbench.json("gpu", "events", "0")[-1:]
    assert (event["Level"], "XID 48" in event["Message"]) == ("Error", True)

    here.workbench.dsw("StopInstance", instance_id=holder)
    here.workbench.until_status(holder, "Stopped")
    waiting = here.create("waiting")
    here.workbench.until_status(waiting, "Queuing")
    assert "XID 48" in here.reason(waiting)
    here.workbench.kill()
    here.workbench.start()
    assert here.workbench.status(waiting) == "Queuing"

    here.workbench.run("gpu", "uncordon", "0")
    here.workbench.until_status(waiting, "Running")


def test_a_notebook_that_its_group_shuts_out_of_its_card_is_told_to_start_anew(here: GpuMachine) -> None:
    [holder] = here.running("holder")
    device = Path(f"/proc/{here.pod(holder).pid}/root/dev/nvidia0")
    device.unlink()
    # Of NVIDIA's number, which no rule of the container allows: so it is after systemd reloaded.
    os.mknod(device, stat.S_IFCHR | 0o666, os.makedev(195, 0))
    here.workbench.kill()
    here.workbench.start()  # asks at once, and not just once a minute

    here.workbench.until(lambda: here.is_marked(holder), "the notebook is marked")
    assert "can open /dev/nvidia0 any more" in here.reason(holder)
    here.workbench.dsw("StopInstance", instance_id=holder)
    here.workbench.until_status(holder, "Stopped")
    here.workbench.dsw("StartInstance", instance_id=holder)
    here.workbench.until_status(holder, "Running")
    assert not here.is_marked(holder)


def test_a_programs_own_mistake_is_told_to_its_user_alone(here: GpuMachine) -> None:
    careless, careful = here.running("careless", "careful")

    def told(notebook: str) -> bool:
        events = here.workbench.dsw("GetInstanceEvents", instance_id=notebook)["Events"]
        return any("XID 31" in each for each in events)

    def made_again() -> bool:
        here.machine.xid(0, 31)
        return told(careless)

    here.workbench.until(made_again, "its user is told")
    assert not told(careful)
    assert [each["Problem"] for each in here.gpus()] == ["", ""]


def test_a_card_that_is_slowed_down_says_so_and_works(here: GpuMachine) -> None:
    here.machine.set_slowdown(1, "heat")

    here.workbench.until(lambda: "too hot" in here.workbench.run("node").stdout, "it is shown")
    assert here.gpus()[1]["Problem"] == ""
    here.machine.set_slowdown(1, "nothing")


def test_a_cordoned_card_gets_no_new_work_until_it_is_let_back(here: GpuMachine) -> None:
    here.workbench.run("gpu", "cordon", "0", "--reason", "a new fan")
    [one] = here.running("one")
    assert here.seen_by(one) == {1}

    other = here.create("other")
    here.workbench.until_status(other, "Queuing")
    assert "a new fan" in here.reason(other)

    here.workbench.run("gpu", "uncordon", "0")
    here.workbench.until_status(other, "Running")


def test_several_share_a_card_by_memory_and_are_told_their_part(here: GpuMachine) -> None:
    shares = [
        here.running(f"share{gib}", gpus=0, Labels=[{"Key": _LABEL, "Value": str(gib)}])[0]
        for gib in (10, 20)
    ]

    assert [here.seen_by(each) for each in shares] == [{0}, {0}]
    assert here.gpus()[0]["MemoryGrantedBytes"] == 30 * 2**30
    environment = Path(f"/proc/{here.pod(shares[0]).pid}/environ").read_text()
    assert "XLA_PYTHON_CLIENT_MEM_FRACTION=0.250" in environment


def test_a_share_counts_against_the_quota_as_its_part_of_a_card(here: GpuMachine) -> None:
    workspace = str(here.workbench.json("workspace", "list")[0]["workspace_id"])
    quota = ("workspace", "quota", workspace)
    here.workbench.run(*quota, "--gpus", "0.5")
    try:
        here.running("first", gpus=0, Labels=a_share("10"))
        with pytest.raises(ClientError, match=r"GPUs is 0.5: 0.25 in use, 0.5 wanted") as refused:
            here.create("second", gpus=0, Labels=a_share("20"))
        assert refused.value.code == "QuotaExceeded"
        assert here.workbench.json(*quota)["used"]["gpus"] == 0.25
    finally:
        here.workbench.run(*quota, "--unlimited")


def a_share(gib: str) -> list[dict[str, str]]:
    return [{"Key": _LABEL, "Value": gib}]


def test_a_notebook_on_a_part_of_a_divided_card_sees_that_part_alone(here: GpuMachine) -> None:
    here.change_cards(lambda: here.machine.divide(1, 3, 3))
    parts = here.machine.gpu(1)["mig"]["devices"]
    try:
        [first] = here.running("by-profile", RequestedResource=a_part("3g.20gb"))
        [second] = here.running("by-uuid", RequestedResource=a_part(parts[1]["uuid"]))
        assert [here.seen_by(each) for each in (first, second)] == [{1}, {1}]
        assert here.parts_seen_by(first) == [f"nvidia-cap{parts[0]['cap']}"]
        assert here.parts_seen_by(second) == [f"nvidia-cap{parts[1]['cap']}"]
        assert [each["Uuid"] for each in here.gpus()[1]["Holders"]] == [each["uuid"] for each in parts]

        third = here.create("third", RequestedResource=a_part("3g.20gb"))
        here.workbench.until_status(third, "Queuing")
        assert "MIG instance 3g.20gb" in here.reason(third)
        here.workbench.dsw("DeleteInstance", instance_id=first)
        here.workbench.until_status(third, "Running")
        assert here.parts_seen_by(third) == [f"nvidia-cap{parts[0]['cap']}"]
    finally:
        here.delete_all()
        here.change_cards(lambda: here.machine.unite(1))


def a_part(name: str) -> dict[str, str]:
    return {"CPU": "0.5", "Memory": "0.5", "GPU": "1", "GPUType": name}


def test_memory_that_does_not_come_back_keeps_the_card_out(here: GpuMachine) -> None:
    [first] = here.running("first", gpus=2)
    here.machine.set_base_memory(0, 3000)
    here.workbench.dsw("StopInstance", instance_id=first)
    here.workbench.until_status(first, "Stopped")

    second = here.create("second", gpus=2)
    here.workbench.until_status(second, "Queuing")
    here.workbench.until(lambda: "although its holder is gone" in here.reason(second), "it says why")

    here.machine.set_base_memory(0, 0)
    here.workbench.until_status(second, "Running")


def test_preemptible_work_makes_way_is_told_for_whom_and_starts_again_by_itself(here: GpuMachine) -> None:
    [low] = here.running("low", gpus=2, SpotSpec=_SPOT)
    [high] = here.running("high", Priority=7)
    here.workbench.until_status(low, "Queuing")
    assert here.reason(low).startswith("Preempted by notebook high of ")
    assert "(priority 7); it starts again by itself. Waits for 2 GPUs: 1 free" in here.reason(low)
    told = here.workbench.dsw("GetInstanceEvents", instance_id=low, EventLevel="Warning")["Events"]
    assert any("Preempting: It stops at" in each and "save what you can" in each for each in told)

    here.workbench.dsw("StopInstance", instance_id=high)
    here.workbench.until_status(low, "Running")
    assert here.reason(low) == ""


def test_whether_it_may_be_preempted_holds_from_the_moment_that_its_owner_says_so(here: GpuMachine) -> None:
    [low] = here.running("low", gpus=2, SpotSpec=_SPOT)
    assert here.workbench.json("notebook", "show", "low")["preemptible"] is True
    here.workbench.run("notebook", "update", "low", "--not-preemptible")

    high = here.create("high", Priority=7)
    here.workbench.until_status(high, "Queuing")
    assert here.reason(low) == ""

    here.workbench.run("notebook", "update", "low", "--preemptible")
    here.workbench.until_status(high, "Running")
    here.workbench.until_status(low, "Queuing")
    assert [each["Preemptible"] for each in here.workbench.json("queue")] == [True]


def test_a_stop_for_idleness_is_put_off_by_hand(here: GpuMachine) -> None:
    [idle] = here.running("idle", gpus=0)
    assert "no idle limit" in here.workbench.run("notebook", "snooze", "idle").stderr
    floors = {"CpuPercentThreshold": 20, "GpuPercentThreshold": 30}
    here.workbench.dsw("CreateIdleInstanceCuller", instance_id=idle, MaxIdleTimeInMinutes=90, **floors)

    assert "90 minutes more" in here.workbench.run("notebook", "snooze", "idle").stderr

    kept = here.workbench.dsw("GetIdleInstanceCuller", instance_id=idle)
    assert {name: kept[name] for name in floors} == floors


def test_a_daemon_killed_in_the_middle_of_it_goes_on_and_who_is_stopped_by_its_owner_stays_so(
    here: GpuMachine,
) -> None:
    [low] = here.running("low", gpus=2, SpotSpec=_SPOT)
    high = here.create("high", gpus=2, Priority=7)
    here.workbench.until(lambda: "save what you can" in here.reason(low), "it is told")

    here.workbench.kill()
    here.workbench.start()
    here.workbench.until_status(high, "Running")
    here.workbench.until_status(low, "Queuing")

    here.workbench.dsw("StopInstance", instance_id=low)
    here.workbench.until_status(low, "Stopped")
    here.workbench.dsw("StopInstance", instance_id=high)
    here.workbench.until_status(high, "Stopped")
    here.workbench.until(lambda: not any(each["Holders"] for each in here.gpus()), "the cards are free")
    assert here.workbench.json("queue") == []
    assert here.workbench.status(low) == "Stopped"


def test_more_cards_than_there_are_are_refused_with_what_there_is(here: GpuMachine) -> None:
    with pytest.raises(ClientError, match="3 GPUs wanted, this machine has 2") as refused:
        here.create("greedy", gpus=3)

    assert refused.value.code == "NotEnoughGPUs"


def test_a_stranger_sees_that_cards_are_held_and_not_by_whom(here: GpuMachine) -> None:
    held, _ = here.running("secret-one", "secret-two")
    waiting = here.create("secret-three")
    here.workbench.until_status(waiting, "Queuing")
    here.run_in(held, "exec sleep 600 </dev/nvidia0")

    def processes(answer: dict[str, Any]) -> list[dict[str, Any]]:
        return [process for gpu in answer["Gpus"] for process in gpu["Processes"]]

    metrics, gpus, queue = (
        operation("workbench", name) for name in ("GetLatestMetrics", "ListGpus", "ListQueue")
    )
    here.workbench.until(
        lambda: any("User" in each for each in processes(here.workbench.client.call(metrics))),
        "it is known whose the process is",
    )
    eve = here.stranger()
    told = {each.action: dict(eve.call(each)) for each in (metrics, gpus, queue)}

    holders = [each for gpu in told["ListGpus"]["Gpus"] for each in gpu["Holders"]]
    assert [each["Kind"] for each in holders + told["ListQueue"]["Queue"]] == ["notebook"] * 3
    assert [each["User"] for each in processes(told["GetLatestMetrics"])] == [{"Kind": "notebook"}]
    text = json.dumps(told)
    assert [each for each in ("secret", held, waiting) if each in text] == []


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
        ({"RequestedResource": {}, "Labels": a_share("-8")}, "GPU memory is '-8'"),
        ({"RequestedResource": {}, "Labels": a_share("1000")}, "the largest usable one has 40 GiB"),
        ({"Priority": -(2**63)}, "a number from 1 to 9"),
        ({"Priority": 10**30}, "at most 64 bits"),
    ],
)
def test_an_amount_that_makes_no_sense_is_refused_by_name_and_reaches_no_engine(
    here: GpuMachine, fields: dict[str, Any], words: str
) -> None:
    with pytest.raises(ClientError, match=re.escape(words)) as refused:
        here.create("absurd", **fields)

    assert 400 <= refused.value.status < 500
    assert here.workbench.dsw("ListInstances")["TotalCount"] == 0
    assert here.workbench.pods() == []


def test_notebooks_are_found_by_the_cards_that_they_hold(here: GpuMachine) -> None:
    here.running("whole")
    here.running("share", gpus=0, Labels=a_share("10"))
    here.create("plain", gpus=0)

    def found(**filters: str) -> set[str]:
        listed = here.workbench.dsw("ListInstances", **filters)["Instances"]
        return {each["InstanceName"] for each in listed}

    assert found(GpuType="a100") == {"whole", "share"}
    assert found(GpuType="H100") == set()
    assert found(MinGpuMemory="20") == {"whole"}
    assert found(MinGpuMemory="1", MaxGpuMemory="10") == {"share"}
    assert found(PaymentType="Subscription") == set()


def test_a_killed_daemon_forgets_no_allocation(here: GpuMachine) -> None:
    [holder] = here.running("holder", gpus=2)
    waiting = here.create("waiting")
    here.workbench.until_status(waiting, "Queuing")

    here.workbench.kill()
    here.workbench.start()

    assert here.workbench.status(waiting) == "Queuing"
    assert [[each["Id"] for each in card["Holders"]] for card in here.gpus()] == [[holder], [holder]]
    assert json.loads(here.workbench.run("queue", "--json").stdout)[0]["Id"] == waiting
