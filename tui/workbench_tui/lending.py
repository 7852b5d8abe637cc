"""Runs a command of ours in the terminal, while the dashboard is out of it."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


async def lent_terminal(words: Sequence[str]) -> str:
    """Run `workbench` with these words until it ends.

    Returns:
        What it complained of on stderr, which at a terminal is its own alone; most often nothing.
    """
    with _deaf_to_ctrl_c():
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "workbench.cli", *words, stderr=asyncio.subprocess.PIPE
        )
        _, said = await process.communicate()
    return said.decode(errors="replace").strip()


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """The terminal sends it to all programs; here it means the other one. Who ignores it hands that down."""
    before = signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
