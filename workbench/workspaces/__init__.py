"""Workspaces: who is here, who works where, who may do what."""

from workbench.workspaces.access_keys import KeyPair
from workbench.workspaces.access_keys import usable as usable_key
from workbench.workspaces.authentication import Authenticator
from workbench.workspaces.authorization import require, require_on_machine
from workbench.workspaces.first_start import FirstAccess, first_start
from workbench.workspaces.members import roles_of, workspaces_of
from workbench.workspaces.permissions import may
from workbench.workspaces.records import Workspace, default_workspace
from workbench.workspaces.records import get as get_workspace
from workbench.workspaces.roles import Role
from workbench.workspaces.schema import MIGRATIONS
from workbench.workspaces.users import User
from workbench.workspaces.users import get as get_user

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
    "get_user",
    "get_workspace",
    "may",
    "require",
    "require_on_machine",
    "roles_of",
    "usable_key",
    "workspaces_of",
]
