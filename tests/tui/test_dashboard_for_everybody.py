"""Every screen at 80 columns and 24 lines, for whoever has no mouse, sees no colour, or sees badly.

The screens are walked as they are registered, so a new one is looked at too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.style import Style
from textual.geometry import Region
from textual.widgets import Button, Static

from tests.tui.driving import User, dashboard
from tests.tui.fixed_machine import FixedMachine
from workbench_tui import texts
from workbench_tui.resource import Resource
from workbench_tui.resources import resources
from workbench_tui.screens.detail import DetailScreen
from workbench_tui.screens.help import Help
from workbench_tui.screens.listing import ListScreen
from workbench_tui.texts import say
from workbench_tui.themes import DARK, HIGH_CONTRAST, LIGHT, THEMES
from workbench_tui.tones import _STATES
from workbench_tui.widgets.table import ResourceTable

_SIZE = (80, 24)
_READABLE = {DARK.name: 4.5, LIGHT.name: 4.5, HIGH_CONTRAST.name: 7.0}
"""Least contrast of text by WCAG 2.2: 4.5 for everybody (AA), 7 for who asks for more (AAA)."""
_LANGUAGES = (texts.ENGLISH, texts.CHINESE_LANGUAGE)


@pytest.mark.parametrize("language", _LANGUAGES)
@pytest.mark.parametrize("resource", resources().values(), ids=lambda each: each.name)
async def test_a_list_fits_and_all_its_keys_are_in_the_help(
    machine: FixedMachine, tmp_path: Path, resource: Resource, language: str
) -> None:
    texts.use(language)
    async with dashboard(machine.client, tmp_path, size=_SIZE) as user:
        await _open(user, resource)
        table = user.app.screen.query_one(ResourceTable)
        cut = [str(each.label) for each in table.ordered_columns if cell_len(str(each.label)) > each.width]
        assert not cut
        bar = table.styles.scrollbar_size_vertical  # once there are more rows than fit
        await user.until(lambda: table.virtual_size.width <= table.size.width - bar, "as wide as the screen")
        await user.sees(say("Help"))
        shown = {each.binding.action: each for each in user.app.screen.active_bindings.values()}
        await user.press("question_mark")
        await user.until(lambda: isinstance(user.app.screen, Help), "the help is open")
        told = _whole_text(user)
        for action in resource.actions:
            assert f"act('{action.name}')" in shown
            assert say(action.title) in told
            assert f"{resource.name}.{action.name}" in told


@pytest.mark.parametrize("resource", resources().values(), ids=lambda each: each.name)
async def test_every_question_and_form_fits(
    machine: FixedMachine, tmp_path: Path, resource: Resource
) -> None:
    async with dashboard(machine.client, tmp_path, size=_SIZE) as user:
        await _open(user, resource)
        for action in resource.actions:
            listing = user.app.screen
            assert isinstance(listing, ListScreen)
            reason = listing._why_not(action)
            if reason or not (action.form or action.loses):
                continue
            await user.press(action.key)
            await user.until(lambda below=listing: user.app.screen is not below, f"{action.name} asks")
            await user.until(lambda: bool(user.app.screen.query(Button)), "it has buttons")
            await user.until(lambda: not _is_asking(user), "all that exists is offered")
            for button in user.app.screen.query(Button):
                await user.until(
                    lambda button=button: _is_whole(user, button.region),
                    f"whole: {action.name}, {button.label}",
                )
            await user.press("escape")
            await user.until(lambda below=listing: user.app.screen is below, "it is closed")


async def test_all_is_done_with_the_keyboard_alone(machine: FixedMachine, tmp_path: Path) -> None:
    async with dashboard(machine.client, tmp_path, size=_SIZE) as user:
        await user.sees("alice/train")
        for panel in range(1, 7):
            await user.press(str(panel))
            assert user.app.focused is not None
            assert user.app.focused.screen is user.app.screen
        await user.go("nb")
        await user.sees("explore")
        await user.press("d")
        await user.until(lambda: isinstance(user.app.screen, DetailScreen), "its page")
        for _ in range(5):
            await user.press("right_square_bracket")
            await user.until(lambda: user.app.focused is not None, "the page has the keys")


def test_every_state_has_a_word_of_its_own_in_every_language() -> None:
    for language in _LANGUAGES:
        texts.use(language)
        words = [say(state) for state in _STATES]
        assert len(set(words)) == len(words)
        assert all(any(letter.isalpha() for letter in word) for word in words)


@pytest.mark.parametrize("theme", [each.name for each in THEMES])
async def test_what_is_written_can_be_read(machine: FixedMachine, tmp_path: Path, theme: str) -> None:
    (tmp_path / "dashboard.json").write_text(json.dumps({"theme": theme}))
    faint: list[str] = []
    async with dashboard(machine.client, tmp_path, size=_SIZE) as user:
        await user.sees("alice/train", "tune")
        faint += _faint(user, theme, "overview")
        for resource in resources().values():
            await _open(user, resource)
            faint += _faint(user, theme, resource.name)
        await user.go("notebooks")
        await user.sees("explore")
        for name, keys, seen in (
            ("jump", ("colon", "down"), ":notebooks"),
            ("help", ("question_mark",), "list.filter"),
            ("form", ("n", "7", "tab", "tab"), "16 GiB, 1 GPU A100"),
            ("question", ("x",), "What runs in train ends"),
            ("palette", ("ctrl+p",), ":audit"),
        ):
            await user.press(*keys)
            await user.sees(seen)
            faint += _faint(user, theme, name)
            await user.press("escape")
            await user.sees_no_more(seen)
        await user.press("s")
        await user.sees("It is Running.")
        faint += _faint(user, theme, "notice")
        await user.press("d")
        await user.until(lambda: isinstance(user.app.screen, DetailScreen), "its page")
        for page, seen in (
            ("facts", "Running time"),
            ("logs", "Following"),
            ("events", "Not used for"),
            ("configuration", "dsw-train"),
        ):
            user.app.screen.action_page(page)
            await user.sees(seen)
            faint += _faint(user, theme, page)
    assert not faint, "\n".join(dict.fromkeys(faint))


async def test_without_colour_the_row_under_the_cursor_and_every_state_are_told(
    machine: FixedMachine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with dashboard(machine.client, tmp_path, size=_SIZE) as user:
        await user.go("nb")
        await user.sees("● Running", "◌ Queuing", "✖ Failed")
        styles = {name: _style_of(user, name) for name in ("train", "explore")}
        assert styles["train"].bgcolor != styles["explore"].bgcolor
        for style in styles.values():
            for color in (style.color, style.bgcolor):
                assert color is not None
                assert color.triplet is None or len(set(color.triplet)) == 1


async def _open(user: User, resource: Resource) -> None:
    """A list, with what it has."""
    await user.go(resource.name)
    await user.until(
        lambda: isinstance(user.app.screen, ListScreen) and user.app.screen.resource is resource,
        resource.name,
    )
    await user.until(lambda: bool(user.app.screen.query_one(ResourceTable).row_count), "rows")


def _whole_text(user: User) -> str:
    """All that the help says, seen or scrolled away."""
    console = user.app.console
    tables = [each.content for each in user.app.screen.query(Static)]
    with console.capture() as captured:
        for each in tables:
            console.print(each, width=200)
    return captured.get()


def _is_asking(user: User) -> bool:
    """Whether what is on top still waits for an answer."""
    return any(each.node is user.app.screen and not each.is_finished for each in user.app.workers)


def _is_whole(user: User, region: Region) -> bool:
    return region.height > 0 and user.app.screen.region.contains_region(region) and _seen(user, region)


def _seen(user: User, region: Region) -> bool:
    widget, found = user.app.screen.get_widget_at(*region.offset)
    return isinstance(widget, Button) and found.contains_region(region)


def _faint(user: User, theme: str, where: str) -> Iterable[str]:
    """What is written with too little contrast, on what lies on top."""
    boxes = user.app.screen.query("#box, #--container")
    seen = boxes.first().region if boxes else user.app.screen.region
    for y, strip in enumerate(user.app.screen._compositor.render_strips()):
        x = 0
        for segment in strip:
            inside = seen.contains(x, y)
            x += segment.cell_length
            if not inside or segment.style is None or not any(each.isalnum() for each in segment.text):
                continue
            contrast = _contrast(segment.style)
            if contrast < _READABLE[theme]:
                yield f"{where}: {contrast:.1f} {segment.text.strip()!r} {segment.style}"


def _contrast(style: Style) -> float:
    assert style.color
    assert style.bgcolor
    light, dark = sorted((_luminance(style.color.triplet), _luminance(style.bgcolor.triplet)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(color: Iterable[int] | None) -> float:
    """Relative luminance.

    Source: https://www.w3.org/TR/WCAG22/#dfn-relative-luminance
    """
    assert color
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in color)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _style_of(user: User, text: str) -> Style:
    for strip in user.app.screen._compositor.render_strips():
        for segment in strip:
            if segment.text.strip() == text:
                assert segment.style
                return segment.style
    raise AssertionError(f"{text} is not on the screen:\n{user.screen}")
