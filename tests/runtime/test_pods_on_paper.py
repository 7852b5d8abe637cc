"""What the engine is told and what people are told, without an engine."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import EngineAway
from workbench.runtime import PodPlan, StartRefused
from workbench.runtime.containers import create_request, pod_name
from workbench.runtime.refusals import clean, why_not_started

HOME = "0123456789abcdef"
CARD = "GPU-8a1c2d3e"


def a_plan(**changes: Any) -> PodPlan:
    good: dict[str, Any] = {"kind": "notebook", "id": "dsw-1", "generation": 1, "image": "notebook:1"}
    return PodPlan(**{**good, **changes})


def test_a_name_tells_home_kind_and_id_and_the_pod_where_there_are_several() -> None:
    assert pod_name(HOME, "notebook", "dsw-1", "main") == "workbench-01234567-notebook-dsw-1"
    assert pod_name(HOME, "job", "dlc-1", "worker-0") == "workbench-01234567-job-dlc-1-worker-0"


@given(
    names=st.sampled_from(["", "host", "ws-1"]),
    environment=st.dictionaries(st.text(min_size=1), st.text()),
    log_cap_bytes=st.integers(min_value=1, max_value=2**40),
)
def test_no_plan_gets_privileges_endless_logs_or_a_restart_behind_our_back(
    names: str, environment: dict[str, str], log_cap_bytes: int
) -> None:
    plan = a_plan(network=names, environment=environment, log_cap_bytes=log_cap_bytes)

    host = create_request(plan, HOME)["HostConfig"]

    assert "Privileged" not in host
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert host["RestartPolicy"] == {"Name": "no"}
    log = host["LogConfig"]["Config"]
    assert int(log["max-size"]) * int(log["max-file"]) <= max(log_cap_bytes, 5)


def test_no_secret_of_the_environment_is_in_a_label() -> None:
    request = create_request(a_plan(environment={"TOKEN": "s3cret"}), HOME)

    assert "s3cret" not in json.dumps(request["Labels"])


def test_a_pod_without_gpus_gets_none_even_if_its_image_asks_for_all() -> None:
    request = create_request(a_plan(), HOME)

    assert "NVIDIA_VISIBLE_DEVICES=void" in request["Env"]
    assert request["HostConfig"]["DeviceRequests"] == []


def test_gpus_are_asked_for_by_uuid() -> None:
    [asked] = create_request(a_plan(gpus=(CARD,)), HOME)["HostConfig"]["DeviceRequests"]

    assert asked == {"DeviceIDs": [CARD], "Capabilities": [["gpu"]]}


def test_gpus_that_the_engine_can_name_are_asked_for_by_name() -> None:
    name = f"nvidia.com/gpu={CARD}"

    [asked] = create_request(a_plan(gpus=(CARD,)), HOME, [name])["HostConfig"]["DeviceRequests"]

    assert asked == {"Driver": "cdi", "DeviceIDs": [name]}


@pytest.mark.parametrize(
    ("said", "left"),
    [
        (
            "failed to create shim task: OCI runtime create failed: runc create failed: unable to start "
            'container process: exec: "x": executable file not found in $PATH: unknown',
            'exec: "x": executable file not found in $PATH',
        ),
        (
            "OCI runtime create failed: container_linux.go:380: starting container process caused: "
            "chdir to cwd (/root) set in config.json failed: permission denied: unknown",
            "chdir to cwd (/root) set in config.json failed: permission denied",
        ),
        ("invalid reference format", "invalid reference format"),
    ],
)
def test_the_engines_refusal_is_told_without_its_wrapping(said: str, left: str) -> None:
    assert clean(said) == left


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ('could not select device driver "" with capabilities: [[gpu]]', "install nvidia-container-toolkit"),
        ("write /var/lib/docker/x: no space left on device", "Free some disk space"),
        ("listen tcp 0.0.0.0:80: bind: address already in use", "holds the port"),
        ('exec: "docker-init": executable file not found in $PATH', "install the package tini"),
        ("Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available", "fewer CPUs"),
    ],
)
def test_a_refusal_says_what_to_do(said: str, remedy: str) -> None:
    error = why_not_started(said)

    assert isinstance(error, StartRefused)
    assert remedy in error.hint


def test_an_engine_whose_parts_are_restarting_says_nothing_about_the_pod() -> None:
    said = "connection error: desc = transport: error while dialing: dial unix containerd.sock: no such file"

    assert isinstance(why_not_started(said), EngineAway)
