"""`workbench pool`: parts of the machine set aside."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import click

from workbench.cli.lookups import NotNamed, as_data, workspace_id
from workbench.cli.output import as_json, print_json, print_table, say
from workbench.cli.session import Session, pass_session
from workbench.cli.sizes import BytesType, shown_bytes
from workbench.client import Client
from workbench.wire.operations import operation

_KINDS = ("development", "training", "inference")
_ANY = "any"


def _has(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say what a pool has and takes."""
    kinds = click.Choice([*_KINDS, _ANY])
    options = [
        click.option("--cpus", type=click.FloatRange(min=0), help="CPUs."),
        click.option("--memory", type=BytesType(), help="Memory, such as 16Gi."),
        click.option("--gpus", type=click.FloatRange(min=0), help="GPUs, or a fraction of one."),
        click.option("--kind", "kinds", type=kinds, multiple=True, help="What it takes; repeatable."),
        click.option("--description", help="What it is for."),
    ]
    return reduce(lambda done, option: option(done), reversed(options), command)


@click.group()
def pool() -> None:
    """Pools: parts of the machine for some workspaces and kinds of work.

    A workspace that is linked to pools works in them alone; the others share the rest. CPUs and
    memory of either are promised several times over, see the settings cpu_overcommit and
    memory_overcommit. Only the machine's owner changes pools.
    """


@pool.command("list")
@as_json
@pass_session
def list_(session: Session, json_wanted: bool) -> None:
    """List pools, with what is used of each."""
    found = _all(session.client)
    if json_wanted:
        print_json([as_data(each) for each in found])
    else:
        print_table(("NAME", "CPUS", "MEMORY", "GPUS", "RUNNING", "KINDS", "STATE"), map(_row, found))


@pool.command()
@click.argument("name")
@_has
@click.option("--workspace", "workspaces", multiple=True, help="Works for it; repeatable.")
@pass_session
def create(session: Session, /, name: str, workspaces: tuple[str, ...], **given: Any) -> None:
    """Set a part of the machine aside."""
    client = session.client
    linked = [workspace_id(client, each) for each in workspaces]
    client.call(operation("workbench", "CreatePool"), Name=name, WorkspaceIds=linked, **_fields(given))


@pool.command()
@click.argument("name")
@_has
@pass_session
def update(session: Session, /, name: str, **given: Any) -> None:
    """Change a pool; what runs in it goes on."""
    session.client.call(operation("workbench", "UpdatePool"), name=name, **_fields(given))


@pool.command()
@click.argument("name")
@click.argument("workspaces", nargs=-1, required=True, metavar="WORKSPACE...")
@pass_session
def link(session: Session, name: str, workspaces: tuple[str, ...]) -> None:
    """Let workspaces work in a pool, and from then on in their pools alone."""
    client = session.client
    linked = set(_get(client, name)["WorkspaceIds"]) | {workspace_id(client, each) for each in workspaces}
    client.call(operation("workbench", "UpdatePool"), name=name, WorkspaceIds=sorted(linked))


@pool.command()
@click.argument("name")
@click.argument("workspaces", nargs=-1, required=True, metavar="WORKSPACE...")
@pass_session
def unlink(session: Session, name: str, workspaces: tuple[str, ...]) -> None:
    """Let workspaces work in a pool no more; what they run in it goes on."""
    client = session.client
    linked = set(_get(client, name)["WorkspaceIds"]) - {workspace_id(client, each) for each in workspaces}
    client.call(operation("workbench", "UpdatePool"), name=name, WorkspaceIds=sorted(linked))


_pool_or_all = click.argument("name", default="", required=False, metavar="[NAME]")
_all_gpus = click.option("--all-gpus", is_flag=True, help="All GPUs, in pools or not, instead of a pool.")


@pool.command()
@_pool_or_all
@_all_gpus
@click.option("--reason", default="", help="With --all-gpus: shown to everybody who waits.")
@click.option("--force", is_flag=True, help="Stop what runs there, too.")
@pass_session
def drain(session: Session, name: str, all_gpus: bool, reason: str, force: bool) -> None:
    """Let nothing new into a pool, or onto any GPU, and what runs finish."""
    _check_one(name, all_gpus)
    if all_gpus:
        answer = session.client.call(operation("workbench", "DrainGpus"), Reason=reason, Force=force)
        held = ", ".join(answer["Running"])
        say(f"{'Being stopped' if force else 'Still running'}: {held}." if held else "No GPU is held.")
    else:
        session.client.call(operation("workbench", "UpdatePool"), name=name, Draining=True, Force=force)


@pool.command()
@_pool_or_all
@_all_gpus
@pass_session
def resume(session: Session, name: str, all_gpus: bool) -> None:
    """Let work into a drained pool, or onto the drained GPUs, again."""
    _check_one(name, all_gpus)
    if all_gpus:
        answer = session.client.call(operation("workbench", "ResumeGpus"))
        say(f"GPUs that get work again: {len(answer['Gpus'])}.")
    else:
        session.client.call(operation("workbench", "UpdatePool"), name=name, Draining=False)


@pool.command()
@click.argument("name")
@as_json
@pass_session
def show(session: Session, name: str, json_wanted: bool) -> None:
    """Show what runs in a pool."""
    found = _get(session.client, name)
    if json_wanted:
        print_json(as_data(found))
    else:
        print_table(("RUNNING",), [(each,) for each in found["Running"]])


@pool.command()
@click.argument("name")
@pass_session
def delete(session: Session, name: str) -> None:
    """Give a pool's part back, once nothing runs in it."""
    session.client.call(operation("workbench", "DeletePool"), name=name)


def _check_one(name: str, all_gpus: bool) -> None:
    if bool(name) == all_gpus:
        raise click.UsageError("Name a pool, or say --all-gpus.")


def _fields(given: dict[str, Any]) -> dict[str, Any]:
    kinds = [kind for kind in given["kinds"] if kind != _ANY]
    return {
        "Cpus": given["cpus"],
        "MemoryBytes": given["memory"],
        "Gpus": given["gpus"],
        "Kinds": kinds if given["kinds"] else None,
        "Description": given["description"],
    }


def _get(client: Client, name: str) -> dict[str, Any]:
    for each in _all(client):
        if each["Name"].lower() == name.lower():
            return each
    raise NotNamed("pool", name)


def _all(client: Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.call(operation("workbench", "ListPools"))["Pools"]
    return found


def _row(found: dict[str, Any]) -> tuple[str, ...]:
    memory = f"{shown_bytes(found['UsedMemoryBytes'])} / {shown_bytes(found['MemoryBytes'])}"
    return (
        found["Name"],
        f"{found['UsedCpus']:g} / {found['Cpus']:g}",
        memory,
        f"{found['UsedGpus']:g} / {found['Gpus']:g}",
        str(len(found["Running"])),
        ", ".join(found["Kinds"]) or "all",
        "draining" if found["Draining"] else "",
    )
