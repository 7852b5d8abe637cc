"""Writing a changed notebook, so that everybody hears of it who should."""

from __future__ import annotations

import logging

from sqlite_utils import Database

from workbench.notebooks import access, place, records, rules, session
from workbench.notebooks.records import Notebook, Status
from workbench.parts import Parts
from workbench.telemetry import Change, Event, Level, events

log = logging.getLogger(__name__)


def record(db: Database, notebook: Notebook, note: str = "") -> Notebook:
    """Write the record, with an event for its owner if it stands otherwise than before.

    Args:
        note: What the event says, where that is more than the reason on record.

    Raises:
        ChangedMeanwhile: It is not the one that was read; nothing was written.
    """
    before = records.get(db, notebook.id)
    if before == notebook:
        return notebook
    notebook = records.save(db, notebook)
    if (before.status, before.reason_code) != (notebook.status, notebook.reason_code):
        events.add(db, _event(notebook, said=before.reason, note=note))
    return notebook


def save(parts: Parts, notebook: Notebook) -> Notebook:
    """Write the record, and tell of it: events for its owner, the route, whoever watches.

    Raises:
        ChangedMeanwhile: It is not the one that was read; nothing was written.
    """
    with parts.store.transaction() as db:
        before = records.get(db, notebook.id)
        notebook = record(db, notebook)
    if notebook == before:
        return notebook
    turned = before.status is not notebook.status
    if turned:
        log.info("notebook changed id=%s from=%s to=%s", notebook.id, before.status, notebook.status)
    # A request writes a status and tells the gateway nothing, so what was before may be unknown there.
    if turned or access.route(parts.vault, notebook) != access.route(parts.vault, before):
        access.lead(parts, notebook)
    tell(parts, notebook)
    return notebook


def pass_on(parts: Parts, notebook: Notebook) -> None:
    """Have what a request wrote seen by whoever watches and by the reconciler, whose next step leads the
    gateway: a request neither waits for that nor fails with it."""
    parts.queue.wake(session.KIND, notebook.id)
    tell(parts, notebook)


def note(db: Database, notebook: Notebook, message: str) -> None:
    """An event of a notebook whose record is written already."""
    events.add(db, _event(notebook, said="", note=message))


def tell(parts: Parts, notebook: Notebook) -> None:
    """Tell whoever watches how it stands with a notebook."""
    parts.live.tell(
        Change(
            kind=session.KIND,
            id=notebook.id,
            workspace_id=notebook.workspace_id,
            private_to=notebook.private_to,
            status=notebook.status,
            message=notebook.reason,
        )
    )


def _event(notebook: Notebook, *, said: str, note: str) -> Event:
    """What happened to it; a reason that was `said` with the status before is not said again."""
    news = notebook.reason != said
    levels = {
        Status.FAILED: Level.ERROR,
        Status.RECOVERING: Level.WARNING,
        place.GPU_LOST: Level.ERROR,
        place.LEAVES: Level.WARNING,
        rules.IDLE_SOON: Level.WARNING,
        rules.NO_ADDRESS: Level.ERROR,
        rules.HELD_UP: Level.WARNING,
    }
    return Event(
        kind=session.KIND,
        id=notebook.id,
        workspace_id=notebook.workspace_id,
        owner_id=notebook.user_id,
        time=notebook.modified_at,
        level=levels.get(notebook.status) or levels.get(notebook.reason_code, Level.NORMAL),
        reason=(news and notebook.reason_code) or notebook.status.value,
        message=note or (news and notebook.reason) or f"The notebook is {notebook.status}.",
    )
