"""Keys of one's own, by the names of actions; what cannot be meant is refused with what to do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tui.driving import dashboard
from tests.tui.fixed_machine import FixedMachine
from workbench_tui import own_keys
from workbench_tui.own_keys import BadKeys
from workbench_tui.screens.form import Line
from workbench_tui.widgets.key_line import KeyLine


def _file(folder: Path, content: str) -> Path:
    path = folder / "keys.toml"
    path.write_text(content, encoding="utf-8")
    return path


async def test_ones_own_keys_do_what_ours_did_and_the_help_shows_them(
    machine: FixedMachine, tmp_path: Path
) -> None:
    path = _file(tmp_path, '[notebooks]\nstop = "f5"\n[list]\nfilter = ["ctrl+f", "+"]\n')
    async with dashboard(machine.client, tmp_path, keys=own_keys.read(path)) as user:
        await user.go("nb")
        await user.sees("explore", "^f Filter", "f5 Stop")
        await user.press("x", "slash")
        await user.press("question_mark")
        await user.sees("^f +", "list.filter", "f5", "notebooks.stop")
        await user.press("escape", "f5")
        await user.sees("What runs in train ends")
        await user.press("escape", "plus")
        await user.type("name:expl")
        await user.sees("Notebooks 1/4")


async def test_two_actions_may_change_places(machine: FixedMachine, tmp_path: Path) -> None:
    path = _file(tmp_path, '[notebooks]\nstop = "D"\ndelete = "x"\n')
    async with dashboard(machine.client, tmp_path, keys=own_keys.read(path)) as user:
        await user.go("nb")
        await user.sees("explore")
        await user.press("x")
        await user.sees("the packages installed in it are lost")


async def test_an_empty_list_names_ones_own_key(machine: FixedMachine, tmp_path: Path) -> None:
    machine.answers["ListInstances"] = {"Instances": [], "TotalCount": 0}
    path = _file(tmp_path, '[notebooks]\ncreate = "f7"\n')
    async with dashboard(machine.client, tmp_path, keys=own_keys.read(path)) as user:
        await user.sees("Overview", "No notebook yet: press `f7` to make one.")
        await user.go("nb")
        await user.sees("Overview › Notebooks", "No notebook yet: press `f7` to make one.")


async def test_a_way_back_is_shown_only_where_there_is_one(machine: FixedMachine, tmp_path: Path) -> None:
    async with dashboard(machine.client, tmp_path) as user:
        await user.sees("explore", "? Help")
        assert "esc Back" not in user.screen
        await user.press("escape")
        await user.go("nb")
        await user.sees("esc Back")
        await user.press("escape")
        await user.sees_no_more("esc Back")


async def test_a_dim_key_of_ones_own_says_why(machine: FixedMachine, tmp_path: Path) -> None:
    path = _file(tmp_path, '[notebooks]\nstart = "f6"\n')
    async with dashboard(machine.client, tmp_path, keys=own_keys.read(path)) as user:
        await user.go("nb")
        await user.sees("explore")
        await user.press("f6")
        await user.sees("It is Running.")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('[notebooks]\nhalt = "x"', "there is no action notebooks.halt. There are: notebooks.clone"),
        ('[nowhere]\nstop = "x"', "There are: [app]"),
        ('[notebooks]\nstop = "ctrl+nothing"', "notebooks.stop is 'ctrl+nothing'; a key is wanted"),
        ("[notebooks]\nstop = 7", "notebooks.stop is 7; a key is wanted"),
        ("[notebooks]\nstop = []", "notebooks.stop has no key"),
        ('stop = "x"', "stop is no table"),
        ("[notebooks", "is not valid TOML"),
        ('[notebooks]\nstop = "o"', "o would be both notebooks.stop and list.sort in Notebooks"),
        ('[app]\nhelp = "/"', "/ would be both app.help and list.filter"),
        ('[notebooks]\nstop = "f5"\nopen = "f5"', "f5 would be both"),
        ('[notebooks]\nstop = "ctrl+p"', "ctrl+p would be both notebooks.stop and command_palette"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, content: str, said: str) -> None:
    path = _file(tmp_path, content)
    with pytest.raises(BadKeys) as refusal:
        own_keys.read(path)
    assert said in str(refusal.value)
    assert str(path) in str(refusal.value)


def test_our_own_keys_never_mean_two_things_at_once() -> None:
    for scene in own_keys.scenes():
        by_key: dict[str, str] = {}
        for binding in scene.bindings:
            if binding.id:
                assert by_key.setdefault(binding.key, binding.id) == binding.id, scene.title


def test_a_file_that_cannot_be_used_is_said_before_anything_is_drawn(
    machine: FixedMachine, tmp_path: Path
) -> None:
    (tmp_path / "workbench").mkdir()
    _file(tmp_path / "workbench", '[list]\nfilter = "no key"')
    done = subprocess.run(
        [sys.executable, "-m", "workbench_tui"],
        env={**os.environ, "XDG_CONFIG_HOME": str(tmp_path), "WORKBENCH_HOME": str(machine.settings.home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("Error: ")
    assert "list.filter is 'no key'; a key is wanted" in done.stderr


async def test_who_looks_only_changes_nothing_and_reads_why(machine: FixedMachine, tmp_path: Path) -> None:
    async with dashboard(machine.client, tmp_path, read_only=True) as user:
        await user.go("nb")
        await user.sees("explore", "alice read-only")
        await user.press("x")
        await user.sees("opened with --read-only")
        await user.press("n", "D", "w", "ctrl+p")
        await user.sees("Search for commands")
        await user.type("notebooks new")
        await user.sees("Make a notebook.")
        await user.press("down", "enter")
        await user.sees_no_more("Make a notebook.")
        await user.sees("New", "opened with --read-only")
        assert not user.app.screen.query(Line)
        await user.go("ws")
        await user.sees("speech")
        await user.press("down", "u")
        await user.sees("speech  alice read-only")
        assert not machine.calls


async def test_a_click_on_a_key_is_like_the_key(machine: FixedMachine, tmp_path: Path) -> None:
    async with dashboard(machine.client, tmp_path) as user:
        await user.go("nb")
        await user.sees("explore", "s Start", "x Stop")
        line = user.screen.splitlines()[-1]
        await user.pilot.click(KeyLine, offset=(line.index("s Start"), 0))
        await user.sees("It is Running.")
        await user.pilot.click(KeyLine, offset=(line.index("x Stop") + 3, 0))
        await user.sees("What runs in train ends")
