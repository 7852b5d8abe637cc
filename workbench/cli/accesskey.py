"""`workbench accesskey`: what programs sign their requests with."""

from __future__ import annotations

from typing import Any

import click

from workbench.cli.lookups import as_data, every, user_id
from workbench.cli.output import as_json, print_facts, print_json, print_table, say
from workbench.cli.session import Session, pass_session
from workbench.cli.values import NAME
from workbench.wire.operations import operation

_whose = click.option("--user", "owner", type=NAME, metavar="NAME", help="Whose; your own if not given.")


@click.group()
def accesskey() -> None:
    """Access keys: your own, and as the machine's owner everybody's."""


@accesskey.command()
@_whose
@as_json
@pass_session
def create(session: Session, owner: str | None, json_wanted: bool) -> None:
    """Make an access key; its secret is shown now, and no list shows it again.

    `workbench env` prints a key of your own with its secret.
    """
    client = session.client
    made = client.call(
        operation("workbench", "CreateAccessKey"), UserId=user_id(client, owner) if owner else None
    )
    if json_wanted:
        print_json(as_data(made))
        return
    print_facts((("access key id", made["AccessKeyId"]), ("access key secret", made["AccessKeySecret"])))
    say("Keep the secret: no list shows it again.")


@accesskey.command("list")
@_whose
@as_json
@pass_session
def list_(session: Session, owner: str | None, json_wanted: bool) -> None:
    """List access keys with their last use."""
    client = session.client
    whose = user_id(client, owner) if owner else None
    found = list(every(client, "workbench", "ListAccessKeys", "AccessKeys", UserId=whose))
    if json_wanted:
        print_json([as_data(each) for each in found])
    else:
        print_table(("ID", "USER", "STATE", "CREATED", "LAST USE"), map(_row, found))


@accesskey.command()
@click.argument("access_key_id", type=NAME)
@pass_session
def disable(session: Session, access_key_id: str) -> None:
    """Stop a key from working, at once."""
    session.client.call(operation("workbench", "UpdateAccessKey"), access_key_id=access_key_id, Enabled=False)


@accesskey.command()
@click.argument("access_key_id", type=NAME)
@pass_session
def enable(session: Session, access_key_id: str) -> None:
    """Let a disabled key work again."""
    session.client.call(operation("workbench", "UpdateAccessKey"), access_key_id=access_key_id, Enabled=True)


@accesskey.command()
@click.argument("access_key_id", type=NAME)
@pass_session
def delete(session: Session, access_key_id: str) -> None:
    """Delete a key."""
    session.client.call(operation("workbench", "DeleteAccessKey"), access_key_id=access_key_id)


def _row(key: dict[str, Any]) -> tuple[str, ...]:
    return (
        key["AccessKeyId"],
        key["UserName"],
        "" if key["Enabled"] else "disabled",
        key["GmtCreateTime"],
        key["GmtLastUseTime"] or "never",
    )
