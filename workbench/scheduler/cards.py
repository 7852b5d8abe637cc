"""The cards that can be given away now, and why others cannot.

Pure: the driver's reading and what is on record of a card in, a card as placement sees it out.
The record says what was given away, the driver what is really used; a card is as free as the
one that says less. What somebody outside uses, or a container that is gone has not given back
yet, is thus never promised to anybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from workbench.node import Gpu, GpuState
from workbench.node.xids import Verdict
from workbench.scheduler.faults import Fault

_DRIVERS_OWN = 2**30
"""A driver keeps some memory of an idle card: hundreds of MiB on the largest."""

_SILENT_FOR = timedelta(minutes=2)
"""After so long without a word of the driver about memory, what is on record has to do."""

_BACK_WITHIN = timedelta(minutes=1)
"""So long after its holder is gone, a card's memory may still be expected back."""

_NAMED = 3


@dataclass(frozen=True)
class Instance:
    """A MIG instance of a card, by its profile."""

    uuid: str
    profile: str


@dataclass(frozen=True, kw_only=True)
class Card:
    """One GPU.

    `problem` says why it cannot be counted on at all; `settling` why a sound one cannot be given
    away just now, `soon` that this is about to end; `busy` why it cannot be given away as a whole.
    `free_bytes` is what the driver says is unused, None where it says nothing. A divided card is
    given away by its instances.
    `distances` are to other cards by UUID, small for close ones.
    """

    uuid: str
    index: int
    model: str
    memory_bytes: int
    free_bytes: int | None = None
    problem: str = ""
    settling: str = ""
    soon: bool = False
    busy: str = ""
    divided: bool = False
    instances: tuple[Instance, ...] = ()
    distances: Mapping[str, int] = field(default_factory=dict, hash=False, compare=False)


@dataclass(frozen=True)
class Machine:
    """What there is to give. CPUs and memory are multiplied by what may be promised of each."""

    cpus: float
    memory_bytes: int
    cards: tuple[Card, ...] = ()

    @cached_property
    def largest_card_bytes(self) -> int:
        """Memory of the largest card; 0 without any."""
        return max((card.memory_bytes for card in self.cards), default=0)


@dataclass(frozen=True, kw_only=True)
class OnRecord:
    """What is known of a card beside what the driver says.

    `cordoned` says who keeps new work away, and why. `freed_at` is set when work gave the card
    back, until the driver was seen to have it back. `whole` says that one holder has all of it,
    `granted_bytes` what its shares add up to. `fault` is an error that the driver reported of it.
    """

    cordoned: str = ""
    fault: Fault | None = None
    freed_at: datetime | None = None
    whole: bool = False
    granted_bytes: int = 0


def card(gpu: Gpu, state: GpuState, on_record: OnRecord, now: datetime) -> Card:
    """A card as placement sees it."""
    used = None if state.stale or not state.sample else state.sample.memory_used_bytes
    in_use = _in_use(state, used, on_record)
    held = on_record.whole or on_record.granted_bytes > 0
    return Card(
        uuid=gpu.uuid,
        index=gpu.index,
        model=gpu.name,
        memory_bytes=gpu.memory_bytes,
        free_bytes=None if used is None else gpu.memory_bytes - used,
        problem=problem(gpu, state, on_record.fault) or on_record.cordoned,
        settling=_settling(gpu, used, on_record, in_use, now),
        soon=on_record.freed_at is not None and abs(now - on_record.freed_at) < _BACK_WITHIN,
        busy="" if gpu.divided or held else in_use,
        divided=gpu.divided,
        instances=tuple(Instance(each.uuid, each.profile) for each in gpu.instances),
        distances=gpu.distances,
    )


def problem(gpu: Gpu, state: GpuState, fault: Fault | None) -> str:
    """Why the card itself gets no new work, and what to do; empty for a sound one.

    What the driver reported says more than that the card does not answer since.
    """
    return fault.words if fault else gpu.problem or state.stale


def sickness(gpu: Gpu, state: GpuState, fault: Fault | None) -> str:
    """Why work on the card cannot go on; empty for a sound one, and for one that is only worn."""
    if fault and fault.verdict is Verdict.WORN:
        return gpu.problem or state.stale
    return problem(gpu, state, fault)


def is_back(gpu: Gpu, state: GpuState, on_record: OnRecord) -> bool:
    """Whether a card that was given back is free again: no more of it is used than others hold."""
    if gpu.divided or on_record.whole:
        return True
    sample = None if state.stale else state.sample
    return bool(
        sample
        and sample.memory_used_bytes is not None
        and not _in_use(state, sample.memory_used_bytes, on_record)
    )


def _settling(gpu: Gpu, used: int | None, on_record: OnRecord, in_use: str, now: datetime) -> str:
    freed_at = on_record.freed_at
    if freed_at is None or gpu.divided:
        return ""
    if used is None:
        waits = abs(now - freed_at) < _SILENT_FOR
        return "the driver has not said yet that its memory is free again" if waits else ""
    return f"{in_use}, although its holder is gone" if in_use else ""


def _in_use(state: GpuState, used: int | None, on_record: OnRecord) -> str:
    """What is used beyond what was given away, in words; empty for next to nothing."""
    beyond = (used or 0) - on_record.granted_bytes
    if beyond <= _DRIVERS_OWN:
        return ""
    pids = [str(each.pid) for each in state.sample.processes] if state.sample else []
    by = f" by process {', '.join(pids[:_NAMED])}" if pids else ""
    return f"{beyond / 2**30:.1f} GiB of it are in use{by}"
