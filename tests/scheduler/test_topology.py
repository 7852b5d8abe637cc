"""Close cards are given together, and large groups are kept whole."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.scheduler.machines import a_card
from workbench.scheduler.topology import closest

CARDS = [a_card(index) for index in range(8)]
"""Pairs 0 1, 2 3, 4 5 and 6 7 are close; between them nothing is."""


def chosen(free: list[int], count: int) -> list[int]:
    return [card.index for card in closest([CARDS[index] for index in free], count)]


def test_a_pair_is_taken_together() -> None:
    assert chosen([1, 2, 3, 5], 2) == [2, 3]


def test_one_card_comes_from_a_broken_pair() -> None:
    assert chosen([0, 1, 3, 4, 5], 1) == [3]


def test_three_are_a_pair_and_one_from_a_broken_pair() -> None:
    assert chosen([0, 1, 3, 4, 5], 3) == [0, 1, 3] or chosen([0, 1, 3, 4, 5], 3) == [3, 4, 5]


def test_cards_of_which_nothing_is_known_are_given_too() -> None:
    strangers = [a_card(index, distances={}) for index in range(3)]

    assert len(closest(strangers, 2)) == 2


@given(st.sets(st.integers(0, 7), min_size=1), st.data())
def test_just_as_many_as_wanted_and_only_free_ones(free: set[int], data: st.DataObject) -> None:
    count = data.draw(st.integers(0, len(free)))

    found = chosen(sorted(free), count)

    assert len(found) == count
    assert set(found) <= free
