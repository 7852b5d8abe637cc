"""A daemon that goes away and comes back: old rows with their age, and everything again by itself."""

from __future__ import annotations

from pathlib import Path

from tests.tui.driving import dashboard
from tests.tui.fixed_machine import FixedMachine
from workbench.client import Client
from workbench.client.aio import AsyncClient


async def test_the_first_screen_is_there_without_a_daemon(tmp_path: Path) -> None:
    async with dashboard(AsyncClient(Client(tmp_path / "nobody.sock")), tmp_path) as user:
        await user.sees("Machine", "Notebooks", "away; data is", "workbench up")
        await user.press("n")
        await user.type("typed")
        await user.sees("typed")


async def test_old_rows_stay_greyed_and_come_alive_again(idle_machine: FixedMachine, tmp_path: Path) -> None:
    async with dashboard(idle_machine.client, tmp_path) as user:
        with idle_machine.serving():
            await user.go("nb")
            await user.sees("explore", "● live", within_s=20)
        await user.sees("away; data is", "explore")
        assert user.app.screen.has_class("-away")
        idle_machine.notebooks[1]["InstanceName"] = "renamed"
        with idle_machine.serving():
            await user.sees("● live", "renamed", within_s=20)
            await user.press("q")
