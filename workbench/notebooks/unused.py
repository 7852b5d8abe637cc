"""The end of a notebook that holds GPUs and does not use them."""

from __future__ import annotations

from datetime import timedelta

from workbench.notebooks import records, rules
from workbench.notebooks.session import KIND
from workbench.parts import Parts


def stop_unless_active(parts: Parts, notebook_id: str, *, quiet: timedelta, code: str, reason: str) -> bool:
    """Ask a notebook to stop, its files and its environment kept, unless it is worked in.

    Args:
        quiet: How long neither a kernel, nor a terminal, nor anybody in a browser did anything.

    Returns:
        Whether it is on its way to a stop.
    """
    with parts.store.transaction() as db:
        notebook = records.find(db, notebook_id)
        if notebook is None or rules.idle_time(notebook, parts.now()) < quiet:
            return False
        records.save(db, rules.stop(notebook, parts.now(), code, reason))
    parts.queue.wake(KIND, notebook_id)
    return True
