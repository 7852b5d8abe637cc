"""What is asked of who makes a notebook or changes one, and what their answers mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.errors import InvalidInput
from workbench_tui import checks, values
from workbench_tui.commands import shell_command
from workbench_tui.resource import Field, Item, Scope, Values, pages
from workbench_tui.resources.notebooks.reading import (
    GPU_MEMORY,
    PREEMPTIBLE,
    gpu_share,
    idle_limit,
    name,
    preemptible,
    tags,
)
from workbench_tui.texts import say

_AMOUNTS = {"cpu": "CPU", "memory": "Memory", "gpu": "GPU", "gpu_type": "GPUType"}
"""Fields of the form, and what RequestedResource calls them."""
_OPTIONS = {**_AMOUNTS, "shm": "SharedMemory"}
"""What the command line calls them."""
_READ_ONLY = ":ro"
_SPOT, _NO_SPOT = "SpotAsPriceGo", "NoSpot"


def created(item: Item, given: Values) -> dict[str, Any]:
    """What is asked of CreateInstance.

    Args:
        item: The notebook that is cloned, whose clone has all that the form does not ask for too.
    """
    labels = {key: value for key, value in tags(item).items() if key not in (PREEMPTIBLE, GPU_MEMORY)}
    if given["share"]:
        labels[GPU_MEMORY] = given["share"]
    strategy = {"yes": _SPOT, "no": _NO_SPOT}.get(given["preemptible"])
    fields = {
        "InstanceName": given["name"],
        "ImageUrl": given["image"],
        **_size_of_new(item, given),
        "Labels": [{"Key": key, "Value": value} for key, value in labels.items()],
        "Priority": int(given["priority"]) if given["priority"].isdecimal() else 0,
        "SpotSpec": {"SpotStrategy": strategy} if strategy else {},
        "Datasets": [_mount(each) for each in given["mounts"].split()],
        "EnvironmentVariables": item.get("EnvironmentVariables"),
        "Accessibility": item.get("Accessibility"),
    }
    return {name: value for name, value in fields.items() if value}


def resized(item: Item, given: Values) -> dict[str, Any]:
    """What is asked of UpdateInstance: what was changed, as everything else stays.

    Raises:
        InvalidInput: Two sizes were given.
    """
    changed = _changed_amounts(item, given)
    if given["spec"] and not changed:
        return {"EcsSpec": given["spec"]}
    was_named = bool(item.get("EcsSpec"))
    named = _AMOUNTS if was_named and not given["spec"] else changed
    return {"RequestedResource": {_AMOUNTS[name]: given[name] for name in named if given[name]}}


def create_command(scope: Scope, item: Item, given: Values) -> str:
    """The command that makes such a notebook; none knows named sizes."""
    try:
        fields = created(item, given)
    except InvalidInput:
        return ""
    if "EcsSpec" in fields:
        return ""
    spot = fields.get("SpotSpec")
    idle = idle_limit(item)
    return shell_command(
        "notebook",
        "create",
        name=fields.get("InstanceName"),
        image=fields.get("ImageUrl"),
        **_size_options(fields),
        gpu_memory=given["share"] or None,
        priority=str(fields["Priority"]) if "Priority" in fields else None,
        preemptible=spot == {"SpotStrategy": _SPOT},
        not_preemptible=spot == {"SpotStrategy": _NO_SPOT},
        env=[f"{key}={value}" for key, value in fields.get("EnvironmentVariables", {}).items()],
        mount=[_mount_option(each) for each in fields.get("Datasets", ())],
        idle_minutes=str(idle) if idle else None,
        workspace=scope.workspace_id or None,
    )


def resize_command(scope: Scope, item: Item, given: Values) -> str:
    """The command that gives it this size; none knows named sizes."""
    try:
        fields = resized(item, given)
    except InvalidInput:
        return ""
    if "EcsSpec" in fields:
        return ""
    return shell_command("notebook", "update", name(item), **_size_options(fields))


def _size_options(fields: Mapping[str, Any]) -> dict[str, str | None]:
    amounts = fields.get("RequestedResource", {})
    return {option: amounts.get(wire) for option, wire in _OPTIONS.items()}


def _mount_option(mount: Mapping[str, str]) -> str:
    return f"{mount['Uri']}:{mount['MountPath']}{_READ_ONLY * (mount['MountAccess'] == 'RO')}"


async def images(scope: Scope) -> Sequence[tuple[str, str]]:
    """Images that exist."""
    answer = await scope.call("workbench", "ListBuiltInImages")
    return [(each["Name"], say(each["State"])) for each in answer["Images"] if each["Name"] == "notebook"]


async def specs(scope: Scope) -> Sequence[tuple[str, str]]:
    """Named sizes that fit this machine, and whether there is room for them now."""
    answer = await scope.offered("dsw", "ListEcsSpecs", PageSize=100) or {"EcsSpecs": []}
    node = await scope.offered("workbench", "GetNode")
    gpus = (await scope.offered("workbench", "ListGpus") or {"Gpus": []})["Gpus"]
    return [
        (each["InstanceType"], f"{_spec(each)}{_room(each, node, gpus) if node else ''}")
        for each in answer["EcsSpecs"]
        if each.get("IsAvailable", True)
    ]


async def mounts(scope: Scope) -> Sequence[tuple[str, str]]:
    """The workspace's files, and what its other notebooks mount."""
    there = {"nas://workspace/=/mnt/workspace": say("the workspace's files")}
    found = await pages(scope, "dsw", "ListInstances", "Instances", WorkspaceId=scope.workspace_id or None)
    for each in found:
        for mount in each.get("Datasets") or ():
            there.setdefault(_mounted(mount), say("as in {name}", name=name(each)))
    return list(there.items())


async def models(scope: Scope) -> Sequence[tuple[str, str]]:
    """Models of GPUs that this machine has."""
    answer = await scope.offered("workbench", "ListGpus") or {"Gpus": []}
    return [(name, "") for name in dict.fromkeys(each.get("Name", "") for each in answer["Gpus"]) if name]


async def yes_or_no(scope: Scope) -> Sequence[tuple[str, str]]:
    """The two answers."""
    return [("yes", say("yes")), ("no", say("no"))]


def _spec(spec: Item) -> str:
    gpus = f", {spec['GPU']} GPU {spec['GPUType']}" if spec.get("GPU") else ""
    return f"{values.number(spec['CPU'])} CPU, {values.number(spec['Memory'])} GiB{gpus}"


def _changed_amounts(item: Item, given: Values) -> list[str]:
    """Amounts that are others than before. Of a named size and amounts, what was changed is meant.

    Raises:
        InvalidInput: Both were.
    """
    changed = [name for name in _AMOUNTS if given[name] != _asked(item, _AMOUNTS[name])]
    if changed and given["spec"] not in ("", item.get("EcsSpec") or ""):
        raise InvalidInput(say("Give a named size or amounts, not both."))
    return changed


def _size_of_new(item: Item, given: Values) -> dict[str, Any]:
    changed = _changed_amounts(item, given)
    other_share = given["share"] != gpu_share(item)
    if given["spec"] and not changed and not other_share:
        return {"EcsSpec": given["spec"]}
    amounts = {wire: given[name] for name, wire in _AMOUNTS.items() if given[name]}
    if "memory" not in changed:  # half of the memory otherwise
        amounts["SharedMemory"] = _asked(item, "SharedMemory")
    return {"RequestedResource": {name: value for name, value in amounts.items() if value}}


def _asked(item: Item, of: str) -> str:
    return str((item.get("RequestedResource") or {}).get(of, ""))


def _mount(text: str) -> dict[str, str]:
    uri, _, path = text.partition("=")
    access = "RO" if path.endswith(_READ_ONLY) else "RW"
    return {"Uri": uri, "MountPath": path.removesuffix(_READ_ONLY), "MountAccess": access}


def _mounted(mount: Item) -> str:
    return f"{mount['Uri']}={mount['MountPath']}{_READ_ONLY * (mount.get('MountAccess') == 'RO')}"


def _room(spec: Item, node: Item, gpus: Sequence[Item]) -> str:
    """What a start now would come to, as far as it is known here."""
    taken = ("Holders", "Problem", "Cordoned", "NotFree")
    free = [each for each in gpus if not any(each.get(name) for name in taken)]
    fits = (
        node["CpusAsked"] + spec["CPU"] <= node["CpusPromised"]
        and node["MemoryAskedBytes"] + spec["Memory"] * 2**30 <= node["MemoryPromisedBytes"]
        and sum(spec.get("GPUType", "") in each.get("Name", "") for each in free) >= (spec.get("GPU") or 0)
    )
    return f"  {say('free now') if fits else say('has to wait now')}"


SIZE = (
    Field(
        name="spec",
        title="Named size",
        help="Or leave it and give the amounts below.",
        options=specs,
        start=lambda item: item.get("EcsSpec") or "",
    ),
    Field(
        name="cpu",
        title="CPU",
        check=checks.amount,
        start=lambda item: _asked(item, "CPU"),
    ),
    Field(
        name="memory",
        title="Memory, GiB",
        check=checks.amount,
        start=lambda item: _asked(item, "Memory"),
    ),
    Field(
        name="gpu",
        title="GPU",
        check=checks.amount,
        start=lambda item: _asked(item, "GPU"),
    ),
    Field(
        name="gpu_type",
        title="GPU model",
        help="A part of the card's name, or a MIG profile; left empty: any.",
        options=models,
        start=lambda item: _asked(item, "GPUType"),
    ),
)

_SHARE = Field(
    name="share",
    title="GPU share, GiB",
    help="So much memory of one GPU, which others use too, instead of whole ones.",
    check=checks.size,
    start=gpu_share,
)

_STANDING = (
    Field(
        name="priority",
        title="Priority",
        check=checks.priority,
        help="From 1 to 9; 9 is served first.",
        start=lambda item: str(item.get("Priority") or ""),
    ),
    Field(
        name="preemptible",
        title="Preemptible",
        help="May be stopped for work of a higher priority; it starts again by itself.",
        options=yes_or_no,
        free=False,
        start=lambda item: "yes" if preemptible(item) else "",
    ),
)


FORM = (
    Field(name="name", title="Name", check=checks.notebook_name, help="Letters, digits, `-` and `_`."),
    Field(
        name="image",
        title="Image",
        options=images,
        help="A built-in image, or any reference that can be pulled.",
        start=lambda item: item.get("ImageUrl", "notebook"),
    ),
    *SIZE,
    _SHARE,
    *_STANDING,
    Field(
        name="mounts",
        title="Mounts",
        check=checks.mounts,
        options=mounts,
        several=True,
        help="nas://workspace/data=/mnt/data, :ro behind it for only reading; spaces between several.",
        start=lambda item: " ".join(_mounted(each) for each in item.get("Datasets") or ()),
    ),
)
