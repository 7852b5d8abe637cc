"""Writes the audit log as requests are answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import datetime

from sqlite_utils import Database

from workbench.store import Store
from workbench.wire.call import Call
from workbench.workspaces import audit
from workbench.workspaces.audit import Entry, Level
from workbench.workspaces.audit_events import CLOSED, EVENTS, Outcome, entry_of
from workbench.workspaces.residents import Residents
from workbench.workspaces.throttle import Throttle, TooManyFailures

_OURSELVES = "workbench"


class Auditor:
    """Is told of every request before its answer leaves, and keeps what belongs on record.

    Of what strangers fail at, some of each minute is enough: nobody who is not let in can fill
    the disk.

    Args:
        residents: Say in which workspace a thing stands that a request names by its id alone.
    """

    def __init__(
        self, store: Store, now: Callable[[], datetime], residents: Sequence[Residents] = ()
    ) -> None:
        self._store = store
        self._now = now
        self._residents = residents
        self._strangers = Throttle()

    def __call__(self, outcome: Outcome) -> None:
        """Keep a request, if it is of a kind that is kept."""
        entry = entry_of(outcome, self._now())
        if entry is None:
            return
        if not entry.user_id and entry.code:
            try:
                self._strangers.note_failure(entry.source, "", entry.time)
            except TooManyFailures:
                return
        with self._store.transaction() as db:
            audit.write(db, self._placed(db, entry))
            audit.settle(db, entry.request_id)

    def beginning(self, outcome: Outcome) -> AbstractContextManager[None]:
        """Around what answers a request: its first change is not made without a line being kept aside,
        so that a daemon that is killed before it wrote the request's own leaves that."""
        entry = entry_of(outcome, self._now())
        if entry is None:
            return nullcontext()
        return self._store.alongside(lambda db: audit.begin(db, self._placed(db, entry)))

    def close_what_was_left(self) -> None:
        """Put on record what a daemon that was killed had changed and not written down yet, and that
        what it had open is over: by now, at the latest."""
        with self._store.transaction() as db:
            for entry in audit.begun(db):
                audit.write(db, replace(entry, code="DaemonEnded"))
                audit.settle(db, entry.request_id)
            for opened, (closed, event) in CLOSED.items():
                for entry in audit.never_closed(db, opened, closed):
                    ended = replace(
                        entry, time=self._now(), operation=closed, event=event, code="DaemonEnded"
                    )
                    audit.write(db, ended)

    def _placed(self, db: Database, entry: Entry) -> Entry:
        if entry.workspace_id:
            return entry
        for each in self._residents:
            if place := each.find(db, entry.resource_id):
                return replace(entry, workspace_id=place.workspace_id)
        return entry


def note_what_follows(
    db: Database,
    call: Call,
    *,
    operation: str,
    resource_id: str,
    workspace_id: str,
    reason_code: str,
    now: datetime,
) -> None:
    """Keep what a request does besides what it names: the line stands beside the request's own, by the
    same caller and under the same request id.

    Args:
        operation: By which somebody might have asked for this alone.
        reason_code: Why it follows, for programs; it stands where an error's code does.
    """
    caller = call.caller
    line = _line(operation, resource_id, workspace_id, reason_code, now)
    audit.write(
        db,
        replace(
            line,
            user_id=caller.user_id,
            user_name=caller.name,
            access_key_id=caller.access_key_id,
            source=caller.source,
            request_id=call.request_id,
        ),
    )


def note_own_act(
    db: Database, *, operation: str, resource_id: str, workspace_id: str, reason_code: str, now: datetime
) -> None:
    """Keep what Workbench did by itself, in the place of whoever else might have asked for it.

    Args:
        reason_code: Why, for programs; it stands where an error's code does.
    """
    audit.write(db, _line(operation, resource_id, workspace_id, reason_code, now))


def _line(operation: str, resource_id: str, workspace_id: str, reason_code: str, now: datetime) -> Entry:
    """That something was done which nobody asked for by itself, as Workbench's own act."""
    event, resource_type = EVENTS.get(operation, (operation, ""))
    return Entry(
        time=now,
        user_name=_OURSELVES,
        source=_OURSELVES,
        operation=operation,
        event=event,
        resource_type=resource_type,
        resource_id=resource_id,
        workspace_id=workspace_id,
        level=Level.NORMAL,
        status=200,
        code=reason_code,
        request_id="",
    )
