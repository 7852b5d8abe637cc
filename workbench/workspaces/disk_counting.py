"""Counts what the files of each workspace take on disk.

It walks through all of them, so it is done now and then, sooner where files come and go, and
never for longer than a small share of the time. Who gets over the quota hears of it once, and
begins nothing new; nothing is stopped and nothing deleted.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta

from sqlite_utils import Database

from workbench.parts import Parts
from workbench.storage import disk_bytes
from workbench.telemetry import Change, Event, Level, events
from workbench.wire import sizes
from workbench.workqueue import Again
from workbench.workspaces import disk_usage, quota, work
from workbench.workspaces.disk_usage import Counted
from workbench.workspaces.residents import Residents

KIND = "disk-usage"

_SOONEST = timedelta(minutes=2)
_LATEST = timedelta(minutes=10)
_SHARE_OF_TIME = 20
"""A count that took a second is not repeated before so many seconds have passed."""


def count(parts: Parts, residents: Sequence[Residents], workspace_id: str) -> Again:
    """Count a workspace's files, if it is time.

    Returns:
        When it is time again.

    Raises:
        NotCounted: They cannot be counted now; what was counted before stays.
    """
    now = parts.now()
    with parts.store.reading() as db:
        before = disk_usage.of(db, workspace_id)
    if before and before.due_at > now:
        return Again((before.due_at - now).total_seconds())
    began = time.monotonic()
    folders = [each for resident in residents for each in resident.folders(parts, workspace_id)]
    counted = disk_bytes([parts.storage.directories.workspace(workspace_id), *folders])
    changed = before is None or counted != before.disk_bytes
    wait = max(
        _SOONEST if changed else _LATEST, timedelta(seconds=(time.monotonic() - began) * _SHARE_OF_TIME)
    )
    with parts.store.transaction() as db:
        after = Counted(disk_bytes=counted, counted_at=now, due_at=now + wait)
        disk_usage.save(db, workspace_id, after)
        limit = quota.of(db, workspace_id).disk_bytes
        if limit is not None and counted > limit >= (before.disk_bytes if before else 0):
            _warn(parts, db, workspace_id, after, limit)
    return Again(wait.total_seconds())


def _warn(parts: Parts, db: Database, workspace_id: str, counted: Counted, limit: int) -> None:
    """Tell the workspace, and all that runs in it."""
    message = (
        f"The workspace's files take {sizes.show(counted.disk_bytes)}, its quota is {sizes.show(limit)}."
        " What runs goes on, nothing new begins: delete files that are no longer needed."
    )
    for each in work.running(db, workspace_id=workspace_id):
        events.add(
            db,
            Event(
                kind=each.kind,
                id=each.id,
                workspace_id=workspace_id,
                owner_id=each.user_id,
                time=counted.counted_at,
                level=Level.WARNING,
                reason="OverDiskQuota",
                message=message,
            ),
        )
    parts.live.tell(
        Change(
            kind="workspace",
            id=workspace_id,
            workspace_id=workspace_id,
            status="OverDiskQuota",
            message=message,
        )
    )
