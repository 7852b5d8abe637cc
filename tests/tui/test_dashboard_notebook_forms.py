"""Forms of notebooks: a clone is like its original, and a new size is the one that was typed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.tui.driving import User, dashboard
from tests.tui.fixed_machine import FixedMachine, notebook
from workbench_tui.resources.notebooks.forms import SIZE, resized

SHARE = {"Key": "workbench.gpu_memory", "Value": "8"}


def only(machine: FixedMachine, **changes: Any) -> None:
    """There is one notebook, which is so."""
    machine.notebooks[:] = [notebook("train", "Stopped", **changes)]


async def _replace(user: User, text: str) -> None:
    await user.press("end", "ctrl+u")
    await user.type(text)


async def _sent(user: User, machine: FixedMachine, action: str) -> Any:
    await user.press("ctrl+s")
    await user.until(lambda: action in dict(machine.calls), f"{action} asked for")
    return machine.fields_of(action)


async def test_a_clone_has_all_that_its_original_has(machine: FixedMachine, tmp_path: Path) -> None:
    mounts = [
        {"Uri": "nas://workspace/data", "MountPath": "/mnt/data", "MountAccess": "RO"},
        {"Uri": "nas://workspace/out", "MountPath": "/mnt/out", "MountAccess": "RW"},
    ]
    size = {"CPU": "4", "Memory": "16", "SharedMemory": "2", "GPU": "0", "GPUType": "A100"}
    tags = [{"Key": "team", "Value": "vision"}, SHARE, {"Key": "workbench.preemptible", "Value": "true"}]
    only(machine, Datasets=mounts, RequestedResource=size, Labels=tags, Accessibility="PUBLIC", Priority=7)
    async with dashboard(machine.client, tmp_path) as user:
        await user.go("nb")
        await user.sees("train")
        await user.press("C")
        await user.sees("Clone: train")
        await _replace(user, "another")
        sent = await _sent(user, machine, "CreateInstance")
        await user.sees("Notebook another is being made.")
    assert sent["Datasets"] == mounts
    assert sent["RequestedResource"] == size
    assert sent["Labels"] == [tags[0], SHARE]
    assert sent["SpotSpec"] == {"SpotStrategy": "SpotAsPriceGo"}
    assert sent["EnvironmentVariables"] == {"WANDB_MODE": "offline"}
    assert (sent["Accessibility"], sent["Priority"]) == ("PUBLIC", 7)
    limit = machine.fields_of("CreateIdleInstanceCuller")
    assert (limit["instance_id"], limit["MaxIdleTimeInMinutes"]) == ("dsw-new", 60)


@pytest.mark.parametrize(
    ("was", "typed", "sent"),
    [
        ("ecs.g6.large", {"cpu": "8"}, {"RequestedResource": {"CPU": "8"}}),
        ("ecs.g6.large", {"spec": "ecs.gn7.xlarge"}, {"EcsSpec": "ecs.gn7.xlarge"}),
        ("ecs.g6.large", {"spec": ""}, {"RequestedResource": {"CPU": "4", "Memory": "16", "GPU": "1"}}),
        ("", {"memory": "32"}, {"RequestedResource": {"Memory": "32"}}),
        ("", {"gpu": "2", "gpu_type": "A100"}, {"RequestedResource": {"GPU": "2", "GPUType": "A100"}}),
    ],
)
def test_a_new_size_is_what_was_typed(was: str, typed: dict[str, str], sent: dict[str, Any]) -> None:
    before = notebook("train", "Stopped", EcsSpec=was)
    form = {field.name: field.start(before) for field in SIZE}

    assert resized(before, form | typed) == sent


async def test_amounts_typed_below_a_named_size_are_what_is_asked_for(
    machine: FixedMachine, tmp_path: Path
) -> None:
    only(machine, EcsSpec="ecs.g6.large")
    async with dashboard(machine.client, tmp_path) as user:
        await user.go("nb")
        await user.sees("train")
        await user.press("e")
        await user.sees("Resize: train")
        await user.press("tab")
        await _replace(user, "8")
        sent = await _sent(user, machine, "UpdateInstance")
    assert sent == {"instance_id": "dsw-train", "RequestedResource": {"CPU": "8"}}


async def test_two_sizes_at_once_are_refused_in_the_form(machine: FixedMachine, tmp_path: Path) -> None:
    async with dashboard(machine.client, tmp_path) as user:
        await user.go("nb")
        await user.press("n", "tab", "tab")
        await user.type("ecs.g6.large")
        await user.press("tab")
        await user.type("3")
        await user.press("ctrl+s")
        await user.sees("Give a named size or amounts, not both.")
        assert not machine.calls


async def test_named_sizes_say_whether_there_is_room_now(machine: FixedMachine, tmp_path: Path) -> None:
    async with dashboard(machine.client, tmp_path) as user:
        await user.go("nb")
        await user.press("n", "tab", "tab")
        await user.sees("2 CPU, 8 GiB  free now", "4 CPU, 16 GiB, 1 GPU A100  has to wait now")
    machine.answers["ListGpus"]["Gpus"][1]["Holders"] = []
    machine.answers["GetNode"]["CpusAsked"] = 61
    async with dashboard(machine.client, tmp_path) as user:
        await user.go("nb")
        await user.press("n", "tab", "tab")
        await user.sees("2 CPU, 8 GiB  free now", "4 CPU, 16 GiB, 1 GPU A100  has to wait now")
    machine.answers["GetNode"]["CpusAsked"] = 60
    async with dashboard(machine.client, tmp_path) as user:
        await user.go("nb")
        await user.press("n", "tab", "tab")
        await user.sees("4 CPU, 16 GiB, 1 GPU A100  free now")


async def test_mounts_are_offered_one_after_the_other(machine: FixedMachine, tmp_path: Path) -> None:
    mounts = [{"Uri": "nas://workspace/sets", "MountPath": "/mnt/sets", "MountAccess": "RO"}]
    only(machine, Datasets=mounts)
    async with dashboard(machine.client, tmp_path, size=(120, 50)) as user:
        await user.go("nb")
        await user.press("n", "shift+tab", "shift+tab", "shift+tab")
        await user.sees("the workspace's files", "nas://workspace/sets=/mnt/sets:ro  as in train")
        await user.press("down", "down", "enter")
        await user.type("mnt/w")
        await user.press("down", "enter")
        sent = await _sent(user, machine, "CreateInstance")
    assert sent["Datasets"] == [
        *mounts,
        {"Uri": "nas://workspace/", "MountPath": "/mnt/workspace", "MountAccess": "RW"},
    ]


async def test_a_share_of_a_card_is_shown_as_one(machine: FixedMachine, tmp_path: Path) -> None:
    only(machine, RequestedResource={"CPU": "4", "Memory": "16", "GPU": "0"}, Labels=[SHARE])
    async with dashboard(machine.client, tmp_path) as user:
        await user.go("nb")
        await user.sees("train", " 8Gi ")
        await user.press("d")
        await user.sees("8Gi of one card, shared")
