"""What is free, and how work is fitted into it.

A `Room` is counted down as places are given. It is a scratch pad of one pass, made from a
machine and what is held, and never kept.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Self

from workbench.scheduler.cards import Card, Machine
from workbench.scheduler.requests import Cards, Grant, Held, Need, Share, Slice, Whole
from workbench.scheduler.topology import closest

Pick = Callable[[Collection[Card], int], tuple[Card, ...]]

_ROUNDING = 1e-9


@dataclass
class Room:
    """Free CPUs, memory and cards.

    `empty` are cards of which nothing is given away; `shared` the free bytes of those that are
    given away in part; `instances` the free MIG instances, by UUID, with their profile.

    A long queue asks for few kinds of cards again and again: `fitting` are those that were found to
    fit since something was taken last, `refused` those that do not, and never will, as a room
    only shrinks.
    """

    cards: Mapping[str, Card]
    cpus: float
    memory_bytes: int
    empty: dict[str, Card] = field(default_factory=dict)
    shared: dict[str, int] = field(default_factory=dict)
    instances: dict[str, str] = field(default_factory=dict)
    fitting: set[tuple[Cards, ...]] = field(default_factory=set)
    refused: set[tuple[Cards, ...]] = field(default_factory=set)

    @classmethod
    def of(
        cls, machine: Machine, held: Iterable[Held], *, busy_too: bool = False, soon_too: bool = False
    ) -> Self:
        """What is left of a machine.

        Args:
            busy_too: Count cards as free that somebody outside uses, as they may become free.
            soon_too: Count cards as free whose memory is about to come back.
        """
        usable = [card for card in machine.cards if not card.problem]
        whole = [card for card in usable if not card.divided]
        room = cls(
            cards={card.uuid: card for card in usable},
            cpus=machine.cpus,
            memory_bytes=machine.memory_bytes,
            empty={card.uuid: card for card in whole},
            instances={each.uuid: each.profile for card in usable for each in card.instances},
        )
        for each in held:
            room.take(each.request.pods, each.grants)
        if not busy_too:
            room._close_busy(soon_too=soon_too)
        return room

    def copy(self) -> Room:
        """Another one to try things in."""
        return Room(
            self.cards,
            self.cpus,
            self.memory_bytes,
            dict(self.empty),
            dict(self.shared),
            dict(self.instances),
            set(self.fitting),
            set(self.refused),
        )

    def take(self, pods: Sequence[Need], grants: Sequence[Grant]) -> None:
        """Count what is given away as gone."""
        self.fitting.clear()
        for need, grant in zip(pods, grants, strict=True):
            self.cpus -= need.cpus
            self.memory_bytes -= need.memory_bytes
            for uuid in grant.uuids:
                self.instances.pop(uuid, None)
                card = self.empty.pop(uuid, None)
                if not grant.memory_bytes:
                    self.shared.pop(uuid, None)
                elif uuid in self.cards:
                    free = self.shared.get(uuid, card.memory_bytes if card else 0)
                    self.shared[uuid] = free - grant.memory_bytes

    def fits(self, pods: Sequence[Need]) -> bool:
        """Whether there is a place for each of the pods."""
        if not self.may_fit(pods):
            return False
        wanted = tuple([need.cards for need in pods])
        if not any(wanted):
            return True
        if wanted not in self.fitting and wanted not in self.refused:
            found = self.copy().fit(pods, pick=_first)
            (self.fitting if found else self.refused).add(wanted)
        return wanted in self.fitting

    def fit(self, pods: Sequence[Need], *, pick: Pick = closest) -> tuple[Grant, ...] | None:
        """Find a place for each of the pods, and take them all; None, and nothing taken, where
        not all of them fit.

        Args:
            pick: Chooses so many among free cards.
        """
        wanted = tuple([need.cards for need in pods])
        if not self.may_fit(pods) or wanted in self.refused:
            return None
        trial = self if len(pods) == 1 else self.copy()
        grants: list[Grant] = [Grant()] * len(pods)
        for number in sorted(range(len(pods)), key=lambda number: _difficulty(pods[number].cards)):
            grant = trial._choose(pods[number].cards, pick)
            if grant is None:
                self.refused.add(wanted)
                return None
            trial.take([pods[number]], [grant])
            grants[number] = grant
        self.cpus, self.memory_bytes = trial.cpus, trial.memory_bytes
        self.empty, self.shared, self.instances = trial.empty, trial.shared, trial.instances
        self.fitting.clear()
        return tuple(grants)

    def may_fit(self, pods: Sequence[Need]) -> bool:
        """Whether CPUs and memory are enough, which is quickly told."""
        if len(pods) == 1:
            return pods[0].cpus <= self.cpus + _ROUNDING and pods[0].memory_bytes <= self.memory_bytes
        return (
            sum(need.cpus for need in pods) <= self.cpus + _ROUNDING
            and sum(need.memory_bytes for need in pods) <= self.memory_bytes
        )

    def overlap(self, other: Room) -> Room:
        """What is free in both."""
        both = Room(self.cards, min(self.cpus, other.cpus), min(self.memory_bytes, other.memory_bytes))
        both.empty = {uuid: card for uuid, card in self.empty.items() if uuid in other.empty}
        both.instances = {uuid: each for uuid, each in self.instances.items() if uuid in other.instances}
        for uuid, card in self.cards.items():
            free = min(self._free(card), other._free(card))
            if uuid not in both.empty and free > 0:
                both.shared[uuid] = free
        return both

    def _free(self, card: Card) -> int:
        return card.memory_bytes if card.uuid in self.empty else self.shared.get(card.uuid, 0)

    def _close_busy(self, *, soon_too: bool) -> None:
        """Take out what is not free although nothing on record says so: the lesser count holds."""
        for card in self.cards.values():
            if soon_too and card.soon:
                continue
            if card.settling:
                self.empty.pop(card.uuid, None)
                self.shared.pop(card.uuid, None)
            elif card.busy and card.uuid in self.empty:
                del self.empty[card.uuid]
                self.shared[card.uuid] = card.free_bytes or 0
            if card.uuid in self.shared and card.free_bytes is not None:
                self.shared[card.uuid] = min(self.shared[card.uuid], card.free_bytes)

    def _choose(self, wanted: Cards, pick: Pick) -> Grant | None:
        match wanted:
            case Whole(0) | None:
                return Grant()
            case Whole(count, model):
                free = _of_model(self.empty.values(), model)
                if len(free) < count:
                    return None
                return Grant(tuple(card.uuid for card in pick(free, count)))
            case Slice(name):
                found = next(
                    (uuid for uuid, profile in self.instances.items() if name in (uuid, profile)), ""
                )
                return Grant((found,)) if found else None
            case Share(size, model):
                uuid = self._tightest(size, model)
                return Grant((uuid,), size) if uuid else None

    def _tightest(self, size: int, model: str) -> str:
        """The card that is left fullest; an empty one only where no shared one has the room."""
        cards = _of_model((self.cards[uuid] for uuid in self.shared), model)
        shared = [(free, card.index, card.uuid) for card in cards if (free := self.shared[card.uuid]) >= size]
        if shared:
            return min(shared)[2]
        cards = _of_model(self.empty.values(), model)
        empty = [(card.memory_bytes, card.index, card.uuid) for card in cards if card.memory_bytes >= size]
        return min(empty, default=(0, 0, ""))[2]


def _first(free: Collection[Card], count: int) -> tuple[Card, ...]:
    """Any will do where nothing is given away in the end."""
    return tuple(islice(free, count))


def _of_model(cards: Iterable[Card], model: str) -> Collection[Card]:
    return [card for card in cards if model.lower() in card.model.lower()] if model else list(cards)


def _difficulty(wanted: Cards) -> tuple[int, int]:
    """What has the least choice is fitted first: named models, whole cards, then large shares."""
    match wanted:
        case Whole(count, model):
            return (0 if model else 1), -count
        case Slice():
            return 2, 0
        case Share(size, model):
            return (3 if model else 4), -size
        case None:
            return 5, 0
