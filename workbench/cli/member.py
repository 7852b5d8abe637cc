"""`workbench member`: who is in a workspace, and with which roles."""

from __future__ import annotations

from typing import Any

import click

from workbench.cli.lookups import NotNamed, as_data, every, user_id, workspace_id
from workbench.cli.output import as_json, print_json, print_table, say
from workbench.cli.session import Session, pass_session
from workbench.cli.values import NAME
from workbench.client import Client
from workbench.wire.operations import operation

_where = click.option(
    "--workspace", type=NAME, metavar="WORKSPACE", help="Where; the default workspace if not given."
)


def _full_name(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    """PAI's roles all begin alike, so that need not be typed."""
    if isinstance(value, tuple):
        return tuple(_full_name(ctx, param, each) for each in value)
    return value if value.startswith("PAI.") else f"PAI.{value}"


_role = click.argument("role", type=NAME, callback=_full_name)


@click.group()
def member() -> None:
    """Members of a workspace. Its owner and administrators manage them.

    USER is a name. ROLE is one of PAI's roles, with or without `PAI.` before it: `workbench
    roles` shows them.
    """


@member.command("list")
@_where
@as_json
@pass_session
def list_(session: Session, workspace: str, json_wanted: bool) -> None:
    """List members with their roles."""
    client = session.client
    id = workspace_id(client, workspace)
    found = list(every(client, "aiworkspace", "ListMembers", "Members", workspace_id=id))
    if json_wanted:
        print_json([as_data(each) for each in found])
    else:
        print_table(("NAME", "USER ID", "ROLES", "SINCE"), map(_row, found))


@member.command()
@click.argument("user", type=NAME)
@click.option(
    "--role", "roles", type=NAME, multiple=True, required=True, callback=_full_name, help="Repeatable."
)
@_where
@pass_session
def add(session: Session, user: str, roles: tuple[str, ...], workspace: str | None) -> None:
    """Make a user a member."""
    client = session.client
    client.call(
        operation("aiworkspace", "CreateMember"),
        workspace_id=workspace_id(client, workspace),
        Members=[{"UserId": user_id(client, user), "Roles": list(roles)}],
    )


@member.command()
@click.argument("users", type=NAME, nargs=-1, required=True, metavar="USER...")
@_where
@pass_session
def remove(session: Session, users: tuple[str, ...], workspace: str | None) -> None:
    """Remove members: all that are named, or none."""
    client = session.client
    id = workspace_id(client, workspace)
    client.call(
        operation("aiworkspace", "DeleteMembers"),
        workspace_id=id,
        MemberIds=",".join(_member_id(client, id, each) for each in users),
    )


@member.command("add-role")
@click.argument("user", type=NAME)
@_role
@_where
@pass_session
def add_role(session: Session, user: str, role: str, workspace: str | None) -> None:
    """Give a member one more role."""
    _change_role(session, "AddMemberRole", user, role, workspace)


@member.command("remove-role")
@click.argument("user", type=NAME)
@_role
@_where
@pass_session
def remove_role(session: Session, user: str, role: str, workspace: str | None) -> None:
    """Take a role from a member, who keeps at least one."""
    _change_role(session, "RemoveMemberRole", user, role, workspace)


def _change_role(session: Session, action: str, user: str, role: str, workspace: str | None) -> None:
    client = session.client
    id = workspace_id(client, workspace)
    answer = client.call(
        operation("aiworkspace", action),
        workspace_id=id,
        member_id=_member_id(client, id, user),
        role_name=role,
    )
    if answer.get("Message"):
        say(answer["Message"])


def _member_id(client: Client, workspace_id: str, user: str) -> str:
    # The list of members knows names too, and every member may read it.
    for each in every(
        client, "aiworkspace", "ListMembers", "Members", workspace_id=workspace_id, MemberName=user
    ):
        if each["MemberName"].lower() == user.lower():
            return str(each["MemberId"])
    raise NotNamed("member", user)


def _row(found: dict[str, Any]) -> tuple[str, ...]:
    roles = ", ".join(role.removeprefix("PAI.") for role in found["Roles"])
    return found["MemberName"], found["UserId"], roles, found["GmtCreateTime"]
