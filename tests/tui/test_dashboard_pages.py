"""The pages of one object are turned as fast as one likes, and stay where they were turned to."""

from __future__ import annotations

from pathlib import Path

from textual.widgets import TabbedContent

from tests.tui.driving import dashboard
from tests.tui.fixed_machine import FixedMachine
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
