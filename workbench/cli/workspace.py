"""`workbench workspace`: where people work together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from workbench.cli.lookups import as_data, every, workspace_id
from workbench.cli.output import as_json, print_facts, print_json, print_table, say
from workbench.cli.session import Session, pass_session
from workbench.cli.sizes import BytesType, shown_bytes
from workbench.client import notebooks
from workbench.errors import Conflict, NotFound
from workbench.wire.operations import operation


class AmbiguousWorkspace(Conflict):
    """Several deleted workspaces had this name."""

    code = "AmbiguousName"

    def __init__(self, name: str, ids: Sequence[str]) -> None:
        super().__init__(f"Several deleted workspaces were named {name!r}.", hint=f"Ids: {', '.join(ids)}.")


_which = click.argument("name", metavar="WORKSPACE")


@click.group()
def workspace() -> None:
    """Workspaces: those that you are in. WORKSPACE is a name or an id."""


@workspace.command()
@click.argument("name")
@click.option("--display-name", help="What lists show; the name if not given.")
@click.option("--description", help="What it is for.")
@as_json
@pass_session
def create(
    session: Session, name: str, display_name: str | None, description: str | None, json_wanted: bool
) -> None:
    """Make a workspace that you own; print its id.

    A name has 3 to 23 letters, digits and underscores, a letter first.
    """
    made = session.client.call(
        operation("aiworkspace", "CreateWorkspace"),
        WorkspaceName=name,
        DisplayName=display_name,
        Description=description,
    )
    if json_wanted:
        print_json(as_data(made))
    else:
        click.echo(made["WorkspaceId"])


@workspace.command("list")
@click.option("--deleted", is_flag=True, help="Those that are gone while their files are not.")
@as_json
@pass_session
def list_(session: Session, deleted: bool, json_wanted: bool) -> None:
    """List workspaces."""
    if deleted:
        answer = session.client.call(operation("workbench", "ListDeletedWorkspaces"))
        found = answer["Workspaces"]
    else:
        found = list(every(session.client, "aiworkspace", "ListWorkspaces", "Workspaces"))
    if json_wanted:
        print_json([as_data(each) for each in found])
    elif deleted:
        print_table(("NAME", "ID", "DELETED", "SIZE"), map(_deleted_row, found))
    else:
        print_table(("NAME", "ID", "DISPLAY NAME", "CREATED"), map(_row, found))


@workspace.command()
@_which
@as_json
@pass_session
def show(session: Session, name: str, json_wanted: bool) -> None:
    """Show a workspace."""
    client = session.client
    found = client.call(operation("aiworkspace", "GetWorkspace"), workspace_id=workspace_id(client, name))
    if json_wanted:
        print_json({**as_data(found), "owner": as_data(found["Owner"])})
        return
    print_facts(
        (
            ("name", found["WorkspaceName"]),
            ("id", found["WorkspaceId"]),
            ("display name", found["DisplayName"]),
            ("description", found["Description"]),
            ("owner", found["Owner"]["UserName"]),
            ("administrators", ", ".join(found["AdminNames"])),
            ("default", "yes" if found["IsDefault"] else ""),
            ("created", found["GmtCreateTime"]),
        )
    )


@workspace.command()
@_which
@click.option("--display-name", help="What lists show.")
@click.option("--description", help="What it is for.")
@click.option("--default", "default", is_flag=True, help="Make it the default workspace.")
@pass_session
def update(
    session: Session, name: str, display_name: str | None, description: str | None, default: bool
) -> None:
    """Change a workspace's texts, or make it the default."""
    client = session.client
    id = workspace_id(client, name)
    if display_name is not None or description is not None:
        client.call(
            operation("aiworkspace", "UpdateWorkspace"),
            workspace_id=id,
            DisplayName=display_name,
            Description=description,
        )
    if default:
        client.call(operation("aiworkspace", "UpdateDefaultWorkspace"), WorkspaceId=id)


@workspace.command()
@_which
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_session
def delete(session: Session, name: str, yes: bool) -> None:
    """Delete a workspace in which nothing runs, with its stopped notebooks; its files stay."""
    client = session.client
    id = workspace_id(client, name)
    going = notebooks.list_all(client, workspace_id=id)
    if going:
        say("With it goes what was installed with pip or conda in these notebooks, for ever:")
        for each in going:
            say(f"  {each.name} ({each.id}) of {each.owner}, {each.status}")
    if not yes:
        number = f"{len(going)} notebook{'s' * (len(going) != 1)}" if going else "no notebooks"
        question = f"Delete the workspace {name} with its members and {number}? This cannot be undone"
        click.confirm(question, abort=True, err=True)
    client.call(operation("aiworkspace", "DeleteWorkspace"), workspace_id=id)
    say("Its files are still there; `workbench workspace purge` removes them.")


@workspace.command()
@_which
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_session
def purge(session: Session, name: str, yes: bool) -> None:
    """Remove the files of a deleted workspace for ever."""
    client = session.client
    gone = client.call(operation("workbench", "ListDeletedWorkspaces"))["Workspaces"]
    found = [each for each in gone if name in (each["WorkspaceId"], each["WorkspaceName"])]
    if not found:
        raise NotFound(
            f"No deleted workspace is named {name!r}.",
            hint="`workbench workspace list --deleted` shows those there are.",
        )
    if len(found) > 1:
        raise AmbiguousWorkspace(name, [each["WorkspaceId"] for each in found])
    only = found[0]
    if not yes:
        click.confirm(
            f"Remove all files of the workspace {only['WorkspaceName']} ({only['WorkspaceId']}), deleted"
            f" {only['GmtDeleteTime']}, {shown_bytes(only['DiskBytes'])}: what its members shared, and what"
            " each of them had there alone? This cannot be undone",
            abort=True,
            err=True,
        )
    client.call(operation("workbench", "PurgeWorkspace"), workspace_id=only["WorkspaceId"])
    say(f"The files of {only['WorkspaceName']} are gone.")


@workspace.command()
@_which
@click.option("--cpus", type=click.FloatRange(min=0), help="CPUs.")
@click.option("--memory", type=BytesType(), help="Memory, such as 16Gi.")
@click.option("--gpus", type=click.FloatRange(min=0), help="GPUs; a share of one counts as a fraction.")
@click.option("--notebooks", type=click.IntRange(min=0), help="Notebooks that run.")
@click.option("--jobs", type=click.IntRange(min=0), help="Jobs that run.")
@click.option("--services", type=click.IntRange(min=0), help="Services that run.")
@click.option("--disk", type=BytesType(), help="All of its files, such as 500Gi.")
@click.option("--unlimited", is_flag=True, help="Remove all limits that are not given.")
@as_json
@pass_session
def quota(session: Session, /, name: str, unlimited: bool, json_wanted: bool, **given: Any) -> None:
    """Show a workspace's quota and what is used of it; as the machine's owner, change it."""
    client = session.client
    id = workspace_id(client, name)
    changes = {_LIMITS[limit]: value for limit, value in given.items() if value is not None}
    read = operation("workbench", "GetWorkspaceQuota")
    if changes or unlimited:
        kept = {} if unlimited else client.call(read, workspace_id=id)["Quota"]
        client.call(
            operation("workbench", "UpdateWorkspaceQuota"), workspace_id=id, Quota={**kept, **changes}
        )
    answer = client.call(read, workspace_id=id)
    if json_wanted:
        print_json({"quota": as_data(answer["Quota"]), "used": as_data(answer["Used"])})
    else:
        limits, used = answer["Quota"], answer["Used"]
        print_table(
            ("WHAT", "USED", "LIMIT"),
            [(each, _shown(used, wire), _shown(limits, wire)) for each, wire in _LIMITS.items()],
        )


_LIMITS = {
    "cpus": "Cpus",
    "memory": "MemoryBytes",
    "gpus": "Gpus",
    "notebooks": "Notebooks",
    "jobs": "Jobs",
    "services": "Services",
    "disk": "DiskBytes",
}


def _shown(amounts: dict[str, Any], wire: str) -> str:
    if wire not in amounts:
        return "-"
    return shown_bytes(amounts[wire]) if wire.endswith("Bytes") else f"{amounts[wire]:g}"


def _row(found: dict[str, Any]) -> tuple[str, ...]:
    return found["WorkspaceName"], found["WorkspaceId"], found["DisplayName"], found["GmtCreateTime"]


def _deleted_row(found: dict[str, Any]) -> tuple[str, ...]:
    size = shown_bytes(found["DiskBytes"])
    return found["WorkspaceName"], found["WorkspaceId"], found["GmtDeleteTime"], size
