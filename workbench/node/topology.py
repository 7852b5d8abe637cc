"""How close the cards of this machine are to each other, as the driver tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pynvml

_MOST_LINKS = pynvml.NVML_NVLINK_MAX_LINKS
_LINKED = pynvml.NVML_TOPOLOGY_SINGLE
"""Cards with an NVLink between them are closer than any that share a PCIe switch, which is 10."""


def distances(handles: Mapping[str, Any]) -> Mapping[str, Mapping[str, int]]:
    """The distance from each card to each other one, by UUID.

    1 to 9 with NVLinks between them, fewer for more links; otherwise NVML's level: 10 behind one
    PCIe switch, 30 at one host bridge, 40 at one CPU, 50 across CPUs. A pair that the driver says
    nothing of is left out.
    """
    at_bus = {_bus_id(handle): uuid for uuid, handle in handles.items()}
    found: dict[str, dict[str, int]] = {uuid: {} for uuid in handles}
    for uuid, handle in handles.items():
        for other, other_handle in handles.items():
            if other != uuid and (level := _level(handle, other_handle)) is not None:
                found[uuid][other] = level
        peers = [at_bus.get(bus) for bus in _linked(handle)]
        for peer in filter(None, peers):
            found[uuid][peer] = max(1, _LINKED - peers.count(peer))
    return found


def _level(one: Any, other: Any) -> int | None:
    try:
        return int(pynvml.nvmlDeviceGetTopologyCommonAncestor(one, other))
    except pynvml.NVMLError:
        return None


def _linked(handle: Any) -> Sequence[str]:
    """The bus ids at the other ends of the links that are up."""
    found = []
    for link in range(_MOST_LINKS):
        try:
            if pynvml.nvmlDeviceGetNvLinkState(handle, link):
                found.append(str(pynvml.nvmlDeviceGetNvLinkRemotePciInfo(handle, link).busId))
        except pynvml.NVMLError:
            break  # this card has no more links, or none at all
    return found


def _bus_id(handle: Any) -> str:
    try:
        return str(pynvml.nvmlDeviceGetPciInfo(handle).busId)
    except pynvml.NVMLError:
        return ""
