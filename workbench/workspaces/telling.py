"""Who is told that a user, a member, a pool or a workspace changed.

Told once the change is on record: whoever hears of it and asks finds it. Users and pools are the machine
owner's to see. Members and workspaces are seen by those who are in the workspace; who is not in it any
more, or whose workspace is gone, hears of that one change all the same.
"""

from __future__ import annotations

from collections.abc import Iterable

from workbench.parts import Parts
from workbench.telemetry import Change

_NOBODY_ELSE: frozenset[str] = frozenset()


def tell_of_user(parts: Parts, user_id: str, status: str) -> None:
    """Made, changed, or gone where the status is empty."""
    parts.live.tell(Change(kind="user", id=user_id, only_for=_NOBODY_ELSE, status=status))


def tell_of_pool(parts: Parts, name: str, status: str) -> None:
    """Made, changed, or gone where the status is empty."""
    parts.live.tell(Change(kind="pool", id=name, only_for=_NOBODY_ELSE, status=status))


def tell_of_workspace(parts: Parts, workspace_id: str) -> None:
    """Made, or something about it changed."""
    parts.live.tell(Change(kind="workspace", id=workspace_id, workspace_id=workspace_id, status="Changed"))


def tell_of_workspace_gone(parts: Parts, workspace_id: str, member_ids: Iterable[str]) -> None:
    """Deleted; these were in it."""
    parts.live.tell(Change(kind="workspace", id=workspace_id, only_for=frozenset(member_ids)))


def tell_of_member(parts: Parts, workspace_id: str, user_id: str) -> None:
    """Now a member, or one with other roles."""
    parts.live.tell(Change(kind="member", id=user_id, workspace_id=workspace_id, status="Changed"))


def tell_of_member_gone(parts: Parts, workspace_id: str, user_id: str) -> None:
    """Not a member any more; they hear of it, too."""
    parts.live.tell(Change(kind="member", id=user_id, workspace_id=workspace_id))
    parts.live.tell(Change(kind="member", id=user_id, only_for=frozenset({user_id})))
