"""`workbench tag`: find and count things by what people wrote on them."""

from __future__ import annotations

import click

from workbench.cli.lookups import as_data
from workbench.cli.output import as_json, print_json, print_table
from workbench.cli.session import Session, pass_session
from workbench.cli.values import NAME, VariableType
from workbench.wire.operations import operation

_kind = click.argument("kind", type=NAME, metavar="KIND")
_thing = click.argument("id", type=NAME, metavar="ID")


@click.group()
def tag() -> None:
    """Tags. KIND is notebook, job, service, workspace or pool."""


@tag.command("list")
@as_json
@pass_session
def list_(session: Session, json_wanted: bool) -> None:
    """List all tags, with how many things have each."""
    found = session.client.call(operation("workbench", "ListTags"))["Tags"]
    if json_wanted:
        print_json([as_data(each) for each in found])
    else:
        rows = [(each["Key"], each["Value"], each["Kind"], str(each["Count"])) for each in found]
        print_table(("KEY", "VALUE", "KIND", "THINGS"), rows)


@tag.command()
@click.argument("tags", nargs=-1, required=True, type=VariableType(), metavar="KEY=VALUE...")
@click.option("--kind", type=NAME, help="Only things of this kind.")
@as_json
@pass_session
def find(session: Session, tags: tuple[tuple[str, str], ...], kind: str | None, json_wanted: bool) -> None:
    """Find what has all of these tags; `KEY=` stands for any value."""
    answer = session.client.call(operation("workbench", "ListTaggedResources"), Tags=dict(tags), Kind=kind)
    if json_wanted:
        print_json([as_data(each) for each in answer["Resources"]])
        return
    print_table(
        ("KIND", "ID", "WORKSPACE", "TAGS"),
        [
            (
                each["Kind"],
                each["ResourceId"],
                each["WorkspaceId"],
                " ".join(f"{key}={value}" for key, value in each["Tags"].items()),
            )
            for each in answer["Resources"]
        ],
    )


@tag.command()
@_kind
@_thing
@click.argument("tags", nargs=-1, required=True, type=VariableType(), metavar="KEY=VALUE...")
@pass_session
def add(session: Session, kind: str, id: str, tags: tuple[tuple[str, str], ...]) -> None:
    """Put tags on something."""
    session.client.call(operation("workbench", "TagResource"), kind=kind, resource_id=id, Tags=dict(tags))


@tag.command()
@_kind
@_thing
@click.argument("keys", type=NAME, nargs=-1, metavar="[KEY]...")
@pass_session
def remove(session: Session, kind: str, id: str, keys: tuple[str, ...]) -> None:
    """Take tags off something, all of them by default."""
    session.client.call(
        operation("workbench", "UntagResource"), kind=kind, resource_id=id, Keys=",".join(keys) or None
    )
