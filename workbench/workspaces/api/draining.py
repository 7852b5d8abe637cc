"""Draining the GPUs, all of them: what has to be done before their driver is exchanged.

Each card is cordoned, as a single one is, so whatever wants a GPU waits and says why. A card that
was cordoned before for a reason of its own stays so when the others are given work again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workbench import scheduler
from workbench.parts import Parts
from workbench.wire.call import Call
from workbench.workspaces import work
from workbench.workspaces.authorization import require_on_machine
from workbench.workspaces.residents import Residents, stop

_DRAINED = "Drained by "


def drain(residents: Sequence[Residents], parts: Parts, call: Call) -> Mapping[str, Any]:
    """DrainGpus: no GPU gets new work; with Force, what holds one is stopped. Answers what holds one."""
    require_on_machine(call.caller, call.operation.action)
    reason = call.fields.get("Reason", "").rstrip(".")
    text = f"{_DRAINED}{call.caller.name}{f': {reason}' if reason else ''}."
    gpus = parts.node.inventory().graphics.gpus
    with parts.store.transaction() as db:
        known = scheduler.on_record(db)
        for gpu in gpus:
            if gpu.uuid and not (gpu.uuid in known and known[gpu.uuid].cordoned):
                scheduler.cordon(db, gpu.uuid, gpu.memory_bytes, text)
        holding = {(each.kind, each.id) for held in scheduler.holders(db).values() for each in held}
        running = [each for each in work.running(db) if (each.kind, each.id) in holding]
        spread = stop(parts, db, residents, running if call.fields.get("Force") else ())
    parts.queue.wake(*scheduler.PASS)
    spread()
    return {"Running": [f"{each.kind} {each.id}" for each in running]}


def resume(parts: Parts, call: Call) -> Mapping[str, Any]:
    """ResumeGpus: the GPUs that were drained, as far as the driver shows them, get work again."""
    require_on_machine(call.caller, call.operation.action)
    gpus = parts.node.inventory(afresh=True).graphics.gpus
    with parts.store.transaction() as db:
        known = scheduler.on_record(db)
        drained = [each for each in gpus if each.uuid in known and _is_drained(known[each.uuid])]
        for gpu in drained:
            scheduler.cordon(db, gpu.uuid, gpu.memory_bytes, "")
    parts.queue.wake(*scheduler.PASS)
    return {"Gpus": [each.uuid for each in drained]}


def _is_drained(card: scheduler.OnRecord) -> bool:
    return card.cordoned.startswith(_DRAINED)
