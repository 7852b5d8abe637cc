"""Every sentence is there in both languages, and a value is never lost in translation."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import workbench_tui
from workbench_tui import texts
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
