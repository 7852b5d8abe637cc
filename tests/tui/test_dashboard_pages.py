"""The pages of one object are turned as fast as one likes, stay where they were turned to, and what they
show is true.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from textual.widgets import TabbedContent

from tests.tui.driving import dashboard
from tests.tui.fixed_machine import FixedMachine
from workbench.errors import Forbidden
from workbench_tui.resources import named_exactly
from workbench_tui.screens.detail import DetailScreen


async def test_whoever_turns_fast_comes_to_the_last_page(machine: FixedMachine, tmp_path: Path) -> None:
    async with dashboard(machine.client, tmp_path) as user:
        await user.go("nb")
        await user.sees("explore")
        await user.press("d")
        await user.until(lambda: isinstance(user.app.screen, DetailScreen), "its page")
        page = user.app.screen
        assert isinstance(page, DetailScreen)
        tabs = page.query_one(TabbedContent)
        for name in ("logs", "metrics", "events", "logs", "configuration"):
            page.action_page(name)
        await user.sees('"InstanceId": "dsw-train"')
        await user.press("left_square_bracket", "left_square_bracket", "left_square_bracket")
        await user.sees("Following")
        await user.until(lambda: page.reads_log, "the log has the keys")
        assert tabs.active == "logs"


async def test_a_page_shows_what_is_told_although_its_events_are_refused(
    machine: FixedMachine, tmp_path: Path
) -> None:
    refusal = Forbidden("GetInstanceEvents is not permitted.", hint="Ask bob.")
    machine.answers["GetInstanceEvents"] = machine.answers["GetNotebookLogs"] = refusal
    async with dashboard(machine.client, tmp_path) as user:
        await user.go("nb")
        await user.sees("explore")
        await user.press("down", "d")
        await user.sees("Notebooks › explore", "● Running")
        machine.notebooks[1]["Status"] = "Stopped"
        machine.tell("notebook", "dsw-explore", "Stopped")
        await user.sees("○ Stopped")
        await user.press("l")
        await user.sees("✖ GetInstanceEvents is not permitted. Ask bob.")
        assert "Following" not in user.screen
        await user.press("right_square_bracket", "right_square_bracket")
        await user.sees("GetInstanceEvents is not permitted. Ask bob.")
        assert "Nothing happened yet." not in user.screen


async def test_a_page_of_what_a_list_knows_follows_whatever_changes_the_list(
    machine: FixedMachine, tmp_path: Path
) -> None:
    listed: Any = machine.answers["ListGpus"]
    async with dashboard(machine.client, tmp_path) as user:
        await user.go("gpus")
        await user.sees("alice/train")
        await user.press("d")
        await user.sees("GPUs › ", "Held by")
        listed["Gpus"][0]["Cordoned"] = "Cordoned by ada."
        machine.tell("notebook", "dsw-train", "Running")
        await user.sees("Cordoned by ada.")


async def test_a_page_looks_again_although_nothing_is_told(machine: FixedMachine, tmp_path: Path) -> None:
    status: Any = machine.answers["GetStatus"]
    often = replace(named_exactly("machine"), look_again_s=0.1)
    async with dashboard(machine.client, tmp_path) as user:
        await user.sees("train")
        await user.app.push_screen(DetailScreen(user.app.session, often, {}))
        await user.sees("Overview › Machine", "● answers")
        status["Engine"] = {"Answers": False, "Message": "Docker was stopped."}
        await user.sees("✖ Docker was stopped.")
