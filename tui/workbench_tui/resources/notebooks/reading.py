"""What a notebook says of itself, as PAI spells it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from workbench_tui import values
from workbench_tui.resource import Item

GPU_MEMORY = "workbench.gpu_memory"
"""The tag that asks for a share of a card."""
PREEMPTIBLE = "workbench.preemptible"


def name(item: Item) -> str:
    """What it is called."""
    return str(item.get("InstanceName") or item.get("InstanceId"))


def tags(item: Item) -> Mapping[str, str]:
    """Its tags, by key."""
    return {each["Key"]: each["Value"] for each in item.get("Labels") or ()}


def preemptible(item: Item) -> bool:
    """Whether it may be stopped for more important work."""
    return tags(item).get(PREEMPTIBLE) == "true"


def gpu_share(item: Item) -> str:
    """How much memory of one card it asks for, GiB where no unit is said; empty where it asks for none."""
    return tags(item).get(GPU_MEMORY, "") if not amount("GPU")(item) else ""


def gpus(item: Item) -> tuple[float, str]:
    """How many GPUs it asks for, or how much of one: to sort by, and in words."""
    if share := gpu_share(item):
        return 0.5, share if share[-1].isalpha() else f"{share}Gi"
    count = amount("GPU")(item)
    return (-1.0, "") if count is None else (count, values.number(count))


def idle_limit(item: Item) -> int:
    """Minutes without use until it is stopped; 0 for no limit."""
    return (item.get("IdleInstanceCuller") or {}).get("MaxIdleTimeInMinutes") or 0


def amount(of: str) -> Callable[[Item], float | None]:
    """Reads how much of something it asks for."""

    def read(item: Item) -> float | None:
        value = (item.get("RequestedResource") or {}).get(of)
        return float(value) if value else None

    return read
