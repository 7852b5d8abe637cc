"""The shell command that does the same as an action: what was done once can be put into a script. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Sequence


def shell_command(*words: str, **options: str | Sequence[str] | bool | None) -> str:
    """`workbench` with these words and options.

    Args:
        words: Empty ones, which are not typed yet, are left out.
        options: By their names; one with several values is said as often. None leaves it out.
    """
    said = ["workbench", *filter(None, words)]
    for name, value in options.items():
        option = f"--{name.replace('_', '-')}"
        if value is True:
            said.append(option)
        elif isinstance(value, str):
            said += [option, value]
        else:
            said += [word for each in value or () for word in (option, each)]
    return shlex.join(said)
