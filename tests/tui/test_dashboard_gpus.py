"""How the dashboard puts a GPU's state, and what can be done about it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.tui.driving import dashboard
from tests.tui.fixed_machine import FixedMachine
from workbench_tui.resources.gpus import RESOURCE, facts, state_of


@pytest.mark.parametrize(
    ("gpu", "state"),
    [
        ({"Problem": "The driver reported XID 48.", "Xid": 48, "Cordoned": "Cordoned."}, "Faulty"),
        ({"Problem": "GPU is lost", "Xid": 0}, "Lost"),
        ({"Cordoned": "Cordoned by ada."}, "Cordoned"),
        ({"Holders": [{"Kind": "notebook"}]}, "Held"),
        ({"NotFree": "3.0 GiB of it are in use by process 4711"}, "Not free"),
        ({"Warnings": ["Slowed down since it is too hot."]}, "Free"),
    ],
)
def test_the_state_is_what_matters_most(gpu: dict[str, Any], state: str) -> None:
    assert state_of(gpu) == state


@pytest.mark.parametrize(
    ("gpu", "possible"), [({"Xid": 48}, True), ({"Cordoned": "Cordoned by ada."}, True), ({"Xid": 0}, False)]
)
def test_a_card_is_let_back_after_a_cordon_or_an_error(gpu: dict[str, Any], possible: bool) -> None:
    [uncordon] = [each for each in RESOURCE.actions if each.name == "uncordon"]
    assert uncordon.blocked

    assert (uncordon.blocked(gpu) == "") is possible


def test_warnings_stand_on_its_page() -> None:
    page = dict(facts({"Warnings": ["Slowed down since it is too hot."]}))

    assert any("too hot" in str(word) for _, word in page["State"])


async def test_the_overview_says_of_a_sick_card_who_has_it_first(
    machine: FixedMachine, tmp_path: Path
) -> None:
    measured: Any = machine.answers["GetLatestMetrics"]
    measured["Gpus"][0]["Problem"] = "The driver reported XID 79."

    async with dashboard(machine.client, tmp_path) as user:
        await user.sees("0 ✖ alice/train The driver reported")


async def test_a_card_without_a_holder_is_not_called_free_where_nobody_can_have_it(
    machine: FixedMachine, tmp_path: Path
) -> None:
    measured: Any = machine.answers["GetLatestMetrics"]
    first, second = measured["Gpus"]
    for each in (first, second):
        each.update(Holders=[], Idle=False)
    first["Cordoned"] = "Cordoned by ada."
    second["NotFree"] = "3.0 GiB of it are in use by process 4711"

    async with dashboard(machine.client, tmp_path, size=(160, 50)) as user:
        await user.sees("◑ Cordoned", "◑ Not free 3.0 GiB")
        assert "free NVIDIA" not in user.screen.replace("  ", " ")


async def test_a_card_is_idle_in_the_list_only_where_it_is_in_the_overview(
    machine: FixedMachine, tmp_path: Path
) -> None:
    listed: Any = machine.answers["ListGpus"]
    measured: Any = machine.answers["GetLatestMetrics"]
    listed["Gpus"] = [{**each, "Idle": True, "Utilisation": 0.0} for each in listed["Gpus"]]
    measured["Gpus"] = [{**each, "Idle": each["Index"] == 1} for each in measured["Gpus"]]

    async with dashboard(machine.client, tmp_path) as user:
        await user.go("gpus")
        await user.sees("Held ", "◇ Idle", "alice/train")
        assert user.screen.count("◇ Idle") == 1
