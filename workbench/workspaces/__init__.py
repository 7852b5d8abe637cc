"""Workspaces: who is here, who works where, who may do what."""

from workbench.workspaces.access_keys import KeyPair
from workbench.workspaces.access_keys import usable as usable_key
from workbench.workspaces.authentication import Authenticator
from workbench.workspaces.authorization import require, require_on_machine, visible_in
from workbench.workspaces.first_start import FirstAccess, first_start
from workbench.workspaces.members import roles_of
from workbench.workspaces.mounting import mount_context
from workbench.workspaces.permissions import may
from workbench.workspaces.records import Workspace, default_workspace
from workbench.workspaces.records import get as workspace
from workbench.workspaces.roles import Role
from workbench.workspaces.schema import MIGRATIONS
from workbench.workspaces.users import User
from workbench.workspaces.users import get as user

__all__ = [
    "MIGRATIONS",
    "Authenticator",
    "FirstAccess",
    "KeyPair",
    "Role",
    "User",
    "Workspace",
    "default_workspace",
    "first_start",
    "may",
    "mount_context",
    "require",
    "require_on_machine",
    "roles_of",
    "usable_key",
    "user",
    "visible_in",
    "workspace",
]
