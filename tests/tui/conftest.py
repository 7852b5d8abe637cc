"""What tests of the dashboard share."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest

from tests.tui.fixed_machine import FixedMachine, fixed_machine
from workbench_tui import texts


@pytest.fixture
def idle_machine() -> Iterator[FixedMachine]:
    """A machine whose answers a test chooses, and whose daemon is away until the test serves it."""
    with fixed_machine() as found:
        yield found


@pytest.fixture
def machine(idle_machine: FixedMachine) -> Iterator[FixedMachine]:
    """A machine whose answers a test chooses."""
    with idle_machine.serving():
        yield idle_machine


@pytest.fixture(autouse=True)
def _same_everywhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The same clock and language wherever tests run."""
    monkeypatch.setitem(os.environ, "TZ", "UTC")
    time.tzset()
    texts.use(texts.ENGLISH)
    yield
    texts.use(texts.ENGLISH)
    monkeypatch.undo()
    time.tzset()
