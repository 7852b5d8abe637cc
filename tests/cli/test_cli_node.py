"""`workbench node`, `queue` and `gpu`, run against the real server with chosen answers."""

from __future__ import annotations

from typing import Any

from click.testing import CliRunner, Result

from tests.in_process_api import Api
from workbench.cli import workbench

GIB = 2**30
NODE = {
    "Cpus": 8,
    "CpusPromised": 128,
    "CpusAsked": 4,
    "MemoryBytes": 32 * GIB,
    "MemoryPromisedBytes": 128 * GIB,
    "MemoryAskedBytes": 8 * GIB,
    "Disks": [{"Holds": "home", "Path": "/h", "TotalBytes": 100 * GIB, "FreeBytes": 40 * GIB}],
    "Gpus": 1,
    "GpuReason": "",
    "Driver": "550.54.15",
    "Cuda": "12.4",
}


def a_gpu(**changes: Any) -> dict[str, Any]:
    holder = {"Kind": "notebook", "Id": "dsw-1", "Name": "mine", "UserName": "alice", "MemoryBytes": 0}
    return {
        "Index": 0,
        "Uuid": "GPU-0",
        "Name": "A100",
        "MemoryBytes": 40 * GIB,
        "MemoryUsedBytes": 10 * GIB,
        "Utilisation": 0.87,
        "TemperatureCelsius": 61,
        "PowerWatts": 287.0,
        "Problem": "",
        "Warnings": [],
        "NotFree": "",
        "Cordoned": "",
        "Holders": [holder],
        **changes,
    }


def run(api: Api, *arguments: str) -> Result:
    return CliRunner().invoke(workbench, ["--home", str(api.settings.home), *arguments])


def test_the_machine_is_shown_with_who_has_its_gpus(api: Api) -> None:
    api.answers |= {"GetNode": NODE, "ListGpus": {"Gpus": [a_gpu()]}}

    lines = run(api, "node").stdout.splitlines()

    assert lines[0] == "cpus          8, 4 of 128 given away"
    assert lines[-1] == "0    A100  40 GiB  10 GiB  87%   61°C  287 W  alice/mine  held"


def test_a_gpu_that_is_not_given_away_says_why(api: Api) -> None:
    gpu = a_gpu(Holders=[], Cordoned="Cordoned by owner: a new fan.", Utilisation=None)
    api.answers |= {"GetNode": NODE, "ListGpus": {"Gpus": [gpu]}}

    assert run(api, "node").stdout.splitlines()[-1].endswith("Cordoned by owner: a new fan.")


def test_what_is_not_right_with_a_gpu_that_works_stands_beside_its_state(api: Api) -> None:
    api.answers |= {"GetNode": NODE, "ListGpus": {"Gpus": [a_gpu(Warnings=["Slowed down: too hot."])]}}

    assert run(api, "node").stdout.splitlines()[-1].endswith("held (Slowed down: too hot.)")


def test_a_gpus_errors_are_listed(api: Api) -> None:
    event = {"Time": "2026-01-02T03:04:05Z", "Level": "Error", "Reason": "GPUError", "Message": "XID 48."}
    api.answers["ListGpuEvents"] = {"Events": [event]}

    assert run(api, "gpu", "events", "0").stdout.splitlines()[-1] == "2026-01-02T03:04:05Z  Error  XID 48."
    assert api.fields_of("ListGpuEvents") == {"gpu": "0"}


def test_a_machine_without_gpus_says_why_there_are_none(api: Api) -> None:
    node = {**NODE, "Gpus": 0, "GpuReason": "No NVIDIA driver is installed.", "Driver": ""}
    api.answers |= {"GetNode": node, "ListGpus": {"Gpus": []}}

    assert run(api, "node").stdout.splitlines()[-1].strip() == "No NVIDIA driver is installed."


def test_the_queue_is_shown_in_turn_with_reasons(api: Api) -> None:
    waiting = {
        "Position": 1,
        "Kind": "notebook",
        "Name": "mine",
        "UserName": "alice",
        "Priority": 3,
        "Wants": "1 CPUs, 4 GiB, 1 GPU",
        "Reason": "Waits for 1 GPU: 0 free.",
    }
    api.answers["ListQueue"] = {"Queue": [waiting]}

    assert run(api, "queue").stdout.splitlines()[-1] == (
        "1     notebook  mine  alice  3         1 CPUs, 4 GiB, 1 GPU  Waits for 1 GPU: 0 free."
    )


def test_a_gpu_is_cordoned_with_a_reason_and_let_back(api: Api) -> None:
    api.answers |= {"CordonGpu": {"Gpu": a_gpu()}, "UncordonGpu": {"Gpu": a_gpu()}}

    assert run(api, "gpu", "cordon", "0", "--reason", "a new fan").exit_code == 0
    assert api.fields_of("CordonGpu") == {"gpu": "0", "Reason": "a new fan"}
    assert run(api, "gpu", "uncordon", "0").exit_code == 0
