"""Requests about notebooks, from PAI's fields to a record: checked, with the defaults filled in."""

from __future__ import annotations

import re
import reprlib
import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from workbench.errors import InvalidInput
from workbench.node import Inventory, Resources, check_fits, parse_resources, share_of_a_gpu, specs
from workbench.node.requests import parse_gpus
from workbench.notebooks.api import labels, not_offered
from workbench.notebooks.records import DataMount, IdleLimit, Notebook
from workbench.settings import Settings
from workbench.wire.choices import one_of, within
from workbench.wire.times import from_wire

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,62}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OURS = ("JUPYTER_TOKEN_FILE", "JUPYTER_TOKEN", "PYTHONUSERBASE", "HOME", "NVIDIA_VISIBLE_DEVICES")
_LONGEST_SCRIPT = 65536
_LONGEST_IDLE_MINUTES = 366 * 24 * 60
_BUILT_IN = "notebook"

_NO_SPOT = "NoSpot"
_SPOT = ("SpotAsPriceGo", "SpotWithPriceLimit")

ACCESSIBILITIES = ("PRIVATE", "PUBLIC")


def new_notebook(
    fields: Mapping[str, Any],
    *,
    workspace_id: str,
    user_id: str,
    settings: Settings,
    inventory: Inventory,
    now: datetime,
) -> Notebook:
    """The record of a notebook as CreateInstance asks for it.

    Raises:
        InvalidInput: A value is wrong, or never fits this machine.
    """
    notebook_id = f"dsw-{secrets.token_hex(8)}"
    memory = int(settings.notebook_memory_gib * 2**30)
    blank = Notebook(
        id=notebook_id,
        workspace_id=workspace_id,
        user_id=user_id,
        name=f"notebook_{notebook_id[-6:]}",
        created_at=now,
        modified_at=now,
        image=_BUILT_IN,
        cpus=min(settings.notebook_cpus, inventory.cpus),
        memory_bytes=min(memory, inventory.memory_bytes),
        shm_bytes=min(memory, inventory.memory_bytes) // 2,
        pool=fields.get("ResourceId", ""),
    )
    return changed_notebook(blank, fields, inventory)


def changed_notebook(notebook: Notebook, fields: Mapping[str, Any], inventory: Inventory) -> Notebook:
    """The record with what the request names changed; what it does not name stays.

    Raises:
        InvalidInput: A value is wrong, or never fits this machine.
    """
    not_offered.refuse(fields, notebook)
    changes: dict[str, Any] = {}
    if "InstanceName" in fields:
        changes["name"] = check_name(fields["InstanceName"])
    if image := fields.get("ImageUrl") or fields.get("ImageId"):
        changes["image"] = image
    if fields.get("EcsSpec") or fields.get("RequestedResource") or labels.GPU_MEMORY in labels.given(fields):
        changes |= _size(notebook, fields, inventory)
    if "EnvironmentVariables" in fields:
        changes["environment"] = check_environment(fields["EnvironmentVariables"])
    if fields.get("DisassociateEnvironmentVariables"):
        changes["environment"] = {}
    if "Datasets" in fields:
        changes["mounts"] = tuple(_mount(each) for each in fields["Datasets"])
    if fields.get("DisassociateDatasets"):
        changes["mounts"] = ()
    if "Accessibility" in fields:
        changes["accessibility"] = one_of("Accessibility", fields["Accessibility"], ACCESSIBILITIES)
    changes |= _standing(fields)
    if "UserCommand" in fields:
        changes["on_start"] = _script(fields["UserCommand"])
    if fields.get("DisassociateUserCommand"):
        changes["on_start"] = ""
    return replace(notebook, **changes)


def check_name(name: str) -> str:
    """A notebook's name.

    Raises:
        InvalidInput: It breaks the rule.
    """
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            f"{name!r} cannot be a notebook's name.",
            hint="1 to 63 letters, digits, underscores and hyphens, no hyphen first.",
        )
    return name


def check_environment(variables: Mapping[str, Any]) -> dict[str, str]:
    """Environment variables that a user sets, as the texts that they become.

    Raises:
        InvalidInput: A name is no name, a value is no text, or a variable is one that makes the session
            work.
    """
    for name, value in variables.items():
        if not _VARIABLE.fullmatch(name):
            raise InvalidInput(f"{name!r} cannot be the name of an environment variable.")
        if name in _OURS:
            raise InvalidInput(
                f"{name} is set by Workbench and cannot be chosen.",
                hint="Ask for GPUs with RequestedResource." if name.startswith("NVIDIA") else "",
            )
        if not isinstance(value, str | int | float):
            raise InvalidInput(f"The value of {name} is {reprlib.repr(value)}; text or a number is wanted.")
        if "\0" in str(value):
            raise InvalidInput(f"The value of {name} contains a NUL character.")
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in variables.items()
    }


def shutdown_time(fields: Mapping[str, Any], now: datetime) -> datetime:
    """The moment that CreateInstanceShutdownTimer names, by `DueTime` or `RemainingTimeInMs`.

    Raises:
        InvalidInput: It names none, or one in the past.
    """
    if "DueTime" in fields:
        due = from_wire(fields["DueTime"])
    elif "RemainingTimeInMs" in fields:
        due = from_milliseconds(now, fields["RemainingTimeInMs"])
    else:
        raise InvalidInput("Neither DueTime nor RemainingTimeInMs is given.", hint="Give one of them.")
    if due <= now:
        raise InvalidInput(f"The shutdown time {due:%Y-%m-%d %H:%M:%S} UTC has passed.")
    return due


def from_milliseconds(now: datetime, milliseconds: int) -> datetime:
    """So many milliseconds from now.

    Raises:
        InvalidInput: That is not a time any more.
    """
    try:
        return datetime.fromtimestamp(now.timestamp() + milliseconds / 1000, tz=now.tzinfo)
    except (OverflowError, ValueError, OSError) as error:
        raise InvalidInput(f"RemainingTimeInMs is {milliseconds}, which is out of reach.") from error


def idle_limit(fields: Mapping[str, Any]) -> IdleLimit:
    """The limit that CreateIdleInstanceCuller asks for.

    Raises:
        InvalidInput: A number is out of bounds.
    """
    minutes = within("MaxIdleTimeInMinutes", fields.get("MaxIdleTimeInMinutes", 0), 1, _LONGEST_IDLE_MINUTES)
    given = {"cpu_percent": "CpuPercentThreshold", "gpu_percent": "GpuPercentThreshold"}
    floors = {name: within(wire, fields[wire], 0, 100) for name, wire in given.items() if wire in fields}
    return IdleLimit(minutes=minutes, **floors)


def _size(notebook: Notebook, fields: Mapping[str, Any], inventory: Inventory) -> dict[str, Any]:
    if spec := fields.get("EcsSpec", ""):
        size = specs.resolve(spec, inventory).resources
    else:
        share = labels.given(fields).get(labels.GPU_MEMORY, "")
        size = _resources(notebook, fields.get("RequestedResource", {}), share)
        check_fits(size, inventory)
    return {
        "spec": spec,
        "cpus": size.cpus,
        "memory_bytes": size.memory_bytes,
        "shm_bytes": size.shm_bytes,
        "gpus": size.gpus,
        "gpu_model": size.gpu_model,
        "gpu_memory_bytes": size.gpu_memory_bytes,
        "gpu_instance": size.gpu_instance,
    }


def _resources(notebook: Notebook, given: Mapping[str, str], share: str) -> Resources:
    """What is asked for by RequestedResource and the label of a share; what is not named stays."""
    named = {name: text for name, text in given.items() if text}
    count = notebook.gpus or int(bool(notebook.gpu_instance))
    kind = notebook.gpu_model if share else notebook.gpu_instance or notebook.gpu_model
    if notebook.gpu_instance and "GPU" in named and not parse_gpus(named["GPU"]):
        kind = ""
    size = parse_resources(
        {"GPU": "0" if share else str(count), "GPUType": kind, **named},
        cpus=notebook.cpus,
        memory_gib=notebook.memory_bytes / 2**30,
    )
    if not named.keys() & {"Memory", "SharedMemory"}:
        size = replace(size, shm_bytes=notebook.shm_bytes)
    if share:
        return share_of_a_gpu(size, share)
    if size.gpus or size.gpu_instance:
        return size
    if "GPUType" in named and not notebook.gpu_memory_bytes:
        raise InvalidInput(
            f"GPUType is {named['GPUType']!r}, and no GPU is asked for.",
            hint="Say how many, with GPU or --gpu; or ask for a share of one, with the label"
            f" {labels.GPU_MEMORY} or --gpu-memory.",
        )
    model = size.gpu_model if notebook.gpu_memory_bytes else ""
    return replace(size, gpu_model=model, gpu_memory_bytes=notebook.gpu_memory_bytes)


def _standing(fields: Mapping[str, Any]) -> dict[str, Any]:
    """How important it is, and whether it may be stopped for what is more important: PAI's words for
    that are those of a market. There are no prices here, so any bid is as good as any other."""
    changes: dict[str, Any] = {}
    if "Priority" in fields:
        changes["priority"] = within("Priority", fields["Priority"], 1, 9)
    if said := labels.given(fields).get(labels.PREEMPTIBLE):
        changes["preemptible"] = one_of(labels.PREEMPTIBLE, said, ("true", "false")) == "true"
    if strategy := fields.get("SpotSpec", {}).get("SpotStrategy"):
        changes["preemptible"] = one_of("SpotStrategy", strategy, (_NO_SPOT, *_SPOT)) != _NO_SPOT
    if fields.get("DisassociateSpot"):
        changes["preemptible"] = False
    return changes


def _mount(dataset: Mapping[str, Any]) -> DataMount:
    if dataset.get("DatasetId"):
        raise InvalidInput(
            f"Dataset {dataset['DatasetId']!r} is not known here.",
            hint="Name the files by Uri, such as nas://workspace/data.",
        )
    return DataMount(
        uri=dataset.get("Uri", ""),
        target=dataset.get("MountPath", ""),
        read_only=one_of("MountAccess", dataset.get("MountAccess") or "RW", ("RO", "RW")) == "RO",
    )


def _script(command: Mapping[str, Any]) -> str:
    content: str = command.get("OnStart", {}).get("Content", "")
    if len(content) > _LONGEST_SCRIPT:
        raise InvalidInput(f"The start script has {len(content)} characters, {_LONGEST_SCRIPT} are allowed.")
    return content
