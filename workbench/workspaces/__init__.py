"""Workspaces: who is here, who works where, who may do what, what is on record of it."""

from workbench.workspaces.access_keys import KeyPair
from workbench.workspaces.access_keys import usable as usable_key
from workbench.workspaces.auditor import Auditor, note_own_act
from workbench.workspaces.authentication import Authenticator, recognise
from workbench.workspaces.authorization import refuse_to_tokens, require, require_on_machine, visible_in
from workbench.workspaces.configs import search as find_configs
from workbench.workspaces.disk_counting import KIND as DISK_USAGE
from workbench.workspaces.disk_counting import count as count_disk_usage
from workbench.workspaces.first_start import FirstAccess, first_start
from workbench.workspaces.members import roles_of
from workbench.workspaces.mounting import mount_context
from workbench.workspaces.networks import KIND as NETWORK
from workbench.workspaces.networks import name_of as network_name
from workbench.workspaces.networks import names as network_names
from workbench.workspaces.networks import reconcile as reconcile_network
from workbench.workspaces.permissions import PERMISSIONS, may
from workbench.workspaces.quota import Amounts, Kind
from workbench.workspaces.records import Workspace, default_workspace, ids
from workbench.workspaces.records import name_of as workspace_name
from workbench.workspaces.residents import Afterwards, Place, Residents, one_after_another
from workbench.workspaces.roles import Role
from workbench.workspaces.routes import routes
from workbench.workspaces.schema import MIGRATIONS
from workbench.workspaces.sight import Knows, knows
from workbench.workspaces.tags import of as tags_of
from workbench.workspaces.tags import put as put_tags
from workbench.workspaces.tags import take_off as take_off_tags
from workbench.workspaces.users import User, free_uid
from workbench.workspaces.users import get as user
from workbench.workspaces.users import known as known_user
from workbench.workspaces.users import name_of as user_name
from workbench.workspaces.work import Work
from workbench.workspaces.work import begin as begin_work
from workbench.workspaces.work import end as end_work
from workbench.workspaces.work import running as running_work

__all__ = [
    "DISK_USAGE",
    "MIGRATIONS",
    "NETWORK",
    "PERMISSIONS",
    "Afterwards",
    "Amounts",
    "Auditor",
    "Authenticator",
    "FirstAccess",
    "KeyPair",
    "Kind",
    "Knows",
    "Place",
    "Residents",
    "Role",
    "User",
    "Work",
    "Workspace",
    "begin_work",
    "count_disk_usage",
    "default_workspace",
    "end_work",
    "find_configs",
    "first_start",
    "free_uid",
    "ids",
    "known_user",
    "knows",
    "may",
    "mount_context",
    "network_name",
    "network_names",
    "note_own_act",
    "one_after_another",
    "put_tags",
    "recognise",
    "reconcile_network",
    "refuse_to_tokens",
    "require",
    "require_on_machine",
    "roles_of",
    "routes",
    "running_work",
    "tags_of",
    "take_off_tags",
    "usable_key",
    "user",
    "user_name",
    "visible_in",
    "workspace_name",
]
