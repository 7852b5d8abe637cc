"""What each of the driver's errors means for the card, and what people are told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.node.xids import Verdict, meaning, to_holder, words


@pytest.mark.parametrize("xid", [13, 31, 43, 45, 68])
def test_a_mistake_of_a_program_takes_no_card_away(xid: int) -> None:
    assert meaning(xid).verdict is Verdict.PROGRAM


@pytest.mark.parametrize("xid", [63, 92, 94])
def test_work_may_go_on_where_only_the_next_needs_a_sound_card(xid: int) -> None:
    assert meaning(xid).verdict is Verdict.WORN


@pytest.mark.parametrize("xid", [48, 64, 74, 79, 95, 119, 120])
def test_a_broken_card_is_not_to_be_relied_on(xid: int) -> None:
    assert meaning(xid).verdict is Verdict.BROKEN


def test_a_number_that_nobody_knows_yet_is_only_told() -> None:
    assert meaning(9999).verdict is Verdict.NOTED
    assert "XID 9999" in words(9999)


@given(st.integers(0, 300))
def test_whatever_takes_a_card_away_says_what_brings_it_back(xid: int) -> None:
    if meaning(xid).verdict >= Verdict.WORN:
        assert "`workbench gpu uncordon` lets it back" in words(xid)
    assert words(xid).endswith(".")
    assert f"XID {xid}" in to_holder(xid)


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (Verdict.WORN, "What runs on it goes on."),
        (Verdict.BROKEN, "marked `GPULost`."),
    ],
)
def test_the_document_lists_what_takes_a_card_away(verdict: Verdict, said: str) -> None:
    document = (Path(__file__).parents[2] / "docs" / "gpus.md").read_text()
    [row] = re.findall(
        rf"^\| ([0-9, ]+) \| It gets no new work\. .*{re.escape(said)} \|$", document, re.MULTILINE
    )

    assert [int(number) for number in row.split(",")] == [
        xid for xid in range(1000) if meaning(xid).verdict is verdict
    ]
