"""A daemon that goes away and comes back: old rows with their age, and everything again by itself."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.tui.driving import dashboard
from tests.tui.fixed_machine import FixedMachine
from workbench.client import Client
from workbench.client.aio import AsyncClient
from workbench.errors import Unauthenticated


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
            await user.sees("explore", "● live")
        await user.sees("away; data is", "explore")
        assert user.app.screen.has_class("-away")
        idle_machine.notebooks[1]["InstanceName"] = "renamed"
        with idle_machine.serving():
            await user.sees("● live", "renamed")
            await user.press("q")


async def test_an_action_that_nobody_answered_says_so_by_name(
    idle_machine: FixedMachine, tmp_path: Path
) -> None:
    async with dashboard(idle_machine.client, tmp_path) as user:
        with idle_machine.serving():
            await user.go("nb")
            await user.sees("explore", "● live", within_s=20)
            await user.press("x")
            await user.sees("What runs in train ends")
        await user.press("y")
        await user.sees("Stop: train", "Workbench is not running; start it with `workbench up`.")


async def test_who_is_shut_out_reads_why_and_reads_it_once(machine: FixedMachine, tmp_path: Path) -> None:
    refusal = Unauthenticated("The signature is wrong.", hint="Look at WORKBENCH_ACCESS_KEY_SECRET.")
    machine.answers |= dict.fromkeys([*machine.answers, "Watch"], refusal)
    async with dashboard(machine.client, tmp_path, size=(80, 24)) as user:
        await user.sees("The signature is wrong. Look at WORK", "refused; data is", within_s=20)
        await user.go("nb")
        await user.sees("› Notebooks  The signature is wrong.", "refused; data is")
        for _ in range(3):
            await user.press("r")
        assert len(user.app._notifications) <= 1


async def test_on_a_slow_link_where_all_changes_all_the_time_everything_comes_in_the_end(
    machine: FixedMachine, tmp_path: Path
) -> None:
    answer, ended = machine.answers["ListInstances"], threading.Event()

    def late(fields: Mapping[str, Any]) -> Any:
        ended.wait(1)
        return answer

    def change_all_the_time() -> None:
        while not ended.wait(0.1):
            machine.tell("notebook", "dsw-train", "Running")

    machine.answers["ListInstances"] = late
    changes = threading.Thread(target=change_all_the_time)
    async with dashboard(machine.client, tmp_path) as user:
        changes.start()
        try:
            await user.sees("alice/train", "explore")
            await user.go("nb")
            await user.sees("Notebooks 4", "explore")
        finally:
            ended.set()
            changes.join()
