"""`workbench images`: what Workbench builds for itself."""

from __future__ import annotations

from itertools import chain
from typing import Any

import click

from workbench.cli.output import as_json, print_json, print_table, progress
from workbench.cli.session import Session, pass_session
from workbench.cli.values import NAME
from workbench.client import Client
from workbench.errors import WorkbenchError
from workbench.wire.operations import operation


class NotBuilt(WorkbenchError):
    """An image could not be built."""

    code = "ImageNotBuilt"


@click.group()
def images() -> None:
    """The images that Workbench builds: base, notebook, gateway."""


@images.command("list")
@as_json
@pass_session
def list_(session: Session, json_wanted: bool) -> None:
    """List the built-in images."""
    found = _list(session.client)
    if json_wanted:
        print_json(found)
    else:
        print_table(("NAME", "STATE", "SIZE", "CREATED", "REFERENCE"), map(_row, found))


@images.command()
@click.argument("names", type=NAME, nargs=-1, metavar="[NAME]...")
@pass_session
def build(session: Session, names: tuple[str, ...]) -> None:
    """Build images, all of them by default. One that did not change is not built again."""
    for name in names or [each["Name"] for each in _list(session.client)]:
        session.client.call(operation("workbench", "BuildImage"), name=name)
        _see_through(session.client, name)


def _see_through(client: Client, name: str) -> None:
    watch = operation("workbench", "Watch")
    with progress(f"Image {name}") as show, client.stream(watch, Kind="image", Id=name) as changes:
        for _ in chain([{}], changes):
            image = next(each for each in _list(client) if each["Name"] == name)
            show(f"{image['State']} {image['Progress']}".rstrip())
            match image["State"]:
                case "Present":
                    return
                case "Failed":
                    raise NotBuilt(f"Image {name} could not be built. {image['Progress']}")
    raise NotBuilt(f"The daemon ended before image {name} was built.", hint="Start it: `workbench up`.")


def _list(client: Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.call(operation("workbench", "ListBuiltInImages"))["Images"]
    return found


def _row(image: dict[str, Any]) -> tuple[str, ...]:
    size = f"{image['SizeBytes'] / 2**20:.0f} MiB" if image.get("SizeBytes") else ""
    return image["Name"], image["State"], size, image.get("CreatedAt") or "", image["Reference"]
