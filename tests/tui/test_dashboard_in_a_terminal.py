"""The dashboard in a real terminal: started by hand, used, left in the middle of a question."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tui.fixed_machine import FixedMachine
from tests.tui.terminal import Terminal, dashboard_in_terminal

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


@pytest.fixture
def terminal(machine: FixedMachine, tmp_path: Path) -> Iterator[Terminal]:
    """A terminal whose user is at that machine."""
    with dashboard_in_terminal(machine.settings.home, tmp_path) as terminal:
        terminal.sees("train")
        yield terminal


def test_it_is_used_by_hand_and_left(terminal: Terminal, machine: FixedMachine) -> None:
    terminal.type(":nb")
    terminal.press("Enter")
    terminal.sees("Overview › Notebooks", "explore")
    terminal.press("n")
    terminal.sees("Named size")
    terminal.type("mine")
    terminal.press("C-s")
    terminal.sees("Notebook mine is being made.")
    assert machine.fields_of("CreateInstance")["InstanceName"] == "mine"
    terminal.press("l")
    terminal.sees("epoch 40", "Following")
    terminal.press("Escape")
    terminal.sees("Notebooks 4")
    terminal.press("x")
    terminal.sees("What runs in train ends")
    terminal.press("y")
    terminal.sees("train is stopping.")
    terminal.press("C-q")
    terminal.until(terminal.is_sane, "a sane terminal")


def test_leaving_in_the_middle_of_a_question_leaves_the_terminal_sane(terminal: Terminal) -> None:
    terminal.press("x")
    terminal.sees("What runs in train ends")
    terminal.press("C-q")
    terminal.until(terminal.is_sane, "a sane terminal")


def test_what_is_typed_right_behind_a_slash_is_a_filter_and_nothing_else(
    terminal: Terminal, machine: FixedMachine
) -> None:
    terminal.type(":nb")
    terminal.press("Enter")
    terminal.sees("Overview › Notebooks", "explore")
    terminal.type("/xDyin")  # all at once, as a fast hand or a paste does
    terminal.sees("/xDyin")
    terminal.press("Escape")
    terminal.sees("Notebooks 4")
    terminal.press("l")
    terminal.sees("epoch 40", "Following")
    terminal.type("/owo")
    terminal.sees("owo", "Following · 40 lines")
    assert not machine.calls


def test_a_form_is_filled_in_as_fast_as_one_types(terminal: Terminal, machine: FixedMachine) -> None:
    terminal.type("n")
    terminal.sees("Named size")
    terminal.type("mine\t\t\t2\t4\t1\t")
    terminal.press("C-s")
    terminal.sees("Notebook mine is being made.")
    fields = machine.fields_of("CreateInstance")
    assert fields["InstanceName"] == "mine"
    assert fields["RequestedResource"] == {"CPU": "2", "Memory": "4", "GPU": "1"}
