"""What a notebook says of itself, as PAI spells it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from workbench_tui.resource import Item


def name(item: Item) -> str:
    """What it is called."""
    return str(item.get("InstanceName") or item.get("InstanceId"))


def tags(item: Item) -> Mapping[str, str]:
    """Its tags, by key."""
    return {each["Key"]: each["Value"] for each in item.get("Labels") or ()}


def preemptible(item: Item) -> bool:
    """Whether it may be stopped for more important work."""
    return tags(item).get("workbench.preemptible") == "true"


def idle_limit(item: Item) -> int:
    """Minutes without use until it is stopped; 0 for no limit."""
    return (item.get("IdleInstanceCuller") or {}).get("MaxIdleTimeInMinutes") or 0


def amount(of: str) -> Callable[[Item], float | None]:
    """Reads how much of something it asks for."""

    def read(item: Item) -> float | None:
        value = (item.get("RequestedResource") or {}).get(of)
        return float(value) if value else None

    return read
