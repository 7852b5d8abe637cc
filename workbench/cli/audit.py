"""`workbench audit`: who did what."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from workbench.cli.lookups import as_data, user_id, workspace_id
from workbench.cli.output import json_text, print_table
from workbench.cli.session import Session, pass_session
from workbench.cli.values import NAME, NumberType
from workbench.client import Client
from workbench.wire.operations import operation
from workbench.wire.times import to_wire

_PAGE = 500
_MOST_DAYS = 36_500


@click.command()
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="Lines at most.")
@click.option("--days", type=NumberType(min=0, max=_MOST_DAYS), help="Only of so many days.")
@click.option("--since", type=NAME, metavar="TIME", help="Only since then: 2026-01-02T03:04:05Z.")
@click.option("--until", type=NAME, metavar="TIME", help="Only until then.")
@click.option("--user", type=NAME, metavar="NAME", help="Only what this user did.")
@click.option("--operation", "action", type=NAME, metavar="NAME", help="Only this, such as DeleteInstance.")
@click.option("--resource", type=NAME, metavar="ID", help="Only on this.")
@click.option("--workspace", type=NAME, metavar="WORKSPACE", help="Only in this workspace.")
@click.option("--level", type=click.Choice(["normal", "warning", "incident"]), help="Only of this level.")
@click.option("--json", "json_wanted", is_flag=True, help="Print a JSON object a line.")
@pass_session
def audit(session: Session, /, limit: int, days: float | None, json_wanted: bool, **asked: Any) -> None:
    """Print the audit log, newest first: every change, and every refusal.

    The machine's owner sees all of it, owners and administrators of a workspace what happened
    there, everybody what they did.
    """
    if days is not None:
        asked["since"] = to_wire(datetime.now(UTC) - timedelta(days=days))
    lines = _lines(session.client, limit, **_filters(session.client, asked))
    if json_wanted:
        for line in lines:
            click.echo(json_text({**as_data(line), "request_id": line["RequestId"]}))
        return
    print_table(("TIME", "USER", "FROM", "OPERATION", "ON", "DETAIL", "OUTCOME"), map(_row, lines))


def _filters(client: Client, asked: dict[str, Any]) -> dict[str, Any]:
    user, workspace = asked["user"], asked["workspace"]
    return {
        "Since": asked["since"],
        "Until": asked["until"],
        "UserId": user_id(client, user) if user else None,
        "Operation": asked["action"],
        "ResourceId": asked["resource"],
        "WorkspaceId": workspace_id(client, workspace) if workspace else None,
        "Level": asked["level"],
    }


def _lines(client: Client, limit: int, **filters: Any) -> Iterator[dict[str, Any]]:
    before = None
    while limit > 0:
        answer = client.call(
            operation("workbench", "ListAuditEntries"), Limit=min(limit, _PAGE), Before=before, **filters
        )
        yield from answer["Entries"]
        limit -= len(answer["Entries"])
        before = answer["NextBefore"]
        if not before:
            return


def _row(line: dict[str, Any]) -> tuple[str, ...]:
    outcome = f"{line['Status']} {line['Code']}".rstrip()
    who = line["UserName"] or "unknown"
    on, detail = line["ResourceId"], line.get("Detail", "")
    return line["Time"], who, line["Source"], line["Operation"], on, detail, outcome
