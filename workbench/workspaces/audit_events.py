"""What of all that is asked goes on record, and under which names.

Pure. Every change does, done or not, every refusal, and every reading that hands out a way in.
Other readings do not, or nobody would find anything among them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from workbench.wire.call import Caller
from workbench.wire.operations import Operation
from workbench.workspaces.audit import Entry, Level

EVENTS: Mapping[str, tuple[str, str]] = {
    "CreateInstance": ("createNotebook", "Notebook"),
    "UpdateInstance": ("updateNotebook", "Notebook"),
    "UpdateInstanceLabels": ("updateNotebook", "Notebook"),
    "DeleteInstanceLabels": ("updateNotebook", "Notebook"),
    "StartInstance": ("startNotebook", "Notebook"),
    "StopInstance": ("stopNotebook", "Notebook"),
    "DeleteInstance": ("deleteNotebook", "Notebook"),
    "CreateNotebookTicket": ("openNotebook", "Notebook"),
    "EnterNotebook": ("openNotebook", "Notebook"),
    "GetToken": ("openNotebook", "Notebook"),
    "OpenNotebookShell": ("openNotebookShell", "Notebook"),
    "CreateAccessKey": ("addAkSk", "AccessKey"),
    "DeleteAccessKey": ("deleteAkSk", "AccessKey"),
    "CreatePool": ("CreatePoolV2", "PoolV2"),
    "UpdatePool": ("UpdatePoolV2", "PoolV2"),
    "DeletePool": ("DeletePoolV2", "PoolV2"),
}
"""ModelArts' event name and resource type, by operation. What it has no name for keeps ours."""

CLOSED: Mapping[str, tuple[str, str]] = {"OpenNotebookShell": ("CloseNotebookShell", "closeNotebookShell")}
"""Under which operation and event it goes on record that what an operation opened is over."""

_HAND_OUT_A_WAY_IN = frozenset({"GetToken", "GetConnection", "EnterNotebook", *CLOSED})
_ARGUMENT = re.compile(r"{(\w+)}")
_REFUSED = frozenset({401, 403, 404})


class Outcome(Protocol):
    """What became of a request; what it did not come to is None. `code` is empty for a success."""

    @property
    def request_id(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def verb(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def operation(self) -> Operation | None: ...
    @property
    def caller(self) -> Caller | None: ...
    @property
    def fields(self) -> Mapping[str, Any] | None: ...
    @property
    def answer(self) -> Mapping[str, Any] | None: ...
    @property
    def status(self) -> int: ...
    @property
    def code(self) -> str: ...
    @property
    def over(self) -> bool: ...


def entry_of(outcome: Outcome, now: datetime) -> Entry | None:
    """The line that the log gets for a request; None when it gets none."""
    if outcome.operation is None:
        return None  # not an operation: nothing was changed, and nothing is there to be refused
    action = outcome.operation.action
    reads = outcome.verb == "GET" and action not in _HAND_OUT_A_WAY_IN
    strangers = outcome.caller is None and bool(outcome.code)
    if reads and outcome.status not in _REFUSED and not strangers:
        return None
    event, resource_type = EVENTS.get(action, (action, outcome.operation.service))
    if outcome.over:
        action, event = CLOSED[action]
    given = {**(outcome.answer or {}), **(outcome.fields or {})}
    caller = outcome.caller or Caller(user_id="", name="", source=outcome.source)
    return Entry(
        time=now,
        user_id=caller.user_id,
        user_name=caller.name,
        access_key_id=caller.access_key_id,
        source=outcome.source,
        operation=action,
        event=event,
        resource_type=resource_type,
        resource_id=_resource_id(outcome),
        workspace_id=str(given.get("workspace_id") or given.get("WorkspaceId") or ""),
        level=_level(outcome.status, strangers=strangers),
        status=outcome.status,
        code=outcome.code,
        request_id=outcome.request_id,
    )


def _level(status: int, *, strangers: bool) -> Level:
    if strangers or status >= 500:
        return Level.INCIDENT
    return Level.WARNING if status >= 400 else Level.NORMAL


def _resource_id(outcome: Outcome) -> str:
    """The last argument of the path, or the id that a creation answered."""
    names = _ARGUMENT.findall(outcome.operation.path) if outcome.operation else []
    given = outcome.fields or {}
    if names and names[-1] in given:
        return str(given[names[-1]])
    ids = [str(value) for name, value in (outcome.answer or {}).items() if name.endswith("Id")]
    return ids[0] if ids else ""
