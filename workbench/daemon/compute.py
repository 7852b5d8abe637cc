"""The machine's compute over HTTP: what it has, who holds it, who waits, and which cards get no new work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench import scheduler, workspaces
from workbench.daemon.kinds import RESIDENTS
from workbench.errors import NotFound
from workbench.node import Gpu, GpuState, Inventory
from workbench.parts import Parts, Route
from workbench.scheduler import Card, Holder
from workbench.telemetry import events
from workbench.telemetry.series import GPU
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
    return {"Gpus": _gpus(parts, call)}


def kept_back(parts: Parts) -> Mapping[str, Mapping[str, str]]:
    """Why cards get no new work although nobody holds them: `Cordoned` and `NotFree`, by UUID."""
    inventory, states = parts.node.inventory(), parts.node.gpu_states()
    with parts.store.reading() as db:
        known = scheduler.on_record(db)
    cards = _machine(parts, inventory, states, known).cards
    return {each.uuid: _kept_back(each, known.get(each.uuid, scheduler.OnRecord())) for each in cards}


def list_gpu_events(parts: Parts, call: Call) -> Answer:
    """ListGpuEvents: what the driver reported of a card, and when it was let back; the newest last."""
    workspaces.require_on_machine(call.caller, call.operation.action)
    name = call.fields["gpu"]
    gpu = _named_by(parts, name)
    with parts.store.reading() as db:
        found = events.of(db, GPU, gpu.uuid if gpu else name)
    if gpu is None and not found:  # one that the driver does not list any more is asked for by its UUID
        raise NoSuchGpu(name)
    return {
        "Events": [
            {
                "Time": to_wire(each.time),
                "Level": each.level,
                "Reason": each.reason,
                "Message": each.message,
            }
            for each in found
        ]
    }


def cordon(parts: Parts, call: Call) -> Answer:
    """CordonGpu: no new work goes to the card; what holds it goes on."""
    reason = call.fields.get("Reason", "").rstrip(".")
    return _cordon(parts, call, f"Cordoned by {call.caller.name}{f': {reason}' if reason else ''}.")


def uncordon(parts: Parts, call: Call) -> Answer:
    """UncordonGpu: it gets work again, though it was cordoned or the driver reported an error of it."""
    return _cordon(parts, call, "")


def list_queue(parts: Parts, call: Call) -> Answer:
    """ListQueue: what waits, in its turn. Everybody sees how much waits, since everybody waits for it."""
    with parts.store.reading() as db:
        waiting = scheduler.queue_now(db)
        knows = workspaces.knows(db, call.caller, RESIDENTS)
    return {
        "Queue": [
            _named(each.request, known=known)
            | {
                "Position": each.position,
                "Priority": each.request.priority,
                "Preemptible": each.request.preemptible,
                "Pods": len(each.request.pods),
                "Wants": scheduler.wants(each.request),
                "Reason": each.why_it_waits if known else "",
                "GmtCreateTime": to_wire(each.request.asked_at),
            }
            for each in waiting
            for known in [_is_known(each.request, knows)]
        ]
    }


def _is_known(work: scheduler.Request | Holder, knows: workspaces.Knows) -> bool:
    return knows(work.id, work.workspace_id, work.user_id)


def _named(work: scheduler.Request | Holder, *, known: bool) -> dict[str, Any]:
    """What holds a card or waits for one; of what the caller may not know of, no more than its kind."""
    return {
        "Kind": work.kind,
        "Id": work.id if known else "",
        "Name": work.name if known else "",
        "UserName": work.owner if known else "",
        "WorkspaceId": work.workspace_id if known else "",
    }


def _cordon(parts: Parts, call: Call, reason: str) -> Answer:
    workspaces.require_on_machine(call.caller, call.operation.action)
    gpu = _named_by(parts, call.fields["gpu"])
    if gpu is None:
        raise NoSuchGpu(call.fields["gpu"])
    with parts.store.transaction() as db:
        scheduler.cordon(db, gpu.uuid, gpu.memory_bytes, reason)
        if not reason:
            scheduler.faults.clear(db, gpu.uuid)
    parts.queue.wake(*scheduler.PASS)
    return {"Gpu": next(each for each in _gpus(parts, call) if each["Uuid"] == gpu.uuid)}


def _named_by(parts: Parts, name: str) -> Gpu | None:
    gpus = [gpu for gpu in parts.node.inventory().graphics.gpus if gpu.uuid]
    return next((gpu for gpu in gpus if name in (str(gpu.index), gpu.uuid)), None)


def _gpus(parts: Parts, call: Call) -> list[dict[str, Any]]:
    inventory, states = parts.node.inventory(), parts.node.gpu_states()
    with parts.store.reading() as db:
        known, holders = scheduler.on_record(db), scheduler.holders(db)
        knows = workspaces.knows(db, call.caller, RESIDENTS)
    cards = {card.uuid: card for card in _machine(parts, inventory, states, known).cards}
    return [
        _gpu(
            gpu,
            states.get(gpu.uuid, GpuState()),
            cards.get(gpu.uuid),
            known.get(gpu.uuid, scheduler.OnRecord()),
            [_holder(uuid, each, knows) for uuid in _uuids(gpu) for each in holders.get(uuid, [])],
        )
        for gpu in inventory.graphics.gpus
    ]


def _machine(
    parts: Parts,
    inventory: Inventory,
    states: Mapping[str, GpuState],
    known: Mapping[str, scheduler.OnRecord],
) -> scheduler.Machine:
    overcommit = scheduler.Overcommit(parts.settings.cpu_overcommit, parts.settings.memory_overcommit)
    return scheduler.machine_now(inventory, states, known, overcommit, parts.now())


def _kept_back(card: Card | None, on_record: scheduler.OnRecord) -> Mapping[str, str]:
    return {"NotFree": (card.settling or card.busy) if card else "", "Cordoned": on_record.cordoned}


def _uuids(gpu: Gpu) -> tuple[str, ...]:
    return (gpu.uuid, *(each.uuid for each in gpu.instances))


def _gpu(
    gpu: Gpu, state: GpuState, card: Card | None, on_record: scheduler.OnRecord, holders: list[dict[str, Any]]
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "Index": gpu.index,
        "Uuid": gpu.uuid,
        "Name": gpu.name,
        "MemoryBytes": gpu.memory_bytes,
        "MemoryGrantedBytes": gpu.memory_bytes if on_record.whole else on_record.granted_bytes,
        "Problem": scheduler.problem(gpu, state, on_record.fault),
        "Xid": on_record.fault.xid if on_record.fault else 0,
        "Warnings": list(state.sample.warnings) if state.sample and not state.stale else [],
        **_kept_back(card, on_record),
        "Instances": [
            {"Uuid": each.uuid, "Profile": each.profile, "MemoryBytes": each.memory_bytes}
            for each in gpu.instances
        ],
        "Holders": holders,
    }
    return row | _measured(state, held=bool(holders))


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


def _holder(uuid: str, holder: Holder, knows: workspaces.Knows) -> dict[str, Any]:
    return _named(holder, known=_is_known(holder, knows)) | {
        "MemoryBytes": holder.memory_bytes,
        "Uuid": uuid,
        "Since": to_wire(holder.since),
    }


ROUTES = tuple(
    Route(operation("workbench", name), answer)
    for name, answer in {
        "GetNode": get_node,
        "ListGpus": list_gpus,
        "ListGpuEvents": list_gpu_events,
        "CordonGpu": cordon,
        "UncordonGpu": uncordon,
        "ListQueue": list_queue,
    }.items()
)
