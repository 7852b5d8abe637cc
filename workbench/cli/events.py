"""`workbench events`: what happened."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from workbench.cli.lookups import as_data, workspace_id
from workbench.cli.output import json_text, print_table, visible
from workbench.cli.session import Session, pass_session
from workbench.cli.values import NAME
from workbench.client import Client, notebooks
from workbench.wire.operations import operation

_PAGE = 500
_LEVELS = ("Normal", "Warning", "Error")


@click.command()
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes.")
@click.option("--limit", type=click.IntRange(min=0), default=50, show_default=True, help="Lines at most.")
@click.option("--since", type=NAME, metavar="TIME", help="Only since then: 2026-01-02T03:04:05Z.")
@click.option("--until", type=NAME, metavar="TIME", help="Only until then.")
@click.option("--notebook", type=NAME, metavar="NOTEBOOK", help="Only of this notebook.")
@click.option("--level", type=click.Choice(_LEVELS, case_sensitive=False), help="Only of this level.")
@click.option("--workspace", type=NAME, metavar="WORKSPACE", help="Only in this workspace.")
@click.option("--json", "json_wanted", is_flag=True, help="Print a JSON object a line.")
@pass_session
def events(session: Session, /, follow: bool, limit: int, json_wanted: bool, **asked: Any) -> None:
    """Print what happened, the newest last: to your notebooks, and to all for who runs the workspace."""
    client = session.client
    filters = _filters(client, asked)
    if follow:
        for event in _followed(client, limit, **filters):
            click.echo(_as_json(event) if json_wanted else visible("  ".join(_row(event))))
        return
    found = _latest(client, limit, **filters)
    if json_wanted:
        for event in found:
            click.echo(_as_json(event))
    else:
        print_table(("TIME", "LEVEL", "OBJECT", "REASON", "MESSAGE"), map(_row, found))


def _filters(client: Client, asked: dict[str, Any]) -> dict[str, Any]:
    notebook, workspace = asked["notebook"], asked["workspace"]
    return {
        "Since": asked["since"],
        "Until": asked["until"],
        "Level": asked["level"],
        "Kind": "notebook" if notebook else None,
        "Id": notebooks.find(client, notebook) if notebook else None,
        "WorkspaceId": workspace_id(client, workspace) if workspace else None,
    }


def _latest(client: Client, limit: int, **filters: Any) -> list[dict[str, Any]]:
    """The newest events, oldest first."""
    found: list[dict[str, Any]] = []
    before = None
    while limit > len(found):
        answer = client.call(
            operation("workbench", "ListEvents"),
            Limit=min(limit - len(found), _PAGE),
            Before=before,
            **filters,
        )
        found += answer["Events"]
        before = answer["NextBefore"]
        if not before:
            break
    return found[::-1]


def _followed(client: Client, limit: int, **filters: Any) -> Iterator[dict[str, Any]]:
    """Those that are there, then those that come: whatever the daemon tells of, it has kept before."""
    with client.stream(operation("workbench", "Watch")) as changes:
        known = max((each["Number"] for each in _latest(client, 1)), default=0)
        for event in _latest(client, limit, **filters):
            yield event
            known = max(known, event["Number"])
        for _ in changes:
            for event in _newer(client, known, **filters):
                yield event
                known = event["Number"]


def _newer(client: Client, known: int, **filters: Any) -> Iterator[dict[str, Any]]:
    while True:
        answer = client.call(operation("workbench", "ListEvents"), After=known, Limit=_PAGE, **filters)
        yield from reversed(answer["Events"])
        if len(answer["Events"]) < _PAGE:
            return
        known = answer["Events"][0]["Number"]


def _as_json(event: dict[str, Any]) -> str:
    return json_text(as_data(event))


def _row(event: dict[str, Any]) -> tuple[str, ...]:
    return event["Time"], event["Level"], event["Name"], event["Reason"], event["Message"]
