"""The latest snapshot as the wire has it. What is unknown is left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.telemetry.readings import CardReading, Owner, PodReading, Rates, Snapshot, Work
from workbench.telemetry.rules import IdleGpus
from workbench.telemetry.series import pod_gpu_memory, pod_utilisation
from workbench.wire.times import to_wire
from workbench.workspaces import Knows

Json = dict[str, Any]


def latest(
    snapshot: Snapshot,
    idle: Mapping[Work, IdleGpus],
    kept_back: Mapping[str, Mapping[str, str]],
    shown: Knows,
) -> Json:
    """Machine, GPUs and pods, as far as the caller may know of them.

    Args:
        kept_back: Why cards get no new work now, by UUID.
    """
    pods = [pod for pod in snapshot.pods if shown(pod.id, pod.owner.workspace_id, pod.owner.user_id)]
    owners = {
        work: owner
        for work, owner in snapshot.owners.items()
        if shown(work[1], owner.workspace_id, owner.user_id)
    }
    return {
        "Time": to_wire(snapshot.time),
        "Machine": _machine(snapshot),
        "Gpus": [
            {**_card(card, snapshot.pids, owners, idle), **kept_back.get(card.gpu.uuid, {})}
            for card in snapshot.cards
        ],
        "Pods": [_pod(pod, idle.get((pod.kind, pod.id))) for pod in pods],
    }


def _machine(snapshot: Snapshot) -> Json:
    return _without_unknown(
        Cpus=snapshot.inventory.cpus,
        CpusUsed=snapshot.rates.cpus,
        Load=snapshot.machine.load,
        MemoryBytes=snapshot.machine.memory_total_bytes,
        MemoryUsedBytes=snapshot.machine.memory_used_bytes,
        Disks=[
            {
                "Name": name,
                "Path": str(disk.path),
                "TotalBytes": disk.total_bytes,
                "FreeBytes": disk.free_bytes,
            }
            for name, disk in snapshot.inventory.disks.items()
        ],
        **_rates(snapshot.rates),
    )


def _card(
    card: CardReading,
    pids: Mapping[int, Work],
    owners: Mapping[Work, Owner],
    idle: Mapping[Work, IdleGpus],
) -> Json:
    known = card.state.sample
    return _without_unknown(
        Index=card.gpu.index,
        Uuid=card.gpu.uuid,
        Name=card.gpu.name,
        Problem=card.fault or card.gpu.problem,
        Stale=card.state.stale,
        Warnings=list(known.warnings) if known else [],
        Utilisation=known and known.utilisation,
        MemoryBytes=card.gpu.memory_bytes,
        MemoryUsedBytes=known and known.memory_used_bytes,
        PowerWatts=known and known.power_w,
        TemperatureCelsius=known and known.temperature_c,
        Idle=bool(card.holders) and all(work in idle for work in card.holders),
        Holders=[_user(work, owners) for work in card.holders],
        Processes=[
            _without_unknown(
                Pid=process.pid,
                MemoryBytes=process.memory_bytes,
                Utilisation=process.utilisation,
                User=_user(pids[process.pid], owners) if process.pid in pids else None,
            )
            for process in (known.processes if known else ())
        ],
    )


def _user(work: Work, owners: Mapping[Work, Owner]) -> Json:
    kind, id = work
    if work not in owners:
        return {"Kind": kind}  # the caller may not know of it
    owner = owners[work]
    return {
        "Kind": kind,
        "Id": id,
        "Name": owner.name,
        "UserName": owner.user_name,
        "WorkspaceId": owner.workspace_id,
    }


def _pod(pod: PodReading, idle: IdleGpus | None) -> Json:
    owner = pod.owner
    return _without_unknown(
        Kind=pod.kind,
        Id=pod.id,
        Pod=pod.pod,
        Name=owner.name or pod.id,
        WorkspaceId=owner.workspace_id,
        UserId=owner.user_id,
        UserName=owner.user_name,
        CpusUsed=pod.rates.cpus,
        MemoryBytes=pod.counters.memory_bytes,
        GpuUtilisation=pod_utilisation(pod),
        GpuMemoryBytes=pod_gpu_memory(pod),
        Gpus=[
            _without_unknown(Uuid=card.uuid, Utilisation=card.utilisation, MemoryBytes=card.memory_bytes)
            for card in pod.cards
        ],
        IdleGpuSince=idle and to_wire(idle.since),
        **_rates(pod.rates),
    )


def _rates(rates: Rates) -> Json:
    return _without_unknown(
        ReadBytesPerSecond=rates.read_bytes_per_s,
        WrittenBytesPerSecond=rates.written_bytes_per_s,
        ReceivedBytesPerSecond=rates.received_bytes_per_s,
        SentBytesPerSecond=rates.sent_bytes_per_s,
    )


def _without_unknown(**values: Any) -> Json:
    return {name: value for name, value in values.items() if value is not None}
