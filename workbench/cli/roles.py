"""`workbench roles`: which role may do what."""

from __future__ import annotations

from typing import Any

import click

from workbench.cli.lookups import as_data
from workbench.cli.output import as_json, print_json, print_table, say
from workbench.cli.session import Session, pass_session
from workbench.wire.operations import operation

_OWN, _EVERYBODYS, _NOBODYS = "own", "all", "-"
_ON_MACHINE = {"every user": _EVERYBODYS, "oneself": _OWN}
_SHORT = {
    "PAI.WorkspaceOwner": "OWNER",
    "PAI.WorkspaceAdmin": "ADMIN",
    "PAI.AlgoDeveloper": "DEV",
    "PAI.AlgoOperator": "OPER",
    "PAI.LabelManager": "LABEL",
    "PAI.MaxComputeDeveloper": "TABLE",
    "PAI.WorkspaceGuest": "GUEST",
}
"""Heads of columns that fit a terminal; what a role is called is said below the table."""


@click.command()
@click.option("--operation", "wanted", default="", help="Only operations with this in their name.")
@as_json
@pass_session
def roles(session: Session, wanted: str, json_wanted: bool) -> None:
    """Print the table of permissions.

    `all` is on everybody's objects, `own` only on one's own. The owner of the machine may do
    everything.
    """
    answer = session.client.call(operation("workbench", "ListRoles"))
    rows = [each for each in answer["Permissions"] if wanted.lower() in each["Operation"].lower()]
    if json_wanted:
        print_json({"roles": answer["Roles"], "permissions": [as_data(each) for each in rows]})
        return
    names = {role: _SHORT.get(role, role.removeprefix("PAI.")) for role in answer["Roles"]}
    print_table(("OPERATION", *names.values()), [_row(each, answer["Roles"]) for each in rows])
    say("\n".join(["", *(f"{short:<6} {role}" for role, short in names.items())]))


def _row(permission: dict[str, Any], roles: list[str]) -> tuple[str, ...]:
    if permission["Scope"] != "workspace":  # it is no role that decides
        return permission["Operation"], *(_ON_MACHINE.get(permission["Scope"], _NOBODYS) for _ in roles)
    return permission["Operation"], *(_reach(permission, role) for role in roles)


def _reach(permission: dict[str, Any], role: str) -> str:
    if role in permission["Others"]:
        return _EVERYBODYS
    return _OWN if role in permission["Own"] else _NOBODYS
