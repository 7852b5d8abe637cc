"""A notebook as PAI's DSW answers spell it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from workbench import node
from workbench.node import Inventory
from workbench.notebooks import access, place, rules
from workbench.notebooks.api import labels
from workbench.notebooks.records import DataMount, Notebook
from workbench.settings import Settings
from workbench.wire.times import to_wire


def instance(
    notebook: Notebook,
    *,
    pool: str,
    tags: Mapping[str, str],
    user_name: str,
    workspace_name: str,
    settings: Settings,
    now: datetime,
) -> dict[str, Any]:
    """The fields of GetInstance, which are those of a row of ListInstances too."""
    url = access.browser_url(settings, notebook.id)
    labelled = {**tags, **labels.of_record(notebook)}
    return {
        "InstanceId": notebook.id,
        "InstanceName": notebook.name,
        "WorkspaceId": notebook.workspace_id,
        "WorkspaceName": workspace_name,
        "UserId": notebook.user_id,
        "UserName": user_name,
        "Status": notebook.status.value,
        "ReasonCode": notebook.reason_code,
        "ReasonMessage": notebook.reason,
        "ImageUrl": notebook.image,
        "ImageName": notebook.image,
        "EcsSpec": notebook.spec,
        "ResourceId": pool,
        "ResourceName": pool,
        "AcceleratorType": "GPU" if place.cards(notebook) else "CPU",
        "RequestedResource": {
            "CPU": f"{notebook.cpus:g}",
            "Memory": f"{notebook.memory_bytes / 2**30:g}",
            "SharedMemory": f"{notebook.shm_bytes / 2**30:g}",
            "GPU": str(notebook.gpus or int(bool(notebook.gpu_instance))),
            **({"GPUType": gpu_type} if (gpu_type := notebook.gpu_instance or notebook.gpu_model) else {}),
        },
        "EnvironmentVariables": dict(notebook.environment),
        "Datasets": [dataset(mount) for mount in notebook.mounts],
        "Labels": [{"Key": key, "Value": value} for key, value in labelled.items()],
        "Tags": [{"TagKey": key, "TagValue": value} for key, value in labelled.items()],
        "Accessibility": notebook.accessibility,
        "Priority": notebook.priority,
        "PaymentType": "PayAsYouGo",
        "InstanceUrl": url,
        "JupyterlabUrl": url,
        "AccumulatedRunningTimeInMs": rules.ran_ms(notebook, now),
        "GmtCreateTime": to_wire(notebook.created_at),
        "GmtModifiedTime": to_wire(notebook.modified_at),
        **({"InstanceShutdownTimer": shutdown_timer(notebook, now)} if notebook.shutdown_at else {}),
        **({"IdleInstanceCuller": idle_culler(notebook, now)} if notebook.idle_limit else {}),
    }


def dataset(mount: DataMount) -> dict[str, str]:
    """A mount, as it was asked for."""
    return {
        "Uri": mount.uri,
        "MountPath": mount.target,
        "MountAccess": "RO" if mount.read_only else "RW",
    }


def shutdown_timer(notebook: Notebook, now: datetime) -> dict[str, Any]:
    """When it will be stopped."""
    due = notebook.shutdown_at
    if due is None:
        return {"InstanceId": notebook.id}
    return {
        "InstanceId": notebook.id,
        "DueTime": to_wire(due),
        "RemainingTimeInMs": max(0, int((due - now).total_seconds() * 1000)),
        "GmtCreateTime": to_wire(notebook.created_at),
        "GmtModifiedTime": to_wire(notebook.modified_at),
    }


def idle_culler(notebook: Notebook, now: datetime) -> dict[str, Any]:
    """Its idle limit, and how long it has been idle."""
    limit = notebook.idle_limit
    return {
        "InstanceId": notebook.id,
        "IdleTimeInMinutes": int(rules.idle_time(notebook, now).total_seconds() // 60),
        **(
            {
                "MaxIdleTimeInMinutes": limit.minutes,
                "CpuPercentThreshold": limit.cpu_percent,
                "GpuPercentThreshold": limit.gpu_percent,
            }
            if limit
            else {}
        ),
    }


def specs(inventory: Inventory, accelerator: str) -> list[dict[str, Any]]:
    """The named sizes; `accelerator` is `CPU`, `GPU`, or empty for both."""
    return [
        {
            "InstanceType": spec.name,
            "CPU": spec.cpus,
            "Memory": spec.memory_gib,
            "GPU": spec.gpus,
            "GPUType": spec.gpu_model,
            "GPUMemorySize": spec.gpu_memory_gib,
            "AcceleratorType": "GPU" if spec.gpus else "CPU",
            "IsAvailable": node.specs.fits(spec, inventory),
        }
        for spec in node.specs.catalogue()
        if accelerator in ("", "GPU" if spec.gpus else "CPU")
    ]
