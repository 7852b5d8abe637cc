"""Who may do what: one table, from which the API, the docs, `workbench roles` and the tests all
come. An operation without a row cannot be routed, and none stands here that is not offered.

A row tells an operation on one's own object from the same on somebody else's. What belongs to
the workspace rather than to a member (its list of members, a new object) counts as one's own.
The owner of the machine may do everything and stands in no row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from workbench.workspaces.roles import Role

Roles = frozenset[Role]

ALL: Roles = frozenset(Role)
MANAGERS: Roles = frozenset({Role.OWNER, Role.ADMIN})
OPERATORS: Roles = MANAGERS | {Role.OPERATOR}
MAKERS: Roles = MANAGERS | {Role.DEVELOPER}
RUNNERS: Roles = MAKERS | {Role.OPERATOR}
OWNER_ONLY: Roles = frozenset({Role.OWNER})


@dataclass(frozen=True)
class InWorkspace:
    """Roles in the object's workspace decide."""

    own: Roles
    others: Roles


@dataclass(frozen=True)
class OnMachine:
    """No workspace is meant: whether every user may, on what is theirs and on what is others'."""

    own: bool
    others: bool


Rule = InWorkspace | OnMachine

_READ = InWorkspace(own=ALL, others=ALL)
_PRIVATE_READ = InWorkspace(own=ALL, others=OPERATORS)
_MAKE = InWorkspace(own=MAKERS, others=MAKERS)
_CHANGE = InWorkspace(own=MAKERS, others=MANAGERS)
_RUN = InWorkspace(own=RUNNERS, others=OPERATORS)
_ENTER = InWorkspace(own=MAKERS, others=MANAGERS)
_MANAGE = InWorkspace(own=MANAGERS, others=MANAGERS)

_EVERYONE = OnMachine(own=True, others=True)
_ONESELF = OnMachine(own=True, others=False)
_MACHINE_OWNER = OnMachine(own=False, others=False)

_AIWORKSPACE: Mapping[str, Rule] = {
    "ListWorkspaces": _EVERYONE,
    "CreateWorkspace": _EVERYONE,
    "GetDefaultWorkspace": _EVERYONE,
    "UpdateDefaultWorkspace": _MACHINE_OWNER,
    "GetWorkspace": _READ,
    "UpdateWorkspace": _MANAGE,
    "DeleteWorkspace": InWorkspace(own=OWNER_ONLY, others=OWNER_ONLY),
    "ListMembers": _READ,
    "GetMember": _READ,
    "CreateMember": _MANAGE,
    "DeleteMembers": _MANAGE,
    "AddMemberRole": _MANAGE,
    "RemoveMemberRole": _MANAGE,
    "ListPermissions": _READ,
    "GetPermission": _READ,
    "ListConfigs": _READ,
    "GetConfig": _READ,
    "UpdateConfigs": _MANAGE,
    "UpdateConfig": _MANAGE,
    "DeleteConfig": _MANAGE,
}

_DSW: Mapping[str, Rule] = {
    "ListEcsSpecs": _EVERYONE,
    "ListInstances": _READ,
    "GetInstance": _READ,
    "CreateInstance": _MAKE,
    "UpdateInstance": _CHANGE,
    "UpdateInstanceLabels": _CHANGE,
    "DeleteInstanceLabels": _CHANGE,
    "StartInstance": _RUN,
    "StopInstance": _RUN,
    "DeleteInstance": _CHANGE,
    "GetInstanceEvents": _PRIVATE_READ,
    "GetLifecycle": _PRIVATE_READ,
    "GetInstanceMetrics": _READ,
    "GetInstanceShutdownTimer": _READ,
    "CreateInstanceShutdownTimer": _RUN,
    "DeleteInstanceShutdownTimer": _RUN,
    "GetIdleInstanceCuller": _READ,
    "CreateIdleInstanceCuller": _RUN,
    "DeleteIdleInstanceCuller": _RUN,
    "GetToken": _ENTER,
}

_WORKBENCH: Mapping[str, Rule] = {
    "GetStatus": _EVERYONE,
    "GetConnection": _ONESELF,
    "Watch": _EVERYONE,
    "GetLatestMetrics": _READ,
    "QueryMetrics": _READ,
    "ScrapeMetrics": _READ,
    "ScrapeMetricsHere": _READ,
    "ListBuiltInImages": _EVERYONE,
    "BuildImage": _EVERYONE,
    "Shutdown": _MACHINE_OWNER,
    "GetNotebookLogs": _PRIVATE_READ,
    "ListEvents": _PRIVATE_READ,
    "CreateNotebookTicket": _ENTER,
    "RevokeNotebookAccess": _CHANGE,
    "OpenNotebookShell": _ENTER,
    "OpenDashboard": _EVERYONE,  # who is asked for what is shown there, as everywhere
    "EnterNotebook": _EVERYONE,  # the ticket decides, which a member got
    "ListRoles": _EVERYONE,
    "ListUsers": _EVERYONE,
    "CreateUser": _MACHINE_OWNER,
    "UpdateUser": _MACHINE_OWNER,
    "DeleteUser": _MACHINE_OWNER,
    "ListAccessKeys": _ONESELF,
    "CreateAccessKey": _ONESELF,
    "UpdateAccessKey": _ONESELF,
    "DeleteAccessKey": _ONESELF,
    "ListTokens": _ONESELF,
    "CreateToken": _ONESELF,
    "DeleteToken": _ONESELF,
    "ListAuditEntries": InWorkspace(own=ALL, others=MANAGERS),
    "GetAuditRetention": _EVERYONE,
    "UpdateAuditRetention": _MACHINE_OWNER,
    "ListTags": _READ,
    "ListTaggedResources": _READ,
    "GetResourceTags": _READ,
    "TagResource": _CHANGE,
    "UntagResource": _CHANGE,
    "GetWorkspaceQuota": _READ,
    "UpdateWorkspaceQuota": _MACHINE_OWNER,
    "ListDeletedWorkspaces": _EVERYONE,
    "PurgeWorkspace": _ONESELF,
    "GetNode": _EVERYONE,
    "ListGpus": _EVERYONE,
    "ListGpuEvents": _MACHINE_OWNER,
    "CordonGpu": _MACHINE_OWNER,
    "UncordonGpu": _MACHINE_OWNER,
    "ListQueue": _EVERYONE,
    "ListPools": _EVERYONE,
    "CreatePool": _MACHINE_OWNER,
    "UpdatePool": _MACHINE_OWNER,
    "DeletePool": _MACHINE_OWNER,
    "DrainGpus": _MACHINE_OWNER,
    "ResumeGpus": _MACHINE_OWNER,
}

BY_SERVICE: Mapping[str, Mapping[str, Rule]] = {
    "aiworkspace": _AIWORKSPACE,
    "dsw": _DSW,
    "workbench": _WORKBENCH,
}
"""Rule by service and operation. Operations of one name in two services have one rule."""

PERMISSIONS: Mapping[str, Rule] = {
    action: rule for rules in BY_SERVICE.values() for action, rule in rules.items()
}
"""Rule by operation."""


def may(roles: Roles, operation: str, *, own: bool) -> bool:
    """Whether roles allow an operation. Without a workspace, roles do not matter.

    Raises:
        KeyError: The operation has no row; a mistake in our own code.
    """
    match PERMISSIONS[operation]:
        case InWorkspace() as rule:
            return bool(roles & (rule.own if own else rule.others))
        case OnMachine() as rule:
            return rule.own if own else rule.others


def roles_needed(operation: str, *, own: bool) -> Roles:
    """The roles of which one is needed; none where roles do not matter."""
    match PERMISSIONS[operation]:
        case InWorkspace() as rule:
            return rule.own if own else rule.others
        case OnMachine():
            return frozenset()
