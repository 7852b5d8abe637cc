"""`workbench token`: what is sent as it is by programs that cannot sign."""

from __future__ import annotations

from typing import Any

import click

from workbench.cli.lookups import as_data, every, user_id
from workbench.cli.output import as_json, print_json, print_table, say
from workbench.cli.session import Session, pass_session
from workbench.cli.values import NAME, NumberType
from workbench.wire.operations import operation

_whose = click.option("--user", "owner", type=NAME, metavar="NAME", help="Whose; your own if not given.")


@click.group()
def token() -> None:
    """Bearer tokens: your own, and as the machine's owner everybody's. Each ends by itself."""


@token.command()
@_whose
@click.option("--hours", type=NumberType(min=0, min_open=True), help="How long it lives; 24 if not given.")
@click.option("--description", default="", help="What it is for.")
@as_json
@pass_session
def create(
    session: Session, owner: str | None, hours: float | None, description: str, json_wanted: bool
) -> None:
    """Make a token; it is shown now and never again."""
    client = session.client
    made = client.call(
        operation("workbench", "CreateToken"),
        UserId=user_id(client, owner) if owner else None,
        LifeInHours=hours,
        Description=description,
    )
    if json_wanted:
        print_json(as_data(made))
        return
    click.echo(made["Token"])
    say(f"Keep it: it is not shown again. It ends at {made['GmtExpireTime']}.")


@token.command("list")
@_whose
@as_json
@pass_session
def list_(session: Session, owner: str | None, json_wanted: bool) -> None:
    """List tokens with their last use."""
    client = session.client
    whose = user_id(client, owner) if owner else None
    found = list(every(client, "workbench", "ListTokens", "Tokens", UserId=whose))
    if json_wanted:
        print_json([as_data(each) for each in found])
    else:
        print_table(("ID", "USER ID", "ENDS", "LAST USE", "DESCRIPTION"), map(_row, found))


@token.command()
@click.argument("token_id", type=NAME)
@pass_session
def delete(session: Session, token_id: str) -> None:
    """Delete a token, by its id."""
    session.client.call(operation("workbench", "DeleteToken"), token_id=token_id)


def _row(found: dict[str, Any]) -> tuple[str, ...]:
    last_use = found["GmtLastUseTime"] or "never"
    return found["TokenId"], found["UserId"], found["GmtExpireTime"], last_use, found["Description"]
