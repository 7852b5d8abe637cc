"""What is asked of who makes a notebook or changes one, and what their answers mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workbench.client import ClientError
from workbench_tui import checks, values
from workbench_tui.resource import Field, Item, Scope, Values
from workbench_tui.resources.notebooks.reading import preemptible
from workbench_tui.texts import say


def wanted(given: Values) -> dict[str, Any]:
    """The fields of a request, as a form was filled in."""
    size = {"CPU": given.get("cpu"), "Memory": given.get("memory"), "GPU": given.get("gpu")}
    strategy = {"yes": "SpotAsPriceGo", "no": "NoSpot"}.get(given.get("preemptible", ""))
    mounts = [each.partition("=") for each in given.get("mounts", "").split()]
    fields = {
        "InstanceName": given.get("name"),
        "ImageUrl": given.get("image"),
        "EcsSpec": given.get("spec"),
        "RequestedResource": {name: value for name, value in size.items() if value},
        "Priority": int(given.get("priority") or 0),
        "SpotSpec": {"SpotStrategy": strategy} if strategy else {},
        "Datasets": [{"Uri": uri, "MountPath": path, "MountAccess": "RW"} for uri, _, path in mounts],
    }
    return {name: value for name, value in fields.items() if value}


def create_command(item: Item, given: Values) -> str:
    """The command that makes such a notebook."""
    named = ("name", "image", "cpu", "memory", "gpu", "priority")
    options = "".join(f" --{name} {given[name]}" for name in named if given.get(name))
    return f"workbench notebook create{options}{' --preemptible' * (given.get('preemptible') == 'yes')}"


async def images(scope: Scope) -> Sequence[tuple[str, str]]:
    """Images that exist."""
    answer = await scope.call("workbench", "ListBuiltInImages")
    return [(each["Name"], say(each["State"])) for each in answer["Images"] if each["Name"] == "notebook"]


async def specs(scope: Scope) -> Sequence[tuple[str, str]]:
    """Named sizes that fit this machine."""
    try:
        answer = await scope.call("dsw", "ListEcsSpecs", PageSize=100)
    except ClientError:
        return []
    return [
        (each["InstanceType"], _spec(each)) for each in answer["EcsSpecs"] if each.get("IsAvailable", True)
    ]


async def yes_or_no(scope: Scope) -> Sequence[tuple[str, str]]:
    """The two answers."""
    return [("yes", say("yes")), ("no", say("no"))]


def _spec(spec: Item) -> str:
    gpus = f", {spec['GPU']} GPU {spec['GPUType']}" if spec.get("GPU") else ""
    return f"{values.number(spec['CPU'])} CPU, {values.number(spec['Memory'])} GiB{gpus}"


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
        start=lambda item: (item.get("RequestedResource") or {}).get("CPU", ""),
    ),
    Field(
        name="memory",
        title="Memory, GiB",
        check=checks.amount,
        start=lambda item: (item.get("RequestedResource") or {}).get("Memory", ""),
    ),
    Field(
        name="gpu",
        title="GPU",
        check=checks.amount,
        start=lambda item: (item.get("RequestedResource") or {}).get("GPU", ""),
    ),
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
    *_STANDING,
    Field(
        name="mounts",
        title="Mounts",
        check=checks.mounts,
        help="nas://workspace/data=/mnt/data, with spaces between several.",
        start=lambda item: " ".join(
            f"{each['Uri']}={each['MountPath']}" for each in item.get("Datasets") or ()
        ),
    ),
)
