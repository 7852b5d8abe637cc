"""What is done is asked for, named, refused where it may not be, and never lost when it fails."""

from __future__ import annotations

from pathlib import Path

from tests.tui.driving import dashboard
from tests.tui.fixed_machine import FixedMachine
from workbench.errors import Conflict


async def test_a_hasty_enter_loses_nothing(machine: FixedMachine, tmp_path: Path) -> None:
    async with dashboard(machine.client, tmp_path) as user:
        await user.go("nb")
        await user.sees("explore")
        await user.press("x")
        await user.sees("What runs in train ends", "workbench notebook stop train")
        await user.press("enter")
        await user.sees_no_more("What runs in train ends")
        await user.press("d")
        await user.sees("Notebooks › train", "Running time")
        assert not machine.calls


async def test_a_form_says_what_is_wrong_while_one_types(machine: FixedMachine, tmp_path: Path) -> None:
    async with dashboard(machine.client, tmp_path) as user:
        await user.go("nb")
        await user.sees("› Notebooks", "explore")
        await user.press("n")
        await user.type("-7th")
        await user.sees("underscores and hyphens")
        await user.press("ctrl+s")
        await user.press("home", "delete", "ctrl+s")
        await user.sees("Notebook 7th is being made.")
        assert [fields["InstanceName"] for name, fields in machine.calls] == ["7th"]


async def test_a_form_offers_what_exists(machine: FixedMachine, tmp_path: Path) -> None:
    async with dashboard(machine.client, tmp_path) as user:
        await user.go("nb")
        await user.sees("› Notebooks", "explore")
        await user.press("n")
        await user.type("mine")
        await user.press("tab", "tab")
        await user.sees("ecs.gn7.xlarge", "16 GiB, 1 GPU A100")
        await user.press("down", "down", "enter", "ctrl+s")
        await user.sees("Notebook mine is being made.")
        assert machine.fields_of("CreateInstance")["EcsSpec"] == "ecs.gn7.xlarge"


async def test_what_the_daemon_refuses_is_said_in_the_form_and_nothing_typed_is_lost(
    machine: FixedMachine, tmp_path: Path
) -> None:
    machine.answers["CreateInstance"] = Conflict("A notebook named 'mine' exists in this workspace.")
    async with dashboard(machine.client, tmp_path) as user:
        await user.go("nb")
        await user.sees("› Notebooks", "explore")
        await user.press("n")
        await user.type("mine")
        await user.press("ctrl+s")
        await user.sees("A notebook named 'mine' exists", "mine")


async def test_a_failed_action_says_why(machine: FixedMachine, tmp_path: Path) -> None:
    machine.answers["StopInstance"] = Conflict("It is being deleted.")
    async with dashboard(machine.client, tmp_path) as user:
        await user.go("nb")
        await user.sees("explore")
        await user.press("x", "y")
        await user.sees("It is being deleted.")


async def test_what_the_role_forbids_is_dim_and_says_why(machine: FixedMachine, tmp_path: Path) -> None:
    machine.answers["GetStatus"] = {"Caller": {"UserId": "2", "Name": "bob", "MachineOwner": False}}
    own = [{"Accessibility": "PRIVATE", "EntityAccessType": "CREATOR"}]
    held = [{"PermissionCode": "PaiDSW:StopInstance", "PermissionRules": own}]
    machine.answers["ListPermissions"] = {"Permissions": held, "TotalCount": 1}
    async with dashboard(machine.client, tmp_path) as user:
        await user.go("nb")
        await user.sees("bob", "explore")
        await user.until(lambda: user.app.session.scope.rights.user_id == "2", "bob's rights are known")
        await user.press("x")
        await user.sees("only on what is your own")
        await user.press("down", "x")
        await user.sees("What runs in explore ends")


async def test_a_new_key_is_shown_once_and_copied(machine: FixedMachine, tmp_path: Path) -> None:
    async with dashboard(machine.client, tmp_path) as user:
        await user.go("keys")
        await user.sees("WB1")
        await user.press("n", "ctrl+s")
        await user.sees("WORKBENCH_ACCESS_KEY_SECRET=s3cret", "The secret is shown only now.")
        assert "s3cret" in user.app.clipboard


async def test_opening_gives_the_link_where_there_is_no_browser(
    machine: FixedMachine, tmp_path: Path
) -> None:
    async with dashboard(machine.client, tmp_path) as user:
        await user.go("nb")
        await user.sees("explore")
        await user.press("w")
        await user.sees("http://dsw-train.localhost:8580/enter?ticket=t")
        assert user.app.clipboard.endswith("ticket=t")


async def test_another_workspace_is_looked_at_and_remembered(machine: FixedMachine, tmp_path: Path) -> None:
    async with dashboard(machine.client, tmp_path) as user:
        await user.go("ws")
        await user.sees("speech")
        await user.press("down", "u")
        await user.sees("speech  alice  ● live")
    async with dashboard(machine.client, tmp_path) as user:
        await user.sees("speech  alice  ● live")


async def test_who_works_elsewhere_is_told_at_once_and_once_that_a_notebook_of_theirs_will_stop(
    machine: FixedMachine, tmp_path: Path
) -> None:
    async with dashboard(machine.client, tmp_path) as user:
        await user.until(lambda: machine.is_watched, "changes are followed")
        await user.until(lambda: user.app.session.scope.rights.user_id == "1", "alice's rights are known")
        await user.until(lambda: bool(user.app.session.known("notebooks")), "her notebooks are known")
        await user.go("audit")
        for _ in range(2):
            machine.tell("notebook", "dsw-train", "Running", "It stops at 12:30 UTC.")
        machine.tell("notebook", "dsw-explore", "Running", "It stops, and is another user's.")
        machine.tell("notebook", "dsw-train", "Stopping", "It is on its way.")
        machine.tell("idle-gpu", "dsw-train", "Idle", "The GPU that it holds is not used.")
        await user.sees("The GPU that it holds is not used.", "It stops at 12:30 UTC.")
        assert [each.message for each in user.app._notifications] == [
            "It stops at 12:30 UTC.",
            "The GPU that it holds is not used.",
        ]
