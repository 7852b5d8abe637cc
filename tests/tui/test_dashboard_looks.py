"""How every screen looks, in three sizes and two languages.

`WORKBENCH_DRAW_ANEW=1` draws the pictures in `looks/` anew; look at what changed before keeping it.
"""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path

import pytest

from tests.tui.driving import User, dashboard
from tests.tui.fixed_machine import FixedMachine
from workbench_tui import texts
from workbench_tui.resources import resources
from workbench_tui.screens.detail import DetailScreen

_LOOKS = Path(__file__).with_name("looks")
_SIZES = ((80, 24), (120, 40), (200, 60))
_ANEW = bool(os.environ.get("WORKBENCH_DRAW_ANEW"))
_AT_REST_S = 1.0
_PATIENCE_S = 60
"""A machine may be busy with other things."""
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d")

_DIALOGUES = {
    "jump": ("colon",),
    "help": ("question_mark",),
    "form": ("n",),
    "confirm": ("x",),
}


@pytest.mark.parametrize("language", [texts.ENGLISH, texts.CHINESE_LANGUAGE])
@pytest.mark.parametrize("size", _SIZES, ids=lambda size: "{}x{}".format(*size))
async def test_screens_look_as_they_should(
    machine: FixedMachine, tmp_path: Path, size: tuple[int, int], language: str
) -> None:
    texts.use(language)
    name = "{}x{}".format(*size) + f"-{language}"
    wrong: list[str] = []
    async with dashboard(machine.client, tmp_path, size=size) as user:
        await user.sees("vision", "alice/train", "tune")
        wrong += await _differs(user, "overview", name)
        for resource in resources():
            await user.go(resource)
            wrong += await _differs(user, resource, name)
        await user.go("notebooks")
        await user.sees("explore")
        for dialogue, keys in _DIALOGUES.items():
            await user.press(*keys)
            wrong += await _differs(user, f"notebooks-{dialogue}", name)
            await user.press("escape")
        await user.press("d")
        await user.until(lambda: isinstance(user.app.screen, DetailScreen), "its page")
        for page in ("facts", "logs", "events", "configuration"):
            user.app.screen.action_page(page)
            wrong += await _differs(user, f"notebook-{page}", name)
    assert not wrong, "\n\n".join(wrong)


async def _differs(user: User, screen: str, name: str) -> list[str]:
    """What is wrong with the screen: nothing, or how it looks."""
    path = _LOOKS / f"{screen}-{name}.txt"
    if _ANEW:
        await asyncio.sleep(_AT_REST_S)
        await user.pilot.pause()
        path.write_text(_timeless(user.screen) + "\n", encoding="utf-8")
        return []
    expected = path.read_text(encoding="utf-8").removesuffix("\n")
    try:
        await user.until(lambda: _timeless(user.screen) == expected, path.name, _PATIENCE_S)
    except AssertionError:
        return [f"{path.name}:\n{user.screen}"]
    return []


def _timeless(screen: str) -> str:
    return _MOMENT.sub("0000-00-00 00:00:00", screen)
