"""Why work waits, in words. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from workbench.scheduler.cards import Card, Machine
from workbench.scheduler.requests import Cards, Held, Need, Readers, Request, Share, Slice, Whole
from workbench.scheduler.room import Room

_NAMED = 3


def why_waiting(pods: Sequence[Need], machine: Machine, room: Room, taken: str) -> str:
    """What is missing for these pods, and who has it (`who_has_the_cards`)."""
    cpus, memory = sum(need.cpus for need in pods), sum(need.memory_bytes for need in pods)
    if cpus > room.cpus:
        return f"Waits for {cpus:g} CPUs: {max(room.cpus, 0):g} of {machine.cpus:g} can be promised."
    if memory > room.memory_bytes:
        free = f"{_gib(max(room.memory_bytes, 0))} of {_gib(machine.memory_bytes)}"
        return f"Waits for {_gib(memory)} of memory: {free} can be promised."
    wanted = [need.cards for need in pods if need.cards]
    return f"Waits for {amount(wanted)}: {_free(wanted, room)}{taken}."


def who_has_the_cards(machine: Machine, held: Sequence[Held], readers: Readers) -> str:
    """Where the cards are that are not free, to follow what is."""
    return "".join(f", {each}" for each in _taken(machine, held, readers))


def why_behind(head: Request, start: datetime | None, readers: Readers) -> str:
    """Why work waits although what it wants is free."""
    when = f", which starts by {_clock(start)}" if start else ""
    return f"What it wants is kept for {head.words_for(readers)}{when}."


def why_leave(victim: Request, head: Request) -> str:
    """Why work has to leave."""
    return f"Makes way for {head.words_for(victim.readers)}, whose priority is {head.priority}."


def why_never(pods: Sequence[Need], machine: Machine) -> str:
    """What of the machine is not enough even if nothing else ran."""
    cpus, memory = sum(need.cpus for need in pods), sum(need.memory_bytes for need in pods)
    if cpus > machine.cpus:
        return f"{cpus:g} CPUs wanted, this machine can promise {machine.cpus:g}."
    if memory > machine.memory_bytes:
        return f"{_gib(memory)} of memory wanted, this machine can promise {_gib(machine.memory_bytes)}."
    wanted = amount([need.cards for need in pods if need.cards])
    usable = [card for card in machine.cards if not card.problem]
    out = [f"GPU {card.index}: {card.problem}" for card in machine.cards if card.problem]
    return " ".join([f"{wanted} wanted, {_cards(usable)} can be used.", *out])


def amount(wanted: Sequence[Cards]) -> str:
    """How much of the cards: «2 GPUs», «8 GiB of a GPU»."""
    whole = [each for each in wanted if isinstance(each, Whole)]
    words = []
    if whole:
        count = sum(each.count for each in whole)
        model = f" ({whole[0].model})" if whole[0].model else ""
        words.append(f"{count} GPU{'s' * (count != 1)}{model}")
    for each in wanted:
        match each:
            case Share(size):
                words.append(f"{_gib(size)} of a GPU")
            case Slice(name):
                words.append(f"MIG instance {name}")
    return " and ".join(dict.fromkeys(words))


def _free(wanted: Sequence[Cards], room: Room) -> str:
    if any(isinstance(each, Whole) for each in wanted):
        return f"{len(room.empty)} free"
    if any(isinstance(each, Slice) for each in wanted):
        return f"{len(room.instances)} of any kind free"
    most = max([*(card.memory_bytes for card in room.empty.values()), *room.shared.values()], default=0)
    return f"at most {_gib(most)} free on one"


def _taken(machine: Machine, held: Sequence[Held], readers: Readers) -> Iterable[str]:
    holders = [each for each in held if any(grant.uuids for grant in each.grants)]
    for each in holders[:_NAMED]:
        yield f"{_holding(each)} by {each.request.words_for(readers)}{_until(each)}"
    if len(holders) > _NAMED:
        yield f"more by {len(holders) - _NAMED} others"
    for card in machine.cards:
        if out := card.problem or card.settling or card.busy:
            yield f"GPU {card.index} not usable ({out.rstrip('.')})"


def _holding(held: Held) -> str:
    parts = [grant.memory_bytes for grant in held.grants if grant.memory_bytes]
    if parts:
        return f"{_gib(sum(parts))} held"
    return f"{sum(len(grant.uuids) for grant in held.grants)} held"


def _until(held: Held) -> str:
    if held.leaves_by:
        return f", which was asked to leave by {_clock(held.leaves_by)}"
    return f" until {_clock(held.ends_by)}" if held.ends_by else " until it ends"


def _cards(usable: Sequence[Card]) -> str:
    models = sorted({card.model for card in usable})
    return f"{len(usable)} ({', '.join(models)})" if usable else "none"


def _clock(time: datetime | None) -> str:
    return f"{time:%H:%M} UTC" if time else ""


def _gib(size: int) -> str:
    return f"{size / 2**30:.3g} GiB"
