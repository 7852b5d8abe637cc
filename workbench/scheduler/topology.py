"""Which of the free cards go together best. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from workbench.scheduler.cards import Card

_UNKNOWN = 100
"""The distance of two cards of which nothing is known."""

_LEVELS = (_UNKNOWN, 50, 40, 30, 20, *range(10, 0, -1))
"""Distances as the node tells them, from far to near."""


def closest(free: Collection[Card], count: int) -> tuple[Card, ...]:
    """The cards to give away, by index.

    They come from the smallest group of close cards that is large enough, so that larger groups
    stay whole for who needs them; among equals from the one with the least memory.

    Args:
        free: At least `count` cards.
    """
    return tuple(sorted(_pick(list(free), count, _LEVELS), key=lambda card: card.index))


def _pick(free: list[Card], count: int, levels: Sequence[int]) -> list[Card]:
    if len(free) == count:
        return free
    if not levels:
        return sorted(free, key=lambda card: (card.memory_bytes, card.index))[:count]
    groups = sorted(_groups(free, levels[0]), key=_size)
    enough = next((group for group in groups if len(group) >= count), None)
    if enough:
        return _pick(enough, count, levels[1:])
    largest = groups[-1]
    rest = [card for group in groups[:-1] for card in group]
    return largest + _pick(rest, count - len(largest), levels)


def _groups(cards: Iterable[Card], level: int) -> list[list[Card]]:
    """Cards that are closer to the first of their group than this."""
    groups: list[list[Card]] = []
    for card in cards:
        for group in groups:
            if card.distances.get(group[0].uuid, _UNKNOWN) < level:
                group.append(card)
                break
        else:
            groups.append([card])
    return groups


def _size(group: Sequence[Card]) -> tuple[int, int, int]:
    return len(group), sum(card.memory_bytes for card in group), group[0].index
