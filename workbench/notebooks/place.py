"""A notebook's place on the machine: what it asks the scheduler for, and what it makes of the answer.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from workbench.node import Gpu
from workbench.notebooks import rules
from workbench.notebooks.records import Notebook, Status
from workbench.notebooks.search import Holding
from workbench.notebooks.session import KIND
from workbench.scheduler import Grant, Granted, Holder, Need, Request, Share, Slice, Whole

GPU_LOST = "GPULost"
"""Reason code of a running notebook whose card does not work."""

LEAVES = "Preempting"
"""Reason code of a running notebook that is about to make way for other work."""


def request(notebook: Notebook, owner: str, now: datetime) -> Request:
    """The place that a notebook wants. One with a shutdown time is known to end by then."""
    return Request(
        kind=KIND,
        id=notebook.id,
        name=notebook.name,
        owner=owner,
        workspace_id=notebook.workspace_id,
        user_id=notebook.user_id,
        asked_at=now,
        pods=(Need(notebook.cpus, notebook.memory_bytes, cards(notebook)),),
        priority=notebook.priority,
        private=bool(notebook.private_to),
        preemptible=notebook.preemptible,
        ends_at=notebook.shutdown_at,
    )


def cards(notebook: Notebook) -> Whole | Share | Slice | None:
    """What a notebook wants of GPUs."""
    if notebook.gpu_memory_bytes:
        return Share(notebook.gpu_memory_bytes, notebook.gpu_model)
    if notebook.gpu_instance:
        return Slice(notebook.gpu_instance)
    return Whole(notebook.gpus, notebook.gpu_model) if notebook.gpus else None


def holding(holders: Mapping[str, Sequence[Holder]], gpus: Iterable[Gpu]) -> dict[str, Holding]:
    """What notebooks hold of GPUs, by their ids.

    Args:
        holders: By UUID of a card or a MIG instance, who has it.
    """
    found: dict[str, Holding] = {}
    for gpu in gpus:
        parts = [(gpu.uuid, gpu.name, gpu.memory_bytes)]
        parts += [(each.uuid, f"{gpu.name} {each.profile}", each.memory_bytes) for each in gpu.instances]
        for uuid, name, memory in parts:
            for each in holders.get(uuid, ()):
                size = each.memory_bytes or memory
                before = found.get(each.id, Holding("", size))
                found[each.id] = Holding(f"{before.types} {name}".strip(), min(before.memory_bytes, size))
    return found


def marked(notebook: Notebook, placed: Granted, refused: Iterable[str], now: datetime) -> Notebook:
    """A running notebook with what its owner has to know of its place, and without it once it is over:
    that a card does not work or is out of its reach, or that it has to make way.

    Args:
        refused: Device files that it was given and may not open any more.
    """
    lost = placed.lost
    if not lost and (files := ", ".join(sorted(refused))):
        lost = f"No program in it can open {files} any more, as happens when systemd reloads."
    if lost:
        reason = f"A GPU that it holds cannot be relied on. {lost} Save what you can, then stop and start it."
        return rules.become(notebook, Status.RUNNING, now, GPU_LOST, reason)
    if placed.leaves_by:
        reason = (
            f"It stops at {placed.leaves_by:%H:%M:%S} UTC to make way for {placed.leave}: save what you can. "
            "It starts again by itself when there is room for it."
        )
        return rules.become(notebook, Status.RUNNING, now, LEAVES, reason)
    if notebook.reason_code in (GPU_LOST, LEAVES):
        return rules.become(notebook, Status.RUNNING, now)
    return notebook


def own_cards(grant: Grant, gpus: Iterable[Gpu]) -> list[Gpu]:
    """The cards that something was given, or was given a part of."""
    granted = set(grant.uuids)
    return [gpu for gpu in gpus if gpu.uuid in granted or granted & {each.uuid for each in gpu.instances}]


def device_files(grant: Grant, gpus: Iterable[Gpu]) -> list[str]:
    """The device files of the cards that something was given."""
    return [f"/dev/nvidia{gpu.minor}" for gpu in own_cards(grant, gpus) if gpu.minor is not None]


def strangers(seen: frozenset[int] | None, grant: Grant, gpus: Iterable[Gpu]) -> str:
    """What is wrong with the cards that a session sees, in words; empty where it sees those it was
    given and no other.

    Args:
        seen: Minor numbers; None where that could not be looked at.
    """
    if seen is None:
        return ""
    expected = {gpu.minor for gpu in own_cards(grant, gpus)}
    if None in expected or seen == expected:
        return ""
    listed = ", ".join(f"/dev/nvidia{minor}" for minor in sorted(seen)) or "none"
    return (
        f"It sees other GPUs than it was given ({listed}), so it was stopped. "
        "`workbench doctor` looks at how the engine gives GPUs."
    )
