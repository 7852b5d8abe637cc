"""Requests about notebooks: defaults filled in, and each bad value refused by name."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.notebooks.examples import NOW
from workbench.errors import WorkbenchError
from workbench.node import Gpu, Inventory, MigInstance
from workbench.node.gpus import GpuReading
from workbench.notebooks.api import requests
from workbench.notebooks.records import DataMount, Notebook
from workbench.settings import load

GIB = 2**30
MACHINE = Inventory(cpus=4, memory_bytes=16 * GIB)
SETTINGS = load({}, {})


def asked(machine: Inventory = MACHINE, **fields: Any) -> Notebook:
    return requests.new_notebook(
        fields, workspace_id="1", user_id="1", settings=SETTINGS, inventory=machine, now=NOW
    )


def test_a_request_that_says_nothing_gets_a_usable_notebook() -> None:
    notebook = asked()

    assert notebook.name.startswith("notebook_")
    assert (notebook.image, notebook.cpus) == ("notebook", 2)
    assert (notebook.memory_bytes, notebook.shm_bytes) == (4 * GIB, 2 * GIB)


def test_the_defaults_fit_a_small_machine() -> None:
    notebook = asked(Inventory(cpus=1, memory_bytes=2 * GIB))

    assert (notebook.cpus, notebook.memory_bytes, notebook.shm_bytes) == (1, 2 * GIB, GIB)


def test_what_is_named_is_taken() -> None:
    notebook = asked(
        InstanceName="mine",
        ImageUrl="mine/torch:2",
        RequestedResource={"CPU": "500m", "Memory": "3", "SharedMemory": "512Mi"},
        EnvironmentVariables={"COLOUR": "blue"},
        Datasets=[{"Uri": "nas://workspace/data", "MountPath": "/mnt/data", "MountAccess": "ro"}],
        UserCommand={"OnStart": {"Content": "echo hello"}},
    )

    assert (notebook.name, notebook.image, notebook.cpus) == ("mine", "mine/torch:2", 0.5)
    assert (notebook.memory_bytes, notebook.shm_bytes) == (3 * GIB, GIB // 2)
    assert notebook.environment == {"COLOUR": "blue"}
    assert notebook.mounts == (DataMount("nas://workspace/data", "/mnt/data", read_only=True),)
    assert notebook.on_start == "echo hello"


@pytest.mark.parametrize("name", ["1st", "_first", "2026_05_04", "x" * 63])
def test_a_name_may_begin_as_in_the_cloud(name: str) -> None:
    assert asked(InstanceName=name).name == name


def test_what_an_update_does_not_name_stays() -> None:
    before = asked(EnvironmentVariables={"A": "1"}, UserCommand={"OnStart": {"Content": "true"}})

    same = requests.changed_notebook(before, {}, MACHINE)
    bigger = requests.changed_notebook(before, {"RequestedResource": {"Memory": "8"}}, MACHINE)
    bare = requests.changed_notebook(
        before, {"DisassociateEnvironmentVariables": True, "DisassociateUserCommand": True}, MACHINE
    )

    assert same == before
    assert (bigger.cpus, bigger.memory_bytes, bigger.environment) == (2, 8 * GIB, {"A": "1"})
    assert (bare.environment, bare.on_start) == ({}, "")


GIB_40 = 40 * GIB
WITH_GPUS = Inventory(
    cpus=4,
    memory_bytes=16 * GIB,
    graphics=GpuReading(
        gpus=(
            *(Gpu(index=n, uuid=f"GPU-{n}", name="NVIDIA A100", memory_bytes=GIB_40) for n in range(2)),
            Gpu(
                index=2,
                uuid="GPU-2",
                name="NVIDIA A100",
                memory_bytes=GIB_40,
                divided=True,
                instances=(MigInstance("MIG-1", "1g.5gb", 5 * GIB),),
            ),
        )
    ),
)
SHARE = {"Labels": [{"Key": "workbench.gpu_memory", "Value": "8"}]}


def gpus_of(notebook: Notebook) -> tuple[int, str, int, str]:
    gib = notebook.gpu_memory_bytes // GIB
    return notebook.gpus, notebook.gpu_model, gib, notebook.gpu_instance


@pytest.mark.parametrize(
    ("before", "update", "after"),
    [
        ({"GPU": "1", "GPUType": "A100"}, {"Memory": "8"}, (1, "A100", 0, "")),
        ({"GPU": "1", "GPUType": "A100"}, {"GPU": "2"}, (2, "A100", 0, "")),
        ({"GPU": "2"}, {"GPUType": "A100"}, (2, "A100", 0, "")),
        ({"GPU": "1", "GPUType": "A100"}, {"GPU": "0"}, (0, "", 0, "")),
        ({"GPU": "1", "GPUType": "1g.5gb"}, {"CPU": "1", "GPU": "1"}, (0, "", 0, "1g.5gb")),
        ({"GPU": "1", "GPUType": "1g.5gb"}, {"GPU": "0"}, (0, "", 0, "")),
        (SHARE, {"CPU": "1", "GPU": "0"}, (0, "", 8, "")),
        (SHARE, {"GPUType": "A100"}, (0, "A100", 8, "")),
        (SHARE, {"GPU": "1"}, (1, "", 0, "")),
        ({"GPU": "1"}, SHARE, (0, "", 8, "")),
    ],
)
def test_a_change_of_size_leaves_the_gpus_that_it_does_not_name(
    before: dict[str, Any], update: dict[str, Any], after: tuple[int, str, int, str]
) -> None:
    def named(size: dict[str, Any]) -> dict[str, Any]:
        return size if "Labels" in size else {"RequestedResource": size}

    notebook = asked(WITH_GPUS, **named(before))

    assert gpus_of(requests.changed_notebook(notebook, named(update), WITH_GPUS)) == after


def test_shared_memory_stays_unless_the_memory_changes() -> None:
    before = asked(RequestedResource={"Memory": "8", "SharedMemory": "1"})

    def shm(**resource: str) -> int:
        return requests.changed_notebook(before, {"RequestedResource": resource}, MACHINE).shm_bytes // GIB

    assert (shm(CPU="1"), shm(Memory="4"), shm(SharedMemory="3")) == (1, 2, 3)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"InstanceName": ""}, "''"),
        ({"InstanceName": "-first"}, "'-first'"),
        ({"InstanceName": "a b"}, "'a b'"),
        ({"InstanceName": "x" * 64}, "1 to 63"),
        ({"InstanceName": "../etc"}, "'../etc'"),
        ({"InstanceName": "mine\n"}, r"mine\n"),
        ({"RequestedResource": {"CPU": "0"}}, "CPU is '0'"),
        ({"RequestedResource": {"CPU": "-1"}}, "CPU is '-1'"),
        ({"RequestedResource": {"CPU": "nan"}}, "CPU is 'nan'"),
        ({"RequestedResource": {"CPU": "5"}}, "5 CPUs wanted, this machine has 4"),
        ({"RequestedResource": {"Memory": "1 parsec"}}, "Memory is '1 parsec'"),
        ({"RequestedResource": {"Memory": "1Mi"}}, "Memory is '1Mi'"),
        ({"RequestedResource": {"Memory": "17"}}, "this machine has 16 GiB"),
        ({"RequestedResource": {"Memory": "1", "SharedMemory": "2"}}, "SharedMemory is 2 GiB"),
        ({"RequestedResource": {"GPU": "0.5"}}, "GPU is '0.5'"),
        ({"RequestedResource": {"GPU": "1"}}, "1 GPU wanted, this machine has 0"),
        ({"RequestedResource": {"GPUType": "A100"}}, "GPUType is 'A100', and no GPU is asked for"),
        ({"RequestedResource": {"GPU": "0", "GPUType": "nan"}}, "GPUType is 'nan'"),
        ({"EcsSpec": "ecs.no.such"}, "ecs.no.such"),
        ({"EnvironmentVariables": {"A B": "1"}}, "'A B'"),
        ({"EnvironmentVariables": {"A=B": "1"}}, "'A=B'"),
        ({"EnvironmentVariables": {"A": "\0"}}, "value of A"),
        ({"EnvironmentVariables": {"HOME": "/root"}}, "HOME is set by Workbench"),
        ({"EnvironmentVariables": {"JUPYTER_TOKEN": "x"}}, "JUPYTER_TOKEN is set by Workbench"),
        ({"EnvironmentVariables": {"NVIDIA_VISIBLE_DEVICES": "all"}}, "RequestedResource"),
        ({"Datasets": [{"DatasetId": "d-1", "MountPath": "/mnt/d"}]}, "'d-1'"),
        ({"Datasets": [{"Uri": "nas://home", "MountPath": "/x", "MountAccess": "WO"}]}, "'WO'"),
        ({"Accessibility": "SECRET"}, "'SECRET'"),
        ({"Priority": 10}, "Priority is 10"),
        ({"Priority": -1}, "Priority is -1"),
        ({"SpotSpec": {"SpotStrategy": "Cheap"}}, "SpotStrategy is 'Cheap'; NoSpot or SpotAsPriceGo"),
        ({"UserCommand": {"OnStart": {"Content": "x" * 70000}}}, "70000 characters"),
    ],
)
def test_a_bad_value_is_refused_by_name(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(WorkbenchError) as caught:
        asked(**fields)

    assert 400 <= caught.value.status < 500
    assert words in str(caught.value)


def test_a_bid_for_spare_resources_makes_it_preemptible_until_it_is_withdrawn() -> None:
    spot = asked(Priority=3, SpotSpec={"SpotStrategy": "SpotWithPriceLimit", "SpotPriceLimit": "0.1"})

    assert (spot.priority, spot.preemptible) == (3, True)
    assert not asked().preemptible
    label = {"Labels": [{"Key": "workbench.preemptible", "Value": "true"}, {"Key": "team", "Value": "red"}]}
    assert asked(**label).preemptible, "as another one's answer says it"
    for withdrawn in ({"DisassociateSpot": True}, {"SpotSpec": {"SpotStrategy": "NoSpot"}}):
        assert not requests.changed_notebook(spot, withdrawn, MACHINE).preemptible
    assert requests.changed_notebook(spot, {"SpotSpec": {}}, MACHINE).preemptible, "as SDKs send nothing"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "MaxIdleTimeInMinutes is 0"),
        ({"MaxIdleTimeInMinutes": -5}, "MaxIdleTimeInMinutes is -5"),
        ({"MaxIdleTimeInMinutes": 2**62}, "a number from 1 to"),
        ({"MaxIdleTimeInMinutes": 5, "CpuPercentThreshold": -1}, "CpuPercentThreshold is -1"),
        ({"MaxIdleTimeInMinutes": 5, "GpuPercentThreshold": 101}, "GpuPercentThreshold is 101"),
    ],
)
def test_an_idle_limit_that_is_none_is_refused(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(WorkbenchError, match=words):
        requests.idle_limit(fields)


def test_a_shutdown_time_is_named_in_either_way() -> None:
    assert requests.shutdown_time({"DueTime": "2026-05-04T13:00:00Z"}, NOW) == NOW + timedelta(hours=1)
    assert requests.shutdown_time({"RemainingTimeInMs": 1500}, NOW) == NOW + timedelta(seconds=1.5)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "Neither DueTime nor RemainingTimeInMs"),
        ({"DueTime": "2026-05-04T11:00:00Z"}, "2026-05-04 11:00:00 UTC has passed"),
        ({"DueTime": "soon"}, "'soon'"),
        ({"RemainingTimeInMs": -1}, "has passed"),
        ({"RemainingTimeInMs": 10**30}, "out of reach"),
    ],
)
def test_a_shutdown_time_that_is_none_is_refused(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(WorkbenchError) as caught:
        requests.shutdown_time(fields, NOW)

    assert words in str(caught.value)
