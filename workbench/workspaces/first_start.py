"""What the very first start makes: the owner, the default workspace, a key to begin with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from workbench.store.vault import Vault
from workbench.workspaces import access_keys, members, records, users
from workbench.workspaces.access_keys import KeyPair
from workbench.workspaces.roles import Role

_DEFAULT_NAME = "default_workspace"


@dataclass(frozen=True, kw_only=True)
class FirstAccess:
    """How the owner gets in."""

    user_id: str
    workspace_id: str
    key: KeyPair


def first_start(
    db: Database, vault: Vault, name: str, unix_uid: int, unix_gid: int, *, now: datetime
) -> FirstAccess | None:
    """Make what there must be, once.

    Args:
        name: Of the Unix user who runs the daemon, who becomes the machine's owner.

    Returns:
        How to get in; None where everything was there already.
    """
    if users.machine_owner(db):
        return None
    owner = users.add(
        db, name=users.as_name(name), unix_uid=unix_uid, unix_gid=unix_gid, now=now, machine_owner=True
    )
    workspace = records.create(db, name=_DEFAULT_NAME, creator=owner.user_id, now=now, is_default=True)
    members.enrol(db, workspace.workspace_id, owner.user_id, [Role.OWNER], now=now)
    key = access_keys.create(db, vault, owner.user_id, now=now)
    return FirstAccess(user_id=owner.user_id, workspace_id=workspace.workspace_id, key=key)
