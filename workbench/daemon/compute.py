"""The machine's compute over HTTP: what it has, who holds it, who waits, and which cards get no new work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench import notebooks, scheduler, workspaces
from workbench.errors import NotFound
from workbench.node import Gpu, GpuState
from workbench.parts import Parts, Route
from workbench.scheduler import Card, Holder
from workbench.wire.call import Call
from workbench.wire.operations import operation
from workbench.wire.times import to_wire

Answer = Mapping[str, Any]

_IDLE_BELOW = 0.01


class NoSuchGpu(NotFound):
    """No card has this number or UUID."""

    code = "GpuNotFound"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no GPU {name!r}.", hint="`workbench node` lists them.")


def get_node(parts: Parts, call: Call) -> Answer:
    """GetNode: what the machine has, and what of it is promised and asked for."""
    inventory = parts.node.inventory()
    with parts.store.reading() as db:
        cpus, memory = scheduler.asked_for(db)
    return {
        "Cpus": inventory.cpus,
        "CpusPromised": inventory.cpus * parts.settings.cpu_overcommit,
        "CpusAsked": cpus,
        "MemoryBytes": inventory.memory_bytes,
        "MemoryPromisedBytes": int(inventory.memory_bytes * parts.settings.memory_overcommit),
        "MemoryAskedBytes": memory,
        "Disks": [
            {
                "Holds": name,
                "Path": str(disk.path),
                "TotalBytes": disk.total_bytes,
                "FreeBytes": disk.free_bytes,
            }
            for name, disk in inventory.disks.items()
        ],
        "Gpus": len(inventory.graphics.gpus),
        "GpuReason": inventory.graphics.reason,
        "Driver": inventory.graphics.driver,
        "Cuda": inventory.graphics.cuda,
    }


def list_gpus(parts: Parts, call: Call) -> Answer:
    """ListGpus, with who holds each."""
    known, gpus = _known(parts, call), _gpus(parts)
    return {"Gpus": [gpu | {"Holders": [_told(each, known) for each in gpu["Holders"]]} for gpu in gpus]}


def cordon(parts: Parts, call: Call) -> Answer:
    """CordonGpu: no new work goes to the card; what holds it goes on."""
    reason = call.fields.get("Reason", "").rstrip(".")
    return _cordon(parts, call, f"Cordoned by {call.caller.name}{f': {reason}' if reason else ''}.")


def uncordon(parts: Parts, call: Call) -> Answer:
    """UncordonGpu."""
    return _cordon(parts, call, "")


def list_queue(parts: Parts, call: Call) -> Answer:
    """ListQueue: what waits, in its turn. Everybody sees how much waits, since everybody waits for it."""
    known = _known(parts, call)
    with parts.store.reading() as db:
        waiting = scheduler.queue_now(db)
    return {
        "Queue": [
            _told(
                {
                    "Position": each.position,
                    "Kind": each.request.kind,
                    "Id": each.request.id,
                    "Name": each.request.name,
                    "UserName": each.request.owner,
                    "WorkspaceId": each.request.workspace_id,
                    "Priority": each.request.priority,
                    "Pods": len(each.request.pods),
                    "Wants": scheduler.wants(each.request),
                    "Preemptible": each.request.preemptible,
                    "Reason": each.why_it_waits,
                    "GmtCreateTime": to_wire(each.request.asked_at),
                },
                known,
            )
            for each in waiting
        ]
    }


def _known(parts: Parts, call: Call) -> frozenset[str] | None:
    """The ids of all that the caller may know of; None for the machine's owner, who knows everything."""
    with parts.store.reading() as db:
        visible = workspaces.visible_in(db, call.caller, call.operation.action)
        return None if visible is None else frozenset(notebooks.RESIDENTS.seen(db, visible))


def _told(row: dict[str, Any], known: frozenset[str] | None) -> dict[str, Any]:
    """Of what the caller may not know of: that it is there, not what it is called and whose it is."""
    if known is None or row["Id"] in known:
        return row
    return row | {"Name": "", "UserName": "", "WorkspaceId": ""}


def _cordon(parts: Parts, call: Call, reason: str) -> Answer:
    workspaces.require_on_machine(call.caller, call.operation.action)
    name = call.fields["gpu"]
    gpu = next(
        (each for each in parts.node.inventory().graphics.gpus if name in (str(each.index), each.uuid)), None
    )
    if gpu is None or not gpu.uuid:
        raise NoSuchGpu(name)
    with parts.store.transaction() as db:
        scheduler.cordon(db, gpu.uuid, gpu.memory_bytes, reason)
    parts.queue.wake(*scheduler.PASS)
    return {"Gpu": next(each for each in _gpus(parts) if each["Uuid"] == gpu.uuid)}


def _gpus(parts: Parts) -> list[dict[str, Any]]:
    inventory, states = parts.node.inventory(), parts.node.gpu_states()
    with parts.store.reading() as db:
        known, holders = scheduler.on_record(db), scheduler.holders(db)
    overcommit = scheduler.Overcommit(parts.settings.cpu_overcommit, parts.settings.memory_overcommit)
    machine = scheduler.machine_now(inventory, states, known, overcommit, parts.now())
    cards = {card.uuid: card for card in machine.cards}
    return [
        _gpu(gpu, states.get(gpu.uuid, GpuState()), cards.get(gpu.uuid), known, holders)
        for gpu in inventory.graphics.gpus
    ]


def _gpu(
    gpu: Gpu,
    state: GpuState,
    card: Card | None,
    known: Mapping[str, scheduler.OnRecord],
    holders: Mapping[str, list[Holder]],
) -> dict[str, Any]:
    on_record = known.get(gpu.uuid, scheduler.OnRecord())
    own = [
        (uuid, each)
        for uuid in (gpu.uuid, *(i.uuid for i in gpu.instances))
        for each in holders.get(uuid, [])
    ]
    row: dict[str, Any] = {
        "Index": gpu.index,
        "Uuid": gpu.uuid,
        "Name": gpu.name,
        "MemoryBytes": gpu.memory_bytes,
        "MemoryGrantedBytes": gpu.memory_bytes if on_record.whole else on_record.granted_bytes,
        "Problem": gpu.problem or state.stale,
        "NotFree": (card.settling or card.busy) if card else "",
        "Cordoned": on_record.cordoned,
        "Instances": [
            {"Uuid": each.uuid, "Profile": each.profile, "MemoryBytes": each.memory_bytes}
            for each in gpu.instances
        ],
        "Holders": [_holder(uuid, each) for uuid, each in own],
    }
    return row | _measured(state, held=bool(own))


def _measured(state: GpuState, *, held: bool) -> dict[str, Any]:
    """What the driver counted, as far as it says."""
    sample = state.sample
    if sample is None:
        return {}
    counted = {
        "MemoryUsedBytes": sample.memory_used_bytes,
        "Utilisation": sample.utilisation,
        "TemperatureCelsius": sample.temperature_c,
        "PowerWatts": sample.power_w,
        "Idle": held and sample.utilisation < _IDLE_BELOW if sample.utilisation is not None else None,
    }
    return {name: value for name, value in counted.items() if value is not None}


def _holder(uuid: str, holder: Holder) -> dict[str, Any]:
    return {
        "Kind": holder.kind,
        "Id": holder.id,
        "Name": holder.name,
        "UserName": holder.owner,
        "WorkspaceId": holder.workspace_id,
        "MemoryBytes": holder.memory_bytes,
        "Uuid": uuid,
        "Since": to_wire(holder.since),
    }


ROUTES = tuple(
    Route(operation("workbench", name), answer)
    for name, answer in {
        "GetNode": get_node,
        "ListGpus": list_gpus,
        "CordonGpu": cordon,
        "UncordonGpu": uncordon,
        "ListQueue": list_queue,
    }.items()
)
