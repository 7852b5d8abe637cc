"""Every setting as an option, for the commands that start the daemon.

The daemon is a process of its own and reads its environment, so that is how an option reaches
it. It holds as long as that daemon runs.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

import click

from workbench.settings import Settings, variable

_NOT_HERE = {"home", "mount_roots"}
"""`--home` is for all commands; a table of directories belongs into `config.toml`."""


def setting_flags(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options; the command gets those that were given as `flags`, by setting."""
    names = [setting.name for setting in fields(Settings) if setting.name not in _NOT_HERE]

    @functools.wraps(command)
    def with_flags(*args: Any, **given: Any) -> Any:
        flags = {name: given.pop(name) for name in names}
        return command(*args, flags={name: text for name, text in flags.items() if text is not None}, **given)

    for setting in reversed(fields(Settings)):
        if setting.name in names:
            flag = "--" + setting.name.replace("_", "-")
            option = click.option(flag, setting.name, metavar="VALUE", help=setting.metadata["help"])
            with_flags = option(with_flags)
    return with_flags


def as_environment(flags: Mapping[str, str]) -> dict[str, str]:
    """The variables that say the same."""
    return {variable(name): text for name, text in flags.items()}
