"""A snapshot in Prometheus' text format.

Counters are passed on as counters, so that Prometheus takes its own rates. What is unknown or
stale is left out: a gap in a graph says more than an old value.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from workbench.telemetry.readings import CardReading, Owner, PodReading, Snapshot, Work

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Labels = Mapping[str, str]
Points = Iterator[tuple[Labels, float | None]]


@dataclass(frozen=True)
class _Metric:
    name: str
    kind: str
    help: str
    read: Callable[[Snapshot], Points]


def expose(snapshot: Snapshot, shown: Callable[[PodReading], bool]) -> str:
    """The text.

    Args:
        shown: Which pods the reader may know of.
    """
    pods = tuple(pod for pod in snapshot.pods if shown(pod))
    seen = replace(snapshot, pods=pods)
    return "".join(line for metric in METRICS for line in _lines(metric, seen))


def _lines(metric: _Metric, snapshot: Snapshot) -> Iterator[str]:
    yield f"# HELP {metric.name} {metric.help}\n# TYPE {metric.name} {metric.kind}\n"
    for labels, value in metric.read(snapshot):
        if value is not None:
            inside = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items())
            yield f"{metric.name}{{{inside}}} {value!r}\n" if inside else f"{metric.name} {value!r}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _machine(read: Callable[[Snapshot], float | None]) -> Callable[[Snapshot], Points]:
    return lambda snapshot: iter([({}, read(snapshot))])


def _disks(field: str) -> Callable[[Snapshot], Points]:
    return lambda snapshot: (
        ({"disk": name, "path": str(disk.path)}, float(getattr(disk, field)))
        for name, disk in snapshot.inventory.disks.items()
    )


def _cards(read: Callable[[CardReading], float | None]) -> Callable[[Snapshot], Points]:
    return lambda snapshot: ((_card_labels(card), read(card)) for card in snapshot.cards)


def _now(field: str) -> Callable[[CardReading], float | None]:
    return lambda card: getattr(card.fresh, field) if card.fresh else None


def _card_labels(card: CardReading) -> Labels:
    return {"index": str(card.gpu.index), "gpu": card.gpu.uuid, "model": card.gpu.name}


def _pods(field: str) -> Callable[[Snapshot], Points]:
    return lambda snapshot: (
        (_pod_labels(pod.owner, (pod.kind, pod.id), pod.pod), getattr(pod.counters, field))
        for pod in snapshot.pods
    )


def _pod_cards(field: str) -> Callable[[Snapshot], Points]:
    def read(snapshot: Snapshot) -> Points:
        indexes = {card.gpu.uuid: str(card.gpu.index) for card in snapshot.cards}
        for pod in snapshot.pods:
            for card in pod.cards:
                labels = _pod_labels(pod.owner, (pod.kind, pod.id), pod.pod)
                yield (
                    {**labels, "index": indexes.get(card.uuid, ""), "gpu": card.uuid},
                    getattr(card, field),
                )

    return read


def _pod_labels(owner: Owner, work: Work, pod: str) -> Labels:
    kind, id = work
    return {
        "workspace": owner.workspace_name,
        "user": owner.user_name,
        "kind": kind,
        "id": id,
        "name": owner.name or id,
        "pod": pod,
    }


METRICS = (
    _Metric(
        "workbench_sample_timestamp_seconds",
        "gauge",
        "When all this was sampled.",
        _machine(lambda each: each.time.timestamp()),
    ),
    _Metric(
        "workbench_node_cpus",
        "gauge",
        "CPUs that work can be given.",
        _machine(lambda each: each.inventory.cpus),
    ),
    _Metric(
        "workbench_node_cpu_seconds_total",
        "counter",
        "CPU time used on this machine.",
        _machine(lambda each: each.machine.cpu_seconds),
    ),
    _Metric(
        "workbench_node_load1",
        "gauge",
        "Processes that run or want to, averaged over a minute.",
        _machine(lambda each: each.machine.load),
    ),
    _Metric(
        "workbench_node_memory_total_bytes",
        "gauge",
        "Memory of this machine.",
        _machine(lambda each: each.machine.memory_total_bytes),
    ),
    _Metric(
        "workbench_node_memory_used_bytes",
        "gauge",
        "Memory that is not available.",
        _machine(lambda each: each.machine.memory_used_bytes),
    ),
    _Metric(
        "workbench_node_disk_total_bytes",
        "gauge",
        "Size of a disk, by what is kept there.",
        _disks("total_bytes"),
    ),
    _Metric("workbench_node_disk_free_bytes", "gauge", "Free space of a disk.", _disks("free_bytes")),
    _Metric(
        "workbench_node_disk_read_bytes_total",
        "counter",
        "Read from all disks.",
        _machine(lambda each: each.machine.read_bytes),
    ),
    _Metric(
        "workbench_node_disk_written_bytes_total",
        "counter",
        "Written to all disks.",
        _machine(lambda each: each.machine.written_bytes),
    ),
    _Metric(
        "workbench_node_network_received_bytes_total",
        "counter",
        "Received from outside.",
        _machine(lambda each: each.machine.received_bytes),
    ),
    _Metric(
        "workbench_node_network_sent_bytes_total",
        "counter",
        "Sent outside.",
        _machine(lambda each: each.machine.sent_bytes),
    ),
    _Metric(
        "workbench_gpu_up",
        "gauge",
        "1 for a GPU that answers and can be given away, else 0.",
        _cards(lambda card: float(bool(card.fresh) and not card.gpu.problem)),
    ),
    _Metric(
        "workbench_gpu_held",
        "gauge",
        "How many objects hold the GPU.",
        _cards(lambda card: len(card.holders)),
    ),
    _Metric(
        "workbench_gpu_utilisation_ratio",
        "gauge",
        "Share of the last sampling period in which a kernel ran.",
        _cards(_now("utilisation")),
    ),
    _Metric(
        "workbench_gpu_memory_total_bytes", "gauge", "Memory of the GPU.", _cards(_now("memory_total_bytes"))
    ),
    _Metric(
        "workbench_gpu_memory_used_bytes",
        "gauge",
        "Memory in use on the GPU.",
        _cards(_now("memory_used_bytes")),
    ),
    _Metric("workbench_gpu_power_watts", "gauge", "Power that the GPU draws.", _cards(_now("power_w"))),
    _Metric(
        "workbench_gpu_temperature_celsius", "gauge", "Temperature of the GPU.", _cards(_now("temperature_c"))
    ),
    _Metric("workbench_pod_cpu_seconds_total", "counter", "CPU time used by the pod.", _pods("cpu_seconds")),
    _Metric(
        "workbench_pod_memory_working_set_bytes",
        "gauge",
        "Memory in use, less the file cache that could be dropped at once.",
        _pods("memory_bytes"),
    ),
    _Metric("workbench_pod_disk_read_bytes_total", "counter", "Read from disks.", _pods("read_bytes")),
    _Metric("workbench_pod_disk_written_bytes_total", "counter", "Written to disks.", _pods("written_bytes")),
    _Metric(
        "workbench_pod_network_received_bytes_total",
        "counter",
        "Received from the network.",
        _pods("received_bytes"),
    ),
    _Metric("workbench_pod_network_sent_bytes_total", "counter", "Sent to the network.", _pods("sent_bytes")),
    _Metric(
        "workbench_pod_gpu_utilisation_ratio",
        "gauge",
        "Share of time in which the pod's kernels ran on a GPU.",
        _pod_cards("utilisation"),
    ),
    _Metric(
        "workbench_pod_gpu_memory_used_bytes",
        "gauge",
        "The pod's memory on a GPU.",
        _pod_cards("memory_bytes"),
    ),
)
"""Everything that is exposed, in this order."""
