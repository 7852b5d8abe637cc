"""What of a notebook that somebody may see they may read: the lines of its log in the reason of its
state, and its variables, are for who may read its log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sqlite_utils import Database

from workbench import workspaces
from workbench.notebooks import records, rules
from workbench.notebooks.records import Notebook
from workbench.parts import Parts
from workbench.telemetry import Change
from workbench.wire.call import Caller

_READS_ALL = "GetNotebookLogs"


def seen_by(db: Database, caller: Caller) -> Callable[[Notebook], Notebook]:
    """How notebooks that a caller may know of look to them."""
    where = workspaces.visible_in(db, caller, _READS_ALL)

    def seen(notebook: Notebook) -> Notebook:
        if where is None or notebook.user_id == caller.user_id or notebook.workspace_id in where:
            return notebook
        return replace(notebook, reason=rules.without_log(notebook.reason), environment={})

    return seen


def heard_by(parts: Parts, caller: Caller, change: Change) -> str:
    """The message of a notebook's change, as far as it is for a caller who may know of it."""
    short = rules.without_log(change.message)
    if short == change.message:
        return short
    with parts.store.reading() as db:
        notebook = records.find(db, change.id)
        return seen_by(db, caller)(replace(notebook, reason=change.message)).reason if notebook else short
