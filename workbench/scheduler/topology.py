"""Which of the free cards go together best. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from workbench.scheduler.cards import Card

_FARTHEST = 100
"""For two cards of which nothing is known."""


def closest(free: Collection[Card], count: int) -> tuple[Card, ...]:
    """The cards to give away, by index.

    Those that are closest to each other; among equals the smallest cards, and then those whose
    neighbours are taken already, so that groups of close cards stay whole for others.

    Args:
        free: At least `count` cards.
    """
    if count == 0:
        return ()
    groups = (_around(seed, free, count) for seed in free)
    best = min(groups, key=lambda group: _merit(group, free))
    return tuple(sorted(best, key=lambda card: card.index))


def _around(seed: Card, free: Collection[Card], count: int) -> Sequence[Card]:
    """A group that grows from one card by whichever is closest to all of it."""
    group = [seed]
    spread = {card.uuid: _distance(seed, card) for card in free}
    rest = [card for card in free if card.uuid != seed.uuid]
    while len(group) < count:
        nearest = min(rest, key=lambda card: (spread[card.uuid], card.memory_bytes, card.index))
        rest.remove(nearest)
        group.append(nearest)
        for card in rest:
            spread[card.uuid] += _distance(nearest, card)
    return group


def _merit(group: Sequence[Card], free: Collection[Card]) -> tuple[int, int, int, int]:
    inside = sum(_distance(one, other) for one in group for other in group if one.index < other.index)
    taken = {card.uuid for card in group}
    outside = sum(
        _FARTHEST - _distance(one, other) for one in group for other in free if other.uuid not in taken
    )
    return inside, sum(card.memory_bytes for card in group), outside, min(card.index for card in group)


def _distance(one: Card, other: Card) -> int:
    return 0 if one.uuid == other.uuid else one.distances.get(other.uuid, _FARTHEST)
