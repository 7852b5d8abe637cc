"""On whose behalf files are mounted: a user's Unix account, and the group of the workspace."""

from __future__ import annotations

import os

from workbench.storage import MountContext
from workbench.workspaces.users import User

_FIRST_GID = 1_900_000_000
"""Of the range that Linux distributions and systemd leave unused."""


def mount_context(user: User, workspace_id: str) -> MountContext:
    """The user as a member of a workspace; its group is the first of `groups`.

    A daemon that is not root can give files to nobody: everybody's are its own, and so are the
    sessions that use them.
    """
    root = os.geteuid() == 0
    return MountContext(
        workspace_id=workspace_id,
        user=user.name,
        uid=user.unix_uid if root else os.geteuid(),
        gid=user.unix_gid if root else os.getegid(),
        groups=(_FIRST_GID + int(workspace_id),),
    )
