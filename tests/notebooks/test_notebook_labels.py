"""A share of a card and whether a notebook may be preempted are labels that say what is on record."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from tests.notebooks.machine import Machine
from workbench.errors import InvalidInput
from workbench.node import Gpu, Inventory
from workbench.node.gpus import GpuReading

GIB = 2**30
CARD = Gpu(index=0, uuid="GPU-0", name="NVIDIA A100", memory_bytes=80 * GIB)
ONE_CARD = Inventory(cpus=8, memory_bytes=32 * GIB, graphics=GpuReading(gpus=(CARD,)))


def labelled(*labels: str) -> list[dict[str, str]]:
    pairs = [each.split("=") for each in labels]
    return [{"Key": key, "Value": value} for key, value in pairs]


@pytest.fixture
def machine(machine: Machine) -> Machine:
    """A machine with one card."""
    node: Any = SimpleNamespace(inventory=lambda: ONE_CARD)
    machine.parts = replace(machine.parts, node=node)
    return machine


@pytest.fixture
def notebook(machine: Machine) -> str:
    """One that asked for 8 GiB of a card, and may be preempted."""
    made = machine.ask(
        machine.owner,
        "CreateInstance",
        Labels=labelled("workbench.gpu_memory=8", "workbench.preemptible=true", "team=red"),
    )
    return str(made["InstanceId"])


def labels(machine: Machine, notebook: str) -> dict[str, str]:
    answer = machine.ask(machine.owner, "GetInstance", instance_id=notebook)
    (listed,) = machine.ask(machine.owner, "ListInstances")["Instances"]
    assert listed["Labels"] == answer["Labels"]
    assert answer["Tags"] == [{"TagKey": each["Key"], "TagValue": each["Value"]} for each in answer["Labels"]]
    return {each["Key"]: each["Value"] for each in answer["Labels"]}


@pytest.mark.parametrize(
    ("update", "said"),
    [
        ({}, {"workbench.gpu_memory": "8", "workbench.preemptible": "true"}),
        (
            {"Labels": labelled("workbench.gpu_memory=0.5")},
            {"workbench.gpu_memory": "0.5", "workbench.preemptible": "true"},
        ),
        ({"RequestedResource": {"GPU": "1"}}, {"workbench.preemptible": "true"}),
        ({"SpotSpec": {"SpotStrategy": "NoSpot"}}, {"workbench.gpu_memory": "8"}),
        ({"Labels": labelled("workbench.preemptible=false")}, {"workbench.gpu_memory": "8"}),
    ],
)
def test_they_say_what_is_on_record_after_every_update(
    machine: Machine, notebook: str, update: dict[str, Any], said: dict[str, str]
) -> None:
    machine.ask(machine.owner, "UpdateInstance", instance_id=notebook, **update)

    assert labels(machine, notebook) == {"team": "red", **said}


@pytest.mark.parametrize(
    ("key", "instead"),
    [("workbench.gpu_memory", r"RequestedResource\.GPU"), ("workbench.preemptible", "SpotSpec")],
)
def test_they_are_neither_put_on_nor_taken_off_as_tags(
    machine: Machine, notebook: str, key: str, instead: str
) -> None:
    before = labels(machine, notebook)

    for action, fields in (
        ("UpdateInstanceLabels", {"Labels": labelled(f"{key}=4", "team=blue")}),
        ("DeleteInstanceLabels", {"LabelKeys": f"team,{key}"}),
    ):
        with pytest.raises(InvalidInput, match=instead):
            machine.ask(machine.owner, action, instance_id=notebook, **fields)
    assert labels(machine, notebook) == before
