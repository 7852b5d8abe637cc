"""A shell in a notebook: where its files and packages are, with the environment of JupyterLab's terminals."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from workbench.errors import Conflict, InvalidInput
from workbench.notebooks.records import Notebook, Status
from workbench.notebooks.session import KIND, inner_environment
from workbench.parts import Parts
from workbench.runtime import PodState, Shell, ShellPlan

_TERMINAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_-]{0,63}")
_LARGEST = 10_000
_AT_REST = (Status.STOPPED, Status.FAILED, Status.STOPPING)


class NotebookNotRunning(Conflict):
    """A shell is wanted in a notebook that does not run."""

    code = "NotebookNotRunning"

    def __init__(self, notebook: Notebook) -> None:
        at_rest = notebook.status in _AT_REST
        super().__init__(
            f"The notebook {notebook.name} does not run: it is {notebook.status}.",
            hint=f"`workbench notebook start {notebook.name}` starts it."
            if at_rest
            else f"`workbench notebook start {notebook.name} --wait` waits until it runs.",
        )


def plan(fields: Mapping[str, Any]) -> ShellPlan:
    """What a request asks to run.

    Raises:
        InvalidInput: The terminal's name or size is none.
    """
    terminal = fields.get("Terminal", "")
    if terminal and not _TERMINAL.fullmatch(terminal):
        raise InvalidInput(f"Terminal is {terminal!r}; a name such as xterm-256color is wanted.")
    rows, columns = (fields.get(name, usual) for name, usual in (("Rows", 24), ("Columns", 80)))
    for name, size in (("Rows", rows), ("Columns", columns)):
        if not 1 <= size <= _LARGEST:
            raise InvalidInput(f"{name} is {size}; a number from 1 to {_LARGEST} is wanted.")
    return ShellPlan(command=tuple(fields.get("Command", ())), terminal=terminal, rows=rows, columns=columns)


async def begin(parts: Parts, notebook: Notebook, plan: ShellPlan) -> Shell:
    """Begin it.

    Raises:
        NotebookNotRunning: There is no container that runs.
    """
    pod = await parts.runtime.look_for_pod(KIND, notebook.id)
    if pod is None or pod.state is not PodState.RUNNING:
        raise NotebookNotRunning(notebook)
    return await parts.runtime.begin_shell(pod, replace(plan, environment=inner_environment(len(pod.gpus))))
