"""What the caller may do, so that an action which would be refused is dim and says why.

Only to show: the daemon decides anew on every request. What could not be found out counts as
allowed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from workbench.client import ClientError
from workbench.client.aio import AsyncClient
from workbench.wire.operations import operation
from workbench_tui.texts import say


@dataclass(frozen=True, kw_only=True)
class Rights:
    """One user's rights, on the machine and in one workspace, by operation."""

    user_id: str = ""
    user_name: str = ""
    machine_owner: bool = True
    on_ones_own: frozenset[str] = frozenset()
    on_others: frozenset[str] = frozenset()
    scopes: Mapping[str, str] = field(default_factory=dict)

    def refusal(self, operation: str, *, owner_id: str = "", elsewhere: bool = False) -> str:
        """Why the caller may not do this; empty when they may.

        Args:
            owner_id: Whose the thing is; empty for what belongs to the workspace or to nobody.
            elsewhere: It is in another workspace, where the caller's role may be another.
        """
        if self.machine_owner or operation not in self.scopes:
            return ""
        own = owner_id in ("", self.user_id)
        match self.scopes[operation]:
            case "workspace" if elsewhere:
                return ""
            case "workspace":
                if operation in (self.on_ones_own if own else self.on_others):
                    return ""
                if operation in self.on_ones_own:
                    return say("Your role allows this only on what is your own.")
                return say("Your role in this workspace does not allow this.")
            case "every user":
                return ""
            case "oneself" if own:
                return ""
        return say("Only the machine's owner may do this.")


async def find_rights(client: AsyncClient, workspace_id: str) -> Rights:
    """Ask who the caller is and what they may do.

    Raises:
        ClientError: The daemon refused or failed.
        DaemonAway: Nobody answers.
    """
    user = (await client.call(operation("workbench", "GetStatus"))).get("Caller") or {}
    scopes = {
        each["Operation"]: each["Scope"]
        for each in await _rows(client, "workbench", "ListRoles", "Permissions")
    }
    held = await _rows(client, "aiworkspace", "ListPermissions", "Permissions", workspace_id=workspace_id)
    reach = {each["PermissionCode"].partition(":")[2]: _reaches_others(each) for each in held}
    return Rights(
        user_id=user.get("UserId", ""),
        user_name=user.get("Name", ""),
        machine_owner=user.get("MachineOwner", True),
        on_ones_own=frozenset(reach),
        on_others=frozenset(name for name, others in reach.items() if others),
        scopes=scopes,
    )


async def _rows(
    client: AsyncClient, service: str, action: str, name: str, **fields: Any
) -> list[Mapping[str, Any]]:
    try:
        found: list[Mapping[str, Any]] = (await client.call(operation(service, action), **fields))[name]
    except ClientError:
        return []
    return found


def _reaches_others(permission: Mapping[str, Any]) -> bool:
    return any(rule["EntityAccessType"] == "ANY" for rule in permission["PermissionRules"])
