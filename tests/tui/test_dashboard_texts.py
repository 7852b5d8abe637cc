"""Every sentence is there in both languages, and a value is never lost in translation."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import workbench_tui
from tests.tui.driving import User, dashboard
from tests.tui.fixed_machine import FixedMachine
from workbench_tui import texts
from workbench_tui.screens.help import Help
from workbench_tui.texts.chinese import CHINESE

_SOURCES = Path(workbench_tui.__file__).parent
_NAMED = ("title", "help", "empty", "tooltip")
_FIRST = ("say", "text", "state", "age", "number", "_column")
_BLANK = re.compile(r"{\w+}")


@pytest.mark.parametrize("source", sorted(_SOURCES.rglob("*.py")), ids=lambda path: path.stem)
def test_every_sentence_is_there_in_chinese(source: Path) -> None:
    sentences = set(_sentences(ast.parse(source.read_text(encoding="utf-8"))))
    assert not sentences - CHINESE.keys()


@pytest.mark.parametrize("sentence", [each for each in CHINESE if "{" in each])
def test_a_translation_keeps_every_value(sentence: str) -> None:
    assert sorted(_BLANK.findall(CHINESE[sentence])) == sorted(_BLANK.findall(sentence))


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LC_MESSAGES": "zh_TW"}, "zh"),
        ({}, "en"),
    ],
)
def test_the_locale_chooses_the_language(environment: dict[str, str], language: str) -> None:
    assert texts.language_of(environment) == language


async def test_the_keys_and_the_commands_of_every_screen_are_in_chinese(
    machine: FixedMachine, tmp_path: Path
) -> None:
    texts.use(texts.CHINESE_LANGUAGE)
    async with dashboard(machine.client, tmp_path, size=(120, 50)) as user:
        await user.sees("train")
        for panel in range(1, 7):
            await user.press(str(panel))
            assert not _english_keys(user)
        for name in ("notebooks", "gpus"):
            await user.go(name)
            await user.press("slash")
            assert not _english_keys(user)
            await user.press("escape", "d")
            for _ in range(5):
                assert not _english_keys(user)
                await user.press("right_square_bracket")
        await user.press("ctrl+p")
        await user.sees("搜索命令")
        commands = user.app.get_system_commands(user.app.screen_stack[-2])
        assert not [each.title for each in commands if each.title.isascii()]


async def test_the_help_cuts_no_explanation(machine: FixedMachine, tmp_path: Path) -> None:
    texts.use(texts.CHINESE_LANGUAGE)
    async with dashboard(machine.client, tmp_path, size=(80, 60)) as user:
        await user.go("nb")
        await user.sees("explore")
        await user.press("question_mark")
        await user.until(lambda: isinstance(user.app.screen, Help), "the help is open")
        await user.sees("notebooks.snooze", "开头")
        assert "…" not in "".join(line for line in user.screen.splitlines() if "notebooks." in line)
        assert "主目录" not in user.screen


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_a_note_over_panels_loses_no_letter(
    machine: FixedMachine, tmp_path: Path, size: tuple[int, int]
) -> None:
    texts.use(texts.CHINESE_LANGUAGE)
    async with dashboard(machine.client, tmp_path, size=size) as user:
        await user.sees("train", "等待")
        for blanks in range(2):  # wherever the edges of panels are, one of both lies on them
            user.app.notify(f"{' ' * blanks}{'您的角色不允许这样做' * 3}", title="拒绝", markup=False)
        await user.until(lambda: user.screen.count("拒绝") == 2, "both notes")
        noted = "".join(line.partition("▌")[2].strip("│─╮╯ ") for line in user.screen.splitlines())
        assert noted.count("您的角色不允许这样做" * 3) == 2


def _english_keys(user: User) -> list[str]:
    bindings = [each.binding for each in user.app.screen.active_bindings.values()]
    said = [text for each in bindings for text in (each.description, each.tooltip)]
    return [text for text in said if text.isascii() and any(letter.isalpha() for letter in text)]


def _sentences(tree: ast.AST) -> Iterator[str]:
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        name = getattr(call.func, "id", getattr(call.func, "attr", ""))
        said = [each.value for each in call.keywords if each.arg in _NAMED]
        said += call.args[:1] if name in _FIRST else call.args[2:3] if name == "Binding" else []
        for each in said:
            if isinstance(each, ast.Constant) and isinstance(each.value, str) and each.value:
                yield each.value
