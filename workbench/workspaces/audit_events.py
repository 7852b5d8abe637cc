"""What of all that is asked goes on record, and under which names.

Pure. Every change does, done or not, every refusal, and every reading that hands out a way in.
Other readings do not, or nobody would find anything among them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
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
    "CreateMember": ("CreateMember", "Member"),
    "DeleteMembers": ("DeleteMembers", "Member"),
    "AddMemberRole": ("AddMemberRole", "Member"),
    "RemoveMemberRole": ("RemoveMemberRole", "Member"),
    "CreateUser": ("CreateUser", "User"),
    "UpdateUser": ("UpdateUser", "User"),
    "DeleteUser": ("DeleteUser", "User"),
    "CreateToken": ("CreateToken", "Token"),
    "DeleteToken": ("DeleteToken", "Token"),
    "UpdateAccessKey": ("UpdateAccessKey", "AccessKey"),
    "CreateAccessKey": ("addAkSk", "AccessKey"),
    "DeleteAccessKey": ("deleteAkSk", "AccessKey"),
    "CreatePool": ("CreatePoolV2", "PoolV2"),
    "UpdatePool": ("UpdatePoolV2", "PoolV2"),
    "DeletePool": ("DeletePoolV2", "PoolV2"),
}
"""ModelArts' event name and resource type, by operation. What it has no name for keeps ours."""

CLOSED: Mapping[str, tuple[str, str]] = {"OpenNotebookShell": ("CloseNotebookShell", "closeNotebookShell")}
"""Under which operation and event it goes on record that what an operation opened is over."""

_ABOUT: Mapping[str, str] = {
    "AddMemberRole": "member_id",
    "RemoveMemberRole": "member_id",
    "DeleteMembers": "MemberIds",
    "GetToken": "InstanceId",
    "CreatePool": "Name",
    "UpdateDefaultWorkspace": "WorkspaceId",
}
"""The field that names what an operation is about, where it is not the last argument of its path."""

_POOL = ("Cpus", "MemoryBytes", "Gpus", "Kinds", "WorkspaceIds", "Draining", "Force")
_DETAILS: Mapping[str, tuple[str, ...]] = {
    "CreateInstance": ("InstanceName",),
    "AddMemberRole": ("role_name",),
    "RemoveMemberRole": ("role_name",),
    "CreateUser": ("Name", "UnixUid", "UnixGid"),
    "UpdateUser": ("Enabled", "Sessions"),
    "DeleteUser": ("Sessions",),
    "CreateAccessKey": ("UserId",),
    "UpdateAccessKey": ("Enabled",),
    "CreateToken": ("UserId", "LifeInHours"),
    "CreateWorkspace": ("WorkspaceName",),
    "UpdateConfig": ("CategoryName", "ConfigKey"),
    "UpdateWorkspaceQuota": ("Quota",),
    "CreatePool": _POOL,
    "UpdatePool": _POOL,
    "TagResource": ("kind", "Tags"),
    "UntagResource": ("kind", "Keys"),
    "CordonGpu": ("Reason",),
    "DrainGpus": ("Reason", "Force"),
    "UpdateAuditRetention": ("Days",),
    "Shutdown": ("Sessions",),
}
"""The fields that say what an operation did to it. None holds a secret."""

_UNLESS_SAID: Mapping[str, Any] = {"Enabled": True}
_LONGEST_DETAIL = 200

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
        resource_id=_resource_id(action, outcome),
        detail=_detail(action, outcome.fields or {}),
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


def _resource_id(action: str, outcome: Outcome) -> str:
    """What the operation names as the one it is about: in its path most often; or the id that a creation
    answered."""
    names = _ARGUMENT.findall(outcome.operation.path) if outcome.operation else []
    given = outcome.fields or {}
    if action == "CreateMember":
        return ",".join(_new_members(given))
    name = _ABOUT.get(action) or (names[-1] if names else "")
    if name in given:
        return str(given[name])
    ids = [str(value) for name, value in (outcome.answer or {}).items() if name.endswith("Id")]
    return ids[0] if ids else ""


def _detail(action: str, given: Mapping[str, Any]) -> str:
    """What was done to it, in short; empty where the operation says it all."""
    if action == "CreateMember":
        said = [f"{id}: {', '.join(map(str, roles))}" for id, roles in _new_members(given).items()]
    else:
        known = {**_UNLESS_SAID, **given}
        said = [_said(name, known[name]) for name in _DETAILS.get(action, ()) if name in known]
    detail = "; ".join(said)
    return detail if len(detail) <= _LONGEST_DETAIL else f"{detail[: _LONGEST_DETAIL - 1]}…"


def _said(name: str, value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"{name}={text}" if name[0].isupper() else text  # an argument of the path speaks for itself


def _new_members(given: Mapping[str, Any]) -> Mapping[str, Sequence[Any]]:
    """The roles of who becomes a member, by the id that they have as such."""
    return {
        f"{given.get('workspace_id', '')}-{each.get('UserId', '')}": each.get("Roles", ())
        for each in given.get("Members", ())
    }
