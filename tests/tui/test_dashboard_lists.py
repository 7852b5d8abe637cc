"""Lists are live, filtered as one types, sorted, marked, and the cursor stays on its object."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.tui.driving import dashboard
from tests.tui.fixed_machine import FixedMachine, notebook
from workbench_tui import texts
from workbench_tui.widgets.table import ResourceTable


async def test_everything_is_a_few_keys_away(machine: FixedMachine, tmp_path: Path) -> None:
    async with dashboard(machine.client, tmp_path) as user:
        await user.sees("train", "GPUs", "alice/train")
        await user.go("nb")
        await user.sees("Overview › Notebooks", "explore")
        await user.go("pools")
        await user.sees("Pools 1", "batch")
        await user.press("minus")
        await user.sees("Notebooks 4")


async def test_a_filter_narrows_with_each_letter(machine: FixedMachine, tmp_path: Path) -> None:
    async with dashboard(machine.client, tmp_path) as user:
        await user.go("nb")
        await user.sees("explore", "train")
        await user.press("slash")
        await user.type("state:run !bob")
        await user.sees("Notebooks 1/4", "train")
        await user.type(" zzz")
        await user.sees("Notebooks 0/4", "No row passes the filter; Esc takes it back.")
        await user.press("escape")
        await user.sees("Notebooks 4")
        await user.sees_no_more("No row passes")


@pytest.mark.parametrize("text", ["state:run", "running", "状态:运行", "运行"])
async def test_a_filter_understands_both_languages(machine: FixedMachine, tmp_path: Path, text: str) -> None:
    texts.use(texts.CHINESE_LANGUAGE)
    (tmp_path / "dashboard.json").write_text(json.dumps({"filter.notebooks": text}))
    async with dashboard(machine.client, tmp_path) as user:
        await user.go("nb")
        await user.sees("笔记本 2/4")


async def test_a_filter_and_an_order_are_remembered(machine: FixedMachine, tmp_path: Path) -> None:
    async with dashboard(machine.client, tmp_path) as user:
        await user.go("nb")
        await user.sees("Notebooks 4")
        await user.press("slash")
        await user.type("tag:team")
        await user.press("enter", "o")
        await user.sees("Notebooks 3/4", "Name ↑")
    async with dashboard(machine.client, tmp_path) as user:
        await user.go("nb")
        await user.sees("Notebooks 3/4", "/tag:team", "Name ↑")


async def test_a_remembered_order_by_a_column_that_is_no_more_is_forgotten(
    machine: FixedMachine, tmp_path: Path
) -> None:
    (tmp_path / "dashboard.json").write_text(json.dumps({"sort.notebooks": "Colour down"}))
    async with dashboard(machine.client, tmp_path) as user:
        await user.go("nb")
        await user.sees("Notebooks 4", "explore")
        assert "Colour" not in user.screen
        await user.press("o")
        await user.sees("Name ↑")


async def test_the_cursor_stays_on_its_object_whatever_comes(machine: FixedMachine, tmp_path: Path) -> None:
    async with dashboard(machine.client, tmp_path) as user:
        await user.go("nb")
        await user.sees("explore")
        await user.press("down")
        await user.until(lambda: machine.is_watched, "changes are followed")
        machine.notebooks.insert(0, notebook("newest", "Running"))
        machine.tell("notebook", "dsw-newest", "Running")
        await user.sees("newest")
        await user.press("d")
        await user.sees("Notebooks › explore")


async def test_a_change_is_shown_as_soon_as_it_is_told(machine: FixedMachine, tmp_path: Path) -> None:
    async with dashboard(machine.client, tmp_path) as user:
        await user.sees("train")
        await user.until(lambda: machine.is_watched, "changes are followed")
        machine.notebooks[0]["Status"] = "Stopping"
        machine.tell("notebook", "dsw-train", "Stopping", "Asked for by alice.")
        await user.sees("◑ Stopping")


async def test_marked_rows_are_stopped_together(machine: FixedMachine, tmp_path: Path) -> None:
    async with dashboard(machine.client, tmp_path) as user:
        await user.go("nb")
        await user.sees("explore")
        await user.press("space", "space")
        await user.sees("◉ 2")
        await user.press("x")
        await user.sees("Stop: 2", "What runs in train ends", "What runs in explore ends")
        await user.press("y")
        await user.sees("Stop: 2 done.")
        stopped = [fields["instance_id"] for name, fields in machine.calls if name == "StopInstance"]
        assert stopped == ["dsw-train", "dsw-explore"]


async def test_what_happens_stands_first_in_the_overview_and_in_the_list_of_events(
    machine: FixedMachine, tmp_path: Path
) -> None:
    async with dashboard(machine.client, tmp_path, size=(160, 50)) as user:
        await user.sees("▲ Warning train Not used for 50 minutes", "Created by alice.")
        await user.until(lambda: machine.is_watched, "changes are followed")
        happens(machine, "The notebook is Stopped.")
        await user.sees("train The notebook is Stopped.")

        await user.go("events")
        await user.sees("Events 5", "Created by alice.")
        happens(machine, "Deletion asked for by alice.")
        await user.sees("Events 6", "Deletion asked for by alice.")


def happens(machine: FixedMachine, message: str) -> None:
    """One more event, told of as the daemon does."""
    events = machine.answers["ListEvents"]["Events"]
    newest = {**events[0], "Number": events[0]["Number"] + 1, "Level": "Normal", "Reason": "Stopped"}
    events.insert(0, {**newest, "Message": message})
    machine.tell("notebook", "dsw-train", "Stopped")


async def test_what_others_queue_and_hold_is_seen_without_their_names(
    machine: FixedMachine, tmp_path: Path
) -> None:
    unknown = {"Kind": "notebook", "Id": "", "Name": "", "UserName": "", "WorkspaceId": ""}
    queue = machine.answers["ListQueue"]["Queue"]
    queue += [{**queue[0], **unknown, "Position": position} for position in (2, 3)]
    machine.answers["ListGpus"]["Gpus"][1]["Holders"] = [unknown]
    async with dashboard(machine.client, tmp_path) as user:
        await user.sees("somebody else ")
        await user.go("queue")
        await user.sees("Queue 3", "tune", "somebody else's")
        assert user.screen.count("somebody else's") == 2


async def test_ten_thousand_rows_are_filtered_as_one_types(machine: FixedMachine, tmp_path: Path) -> None:
    rows = [notebook(f"n{number}", "Running") for number in range(10_000)]
    machine.answers["ListInstances"] = {"Instances": rows, "TotalCount": len(rows)}
    async with dashboard(machine.client, tmp_path) as user:
        await user.go("nb")
        await user.sees("Notebooks 10000")
        await user.press("slash")
        await user.type("name:n77")
        await user.sees("Notebooks 111/10000")
        await user.press("escape")
        await user.sees("Notebooks 10000")


async def test_what_is_left_out_is_told(machine: FixedMachine, tmp_path: Path) -> None:
    hundred = [notebook(f"n{number}", "Running") for number in range(100)]

    def page(fields: Mapping[str, Any]) -> Mapping[str, Any]:
        first = 100 * (fields["PageNumber"] - 1)
        rows = [{**each, "InstanceId": f"dsw-{first + number}"} for number, each in enumerate(hundred)]
        return {"Instances": rows, "TotalCount": 12_345}

    machine.answers["ListInstances"] = page
    async with dashboard(machine.client, tmp_path) as user:
        await user.go("nb")
        await user.sees("Notebooks 1000, without 11,345 more")


async def test_the_overview_shows_the_queue_as_soon_as_it_is_told(
    machine: FixedMachine, tmp_path: Path
) -> None:
    queue: Any = machine.answers["ListQueue"]
    async with dashboard(machine.client, tmp_path) as user:
        await user.sees("1 waiting")
        queue["Queue"].clear()
        machine.tell("queue", "", "Changed")
        await user.sees("Nothing waits.")


async def test_the_last_column_is_whole_when_there_are_more_rows_than_fit(
    machine: FixedMachine, tmp_path: Path
) -> None:
    machine.notebooks[:] = [notebook(f"n{number}", "Running") for number in range(5)]
    async with dashboard(machine.client, tmp_path, size=(80, 24)) as user:
        await user.go("nb")
        await user.sees("Notebooks 5", " Age ", " 12h ")
        machine.notebooks.extend(notebook(f"more{number}", "Running") for number in range(60))
        machine.tell("notebook", "dsw-more0", "Running")
        await user.sees("Notebooks 65", "more3", " Age ", " 12h ")
        await user.press("G")
        await user.sees("more59", " Age ", " 12h ")
        table = user.app.screen.query_one(ResourceTable)
        assert table.show_vertical_scrollbar
        assert table.virtual_size.width <= table.scrollable_content_region.width


async def test_the_queue_says_what_is_wanted_and_why_it_waits_at_80_columns(
    machine: FixedMachine, tmp_path: Path
) -> None:
    queue: Any = machine.answers["ListQueue"]
    queue["Queue"][0]["Wants"] = "16 CPUs, 128 GiB, 2 A100"
    async with dashboard(machine.client, tmp_path, size=(80, 24)) as user:
        await user.go("queue")
        await user.sees("16 CPUs, 128 GiB, 2 A100", "0 GPUs free; tra")
