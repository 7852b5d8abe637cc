"""The dashboard against a real daemon with real containers: what a user does in a day."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.light_image import ensure_light_image
from tests.installation import Installation
from tests.tui.driving import User, dashboard
from tests.tui.terminal import dashboard_in_terminal
from workbench.client.aio import AsyncClient
from workbench_tui.resources import resources

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def workbench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A running Workbench, shared by the tests of this file."""
    installation = Installation(Path(tmp_path_factory.mktemp("home")))
    try:
        installation.start()
        yield installation
    finally:
        installation.remove()


@pytest.fixture(scope="module")
def light_image(workbench: Installation) -> str:
    """An image whose notebooks start at once."""
    return ensure_light_image(workbench.settings, (workbench.settings.home / "id").read_text().strip())


async def _fill_in(user: User, *values: str) -> None:
    """Type into the fields of a form, one after the other, and submit it."""
    for value in values:
        await user.press("end", *["backspace"] * 12)
        await user.type(value)
        await user.press("tab")
    await user.press("ctrl+s")


async def test_a_notebook_is_made_read_stopped_started_and_deleted(
    workbench: Installation, light_image: str, tmp_path: Path
) -> None:
    async with dashboard(AsyncClient(workbench.client), tmp_path) as user:
        await user.go("nb")
        await user.sees("› Notebooks", "No notebook yet")
        await user.press("n")
        await _fill_in(user, "mine", light_image, "", "0.5", "1")
        await user.sees("Notebook mine is being made.")
        await user.sees("● Running", within_s=300)
        await user.press("l")
        await user.sees("serving at", "Following")
        await user.press("escape", "x", "y")
        await user.sees("○ Stopped", within_s=300)
        await user.press("s")
        await user.sees("● Running", within_s=300)
        await user.press("w")
        await user.sees("?ticket=")
        await user.press("escape", "D", "y")
        await user.sees("No notebook yet", within_s=300)


async def test_people_come_and_go(workbench: Installation, tmp_path: Path) -> None:
    async with dashboard(AsyncClient(workbench.client), tmp_path) as user:
        await user.go("users")
        await user.sees("› Users", "● Enabled")
        before = user.screen.count("● Enabled")
        await user.press("n")
        await _fill_in(user, "carol")
        await user.sees("carol is a developer")
        await user.until(lambda: user.screen.count("● Enabled") == before + 1, "carol is in the list")
        await user.go("ws")
        await user.sees("› Workspaces", "default_workspace")
        await user.press("n")
        await _fill_in(user, "vision")
        await user.sees("Workspace vision is there")
        await user.go("members vision")
        await user.sees("› Members", "WorkspaceOwner")
        await user.press("n")
        await _fill_in(user, "carol", "PAI.AlgoDeveloper")
        await user.sees("carol is a member now.")
        await user.sees("AlgoDeveloper")


async def test_keys_tokens_pools_and_quotas_are_made(workbench: Installation, tmp_path: Path) -> None:
    async with dashboard(AsyncClient(workbench.client), tmp_path) as user:
        await user.go("keys")
        await user.sees("› Access keys", "● Enabled")
        await user.press("n", "ctrl+s")
        await user.sees("WORKBENCH_ACCESS_KEY_SECRET=")
        await user.press("escape")
        await user.go("tokens")
        await user.sees("No token yet")
        await user.press("n")
        await _fill_in(user, "crawler")
        await user.sees("The token is shown only now.")
        await user.press("escape")
        await user.go("pools")
        await user.sees("The machine is not divided")
        await user.press("n")
        await _fill_in(user, "batch", "nights", "1", "1")
        await user.sees("Pool batch is there.")
        await user.sees("● Enabled")
        await user.press("x", "y")
        await user.sees("◑ Draining")
        await user.go("quota")
        await user.sees("› Quota", "default_workspace")
        await user.press("e")
        await _fill_in(user, "2")
        await user.sees("has its new quota")
        await user.sees("/2")


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
def test_a_killed_daemon_is_waited_for_and_the_terminal_stays_sane(
    workbench: Installation, tmp_path: Path
) -> None:
    with dashboard_in_terminal(workbench.settings.home, tmp_path) as terminal:
        workbench.kill()
        terminal.sees("away; data is", "Overview")
        workbench.start()
        terminal.sees("● live")
        workbench.kill()
        terminal.sees("away; data is")
        terminal.press("C-q")
        terminal.until(terminal.is_sane, "a sane terminal")
    workbench.start()


@pytest.mark.parametrize("kind", ["images", "gpus", "queue", "machine", "roles", "audit", "events"])
async def test_every_other_list_is_shown(workbench: Installation, tmp_path: Path, kind: str) -> None:
    async with dashboard(AsyncClient(workbench.client), tmp_path) as user:
        await user.go(kind)
        title = resources()[kind].title
        await user.until(lambda: re.search(rf"─ {title} \d", user.screen) is not None, f"{kind} are counted")
