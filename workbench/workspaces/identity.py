"""The Unix identity of a user's containers in a workspace."""

from __future__ import annotations

from workbench.storage import MountContext
from workbench.workspaces.users import User

_FIRST_GROUP = 200_000
"""Gids of workspaces begin here, above what a machine gives to people and to subordinate ids."""


def workspace_gid(workspace_id: str) -> int:
    """The group that owns what a workspace shares."""
    return _FIRST_GROUP + int(workspace_id)


def mount_context(user: User, workspace_id: str) -> MountContext:
    """Whose containers these are: the user's uid and gid, and the workspace's group beside."""
    return MountContext(
        workspace_id=workspace_id,
        user=user.name,
        uid=user.unix_uid,
        gid=user.unix_gid,
        groups=(workspace_gid(workspace_id),),
    )
