"""`workbench user`: who may work on this machine."""

from __future__ import annotations

from typing import Any

import click

from workbench.cli.lookups import as_data, every, user_id
from workbench.cli.output import as_json, print_json, print_table
from workbench.cli.session import Session, pass_session
from workbench.cli.values import NAME
from workbench.wire.operations import operation

_sessions = click.option(
    "--sessions",
    type=click.Choice(["stop", "keep"]),
    help="What becomes of what the user runs; must be said when something runs.",
)


@click.group()
def user() -> None:
    """Users of this machine. Only its owner adds, disables and removes them."""


@user.command()
@click.argument("name", type=NAME)
@click.option("--uid", type=click.IntRange(1, 2**31 - 1), help="Unix uid of their containers and files.")
@click.option("--gid", type=click.IntRange(1, 2**31 - 1), help="Unix gid of their containers and files.")
@as_json
@pass_session
def add(session: Session, name: str, uid: int | None, gid: int | None, json_wanted: bool) -> None:
    """Add a user, a developer in the default workspace; print the id.

    Without --uid it is the uid of the Unix user of that name, or one that nobody has.
    """
    made = session.client.call(operation("workbench", "CreateUser"), Name=name, UnixUid=uid, UnixGid=gid)
    if json_wanted:
        print_json(as_data(made))
    else:
        click.echo(made["UserId"])


@user.command("list")
@as_json
@pass_session
def list_(session: Session, json_wanted: bool) -> None:
    """List the users."""
    found = list(every(session.client, "workbench", "ListUsers", "Users"))
    if json_wanted:
        print_json([as_data(each) for each in found])
    else:
        print_table(("NAME", "ID", "UID", "GID", "STATE"), map(_row, found))


@user.command()
@click.argument("name", type=NAME)
@_sessions
@pass_session
def disable(session: Session, name: str, sessions: str | None) -> None:
    """Shut a user out at once, with all keys and tokens."""
    _update(session, name, Enabled=False, Sessions=sessions)


@user.command()
@click.argument("name", type=NAME)
@pass_session
def enable(session: Session, name: str) -> None:
    """Let a disabled user in again."""
    _update(session, name, Enabled=True)


@user.command()
@click.argument("name", type=NAME)
@_sessions
@pass_session
def remove(session: Session, name: str, sessions: str | None) -> None:
    """Remove a user with keys, tokens and memberships; the files stay."""
    client = session.client
    client.call(operation("workbench", "DeleteUser"), user_id=user_id(client, name), Sessions=sessions)


def _update(session: Session, name: str, **changes: Any) -> None:
    client = session.client
    client.call(operation("workbench", "UpdateUser"), user_id=user_id(client, name), **changes)


def _row(found: dict[str, Any]) -> tuple[str, ...]:
    state = "owner" if found["MachineOwner"] else "" if found["Enabled"] else "disabled"
    return found["Name"], found["UserId"], str(found["UnixUid"]), str(found["UnixGid"]), state
