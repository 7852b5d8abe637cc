"""The end of a notebook that nobody uses, and of one that holds GPUs and does not use them."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlite_utils import Database

from workbench import workspaces
from workbench.notebooks import records, rules
from workbench.notebooks.records import ChangedMeanwhile, IdleLimit, Notebook, Status, Wanted
from workbench.notebooks.saving import save
from workbench.notebooks.session import KIND
from workbench.parts import Parts


def idle_floors(db: Database) -> dict[str, IdleLimit]:
    """By id of each notebook that runs, what of CPUs and GPUs counts as no use."""
    running = [records.get(db, id) for id in records.in_status(db, Status.RUNNING)]
    return {each.id: each.idle_limit or IdleLimit(minutes=0) for each in running}


def note_use(parts: Parts, notebook_id: str, used: datetime | None) -> None:
    """Note that a notebook was in use. One that was not for too long is warned, then stopped.

    Args:
        used: When it last was, by what was measured; None where that is long ago. What its
            kernels and terminals say is known already.
    """
    with parts.store.reading() as db:
        before = records.find(db, notebook_id)
    if before is None or before.wanted is not Wanted.RUNNING or before.status is not Status.RUNNING:
        return
    noted = rules.used(before, used) if used else before
    notebook = rules.idling(noted, parts.now())
    if notebook == before:
        return
    try:
        save(parts, notebook)
    except ChangedMeanwhile:
        return  # in another minute, it is decided anew
    if notebook.wanted is Wanted.STOPPED:
        _on_record(parts, notebook)
        parts.queue.wake(KIND, notebook_id)


def stop_unless_active(parts: Parts, notebook_id: str, *, quiet: timedelta, code: str, reason: str) -> bool:
    """Ask a notebook to stop, its files and its environment kept, unless it is worked in.

    Args:
        quiet: How long neither a kernel, nor a terminal, nor anybody in a browser did anything.

    Returns:
        Whether it is on its way to a stop.
    """
    with parts.store.reading() as db:
        notebook = records.find(db, notebook_id)
    if notebook is None or rules.idle_time(notebook, parts.now()) < quiet:
        return False
    try:
        stopping = save(parts, rules.stop(notebook, parts.now(), code, reason))
    except ChangedMeanwhile:
        return False
    _on_record(parts, stopping)
    parts.queue.wake(KIND, notebook_id)
    return True


def _on_record(parts: Parts, notebook: Notebook) -> None:
    with parts.store.transaction() as db:
        workspaces.note_own_act(
            db,
            operation="StopInstance",
            resource_id=notebook.id,
            workspace_id=notebook.workspace_id,
            reason_code=notebook.reason_code,
            now=parts.now(),
        )
