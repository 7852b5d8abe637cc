"""A shell from the dashboard: in the same terminal, and back to the same screen."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.light_image import ensure_light_image
from tests.installation import Installation
from tests.tui.driving import dashboard
from tests.tui.fixed_machine import FixedMachine
from tests.tui.terminal import Terminal, dashboard_in_terminal

_PROMPT = ":~$"


async def test_there_is_no_shell_in_what_does_not_run(machine: FixedMachine, tmp_path: Path) -> None:
    async with dashboard(machine.client, tmp_path) as user:
        await user.go("nb")
        await user.sees("explore")
        await user.type("/")
        await user.type("state:failed")
        await user.press("enter", "E")
        await user.sees("It does not run.")


async def test_there_is_no_shell_in_several_at_once(machine: FixedMachine, tmp_path: Path) -> None:
    async with dashboard(machine.client, tmp_path) as user:
        await user.go("nb")
        await user.sees("explore")
        await user.press("asterisk", "E")
        await user.sees("This is for one at a time.")


async def test_whose_role_does_not_allow_a_shell_is_told(machine: FixedMachine, tmp_path: Path) -> None:
    machine.answers["GetStatus"] = {"Caller": {"UserId": "2", "Name": "bob", "MachineOwner": False}}
    own = [{"Accessibility": "PRIVATE", "EntityAccessType": "CREATOR"}]
    held = [{"PermissionCode": "PaiDSW:OpenNotebookShell", "PermissionRules": own}]
    machine.answers["ListPermissions"] = {"Permissions": held, "TotalCount": 1}
    rows = [{"Operation": "OpenNotebookShell", "Scope": "workspace"}]
    machine.answers["ListRoles"] = {"Roles": [], "Permissions": rows}
    async with dashboard(machine.client, tmp_path) as user:
        await user.go("nb")
        await user.sees("bob", "explore")
        await user.until(lambda: user.app.session.scope.rights.user_id == "2", "bob's rights are known")
        await user.press("E")
        await user.sees("only on what is your own")


@pytest.fixture
def workbench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A running Workbench with one notebook that runs, named train."""
    installation = Installation(Path(tmp_path_factory.mktemp("home")))
    try:
        installation.start()
        image = ensure_light_image(
            installation.settings, (installation.settings.home / "id").read_text().strip()
        )
        installation.until_status(installation.create("train", ImageUrl=image), "Running")
        yield installation
    finally:
        installation.remove()


def enter_train(terminal: Terminal) -> None:
    terminal.type(":nb")
    terminal.press("Enter")
    terminal.sees("› Notebooks", "● Running")
    terminal.type("E")
    terminal.sees(_PROMPT)
    terminal.until(lambda: "Notebooks" not in terminal.screen, "the dashboard steps aside")


@pytest.mark.docker
@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
def test_a_shell_has_the_terminal_until_it_ends_and_leads_back_to_the_same_screen(
    workbench: Installation, tmp_path: Path
) -> None:
    with dashboard_in_terminal(workbench.settings.home, tmp_path) as terminal:
        enter_train(terminal)
        terminal.type("stty size; sleep 4720")
        terminal.press("Enter")
        terminal.sees("30 100")
        terminal.press("C-c")
        terminal.type("echo status: $?")
        terminal.press("Enter")
        terminal.sees("status: 130")
        prompts = terminal.screen.count(_PROMPT)
        terminal.type("exit 3")
        terminal.press("Enter")

        terminal.sees("› Notebooks", "● Running", "● live")
        terminal.type("d")
        terminal.sees("› train")

        terminal.type("E")
        terminal.until(lambda: terminal.screen.count(_PROMPT) > prompts, "another shell asks what to do")
        terminal.type("echo here: $((6 * 7))")
        terminal.press("Enter")
        terminal.sees("here: 42")
        workbench.kill()
        terminal.sees("› train", "The connection to Workbench broke")
        terminal.press("C-q")
        terminal.until(terminal.is_sane, "a sane terminal")
