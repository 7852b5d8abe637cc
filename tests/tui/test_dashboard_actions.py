"""What is done is asked for, named, refused where it may not be, and never lost when it fails."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.widgets import Input

from tests.tui.driving import User, dashboard
from tests.tui.fixed_machine import FixedMachine, notebook
from workbench.errors import Conflict, Forbidden
from workbench_tui.screens.form import Line


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


async def test_access_is_revoked_after_a_question(machine: FixedMachine, tmp_path: Path) -> None:
    machine.answers["RevokeNotebookAccess"] = {}
    async with dashboard(machine.client, tmp_path) as user:
        await user.go("nb")
        await user.sees("explore")
        await user.press("R")
        await user.sees("Whoever has train open", "workbench notebook revoke train")
        await user.press("y")
        await user.sees("Nothing of before opens train.")
        assert machine.fields_of("RevokeNotebookAccess") == {"instance_id": "dsw-train"}


async def test_a_form_names_whom_it_is_about_and_asks_before_somebody_is_lost(
    machine: FixedMachine, tmp_path: Path
) -> None:
    async with dashboard(machine.client, tmp_path) as user:
        await user.go("users")
        await user.sees("bob", "eve")
        await user.press("down", "space", "space", "D")
        await user.sees("Delete: 2", "What they run")
        await user.press("enter")
        await user.sees("bob is lost for good", "eve is lost for good")
        await user.press("enter")
        await user.sees_no_more("is lost for good")
        assert not machine.calls
        await user.press("enter")
        await user.sees("bob is lost for good")
        await user.press("y")
        await user.sees("Delete: 2 done.")
        assert [fields["user_id"] for _, fields in machine.calls] == ["2", "3"]


async def test_a_form_is_for_all_that_are_marked_and_stays_for_those_that_were_refused(
    machine: FixedMachine, tmp_path: Path
) -> None:
    limits: list[str] = []

    def limit(fields: Mapping[str, Any]) -> Mapping[str, Any]:
        if fields["instance_id"] == "dsw-tune" and limits.count("dsw-tune") < 1:
            limits.append("dsw-tune")
            raise Conflict("It is being deleted.")
        limits.append(fields["instance_id"])
        return {}

    machine.answers["CreateIdleInstanceCuller"] = limit
    async with dashboard(machine.client, tmp_path) as user:
        await user.go("nb")
        await user.sees("explore")
        await user.press("asterisk", "i")
        await user.sees("Idle limit: 4")
        await user.press("enter")
        await user.sees("Idle limit: tune", "It is being deleted.")
        assert limits == ["dsw-train", "dsw-explore", "dsw-tune", "dsw-broken"]
        await user.press("enter")
        await user.sees("Idle limit: 4 done.")
        assert limits[4:] == ["dsw-tune"]


async def test_what_starts_from_one_is_not_asked_for_several(machine: FixedMachine, tmp_path: Path) -> None:
    async with dashboard(machine.client, tmp_path) as user:
        await user.go("nb")
        await user.sees("explore")
        await user.press("asterisk", "e")
        await user.sees("Resize", "This is for one at a time.")
        assert not user.app.screen.query(Line)


async def test_nothing_is_done_to_what_the_filter_hides(machine: FixedMachine, tmp_path: Path) -> None:
    async with dashboard(machine.client, tmp_path) as user:
        await user.go("nb")
        await user.sees("explore")
        await user.press("space")
        await user.sees("◉ 1")
        await user.press("slash")
        await user.type("explore")
        await user.press("enter")
        await user.sees_no_more("◉ 1")
        await user.press("x")
        await user.sees("Stop: explore", "What runs in explore ends")
        await user.press("n", "escape")
        await user.sees("Notebooks 4 · ◉ 1")


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


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("inf", "No machine has so much."),
        ("1e300", "No machine has so much."),
        ("nan", "A number from 0 up is wanted."),
        ("-1", "A number from 0 up is wanted."),
        ("much", "A number is wanted."),
    ],
)
async def test_an_amount_that_cannot_be_is_refused_while_one_types(
    machine: FixedMachine, tmp_path: Path, text: str, said: str
) -> None:
    async with dashboard(machine.client, tmp_path) as user:
        await user.go("quota")
        await user.sees("vision")
        await user.press("e", "tab")
        await user.type(text)
        await user.press("enter")
        await user.sees("Change: vision", said)
        assert not machine.calls


@pytest.mark.parametrize("text", ["0", "12", "5.5", "high"])
async def test_a_priority_is_from_1_to_9(machine: FixedMachine, tmp_path: Path, text: str) -> None:
    async with dashboard(machine.client, tmp_path) as user:
        await user.go("nb")
        await user.press("n", *["tab"] * 8)
        await user.type(text)
        await user.sees("A whole number from 1 to 9 is wanted.")
        await user.press("ctrl+s")
        assert not machine.calls


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


async def test_a_pool_is_for_workspaces_by_name_one_after_the_other(
    machine: FixedMachine, tmp_path: Path
) -> None:
    async with dashboard(machine.client, tmp_path, size=(120, 50)) as user:
        await user.go("pools")
        await user.sees("batch")
        await user.press("n")
        await user.type("nights")
        await user.press(*["tab"] * 6)
        await user.sees("vision  100", "speech  200", "left empty: nobody")
        await user.type("sp")
        await user.press("down", "enter")
        await user.type("vis")
        await user.sees("vision  100")
        await user.press("down", "enter", "enter")
        await user.sees("Pool nights is there.")
        assert machine.fields_of("CreatePool")["WorkspaceIds"] == ["200", "100"]


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


async def test_of_several_that_were_refused_each_is_named(machine: FixedMachine, tmp_path: Path) -> None:
    def stop(fields: Mapping[str, Any]) -> Mapping[str, Any]:
        if fields["instance_id"] != "dsw-tune":
            raise Conflict("It is being deleted.")
        return {}

    machine.answers["StopInstance"] = stop
    async with dashboard(machine.client, tmp_path) as user:
        await user.go("nb")
        await user.sees("explore")
        await user.press("asterisk", "x", "y")
        await user.sees("Stop: 2", "train: It is being deleted.", "explore: It is being deleted.")
        await user.sees("tune is stopping.")


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


def be_bob(machine: FixedMachine, *may: str) -> None:
    """Ask as bob, whose role in vision allows these operations."""
    machine.answers["GetStatus"] = {"Caller": {"UserId": "2", "Name": "bob", "MachineOwner": False}}
    everybodys = [{"Accessibility": "PUBLIC", "EntityAccessType": "ANY"}]
    held = [{"PermissionCode": f"Pai:{each}", "PermissionRules": everybodys} for each in may]
    machine.answers["ListPermissions"] = {"Permissions": held, "TotalCount": len(held)}
    decided = [{"Operation": each, "Scope": "workspace"} for each in ("UpdateWorkspace", "StopInstance")]
    machine.answers["ListRoles"] = {"Roles": [], "Permissions": decided}


async def test_a_role_in_one_workspace_dims_nothing_in_another(machine: FixedMachine, tmp_path: Path) -> None:
    be_bob(machine)
    async with dashboard(machine.client, tmp_path) as user:
        await user.go("ws")
        await user.sees("vision  bob", "speech")
        await user.press("e")
        await user.sees("Your role in this workspace does not allow this.")
        await user.press("down", "e")
        await user.sees("Change: speech", "Shown as")


@pytest.mark.parametrize("how", ["told", "refresh", "refused"])
async def test_rights_that_change_dim_and_undim_keys_at_once(
    machine: FixedMachine, tmp_path: Path, how: str
) -> None:
    be_bob(machine, "StopInstance")
    machine.answers["StopInstance"] = Forbidden("You may not stop it any more.")
    async with dashboard(machine.client, tmp_path) as user:
        await user.go("nb")
        await user.sees("vision  bob", "explore")
        be_bob(machine)
        if how == "told":
            machine.tell("member", "m2", "Changed")
        elif how == "refresh":
            await user.press("r")
        else:
            await user.press("x", "y")
            await user.sees("You may not stop it any more.")
        session = user.app.session
        await user.until(lambda: not session.scope.rights.on_others, "the rights are known anew")
        await user.press("x")
        await user.sees("Your role in this workspace does not allow this.")


async def test_a_new_key_is_shown_once_and_copied(machine: FixedMachine, tmp_path: Path) -> None:
    async with dashboard(machine.client, tmp_path) as user:
        await user.go("keys")
        await user.sees("WB1")
        await user.press("n", "ctrl+s")
        await user.sees("WORKBENCH_ACCESS_KEY_SECRET=s3cret", "The secret is shown only now.")
        assert "s3cret" in user.app.clipboard


async def test_keys_that_come_twice_make_one_key_and_leave_it_on_the_screen(
    machine: FixedMachine, tmp_path: Path
) -> None:
    answer, go_on = machine.answers["CreateAccessKey"], threading.Event()

    def late(fields: Mapping[str, Any]) -> Any:
        go_on.wait(10)
        return answer

    machine.answers["CreateAccessKey"] = late
    async with dashboard(machine.client, tmp_path) as user:
        await user.go("keys")
        await user.press("n", "enter", "enter")
        go_on.set()
        await user.sees("WORKBENCH_ACCESS_KEY_SECRET=s3cret")
        await user.press("enter")
        await user.sees("WORKBENCH_ACCESS_KEY_SECRET=s3cret")
        assert len(machine.calls) == 1
        await user.press("escape")
        await user.sees_no_more("s3cret")


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


async def test_a_workspace_that_is_not_there_is_said_and_nothing_else_is_shown_for_it(
    machine: FixedMachine, tmp_path: Path
) -> None:
    async with dashboard(machine.client, tmp_path) as user:
        await user.go("nb speech")
        await user.sees("speech  alice  ● live")
        await user.go("nb nosuch")
        await user.sees("You are in no workspace nosuch; this is speech.", "speech  alice  ● live")
    gone = [each for each in machine.answers["ListWorkspaces"]["Workspaces"] if each["IsDefault"]]
    machine.answers["ListWorkspaces"] = {"Workspaces": gone, "TotalCount": 1}
    async with dashboard(machine.client, tmp_path) as user:
        await user.sees("You are in no workspace speech; this is vision.", "vision  alice  ● live")


async def test_a_workspace_and_a_user_are_found_however_many_there_are(
    machine: FixedMachine, tmp_path: Path
) -> None:
    some = machine.answers["ListWorkspaces"]["Workspaces"][0]
    many = [
        {**some, "WorkspaceId": f"{n}", "WorkspaceName": f"w{n}", "IsDefault": n == 250} for n in range(300)
    ]
    machine.answers["ListWorkspaces"] = page_of("Workspaces", "WorkspaceName", many)
    somebody = machine.answers["ListUsers"]["Users"][0]
    crowd = [{**somebody, "UserId": f"{n}", "Name": f"u{n}"} for n in range(1300)]
    machine.answers["ListUsers"] = page_of("Users", "Name", crowd)
    async with dashboard(machine.client, tmp_path) as user:
        await user.sees("w250  alice  ● live")
        await user.go("members w277")
        await user.sees("w277  alice  ● live", "bob")
        await user.press("n")
        await user.type("u1234")
        await user.press("tab")
        await user.type("PAI.AlgoDeveloper")
        await user.press("ctrl+s")
        await user.sees("u1234 is a member now.")
        assert machine.fields_of("CreateMember")["Members"][0]["UserId"] == "1234"


def page_of(rows: str, name: str, items: Sequence[Mapping[str, Any]]) -> Callable[[Mapping[str, Any]], Any]:
    """A list of many that answers page by page, of all or of those whose name has a text in it."""

    def answer(fields: Mapping[str, Any]) -> Mapping[str, Any]:
        found = [each for each in items if fields.get(name, "") in each[name]]
        size = fields["PageSize"]
        first = size * (fields["PageNumber"] - 1)
        return {rows: found[first : first + size], "TotalCount": len(found)}

    return answer


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


async def test_one_is_warned_of_what_is_ones_own_in_another_workspace_too(
    machine: FixedMachine, tmp_path: Path
) -> None:
    elsewhere = {
        "dsw-mine": notebook("mine", "Running", WorkspaceId="200"),
        "dsw-others": notebook("others", "Running", WorkspaceId="200", UserId="2"),
    }
    machine.answers["GetInstance"] = lambda fields: elsewhere[fields["instance_id"]]
    async with dashboard(machine.client, tmp_path) as user:
        await user.sees("alice/train", "vision  alice")
        machine.tell("notebook", "dsw-others", "Running", "Somebody else's stops in 10 minutes.")
        machine.tell("notebook", "dsw-mine", "Running", "Not used; it stops in 10 minutes.")
        await user.sees("mine", "Not used; it stops in 10 minutes.")
        assert "Somebody else's" not in user.screen


async def test_the_command_of_a_form_is_whole_at_80_columns(machine: FixedMachine, tmp_path: Path) -> None:
    async with dashboard(machine.client, tmp_path, size=(80, 24)) as user:
        await user.go("nb")
        await user.sees("explore")
        await user.press("n")
        image = f"registry.example/{'deep/' * 20}image"
        await user.until(lambda: len(user.app.screen.query(Input)) > 1, "the form is there")
        user.app.screen.query(Input)[1].value = image
        await user.until(lambda: f"--image {image}" in _command(user), "the whole command")


def _command(user: User) -> str:
    """What stands below the form's fields, its lines put together again."""
    lines = [line.strip("│ ") for line in user.screen.splitlines()]
    first = next((number for number, line in enumerate(lines) if line.startswith("workbench ")), 0)
    return "".join(lines[first:]).replace("--image", "--image ")


async def test_keys_that_come_in_one_burst_act_in_their_order(machine: FixedMachine, tmp_path: Path) -> None:
    async with dashboard(machine.client, tmp_path) as user:
        await user.go("nb")
        await user.sees("explore")
        await user.press("n")
        field = user.app.screen.query(Input).first()
        for key in ("a", "2", "backspace", "7", "left", "left", "b", "delete", "home", "c"):
            user.app.post_message(events.Key(key, key if len(key) == 1 else None))
        await user.until(lambda: field.value == "cb7", "each key acted in its turn")
