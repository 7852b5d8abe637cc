"""One pass over the queue: read the cards, decide, write, and say who should be told.

The cards are read first, outside of any transaction; the driver may be slow. Everything is
then decided and written in one transaction, so a pass that is cut short has changed nothing,
and the next one decides the same.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlite_utils import Database

from workbench.node import Gpu, GpuState, Inventory, Node
from workbench.scheduler import cards, fairness, records
from workbench.scheduler.cards import Machine, OnRecord
from workbench.scheduler.fairness import Member, Use
from workbench.scheduler.placement import GRACE, Decisions, decide
from workbench.scheduler.requests import Held, Key, Request, Share, Whole
from workbench.store import Store
from workbench.workqueue import NOT_UNTIL_WOKEN, Again

log = logging.getLogger(__name__)

_LOOK_AT_SETTLING_S = 1.0
_LOOK_AT_BUSY_S = 10.0
_LOOK_AT_HELD_S = 20.0


@dataclass(frozen=True)
class Overcommit:
    """How many times over the machine's CPUs and memory are promised."""

    cpus: float
    memory: float


@dataclass(frozen=True)
class Outcome:
    """What a pass leads to: whom to wake, and when to look again."""

    changed: tuple[Key, ...]
    again: Again


@dataclass(frozen=True)
class _Look:
    """The machine at one moment."""

    inventory: Inventory
    states: Mapping[str, GpuState]

    @property
    def gpus(self) -> list[Gpu]:
        return [gpu for gpu in self.inventory.graphics.gpus if gpu.uuid]

    def state(self, gpu: Gpu) -> GpuState:
        return self.states.get(gpu.uuid, GpuState(stale="It was not read yet."))


def schedule(
    store: Store, node: Node, overcommit: Overcommit, now: datetime, *, grace: timedelta = GRACE
) -> Outcome:
    """Take the queue one pass further.

    Args:
        grace: What work that is preempted has to finish what it is at.
    """
    with store.reading() as db:
        freed = {uuid for uuid, each in records.on_record(db).items() if each.freed_at}
    look = _look(node)
    with store.transaction() as db:
        _know(db, look)
        # Only what was free before the driver was asked can have been seen to be free.
        known = records.on_record(db)
        back = [
            gpu.uuid
            for gpu in look.gpus
            if gpu.uuid in freed and cards.is_back(gpu, look.state(gpu), known[gpu.uuid])
        ]
        records.settle(db, back)
        machine = machine_now(look.inventory, look.states, records.on_record(db), overcommit, now)
        held = records.held(db)
        waiting = records.entries(db, placed=False)
        lost = _note_lost(db, held, look, known)
        use = _count_use(db, held, machine, now)
        queue = [each.request for each in waiting]
        decisions = decide(
            machine,
            held,
            queue,
            {member: each.amount_s for member, each in use.items()},
            now,
            ahead=records.made_way_for(db),
            grace=grace,
        )
        told = _write(db, decisions, {each.request.key: each for each in waiting}, now)
    for place in decisions.placed:
        log.info("placed kind=%s id=%s gpus=%s", *place.request.key, [each.uuids for each in place.grants])
    for one in decisions.preempted:
        log.info("preempted kind=%s id=%s by_kind=%s by_id=%s", *one.held.request.key, *one.by.key)
    return Outcome((*told, *lost), _again(machine, held, decisions))


def machine_now(
    inventory: Inventory,
    states: Mapping[str, GpuState],
    known: Mapping[str, OnRecord],
    overcommit: Overcommit,
    now: datetime,
) -> Machine:
    """The machine as placement sees it."""
    unread = GpuState(stale="It was not read yet.")
    return Machine(
        cpus=inventory.cpus * overcommit.cpus,
        memory_bytes=int(inventory.memory_bytes * overcommit.memory),
        cards=tuple(
            cards.card(gpu, states.get(gpu.uuid, unread), known.get(gpu.uuid, OnRecord()), now)
            for gpu in inventory.graphics.gpus
            if gpu.uuid
        ),
    )


def _look(node: Node) -> _Look:
    inventory, states = node.inventory(), node.gpu_states()
    sick = [gpu for gpu in inventory.graphics.gpus if gpu.problem and gpu.uuid in states]
    if any(not states[gpu.uuid].stale for gpu in sick):
        inventory = node.inventory(afresh=True)  # one of them answers: perhaps it is well again
    return _Look(inventory, states)


def _know(db: Database, look: _Look) -> None:
    sizes = {gpu.uuid: gpu.memory_bytes for gpu in look.gpus}
    sizes |= {each.uuid: each.memory_bytes for gpu in look.gpus for each in gpu.instances}
    records.know_cards(db, sizes)


def _note_lost(db: Database, held: Iterable[Held], look: _Look, known: Mapping[str, OnRecord]) -> list[Key]:
    """Mark the work whose cards do not work, and what works again.

    A driver that cannot be asked, since it was updated or has not answered yet, proves nothing.
    """
    if look.inventory.graphics.mismatch or not look.inventory.graphics.answered:
        return []
    sick = {gpu.uuid: cards.sickness(gpu, look.state(gpu), known[gpu.uuid].fault) for gpu in look.gpus}
    sick |= {part.uuid: sick[gpu.uuid] for gpu in look.gpus for part in gpu.instances}
    absent = look.inventory.graphics.reason or "The NVIDIA driver does not list it any more."
    changed = []
    for each in held:
        uuids = [uuid for grant in each.grants for uuid in grant.uuids]
        words = [f"{uuid}: {why}" for uuid in uuids if (why := sick.get(uuid, absent))]
        entry = records.find(db, each.request.key)
        if entry and entry.lost != " ".join(words):
            records.note_lost(db, each.request.key, " ".join(words))
            changed.append(each.request.key)
    return changed


def _count_use(db: Database, held: Iterable[Held], machine: Machine, now: datetime) -> dict[Member, Use]:
    """Bring everybody's recent use up to this moment."""
    shares: dict[Member, float] = {}
    for each in held:
        member = _member(each.request)
        shares[member] = shares.get(member, 0.0) + fairness.share_of(each.request.pods, machine)
    before = records.used(db)
    use = {member: each.later(now, shares.get(member, 0.0)) for member, each in before.items()}
    use |= {member: Use(0.0, now) for member in shares if member not in before}
    records.write_used(db, use)
    return use


def _write(
    db: Database, decisions: Decisions, before: Mapping[Key, records.Entry], now: datetime
) -> list[Key]:
    staying = []
    for place in decisions.placed:
        records.allocate(db, place.request, place.grants, now)
        staying += records.nobody_leaves_for(db, place.request.key)
    for one in decisions.preempted:
        records.ask_to_leave(db, one.held.request.key, one.leaves_by, by=one.by.key, words=one.by_whom)
    moved = [
        each
        for each in decisions.waiting
        if (before[each.request.key].position, before[each.request.key].reason)
        != (each.position, each.reason)
    ]
    records.keep_waiting(db, [(each.position, each.reason, *each.request.key) for each in moved])
    return [
        *staying,
        *(each.request.key for each in decisions.placed),
        *(each.held.request.key for each in decisions.preempted),
        *(each.request.key for each in moved),
    ]


def _again(machine: Machine, held: Iterable[Held], decisions: Decisions) -> Again:
    """What nobody tells of has to be looked at: memory that comes back, cards that fall ill."""
    if any(card.settling for card in machine.cards):
        return Again(_LOOK_AT_SETTLING_S)
    wants_cards = any(_wants_cards(each.request) for each in decisions.waiting)
    if wants_cards and any(card.busy or card.problem for card in machine.cards):
        return Again(_LOOK_AT_BUSY_S)
    holds_cards = any(grant.uuids for each in held for grant in each.grants)
    return Again(_LOOK_AT_HELD_S) if holds_cards else NOT_UNTIL_WOKEN


def _wants_cards(request: Request) -> bool:
    return any(isinstance(need.cards, Whole | Share) for need in request.pods)


def _member(request: Request) -> Member:
    return request.workspace_id, request.user_id
