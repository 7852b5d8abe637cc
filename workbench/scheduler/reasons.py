"""Why work waits, in words: what it lacks, how much of that there is, who has the rest and for how long.
Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from workbench.scheduler.cards import Card, Machine
from workbench.scheduler.requests import Cards, Held, Need, Readers, Request, Share, Slice, Whole
from workbench.scheduler.room import Room
from workbench.wire.sizes import show

_NAMED = 3


@dataclass(frozen=True)
class Holders:
    """Everything that has its place, for these readers; who has most is found once, as many are told of
    it."""

    held: Sequence[Held]
    readers: Readers

    @cached_property
    def cpus(self) -> str:
        """Who has most of the CPUs, to follow what is left."""
        return self._most(lambda need: need.cpus, lambda size: f"{size:g}")

    @cached_property
    def memory(self) -> str:
        """Who has most of the memory, to follow what is left."""
        return self._most(lambda need: need.memory_bytes, show)

    def name(self, held: Held) -> str:
        """Who has a place, and until when."""
        return f"{held.request.words_for(self.readers)}{_until(held)}"

    def _most(self, part: Callable[[Need], float], shown: Callable[[float], str]) -> str:
        parts = [(sum(map(part, each.request.pods)), each) for each in self.held]
        most = sorted(parts, key=lambda pair: -pair[0])[:_NAMED]
        named = [f", {shown(size)} held by {self.name(each)}" for size, each in most]
        return "".join(named) + _others(len(parts))


def why_no_room(pods: Sequence[Need], machine: Machine, room: Room, holders: Holders) -> str:
    """Which of CPUs and memory these pods wait for, and who has it; empty where there is enough."""
    cpus, memory = sum(need.cpus for need in pods), sum(need.memory_bytes for need in pods)
    if cpus > room.cpus:
        free = f"{max(room.cpus, 0):g} of {machine.cpus:g} are left to promise"
        return f"Waits for {_count(cpus, 'CPU')}: {free}{holders.cpus}."
    if memory > room.memory_bytes:
        free = f"{show(max(room.memory_bytes, 0))} of {show(machine.memory_bytes)} are left to promise"
        return f"Waits for {show(memory)} of memory: {free}{holders.memory}."
    return ""


def why_no_cards(wanted: Sequence[Cards], machine: Machine, room: Room, holders: Holders) -> str:
    """What of these cards is free, and who has the others. What cannot be given at all is named too."""
    cards = [card for card in machine.cards if any(_would_do(card, each) for each in wanted)]
    uuids = {uuid for card in cards for uuid in (card.uuid, *(each.uuid for each in card.instances))}
    held = [each for each in holders.held if not uuids.isdisjoint(_uuids(each))]
    taken = "".join([f", {_holding(each)} by {holders.name(each)}" for each in held[:_NAMED]])
    out = [
        f", GPU {card.index} not usable ({why.rstrip('.')})"
        for card in cards
        if (why := card.problem or card.settling or card.busy)
    ]
    free = _free(wanted, cards, room)
    return f"Waits for {amount(wanted)}: {free}{taken}{_others(len(held))}{''.join(out)}."


def why_behind(head: Request, start: datetime | None, readers: Readers) -> str:
    """Why work waits although what it wants is free."""
    kept = f"What it wants is free, but kept for {head.words_for(readers)}, which is ahead"
    if start is None:
        return f"{kept} and waits for more."
    return f"{kept} and starts by {_clock(start)}. Work that is known to end before then may go first."


def why_never(pods: Sequence[Need], machine: Machine) -> str:
    """What of the machine is not enough even if nothing else ran."""
    cpus, memory = sum(need.cpus for need in pods), sum(need.memory_bytes for need in pods)
    if cpus > machine.cpus:
        return f"{_count(cpus, 'CPU')} wanted, this machine can promise {machine.cpus:g}."
    if memory > machine.memory_bytes:
        return f"{show(memory)} of memory wanted, this machine can promise {show(machine.memory_bytes)}."
    wanted = amount([need.cards for need in pods if need.cards])
    usable = [card for card in machine.cards if not card.problem]
    out = [f"GPU {card.index}: {card.problem}" for card in machine.cards if card.problem]
    return " ".join([f"{wanted} wanted, this machine has {_inventory(usable)}.", *out])


def amount(wanted: Sequence[Cards]) -> str:
    """How much of the cards: «2 GPUs», «8 GiB of a GPU»."""
    words = []
    for model in dict.fromkeys(each.model for each in wanted if isinstance(each, Whole)):
        count = sum(each.count for each in wanted if isinstance(each, Whole) and each.model == model)
        words.append(_count(count, "GPU") + _named(model))
    for each in wanted:
        match each:
            case Share(size, model):
                words.append(f"{show(size)} of a GPU{_named(model)}")
            case Slice(name):
                words.append(f"MIG instance {name}")
    return " and ".join(dict.fromkeys(words))


def _free(wanted: Sequence[Cards], cards: Sequence[Card], room: Room) -> str:
    if any(isinstance(each, Whole) for each in wanted):
        return f"{sum(card.uuid in room.empty for card in cards)} free"
    if any(isinstance(each, Slice) for each in wanted):
        names = {each.name for each in wanted if isinstance(each, Slice)}
        there = [each for card in cards for each in card.instances if names & {each.uuid, each.profile}]
        return f"{sum(each.uuid in room.instances for each in there)} of {len(there)} free"
    free = [card.memory_bytes if card.uuid in room.empty else room.shared.get(card.uuid, 0) for card in cards]
    return f"at most {show(max(free, default=0))} free on one"


def _would_do(card: Card, wanted: Cards) -> bool:
    """Whether a card is of the kind that is wanted, be it free or not."""
    match wanted:
        case Whole(_, model) | Share(_, model):
            return not card.divided and model.lower() in card.model.lower()
        case Slice(name):
            return any(name in (each.uuid, each.profile) for each in card.instances)
    return False


def _uuids(held: Held) -> Iterable[str]:
    return (uuid for grant in held.grants for uuid in grant.uuids)


def _others(number: int) -> str:
    """How many hold something beside those that are named."""
    return f", more by {_count(number - _NAMED, 'other')}" if number > _NAMED else ""


def _holding(held: Held) -> str:
    parts = [grant.memory_bytes for grant in held.grants if grant.memory_bytes]
    if parts:
        return f"{show(sum(parts))} of one held"
    return f"{sum(len(grant.uuids) for grant in held.grants)} held"


def _until(held: Held) -> str:
    if held.leaves_by:
        return f", which makes way by {_clock(held.leaves_by)}"
    return f" until {_clock(held.ends_by)}" if held.ends_by else " until it ends"


def _inventory(cards: Sequence[Card]) -> str:
    """The cards that can be used, by kind."""
    whole = Counter(f"{card.model} of {show(card.memory_bytes)}" for card in cards if not card.divided)
    parts = Counter(f"MIG instance {each.profile}" for card in cards for each in card.instances)
    return ", ".join([f"{count} × {name}" for name, count in (whole + parts).items()]) or "no GPU to give"


def _count(number: float, of: str) -> str:
    return f"{number:g} {of}{'s' * (number != 1)}"


def _named(model: str) -> str:
    return f" ({model})" if model else ""


def _clock(time: datetime) -> str:
    return f"{time:%H:%M} UTC"
