"""What the engine is told about a pod, and what it tells of one.

Pure: a plan in, the engine's create request out; the engine's answers in, pods out. All
that keeps containers apart and bounded is said here, for every container alike, so that no
caller can forget it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from workbench.runtime.pods import Pod, PodPlan, PodState

HOME = "workbench.home"
KIND = "workbench.kind"
ID = "workbench.id"
POD = "workbench.pod"
GENERATION = "workbench.generation"
PLAN = "workbench.plan"

HOST_NETWORK = "host"

_LOG_FILES = 5
_YEAR_OF_NEVER = 1


def pod_name(home_id: str, kind: str, id: str, pod: str) -> str:
    """The container's name, which is also its name in its network's DNS."""
    name = f"workbench-{home_id[:8]}-{kind}-{id}"
    return name if pod == "main" else f"{name}-{pod}"


def network_name(home_id: str, name: str) -> str:
    """The engine's name for one of our networks."""
    return f"workbench-{home_id[:8]}-{name}"


def plan_digest(plan: PodPlan) -> str:
    """What a plan is told by: another plan has another one."""
    return hashlib.sha256(repr(plan).encode()).hexdigest()[:16]


def create_request(plan: PodPlan, home_id: str, cdi_devices: Collection[str] = ()) -> dict[str, Any]:
    """Say to the engine what the plan says to us.

    Args:
        plan: The pod that should run.
        home_id: Whose it is.
        cdi_devices: Devices that the engine can name itself.

    Source: https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerCreate
    """
    environment = dict(plan.environment)
    if not plan.gpus:
        # Many images say `all` here, and an engine with NVIDIA's runtime as default obeys them.
        environment["NVIDIA_VISIBLE_DEVICES"] = "void"
    request: dict[str, Any] = {
        "Image": plan.image,
        "Env": [f"{name}={value}" for name, value in environment.items()],
        "User": plan.user,
        "WorkingDir": plan.workdir,
        "Hostname": plan.hostname,
        "StopSignal": plan.stop_signal,
        "Labels": {
            HOME: home_id,
            KIND: plan.kind,
            ID: plan.id,
            POD: plan.pod,
            GENERATION: str(plan.generation),
            PLAN: plan_digest(plan),
        },
        "HostConfig": _host_config(plan, home_id, cdi_devices),
    }
    if plan.command:
        request["Cmd"] = list(plan.command)
    if plan.network and plan.network != HOST_NETWORK:
        aliases = [plan.hostname] if plan.hostname else []
        endpoint = {"Aliases": aliases}
        request["NetworkingConfig"] = {"EndpointsConfig": {network_name(home_id, plan.network): endpoint}}
    return request


def pod_from_inspect(answer: Mapping[str, Any]) -> Pod:
    """A pod from the engine's full description of its container."""
    state = answer["State"]
    pod_state = _STATES[state["Status"]]
    ended = pod_state is PodState.ENDED
    return Pod(
        **_identity(answer["Config"]["Labels"]),
        container=answer["Id"],
        name=answer["Name"].removeprefix("/"),
        state=pod_state,
        exit_code=state["ExitCode"] if ended else None,
        oom_killed=state["OOMKilled"],
        error=state["Error"],
        started_at=_time(state["StartedAt"]),
        ended_at=_time(state["FinishedAt"]) if ended else None,
        address=_address(answer["NetworkSettings"]["Networks"]),
        image=answer["Config"]["Image"],
        pid=state["Pid"],
        gpus=_gpus(answer["HostConfig"].get("DeviceRequests") or ()),
    )


def _host_config(plan: PodPlan, home_id: str, cdi_devices: Collection[str]) -> dict[str, Any]:
    return {
        "Init": True,
        "RestartPolicy": {"Name": "no"},  # whether it runs again is decided by reconcilers alone
        "NetworkMode": _network_mode(plan, home_id),
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges:true"],
        "GroupAdd": list(plan.groups),
        "NanoCpus": round(plan.cpus * 1_000_000_000),
        "Memory": plan.memory_bytes,
        "MemorySwap": plan.memory_bytes,  # memory and swap together: so there is no swap
        "ShmSize": plan.shm_bytes or None,
        "PidsLimit": plan.pids or None,
        "Mounts": [
            {
                "Type": "bind",
                "Source": bind.source,
                "Target": bind.target,
                "ReadOnly": bind.read_only,
                "BindOptions": {"Propagation": "rprivate"},
            }
            for bind in plan.binds
        ],
        "DeviceRequests": _device_requests(plan.gpus, cdi_devices),
        "LogConfig": {
            "Type": "local",  # keeps bytes as they are; json-file replaces what is not UTF-8
            "Config": {
                "max-size": str(max(plan.log_cap_bytes // _LOG_FILES, 1)),
                "max-file": str(_LOG_FILES),
                "compress": "false",
            },
        },
    }


def _network_mode(plan: PodPlan, home_id: str) -> str:
    match plan.network:
        case "":
            return "none"  # the engine's default bridge would let strangers in
        case "host":
            return HOST_NETWORK
        case name:
            return network_name(home_id, name)


def _device_requests(gpus: tuple[str, ...], cdi_devices: Collection[str]) -> list[dict[str, Any]]:
    if not gpus:
        return []
    # A spec may name cards by their index alone, which says nothing to us.
    if any(device.startswith(("nvidia.com/gpu=GPU-", "nvidia.com/gpu=MIG-")) for device in cdi_devices):
        return [{"Driver": "cdi", "DeviceIDs": [f"nvidia.com/gpu={uuid}" for uuid in gpus]}]
    return [{"DeviceIDs": list(gpus), "Capabilities": [["gpu"]]}]


def _gpus(requests: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    ids = [id for each in requests for id in each.get("DeviceIDs") or ()]
    return tuple(id.removeprefix("nvidia.com/gpu=") for id in ids)


_STATES = {
    "created": PodState.CREATED,
    "running": PodState.RUNNING,
    "paused": PodState.RUNNING,
    "restarting": PodState.RUNNING,
    "removing": PodState.ENDED,
    "exited": PodState.ENDED,
    "dead": PodState.ENDED,
}


def _identity(labels: Mapping[str, str]) -> dict[str, Any]:
    generation = labels.get(GENERATION, "")
    return {
        "kind": labels.get(KIND, ""),
        "id": labels.get(ID, ""),
        "pod": labels.get(POD, ""),
        "plan": labels.get(PLAN, ""),
        "generation": int(generation) if generation.isdecimal() else 0,
    }


def _address(networks: Mapping[str, Mapping[str, Any]]) -> str:
    return next((each["IPAddress"] for each in networks.values() if each["IPAddress"]), "")


def _time(text: str) -> datetime | None:
    time = datetime.fromisoformat(text)
    return None if time.year == _YEAR_OF_NEVER else time
