"""The operations on workspaces and identity: PAI's, and ours where PAI has none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from workbench.parts import Parts, Route
from workbench.wire.call import Call
from workbench.wire.operations import operation
from workbench.workspaces.api import (
    access_keys,
    audit,
    configs,
    draining,
    events,
    members,
    permissions,
    pools,
    quotas,
    tags,
    tokens,
    users,
    workspaces,
)
from workbench.workspaces.residents import Residents

Answer = Callable[[Parts, Call], Mapping[str, Any]]


def routes(residents: Sequence[Residents] = ()) -> tuple[Route, ...]:
    """All operations of this package.

    Args:
        residents: What the other capabilities keep in workspaces.
    """
    of_pai: Mapping[str, Answer] = {
        "ListWorkspaces": workspaces.list_,
        "GetWorkspace": workspaces.get,
        "GetDefaultWorkspace": workspaces.get_default,
        "UpdateDefaultWorkspace": workspaces.set_default,
        "CreateWorkspace": workspaces.create,
        "UpdateWorkspace": workspaces.update,
        "DeleteWorkspace": partial(workspaces.delete, residents),
        "ListMembers": members.list_,
        "GetMember": members.get,
        "CreateMember": members.create,
        "DeleteMembers": partial(members.delete, residents),
        "AddMemberRole": members.add_role,
        "RemoveMemberRole": partial(members.remove_role, residents),
        "ListPermissions": permissions.list_,
        "GetPermission": permissions.get,
        "ListConfigs": configs.list_,
        "GetConfig": configs.get,
        "UpdateConfigs": configs.update_several,
        "UpdateConfig": configs.update,
        "DeleteConfig": configs.delete,
    }
    ours: Mapping[str, Answer] = {
        "ListRoles": permissions.list_roles,
        "ListUsers": users.list_,
        "CreateUser": users.create,
        "UpdateUser": partial(users.update, residents),
        "DeleteUser": partial(users.delete, residents),
        "ListAccessKeys": access_keys.list_,
        "CreateAccessKey": access_keys.create,
        "UpdateAccessKey": access_keys.update,
        "DeleteAccessKey": access_keys.delete,
        "ListTokens": tokens.list_,
        "CreateToken": tokens.create,
        "DeleteToken": tokens.delete,
        "ListEvents": partial(events.list_, residents),
        "ListAuditEntries": audit.list_,
        "GetAuditRetention": audit.get_retention,
        "UpdateAuditRetention": audit.update_retention,
        "ListTags": partial(tags.list_, residents),
        "ListTaggedResources": partial(tags.find, residents),
        "GetResourceTags": partial(tags.get, residents),
        "TagResource": partial(tags.put, residents),
        "UntagResource": partial(tags.take_off, residents),
        "GetWorkspaceQuota": quotas.get,
        "UpdateWorkspaceQuota": quotas.update,
        "ListDeletedWorkspaces": workspaces.list_deleted,
        "PurgeWorkspace": workspaces.purge,
        "ListPools": partial(pools.list_, residents),
        "CreatePool": pools.create,
        "UpdatePool": partial(pools.update, residents),
        "DeletePool": pools.delete,
        "DrainGpus": partial(draining.drain, residents),
        "ResumeGpus": draining.resume,
    }
    return tuple(
        Route(operation(service, action), answer)
        for service, answers in (("aiworkspace", of_pai), ("workbench", ours))
        for action, answer in answers.items()
    )
