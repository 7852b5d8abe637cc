"""Members of the workspace, and their roles."""

from __future__ import annotations

from collections.abc import Sequence

from workbench_tui.commands import shell_command
from workbench_tui.resource import (
    Action,
    Column,
    Field,
    Item,
    Outcome,
    Resource,
    Scope,
    Values,
    age,
    pages,
    text,
)
from workbench_tui.resources.keys import user_id
from workbench_tui.texts import say
from workbench_tui.tones import Tone, Word

OWNER = "PAI.WorkspaceOwner"


async def load(scope: Scope) -> Sequence[Item]:
    """All members of the workspace."""
    if not scope.workspace_id:
        return []
    return await pages(scope, "aiworkspace", "ListMembers", "Members", workspace_id=scope.workspace_id)


async def add(scope: Scope, item: Item, given: Values) -> Outcome:
    """Take a user into the workspace."""
    members = [{"UserId": await user_id(scope, given["user"]), "Roles": [given["role"]]}]
    await scope.call("aiworkspace", "CreateMember", workspace_id=scope.workspace_id, Members=members)
    return Outcome(said=say("{name} is a member now.", name=given["user"]))


async def add_role(scope: Scope, item: Item, given: Values) -> Outcome:
    """Give a member one more role."""
    return await _change_role(scope, "AddMemberRole", item, given["role"])


async def remove_role(scope: Scope, item: Item, given: Values) -> Outcome:
    """Take a role from a member."""
    return await _change_role(scope, "RemoveMemberRole", item, given["role"])


async def remove(scope: Scope, item: Item, given: Values) -> Outcome:
    """Take a user out of the workspace."""
    await scope.call(
        "aiworkspace", "DeleteMembers", workspace_id=scope.workspace_id, MemberIds=item["MemberId"]
    )
    return Outcome(said=say("{name} is no member any more.", name=item["MemberName"]))


async def users(scope: Scope) -> Sequence[tuple[str, str]]:
    """Users who are no members yet."""
    inside = {each["UserId"] for each in await load(scope)}
    everybody = await pages(scope, "workbench", "ListUsers", "Users")
    return [(each["Name"], f"uid {each['UnixUid']}") for each in everybody if each["UserId"] not in inside]


async def roles(scope: Scope) -> Sequence[tuple[str, str]]:
    """Roles that can be given."""
    found = (await scope.call("workbench", "ListRoles"))["Roles"]
    return [(name, "") for name in found if name != OWNER]


async def _change_role(scope: Scope, action: str, item: Item, role: str) -> Outcome:
    answer = await scope.call(
        "aiworkspace",
        action,
        workspace_id=scope.workspace_id,
        member_id=item["MemberId"],
        role_name=role,
    )
    return Outcome(said=answer.get("Message") or say("{name}'s roles are changed.", name=item["MemberName"]))


def _not_owner(item: Item) -> str:
    return say("The workspace's owner stays.") if OWNER in item["Roles"] else ""


_ROLE = Field(name="role", title="Role", needed=True, options=roles, free=False)

RESOURCE = Resource(
    name="members",
    title="Members",
    aliases=("member", "mem"),
    order=41,
    load=load,
    id=lambda item: str(item["MemberId"]),
    label=lambda item: str(item["MemberName"]),
    follows=frozenset({"member", "workspace"}),
    empty="Nobody is in this workspace.",
    columns=(
        text("Name", "MemberName", width=16),
        Column(
            title="Roles",
            read=lambda item: ", ".join(role.removeprefix("PAI.") for role in item.get("Roles") or ()),
            show=Word,
            width=0,
        ),
        age("Age", "GmtCreateTime"),
        text("User", "UserId", width=20, from_width=110, tone=Tone.QUIET),
    ),
    actions=(
        Action(
            name="add",
            key="n",
            title="Add",
            help="Take a user into this workspace.",
            operation="CreateMember",
            run=add,
            alone=True,
            form=(Field(name="user", title="User", needed=True, options=users), _ROLE),
            command=lambda scope, item, given: shell_command(
                "member", "add", given["user"], role=given["role"] or None, workspace=scope.workspace_id
            ),
        ),
        Action(
            name="add-role",
            key="a",
            title="Add role",
            help="Give one more role.",
            operation="AddMemberRole",
            run=add_role,
            form=(_ROLE,),
            command=lambda scope, item, given: shell_command(
                "member", "add-role", item["MemberName"], given["role"], workspace=scope.workspace_id
            ),
        ),
        Action(
            name="remove-role",
            key="R",
            title="Remove role",
            help="Take a role away.",
            operation="RemoveMemberRole",
            run=remove_role,
            form=(
                Field(
                    name="role",
                    title="Role",
                    needed=True,
                    options=roles,
                    start=lambda item: (item.get("Roles") or [""])[0],
                ),
            ),
            command=lambda scope, item, given: shell_command(
                "member", "remove-role", item["MemberName"], given["role"], workspace=scope.workspace_id
            ),
        ),
        Action(
            name="remove",
            key="D",
            title="Remove",
            help="Take them out of this workspace; their files stay.",
            operation="DeleteMembers",
            run=remove,
            loses=lambda item: say("{name} loses all roles here; files stay.", name=item["MemberName"]),
            blocked=_not_owner,
            shown=False,
            command=lambda scope, item, given: shell_command(
                "member", "remove", item["MemberName"], workspace=scope.workspace_id
            ),
        ),
    ),
)
