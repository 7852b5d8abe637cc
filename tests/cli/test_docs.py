"""The documents keep their word: whatever there is, is in them."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import workbench as package
from workbench.cli import workbench
from workbench.cli.root import ExitCode
from workbench.errors import WorkbenchError
from workbench.notebooks import ROUTES
from workbench.notebooks.records import Status
from workbench.settings import Settings

DOCS = Path(__file__).parents[2] / "docs"


def commands(group: click.Group, name: str) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for word in group.list_commands(context):
        command = group.get_command(context, word)
        assert command
        yield f"{name} {word}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{name} {word}")


def errors(kind: type[WorkbenchError]) -> Iterator[type[WorkbenchError]]:
    for error in kind.__subclasses__():
        yield error
        yield from errors(error)


COMMANDS = dict(commands(workbench, "workbench"))


@pytest.mark.parametrize(
    "name", [name for name, each in COMMANDS.items() if not isinstance(each, click.Group)]
)
def test_every_command_and_its_options_are_documented(name: str) -> None:
    text = (DOCS / "cli.md").read_text()
    settings = {setting.name for setting in dataclasses.fields(Settings)}

    assert f"`{name}" in text
    options = [each for each in COMMANDS[name].params if isinstance(each, click.Option)]
    for option in options:
        if option.name not in settings:
            assert option.opts[-1] in text


def test_every_exit_code_is_documented() -> None:
    text = (DOCS / "cli.md").read_text()

    assert [code for code in ExitCode if f"| {code.value} |" not in text] == []


def test_every_setting_is_documented_with_its_meaning() -> None:
    text = (DOCS / "settings.md").read_text()

    missing = [
        setting.name
        for setting in dataclasses.fields(Settings)
        if f"| `{setting.name}` |" not in text or setting.metadata["help"] not in text
    ]
    assert missing == []


def test_every_range_of_a_setting_is_documented() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| .*?\|(.*?)\|", (DOCS / "settings.md").read_text(), re.MULTILINE))
    ranges = {
        setting.name: f" {setting.metadata['least']} to {setting.metadata['most']} "
        for setting in dataclasses.fields(Settings)
        if setting.metadata["least"] is not None
    }

    assert {name: rows[name] for name in ranges} == ranges


def test_every_error_code_is_documented() -> None:
    for module in pkgutil.walk_packages(package.__path__, "workbench."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    text = (DOCS / "api.md").read_text()

    assert sorted({each.code for each in errors(WorkbenchError) if f"`{each.code}`" not in text}) == []


def test_every_operation_on_notebooks_is_documented() -> None:
    text = (DOCS / "api.md").read_text()

    assert [each.operation.action for each in ROUTES if f"`{each.operation.action}`" not in text] == []


def test_every_state_of_a_notebook_is_documented() -> None:
    text = (DOCS / "troubleshooting.md").read_text()

    assert [status for status in Status if f"| {status} |" not in text] == []


def test_every_package_has_its_line_in_the_architecture() -> None:
    text = (DOCS / "architecture.md").read_text()
    packages = [each.name for each in pkgutil.iter_modules(package.__path__)]

    assert [name for name in packages if f"`{name}/`" not in text and f"`{name}.py`" not in text] == []
