"""Which values of a snapshot are kept, and under which name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from workbench.telemetry.readings import CardReading, PodReading, Rates, Snapshot

NODE = "node"
GPU = "gpu"

Values = Mapping[str, float | None]


@dataclass(frozen=True, kw_only=True)
class Series:
    """One value over time. `kind` is `node`, `gpu` or a pod's; `id` is empty, a GPU's UUID, the name of
    a disk, or a pod's object, which `pod`, `workspace_id` and `user_id` belong to."""

    name: str
    kind: str
    id: str = ""
    pod: str = ""
    workspace_id: str = ""
    user_id: str = ""


METRICS: Mapping[str, str] = {
    "cpus": "CPUs in use; of the machine or of a pod",
    "memory_bytes": "memory in use; a pod's is its working set, a GPU's is the card's",
    "load": "processes that run or want to, averaged over a minute",
    "disk_used_bytes": "space in use on a disk, by what is kept there",
    "read_bytes_per_s": "read from disks",
    "written_bytes_per_s": "written to disks",
    "received_bytes_per_s": "received from the network",
    "sent_bytes_per_s": "sent to the network",
    "utilisation": "share of time, 0 to 1, in which a kernel ran on a GPU",
    "power_w": "watts that a GPU draws",
    "temperature_c": "a GPU's temperature in °C",
    "gpu_utilisation": "share of time, 0 to 1, in which a pod's kernels ran, averaged over its GPUs",
    "gpu_memory_bytes": "a pod's memory on its GPUs",
}
"""Every name, with what it says."""


def values(snapshot: Snapshot) -> Iterator[tuple[Series, float]]:
    """Everything in a snapshot that is worth keeping; what is unknown is left out."""
    yield from _known(Series(name="", kind=NODE), _of_node(snapshot))
    for name, disk in snapshot.inventory.disks.items():
        used = float(disk.total_bytes - disk.free_bytes)
        yield from _known(Series(name="", kind=NODE, id=name), {"disk_used_bytes": used})
    for card in snapshot.cards:
        yield from _known(Series(name="", kind=GPU, id=card.gpu.uuid), _of_card(card))
    for each in snapshot.pods:
        owner = each.owner
        pod = Series(
            name="",
            kind=each.kind,
            id=each.id,
            pod=each.pod,
            workspace_id=owner.workspace_id,
            user_id=owner.user_id,
        )
        yield from _known(pod, _of_pod(each))


def pod_utilisation(pod: PodReading) -> float | None:
    """How much a pod uses its GPUs, over all of them; None while that is not known of each."""
    shares = [card.utilisation for card in pod.cards]
    known = [share for share in shares if share is not None]
    return sum(known) / len(known) if known and len(known) == len(shares) else None


def pod_gpu_memory(pod: PodReading) -> int | None:
    """A pod's memory on its GPUs, as far as it is known."""
    known = [card.memory_bytes for card in pod.cards if card.memory_bytes is not None]
    return sum(known) if known else None


def _known(series: Series, found: Values) -> Iterator[tuple[Series, float]]:
    for name, value in found.items():
        if value is not None:
            yield replace(series, name=name), value


def _of_node(snapshot: Snapshot) -> Values:
    machine = snapshot.machine
    return {"memory_bytes": machine.memory_used_bytes, "load": machine.load, **_of_rates(snapshot.rates)}


def _of_card(card: CardReading) -> Values:
    now = card.fresh
    if now is None or not card.gpu.uuid:
        return {}
    return {
        "utilisation": now.utilisation,
        "memory_bytes": now.memory_used_bytes,
        "power_w": now.power_w,
        "temperature_c": now.temperature_c,
    }


def _of_pod(pod: PodReading) -> Values:
    return {
        "memory_bytes": pod.counters.memory_bytes,
        **_of_rates(pod.rates),
        "gpu_utilisation": pod_utilisation(pod),
        "gpu_memory_bytes": pod_gpu_memory(pod),
    }


def _of_rates(rates: Rates) -> Values:
    return vars(rates)
